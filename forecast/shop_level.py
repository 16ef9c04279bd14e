"""The level of the whole shop: the model's sum beside another that the shop's own sums give.

A model of single series is not asked what they come to together, and the season that it has learnt is one year's: where
last autumn doubled the sales it doubles them again. The other forecast of the sum is the level of the last four weeks
times last year's rise to the power of a damping, which is learnt from how past rises followed those of the year before.
The level is moved to the mean of the two (Bates and Granger, The Combination of Forecasts, 1969; equal weights, and the
geometric mean since they differ by a factor).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from forecast.history import NOTHING

if TYPE_CHECKING:
    from forecast.history import Rows
    from forecast.panel import Floats, Panel

__all__ = ["shop_level"]

_YEAR_DAYS, _LEVEL_DAYS, _WEEK_DAYS = 364, 28, 7
_LIMITS = (0.8, 1.25)
_USUAL_DAMPING = 0.5  # believed as much as one window of the past that overlaps no other
_USUAL = 0.99  # of series, by scale: one giant order would be the level of the whole shop


def shop_level(panel: Panel, scale: Floats, rows: Rows, expected: Floats) -> float | None:
    """Return what to multiply every mean by; None where the past holds no year, or sums that are not above 0.

    Args:
        panel: the past.
        scale: of each series as of each period, (series, periods).
        rows: the rows asked for, all from the last period of the past.
        expected: the model's units of each row, (rows,).
    """
    now, year = panel.periods - 1, max(1, round(_YEAR_DAYS / panel.period_days))
    reach = min(panel.horizon, year)
    step = max(1, _WEEK_DAYS // panel.period_days)
    latest = now - year + (year - reach) // step * step  # the last origin whose window has come to its end
    rises = {at: _rise(panel, scale, at, reach) for at in range(latest, _near(panel) - 2, -step)}
    if now - year not in rises:
        return None
    usual = _usual(panel, scale, now)
    asked = usual[rows.series] & (rows.horizon <= reach)
    ours = float(expected[asked].sum()) / reach
    recent = float(np.nansum(_window(panel, usual, now)[:, : _near(panel)])) / _near(panel)
    last_year = rises[now - year]
    if not (ours > 0 and recent > 0 and np.isfinite(last_year)):
        return None
    theirs = recent * np.exp(_damping(rises, year, overlap=max(1, reach // step)) * last_year)
    return float(np.clip(np.sqrt(theirs / ours), *_LIMITS))


def _near(panel: Panel) -> int:
    return max(1, _LEVEL_DAYS // panel.period_days)


def _usual(panel: Panel, scale: Floats, at: int) -> np.ndarray:
    """Return which series had begun and sold by `at`, less the largest, (series,)."""
    sold: np.ndarray = (panel.start <= at) & (scale[:, at] > NOTHING)
    return sold & (scale[:, at] <= np.quantile(scale[sold, at], _USUAL)) if sold.any() else sold


def _window(panel: Panel, usual: np.ndarray, at: int) -> Floats:
    """Return the units of the usual series in the weeks up to `at` and after it."""
    first = at - _near(panel) + 1
    units: Floats = panel.units[usual, first : at + 1 + panel.horizon]
    return units


def _rise(panel: Panel, scale: Floats, at: int, reach: int) -> float:
    """Return the logarithm of the mean sum of the `reach` periods after `at` over that of the weeks up to it."""
    sums = np.nansum(_window(panel, _usual(panel, scale, at), at), axis=0)
    before, after = sums[: _near(panel)].mean(), sums[_near(panel) : _near(panel) + reach].mean()
    return float(np.log(after / before)) if before > 0 and after > 0 else float("nan")


def _damping(rises: dict[int, float], year: int, *, overlap: int) -> float:
    """Return the power of last year's rise that told this year's best, by least squares through 0.

    `overlap` windows share their weeks and count as one; the usual damping counts as one as well.
    """
    pairs = np.array([(rises[at - year], rise) for at, rise in rises.items() if at - year in rises])
    pairs = pairs[np.isfinite(pairs).all(axis=1)] if len(pairs) else pairs
    if not len(pairs) or not pairs[:, 0].any():
        return _USUAL_DAMPING
    then, now = pairs.T
    prior = overlap * float(np.mean(then**2))
    return float((then @ now + prior * _USUAL_DAMPING) / (then @ then + prior))
