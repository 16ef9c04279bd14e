"""What reviews said of an item, as of each origin: against a plain loop, and nothing from after a day."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from forecast import DemandTask, ForecastConfig, ForecastError, forecast_demand
from forecast.design import assemble, read_sources
from forecast.history import Rows
from forecast.panel import build_panel

NAMES = ("reviews", "reviews_quarter", "reviews_mean_stars", "reviews_mean_probability", "reviews_trend")


def reviews_of(task: DemandTask, *, seed: int = 0) -> pl.DataFrame:
    """Return how items stood on days of the last year and beyond the cutoff; a third of the items have no review."""
    draw = np.random.default_rng(seed)
    rows = []
    for item in [*task.sales["item_id"].unique().sort().to_list()[::3], "never-sold"]:
        days = sorted(draw.choice(np.arange(-500, 60), size=6, replace=False).tolist())
        for number, day in enumerate(days):
            trend = None if number < 3 else float(draw.normal())
            told = (float(draw.integers(1, 6)), float(draw.random()), trend)
            rows.append((item, task.cutoff + timedelta(days=day), number + 1, *told))
    names = ["item_id", "date", "reviews", "mean_stars", "mean_probability", "trend"]
    return pl.DataFrame(rows, schema=names, orient="row")


def features(task: DemandTask, rows: Rows) -> pl.DataFrame:
    design = assemble(read_sources(build_panel(task), task, ForecastConfig()), rows)
    return pl.DataFrame(design.values, schema=list(design.names), orient="row").select(NAMES)


def test_the_features_are_the_last_row_up_to_the_origins_end(shop: DemandTask):
    task = dataclasses.replace(shop, reviews=reviews_of(shop))
    panel = build_panel(task)
    items = panel.series["item_id"].to_list()
    asked = [
        (series, origin) for series in range(0, len(items), 2) for origin in (panel.periods - 1, panel.periods - 20)
    ]
    rows = Rows(*(np.array(part) for part in zip(*((series, origin, 1) for series, origin in asked), strict=True)))
    found = features(task, rows)
    for (series, origin), row in zip(asked, found.iter_rows(named=True), strict=True):
        end = task.cutoff - timedelta(days=7 * (panel.periods - 1 - origin))
        own = task.reviews.filter(pl.col("item_id") == items[series], pl.col("date") <= end).sort("date")
        before = own.filter(pl.col("date") <= end - timedelta(days=7 * 13))
        count = own["reviews"][-1] if own.height else 0
        assert row["reviews"] == pytest.approx(np.log1p(count), rel=1e-5)
        assert row["reviews_quarter"] == pytest.approx(np.log1p(count - before.height), rel=1e-5)
        for name in ("mean_stars", "mean_probability"):
            expected = own[name][-1] if own.height else float("nan")
            assert row[f"reviews_{name}"] == pytest.approx(expected, rel=1e-5, nan_ok=True)
        trends = own["trend"].drop_nulls()
        expected = trends[-1] if len(trends) else float("nan")
        assert row["reviews_trend"] == pytest.approx(expected, rel=1e-5, nan_ok=True)


def test_a_review_moved_past_the_cutoff_changes_no_number(shop: DemandTask):
    reviews = reviews_of(shop)
    ended = reviews.filter(pl.col("date") <= shop.cutoff)
    moved = ended.with_columns(
        pl.when(pl.int_range(pl.len()) == 4)
        .then(pl.lit(shop.cutoff + timedelta(days=1)))
        .otherwise("date")
        .alias("date")
    )
    without = ended.filter(pl.int_range(pl.len()) != 4)
    config = ForecastConfig(rounds=10, threads=1)
    known, later, absent, full = (
        forecast_demand(dataclasses.replace(shop, reviews=each), config).forecast
        for each in (ended, moved, without, reviews)
    )
    assert later.equals(absent)
    assert full.equals(known)
    assert not known.equals(absent)


def test_without_reviews_there_is_no_such_feature_and_a_missing_column_is_named(shop: DemandTask):
    panel = build_panel(shop)
    rows = Rows(*(np.array([value]) for value in (0, panel.periods - 1, 1)))
    names = assemble(read_sources(panel, shop, ForecastConfig()), rows).names
    assert not [name for name in names if name.startswith("reviews")]
    task = dataclasses.replace(shop, reviews=reviews_of(shop).drop("trend"))
    with pytest.raises(ForecastError, match=r"DemandTask\.reviews lacks trend; found item_id, date"):
        features(task, rows)
