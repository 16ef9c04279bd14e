"""How far off a forecast was: the measures of `backtest`, each a ratio of sums over rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from forecast.task import LEVELS

if TYPE_CHECKING:
    from forecast.panel import Floats, Ints

__all__ = ["METRICS", "interval", "parts_of", "pinball"]

METRICS = ("wape", "wql", "coverage", "bias")


def pinball(actual: Floats, quantiles: Floats) -> Floats:
    """Return twice the pinball loss of each row, the mean over the nine levels: (rows,) from (rows,) and (rows, 9)."""
    error = actual[:, None] - quantiles
    levels = np.array(LEVELS)
    loss: Floats = 2 * np.maximum(levels * error, (levels - 1) * error).mean(axis=1)
    return loss


def parts_of(metric: str, actual: Floats, mean: Floats, quantiles: Floats) -> tuple[Floats, Floats]:
    """Return numerator and denominator of a metric by row; the metric is the ratio of their sums.

    wape: |actual - p50| / |actual|; wql: `pinball` / |actual|; bias: (mean - actual) / |actual|;
    coverage: the share of rows between p10 and p90, nominally 80 %.
    """
    size = np.abs(actual)
    if metric == "wape":
        return np.abs(actual - quantiles[:, 4]), size
    if metric == "wql":
        return pinball(actual, quantiles), size
    if metric == "bias":
        return mean - actual, size
    inside = (actual >= quantiles[:, 0]) & (actual <= quantiles[:, -1])
    return inside.astype(np.float64), np.ones_like(actual)


def interval(top: Floats, bottom: Floats, items: Ints, seed: int) -> tuple[float, float]:
    """Return the 95 % interval of a ratio of sums: 200 bootstrap draws of series, whose rows stay together."""
    count = int(items.max()) + 1
    tops, bottoms = np.bincount(items, top, count), np.bincount(items, bottom, count)
    draws = np.random.default_rng(seed).integers(0, count, size=(200, count))
    below = bottoms[draws].sum(axis=1)
    ratios = tops[draws].sum(axis=1)[below > 0] / below[below > 0]
    if not len(ratios):
        return float("nan"), float("nan")
    low, high = np.quantile(ratios, [0.025, 0.975])
    return float(low), float(high)
