"""The same method on past origins: an earlier model, what it would have forecast, and how that compared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from forecast.baselines import moving_average, seasonal_naive
from forecast.design import Sources, assemble, future_rows, targets_of
from forecast.history import NOTHING, Rows
from forecast.metrics import METRICS, interval, parts_of
from forecast.model import fit, predict_mean, predict_quantiles
from forecast.task import BACKTEST_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from forecast.panel import Floats, Ints

__all__ = ["Past", "backtest_rows", "past_forecasts", "past_origins"]

_FEWEST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Past:
    """What an earlier model said at past origins, in units of each row's scale, and what came."""

    rows: Rows
    actual: Floats
    mean: Floats
    quantiles: Floats
    scale: Floats


def past_origins(periods: int, horizon: int) -> list[int]:
    """Return the origins to look back on, oldest first: each with its whole horizon before the cutoff.

    Three within the last two horizons where that leaves half of the past to learn from; one otherwise; none where one
    horizon is more than half of the past.
    """
    last = periods - 1 - horizon
    if last < max(horizon, 8):
        return []
    first = last - horizon
    return sorted({first, (first + last) // 2, last}) if first >= periods / 2 else [last]


def past_forecasts(sources: Sources, rows: Rows, origins: list[int]) -> Past | None:
    """Return what a model trained on targets up to the first origin says at each; None where there is too little."""
    before = rows.part(rows.target <= origins[0]) if origins else rows.part(slice(0))
    if len(before) < _FEWEST_ROWS:
        return None
    scale = sources.scale[before.series, before.origin]
    design = assemble(sources, before)
    fitted = fit(design, targets_of(sources, before) / scale, sources.config)
    del design
    asked = [future_rows(sources, origin) for origin in origins]
    joined = Rows(*(np.concatenate([getattr(a, name) for a in asked]) for name in ("series", "origin", "horizon")))
    size = sources.scale[joined.series, joined.origin]
    joined = joined.part(~np.isnan(targets_of(sources, joined)) & (size > NOTHING))
    size = sources.scale[joined.series, joined.origin]
    values = assemble(sources, joined).values
    mean, quantiles = predict_mean(fitted, values), predict_quantiles(fitted, values)
    if np.nanmin(sources.panel.units) >= 0:
        mean, quantiles = np.maximum(mean, 0), np.maximum(quantiles, 0)
    return Past(joined, targets_of(sources, joined) / size, mean, quantiles, size)


def backtest_rows(past: Past | None, sources: Sources) -> pl.DataFrame:
    """Return PUBLISHED's `backtest` less run_id: by origin, segment and metric, beside each baseline.

    The figures are the earlier model's own, before any correction that was learnt on the same origins.
    """
    if past is None:
        return pl.DataFrame(schema=BACKTEST_SCHEMA)
    rows, panel = past.rows, sources.panel
    actual, mean = past.actual * past.scale, past.mean * past.scale
    quantiles = past.quantiles * past.scale[:, None]
    guesses = {
        "moving_average": moving_average(panel, rows),
        "seasonal_naive": seasonal_naive(panel, rows, sources.task.season if panel.period_days > 1 else 7),
    }
    found = []
    for origin in np.unique(rows.origin):
        cutoff = panel.first_day(int(origin) + 1) - timedelta(days=1)
        for segment, inside in _segments(sources, rows):
            which = inside & (rows.origin == origin)
            if not which.any():
                continue
            _, items = np.unique(rows.series[which], return_inverse=True)
            for metric in METRICS:
                top, bottom = parts_of(metric, actual[which], mean[which], quantiles[which])
                low, high = interval(top, bottom, items, sources.config.seed)
                for name, guess in guesses.items():
                    flat = np.repeat(guess[which][:, None], 9, axis=1)
                    theirs = parts_of(metric, actual[which], guess[which], flat)
                    found.append(
                        (
                            cutoff,
                            segment,
                            metric,
                            _ratio(top, bottom),
                            name,
                            _ratio(*theirs),
                            int(which.sum()),
                            low,
                            high,
                        )
                    )
    return (
        pl.DataFrame(found, schema=BACKTEST_SCHEMA, orient="row")
        .fill_nan(None)
        .drop_nulls("value")
        .sort("cutoff", "segment", "metric", "baseline")
    )


def _ratio(top: Floats, bottom: Floats) -> float:
    below = float(bottom.sum())
    return float(top.sum()) / below if below > 0 else float("nan")


def _segments(sources: Sources, rows: Rows) -> Iterator[tuple[str, np.ndarray]]:
    """Yield all rows, then the young and the established ones, then thirds of the series by volume at the origin."""
    age: Ints = rows.origin - sources.panel.start[rows.series]
    year = 182 // sources.panel.period_days
    yield "all", np.ones(len(rows), dtype=bool)
    yield "age: under half a year", age < year
    yield "age: half a year and more", age >= year
    scale = sources.scale[rows.series, rows.origin]
    low, high = np.quantile(scale, [1 / 3, 2 / 3])
    yield "volume: low", scale <= low
    yield "volume: middle", (scale > low) & (scale <= high)
    yield "volume: high", scale > high
