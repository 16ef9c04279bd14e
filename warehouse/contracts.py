"""What a row must be: the type of each column and the rules of its table, and the reason where one fails."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import isfinite
from typing import TYPE_CHECKING

import polars as pl

from warehouse.tables import Column, Table, polars_schema
from warehouse.values import as_text, cleaned, dates, numbers, timestamps

if TYPE_CHECKING:
    from warehouse.options import IngestOptions

__all__ = ["ANYWHERE", "EVENT_KINDS", "ID_COLUMNS", "as_record", "check_rows", "with_types"]

EVENT_KINDS = ("view", "search", "cart", "purchase", "shown", "clicked")
ID_COLUMNS = frozenset({"item_id", "user_id", "location_id", "review_id", "order_id", "run_id", "kind"})
ANYWHERE = "all"  # the location of a shop without locations; of a plan: null, which holds in every location


@dataclass(frozen=True, slots=True)
class _Rule:
    """A condition that no row of a table may fulfil; `reason` has a `{}` for each of `shows`."""

    table: str
    broken: pl.Expr
    reason: str
    shows: tuple[str, ...] = ()


_RULES = (
    _Rule(
        "reviews",
        ~pl.col("stars").is_between(1, 5),
        "stars: {} is outside 1 to 5; rescale the ratings to 1 to 5",
        ("stars",),
    ),
    _Rule(
        "sales",
        pl.col("unit_price") < 0,
        "unit_price: {} is below 0; a return has negative units, or stands in units_returned",
        ("unit_price",),
    ),
    _Rule("inventory", pl.col("lead_time_days") < 0, "lead_time_days: {} is below 0", ("lead_time_days",)),
    _Rule(
        "promotions",
        pl.col("ends_on") < pl.col("starts_on"),
        "ends_on: {} is before starts_on, {}; the last day comes second",
        ("ends_on", "starts_on"),
    ),
    _Rule(
        "events",
        pl.col("item_id").is_null() & (pl.col("kind") != "search"),
        "item_id: empty in an event of kind {}; only a search may lack it",
        ("kind",),
    ),
)


def check_rows(raw: pl.DataFrame, *, table: Table, options: IngestOptions) -> tuple[pl.DataFrame, dict[int, str]]:
    """Type the rows of a table and judge each by itself.

    Args:
        raw: the columns of ours that the file has, as read (text, or Parquet's types).
        table: which one.
        options: formats, timezone, and the cleaning that every text goes through.

    Returns:
        All of the table's columns, typed, in order, row for row; and the reason of each row that is not to be taken.
    """
    reasons: dict[int, list[str]] = defaultdict(list)
    typed: dict[str, pl.Series] = {}
    for column in table.columns:
        if column.name not in raw.columns:
            typed[column.name] = pl.Series(column.name, [None] * raw.height, polars_schema(table)[column.name])
            continue
        values = _typed(raw[column.name], column, options)
        typed[column.name] = values
        _judge(raw[column.name], values, column, options=options, reasons=reasons)
    frame = _filled(pl.DataFrame(typed), table)
    for rule in _RULES:
        if rule.table == table.name:
            broken = frame.with_row_index("__row").filter(rule.broken)
            text = broken.select("__row", reason=pl.format(rule.reason, *(pl.col(name) for name in rule.shows)))
            for row, reason in text.iter_rows():
                if row not in reasons:  # a value that could not be read has said so already
                    reasons[row].append(reason)
    return frame, {row: "; ".join(said) for row, said in sorted(reasons.items())}


def _typed(raw: pl.Series, column: Column, options: IngestOptions) -> pl.Series:
    if column.type == "VARCHAR":
        return as_text(raw) if column.name in ID_COLUMNS else cleaned(as_text(raw), options.clean)
    if column.type == "DATE":
        return _in_range(dates(raw, date_format=options.date_format, timezone=options.timezone))
    if column.type == "TIMESTAMP":
        return _in_range(timestamps(raw, date_format=options.date_format))
    values = numbers(raw, decimal=options.decimal)
    if column.type in {"INTEGER", "BIGINT"}:
        whole = values.set(values != values.round(), None)
        return whole.cast(pl.Int32 if column.type == "INTEGER" else pl.Int64, strict=False)
    return values


def _in_range(values: pl.Series) -> pl.Series:
    return values.set((values.dt.year() < 1900) | (values.dt.year() > 2200), None)


def _judge(
    raw: pl.Series, values: pl.Series, column: Column, *, options: IngestOptions, reasons: dict[int, list[str]]
) -> None:
    if not values.has_nulls():
        return
    none = values.is_null()
    text = as_text(raw).filter(none)
    for row, was in zip(none.arg_true().to_list(), text.to_list(), strict=True):
        if was is None:
            if column.required and column.name != "title":  # an item without a title is sold all the same
                reasons[row].append(f"{column.name}: empty; every row needs it")
        elif column.type != "VARCHAR":
            shown = options.clean(was)[:80]  # cleaned whole: half an e-mail address is not known for one
            reasons[row].append(f"{column.name}: {shown!r} is no {_cure(was, column, options)}")


def _cure(was: str, column: Column, options: IngestOptions) -> str:
    """What it is not, and how it is written or configured."""
    if column.type == "DATE":
        return 'date of 1900 to 2200; write it as 2024-01-31, or set date_format (such as "%d.%m.%Y") in shop.toml'
    if column.type == "TIMESTAMP":
        return "time of 1900 to 2200; write it as 2024-01-31T18:30:00Z, or set date_format in shop.toml"
    if column.type in {"INTEGER", "BIGINT"}:
        return "whole number; write it as 12"
    if options.decimal == "." and "," in was:
        return 'number; write it as 12.5, or set decimal = "," in shop.toml'
    if options.decimal == "," and "." in was:
        return 'number; write it as 12,5, or set decimal = "." in shop.toml'
    return f"number; write it as 12{options.decimal}5, or leave it empty where it is unknown"


def _filled(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """What an absent value stands for: a sale without a location is in the only one, a plan without one in all."""
    filled = []
    if table.name in {"promotions", "calendar"}:
        filled.append(pl.col("location_id").replace(ANYWHERE, None))
    elif "location_id" in table.names:
        filled.append(pl.col("location_id").fill_null(ANYWHERE))
    if table.name == "items":
        filled.append(pl.col("title").fill_null(""))
    if table.name == "events":
        lower = pl.col("kind").str.to_lowercase()
        filled.append(pl.when(lower.is_in(EVENT_KINDS)).then(lower).otherwise(pl.col("kind")).alias("kind"))
    return frame.with_columns(filled)


def as_record(values: object, *, clean: Callable[[str], str], ids: Sequence[str] = ()) -> str:
    """Return a row as JSON: texts cleaned but for the columns named in `ids`, absent values left out."""

    def one(value: object) -> object:
        if isinstance(value, str):
            return clean(value)
        if isinstance(value, date | datetime):
            return value.isoformat()
        if isinstance(value, float) and not isfinite(value):
            return str(value)  # JSON knows no infinity
        if isinstance(value, float) and value.is_integer():
            return int(value)
        return value if isinstance(value, int | float | bool) else clean(str(value))

    if isinstance(values, Mapping):
        kept = {str(name): value for name, value in values.items() if value is not None}
        return json.dumps(
            {name: value if name in ids else one(value) for name, value in kept.items()},
            ensure_ascii=False,
            default=str,
        )
    if isinstance(values, list):
        return json.dumps([one(value) for value in values], ensure_ascii=False)
    return json.dumps(one(values), ensure_ascii=False)


def with_types(texts: pl.DataFrame, *, decimal: str) -> pl.DataFrame:
    """Give an open table's further columns the type that all their values have: numbers, truth values or text.

    A column with codes such as 007 stays text. A column without any value is left out: which rows are there depends
    on the cutoff, and a column that only later rows fill must not show.
    """
    columns = []
    for name in sorted(texts.columns):
        text = texts[name]
        if text.null_count() == len(text):
            continue
        number = numbers(text, decimal=decimal)
        lower = text.str.to_lowercase()
        codes = text.str.contains(r"^[+-]?0\d").any()
        if number.null_count() == text.null_count() and not codes:
            columns.append(number)
        elif lower.drop_nulls().is_in(["true", "false"]).all():
            columns.append((lower == "true").alias(name))
        else:
            columns.append(text)
    return pl.DataFrame(columns)
