from __future__ import annotations

import dataclasses
import json
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from polars.testing import assert_frame_equal

from recsys import faiss_door
from recsys.errors import CorruptIndex, RecsysError
from recsys.faiss_door import gpu_count
from recsys.vector_index import VectorIndex, _GpuClone


def unit(vectors):
    vectors = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0).astype(np.float32)


def random_unit(n, dim, seed):
    return unit(np.random.default_rng(seed).standard_normal((n, dim)))


def brute_force(item_ids, vectors, queries, k, allowed=None):
    """Written apart from the index: exact sums, one pair at a time."""
    rows = []
    for number, query in enumerate(queries):
        if not query.any():
            continue
        scored = [
            (-np.float32(math.fsum(float(a) * float(b) for a, b in zip(query, vector, strict=True))), item_id)
            for row, (item_id, vector) in enumerate(zip(item_ids, vectors, strict=True))
            if vector.any() and (allowed is None or allowed[row])
        ]
        rows += [
            (number, item_id, rank, -float(score)) for rank, (score, item_id) in enumerate(sorted(scored)[:k], start=1)
        ]
    schema = {"query": pl.Int64, "item_id": pl.String, "rank": pl.Int32, "score": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


@st.composite
def searches(draw):
    n, dim = draw(st.integers(1, 40)), draw(st.integers(1, 6))
    small = st.integers(-2, 2)  # few values: many equal vectors, many ties, some zeros
    vectors = unit(draw(arrays(np.int64, (n, dim), elements=small)))
    queries = unit(draw(arrays(np.int64, (draw(st.integers(1, 4)), dim), elements=small)))
    ids = draw(st.permutations([f"i{number:02d}" for number in range(n)]))
    allowed = draw(st.none() | arrays(np.bool_, (n,)))
    return ids, vectors, queries, draw(st.integers(1, 50)), allowed


@settings(max_examples=150, deadline=None)
@given(searches())
def test_a_search_equals_brute_force_under_any_mask(case):
    ids, vectors, queries, k, allowed = case
    found = VectorIndex.build(ids, vectors).search(queries, k=k, allowed=allowed)
    assert_frame_equal(found, brute_force(ids, vectors, queries, k, allowed), check_exact=False, abs_tol=1e-7)
    assert found["item_id"].to_list() == brute_force(ids, vectors, queries, k, allowed)["item_id"].to_list()


@pytest.mark.parametrize("n_queries", [1, 7, 300])  # by hand-written kernels, by BLAS, over several blocks
def test_a_search_equals_brute_force_whatever_the_size_of_the_batch(n_queries):
    vectors = np.repeat(random_unit(150, 48, seed=1), 4, axis=0)  # every vector four times: ties at every border
    ids = [f"i{number:03d}" for number in np.random.default_rng(2).permutation(len(vectors))]
    queries = random_unit(n_queries, 48, seed=3)
    found = VectorIndex.build(ids, vectors).search(queries, k=6)
    by_id = np.argsort(ids)
    scores = (queries.astype(np.float64) @ vectors.astype(np.float64).T).astype(np.float32)[:, by_id]
    best = np.argsort(-scores, axis=1, kind="stable")[:, :6]
    assert found["item_id"].to_list() == [ids[by_id[item]] for row in best for item in row]


def test_more_equal_vectors_than_are_asked_for_come_by_id():
    ids = [f"i{number:03d}" for number in reversed(range(200))]
    index = VectorIndex.build(ids, np.tile(unit([[1, 2, 3]]), (200, 1)))
    found = index.search(unit([[1, 2, 3]]), k=3)
    assert found["item_id"].to_list() == ["i000", "i001", "i002"]
    assert found["score"].to_list() == pytest.approx([1.0] * 3, abs=1e-6)


def test_fewer_items_than_k_give_fewer_rows_and_never_a_padding():
    index = VectorIndex.build(["a", "b", "c"], unit([[1, 0], [0, 1], [1, 1]]))
    assert index.search(unit([[1, 0]]), k=100).rows() == [
        (0, "a", 1, 1.0),
        (0, "c", 2, pytest.approx(math.sqrt(0.5))),
        (0, "b", 3, 0.0),
    ]
    nobody = index.search(unit([[1, 0]]), k=2, allowed=np.zeros(3, dtype=bool))
    assert nobody.is_empty()
    assert nobody.columns == ["query", "item_id", "rank", "score"]


def test_an_item_without_a_vector_is_nobodys_neighbour_and_has_none():
    vectors = unit([[1, 0], [0, 0], [-1, 0]])
    index = VectorIndex.build(["a", "b", "c"], vectors)
    found = index.search(vectors, k=3)
    assert found["item_id"].to_list() == ["a", "c", "c", "a"]
    assert found["query"].to_list() == [0, 0, 2, 2]
    assert index.vectors().tolist() == vectors.tolist()
    assert index.vectors(np.array([1, 2])).tolist() == [[0.0, 0.0], [-1.0, 0.0]]


def test_an_index_without_any_vector_answers_with_no_rows(tmp_path):
    index = VectorIndex.build(["a", "b"], np.zeros((2, 3), dtype=np.float32))
    index.save(tmp_path)
    assert VectorIndex.load(tmp_path).search(unit([[1, 0, 0]]), k=2).is_empty()


def test_a_search_changes_no_byte_of_the_query_the_vectors_or_the_index(tmp_path):
    vectors, queries = random_unit(60, 8, seed=4), random_unit(5, 8, seed=5)
    given_vectors, given_queries = vectors.tobytes(), queries.tobytes()
    index = VectorIndex.build([f"i{number}" for number in range(60)], vectors)
    index.save(tmp_path / "before")
    index.search(queries, k=5)
    index.search(queries, k=5, allowed=np.arange(60) % 2 == 0)
    index.save(tmp_path / "after")
    assert (vectors.tobytes(), queries.tobytes()) == (given_vectors, given_queries)
    for name in ("vectors.faiss", "items.parquet", "manifest.json"):
        assert (tmp_path / "before" / name).read_bytes() == (tmp_path / "after" / name).read_bytes()
    with pytest.raises(ValueError, match="read-only"):
        index._matrix[0, 0] = 2


def test_vectors_that_change_after_building_change_no_answer():
    vectors = unit([[1, 0], [0, 1]])
    index = VectorIndex.build(["a", "b"], vectors)
    vectors[:] = 0
    assert index.search(unit([[1, 0]]), k=1)["item_id"].to_list() == ["a"]


@pytest.mark.parametrize(
    ("ids", "vectors", "message"),
    [
        (["a", "b", "a"], unit(np.eye(3)), "item id 'a' stands twice"),
        (["a", "b"], unit(np.eye(3)), "2 item ids and 3 vectors"),
        (["a", 7, "c"], unit(np.eye(3)), r"item ids are text; found 7 \(int\)"),
        (["a"], np.eye(1), "must be float32"),
        (["a"], np.ones(1, dtype=np.float32), "must be float32 of shape"),
        (["a"], np.empty((1, 0), dtype=np.float32), "must be float32 of shape"),
        (["a", "b"], np.array([[1, 0], [np.nan, 0]], dtype=np.float32), "item 'b' has NaN or infinity"),
        (["a", "b"], np.array([[1, 0], [np.inf, 0]], dtype=np.float32), "item 'b' has NaN or infinity"),
        (["a", "b"], np.array([[1, 0], [3, 0]], dtype=np.float32), "item 'b' has a length other than 1 or 0"),
    ],
)
def test_what_cannot_be_indexed_is_refused_by_name(ids, vectors, message):
    with pytest.raises(RecsysError, match=message):
        VectorIndex.build(ids, vectors)


@pytest.mark.parametrize(
    ("queries", "k", "allowed", "message"),
    [
        (np.array([[np.nan, 1]], dtype=np.float32), 1, None, "row 0 has NaN"),
        (unit([[1, 0, 0]]), 1, None, "3 components, and the index has 2"),
        (unit([[1, 0]]), 0, None, "k must be at least 1; found 0"),
        (unit([[1, 0]]), 1, np.ones(3, dtype=bool), r"bool of shape \(2,\)"),
        (unit([[1, 0]]), 1, np.ones(2, dtype=int), r"bool of shape \(2,\)"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(queries, k, allowed, message):
    index = VectorIndex.build(["a", "b"], unit([[1, 0], [0, 1]]))
    with pytest.raises(RecsysError, match=message):
        index.search(queries, k=k, allowed=allowed)


def test_a_loaded_index_answers_like_the_one_that_was_saved(tmp_path):
    vectors = np.vstack([random_unit(50, 8, seed=6), np.zeros((2, 8), dtype=np.float32)])
    index = VectorIndex.build([f"007{number}" for number in range(52)], vectors)
    index.save(tmp_path)
    loaded = VectorIndex.load(tmp_path)
    assert loaded.item_ids == index.item_ids
    assert (len(loaded), loaded.dim) == (52, 8)
    assert_frame_equal(loaded.search(vectors, k=7), index.search(vectors, k=7))


@pytest.mark.parametrize("name", ["vectors.faiss", "items.parquet"])
def test_p08_a_truncated_file_is_named_before_it_is_read(tmp_path, name):
    VectorIndex.build(["a", "b"], unit([[1, 0], [0, 1]])).save(tmp_path)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(CorruptIndex, match=rf"{name}: sha256 is .* the file is damaged"):
        VectorIndex.load(tmp_path)


def test_p08_a_missing_file_or_manifest_is_named(tmp_path):
    VectorIndex.build(["a", "b"], unit([[1, 0], [0, 1]])).save(tmp_path)
    (tmp_path / "vectors.faiss").unlink()
    with pytest.raises(CorruptIndex, match=r"vectors\.faiss: sha256 is no file"):
        VectorIndex.load(tmp_path)
    (tmp_path / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(CorruptIndex, match="no readable manifest"):
        VectorIndex.load(tmp_path)


def test_an_unknown_format_is_named(tmp_path):
    VectorIndex.build(["a"], unit([[1, 0]])).save(tmp_path)
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 99}))
    with pytest.raises(RecsysError, match="index format 99, and this version reads 1"):
        VectorIndex.load(tmp_path)


def test_eight_threads_get_the_answers_that_one_gets():
    vectors = random_unit(400, 16, seed=7)
    index = VectorIndex.build([f"i{number}" for number in range(400)], vectors)
    masks = [None, np.arange(400) % 3 == 0]

    def ask(number):
        row = number % 400
        return index.search(vectors[row : row + 1], k=5, allowed=masks[number % 2])["item_id"].to_list()

    alone = [ask(number) for number in range(400)]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(400))) == alone


@pytest.mark.gpu
def test_p10_the_gpu_answers_like_the_cpu_but_for_ties():
    if gpu_count() == 0:
        pytest.skip("faiss sees no GPU: needs faiss-gpu and a CUDA device")
    vectors = random_unit(20_000, 384, seed=8)
    index = VectorIndex.build([f"i{number:05d}" for number in range(20_000)], vectors)
    assert index.device == "gpu"
    on_gpu = index.search(vectors[:500], k=20)
    everything = np.ones(20_000, dtype=bool)  # a mask, even one that allows all, is answered by the CPU
    on_cpu = index.search(vectors[:500], k=20, allowed=everything)
    assert np.abs(on_gpu["score"].to_numpy() - on_cpu["score"].to_numpy()).max() <= 1e-4
    differs = on_gpu.filter(on_gpu["item_id"] != on_cpu["item_id"])
    assert differs.is_empty()


class WatchedGpu:
    """Stands where the GPU's index would: answers like the CPU's and notes how many are inside at once."""

    def __init__(self, index):
        self.index, self.calls, self.inside, self.most = index, 0, 0, 0

    def search(self, block, k):
        self.calls += 1
        self.inside += 1
        self.most = max(self.most, self.inside)
        time.sleep(0.001)
        found = self.index.search(block, k)
        self.inside -= 1
        return found


def test_the_gpu_is_asked_by_one_thread_at_a_time_and_never_with_a_mask():
    vectors = random_unit(3000, 8, seed=9)
    on_cpu = VectorIndex.build([f"i{number:04d}" for number in range(3000)], vectors)
    gpu = WatchedGpu(on_cpu._faiss)
    index = dataclasses.replace(on_cpu, _gpu=_GpuClone(gpu, None, threading.Lock()))
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda row: index.search(vectors[row : row + 1], k=5), range(40)))
    assert [frame["item_id"][0] for frame in found] == [f"i{row:04d}" for row in range(40)]
    assert gpu.calls >= 40
    assert gpu.most == 1
    asked = gpu.calls
    mask = np.arange(3000) % 2 == 0  # an IDSelector on a classic GPU index is ignored without a word
    assert_frame_equal(index.search(vectors[:3], k=5, allowed=mask), on_cpu.search(vectors[:3], k=5, allowed=mask))
    assert_frame_equal(index.search(vectors[:1], k=2500), on_cpu.search(vectors[:1], k=2500))  # above 2048 rows a query
    assert gpu.calls == asked


def test_in_a_forked_child_the_gpu_is_not_asked(monkeypatch):
    vectors = random_unit(3000, 8, seed=9)
    on_cpu = VectorIndex.build([f"i{number:04d}" for number in range(3000)], vectors)
    gpu = WatchedGpu(on_cpu._faiss)
    index = dataclasses.replace(on_cpu, _gpu=_GpuClone(gpu, None, threading.Lock()))
    assert index.device == "gpu"
    monkeypatch.setattr(faiss_door, "_FORKED", [1])
    assert index.device == "cpu"
    assert_frame_equal(index.search(vectors[:5], k=5), on_cpu.search(vectors[:5], k=5))
    assert gpu.calls == 0
