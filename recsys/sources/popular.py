"""What sells: by window, by the user's categories, and in the same season last year."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recsys.sources.contract import Product

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recsys.view import Rows, View

__all__ = ["Buyers", "buyers_of", "category_share", "fit_popular", "fit_season"]

YEAR, SEASON = 364, 28  # days; 364 keeps the weekday
OWN_CATEGORY = 3.0  # how much more an item of a category counts for a user who buys nothing else


@dataclass(frozen=True, slots=True)
class Buyers:
    """How many users bought each item in the last 7, 28, 90 days and ever, and in the next 28 days a year ago."""

    week: NDArray[np.float32]
    month: NDArray[np.float32]
    quarter: NDArray[np.float32]
    ever: NDArray[np.float32]
    last_year: NDArray[np.float32]

    @property
    def order_score(self) -> NDArray[np.float64]:
        """Return a score that sorts by buyers in 28 days, then in 90, then ever."""
        long = self.quarter + self.ever / (self.ever + 1.0)
        return np.asarray(self.month + long / (self.quarter.max(initial=0.0) + 2.0), dtype=np.float64)


def buyers_of(view: View) -> Buyers:
    """Count the buyers of each item, each user once a window."""
    rows, n_items = view.purchases, view.shape[1]
    age = rows.age
    return Buyers(
        week=_distinct(rows, age < 7, n_items),
        month=_distinct(rows, age < 28, n_items),
        quarter=_distinct(rows, age < 90, n_items),
        ever=_distinct(rows, age >= 0, n_items),
        last_year=_distinct(rows, (age < YEAR) & (age >= YEAR - SEASON), n_items),
    )


def _distinct(rows: Rows, kept: NDArray[np.bool_], n_items: int) -> NDArray[np.float32]:
    pairs = np.unique(rows.user[kept] * np.int64(n_items) + rows.item[kept])
    return np.bincount(pairs % n_items, minlength=n_items).astype(np.float32)


def category_share(view: View) -> NDArray[np.float32]:
    """Return (users, categories): the share of each category in what a user touched; sums to 1 or 0."""
    rows, codes = view.touches, view.catalogue.category
    share = np.zeros((view.shape[0], int(codes.max(initial=-1)) + 1), dtype=np.float32)
    known = codes[rows.item] >= 0
    np.add.at(share, (rows.user[known], codes[rows.item[known]]), rows.weight[known])
    return np.asarray(share / np.maximum(share.sum(axis=1, keepdims=True), 1e-9), dtype=np.float32)


def fit_popular(view: View) -> Product:
    """Return the source: an item's recent buyers, more of them for the categories that the user buys from."""
    buyers = buyers_of(view)
    level = (buyers.order_score + 0.25 * buyers.week).astype(np.float32)
    share, codes = category_share(view), view.catalogue.category
    by_category = np.zeros((share.shape[1] + 1, view.shape[1]), dtype=np.float32)
    by_category[0] = level
    known = np.flatnonzero(codes >= 0)
    by_category[1 + codes[known], known] = OWN_CATEGORY * level[known]
    profiles = np.hstack([np.ones((view.shape[0], 1), dtype=np.float32), share])
    return Product("popular", 60, profiles, by_category)


def fit_season(view: View) -> Product:
    """Return the source: buyers in the four weeks that follow the same day a year ago."""
    everyone = np.ones((view.shape[0], 1), dtype=np.float32)
    return Product("season", 40, everyone, buyers_of(view).last_year[None, :])
