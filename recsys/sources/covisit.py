"""Directed co-visitation: what users touched on the days after (and, weighing less, before) an item.

A pair counts less the more of the user's days lie between, the larger the baskets, and the longer ago it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from recsys.recency import recency_profile
from recsys.sources.contract import Product

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recsys.view import Rows, View

__all__ = ["fit_covisit", "visited_pairs"]

WINDOW = 5  # of the user's own days
GAP_DECAY = 0.6
BACKWARD = 0.5
HISTORY_DECAY = 0.6  # for each later day of the user
HALF_LIFE_DAYS = 180.0
_EXPONENTS = (0.5, 0.3)  # of the mass of the item that leads and of the one that follows


def fit_covisit(view: View) -> Product:
    """Return the source; scores are sums over the user's history, recent days weighing more."""
    from scipy import sparse

    forward = visited_pairs(view.touches, view.shape[1])
    pairs = (forward + BACKWARD * forward.T).tocsr()
    pairs.setdiag(0)
    pairs.eliminate_zeros()
    mass = np.maximum(np.asarray(pairs.sum(axis=1)).ravel(), 1e-6)
    leads, follows = (sparse.diags((mass + 1.0) ** -exponent) for exponent in _EXPONENTS)
    profiles = recency_profile(view.touches, view, decay=HISTORY_DECAY)
    return Product("covisit", 120, profiles, (leads @ pairs @ follows).astype(np.float32).tocsr())


def visited_pairs(rows: Rows, n_items: int) -> Any:  # noqa: ANN401 (scipy ships no types)
    """Return (items, items): how much the second was touched on the same day as the first or on later ones."""
    from scipy import sparse

    days, owner = _user_days(rows)
    size = np.maximum(np.bincount(days, minlength=len(owner)), 1)
    weight = rows.weight * 0.5 ** (rows.age / (2 * HALF_LIFE_DAYS)) / np.sqrt(size[days])
    matrix = sparse.csr_matrix((weight.astype(np.float32), (days, rows.item)), shape=(len(owner), n_items))
    total = sparse.csr_matrix((n_items, n_items), dtype=np.float32)
    for gap in range(min(WINDOW, max(len(owner) - 1, 0)) + 1):
        same = np.flatnonzero(owner[: len(owner) - gap] == owner[gap:])
        # the same day counts in both directions once the backward pairs are added
        share = GAP_DECAY ** max(gap - 1, 0) if gap else 1.0 / (1.0 + BACKWARD)
        total = total + share * (matrix[same].T @ matrix[same + gap])
    return total.tocsr()


def _user_days(rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the day's number of each row, counted over all users, and the user of each such day."""
    if len(rows.user) == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    new = np.ones(len(rows.user), dtype=bool)
    new[1:] = (rows.user[1:] != rows.user[:-1]) | (rows.age[1:] != rows.age[:-1])
    return np.cumsum(new) - 1, rows.user[new]
