from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from forecast import DemandTask
from forecast.history import Rows, scale_of
from forecast.panel import build_panel
from forecast.shop_level import shop_level

CUTOFF = date(2026, 6, 28)
SEASON = np.exp(0.6 * np.sin(2 * np.pi * np.arange(52) / 52))  # rises and falls by the factor 3.3


def level(by_week, *, times=1.0, series=50, horizon=8, giant=0.0):
    """The level where every series sells `by_week` and the model expects `times` its last four weeks."""
    rows = [
        (f"i{number:02d}", "all", CUTOFF - timedelta(days=7 * ago), units * (number + 1))
        for number in range(series)
        for ago, units in enumerate(reversed(by_week))
    ]
    rows += [("giant", "all", CUTOFF - timedelta(days=7 * ago), giant) for ago in range(4) if giant]
    sales = pl.DataFrame(rows, schema=["item_id", "location_id", "day", "units"], orient="row")
    panel = build_panel(DemandTask(sales, CUTOFF, horizon=horizon))
    asked = np.arange(panel.series.height)
    rows_asked = Rows(
        np.repeat(asked, horizon),
        np.full(len(asked) * horizon, panel.periods - 1),
        np.tile(np.arange(1, horizon + 1), len(asked)),
    )
    recent = np.nan_to_num(panel.units)[:, -4:].mean(axis=1)
    return shop_level(panel, scale_of(panel), rows_asked, np.repeat(recent, horizon) * times)


def test_a_steady_shop_moves_a_sum_that_is_too_high_half_way_down():
    assert level(np.ones(120), times=1.3) == pytest.approx(1.3**-0.5)
    assert level(np.ones(120)) == pytest.approx(1.0)


def test_where_each_year_repeats_the_last_its_rise_is_expected_almost_whole():
    shop = np.tile(SEASON, 4)[:178]
    recent, after = shop[-4:].mean(), SEASON[np.arange(178, 186) % 52].mean()
    wanted = np.sqrt(after / recent)
    assert abs(np.log(wanted)) > 0.1
    # the usual damping is worth one window of the past: a little of the rise is held back
    assert np.log(level(shop)) == pytest.approx(np.log(wanted), rel=0.1)


def test_where_last_years_rise_did_not_come_again_none_is_expected():
    shop = np.concatenate([SEASON, np.full(118, SEASON.mean())])[:100]
    assert abs(np.log(level(shop))) < 0.08
    unlearnt = np.concatenate([np.ones(44), SEASON])[-56:]  # one year, nothing to learn the damping from
    rise = unlearnt[4:12].mean() / unlearnt[:4].mean()
    assert level(unlearnt) == pytest.approx(rise**0.25)


def test_less_than_a_year_and_four_weeks_or_no_sales_tell_nothing():
    assert level(np.ones(55)) is None
    assert level(np.ones(56)) == pytest.approx(1.0)
    assert level(np.concatenate([np.ones(100), np.zeros(20)]), times=1.0) is None


def test_one_giant_order_does_not_set_the_level():
    assert level(np.ones(120), giant=1e6) == pytest.approx(1.0)


def test_the_level_moves_by_a_quarter_at_most():
    assert level(np.ones(120), times=9.0) == 0.8
    assert level(np.ones(120), times=0.1) == 1.25


def test_a_horizon_longer_than_a_year_looks_back_on_a_year():
    assert level(np.ones(170), times=1.3, series=5, horizon=60) == pytest.approx(1.3**-0.5)
