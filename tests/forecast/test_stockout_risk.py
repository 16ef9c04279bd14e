from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast import ForecastError, stockout_risk
from warehouse.tables import PUBLISHED, QUANTILES, polars_schema

CUTOFF = date(2026, 6, 28)


def forecast_of(*periods: list[float], item: str = "a") -> pl.DataFrame:
    rows = [(item, "all", CUTOFF + timedelta(days=1 + 7 * n), 7, *q) for n, q in enumerate(periods)]
    schema = {"item_id": pl.String, "location_id": pl.String, "date": pl.Date, "period_days": pl.Int32}
    return pl.DataFrame(rows, schema=schema | dict.fromkeys(QUANTILES, pl.Float64), orient="row")


def stock_of(on_hand: float, **columns: object) -> pl.DataFrame:
    row = {"item_id": "a", "location_id": "all", "date": CUTOFF, "on_hand": on_hand, **columns}
    return pl.DataFrame({name: [value] for name, value in row.items()})


def risk(forecast: pl.DataFrame, stock: pl.DataFrame) -> list[float]:
    return stockout_risk(forecast, stock, cutoff=CUTOFF)["probability"].to_list()


STEADY = [float(level) for level in range(10, 100, 10)]  # p10 = 10 … p90 = 90


def test_the_table_is_that_of_the_one_list():
    wanted = {n: t for n, t in polars_schema(PUBLISHED["stockout_risk"]).items() if n not in {"run_id", "title"}}
    assert stockout_risk(forecast_of(STEADY), stock_of(1), cutoff=CUTOFF).schema == wanted
    assert stockout_risk(forecast_of(STEADY), stock_of(1).clear(), cutoff=CUTOFF).schema == wanted


@pytest.mark.parametrize(
    ("on_hand", "expected"), [(50, 0.5), (15, 0.85), (90, 0.1), (5, 0.95), (0, 1), (-3, 1), (130, 0.02)]
)
def test_the_probability_is_read_off_the_quantiles(on_hand: float, expected: float):
    assert risk(forecast_of(STEADY), stock_of(on_hand)) == pytest.approx([expected])


def test_demand_adds_up_over_the_periods():
    found = stockout_risk(forecast_of(STEADY, STEADY, STEADY), stock_of(100), cutoff=CUTOFF)
    assert found["probability"].to_list() == pytest.approx([0.1 * 5 ** (-10 / 40), 0.5, 1 - 1 / 3])
    assert found["on_hand"].to_list() == [100, 100, 100]


def test_stock_that_is_expected_counts_from_the_period_in_which_it_comes():
    stock = stock_of(100, on_order=200.0, expected_on=CUTOFF + timedelta(days=15))
    found = stockout_risk(forecast_of(STEADY, STEADY, STEADY), stock, cutoff=CUTOFF)
    assert found["on_hand"].to_list() == [100, 100, 300]
    assert found["probability"][1] == pytest.approx(0.5)
    assert found["probability"][2] < 0.1


def test_an_order_without_a_day_or_due_before_the_count_adds_nothing():
    for day in (None, CUTOFF - timedelta(days=1)):
        stock = stock_of(100, on_order=200.0).with_columns(pl.Series("expected_on", [day], dtype=pl.Date))
        assert stockout_risk(forecast_of(STEADY), stock, cutoff=CUTOFF)["on_hand"].to_list() == [100]


def test_only_the_last_count_up_to_the_cutoff_is_read():
    counts = [
        (CUTOFF - timedelta(days=9), 500.0),
        (CUTOFF - timedelta(days=2), 50.0),
        (CUTOFF + timedelta(days=1), 900.0),
    ]
    stock = pl.DataFrame(
        [("a", day, units) for day, units in counts], schema=["item_id", "date", "on_hand"], orient="row"
    )
    assert risk(forecast_of(STEADY), stock) == pytest.approx([0.5])


def test_an_item_that_will_not_sell_does_not_run_out():
    assert risk(forecast_of([0.0] * 9), stock_of(1)) == pytest.approx([0], abs=1e-12)


def test_an_item_that_inventory_does_not_know_has_no_row():
    assert stockout_risk(forecast_of(STEADY, item="b"), stock_of(1), cutoff=CUTOFF).height == 0


def test_a_missing_column_is_named():
    with pytest.raises(ForecastError, match="inventory lacks on_hand; found item_id, location_id, date"):
        stockout_risk(forecast_of(STEADY), stock_of(1).drop("on_hand"), cutoff=CUTOFF)


quantile_rows = st.lists(st.lists(st.floats(0, 1000), min_size=9, max_size=9).map(sorted), min_size=1, max_size=4)


@given(periods=quantile_rows, stocks=st.lists(st.floats(-10, 5000), min_size=2, max_size=2).map(sorted))
def test_q11_risk_never_falls_when_there_is_less_on_hand(periods: list[list[float]], stocks: list[float]):
    less, more = (np.array(risk(forecast_of(*periods), stock_of(units))) for units in stocks)
    assert (less >= more - 1e-9).all()
    assert ((less >= 0) & (less <= 1)).all()


@given(periods=quantile_rows, on_hand=st.floats(-10, 5000))
def test_risk_never_falls_with_time_while_nothing_arrives(periods: list[list[float]], on_hand: float):
    assert (np.diff(risk(forecast_of(*periods), stock_of(on_hand))) >= -1e-9).all()
