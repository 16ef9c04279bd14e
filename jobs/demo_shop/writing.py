"""Writes the demo shop as a folder of CSV files, and the generator's truth beside it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from jobs.demo_shop.catalogue import CUTOFF_DAY, START, Catalogue, Ints
from jobs.demo_shop.trade import NOBODY, Trade

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.demo_shop.people import People
    from jobs.demo_shop.plans import Plans

__all__ = ["write_csv", "write_shop", "write_truth"]

_STOCK_WEEKS = 26  # how far back the stock counts reach


def write_csv(frame: pl.DataFrame, path: Path) -> None:
    """Write one table; numbers with a fraction get two digits, so that the bytes are the same everywhere."""
    frame.write_csv(path, float_precision=2, line_terminator="\n")


def write_shop(folder: Path, shop: Catalogue, plans: Plans, trade: Trade, people: People) -> None:
    """Write the tables of trade up to the cutoff: items, sales, inventory, and the plans through the horizon."""
    write_csv(shop.items, folder / "items.csv")
    write_csv(_sales(shop, plans, people, trade.sales[trade.sales[:, 0] <= CUTOFF_DAY]), folder / "sales.csv")
    write_csv(_inventory(shop, trade), folder / "inventory.csv")
    write_csv(plans.promotions, folder / "promotions.csv")
    write_csv(plans.calendar, folder / "calendar.csv")


def write_truth(folder: Path, shop: Catalogue, people: People, plans: Plans, trade: Trade) -> None:
    """Write what only the generator knows. The night reads none of it."""
    users, ids, language = people.user_ids, shop.item_ids, shop.language
    tastes = pl.DataFrame({"user_id": users})
    tastes = tastes.with_columns(
        *(pl.Series(f"likes_{one.name}", people.departments[:, row]) for row, one in enumerate(language.departments)),
        *(pl.Series(f"style_{one.name}", people.styles[:, row]) for row, one in enumerate(language.styles)),
    )
    write_csv(tastes, folder / "tastes.csv")
    pairs = [(ids[row], ids[other]) for row, other in enumerate(shop.twin) if other > row]
    write_csv(pl.DataFrame(pairs, schema=["item_id", "twin_item_id"], orient="row"), folder / "twins.csv")
    natures = {
        "item_id": ids,
        "thing": [language.things[kind].name for kind in shop.thing],
        "style": [language.styles[style].name for style in shop.style],
        "material": list(shop.material),
        "quality": shop.quality,
        "wanted_from": [_date(day) for day in shop.first_day],
        "wanted_until": [_date(day) for day in shop.last_day],
    }
    write_csv(pl.DataFrame(natures), folder / "natures.csv")
    write_csv(_demand(shop, trade), folder / "demand.csv")
    write_csv(_lost(shop, people, trade.lost), folder / "lost_sales.csv")
    write_csv(_sales(shop, plans, people, trade.sales), folder / "all_sales.csv")


def _date(day: int) -> date:
    return START + timedelta(days=int(day))


def _sales(shop: Catalogue, plans: Plans, people: People, rows: Ints) -> pl.DataFrame:
    day, item, user = rows[:, 0], rows[:, 1], rows[:, 2]
    ids, users = shop.item_ids, people.user_ids
    price = shop.items["price"].to_numpy()[item] * (1 - plans.discount[item, day])
    frame = pl.DataFrame(
        {
            "item_id": [ids[row] for row in item],
            "sold_on": [_date(one) for one in day.tolist()],
            "units": rows[:, 3],
            "unit_price": price.round(2),
            "user_id": [None if row == NOBODY else users[row] for row in user],
        }
    )
    order = pl.when(pl.col("user_id").is_not_null()).then(
        pl.format("{}-{}", pl.col("sold_on").dt.strftime("%y%m%d"), "user_id")
    )
    return frame.with_columns(order.alias("order_id")).sort("sold_on", "item_id", "user_id", "units", nulls_last=True)


def _inventory(shop: Catalogue, trade: Trade) -> pl.DataFrame:
    """Return the Sunday counts of the last half year, of what is listed."""
    days = np.arange(CUTOFF_DAY, CUTOFF_DAY - 7 * _STOCK_WEEKS, -7)[::-1]
    day, item = (part.ravel() for part in np.meshgrid(days, np.arange(len(shop.thing)), indexing="ij"))
    kept = (shop.listed[item] <= day) & (shop.last_day[item] >= day)
    day, item = day[kept], item[kept]
    ids, due = shop.item_ids, trade.due[day, item]
    return pl.DataFrame(
        {
            "item_id": [ids[row] for row in item],
            "date": [_date(one) for one in day.tolist()],
            "on_hand": trade.on_hand[day, item],
            "on_order": trade.ordered[day, item],
            "expected_on": [_date(one) if one >= 0 else None for one in due.tolist()],
            "lead_time_days": trade.lead_days[item],
        }
    )


def _demand(shop: Catalogue, trade: Trade) -> pl.DataFrame:
    """Return the units asked for and sold each week, where either is not 0."""
    weeks, count = trade.demanded.shape
    sold = np.zeros((weeks, count), np.int64)
    np.add.at(sold, (trade.sales[:, 0] // 7, trade.sales[:, 1]), trade.sales[:, 3])
    lost = np.zeros((weeks, count), np.int64)
    gone = trade.lost[trade.lost[:, 4] < 0]
    np.add.at(lost, (gone[:, 0] // 7, gone[:, 1]), gone[:, 3])
    week, item = np.nonzero(trade.demanded + sold)
    ids = shop.item_ids
    return pl.DataFrame(
        {
            "item_id": [ids[row] for row in item],
            "date": [_date(one * 7) for one in week.tolist()],
            "demanded": trade.demanded[week, item],
            "sold": sold[week, item],
            "lost": lost[week, item],
        }
    )


def _lost(shop: Catalogue, people: People, rows: Ints) -> pl.DataFrame:
    ids, users = shop.item_ids, people.user_ids
    return pl.DataFrame(
        {
            "item_id": [ids[row] for row in rows[:, 1]],
            "date": [_date(day) for day in rows[:, 0].tolist()],
            "units": rows[:, 3],
            "user_id": [None if row == NOBODY else users[row] for row in rows[:, 2]],
            "taken_instead": [ids[row] if row >= 0 else None for row in rows[:, 4]],
        }
    )
