"""From candidates to lists: the order of each user's rows, and what fills a list that is short."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recsys.candidates import NO_RANK, place_in_group, user_blocks
from recsys.sources.popular import buyers_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recsys.candidates import Candidates
    from recsys.ranker import Ranker
    from recsys.training import Evening

__all__ = ["FILL", "ListRows", "blend_scores", "fill_short", "order_lists", "popular_order"]

FILL = -1  # the source of a row that fills a list
# a source's weight in the order that stands in where there is too little to train a ranker on
_BLEND = {
    "repeat": 1.0,
    "covisit": 1.0,
    "company": 0.8,
    "interest": 0.8,
    "text": 0.6,
    "browsing": 0.6,
    "attributes": 0.4,
    "popular": 0.4,
    "season": 0.1,
}


@dataclass(frozen=True, slots=True)
class ListRows:
    """Rows of lists, sorted by user, then best first: `source` is its place among the evening's sources, or `FILL`."""

    user: NDArray[np.int64]
    item: NDArray[np.int64]
    score: NDArray[np.float64]
    source: NDArray[np.int64]

    def rank(self) -> NDArray[np.int64]:
        """Return 1, 2, 3 … within each user."""
        return place_in_group(self.user) + 1

    def where(self, kept: NDArray[np.bool_]) -> ListRows:
        """Return the rows that are kept."""
        return ListRows(self.user[kept], self.item[kept], self.score[kept], self.source[kept])


def blend_scores(found: Candidates, names: list[str]) -> NDArray[np.float64]:
    """Return the weighted sum of reciprocal ranks (Cormack et al., Reciprocal Rank Fusion, 2009)."""
    weights = np.array([_BLEND[name] for name in names])
    spoken = np.where(found.rank < NO_RANK, 1.0 / (found.rank + 10.0), 0.0)
    return np.asarray(spoken @ weights, dtype=np.float64)


def order_lists(evening: Evening, ranker: Ranker | None, users: NDArray[np.int64], depth: int) -> ListRows:
    """Return each user's best `depth` candidates; ties by item id.

    A user who has touched nothing is known by browsing words alone: only the browsing source speaks, by its cosine.
    """
    names = [source.name for source in evening.sources]
    touched = np.zeros(evening.view.shape[0], dtype=bool)
    touched[evening.view.touches.user] = True
    parts: list[ListRows] = []
    for block in user_blocks(users, evening.view.shape[1]):
        found = evening.candidates(block)
        score = blend_scores(found, names) if ranker is None else ranker.score(evening.features.of(found))
        kept = touched[found.user]
        if "browsing" in names:
            read = names.index("browsing")
            only_read = ~kept & (found.rank[:, read] < NO_RANK)
            score = np.where(only_read, found.score[:, read], score)
            kept = kept | only_read
            source = np.where(only_read, read, found.rank.argmin(axis=1))
        else:
            source = found.rank.argmin(axis=1)
        rows = ListRows(found.user, found.item, score, source).where(kept)
        order = np.lexsort((rows.item, -rows.score, rows.user))
        rows = ListRows(rows.user[order], rows.item[order], rows.score[order], rows.source[order])
        parts.append(rows.where(place_in_group(rows.user) < depth))
    return _joined(parts)


def popular_order(evening: Evening) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the items that can be bought, most bought lately first (ties by id), and their scores."""
    score = buyers_of(evening.view).order_score
    buyable = np.flatnonzero(evening.view.buyable)
    order = buyable[np.lexsort((buyable, -score[buyable]))]
    return order, score[order]


def fill_short(rows: ListRows, evening: Evening, users: NDArray[np.int64], k: int) -> ListRows:
    """Return the first `k` rows of each user, short lists filled by the popular order: min(k, what may be shown).

    Below a user's own rows the scores of filling rows only count down by their place in the popular order.
    """
    head = rows.where(place_in_group(rows.user) < k)
    order, level = popular_order(evening)
    have = np.bincount(head.user, minlength=evening.view.shape[0])
    lowest = np.full(evening.view.shape[0], np.nan)
    np.fmin.at(lowest, rows.user, rows.score)
    bought = evening.view.bought() if evening.hide else None
    parts = [head]
    for block in user_blocks(users[have[users] < k], len(order)):
        free = np.ones((len(block), evening.view.shape[1]), dtype=bool)
        own = np.isin(rows.user, block)
        free[np.searchsorted(block, rows.user[own]), rows.item[own]] = False
        if bought is not None:
            free[bought[block].nonzero()] = False
        free = free[:, order]
        at_user, at = np.nonzero(free & (np.cumsum(free, axis=1) <= (k - have[block])[:, None]))
        user = block[at_user]
        score = np.where(np.isnan(lowest[user]), level[at], lowest[user] - 1.0 - at)
        parts.append(ListRows(user, order[at], score, np.full(len(user), FILL)))
    filled = _joined(parts)
    # own rows first, then the fill, each part best first as it is
    by_user = np.argsort(filled.user, kind="stable")
    return ListRows(filled.user[by_user], filled.item[by_user], filled.score[by_user], filled.source[by_user])


def _joined(parts: list[ListRows]) -> ListRows:
    if not parts:
        none = np.empty(0, dtype=np.int64)
        return ListRows(none, none, none.astype(np.float64), none)
    return ListRows(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("user", "item", "score", "source"))
    )
