"""What is shipped: five packages, typed, importable alone, with the heavy parts late and the traps closed."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("encoders", "forecast", "jobs", "recsys", "warehouse")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LATE = ("torch", "transformers", "sentence_transformers", "lightgbm", "faiss")


def imported_with(module: str, *names: str) -> str:
    code = f"import sys, {module}; print([name for name in {names!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_imports_alone_without_a_warning_and_without_its_heavy_parts(room):
    assert imported_with(room, *LATE) == "[]"


@pytest.mark.parametrize("room", ["warehouse", "encoders"])
def test_the_ground_floor_imports_nothing_of_ours_above_it(room):
    others = [other for other in ROOMS if other != room]
    assert imported_with(room, *others) == "[]"


def test_the_packages_are_listed_and_typed():
    listed = PROJECT["tool"]["setuptools"]["packages"]
    assert {name.split(".")[0] for name in listed} == set(ROOMS)
    on_disk = {
        ".".join(init.parent.relative_to(ROOT).parts) for room in ROOMS for init in (ROOT / room).rglob("__init__.py")
    }
    assert set(listed) == on_disk
    assert all((ROOT / room / "py.typed").exists() for room in ROOMS)


def test_the_core_names_no_faiss_and_the_extras_bring_one_each():
    core = " ".join(PROJECT["project"]["dependencies"])
    extras = PROJECT["project"]["optional-dependencies"]
    assert "faiss" not in core
    assert "pandas" not in core
    assert [line.split(">")[0] for line in extras["cpu"]] == ["faiss-cpu"]
    assert [line.split(">")[0] for line in extras["gpu"]] == ["faiss-gpu"]
    assert not any("faiss" in line for name, lines in extras.items() if name not in {"cpu", "gpu"} for line in lines)


def test_torch_is_pinned_in_the_constraints_and_not_in_the_requirements():
    torch = [line for line in PROJECT["project"]["dependencies"] if line.startswith("torch")]
    assert len(torch) == 1
    assert "==" not in torch[0]
    assert "torch==2.13.0" in (ROOT / "constraints.txt").read_text().splitlines()


def test_what_only_benchmarks_need_stays_in_an_extra_of_its_own():
    extras = PROJECT["project"]["optional-dependencies"]
    for package in ("rectools", "implicit", "ranx"):
        owners = [name for name, lines in extras.items() if any(line.startswith(package) for line in lines)]
        assert owners == ["benchmarks"]


def test_the_distribution_and_its_command_are_called_shelfwise():
    assert PROJECT["project"]["name"] == "shelfwise"
    assert PROJECT["project"]["scripts"] == {"shelfwise": "jobs.cli:main"}
    assert "Private :: Do Not Upload" in PROJECT["project"]["classifiers"]
    assert importlib.metadata.version("shelfwise") == PROJECT["project"]["version"]


def test_nothing_in_the_project_unpickles():
    words = ("import pickle", "joblib", "torch.load(", "allow_pickle=True")
    sources = {path: path.read_text() for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    assert [(path.name, word) for path, source in sources.items() for word in words if word in source] == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_exists(room):
    module = __import__(room)
    missing = [name for name in module.__all__ if not hasattr(module, name)]
    assert missing == []
