"""What each forecast is made of, in units over the horizon, by driver."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from forecast.model import Fitted, contributions
from forecast.task import EXPLAIN_SCHEMA

if TYPE_CHECKING:
    from forecast.design import Design
    from forecast.history import Rows
    from forecast.launches import Launch
    from forecast.panel import Floats, Ints

__all__ = ["explain_launches", "explain_model"]

_BLOCK = 50_000


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
