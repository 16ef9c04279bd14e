"""The nearest items of items, and what stands in where nothing is near: one rule for the night and for every call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recsys.vector_index import VectorIndex

__all__ = ["NearPairs", "Neighbours", "places"]


@dataclass(frozen=True, slots=True)
class NearPairs:
    """Pairs as arrays of one length, grouped by query and best first: rows of the index, and the cosine.

    `near` is False for a pair that fills a short list: its score is 0.
    """

    query: NDArray[np.int64]
    item: NDArray[np.int64]
    score: NDArray[np.float32]
    near: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Answers over an index whose rows stand most bought first; `categories[i]` is that of row `i`."""

    index: VectorIndex
    categories: tuple[str | None, ...]

    def of(self, rows: NDArray[np.int64], *, k: int, allowed: NDArray[np.bool_] | None = None) -> NearPairs:
        """Return min(k, allowed others) items for each of `rows`, never the item itself.

        First those with a cosine above 0, then the most bought of its category, then of the shop.
        """
        found = self.index.nearest(self.index.vectors(rows), k=k + 1, allowed=allowed)
        others = (rows[found.query] != found.item) & (found.score > 0)
        query, item, score = found.query[others], found.item[others], found.score[others]
        first = places(query) <= k
        query, item, score = query[first], item[first], score[first]
        filled = self._fill(rows, NearPairs(query, item, score, np.ones(len(query), dtype=bool)), k, allowed)
        order = np.lexsort((~filled.near, filled.query))  # stable: each part keeps its own order
        return NearPairs(rows[filled.query[order]], filled.item[order], filled.score[order], filled.near[order])

    def _fill(
        self,
        rows: NDArray[np.int64],
        near: NearPairs,
        k: int,
        allowed: NDArray[np.bool_] | None,
    ) -> NearPairs:
        short = np.flatnonzero(np.bincount(near.query, minlength=len(rows)) < k)
        offered = np.arange(len(self.index)) if allowed is None else np.flatnonzero(allowed)
        by_category: dict[str, list[int]] = {}
        for row in offered.tolist() if len(short) else ():
            category = self.categories[row]
            if category is not None:
                by_category.setdefault(category, []).append(row)
        starts, ends = np.searchsorted(near.query, short), np.searchsorted(near.query, short, side="right")
        queries: list[int] = []
        items: list[int] = []
        for place, start, end in zip(short.tolist(), starts, ends, strict=True):
            own = int(rows[place])
            taken = {own, *near.item[start:end].tolist()}
            category = self.categories[own]
            mates = by_category.get(category, [])[: 2 * k + 1] if category is not None else []
            # near and mates together take at most 2 k + 1 of the shop's first
            pool = dict.fromkeys((*mates, *offered[: 3 * k + 2].tolist()))
            fill = [row for row in pool if row not in taken][: k - int(end - start)]
            queries += [place] * len(fill)
            items += fill
        return NearPairs(
            np.concatenate([near.query, np.array(queries, dtype=np.int64)]),
            np.concatenate([near.item, np.array(items, dtype=np.int64)]),
            np.concatenate([near.score, np.zeros(len(items), dtype=np.float32)]),
            np.concatenate([near.near, np.zeros(len(items), dtype=bool)]),
        )


def places(query: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the place, from 1, of each entry within its run of equal values; equal values stand together."""
    starts = np.flatnonzero(np.r_[True, query[1:] != query[:-1]]) if len(query) else np.empty(0, dtype=np.int64)
    lengths = np.diff(np.r_[starts, len(query)])
    return (np.arange(len(query)) - np.repeat(starts, lengths) + 1).astype(np.int32)
