"""Texts keep their kind, owner and day; pooling to an item or a user happens as of a date."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from encoders.contract import Vectors

__all__ = ["TEXTS_SCHEMA", "ItemVectors", "TextVectors", "UserVectors"]

TEXTS_SCHEMA: dict[str, pl.DataType] = {
    "kind": pl.String(),
    "item_id": pl.String(),
    "user_id": pl.String(),
    "day": pl.Date(),
    "row": pl.Int64(),
}
_BROWSING_HALF_LIFE_DAYS = 30.0  # after so many days, what a user looked at counts half


@dataclass(frozen=True, slots=True)
class ItemVectors:
    """Row `i` of `vectors` (n, dim) belongs to `item_ids[i]`; ids are sorted; zeros: the item has no text."""

    item_ids: tuple[str, ...]
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class UserVectors:
    """Row `i` of `vectors` (n, dim) belongs to `user_ids[i]`; ids are sorted; only users with browsing texts."""

    user_ids: tuple[str, ...]
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class TextVectors:
    """One row a text: kind, item_id, user_id, day (null: undated), row: its place in `vectors` (equal texts share it).

    Every item of the catalogue has one row of kind product, whether it has text or not. `snapshot_id` is a hash of the
    encoder, the texts and their vectors: two sets with the same id are the same.
    """

    texts: pl.DataFrame
    vectors: Vectors
    encoder_id: str
    snapshot_id: str

    @classmethod
    def build(cls, texts: pl.DataFrame, vectors: Vectors, *, encoder_id: str) -> TextVectors:
        """Return the set with its snapshot id; `texts` has the five columns, in any order of columns and rows."""
        rows = texts.select(pl.col(name).cast(dtype) for name, dtype in TEXTS_SCHEMA.items()).sort(list(TEXTS_SCHEMA))
        digest = hashlib.sha256(encoder_id.encode())
        digest.update(rows.write_csv(quote_style="always").encode())
        digest.update(np.ascontiguousarray(vectors).tobytes())
        return cls(rows, vectors, encoder_id, digest.hexdigest())

    def items(self, as_of: date, *, review_weight: float) -> ItemVectors:
        """Return the catalogue's vectors as of a day: (1 - w) of the product's, w of its reviews' mean, length 1.

        Reviews dated after `as_of` are not read; undated ones are known at every date. An item with product text and
        no reviews is its product text; one with neither is zeros.
        """
        if not 0.0 <= review_weight <= 1.0:
            msg = f"review_weight is {review_weight}; it must lie between 0 and 1"
            raise ValueError(msg)
        products = self.texts.filter(pl.col("kind") == "product").sort("item_id")
        item_ids = products["item_id"].to_list()
        place = products.select("item_id").with_row_index("place")
        reviews = self._dated("review", as_of).join(place, on="item_id", how="inner", maintain_order="left")
        own = self.vectors[products["row"].to_numpy()].astype(np.float64)
        if review_weight > 0.0:
            said = self._summed(reviews["place"].to_numpy(), reviews["row"].to_numpy(), size=len(item_ids))
            count = np.bincount(reviews["place"].to_numpy(), minlength=len(item_ids))[:, None]
            said = said / np.maximum(count, 1)
            own = np.where(said.any(axis=1, keepdims=True), (1.0 - review_weight) * own + review_weight * said, own)
        return ItemVectors(tuple(item_ids), _unit(own))

    def users(self, as_of: date) -> UserVectors:
        """Return the vectors of users with browsing texts up to a day; a text counts half after 30 days."""
        browsing = self._dated("browsing", as_of).filter(pl.col("user_id").is_not_null())
        user_ids = browsing["user_id"].unique().sort()
        place = user_ids.to_frame().with_row_index("place")
        browsing = browsing.join(place, on="user_id", how="left", maintain_order="left")
        age = (pl.lit(as_of) - pl.col("day")).dt.total_days()
        weight = browsing.select((0.5 ** (age / _BROWSING_HALF_LIFE_DAYS)).alias("weight"))["weight"].to_numpy()
        summed = self._summed(
            browsing["place"].to_numpy(), browsing["row"].to_numpy(), size=len(user_ids), weight=weight
        )
        return UserVectors(tuple(user_ids.to_list()), _unit(summed))

    def _dated(self, kind: str, as_of: date) -> pl.DataFrame:
        return self.texts.filter(pl.col("kind") == kind, pl.col("day").is_null() | (pl.col("day") <= as_of))

    def _summed(
        self, place: NDArray[np.int64], row: NDArray[np.int64], *, size: int, weight: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Return (size, dim): the sum of the vectors `row` that belong to each place, in the order given."""
        summed = np.zeros((size, self.vectors.shape[1]))
        rows = self.vectors[row].astype(np.float64)
        np.add.at(summed, place, rows if weight is None else rows * weight[:, None])
        return summed


def _unit(vectors: NDArray[np.float64]) -> Vectors:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(
        np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-12), dtype=np.float32
    )
