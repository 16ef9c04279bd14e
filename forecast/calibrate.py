"""Corrections learnt on past origins: a level for the mean, shifts of the quantiles by kind of series and horizon.

Split-conformal shifts after Romano, Patterson and Candès, Conformalized Quantile Regression (2019), one for each level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from forecast.task import LEVELS

if TYPE_CHECKING:
    from forecast.panel import Floats, Ints

__all__ = ["Corrections", "apply_corrections", "cells_of", "learn_corrections"]

_ZERO_SHARES = (0.2, 0.6)  # regular, in between, intermittent
_HORIZON_PARTS = 3
_FULL_TRUST = 500  # rows of a cell at which its shift counts half
_LEVEL_LIMITS = (0.8, 1.25)


@dataclass(frozen=True, slots=True)
class Corrections:
    """`level` multiplies the mean; `shifts` (cells, 9), in units of the scale, are added to the quantiles.

    The level learnt on past origins is for a shop of less than a year and four weeks: see `forecast.shop_level`.
    """

    level: float
    shifts: Floats


def cells_of(zero_share: Floats, horizon: Ints, reach: int) -> Ints:
    """Return each row's cell: how often the series sells nothing, and the part of the horizon."""
    kind = np.digitize(np.nan_to_num(zero_share), _ZERO_SHARES)
    part = np.minimum((horizon - 1) * _HORIZON_PARTS // reach, _HORIZON_PARTS - 1)
    cells: Ints = (kind * _HORIZON_PARTS + part).astype(np.int64)
    return cells


def learn_corrections(actual: Floats, mean: Floats, quantiles: Floats, weights: Floats, cells: Ints) -> Corrections:
    """Return corrections from past origins: actual, mean (rows,) and quantiles (rows, 9) in units of the scale.

    `weights` are the scales. Both are shrunk: the level to half of what it would have been (one window is one draw of
    the season), the shifts by how many rows bear them out.
    """
    usual = weights <= np.quantile(weights, 0.99)  # one giant order would be the level of the whole shop
    expected = float((mean * weights)[usual].sum())
    ratio = float((actual * weights)[usual].sum()) / expected if expected > 0 else 1.0
    level = float(np.clip(1 + (ratio - 1) / 2, *_LEVEL_LIMITS))
    shifts = np.zeros(((len(_ZERO_SHARES) + 1) * _HORIZON_PARTS, len(LEVELS)))
    for cell in np.unique(cells):
        inside = cells == cell
        trust = inside.sum() / (inside.sum() + _FULL_TRUST)
        for number, wanted in enumerate(LEVELS):
            shifts[cell, number] = trust * np.quantile(actual[inside] - quantiles[inside, number], wanted)
    return Corrections(level, shifts)


def apply_corrections(
    corrections: Corrections | None, mean: Floats, quantiles: Floats, cells: Ints
) -> tuple[Floats, Floats]:
    """Return corrected mean and sorted quantiles; the same where there are no corrections."""
    if corrections is None:
        return mean, quantiles
    return mean * corrections.level, np.sort(quantiles + corrections.shifts[cells], axis=1)
