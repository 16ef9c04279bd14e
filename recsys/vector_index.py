"""Exact nearest items by inner product: what faiss finds is re-scored, so that the answer equals brute force.

faiss sums a product in an order that depends on the size of the batch: equal vectors may differ in their last bit, and
ties may fall either way. So faiss only proposes candidates, with a margin above its largest possible rounding error;
each is then scored in float64, rounded to float32, and ties go to the lower id.
"""

from __future__ import annotations

import os
import threading
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.errors import RecsysError
from recsys.faiss_door import forked, gpu_count, load_faiss
from recsys.index_files import INDEX, ITEMS, verify_index, write_manifest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Nearest", "VectorIndex"]

Vectors = NDArray[np.float32]

_LENGTH_TOLERANCE = 1e-3
_GPU_MOST = 2048  # rows a query that a classic GPU index can return
_GPU_TEMP = 256 << 20  # bytes of working memory an index; faiss's own 1.5 GiB would leave room for few indexes
_BLOCK = 256  # queries re-scored at once: bounds memory


@dataclass(frozen=True, slots=True)
class Nearest:
    """The answer as arrays of one length: query (its row), item (row into `item_ids`), score; by query, best first."""

    query: NDArray[np.int64]
    item: NDArray[np.int64]
    score: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class _GpuClone:
    """A copy on the first GPU. faiss on a GPU is not safe for two readers at once: one lock guards it."""

    index: Any
    resources: Any
    lock: threading.Lock


_CLONES: weakref.WeakSet[_GpuClone] = weakref.WeakSet()
_KEPT: list[_GpuClone] = []
# freeing a clone in a forked child, where CUDA cannot be used, would abort it: there, none is ever freed
os.register_at_fork(after_in_child=lambda: _KEPT.extend(_CLONES))


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """Row `i` belongs to `item_ids[i]`. Immutable and safe to search from many threads: a query changes nothing.

    A vector has length 1, or 0 where there is nothing to compare: such an item is nobody's neighbour and has none.
    """

    item_ids: tuple[str, ...]
    _faiss: Any  # IndexFlatIP over the rows that have a vector
    _matrix: Vectors  # (n_stored, dim): a read-only view of what `_faiss` holds
    _stored: NDArray[np.int64]  # (n_stored,): row into item_ids
    _slot: NDArray[np.int64]  # (n_items,): row into _matrix, -1 without a vector
    _id_rank: NDArray[np.int64]  # (n_items,): place of the id in sorted order
    _gpu: _GpuClone | None

    @classmethod
    def build(cls, item_ids: Sequence[str], vectors: Vectors) -> VectorIndex:
        """Index `vectors`, float32 of shape (n_items, dim), row `i` for `item_ids[i]`.

        Raises:
            RecsysError: duplicate ids, another shape or type, NaN or infinity, a length other than 1 or 0.
        """
        ids = tuple(item_ids)
        _check_ids(ids)
        if vectors.ndim == 2 and len(vectors) != len(ids):
            msg = f"index: {len(ids)} item ids and {len(vectors)} vectors; row i of the vectors belongs to item_ids[i]"
            raise RecsysError(msg)
        _check_vectors(vectors, what="index", names=ids)
        kept = np.flatnonzero(vectors.any(axis=1))
        index = load_faiss().IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors[kept]))
        return cls._around(ids, index, kept)

    @classmethod
    def _around(cls, ids: tuple[str, ...], index: Any, stored: NDArray[np.int64]) -> VectorIndex:  # noqa: ANN401
        slot = np.full(len(ids), -1, dtype=np.int64)
        slot[stored] = np.arange(len(stored))
        id_rank = np.empty(len(ids), dtype=np.int64)
        id_rank[np.array(sorted(range(len(ids)), key=ids.__getitem__), dtype=np.int64)] = np.arange(len(ids))
        return cls(ids, index, _view(index), stored, slot, id_rank, _gpu_clone(index))

    @property
    def dim(self) -> int:
        """Return the number of components of a vector."""
        return int(self._matrix.shape[1])

    @property
    def device(self) -> str:
        """Return where a search without a mask runs: cpu or gpu."""
        return "cpu" if self._gpu is None or forked() else "gpu"

    def __len__(self) -> int:
        """Return the number of items, those without a vector among them."""
        return len(self.item_ids)

    def vectors(self, rows: NDArray[np.int64] | None = None) -> Vectors:
        """Return a copy of the vectors of those rows of `item_ids` (None: all), (n, dim); zeros where there is none."""
        slots = self._slot if rows is None else self._slot[rows]
        taken = np.zeros((len(slots), self.dim), dtype=np.float32)
        taken[slots >= 0] = self._matrix[slots[slots >= 0]]
        return taken

    def search(self, queries: Vectors, *, k: int, allowed: NDArray[np.bool_] | None = None) -> pl.DataFrame:
        """Return the `k` nearest items of each query: query (its row), item_id, rank (from 1), score (cosine).

        `queries` is float32 of shape (n, dim), lengths 1 or 0 (no rows); `allowed`, of shape (n_items,), says which
        items may be returned. Where fewer than `k` exist there are fewer rows. Ties by id.

        Raises:
            RecsysError: queries of another shape or type, or NaN in them; a mask of another shape; k below 1.
        """
        found = self.nearest(queries, k=k, allowed=allowed)
        firsts = np.searchsorted(found.query, found.query, side="left")
        return pl.DataFrame(
            {
                "query": found.query,
                "item_id": [self.item_ids[item] for item in found.item],
                "rank": (np.arange(len(found.query)) - firsts + 1).astype(np.int32),
                "score": found.score.astype(np.float64),
            },
            schema={"query": pl.Int64, "item_id": pl.String, "rank": pl.Int32, "score": pl.Float64},
        )

    def nearest(self, queries: Vectors, *, k: int, allowed: NDArray[np.bool_] | None = None) -> Nearest:
        """Return what `search` returns, as arrays."""
        self._check_query(queries, k, allowed)
        slots = None if allowed is None else allowed[self._stored]
        asked = np.flatnonzero(queries.any(axis=1)).astype(np.int64)
        parts = [
            self._block(queries, asked[first : first + _BLOCK], k, slots) for first in range(0, len(asked), _BLOCK)
        ]
        if not parts:
            return Nearest(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
        return Nearest(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def _check_query(self, queries: Vectors, k: int, allowed: NDArray[np.bool_] | None) -> None:
        _check_vectors(queries, what="query", names=())
        if queries.shape[1] != self.dim:
            msg = f"query: {queries.shape[1]} components, and the index has {self.dim}; use the run's own encoder"
            raise RecsysError(msg)
        if k < 1:
            msg = f"query: k must be at least 1; found {k}"
            raise RecsysError(msg)
        if allowed is not None and (allowed.dtype != np.bool_ or allowed.shape != (len(self),)):
            msg = f"query: allowed must be bool of shape ({len(self)},); found {allowed.dtype} of shape {allowed.shape}"
            raise RecsysError(msg)

    def _block(
        self, queries: Vectors, rows: NDArray[np.int64], k: int, slots: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        block = np.ascontiguousarray(queries[rows])
        n_allowed = len(self._stored) if slots is None else int(slots.sum())
        if n_allowed == 0:
            return rows[:0], rows[:0], np.empty(0, np.float32)
        candidates = self._candidates(block, min(k, n_allowed), n_allowed, slots)  # (n_queries, n_candidates)
        # einsum sums each product by itself, in one order: equal vectors get equal scores
        scores = np.empty(candidates.shape, dtype=np.float32)
        for row, (query, found) in enumerate(zip(block, candidates, strict=True)):
            scores[row] = np.einsum("kd,d->k", self._matrix[found], query, dtype=np.float64, casting="safe")
        items = self._stored[candidates]
        order = np.lexsort((self._id_rank[items], -scores), axis=-1)[:, : min(k, n_allowed)]
        return (
            np.repeat(rows, order.shape[1]),
            np.take_along_axis(items, order, axis=1).ravel(),
            np.take_along_axis(scores, order, axis=1).ravel(),
        )

    def _candidates(self, block: Vectors, k: int, n_allowed: int, slots: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        """Return slots among which the true best `k` of each query are: more than `k` where scores stand close."""
        # The bound on a float32 inner product's rounding error, in whatever order it is summed: dim * 2^-24 * |x| * |q|
        # (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1); twice, for the two that are
        # compared, and the float32 rounding of the final score.
        margin = 2 * (self.dim + 2) * 2.0**-24 * (1 + _LENGTH_TOLERANCE) ** 2
        asked = min(k + 16, n_allowed)
        while True:
            scores, found = self._propose(block, asked, slots)
            if asked == n_allowed or bool((scores[:, -1] < scores[:, k - 1] - margin).all()):
                return found
            asked = min(asked * 4, n_allowed)

    def _propose(
        self, block: Vectors, k: int, slots: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        # A classic GPU index takes an IDSelector and ignores it without a word: a masked search never goes there.
        if self._gpu is not None and slots is None and k <= _GPU_MOST and not forked():
            with self._gpu.lock:
                scores, found = self._gpu.index.search(block, k)
            return scores, found
        if slots is None:
            scores, found = self._faiss.search(block, k)
            return scores, found
        faiss = load_faiss()
        selector = faiss.IDSelectorBitmap(np.packbits(slots, bitorder="little"))
        scores, found = self._faiss.search(block, k, params=faiss.SearchParameters(sel=selector))
        return scores, found

    def save(self, folder: Path) -> None:
        """Write the index, its item ids and a manifest with their sha256 into `folder`, which is made where absent."""
        folder.mkdir(parents=True, exist_ok=True)
        load_faiss().write_index(self._faiss, str(folder / INDEX))
        pl.DataFrame(
            {"item_id": list(self.item_ids), "slot": self._slot}, schema={"item_id": pl.String, "slot": pl.Int64}
        ).write_parquet(folder / ITEMS)
        write_manifest(folder, items=len(self), dim=self.dim)

    @classmethod
    def load(cls, folder: Path) -> VectorIndex:
        """Read what `save` wrote; faiss reads nothing before the hashes agree.

        Raises:
            CorruptIndex: a file is missing or is not what the manifest says.
            RecsysError: written in a format that this version does not know.
        """
        verify_index(folder)
        items = pl.read_parquet(folder / ITEMS)
        index = load_faiss().read_index(str(folder / INDEX))
        return cls._around(tuple(items["item_id"]), index, np.flatnonzero(items["slot"].to_numpy() >= 0))


def _check_ids(ids: tuple[str, ...]) -> None:
    wrong = next((item_id for item_id in ids if not isinstance(item_id, str)), None)
    if wrong is not None:
        msg = f"index: item ids are text; found {wrong!r} ({type(wrong).__name__})"
        raise RecsysError(msg)
    if len(set(ids)) != len(ids):
        seen: set[str] = set()
        twice = next(item_id for item_id in ids if item_id in seen or seen.add(item_id))  # type: ignore[func-returns-value]
        msg = f"index: item id {twice!r} stands twice; each item has one vector"
        raise RecsysError(msg)


def _check_vectors(vectors: Vectors, *, what: str, names: tuple[str, ...]) -> None:
    if vectors.ndim != 2 or vectors.dtype != np.float32 or vectors.shape[1] == 0:
        msg = f"{what}: vectors must be float32 of shape (n, dim); found {vectors.dtype} of shape {vectors.shape}"
        raise RecsysError(msg)
    lengths = np.linalg.norm(vectors, axis=1)  # (n,)
    for wrong, found in (
        (~np.isfinite(vectors).all(axis=1), "NaN or infinity"),
        ((lengths != 0) & (np.abs(lengths - 1) > _LENGTH_TOLERANCE), "a length other than 1 or 0: divide by it first"),
    ):
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            name = f"item {names[row]!r}" if names else f"row {row}"
            msg = f"{what}: the vector of {name} has {found}"
            raise RecsysError(msg)


def _view(index: Any) -> Vectors:  # noqa: ANN401
    if index.ntotal == 0:
        return np.empty((0, index.d), dtype=np.float32)
    flat = load_faiss().rev_swig_ptr(index.get_xb(), index.ntotal * index.d)
    view: Vectors = flat.reshape(index.ntotal, index.d)
    view.flags.writeable = False
    return view


def _gpu_clone(index: Any) -> _GpuClone | None:  # noqa: ANN401
    # index_cpu_to_all_gpus without a GPU gives an empty index that fails without a message: ask first
    if index.ntotal == 0 or gpu_count() == 0:
        return None
    faiss = load_faiss()
    resources = faiss.StandardGpuResources()
    resources.setTempMemory(_GPU_TEMP)
    clone = _GpuClone(faiss.index_cpu_to_gpu(resources, 0, index), resources, threading.Lock())
    _CLONES.add(clone)
    return clone
