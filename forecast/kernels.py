"""coreforecast's kernels over a dense panel: each value a function of one row's past up to and including its column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from coreforecast.grouped_array import GroupedArray
from coreforecast.lag_transforms import ExponentiallyWeightedMean, RollingMax, RollingMean, RollingStd

if TYPE_CHECKING:
    from collections.abc import Callable

    from forecast.panel import Floats, Ints

__all__ = ["ewm", "forward_fill", "rolling_max", "rolling_mean", "rolling_std", "since"]


def _apply(values: Floats, transform: Callable[[GroupedArray], Floats]) -> Floats:
    """Run a kernel over every row of (rows, periods); nan is skipped, so a late start needs no ragged array."""
    rows, periods = values.shape
    if not values.size:
        return values.copy()
    grouped = GroupedArray(np.ascontiguousarray(values).ravel(), np.arange(rows + 1, dtype=np.int32) * periods)
    return transform(grouped).reshape(rows, periods)


def rolling_mean(values: Floats, window: int) -> Floats:
    """Return the mean of the last `window` columns, of those that are known; nan where none is."""
    return _apply(values, RollingMean(0, window, 1, skipna=True).transform)


def rolling_std(values: Floats, window: int) -> Floats:
    """Return the standard deviation of the last `window` columns; nan below two known values."""
    return _apply(values, RollingStd(0, window, 2, skipna=True).transform)


def rolling_max(values: Floats, window: int) -> Floats:
    """Return the largest of the last `window` columns, of those that are known."""
    return _apply(values, RollingMax(0, window, 1, skipna=True).transform)


def ewm(values: Floats, alpha: float) -> Floats:
    """Return the exponentially weighted mean up to each column."""
    return _apply(values, ExponentiallyWeightedMean(0, alpha, skipna=True).transform)


def since(hit: np.ndarray) -> Ints:
    """Return how many columns ago a row was last True (0: here); the column number plus 1 where it never was."""
    columns = np.arange(hit.shape[1])
    last = np.maximum.accumulate(np.where(hit, columns, -1), axis=1)
    result: Ints = columns - last
    return result


def forward_fill(values: Floats) -> Floats:
    """Return each row with its last known value carried on."""
    steps = since(~np.isnan(values))
    columns = np.arange(values.shape[1]) - steps
    filled = np.take_along_axis(values, np.maximum(columns, 0), axis=1)
    return np.where(columns >= 0, filled, np.nan)
