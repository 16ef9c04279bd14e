"""The only place that imports faiss: one distribution, its traps closed, its GPUs counted."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import metadata
from typing import Any

from recsys.errors import RecsysError

__all__ = ["DISTRIBUTIONS", "FaissStatus", "faiss_status", "forked", "gpu_count", "load_faiss", "set_threads"]

# all of them install the same folder `faiss/`
DISTRIBUTIONS = (
    "faiss-cpu",
    "faiss-gpu",
    "faiss-gpu-cuvs",
    "faiss-gpu-cu11",
    "faiss-gpu-cu12",
    "faiss-gpu-cu12-cuvs",
    "faiss-gpu-cu13-cuvs",
    "faiss-cuda",
)

# Since 1.14.2 faiss hands a batch to BLAS only from nq * dim = 128,000 on, which on few cores is several times slower
# than from 800 a thread on (faiss pull request 5109).
_BLAS_THRESHOLD_PER_THREAD = 800
_FORKED: list[int] = []  # this process's id, where it was forked from one that had loaded faiss


@dataclass(frozen=True, slots=True)
class FaissStatus:
    """Which faiss is installed and what it sees. `problem` is None where all is well, else `cure` is a command."""

    distribution: str | None
    version: str | None
    gpus: int
    problem: str | None
    cure: str | None


def faiss_status() -> FaissStatus:
    """Look at the installed faiss distributions and at what importing faiss brings; raise nothing."""
    found = _installed()
    if not found:
        return FaissStatus(None, None, 0, "no faiss is installed", "pip install 'shelfwise[cpu]'")
    if len(found) > 1:
        kept = next(name for name in reversed(list(found)))
        removed = " ".join(name for name in found if name != kept)
        problem = f"{' and '.join(found)} are installed together, and both own the folder faiss/"
        cure = f"pip uninstall -y {removed} && pip install --force-reinstall --no-deps {kept}"
        return FaissStatus(None, None, 0, problem, cure)
    ((name, version),) = found.items()
    cure = f"pip install --force-reinstall --no-deps {name}"
    try:
        module = importlib.import_module("faiss")
    except (ImportError, RuntimeError, OSError) as error:  # RuntimeError: faiss-gpu without its CUDA libraries
        return FaissStatus(name, version, 0, f"importing faiss fails: {error}", f"pip install --force-reinstall {name}")
    if not hasattr(module, "IndexFlatIP"):
        problem = f"the module faiss of {name} {version} is empty: another faiss was uninstalled beside it"
        return FaissStatus(name, version, 0, problem, cure)
    return FaissStatus(name, version, _gpus(module), None, None)


@lru_cache(maxsize=1)
def load_faiss() -> Any:  # noqa: ANN401 (faiss ships no usable types)
    """Return the module faiss, set up for few cores.

    Raises:
        RecsysError: none or several distributions, or an empty or broken module; names the command that cures it.
    """
    status = faiss_status()
    if status.problem is not None:
        msg = f"faiss cannot be used: {status.problem}. Cure: {status.cure}"
        raise RecsysError(msg)
    module = importlib.import_module("faiss")
    module.cvar.distance_compute_blas_threshold = _BLAS_THRESHOLD_PER_THREAD * module.omp_get_max_threads()
    # a forked child has none of its parent's OpenMP threads and would wait for them for ever: there, one thread
    os.register_at_fork(after_in_child=partial(_in_child, module))
    return module


def _in_child(module: Any) -> None:  # noqa: ANN401
    module.omp_set_num_threads(1)
    _FORKED.append(os.getpid())


def set_threads(threads: int) -> None:
    """Let faiss use that many threads for what the calling thread asks of it (OpenMP keeps the number by thread)."""
    module = load_faiss()
    module.omp_set_num_threads(threads)
    module.cvar.distance_compute_blas_threshold = _BLAS_THRESHOLD_PER_THREAD * threads


def forked() -> bool:
    """Whether this process was forked from one that had loaded faiss: CUDA cannot be used there, so the CPU answers."""
    return bool(_FORKED)


def gpu_count() -> int:
    """Return how many GPUs faiss itself can use: 0 with faiss-cpu, whatever hangs in the machine."""
    return _gpus(load_faiss())


def _gpus(module: Any) -> int:  # noqa: ANN401
    # faiss-cpu has get_num_gpus but no GPU classes
    return int(module.get_num_gpus()) if hasattr(module, "StandardGpuResources") and not forked() else 0


def _installed() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
