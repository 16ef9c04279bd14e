"""A user's own things: what was bought before, by its rhythm, and what was looked at and not bought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recsys.view import View

__all__ = ["Own", "Rhythm", "fit_interest", "fit_repeat", "rhythm_of"]

LOOKED_HALF_LIFE_DAYS = 14.0


@dataclass(frozen=True, slots=True)
class Rhythm:
    """One row a user and item bought, sorted by `key` = user * items + item; ages in days.

    `interval`: the mean days between the user's own purchases of it; where there is one purchase only, the mean of the
    item over all users, else the shop's.
    """

    key: NDArray[np.int64]
    times: NDArray[np.float32]
    last: NDArray[np.float32]
    first: NDArray[np.float32]
    interval: NDArray[np.float32]

    @property
    def due(self) -> NDArray[np.float32]:
        """Return a score above 0: more for things bought often, less the further past its interval a thing is."""
        late = np.maximum(self.last - self.interval, 0.0) / np.maximum(self.interval, 7.0)
        return np.asarray(self.times / (1.0 + late) / (1.0 + self.last / 180.0), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Own:
    """A source that speaks only of what a user has touched: a sparse matrix of (users, items)."""

    name: str
    take: int
    matrix: Any

    def scores(self, users: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return (users, items); 0 for what the user never touched."""
        return np.asarray(self.matrix[users].toarray(), dtype=np.float32)


def rhythm_of(view: View) -> Rhythm:
    """Return how often, how long ago and how regularly each user bought each item."""
    rows, n_items = view.purchases, view.shape[1]
    key, inverse, times = np.unique(rows.user * np.int64(n_items) + rows.item, return_inverse=True, return_counts=True)
    last, first = np.full(len(key), np.inf), np.full(len(key), -np.inf)
    np.minimum.at(last, inverse, rows.age)
    np.maximum.at(first, inverse, rows.age)
    own = (first - last) / np.maximum(times - 1, 1)
    again = times > 1
    item = key % n_items
    count = np.bincount(item[again], minlength=n_items)
    of_shop = own[again].mean() if again.any() else 28.0
    of_item = (np.bincount(item[again], own[again], minlength=n_items) + of_shop) / (count + 1)
    interval = np.where(again, own, of_item[item])
    return Rhythm(key, *(part.astype(np.float32) for part in (times, last, first, interval)))


def fit_repeat(view: View) -> Own:
    """Return the source: what the user bought before, by rhythm."""
    return Own("repeat", 120, _matrix(*_by_rhythm(view), view))


def _by_rhythm(view: View) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    rhythm = rhythm_of(view)
    return rhythm.key, rhythm.due


def fit_interest(view: View) -> Own:
    """Return the source: what the user looked at, halved each 14 days; a cart says more than a view."""
    rows = view.interest
    weight = rows.weight * 0.5 ** (rows.age / LOOKED_HALF_LIFE_DAYS)
    return Own("interest", 40, rows.matrix(weight, view.shape))


def _matrix(key: NDArray[np.int64], value: NDArray[np.float32], view: View) -> Any:  # noqa: ANN401
    from scipy import sparse

    n_items = view.shape[1]
    return sparse.csr_matrix((value, (key // n_items, key % n_items)), shape=view.shape)
