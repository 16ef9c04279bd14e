"""How an item stood in its reviews as of the origin: how many, how well, and which way they go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from forecast.history import Column, Rows, take, windows_of
from forecast.kernels import forward_fill
from forecast.panel import period_of
from forecast.task import ForecastError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from forecast.panel import Floats, Ints, Panel

__all__ = ["ReviewSource", "read_reviews", "review_columns"]

_TOLD = ("mean_stars", "mean_probability", "trend")


@dataclass(frozen=True, slots=True)
class ReviewSource:
    """What each item's reviews said at the end of each period, (items, periods); nan before an item's first review."""

    of_series: Ints
    reviews: Floats
    told: tuple[Floats, ...]  # one for each of `_TOLD`
    quarter: int  # periods


def read_reviews(panel: Panel, reviews: pl.DataFrame) -> ReviewSource:
    """Return the state of every item with sales at the end of each period; rows after the cutoff are not read.

    `reviews` has one row an item and day on which a review came: item_id, date, reviews (up to that day), mean_stars,
    mean_probability, trend. An item stands as in its last row up to a period's end.

    Raises:
        ForecastError: a column is missing.
    """
    missing = [name for name in ("item_id", "date", "reviews", *_TOLD) if name not in reviews.columns]
    if missing:
        msg = f"DemandTask.reviews lacks {', '.join(missing)}; found {', '.join(reviews.columns)}: rename or add them"
        raise ForecastError(msg)
    items = panel.series["item_id"].unique().sort()
    place = items.to_frame("item_id").with_row_index("place")
    rows = (
        reviews.filter(pl.col("date") <= panel.cutoff)
        .join(place, on="item_id", how="inner")
        .with_columns(period_of(pl.col("date"), panel).clip(lower_bound=0).alias("period"))  # earlier ones are known
        .sort("place", "date")
        .unique(["place", "period"], keep="last", maintain_order=True)
    )

    def filled(name: str) -> Floats:
        matrix = np.full((len(items), panel.periods), np.nan)
        values = rows[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        matrix[rows["place"].to_numpy(), rows["period"].to_numpy()] = values
        return forward_fill(matrix)

    of_series = items.search_sorted(panel.series["item_id"]).to_numpy().astype(np.int64)
    quarter = windows_of(panel.period_days)[2 if panel.period_days > 1 else 3]
    return ReviewSource(of_series, filled("reviews"), tuple(filled(name) for name in _TOLD), quarter)


def review_columns(source: ReviewSource, rows: Rows) -> Iterator[Column]:
    """Return how many reviews the item had and got in the last quarter, their means, and their trend."""
    item = source.of_series[rows.series]
    now = np.nan_to_num(take(source.reviews, item, rows.origin))
    before = np.nan_to_num(take(source.reviews, item, rows.origin - source.quarter))
    yield Column("reviews", "reviews", np.log1p(now).astype(np.float32))
    yield Column("reviews_quarter", "reviews", np.log1p(now - before).astype(np.float32))
    for name, matrix in zip(_TOLD, source.told, strict=True):
        yield Column(f"reviews_{name}", "reviews", take(matrix, item, rows.origin).astype(np.float32))
