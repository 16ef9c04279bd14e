"""The union of the sources' best items for a block of users, each with every source's score and rank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from recsys.sources.contract import Source

__all__ = ["NO_RANK", "Candidates", "best_of_rows", "find_candidates", "place_in_group", "user_blocks"]

NO_RANK = 1000.0  # of a candidate that a source says nothing of
_BLOCK_CELLS = 6_000_000  # users times items of a block: bounds the memory of one source's scores to some 25 MB


@dataclass(frozen=True, slots=True)
class Candidates:
    """One row a candidate, sorted by user and item. `score`, `rank`: (rows, sources); rank 1 is a source's best."""

    user: NDArray[np.int64]
    item: NDArray[np.int64]
    score: NDArray[np.float32]
    rank: NDArray[np.float32]

    def where(self, kept: NDArray[np.bool_]) -> Candidates:
        """Return the rows that are kept."""
        return Candidates(self.user[kept], self.item[kept], self.score[kept], self.rank[kept])


def user_blocks(users: NDArray[np.int64], n_items: int) -> Iterator[NDArray[np.int64]]:
    """Yield the users in blocks that fit in memory."""
    size = max(1, _BLOCK_CELLS // max(n_items, 1))
    for first in range(0, len(users), size):
        yield users[first : first + size]


def find_candidates(
    sources: Sequence[Source],
    users: NDArray[np.int64],
    *,
    allowed: NDArray[np.bool_],
    hidden: Any | None,  # noqa: ANN401 (scipy ships no types)
    also: NDArray[np.int64] | None = None,
) -> Candidates:
    """Return each source's best `take` items for each user, unioned.

    `allowed`: (items,) what may be shown at all. `hidden`: sparse (users, items) of what each user must not be shown.
    `also`: sorted user * items + item of further candidates; `users` is sorted then.
    """
    n_items = len(allowed)
    gone = None if hidden is None else hidden[users].nonzero()
    keys: list[NDArray[np.int64]] = []
    scored: list[NDArray[np.float32]] = []
    for source in sources:
        scores = source.scores(users)
        scores[:, ~allowed] = 0.0
        if gone is not None:
            scores[gone] = 0.0
        scored.append(scores)
        keys.append(best_of_rows(scores, source.take))
    if also is not None:
        keys.append(_rows_of(also, users, n_items))
    key = np.unique(np.concatenate(keys)) if keys else np.empty(0, dtype=np.int64)
    row, item = key // n_items, key % n_items
    score = np.stack([scores[row, item] for scores in scored], axis=1) if scored else np.empty((0, 0), np.float32)
    return Candidates(users[row], item, score, _ranks(row, score))


def _rows_of(pairs: NDArray[np.int64], users: NDArray[np.int64], n_items: int) -> NDArray[np.int64]:
    """Return row * items + item of the pairs whose user is one of `users`."""
    row = np.minimum(np.searchsorted(users, pairs // n_items), len(users) - 1)
    known = users[row] == pairs // n_items
    return np.asarray(row[known] * np.int64(n_items) + pairs[known] % n_items, dtype=np.int64)


def best_of_rows(scores: NDArray[np.float32], take: int) -> NDArray[np.int64]:
    """Return row * items + item of the `take` highest scores above 0 of each row; ties by the item's place."""
    n_items = scores.shape[1]
    row, item = np.nonzero(scores >= _floor(scores, take)[:, None])
    order = np.lexsort((item, -scores[row, item], row))
    row, item = row[order], item[order]
    kept = place_in_group(row) < take
    return np.asarray(row[kept] * np.int64(n_items) + item[kept], dtype=np.int64)


def _floor(scores: NDArray[np.float32], take: int) -> NDArray[np.float32]:
    """Return for each row a bound above 0 that at least its `take` highest scores reach, where so many are above 0.

    The highest scores of `take` groups of items are `take` scores: the lowest of them bounds the true floor from below,
    for a fraction of what sorting the whole row costs.
    """
    least = np.float32(np.finfo(np.float32).tiny)
    size = max(1, scores.shape[1] // (8 * take))
    groups = scores.shape[1] // size
    if groups <= take:
        return np.full(len(scores), least)
    highest = scores[:, : groups * size].reshape(len(scores), size, groups).max(axis=1)
    return np.maximum(np.partition(highest, groups - take, axis=1)[:, groups - take], least)


def _ranks(row: NDArray[np.int64], score: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each source's ranks within a user's candidates, ties by the item's place; `NO_RANK` for scores of 0."""
    rank = np.full(score.shape, NO_RANK, dtype=np.float32)
    for source in range(score.shape[1]):
        order = np.lexsort((-score[:, source], row))
        place = place_in_group(row[order]) + 1
        rank[order, source] = np.where(score[order, source] > 0, place, NO_RANK)
    return rank


def place_in_group(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return 0, 1, 2 … within each run of equal values."""
    first = np.ones(len(group), dtype=bool)
    first[1:] = group[1:] != group[:-1]
    starts = np.flatnonzero(first)
    return np.asarray(np.arange(len(group)) - starts[np.cumsum(first) - 1], dtype=np.int64)
