"""What holds between rows and between tables, as of a cutoff: which rows are kept, rejected, or after it.

The law: the rows of a full folder as of a cutoff are the rows of a folder that ends there. So whatever compares rows
(the first of two with one key, the items that exist) compares only rows that are known at the cutoff.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from warehouse.contracts import as_record, with_types
from warehouse.errors import InputError
from warehouse.parsing import DAY, LINE, REASON, RECORD
from warehouse.tables import INPUT
from warehouse.values import days_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FILE", "AsOf", "finish", "first_rows", "judge", "last_day", "mark_future"]

FILE = "__file"
AFTER = "__after"
_OBSERVED = {"sales": "sold_on", "inventory": "date", "events": "occurred_at", "reviews": "occurred_at"}


def _day(table: str, timezone: str) -> pl.Expr:
    """The shop's day of an observation; null where it has none."""
    column = pl.col(_OBSERVED[table])
    if table in {"sales", "inventory"}:
        return column
    return days_of(column, timezone=timezone)


def mark_future(rows: pl.DataFrame, *, table: str, timezone: str, today: date) -> pl.DataFrame:
    """Give observations of a day after today their reason: no shop has sold anything tomorrow."""
    if table not in _OBSERVED:
        return rows
    day = _day(table, timezone)
    name = _OBSERVED[table]
    reason = pl.format(
        f"{name}: {{}} is in the future; today is {today}; mend the date or the clock that wrote it", day
    )
    late = (day > today).fill_null(value=False)
    joined = pl.concat_str(pl.col(REASON), reason, separator="; ", ignore_nulls=True)
    return rows.with_columns(pl.when(late).then(joined).otherwise(pl.col(REASON)).alias(REASON), late.alias(AFTER))


def last_day(tables: Mapping[str, pl.DataFrame], *, timezone: str) -> date:
    """Return the last day of sales; without any, of purchases; then of dated reviews; then of any event.

    Only rows to take count, and of these only those of items that the shop has.

    Raises:
        InputError: no row has a day.
    """
    known = tables["items"].filter(pl.col(REASON).is_null()).select("item_id")
    purchases = pl.col("kind") == "purchase"
    for table, which in (
        ("sales", pl.lit(value=True)),
        ("events", purchases),
        ("reviews", pl.lit(value=True)),
        ("events", ~purchases),
    ):
        if table in tables:
            good = tables[table].filter(pl.col(REASON).is_null() & which).join(known, on="item_id", how="semi")
            last = good.select(_day(table, timezone).max()).item()
            if isinstance(last, date):
                return last
    raise InputError(
        "no row of sales, events or reviews has a day to end at; name the last day of data with --cutoff YYYY-MM-DD"
    )


@dataclass(frozen=True, slots=True)
class AsOf:
    """The evening from which a folder is seen: last day of observations, last day of plans, and where the sun sets."""

    cutoff: date
    horizon_end: date
    timezone: str


def judge(rows: pl.DataFrame, *, table: str, as_of: AsOf, items: pl.DataFrame | None) -> pl.DataFrame:
    """Mark each row: `AFTER` (not known at the cutoff), or with a `REASON` (rejected), or with neither (kept).

    Args:
        rows: a table's parsed rows, files one after another.
        table: its name.
        as_of: the evening from which they are seen.
        items: the judged rows of items; None: this is that table itself.
    """
    future = pl.col(AFTER) if AFTER in rows.columns else pl.lit(value=False)
    beyond = _beyond(table, as_of)
    rows = rows.with_columns((beyond.fill_null(value=False) & ~future).alias(AFTER))
    if items is not None and table != "calendar":
        rows = _of_known_items(rows, items)
    key = INPUT[table].key
    return _without_twins(rows, key) if key else rows


def _of_known_items(rows: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """Reject what names an item that is not kept; one that is itself a reject is named as such."""
    known = items.filter(_standing())["item_id"].implode()
    refused = items.filter(pl.col(REASON).is_not_null() & ~pl.col(AFTER))["item_id"].drop_nulls().implode()
    cure = (
        pl.when(pl.col("item_id").is_in(refused))
        .then(pl.lit(" is in items, in a row that is rejected; mend it there"))
        .otherwise(pl.lit(" is not in items; add it there, or leave its rows out"))
    )
    lost = _standing() & pl.col("item_id").is_not_null() & ~pl.col("item_id").is_in(known)
    reason = pl.concat_str(pl.lit("item_id: '"), "item_id", pl.lit("'"), cure)
    return rows.with_columns(pl.when(lost).then(reason).otherwise(pl.col(REASON)).alias(REASON))


def _standing() -> pl.Expr:
    return pl.col(REASON).is_null() & ~pl.col(AFTER)


def _beyond(table: str, as_of: AsOf) -> pl.Expr:
    if table in _OBSERVED:
        return _day(table, as_of.timezone) > as_of.cutoff
    if table == "items":
        return pl.col("available_from") > as_of.horizon_end
    if table == "promotions":
        unknown_yet = (pl.col("known_on") > as_of.cutoff).fill_null(value=False)
        return unknown_yet | (pl.col("starts_on") > as_of.horizon_end).fill_null(value=False)
    return pl.col("date") > as_of.horizon_end


def _without_twins(rows: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    """Of rows with one key the first is kept, the others say where it stands."""
    rows = rows.with_row_index("__row")
    twins = rows.filter(_standing()).filter(pl.struct(key).is_duplicated())
    if twins.is_empty():
        return rows.drop("__row")
    first = pl.col("__row") == pl.col("__row").min().over(key)
    values = [pl.col(column).cast(pl.String).fill_null("") for column in key]
    named = pl.format(", ".join(f"{column} '{{}}'" for column in key), *values)
    where = pl.format("{} line {}", pl.col(FILE).first().over(key), pl.col(LINE).first().over(key))
    later = twins.select(
        "__row",
        twin=pl.format("{} is there already, in {}; each row needs a key of its own", named, where),
        first=first,
    )
    later = later.filter(~pl.col("first")).select("__row", "twin")
    return (
        rows.join(later, on="__row", how="left")
        .with_columns(pl.coalesce(REASON, "twin").alias(REASON))
        .drop("twin", "__row")
    )


def first_rows(rows: pl.DataFrame, *, cutoff: date) -> pl.DataFrame:
    """Of the rows of sales that name an item, leave one: its first up to the cutoff, those with a title before others.

    Rows of a catalogue have no `DAY`: they stay as they are, and an item that stands there is taken from there.
    """
    catalogue = rows.filter(pl.col(DAY).is_null())
    named = rows.filter(pl.col(DAY) <= cutoff).join(catalogue.select("item_id"), on="item_id", how="anti")
    by_first = named.sort(pl.col("title") == "", DAY, FILE, LINE, maintain_order=True)
    return pl.concat([catalogue, by_first.unique("item_id", keep="first", maintain_order=True)])


def finish(
    rows: pl.DataFrame, *, table: str, files: list[str], decimal: str
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return the rows kept (typed, sorted by all columns), the rejects and the counts of a judged table."""
    inner = {FILE, LINE, REASON, RECORD, AFTER, DAY}
    names = INPUT[table].names
    further = [name for name in rows.columns if name not in inner and name not in names]
    good = rows.filter(_standing())
    kept = pl.concat([good.select(names), with_types(good.select(further), decimal=decimal)], how="horizontal")
    order = list(dict.fromkeys((*INPUT[table].sort, *kept.columns)))
    kept = kept.sort(order, nulls_last=False, maintain_order=True)
    bad = rows.filter(pl.col(REASON).is_not_null() & ~pl.col(AFTER))
    sums = rows.group_by(FILE).agg(
        read=pl.len(),
        kept=_standing().sum(),
        rejected=(pl.col(REASON).is_not_null() & ~pl.col(AFTER)).sum(),
        after_cutoff=pl.col(AFTER).sum(),
    )
    every = pl.DataFrame(
        {"table_name": [table] * len(files), "file": files}, {"table_name": pl.String, "file": pl.String}
    )
    numbers = pl.col("read", "kept", "rejected", "after_cutoff").fill_null(0).cast(pl.Int64)
    counts = every.join(sums, left_on="file", right_on=FILE, how="left", maintain_order="left").with_columns(numbers)
    return kept, _rejects(bad, table=table, names=[*names, *further]), counts


def _rejects(bad: pl.DataFrame, *, table: str, names: list[str]) -> pl.DataFrame:
    """A row that only its neighbours or another table spoil has no record of its own yet: it is written as typed."""
    records = [
        record or as_record(row, clean=str, ids=names)
        for record, row in zip(bad[RECORD].to_list(), bad.select(names).iter_rows(named=True), strict=True)
    ]
    return bad.select(
        pl.lit(table).alias("table_name"),
        pl.col(FILE).alias("file"),
        pl.col(LINE).alias("line"),
        pl.col(REASON).alias("reason"),
    ).with_columns(pl.Series("record", records, pl.String))
