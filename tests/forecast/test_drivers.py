from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from forecast import DemandTask, ForecastConfig, ForecastError
from forecast.design import assemble, read_sources
from forecast.history import Rows
from forecast.panel import build_panel

CUTOFF = date(2026, 6, 28)


def day(after: int) -> date:
    return CUTOFF + timedelta(days=after)


def a_task(**tables: pl.DataFrame) -> DemandTask:
    rows = [(item, place, day(-7 * ago), 3.0 + ago % 2) for item in "ab" for place in ("n", "s") for ago in range(60)]
    sales = pl.DataFrame(rows, schema=["item_id", "location_id", "day", "units"], orient="row")
    return dataclasses.replace(DemandTask(sales, CUTOFF, horizon=3), **tables)


def features(task: DemandTask, *asked: tuple[int, int, int]) -> pl.DataFrame:
    """Features of (series, periods ago of the origin, horizon); series are a/n, a/s, b/n, b/s."""
    panel = build_panel(task)
    rows = Rows(*np.array([(s, panel.periods - 1 - ago, h) for s, ago, h in asked]).T)
    design = assemble(read_sources(panel, task, ForecastConfig()), rows)
    return pl.DataFrame(design.values, schema=list(design.names), orient="row")


def promotion(**columns: object) -> pl.DataFrame:
    row = {"item_id": "a", "starts_on": day(3), "ends_on": day(9), **columns}
    return pl.DataFrame({name: [value] for name, value in row.items()})


def test_a_promotion_is_the_share_of_the_days_of_the_target_period():
    found = features(a_task(promotions=promotion(discount=0.25)), (0, 0, 1), (1, 0, 2), (1, 0, 3), (2, 0, 1))
    assert found["promo_share"].to_list() == pytest.approx([5 / 7, 2 / 7, 0, 0])
    assert found["promo_discount"].to_list()[:2] == [0.25, 0.25]
    assert np.isnan(found["promo_discount"][2])
    assert found["promo_share_after"].to_list() == pytest.approx([2 / 7, 0, np.nan, 0], nan_ok=True)


def test_a_promotion_of_one_location_is_no_other_location_s():
    found = features(a_task(promotions=promotion(location_id="s")), (0, 0, 1), (1, 0, 1))
    assert found["promo_share"].to_list() == pytest.approx([0, 5 / 7])


def test_a_promotion_is_seen_only_from_origins_on_which_it_was_known():
    known = promotion(starts_on=day(-13), ends_on=day(-7), known_on=day(-20))
    # the origin three periods ago ends on day -21, the one two ago on day -14
    found = features(a_task(promotions=known), (0, 3, 2), (0, 2, 1))
    assert found["promo_share"].to_list() == pytest.approx([0, 1])


def test_a_promotion_that_became_known_after_the_cutoff_changes_nothing():
    task = a_task(promotions=promotion(item_id="b"))
    later = pl.concat([promotion(item_id="b"), promotion(known_on=day(1)).drop("known_on")])
    later = later.with_columns(pl.Series("known_on", [None, day(1)], dtype=pl.Date))
    asked = [(series, ago, h) for series in range(4) for ago in (0, 1) for h in (1, 2, 3)]
    assert features(task, *asked).equals(features(dataclasses.replace(task, promotions=later), *asked), null_equal=True)


def test_promotions_of_texts_and_truth_values_are_drivers_too():
    found = features(a_task(promotions=promotion(kind="flyer", display=True, note=None)), (0, 0, 1))
    assert found["promo_kind"][0] == 0.0
    assert found["promo_display"][0] == 1.0


def test_a_calendar_column_is_the_mean_over_the_period_at_its_own_location():
    place_and_day = [(place, after) for after in range(-420, 22) for place in ("n", "s")]
    days = [(day(after), place, after == 2 and place == "s", "wet") for place, after in place_and_day]
    calendar = pl.DataFrame(days, schema=["date", "location_id", "holiday", "weather"], orient="row")
    found = features(a_task(calendar=calendar), (0, 0, 1), (1, 0, 1), (1, 0, 2))
    assert found["holiday_by_location"].to_list() == pytest.approx([0, 1 / 7, 0])
    assert found["holiday_by_location_before"].to_list() == pytest.approx([0, 0, 1 / 7])
    assert found["weather_by_location"].to_list() == [0, 0, 0]


def test_calendar_rows_without_a_location_hold_for_all():
    calendar = pl.DataFrame({"date": [day(1), day(9)], "location_id": [None, "s"], "closed": [2.0, 4.0]})
    found = features(a_task(calendar=calendar), (0, 0, 1), (1, 0, 1), (1, 0, 2))
    assert found["closed"].to_list()[:2] == [2.0, 2.0]
    assert found["closed_by_location"][2] == 4.0
    assert np.isnan(found["closed_by_location"][0])


def test_a_price_is_that_paid_and_never_that_of_the_catalogue():
    task = a_task(items=pl.DataFrame({"item_id": ["a", "b"], "price": [9.0, 90.0], "colour": ["red", "blue"]}))
    assert "price" not in features(task, (0, 0, 1)).columns
    paid = task.sales.with_columns(pl.when(pl.col("day") > day(-7)).then(4.0).otherwise(8.0).alias("unit_price"))
    found = features(dataclasses.replace(task, sales=paid), (0, 0, 1))
    assert found["price"][0] == pytest.approx(np.log(4.0))
    assert found["price_to_quarter"][0] == pytest.approx(4 / ((12 * 8 + 4) / 13))
    assert "item_colour" in found.columns


def test_days_have_weekdays_and_two_seasons():
    rows = [("a", "all", day(-ago), 1.0 + ago % 7) for ago in range(60)]
    sales = pl.DataFrame(rows, schema=["item_id", "location_id", "day", "units"], orient="row")
    found = features(DemandTask(sales, CUTOFF, period_days=1, horizon=3, season=7), (0, 0, 2))
    assert found["weekday"][0] == day(2).weekday()
    size = np.exp(found["log_scale"][0])
    assert found["season_7"][0] * size == pytest.approx(1.0 + 5 % 7)
    assert "season_364" in found.columns


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"promotions": pl.DataFrame({"item_id": ["a"], "starts_on": [CUTOFF]})}, "promotions lack ends_on"),
        ({"calendar": pl.DataFrame({"day": [CUTOFF]})}, "the calendar lacks 'date'; found day"),
    ],
)
def test_a_missing_column_of_a_plan_is_named(tables: dict[str, pl.DataFrame], message: str):
    with pytest.raises(ForecastError, match=message):
        features(a_task(**tables), (0, 0, 1))
