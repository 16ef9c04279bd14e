"""What people bought, what they looked at, and what was sold: the three signals that every other room reads.

What a user bought is `sales` where it has user ids, else `purchase` events, else reviews by a user: never two of them.
What was sold is `sales`, else purchases, else reviews. `shown` is what the shop did, no signal of interest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from warehouse.contracts import ANYWHERE
from warehouse.values import days_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["INTEREST_KINDS", "Signals", "read_signals"]

INTEREST_KINDS = ("view", "search", "cart", "clicked")


@dataclass(frozen=True, slots=True)
class Signals:
    """Three frames, each sorted by its key.

    Attributes:
        purchases: user_id, item_id, day, units (above 0): one row a user, item and day.
        interest: user_id, item_id, day, kind (view, search, cart, clicked): one row each a day.
        demand: item_id, location_id, day, units, unit_price (mean, weighted by the units above 0; null where no row has
            one): one row an item, location and day. Negative units are summed as they are.
        purchase_source: sales, events, reviews or none.
        demand_source: sales, events, reviews or none.
    """

    purchases: pl.DataFrame
    interest: pl.DataFrame
    demand: pl.DataFrame
    purchase_source: str
    demand_source: str


def read_signals(tables: Mapping[str, pl.DataFrame], *, timezone: str) -> Signals:
    """Read the signals off the tables of `ingest`; `timezone` turns times into the shop's days."""
    bought = {
        "sales": _user_sales(tables),
        "events": _purchase_events(tables, timezone),
        "reviews": _reviews(tables, timezone),
    }
    purchase_source = next((source for source, rows in bought.items() if rows.height), "none")
    sold = {"sales": _sales(tables), **{source: _everywhere(bought[source]) for source in ("events", "reviews")}}
    demand_source = next((source for source, rows in sold.items() if rows.height), "none")
    purchases = (
        bought.get(purchase_source, bought["sales"]).group_by("user_id", "item_id", "day").agg(pl.col("units").sum())
    )
    return Signals(
        purchases.sort("user_id", "item_id", "day"),
        _interest(tables, timezone),
        _by_day(sold.get(demand_source, sold["sales"])),
        purchase_source,
        demand_source,
    )


_BOUGHT = {"user_id": pl.String(), "item_id": pl.String(), "day": pl.Date(), "units": pl.Float64()}
_SOLD = {
    "item_id": pl.String(),
    "location_id": pl.String(),
    "day": pl.Date(),
    "units": pl.Float64(),
    "unit_price": pl.Float64(),
}


def _day(timezone: str) -> pl.Expr:
    return days_of(pl.col("occurred_at"), timezone=timezone).alias("day")


def _user_sales(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    if "sales" not in tables:
        return pl.DataFrame(schema=_BOUGHT)
    by_users = tables["sales"].filter(pl.col("user_id").is_not_null() & (pl.col("units") > 0))
    return by_users.select("user_id", "item_id", pl.col("sold_on").alias("day"), "units")


def _purchase_events(tables: Mapping[str, pl.DataFrame], timezone: str) -> pl.DataFrame:
    """The units of a purchase are its value; one without a value above 0 is one unit."""
    if "events" not in tables:
        return pl.DataFrame(schema=_BOUGHT)
    units = pl.when(pl.col("value") > 0).then(pl.col("value")).otherwise(1.0).alias("units")
    purchases = tables["events"].filter((pl.col("kind") == "purchase") & pl.col("item_id").is_not_null())
    return purchases.select("user_id", "item_id", _day(timezone), units)


def _reviews(tables: Mapping[str, pl.DataFrame], timezone: str) -> pl.DataFrame:
    if "reviews" not in tables:
        return pl.DataFrame(schema=_BOUGHT)
    dated = tables["reviews"].filter(pl.col("user_id").is_not_null() & pl.col("occurred_at").is_not_null())
    return dated.select("user_id", "item_id", _day(timezone), pl.lit(1.0).alias("units"))


def _sales(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    if "sales" not in tables:
        return pl.DataFrame(schema=_SOLD)
    return tables["sales"].select("item_id", "location_id", pl.col("sold_on").alias("day"), "units", "unit_price")


def _everywhere(bought: pl.DataFrame) -> pl.DataFrame:
    price = pl.lit(None, pl.Float64).alias("unit_price")
    return bought.select("item_id", pl.lit(ANYWHERE).alias("location_id"), "day", "units", price)


def _by_day(sold: pl.DataFrame) -> pl.DataFrame:
    priced = pl.when((pl.col("units") > 0) & pl.col("unit_price").is_not_null()).then(pl.col("units"))
    paid = (priced * pl.col("unit_price")).sum() / priced.sum()
    days = sold.group_by("item_id", "location_id", "day").agg(
        pl.col("units").sum(), pl.when(priced.count() > 0).then(paid).alias("unit_price")
    )
    return days.sort("item_id", "location_id", "day")


def _interest(tables: Mapping[str, pl.DataFrame], timezone: str) -> pl.DataFrame:
    columns = ("user_id", "item_id", "day", "kind")
    if "events" not in tables:
        return pl.DataFrame(
            schema={"user_id": pl.String(), "item_id": pl.String(), "day": pl.Date(), "kind": pl.String()}
        )
    looked = tables["events"].filter(pl.col("kind").is_in(INTEREST_KINDS) & pl.col("item_id").is_not_null())
    return looked.with_columns(_day(timezone)).select(columns).unique().sort(columns)
