from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from forecast import DemandTask, ForecastConfig, forecast_demand
from forecast.task import BACKTEST_SCHEMA, EXPLAIN_SCHEMA, FORECAST_SCHEMA
from warehouse.tables import QUANTILES

if TYPE_CHECKING:
    from conftest import Forecasted

CUTOFF = date(2026, 6, 28)
VALUES = ["mean", *QUANTILES]


def test_the_tables_are_those_of_the_one_list(forecasted: Forecasted):
    assert forecasted.result.forecast.schema == FORECAST_SCHEMA
    assert forecasted.result.explain.schema == EXPLAIN_SCHEMA
    assert forecasted.result.backtest.schema == BACKTEST_SCHEMA


def test_q02_every_item_has_the_whole_horizon_in_quantiles_that_do_not_cross(forecasted: Forecasted):
    rows = forecasted.result.forecast
    ids = sorted(forecasted.task.items["item_id"])
    assert rows["item_id"].unique().sort().to_list() == ids
    days = [CUTOFF + timedelta(days=1 + 7 * week) for week in range(8)]
    assert rows.select("item_id", "location_id", "date").rows() == [(item, "all", day) for item in ids for day in days]
    assert rows.null_count().sum_horizontal().item() == 0
    values = rows.select(VALUES).to_numpy()
    assert np.isfinite(values).all()
    assert (values >= 0).all()
    assert (np.diff(values[:, 1:], axis=1) >= 0).all()
    assert set(rows["period_days"]) == {7}


def test_forecasts_follow_the_level_of_each_item(forecasted: Forecasted):
    sums = dict(forecasted.result.forecast.group_by("item_id").agg(pl.col("p50").sum()).iter_rows())
    recent = forecasted.task.sales.filter(pl.col("day") > CUTOFF - timedelta(days=91))
    sold = dict(recent.group_by("item_id").agg(pl.col("units").sum()).iter_rows())
    ids = [item for item in sums if item in sold]
    correlation = np.corrcoef([sums[item] for item in ids], [sold[item] for item in ids])[0, 1]
    assert correlation > 0.9


def test_an_item_that_stopped_selling_has_ended_and_gets_zeros(forecasted: Forecasted):
    gone = forecasted.result.forecast.filter(pl.col("item_id") == "gone")
    assert set(gone["status"]) == {"ended"}
    assert gone.select(VALUES).sum().sum_horizontal().item() == 0
    effects = forecasted.result.explain.filter(pl.col("item_id") == "gone")
    assert effects.select("driver", "effect").rows() == [("ended", 0.0)]


def test_an_item_that_always_sold_rarely_has_not_ended(small: ForecastConfig, shop: DemandTask):
    rare = [("rare", "all", CUTOFF - timedelta(days=7 * ago), 1.0, 1.0) for ago in (27, 45, 63, 79)]
    sales = pl.concat([shop.sales, pl.DataFrame(rare, schema=shop.sales.schema, orient="row")])
    result = forecast_demand(dataclasses.replace(shop, sales=sales), dataclasses.replace(small, explain=False))
    rows = result.forecast.filter(pl.col("item_id") == "rare")
    assert set(rows["status"]) == {"active"}
    assert 0 < rows["mean"].sum() < 4


def test_q04_an_item_without_sales_begins_like_its_text_neighbours(forecasted: Forecasted):
    rows = forecasted.result.forecast.filter(pl.col("item_id") == "twin")
    assert set(rows["source"]) == {"analog"}
    assert set(rows["status"]) == {"new"}
    effects = forecasted.result.explain.filter(pl.col("item_id") == "twin")
    assert set(effects["driver"]) == {"neighbour"}
    assert effects["similarity"].is_between(0, 1).all()
    best = effects.sort("similarity", descending=True).head(3)["neighbour_item_id"].to_list()
    assert {int(item[1:]) % 4 for item in best} == {1}  # the launches of its own category


def test_nothing_is_sold_before_a_planned_launch(forecasted: Forecasted):
    rows = forecasted.result.forecast.filter(pl.col("item_id") == "twin").sort("date")
    assert rows["mean"][:2].to_list() == [0.0, 0.0]
    assert (rows["mean"][2:] > 0).all()


def test_q05_an_item_with_neither_sales_nor_text_is_forecast_more_widely_than_the_median_item(forecasted: Forecasted):
    sums = forecasted.result.forecast.group_by("item_id", "status", "source").agg(pl.col("mean", "p10", "p90").sum())
    width = ((pl.col("p90") - pl.col("p10")) / pl.col("mean")).alias("width")
    median = sums.filter(pl.col("status") == "active").select(width.median()).item()
    mute = sums.filter(pl.col("item_id") == "mute")
    assert mute["source"].to_list() == ["category"]
    assert mute.select(width).item() > median


def test_an_item_long_in_the_catalogue_without_a_sale_is_expected_to_sell_less_than_a_launch(forecasted: Forecasted):
    sums = dict(forecasted.result.forecast.group_by("item_id").agg(pl.col("mean").sum()).iter_rows())
    assert 0 < sums["stale"] < 0.6 * sums["twin"]


def test_without_text_a_launch_is_that_of_its_category(shop: DemandTask, small: ForecastConfig):
    result = forecast_demand(shop, dataclasses.replace(small, use_text="off"))
    rows = result.forecast.filter(pl.col("item_id") == "twin")
    assert set(rows["source"]) == {"category"}
    effects = result.explain.filter(pl.col("item_id") == "twin")
    assert effects["driver"].to_list() == ["category"]
    assert effects["effect"].item() == pytest.approx(rows["mean"].sum(), abs=1e-9)


def test_q09_effects_sum_to_the_mean_less_the_base(forecasted: Forecasted):
    means = forecasted.result.forecast.group_by("item_id", "location_id").agg(pl.col("mean").sum())
    base = pl.col("effect").filter(pl.col("driver") == "base").sum()
    others = pl.col("effect").filter(pl.col("driver") != "base").sum()
    sums = forecasted.result.explain.group_by("item_id", "location_id").agg(base.alias("base"), others.alias("others"))
    both = means.join(sums, on=["item_id", "location_id"], how="left")
    assert both["others"].null_count() == 0
    assert both.select((pl.col("mean") - pl.col("base") - pl.col("others")).abs().max()).item() < 1e-6
    assert {"base", "calibration", "level", "promotion", "season"} <= set(forecasted.result.explain["driver"])


def test_the_same_task_gives_the_same_rows_in_whatever_order_they_come(shop: DemandTask, forecasted: Forecasted, small):
    mixed = dataclasses.replace(shop, sales=shop.sales.sample(fraction=1, shuffle=True, seed=5))
    again = forecast_demand(mixed, small)
    assert again.forecast.equals(forecasted.result.forecast)
    assert again.explain.equals(forecasted.result.explain)
    assert again.backtest.equals(forecasted.result.backtest)


def test_moving_a_sale_past_the_cutoff_changes_no_number(shop: DemandTask, forecasted: Forecasted, small):
    later = shop.sales.head(3).with_columns(pl.lit(CUTOFF + timedelta(days=1)).alias("day"), pl.lit(1e6).alias("units"))
    surprise = later.head(1).with_columns(pl.lit("never seen").alias("item_id"))
    again = forecast_demand(dataclasses.replace(shop, sales=pl.concat([later, surprise, shop.sales])), small)
    assert again.forecast.equals(forecasted.result.forecast)
    assert again.backtest.equals(forecasted.result.backtest)


def test_promotions_known_ahead_raise_the_forecast_of_their_weeks(shop: DemandTask, forecasted: Forecasted, small):
    week = (CUTOFF + timedelta(days=8), CUTOFF + timedelta(days=14))
    ahead = pl.DataFrame([(f"i{n:02d}", *week) for n in range(40)], schema=shop.promotions.schema, orient="row")
    task = dataclasses.replace(shop, promotions=pl.concat([shop.promotions, ahead]))
    promoted = forecast_demand(task, small).forecast
    sold = pl.col("item_id").str.starts_with("i") & (pl.col("date") == week[0])
    lift = promoted.filter(sold)["mean"].sum() / forecasted.result.forecast.filter(sold)["mean"].sum()
    assert lift > 1.5  # the shop's promotions triple what is sold


def test_a_backtest_names_its_baselines_and_beats_them_on_the_whole(forecasted: Forecasted):
    table = forecasted.result.backtest
    assert set(table["metric"]) == {"wape", "wql", "coverage", "bias"}
    assert set(table["baseline"]) == {"moving_average", "seasonal_naive"}
    assert table["cutoff"].max() == CUTOFF - timedelta(days=56)
    assert table["cutoff"].n_unique() == 3
    whole = table.filter((pl.col("segment") == "all") & (pl.col("metric") == "wql"))
    assert (whole["value"] < whole["baseline_value"]).all()
    assert (whole["low"] <= whole["value"]).all()
    assert (whole["value"] <= whole["high"]).all()


def test_the_seed_alone_decides_the_draw(shop: DemandTask, forecasted: Forecasted, small):
    other = forecast_demand(shop, dataclasses.replace(small, seed=1, explain=False))
    assert not other.forecast.equals(forecasted.result.forecast)


def test_a_shop_too_young_to_learn_from_takes_its_own_history_and_says_so(small):
    rows = [("a", "all", CUTOFF - timedelta(days=7 * ago), float(ago)) for ago in range(5)]
    task = DemandTask(pl.DataFrame(rows, schema=["item_id", "location_id", "day", "units"], orient="row"), CUTOFF)
    result = forecast_demand(task, small)
    assert "each series' own last quarter is taken" in result.notes[0]
    assert result.forecast["mean"].to_list() == [2.0] * 8
    assert result.forecast["p50"].to_list() == [2.0] * 8
    assert result.explain["effect"].to_list() == [16.0]
    assert result.backtest.height == 0


def test_a_shop_without_any_sale_forecasts_its_catalogue_at_zero(small):
    empty = pl.DataFrame(schema={"item_id": pl.String, "location_id": pl.String, "day": pl.Date, "units": pl.Float64})
    result = forecast_demand(DemandTask(empty, CUTOFF, items=pl.DataFrame({"item_id": ["a"]})), small)
    assert result.forecast.select("item_id", "status").unique().rows() == [("a", "new")]
    assert result.forecast["mean"].sum() == 0


def test_negative_units_are_forecast_only_where_the_sales_have_them(small):
    draw = np.random.default_rng(0)
    rows = [
        (f"s{series}", f"l{series % 3}", CUTOFF - timedelta(days=7 * ago), float(draw.normal(-5, 2)))
        for series in range(12)
        for ago in range(60)
        if draw.random() > 0.1
    ]
    sales = pl.DataFrame(rows, schema=["item_id", "location_id", "day", "units"], orient="row")
    task = DemandTask(sales, CUTOFF, absent="unknown", horizon=4)
    rows_out = forecast_demand(task, small).forecast
    assert rows_out.height == 12 * 4
    assert (rows_out["p50"] < 0).all()


def test_a_launch_is_shared_out_over_the_locations_by_what_they_sell(shop: DemandTask, small):
    places = shop.sales.with_columns(pl.lit("north").alias("location_id"))
    more = shop.sales.with_columns(pl.lit("south").alias("location_id"), pl.col("units") * 3)
    result = forecast_demand(
        dataclasses.replace(shop, sales=pl.concat([places, more])), dataclasses.replace(small, explain=False)
    )
    sums = result.forecast.filter(pl.col("item_id") == "twin").group_by("location_id").agg(pl.col("mean").sum())
    by = dict(sums.iter_rows())
    assert by["south"] == pytest.approx(3 * by["north"])


def test_progress_is_told_from_nothing_to_all(shop: DemandTask, small):
    told: list[tuple[str, int, int]] = []
    forecast_demand(shop, dataclasses.replace(small, explain=False, rounds=2), progress=lambda *step: told.append(step))
    assert told[0] == ("forecast: train", 0, 10)
    assert told[-1] == ("forecast: train", 10, 10)
