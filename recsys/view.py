"""The shop as it was known on one evening, in whole numbers: what every source and feature is computed from.

Items and users have the same places in every view of a history, so that views of several evenings compare.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recsys.history import ShopHistory

__all__ = ["Catalogue", "Rows", "View", "catalogue_of", "view_of"]

INTEREST_WEIGHT = {"view": 0.3, "search": 0.3, "clicked": 0.4, "cart": 0.6}  # of a purchase
_NEVER = -(10**6)  # days since 1970: before every day


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The places of items and users; `category` and `brand` are codes, -1 where unknown; `price` is nan there.

    `available`: days since 1970 of the first day an item can be bought; far in the past where none is given.
    """

    item_ids: pl.Series
    user_ids: pl.Series
    titles: pl.Series
    category: NDArray[np.int64]
    brand: NDArray[np.int64]
    price: NDArray[np.float32]
    available: NDArray[np.int64]
    attributes: tuple[str, ...]  # of each item, names separated by blanks
    texts: tuple[str, ...]  # of each item, title and description on lines of their own
    purchases: pl.DataFrame  # user, item, day (since 1970), weight: units; sorted so
    interest: pl.DataFrame  # the same; weight: of a purchase

    @property
    def n_items(self) -> int:
        """Return the number of items."""
        return len(self.item_ids)

    @property
    def n_users(self) -> int:
        """Return the number of users."""
        return len(self.user_ids)

    def users(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Return the places of user ids; every one of them must be there."""
        return _places(pl.Series("id", list(ids), dtype=pl.String), self.user_ids)


@dataclass(frozen=True, slots=True)
class Rows:
    """One row a user, item and day, sorted so; `age`: whole days up to the view's evening, 0 is that day."""

    user: NDArray[np.int64]
    item: NDArray[np.int64]
    age: NDArray[np.int64]
    weight: NDArray[np.float32]

    def matrix(self, weight: NDArray[Any], shape: tuple[int, int]) -> Any:  # noqa: ANN401 (scipy ships no types)
        """Return the sum of `weight` by user and item as a sparse matrix."""
        from scipy import sparse

        return sparse.csr_matrix((weight.astype(np.float32), (self.user, self.item)), shape=shape)


@dataclass(frozen=True, slots=True)
class View:
    """What was known on the evening of `origin`. `touches`: purchases (weight 1) and interest together."""

    catalogue: Catalogue
    origin: date
    purchases: Rows  # weight: units
    interest: Rows
    touches: Rows
    history: ShopHistory

    @property
    def shape(self) -> tuple[int, int]:
        """Return (users, items)."""
        return self.catalogue.n_users, self.catalogue.n_items

    @property
    def buyable(self) -> NDArray[np.bool_]:
        """Return which items can be bought on the day after the origin."""
        result: NDArray[np.bool_] = self.catalogue.available <= _day(self.origin) + 1
        return result

    def bought(self) -> Any:  # noqa: ANN401
        """Return who has bought what, as a sparse matrix of (users, items) whose entries are the times bought."""
        return self.purchases.matrix(np.ones(len(self.purchases.user)), self.shape)


def catalogue_of(history: ShopHistory, users: Sequence[str]) -> Catalogue:
    """Return the places of the items and of every user who is asked for or has done something, and who did what.

    Rows after the cutoff, of items that the catalogue lacks or without a user are left out.
    """
    items = history.items.sort("item_id")
    purchases, interest = (
        frame.filter(pl.col("day") <= history.cutoff, pl.col("user_id").is_not_null())
        for frame in (history.purchases, history.interest)
    )
    seen = [frame["user_id"] for frame in (purchases, interest)]
    if history.texts is not None:
        seen.append(
            history.texts.texts.filter(pl.col("kind") == "browsing", pl.col("day") <= history.cutoff)["user_id"]
        )
    user_ids = pl.concat([pl.Series("user_id", list(users), dtype=pl.String), *seen]).drop_nulls().unique().sort()
    available = _column(items, "available_from", pl.Date()).dt.epoch("d").cast(pl.Int64).fill_null(_NEVER)
    ids = items["item_id"]
    weights = pl.DataFrame({"kind": list(INTEREST_WEIGHT), "weight": list(INTEREST_WEIGHT.values())})
    units = purchases.with_columns(weight=pl.col("units").fill_null(1.0)).filter(pl.col("weight") > 0)
    return Catalogue(
        item_ids=ids,
        user_ids=user_ids,
        titles=_column(items, "title", pl.String()).replace("", None).fill_null(ids),
        category=_codes(_column(items, "category", pl.String())),
        brand=_codes(_column(items, "brand", pl.String())),
        price=_column(items, "price", pl.Float32()).to_numpy().copy(),
        available=available.to_numpy(),
        attributes=tuple(_column(items, "attributes", pl.String()).fill_null("")),
        texts=tuple(_lines(items)),
        purchases=_placed(units, user_ids, ids, pl.col("weight").sum()),
        interest=_placed(interest.join(weights, on="kind"), user_ids, ids, pl.col("weight").max()),
    )


def view_of(history: ShopHistory, catalogue: Catalogue, origin: date) -> View:
    """Return the view of one evening; `catalogue` is the history's own."""
    today = _day(origin)
    purchases, interest = (frame.filter(pl.col("day") <= today) for frame in (catalogue.purchases, catalogue.interest))
    both = pl.concat([purchases.with_columns(weight=pl.lit(1.0)), interest])
    touches = both.group_by("user", "item", "day").agg(pl.col("weight").max()).sort("user", "day", "item")
    return View(catalogue, origin, _rows(purchases, today), _rows(interest, today), _rows(touches, today), history)


def _placed(frame: pl.DataFrame, user_ids: pl.Series, item_ids: pl.Series, weight: pl.Expr) -> pl.DataFrame:
    placed = frame.select(
        user=pl.Series(_places(frame["user_id"], user_ids)),
        item=pl.Series(_places(frame["item_id"], item_ids)),
        day=pl.col("day").dt.epoch("d").cast(pl.Int64),
        weight=pl.col("weight").cast(pl.Float64),
    )
    one = (
        placed.filter(pl.col("item") >= 0)
        .sort("user", "day", "item", "weight")
        .group_by("user", "item", "day")
        .agg(weight)
    )
    return one.sort("user", "day", "item")


def _rows(frame: pl.DataFrame, today: int) -> Rows:
    age = today - frame["day"].to_numpy()
    return Rows(frame["user"].to_numpy(), frame["item"].to_numpy(), age, frame["weight"].cast(pl.Float32).to_numpy())


def _places(ids: pl.Series, order: pl.Series) -> NDArray[np.int64]:
    """Return the place of each id in `order`, which holds each once; -1 where it is not there."""
    places = pl.DataFrame({"id": order, "place": np.arange(len(order), dtype=np.int64)})
    found = pl.DataFrame({"id": ids}).join(places, on="id", how="left", maintain_order="left")
    return found["place"].fill_null(-1).to_numpy()


def _column(items: pl.DataFrame, name: str, dtype: pl.DataType) -> pl.Series:
    if name in items.columns:
        return items[name].cast(dtype)
    return pl.Series(name, [None] * items.height, dtype=dtype)


def _lines(items: pl.DataFrame) -> pl.Series:
    told = pl.DataFrame([_column(items, name, pl.String()) for name in ("title", "description")])
    return told.select(pl.concat_str("title", "description", separator="\n", ignore_nulls=True)).to_series()


def _codes(names: pl.Series) -> NDArray[np.int64]:
    order = names.drop_nulls().unique().sort()
    return _places(names, order)


def _day(day: date) -> int:
    return (day - date(1970, 1, 1)) // timedelta(days=1)
