"""Features against an oracle that shares no code with them: polars over a long table of days."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from forecast import DemandTask, ForecastConfig
from forecast.design import Sources, assemble, read_sources
from forecast.history import Rows
from forecast.panel import build_panel


def sources_of(task: DemandTask) -> Sources:
    return read_sources(build_panel(task), task, ForecastConfig())


def weeks_of(task: DemandTask, item: str | None, origin_ago: int) -> list[float]:
    """Units a week of an item (None: of all), newest first, as of `origin_ago` weeks before the cutoff."""
    end = task.cutoff - timedelta(days=7 * origin_ago)
    sales = task.sales.filter(pl.col("day") <= end)
    sales = sales if item is None else sales.filter(pl.col("item_id") == item)
    ago = ((pl.lit(end) - pl.col("day")).dt.total_days() // 7).alias("ago")
    sums = dict(sales.group_by(ago).agg(pl.col("units").sum()).iter_rows())
    return [sums.get(week, 0.0) for week in range(max(sums) + 1)]


CASES = [("i00", 0, 1), ("i07", 5, 8), ("i22", 11, 3), ("i39", 20, 2)]


@pytest.fixture(scope="module")
def table(shop: DemandTask) -> tuple[Sources, pl.DataFrame]:
    sources = sources_of(shop)
    ids = sources.panel.series["item_id"].to_list()
    rows = Rows(
        np.array([ids.index(item) for item, _, _ in CASES]),
        np.array([sources.panel.periods - 1 - ago for _, ago, _ in CASES]),
        np.array([horizon for _, _, horizon in CASES]),
    )
    design = assemble(sources, rows)
    return sources, pl.DataFrame(design.values, schema=list(design.names), orient="row")


@pytest.mark.parametrize("number", range(len(CASES)))
def test_features_equal_an_independent_oracle(shop: DemandTask, table: tuple[Sources, pl.DataFrame], number: int):
    item, ago, horizon = CASES[number]
    features = table[1].row(number, named=True)
    own, total = weeks_of(shop, item, ago), weeks_of(shop, None, ago)
    size = (np.mean(own[:52]) + np.mean(own[:13])) / 2 + 0.02 * max(own[:52])
    expected = {
        "log_scale": np.log(size),
        "lag_0": own[0] / size,
        "lag_3": own[3] / size,
        "mean_4": np.mean(own[:4]) / size,
        "mean_26": np.mean(own[:26]) / size,
        "mean_52": np.mean(own[:52]) / size,
        "std_13": np.std(own[:13], ddof=1) / size,
        "max_52": max(own[:52]) / size,
        "zero_share_8": np.mean([units == 0 for units in own[:8]]),
        "trend_short": (np.mean(own[:4]) - np.mean(own[:13])) / size,
        "age": len(own) - 1,
        "since_sale": next(week for week, units in enumerate(own) if units),
        "total_momentum": np.mean(total[:4]) / np.mean(total[:13]),
        "horizon": horizon,
    }
    back = 52 - horizon  # weeks before the origin of the target's week a year earlier
    if len(total) > back + 2:
        then = np.mean(total[52:56])
        expected["total_season_52"] = total[back] / then
        expected["total_season_smooth_52"] = np.mean(total[back - 1 : back + 2]) / then
        expected["total_growth_52"] = np.mean(total[:4]) / then
    if len(own) > back + 2:
        expected["season_52"] = own[back] / size
        expected["season_smooth_52"] = np.mean(own[back - 1 : back + 2]) / size
    for name, value in expected.items():
        assert features[name] == pytest.approx(value, rel=2e-5, abs=1e-6), name


def test_a_season_that_lies_before_the_history_is_unknown(table: tuple[Sources, pl.DataFrame]):
    sources, features = table
    late = [n for n, (item, ago, h) in enumerate(CASES) if sources.panel.periods - 1 - ago + h - 104 < 0]
    assert late
    assert features["season_2_52"][late].is_nan().all()


def test_features_of_a_past_origin_are_those_of_a_history_that_ends_there(shop: DemandTask):
    whole = sources_of(shop)
    ago = 9
    cutoff = shop.cutoff - timedelta(days=7 * ago)
    plans = shop.promotions
    ended = sources_of(dataclasses.replace(shop, cutoff=cutoff, promotions=plans))
    asked = [(series, ended.panel.periods - 1, h) for series in range(ended.panel.series.height) for h in (1, 8)]
    rows = Rows(*np.array(asked).T)
    ids = whole.panel.series["item_id"].to_list()
    place = np.array([ids.index(item) for item in ended.panel.series["item_id"]])
    same = Rows(place[rows.series], rows.origin, rows.horizon)
    now, then = assemble(whole, same), assemble(ended, rows)
    assert now.names == then.names
    # codes and the choice of text neighbours are made of the items known at the cutoff
    kept = [number for number, driver in enumerate(now.drivers) if driver not in {"neighbours", "attributes"}]
    np.testing.assert_allclose(now.values[:, kept], then.values[:, kept], rtol=1e-6, atol=1e-7)


def test_text_neighbours_that_had_not_begun_weigh_nothing(shop: DemandTask):
    sources = sources_of(shop)
    text = sources.text
    assert text is not None
    begun = [int(start) for start in sources.panel.start]
    first = min(begun)
    alone = text.level[:, first]
    assert np.isfinite(alone).sum() <= np.isfinite(text.level[:, -1]).sum()
    assert np.isfinite(text.level[:, -1]).all()


def test_projected_texts_enter_only_when_asked_for(shop: DemandTask):
    panel = build_panel(shop)
    rows = Rows(np.array([0]), np.array([panel.periods - 1]), np.array([1]))
    ways = [ForecastConfig(use_text=use) for use in ("auto", "on", "off")]
    names = {way.use_text: assemble(read_sources(panel, shop, way), rows).names for way in ways}
    assert "neighbour_level" in names["auto"]
    assert "text_0" not in names["auto"]
    assert "text_0" in names["on"]
    assert not {name for name in names["off"] if name.startswith(("neighbour", "text"))}
