"""Step `forecast`: demand of every item and location through the horizon, and how likely each is to run out."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from forecast import DemandForecast, DemandTask, forecast_demand, stockout_risk
from jobs.settings import Settings, forecast_config

if TYPE_CHECKING:
    from jobs.embed import EmbeddedTexts
    from jobs.ingest import Shop
    from jobs.progress import Progress

__all__ = ["Demand", "demand_task", "forecast_shop"]

logger = logging.getLogger(__name__)

_SUMMED = ("mean", *(f"p{level}" for level in range(10, 100, 10)))


@dataclass(frozen=True, slots=True)
class Demand:
    """What the night expects to be sold; `skipped` says why nothing could be forecast."""

    result: DemandForecast | None
    risk: pl.DataFrame | None  # item_id, location_id, date, on_hand, probability
    stock: pl.DataFrame | None  # item_id, on_hand, probability: the first period, summed over locations
    snapshot_id: str
    skipped: str | None = None
    on_hand: pl.DataFrame | None = None  # item_id, on_hand: the last counts up to the cutoff, summed over locations


def forecast_shop(shop: Shop, texts: EmbeddedTexts, *, settings: Settings, progress: Progress | None = None) -> Demand:
    """Forecast every item of the shop; without a single sale there is nothing to learn from, and it is skipped."""
    snapshot_id = texts.vectors.snapshot_id
    sales = shop.table("sales")
    if sales is not None and not sales.height:
        cure = "take its file away, and purchases or reviews stand for sales"
        return Demand(None, None, None, snapshot_id, skipped=f"forecast skipped: the table sales has no row; {cure}")
    if not shop.signals.demand.height:
        return Demand(
            None,
            None,
            None,
            snapshot_id,
            skipped="forecast skipped: no sale, purchase or review up to the cutoff to learn demand from",
        )
    result = forecast_demand(demand_task(shop, texts, settings=settings), forecast_config(settings), progress=progress)
    inventory = shop.table("inventory")
    if inventory is None or not inventory.height:
        return Demand(result, None, None, snapshot_id)
    risk = stockout_risk(result.forecast, inventory, cutoff=shop.cutoff)
    counted = _stock_over_locations(inventory)
    whole = stockout_risk(_over_locations(result.forecast), counted, cutoff=shop.cutoff)
    first = whole.filter(pl.col("date") == pl.col("date").min())
    stock = first.select("item_id", "on_hand", "probability").sort("item_id")
    return Demand(result, risk, stock, snapshot_id, on_hand=counted.select("item_id", "on_hand"))


def demand_task(shop: Shop, texts: EmbeddedTexts, *, settings: Settings) -> DemandTask:
    """Return what the forecaster is given of the shop."""
    return DemandTask(
        sales=shop.signals.demand,
        cutoff=shop.cutoff,
        period_days=settings.period_days,
        horizon=settings.horizon,
        season=settings.season,
        absent=settings.absent_sales,
        items=shop.table("items"),
        promotions=shop.table("promotions"),
        calendar=shop.table("calendar"),
        text=texts.vectors.items(shop.cutoff, review_weight=0.0),
    )


def _over_locations(forecast: pl.DataFrame) -> pl.DataFrame:
    """Sum over locations; summed quantiles take the locations to rise and fall together, the cautious end."""
    keys = ["item_id", "date", "period_days"]
    told = [pl.col("source", "status").first()]
    summed = (
        forecast.sort("item_id", "location_id", "date")
        .group_by(keys, maintain_order=True)
        .agg(pl.col(_SUMMED).sum(), *told)
    )
    return summed.with_columns(location_id=pl.lit("all")).select(forecast.columns).sort("item_id", "date")


def _stock_over_locations(inventory: pl.DataFrame) -> pl.DataFrame:
    """Sum each location's latest count; what is on order counts from the day when the last of it is expected."""
    location = pl.col("location_id").fill_null("all")
    latest = (
        inventory.with_columns(location_id=location)
        .sort("item_id", "location_id", "date")
        .group_by("item_id", "location_id")
        .last()
    )
    expected = pl.col("expected_on").filter(pl.col("on_order") > 0).max()
    summed = latest.sort("item_id", "location_id").group_by("item_id", maintain_order=True)
    found = summed.agg(
        pl.col("date", "lead_time_days").max(), pl.col("on_hand", "on_order").sum(), expected.alias("expected_on")
    )
    return found.with_columns(location_id=pl.lit("all")).select(inventory.columns).sort("item_id")
