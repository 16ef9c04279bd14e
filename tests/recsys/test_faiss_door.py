from __future__ import annotations

import os
import subprocess
import sys
import types
from importlib import metadata

import pytest

from recsys import faiss_door
from recsys.errors import RecsysError


@pytest.fixture(autouse=True)
def _forget_the_loaded_module():
    faiss_door.load_faiss.cache_clear()
    yield
    faiss_door.load_faiss.cache_clear()


def _pretend(monkeypatch, installed):
    def version(name):
        if name in installed:
            return installed[name]
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(faiss_door.metadata, "version", version)


def test_the_installed_faiss_has_no_problem_and_no_cure():
    status = faiss_door.faiss_status()
    assert status.distribution in faiss_door.DISTRIBUTIONS
    assert status.version == metadata.version(status.distribution)
    assert (status.problem, status.cure) == (None, None)
    assert status.gpus == faiss_door.gpu_count()


def test_without_faiss_the_error_names_the_command_that_installs_it(monkeypatch):
    _pretend(monkeypatch, {})
    with pytest.raises(RecsysError, match=r"no faiss is installed. Cure: pip install 'shelfwise\[cpu\]'"):
        faiss_door.load_faiss()


def test_two_distributions_in_one_folder_are_refused_with_the_cure(monkeypatch):
    _pretend(monkeypatch, {"faiss-cpu": "1.15.1", "faiss-gpu": "1.15.1"})
    status = faiss_door.faiss_status()
    assert "faiss-cpu and faiss-gpu are installed together" in status.problem
    assert status.cure == "pip uninstall -y faiss-cpu && pip install --force-reinstall --no-deps faiss-gpu"


def test_n02_an_empty_module_names_the_reinstall_that_cures_it(monkeypatch):
    _pretend(monkeypatch, {"faiss-gpu": "1.15.1"})
    monkeypatch.setitem(sys.modules, "faiss", types.ModuleType("faiss"))
    status = faiss_door.faiss_status()
    assert "is empty" in status.problem
    assert status.cure == "pip install --force-reinstall --no-deps faiss-gpu"


def test_an_import_that_fails_is_named_with_what_it_said(monkeypatch):
    _pretend(monkeypatch, {"faiss-gpu": "1.15.1"})

    def fail(name):
        msg = "libcublas.so.12 is missing"
        raise RuntimeError(msg)

    monkeypatch.setattr(faiss_door.importlib, "import_module", fail)
    status = faiss_door.faiss_status()
    assert "libcublas.so.12 is missing" in status.problem
    assert status.cure == "pip install --force-reinstall faiss-gpu"


def test_n01_a_gpu_wheel_without_a_gpu_counts_none(monkeypatch):
    module = types.ModuleType("faiss")
    module.IndexFlatIP = module.StandardGpuResources = object
    module.get_num_gpus = lambda: 0
    _pretend(monkeypatch, {"faiss-gpu": "1.15.1"})
    monkeypatch.setitem(sys.modules, "faiss", module)
    assert faiss_door.faiss_status() == faiss_door.FaissStatus("faiss-gpu", "1.15.1", 0, None, None)


def test_the_blas_threshold_follows_the_threads():
    faiss = faiss_door.load_faiss()
    before = faiss.omp_get_max_threads()
    assert faiss.cvar.distance_compute_blas_threshold == 800 * before
    faiss_door.set_threads(1)
    assert faiss.omp_get_max_threads() == 1
    assert faiss.cvar.distance_compute_blas_threshold == 800
    faiss_door.set_threads(before)


_FORK = """
import os, sys
import numpy as np
from recsys.faiss_door import set_threads
from recsys.vector_index import VectorIndex

set_threads(2)
vectors = np.random.default_rng(0).standard_normal((5000, 64)).astype(np.float32)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
index = VectorIndex.build([str(row) for row in range(len(vectors))], vectors)
parents = index.search(vectors[:500], k=3).rows()
child = os.fork()
if child == 0:
    os._exit(0 if index.search(vectors[:500], k=3).rows() == parents else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
def test_a_child_forked_after_a_search_answers_instead_of_hanging():
    options = ["-W", "ignore::DeprecationWarning", "-c", _FORK]  # forking beside threads is what is tried here
    done = subprocess.run([sys.executable, *options], timeout=60, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_a_forked_child_of_a_loaded_faiss_is_told_and_that_it_never_sees_a_gpu(monkeypatch):
    class WithGpu:
        StandardGpuResources = object
        threads = 8

        @staticmethod
        def get_num_gpus():
            return 2

        def omp_set_num_threads(self, threads):
            self.threads = threads

    module, told = WithGpu(), []
    monkeypatch.setattr(faiss_door, "_FORKED", told)
    assert faiss_door._gpus(module) == 2
    assert not faiss_door.forked()
    faiss_door._in_child(module)
    assert (module.threads, told) == (1, [os.getpid()])
    assert faiss_door.forked()
    assert faiss_door._gpus(module) == 0


def test_p16_importing_recsys_loads_no_faiss_torch_or_lightgbm_and_prints_nothing():
    code = (
        "import sys, recsys; recsys.Recommender, recsys.Filters, recsys.VectorIndex, recsys.similar_items; "
        "print([name for name in ('faiss', 'torch', 'lightgbm', 'scipy', 'duckdb') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""
