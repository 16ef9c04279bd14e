"""What each forecast is made of, in units over the horizon, by driver."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from forecast.model import Fitted, contributions
from forecast.task import EXPLAIN_SCHEMA

if TYPE_CHECKING:
    from datetime import date

    from forecast.design import Design
    from forecast.history import Rows
    from forecast.launches import Launch
    from forecast.panel import Floats, Ints

__all__ = ["explain_launches", "explain_model", "name_reviews"]

_BLOCK = 50_000
_LATELY = 90  # days of reviews that are counted


def explain_model(
    fitted: Fitted, design: Design, rows: Rows, scale: Floats, published: Floats
) -> tuple[tuple[str, ...], Ints, Floats]:
    """Return drivers, series (n,) and effects (n, drivers) in units summed over the horizon.

    LightGBM's contributions (SHAP values of the mean's trees) are summed over each driver's features. `base` is what
    the model says of a series of that size before it looks at anything else; `calibration` is what the corrections and
    the floor at 0 changed: so the effects sum to `published` (rows,), the mean as published.
    """
    names = tuple(sorted(set(design.drivers)))
    of = np.array([names.index(driver) for driver in design.drivers] + [len(names)])
    effects = np.zeros((len(rows), len(names) + 2))
    for begin in range(0, len(rows), _BLOCK):
        part = contributions(fitted, design.values[begin : begin + _BLOCK]) * scale[begin : begin + _BLOCK, None]
        np.add.at(effects[begin : begin + _BLOCK].T, of, part.T)
    effects[:, -1] = published - effects[:, :-1].sum(axis=1)
    series, place = np.unique(rows.series, return_inverse=True)
    summed = np.zeros((len(series), effects.shape[1]))
    np.add.at(summed, place, effects)
    return (*names, "base", "calibration"), series, summed


def explain_launches(launches: list[Launch], shares: pl.DataFrame) -> pl.DataFrame:
    """Return a row a neighbour, launch and location; `shares` has location_id and its share of an item's units."""
    rows = [
        (
            launch.item_id,
            location,
            "neighbour" if item else "category",
            effect * share,
            item or None,
            similarity if item else None,
        )
        for launch in launches
        for location, share in shares.iter_rows()
        for item, similarity, effect in launch.neighbours
    ]
    return pl.DataFrame(rows, schema=EXPLAIN_SCHEMA, orient="row")


def name_reviews(explained: pl.DataFrame, reviews: pl.DataFrame, *, cutoff: date) -> pl.DataFrame:
    """Return the explanation with a row more for each item and location whose item's reviews have a trend.

    `reviews`: item_id, date, reviews, mean_stars, trend, a row an item and day that brought one; rows after the cutoff
    are not read. The new rows' effect is 0: they say how the item stands, and no unit of the forecast is theirs.
    """
    known = reviews.filter(pl.col("date") <= cutoff).sort("item_id", "date")
    now = known.group_by("item_id", maintain_order=True).last()
    before = known.filter(pl.col("date") <= cutoff - timedelta(days=_LATELY)).group_by("item_id").last()
    told = now.join(before.select("item_id", earlier="reviews"), on="item_id", how="left", maintain_order="left")
    told = told.filter(pl.col("trend").is_not_null()).with_columns(pl.col("earlier").fill_null(0))
    told = told.select(
        "item_id", driver=pl.Series([_standing(row) for row in told.iter_rows(named=True)], dtype=pl.String)
    )
    keys = explained.select("item_id", "location_id").unique(maintain_order=True)
    rows = keys.join(told, on="item_id", maintain_order="left").with_columns(effect=pl.lit(0.0))
    return pl.concat([explained, rows], how="diagonal").sort("item_id", "location_id", "driver", "neighbour_item_id")


def _standing(row: dict[str, Any]) -> str:
    stars = "" if row["mean_stars"] is None else f", mean {row['mean_stars']:.1f} stars"
    return f"reviews: {row['reviews'] - row['earlier']:.0f} in {_LATELY} days{stars}, trend {row['trend']:+.2f}"
