from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from forecast import DemandTask
from forecast.backtest import past_origins
from forecast.baselines import history_quantiles, moving_average, seasonal_naive
from forecast.calibrate import apply_corrections, cells_of, learn_corrections
from forecast.history import Rows
from forecast.metrics import interval, parts_of, pinball
from forecast.panel import build_panel
from forecast.task import LEVELS

CUTOFF = date(2026, 6, 28)


def ratio(metric: str, actual: np.ndarray, mean: np.ndarray, quantiles: np.ndarray) -> float:
    top, bottom = parts_of(metric, actual, mean, quantiles)
    return top.sum() / bottom.sum()


def test_measures_are_those_computed_by_hand():
    actual, mean = np.array([10.0, 0.0]), np.array([8.0, 3.0])
    quantiles = np.array([np.arange(1.0, 10.0), np.zeros(9)])
    assert ratio("wape", actual, mean, quantiles) == pytest.approx(0.5)
    assert ratio("bias", actual, mean, quantiles) == pytest.approx(0.1)
    assert ratio("coverage", actual, mean, quantiles) == 0.5
    by_hand = np.mean([2 * level * (10 - quantile) for level, quantile in zip(LEVELS, range(1, 10), strict=True)]) / 10
    assert ratio("wql", actual, mean, quantiles) == pytest.approx(by_hand)


def test_pinball_of_a_point_is_its_absolute_error():
    assert pinball(np.array([7.0, 1.0]), np.full((2, 9), 4.0)) == pytest.approx([3.0, 3.0])


def test_an_interval_holds_the_ratio_and_is_wide_for_few_items():
    draw = np.random.default_rng(0)
    top, bottom = draw.random(400), np.ones(400)
    low, high = interval(top, bottom, np.arange(400), 0)
    few_low, few_high = interval(top[:8], bottom[:8], np.arange(8), 0)
    assert low < top.mean() < high
    assert few_high - few_low > 3 * (high - low)
    assert np.isnan(interval(np.ones(2), np.zeros(2), np.arange(2), 0)).all()


def test_baselines_are_the_mean_of_four_weeks_and_the_week_a_season_ago():
    rows = [("a", "all", CUTOFF - timedelta(days=7 * ago), float(ago)) for ago in range(20)]
    sales = pl.DataFrame(rows, schema=["item_id", "location_id", "day", "units"], orient="row")
    panel = build_panel(DemandTask(sales, CUTOFF))
    asked = Rows(np.zeros(2, np.int64), np.full(2, 19), np.array([1, 2]))
    assert moving_average(panel, asked).tolist() == [1.5, 1.5]
    assert seasonal_naive(panel, asked, 10).tolist() == [9.0, 8.0]
    assert seasonal_naive(panel, asked, 52).tolist() == [1.5, 1.5]
    mean, quantiles = history_quantiles(panel, asked)
    assert mean.tolist() == [6.0, 6.0]
    assert quantiles[0] == pytest.approx(np.quantile(np.arange(13), LEVELS))


@pytest.mark.parametrize(
    ("periods", "horizon", "expected"),
    [(104, 8, [87, 91, 95]), (104, 39, [64]), (12, 8, []), (20, 8, [11]), (60, 39, [])],
)
def test_past_origins_leave_something_to_learn_from(periods: int, horizon: int, expected: list[int]):
    assert past_origins(periods, horizon) == expected


def test_corrections_widen_quantiles_that_were_too_narrow_and_raise_a_level_that_was_too_low():
    draw = np.random.default_rng(1)
    actual = draw.normal(10, 3, 6000)
    narrow = np.tile(10 + np.linspace(-1, 1, 9), (6000, 1))
    cells = cells_of(np.zeros(6000), np.tile(np.arange(1, 9), 750), 8)
    learnt = learn_corrections(actual, np.full(6000, 8.0), narrow, np.ones(6000), cells)
    mean, quantiles = apply_corrections(learnt, np.full(6000, 8.0), narrow, cells)
    inside = ((actual >= quantiles[:, 0]) & (actual <= quantiles[:, 8])).mean()
    assert 0.7 < inside < 0.83
    assert 8.5 < mean[0] < 9.5  # half of the way: one window is one draw of the season
    assert (np.diff(quantiles, axis=1) >= 0).all()


def test_one_giant_series_does_not_set_the_level_of_the_shop():
    actual, mean = np.ones(1000), np.ones(1000)
    weights = np.ones(1000)
    mean[0], weights[0] = 100.0, 1e6
    learnt = learn_corrections(actual, mean, np.ones((1000, 9)), weights, np.zeros(1000, np.int64))
    assert learnt.level == pytest.approx(1.0)


def test_without_corrections_nothing_changes():
    mean, quantiles = np.ones(2), np.ones((2, 9))
    assert apply_corrections(None, mean, quantiles, np.zeros(2, np.int64)) == (mean, quantiles)


def test_cells_tell_rare_sellers_and_far_horizons_apart():
    cells = cells_of(np.array([0.1, 0.5, 0.9, np.nan]), np.array([1, 4, 8, 8]), 8)
    assert cells.tolist() == [0, 4, 8, 2]
