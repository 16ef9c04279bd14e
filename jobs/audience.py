"""Which items need an audience tomorrow: those launched within the horizon, and those that lie in stock too much."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from jobs.forecast import Demand
    from jobs.ingest import Shop
    from jobs.settings import Settings

__all__ = ["find_occasions", "occasion_audiences"]


def find_occasions(shop: Shop, demand: Demand, *, settings: Settings) -> pl.DataFrame:
    """Return item_id, occasion, sorted: `launch` for an item first on sale within the horizon, else `overstock`.

    Overstocked is what has more on hand, over all locations, than the sum over the horizon of p90, each location and
    period at its own: a good week followed by good ones, as `stockout_risk` sums them. The p90 of the sum would be
    lower, and more items overstocked: this names only those that a run of good weeks would not sell.
    """
    last = shop.cutoff + timedelta(days=settings.horizon_days)
    items = shop.ingested.tables["items"]
    launched = items.filter(pl.col("available_from") > shop.cutoff, pl.col("available_from") <= last)
    launches = launched.select("item_id", occasion=pl.lit("launch"))
    if demand.result is None or demand.on_hand is None:
        return launches.sort("item_id")
    most = demand.result.forecast.group_by("item_id").agg(pl.col("p90").sum())
    over = demand.on_hand.join(most, on="item_id").filter(pl.col("on_hand") > pl.col("p90"))
    overstocked = over.join(launches, on="item_id", how="anti").select("item_id", occasion=pl.lit("overstock"))
    return pl.concat([launches, overstocked]).sort("item_id")


def occasion_audiences(audience: pl.DataFrame, occasions: pl.DataFrame) -> pl.DataFrame:
    """Return the audiences of the items that have an occasion."""
    return audience.join(occasions, on="item_id", maintain_order="left")
