from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from forecast import DemandTask, ForecastError
from forecast.panel import build_panel, period_of

CUTOFF = date(2026, 6, 28)


def sales_of(*rows: tuple[str, int, float]) -> pl.DataFrame:
    """Sales of (item, days before the cutoff, units)."""
    whole = [(item, "all", CUTOFF - timedelta(days=ago), units, 2.0) for item, ago, units in rows]
    return pl.DataFrame(whole, schema=["item_id", "location_id", "day", "units", "unit_price"], orient="row")


def test_the_last_period_ends_on_the_cutoff_and_days_are_summed_into_it():
    panel = build_panel(DemandTask(sales_of(("a", 0, 1), ("a", 6, 2), ("a", 7, 4), ("a", 20, 8)), CUTOFF))
    assert panel.units.tolist() == [[8.0, 4.0, 3.0]]
    assert panel.first_day(panel.periods) == CUTOFF + timedelta(days=1)
    assert panel.first_day(0) == CUTOFF - timedelta(days=20)


def test_leading_zeros_are_dropped_and_absent_rows_after_them_are_zero():
    panel = build_panel(DemandTask(sales_of(("a", 28, 1), ("b", 14, 0), ("b", 7, 5)), CUTOFF))
    np.testing.assert_array_equal(panel.units, [[1, 0, 0, 0, 0], [np.nan, np.nan, np.nan, 5, 0]])
    assert panel.start.tolist() == [0, 3]


def test_absent_rows_are_unknown_where_the_task_says_so():
    panel = build_panel(DemandTask(sales_of(("a", 21, 1), ("a", 7, 5)), CUTOFF, absent="unknown"))
    np.testing.assert_array_equal(panel.units, [[1, np.nan, 5, np.nan]])


def test_sales_after_the_cutoff_are_not_read():
    past = sales_of(("a", 3, 1), ("b", 9, 2))
    later = sales_of(("a", -3, 100), ("c", -1, 7))
    with_later = build_panel(DemandTask(pl.concat([later, past]), CUTOFF))
    without = build_panel(DemandTask(past, CUTOFF))
    assert with_later.series.equals(without.series)
    np.testing.assert_array_equal(with_later.units, without.units)


def test_the_price_of_a_period_is_weighed_by_units():
    sales = sales_of(("a", 1, 1), ("a", 2, 3)).with_columns(pl.Series("unit_price", [8.0, 4.0]))
    assert build_panel(DemandTask(sales, CUTOFF)).price.tolist() == [[5.0]]


def test_days_fall_into_periods_on_both_sides_of_the_panel():
    panel = build_panel(DemandTask(sales_of(("a", 13, 1)), CUTOFF))
    days = pl.DataFrame({"day": [CUTOFF - timedelta(days=ago) for ago in (14, 13, 7, 6, 0, -1, -7, -8)]})
    assert days.select(period_of(pl.col("day"), panel)).to_series().to_list() == [-1, 0, 0, 1, 1, 2, 2, 3]


def test_a_missing_column_is_named_with_those_found():
    with pytest.raises(ForecastError, match="lacks units; found item_id, location_id, day, unit_price"):
        build_panel(DemandTask(sales_of(("a", 1, 1)).drop("units"), CUTOFF))


def test_units_that_are_no_number_are_refused():
    with pytest.raises(ForecastError, match="1 rows whose units are no number"):
        build_panel(DemandTask(sales_of(("a", 1, float("nan"))), CUTOFF))


@pytest.mark.parametrize("name", ["period_days", "horizon", "season"])
def test_a_length_below_one_is_refused(name: str):
    with pytest.raises(ForecastError, match=f"DemandTask.{name} is 0"):
        build_panel(DemandTask(sales_of(("a", 1, 1)), CUTOFF, **{name: 0}))
