"""What any forecaster must beat: the same period a season ago, and the mean of the last few periods."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from forecast.history import Rows, take, windows_of
from forecast.kernels import rolling_mean
from forecast.task import LEVELS

if TYPE_CHECKING:
    from forecast.panel import Floats, Panel

__all__ = ["history_quantiles", "moving_average", "seasonal_naive"]


def moving_average(panel: Panel, rows: Rows) -> Floats:
    """Return the mean of the last 4 weeks (4 periods where a period is longer than a day) up to each row's origin."""
    level = rolling_mean(panel.units, 28 if panel.period_days == 1 else 4)
    return np.nan_to_num(level[rows.series, rows.origin])


def seasonal_naive(panel: Panel, rows: Rows, season: int) -> Floats:
    """Return the units one season before each row's target; the moving average where nothing is known of then."""
    back = np.maximum(1, -(-rows.horizon // season)) * season
    same = take(panel.units, rows.series, rows.target - back)
    return np.where(np.isnan(same), moving_average(panel, rows), same)


def history_quantiles(panel: Panel, rows: Rows) -> tuple[Floats, Floats]:
    """Return mean (rows,) and nine quantiles (rows, 9) of each series' last quarter up to its row's origin.

    For a shop too young to learn from.
    """
    window = windows_of(panel.period_days)[2]
    back = np.arange(window)
    recent = np.stack([take(panel.units, rows.series, rows.origin - step) for step in back], axis=1)  # (rows, window)
    unknown = np.isnan(recent).all(axis=1)
    recent[unknown] = 0.0
    return np.nanmean(recent, axis=1), np.nanquantile(recent, LEVELS, axis=1).T
