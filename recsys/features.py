"""What the ranker sees of a candidate: the sources' views, the item's season, the user's habits, what binds the two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from recsys.candidates import NO_RANK
from recsys.recency import last_items
from recsys.review_features import review_features
from recsys.sources.popular import buyers_of, category_share
from recsys.sources.repeats import rhythm_of
from recsys.sources.text import item_vectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recsys.candidates import Candidates
    from recsys.sources.repeats import Rhythm
    from recsys.view import View

__all__ = ["FeatureTable", "fit_features"]

_LAST_ITEMS = 3  # a candidate's text is compared with the last so many things the user touched


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """Everything known of items and users on one evening, ready to be looked up for candidates."""

    names: tuple[str, ...]
    user_names: tuple[str, ...]
    item: NDArray[np.float32]  # (items, item features)
    user: NDArray[np.float32]  # (users, user features)
    rhythm: Rhythm
    category: NDArray[np.int64]
    brand: NDArray[np.int64]
    price: NDArray[np.float32]
    category_share: NDArray[np.float32]
    brand_key: NDArray[np.int64]  # sorted user * brands + brand
    brand_weight: NDArray[np.float32]
    usual_price: NDArray[np.float32]  # (users,) median log price
    last_items: NDArray[np.int64]  # (users, 3), -1 where there are fewer
    vectors: NDArray[np.float32]  # (items, dim), length 1 or 0

    def of(self, found: Candidates) -> NDArray[np.float32]:
        """Return (candidates, features), nan where nothing is known."""
        own = self._own(found)
        return np.hstack(
            [
                found.score,
                np.minimum(found.rank, NO_RANK),
                _agreement(found),
                self.item[found.item],
                self.user[found.user],
                own,
                self._matches(found),
            ]
        ).astype(np.float32)

    def _own(self, found: Candidates) -> NDArray[np.float32]:
        """Return what the user's own purchases of the item say: nan where there are none."""
        rhythm, n_items = self.rhythm, len(self.item)
        key = found.user * np.int64(n_items) + found.item
        at = np.minimum(np.searchsorted(rhythm.key, key), max(len(rhythm.key) - 1, 0))
        result = np.full((len(key), 6), np.nan, dtype=np.float32)
        if len(rhythm.key) == 0:
            return result
        known = rhythm.key[at] == key
        at = at[known]
        days = self.user[found.user[known], 1]
        result[known] = np.stack(
            [
                rhythm.times[at],
                rhythm.last[at],
                rhythm.interval[at],
                rhythm.last[at] / np.maximum(rhythm.interval[at], 1.0),
                rhythm.times[at] / np.maximum(days, 1.0),
                rhythm.due[at],
            ],
            axis=1,
        )
        return result

    def _matches(self, found: Candidates) -> NDArray[np.float32]:
        category, brand = self.category[found.item], self.brand[found.item]
        same_category = np.full(len(category), np.nan, dtype=np.float32)
        known = category >= 0
        same_category[known] = self.category_share[found.user[known], category[known]]
        key = found.user * np.int64(int(self.brand.max(initial=-1)) + 1) + brand
        at = np.minimum(np.searchsorted(self.brand_key, key), max(len(self.brand_key) - 1, 0))
        same_brand = np.full(len(brand), np.nan, dtype=np.float32)
        same_brand[brand >= 0] = 0.0
        if len(self.brand_key):
            hit = (self.brand_key[at] == key) & (brand >= 0)
            same_brand[hit] = self.brand_weight[at[hit]]
        price = np.log(np.maximum(self.price[found.item], 1e-3)) - self.usual_price[found.user]
        return np.stack([same_category, same_brand, price, *self._text(found)], axis=1)

    def _text(self, found: Candidates) -> list[NDArray[np.float32]]:
        """Return the cosine with the last thing the user touched and the highest with the last three."""
        if self.vectors.shape[1] == 0:
            nothing = np.full(len(found.item), np.nan, dtype=np.float32)
            return [nothing, nothing]
        users, row = np.unique(found.user, return_inverse=True)
        cosines = np.full((_LAST_ITEMS, len(found.item)), np.nan, dtype=np.float32)
        for place in range(_LAST_ITEMS):
            touched = self.last_items[users, place]
            against_all = self.vectors[touched] @ self.vectors.T  # (users, items): one product beats a look-up a row
            known = touched[row] >= 0
            cosines[place, known] = against_all[row[known], found.item[known]]
        return [cosines[0], np.fmax.reduce(cosines)]


def fit_features(view: View, source_names: Sequence[str]) -> FeatureTable:
    """Return the tables of one evening; nothing after it is read."""
    catalogue, touches = view.catalogue, view.touches
    item_names, item = _item_features(view)
    user_names, user = _user_features(view)
    brands = int(catalogue.brand.max(initial=-1)) + 1
    branded = catalogue.brand[touches.item] >= 0
    keys = touches.user[branded] * np.int64(brands) + catalogue.brand[touches.item[branded]]
    brand_key, inverse = np.unique(keys, return_inverse=True)
    total = np.bincount(touches.user, touches.weight, minlength=catalogue.n_users)
    weight = np.bincount(inverse, touches.weight[branded], minlength=len(brand_key))
    return FeatureTable(
        names=(
            *(f"{name}_score" for name in source_names),
            *(f"{name}_rank" for name in source_names),
            *("agreeing", "best_rank", "mean_inverse_rank"),
            *item_names,
            *user_names,
            *("times_bought", "days_since", "own_interval", "past_interval", "share_of_days", "due"),
            *("category_share", "brand_share", "price_against_usual", "cosine_with_last", "cosine_with_last_three"),
        ),
        user_names=user_names,
        item=item,
        user=user,
        rhythm=rhythm_of(view),
        category=catalogue.category,
        brand=catalogue.brand,
        price=catalogue.price,
        category_share=category_share(view),
        brand_key=brand_key,
        brand_weight=(weight / np.maximum(total[brand_key // max(brands, 1)], 1e-9)).astype(np.float32),
        usual_price=_usual_price(view),
        last_items=last_items(touches, catalogue.n_users, _LAST_ITEMS),
        vectors=item_vectors(view),
    )


def _agreement(found: Candidates) -> NDArray[np.float32]:
    spoke = found.rank < NO_RANK
    inverse = np.where(spoke, 1.0 / (found.rank + 10.0), 0.0)  # reciprocal rank fusion
    return np.stack([spoke.sum(axis=1), found.rank.min(axis=1, initial=NO_RANK), inverse.sum(axis=1)], axis=1)


def _item_features(view: View) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    catalogue, rows, n_items = view.catalogue, view.purchases, view.shape[1]
    buyers = buyers_of(view)
    first, last = np.full(n_items, np.nan), np.full(n_items, np.nan)
    np.fmax.at(first, rows.item, rows.age)
    np.fmin.at(last, rows.item, rows.age)
    pairs = np.bincount(rows.item, minlength=n_items)
    trend = (buyers.month + 1.0) / (buyers.quarter * (28 / 90) + 1.0)
    this_week = (buyers.week + 1.0) / (buyers.month / 4 + 1.0)
    season = (buyers.last_year + 1.0) / (buyers.ever / 12 + 1.0)
    repeat_rate = 1.0 - (buyers.ever + 1.0) / (pairs + 1.0)
    table = {
        "buyers_7": buyers.week,
        "buyers_28": buyers.month,
        "buyers_90": buyers.quarter,
        "buyers_ever": buyers.ever,
        "buyers_last_year": buyers.last_year,
        "trend": trend,
        "trend_week": this_week,
        "season": season,
        "repeat_rate": repeat_rate,
        "item_age": first,
        "item_silence": last,
        "price": np.log(np.maximum(catalogue.price, 1e-3)),
        "units_per_sale": np.bincount(rows.item, rows.weight, minlength=n_items) / np.maximum(pairs, 1),
        **review_features(view),
    }
    return tuple(table), np.stack(list(table.values()), axis=1).astype(np.float32)


def _user_features(view: View) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """The second column must stay the user's days: `FeatureTable` divides by it."""
    rows, n_users, n_items = view.touches, view.shape[0], view.shape[1]
    day = rows.user * np.int64(10**6) + rows.age
    one_a_day = np.unique(day)
    owner, age = one_a_day // 10**6, one_a_day % 10**6
    last = np.full(n_users, np.nan)
    np.fmin.at(last, rows.user, rows.age)
    touched = np.bincount(rows.user, minlength=n_users)
    different = np.bincount(np.unique(rows.user * np.int64(n_items) + rows.item) // n_items, minlength=n_users)
    days = np.bincount(owner, minlength=n_users)
    popularity = buyers_of(view).ever[rows.item]
    table = {
        "user_items": different,
        "user_days": days,
        "user_days_28": np.bincount(owner[age < 28], minlength=n_users),
        "user_days_90": np.bincount(owner[age < 90], minlength=n_users),
        "user_silence": last,
        "user_basket": touched / np.maximum(days, 1),
        "user_repeats": 1.0 - different / np.maximum(touched, 1),
        "user_taste_for_popular": np.bincount(rows.user, popularity, minlength=n_users) / np.maximum(touched, 1),
    }
    return tuple(table), np.stack(list(table.values()), axis=1).astype(np.float32)


def _usual_price(view: View) -> NDArray[np.float32]:
    """Return the mean log price of what each user touched, nan where no price is known."""
    rows, price = view.touches, np.log(np.maximum(view.catalogue.price, 1e-3))
    known = np.isfinite(price[rows.item])
    total = np.bincount(rows.user[known], price[rows.item[known]], minlength=view.shape[0])
    count = np.bincount(rows.user[known], minlength=view.shape[0])
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
