# ruff: noqa: DTZ001 times in tables are naive UTC
from __future__ import annotations

from datetime import date, datetime

import polars as pl

from warehouse import read_signals
from warehouse.tables import INPUT, polars_schema


def table(name, rows):
    """Rows of a table as `ingest` types it, columns not given null."""
    schema = polars_schema(INPUT[name])
    return pl.DataFrame([{column: row.get(column) for column in schema} for row in rows], schema=schema)


def sale(item="a", day=5, units=1.0, **other):
    return {"item_id": item, "sold_on": date(2024, 1, day), "units": units, "location_id": "all", **other}


def event(kind, item="a", at=datetime(2024, 1, 5, 12), user="u", **other):
    return {"user_id": user, "item_id": item, "occurred_at": at, "kind": kind, **other}


def review(user="u", at=datetime(2024, 1, 5, 12), number=1):
    return {"review_id": f"r{number}", "item_id": "a", "user_id": user, "occurred_at": at}


def test_purchases_are_sales_where_they_have_users_one_row_a_user_item_and_day():
    sales = [
        sale(units=2.0, user_id="u"),
        sale(units=1.0, user_id="u"),
        sale(user_id=None),
        sale(day=6, units=-1.0, user_id="u"),
    ]
    signals = read_signals(
        {"sales": table("sales", sales), "events": table("events", [event("purchase")])}, timezone="UTC"
    )
    assert signals.purchases.rows() == [("u", "a", date(2024, 1, 5), 3.0)]
    assert signals.purchase_source == "sales"


def test_without_users_in_sales_purchases_come_from_events_and_demand_still_from_sales():
    tables = {
        "sales": table("sales", [sale(units=4.0)]),
        "events": table(
            "events",
            [event("purchase", value=3.0), event("purchase", user="v"), event("purchase", user="v", value=-2.0)],
        ),
    }
    signals = read_signals(tables, timezone="UTC")
    assert signals.purchases.rows() == [("u", "a", date(2024, 1, 5), 3.0), ("v", "a", date(2024, 1, 5), 2.0)]
    assert signals.demand.rows() == [("a", "all", date(2024, 1, 5), 4.0, None)]
    assert (signals.purchase_source, signals.demand_source) == ("events", "sales")


def test_without_sales_a_purchase_stands_for_what_was_sold():
    events = table("events", [event("purchase", value=3.0), event("purchase", user="v"), event("view")])
    for tables in ({"events": events}, {"events": events, "sales": table("sales", [])}):
        signals = read_signals(tables, timezone="UTC")
        assert signals.demand.rows() == [("a", "all", date(2024, 1, 5), 4.0, None)]
        assert signals.demand_source == "events"


def test_without_sales_and_purchases_a_dated_review_by_a_user_is_one_unit():
    reviews = [review(number=1), review(number=2, user="v"), review(number=3, user=None), review(number=4, at=None)]
    tables = {"reviews": table("reviews", reviews), "events": table("events", [event("view")])}
    signals = read_signals(tables, timezone="UTC")
    assert signals.purchases.rows() == [("u", "a", date(2024, 1, 5), 1.0), ("v", "a", date(2024, 1, 5), 1.0)]
    assert signals.demand.rows() == [("a", "all", date(2024, 1, 5), 2.0, None)]
    assert (signals.purchase_source, signals.demand_source) == ("reviews", "reviews")


def test_a_shop_without_history_has_empty_signals_of_the_same_shape():
    signals = read_signals({}, timezone="UTC")
    assert (signals.purchase_source, signals.demand_source) == ("none", "none")
    full = read_signals(
        {"sales": table("sales", [sale(user_id="u", unit_price=2.0)]), "events": table("events", [event("view")])},
        timezone="UTC",
    )
    for name in ("purchases", "interest", "demand"):
        assert getattr(signals, name).height == 0
        assert getattr(signals, name).schema == getattr(full, name).schema


def test_demand_sums_units_and_weighs_prices_by_units_sold():
    sales = [
        sale(units=3.0, unit_price=2.0),
        sale(units=1.0, unit_price=6.0),
        sale(units=5.0),  # no price: its units count, its price does not
        sale(units=-1.0, unit_price=100.0),  # a return pays no price
        sale(item="b", units=-1.0, unit_price=9.0),
        {**sale(units=2.0), "location_id": "north"},
    ]
    demand = read_signals({"sales": table("sales", sales)}, timezone="UTC").demand
    assert demand.rows() == [
        ("a", "all", date(2024, 1, 5), 8.0, 3.0),
        ("a", "north", date(2024, 1, 5), 2.0, None),
        ("b", "all", date(2024, 1, 5), -1.0, None),
    ]


def test_interest_is_what_a_user_did_once_a_day_and_never_what_was_shown():
    kinds = ["view", "view", "search", "cart", "clicked", "shown", "purchase", "wish"]
    events = [*(event(kind) for kind in kinds), event("search", item=None), event("view", at=datetime(2024, 1, 6, 12))]
    interest = read_signals({"events": table("events", events)}, timezone="UTC").interest
    day = date(2024, 1, 5)
    assert interest.rows() == [
        ("u", "a", day, "cart"),
        ("u", "a", day, "clicked"),
        ("u", "a", day, "search"),
        ("u", "a", day, "view"),
        ("u", "a", date(2024, 1, 6), "view"),
    ]


def test_days_are_the_shops():
    late = datetime(2024, 1, 5, 23, 30)
    tables = {
        "events": table("events", [event("view", at=late), event("purchase", at=late)]),
        "reviews": table("reviews", [review(at=late)]),
    }
    for timezone, day in (("UTC", 5), ("Europe/Berlin", 6), ("America/New_York", 5)):
        signals = read_signals(tables, timezone=timezone)
        assert signals.interest["day"].to_list() == [date(2024, 1, day)]
        assert signals.purchases["day"].to_list() == [date(2024, 1, day)]
    assert read_signals({"reviews": tables["reviews"]}, timezone="Europe/Berlin").demand["day"].to_list() == [
        date(2024, 1, 6)
    ]


def test_the_order_of_the_rows_changes_nothing():
    sales = [
        sale(item=item, day=day, units=units, user_id=user)
        for item in "ab"
        for day in (5, 6)
        for units in (0.1, 0.2, 0.7)
        for user in "uv"
    ]
    forth, back = (read_signals({"sales": table("sales", rows)}, timezone="UTC") for rows in (sales, sales[::-1]))
    assert forth.purchases.select("user_id", "item_id", "day").equals(
        back.purchases.select("user_id", "item_id", "day")
    )
    assert (forth.demand["units"] - back.demand["units"]).abs().max() < 1e-12
