"""A small shop with seasons, promotions, launches and an end: made once, forecast once, read by every test."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from encoders import ItemVectors
from forecast import DemandForecast, DemandTask, ForecastConfig, forecast_demand

CUTOFF = date(2026, 6, 28)
WEEKS = 80
SMALL = ForecastConfig(rounds=30, leaves=7, max_rows=4000, threads=1)


def days_of_week(weeks_ago: int) -> date:
    """A day inside the week that ended `weeks_ago` weeks before the cutoff."""
    return CUTOFF - timedelta(days=7 * weeks_ago + 2)


@pytest.fixture(scope="session")
def shop() -> DemandTask:
    """40 items in four categories; promotions triple what is sold.

    `gone` stopped a year ago, `twin` is planned for the third week and has the text of category 1, `mute` is planned
    and has neither text nor category, `stale` has been in the catalogue since long ago and never sold.
    """
    draw = np.random.default_rng(3)
    rows, promotions = [], []
    for number in range(40):
        level, begins = 2 + number, int(draw.integers(0, 50)) if number % 2 else 0
        promoted = {int(week) for week in draw.integers(0, WEEKS, 12)}
        for week in range(begins, WEEKS):
            ago = WEEKS - 1 - week
            lift = 3 if week in promoted else 1
            units = draw.poisson(level * lift * (1 + 0.3 * np.sin(2 * np.pi * week / 52)))
            if units:
                rows.append((f"i{number:02d}", "all", days_of_week(ago), float(units), 5.0 + number % 3))
        ends = [CUTOFF - timedelta(days=7 * (WEEKS - 1 - week)) for week in sorted(promoted)]
        promotions += [(f"i{number:02d}", end - timedelta(days=6), end) for end in ends]
    rows += [("gone", "all", days_of_week(ago), 4.0, 1.0) for ago in range(45, 70)]
    ids = [*(f"i{number:02d}" for number in range(40)), "gone", "mute", "stale", "twin"]
    kinds = [*(f"c{number % 4}" for number in range(40)), "c0", None, "c1", "c1"]
    launch = CUTOFF + timedelta(days=16)
    available = [None] * 41 + [launch, CUTOFF - timedelta(days=300), launch]
    centres = draw.normal(size=(4, 16))
    vectors = np.array([centres[int(kind[1])] + draw.normal(size=16) * 0.3 if kind else np.zeros(16) for kind in kinds])
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0).astype(np.float32)
    order = np.argsort(ids)
    return DemandTask(
        sales=pl.DataFrame(rows, schema=["item_id", "location_id", "day", "units", "unit_price"], orient="row"),
        cutoff=CUTOFF,
        items=pl.DataFrame({"item_id": ids, "category": kinds, "available_from": available}),
        promotions=pl.DataFrame(promotions, schema=["item_id", "starts_on", "ends_on"], orient="row"),
        text=ItemVectors(tuple(ids[i] for i in order), vectors[order]),
    )


@dataclass(frozen=True)
class Forecasted:
    """The shop and its forecast."""

    task: DemandTask
    result: DemandForecast


@pytest.fixture(scope="session")
def forecasted(shop: DemandTask) -> Forecasted:
    """The shop, forecast once."""
    return Forecasted(shop, forecast_demand(shop, SMALL))


@pytest.fixture(scope="session")
def small() -> ForecastConfig:
    """Few, small trees: seconds, not minutes."""
    return SMALL
