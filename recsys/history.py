"""What a shop's lists are made from: its items, its users' purchases and interest, its texts, up to one evening."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    import polars as pl

    from encoders import TextVectors

__all__ = ["ShopHistory"]


@dataclass(frozen=True, slots=True)
class ShopHistory:
    """What was known on the evening of the cutoff; rows after it are never read.

    `items`: item_id, title, category, brand, price, available_from (any but the id may be null or absent), and
    optionally `attributes`: names separated by blanks, which tell items apart as category and brand do.
    `purchases`: user_id, item_id, day, units. `interest`: user_id, item_id, day, kind. `reviews`: item_id, date,
    reviews, mean_stars, mean_probability, trend, as on each day that brought a review; the ranker learns from it. None:
    it does not. `said`: item_id, user_id, review_id, date, stars, text of each review, which reasons quote. None: they
    do not.
    """

    items: pl.DataFrame
    purchases: pl.DataFrame
    interest: pl.DataFrame
    texts: TextVectors | None
    cutoff: date
    reviews: pl.DataFrame | None = None
    said: pl.DataFrame | None = None
