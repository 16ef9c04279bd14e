"""A shop's folder → typed tables as of a cutoff, and every row that was not taken, with file, line and reason."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl

from warehouse.asof import FILE, AsOf, finish, first_rows, judge, last_day, mark_future
from warehouse.contracts import EVENT_KINDS
from warehouse.discovery import Source, discover
from warehouse.errors import InputError
from warehouse.headers import check_mapping
from warehouse.options import IngestOptions
from warehouse.parsing import DAY, LINE, REASON, ParsedFile, parse, sweep
from warehouse.tables import INPUT

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["PARTIAL_DAY", "IngestOptions", "Ingested", "ingest"]

PARTIAL_DAY = "partial last day"
_WITHOUT = {
    "sales": "a purchase, else a review by a user, stands for one unit sold",
    "events": "lists come from what was bought and from text, not from browsing",
    "reviews": "no review text and no ratings",
    "inventory": "no stock-out risk",
    "promotions": "demand knows no promotion",
    "calendar": "demand knows no holiday and no closed day",
}


@dataclass(frozen=True, slots=True)
class Ingested:
    """What a folder holds as of a cutoff.

    Attributes:
        tables: by name of `warehouse.tables.INPUT`; typed, cleaned, sorted by all columns. An absent table has no key.
        rejects: table_name, file, line, reason, record (the row as read, texts cleaned; as typed where only another row
            or table spoils it).
        counts: table_name, file, read, kept, rejected, after_cutoff, forgotten; every row read is in one of the others.
            A sale to a forgotten user is kept, without the user.
        cutoff: last day of observations.
        notes: said once. One that starts with `PARTIAL_DAY` degrades the run (exit code 3); the others do not.
    """

    tables: dict[str, pl.DataFrame]
    rejects: pl.DataFrame
    counts: pl.DataFrame
    cutoff: date
    notes: tuple[str, ...]


def ingest(
    folder: Path, *, options: IngestOptions, cutoff: date | None, horizon_days: int, cache: Path | None
) -> Ingested:
    """Read a shop's folder as it was known on the evening of the cutoff.

    Observations (sales, events, reviews, inventory) end at the cutoff; plans (promotions, calendar, an item's
    `available_from`) at the horizon. A review without a date stays. Rows of a day after today are rejected.

    Args:
        folder: holds the tables' files; see `warehouse.discovery`.
        options: how the shop's files differ from the tables' names and formats.
        cutoff: last day of data; None: the last day of sales, else of purchases, reviews or events.
        horizon_days: days of plans after the cutoff, 0 or more.
        cache: a folder for parsed files, in which `ingest/` is made; None: every file is read.

    Raises:
        InputError: a whole file, a table's columns or the configuration is wrong, or no item is left.
    """
    check_mapping(options.columns, options.files)
    sources, homeless = discover(folder, options=options)
    if not any(source.table == "items" for source in sources):
        looked_for = "items.csv, items_*.csv, items/ (also .jsonl, .parquet, .gz)"
        raise InputError(f"{folder}: no table 'items'; looked for {looked_for}{_held(homeless)}")
    store = None if cache is None else cache / "ingest"
    files = [(source, parse(source, options=options, cache=store)) for source in sources]
    if store is not None and store.is_dir():
        sweep(store)
    today = options.today or datetime.now(ZoneInfo(options.timezone)).date()
    raw = {
        table: mark_future(_one_after_another(own), table=table, timezone=options.timezone, today=today)
        for table, own in _by_table(files).items()
    }
    _refuse_no_items(raw["items"])
    until = cutoff or last_day(raw, timezone=options.timezone)
    as_of = AsOf(until, until + timedelta(days=horizon_days), options.timezone)
    notes = (*_file_notes(files), *_homeless_note(homeless))
    settled = _settled(raw, as_of, sources=sources, decimal=options.decimal, notes=notes)
    return replace(settled, counts=_with_forgotten(settled.counts, files))


def _with_forgotten(counts: pl.DataFrame, files: list[tuple[Source, ParsedFile]]) -> pl.DataFrame:
    """A forgotten user's rows are read, and then nowhere: they count as read here."""
    left = pl.DataFrame(
        [(source.table, source.name, parsed.forgotten) for source, parsed in files],
        {"table_name": pl.String, "file": pl.String, "forgotten": pl.Int64},
        orient="row",
    )
    told = counts.join(left, on=["table_name", "file"], how="left", maintain_order="left")
    return told.with_columns(pl.col("read") + pl.col("forgotten"))


def _held(homeless: tuple[str, ...]) -> str:
    return (
        f'; the folder holds {", ".join(homeless[:10])}: name the file in shop.toml: [files] items = ["..."]'
        if homeless
        else ""
    )


def _by_table(files: list[tuple[Source, ParsedFile]]) -> dict[str, list[tuple[Source, ParsedFile]]]:
    tables: dict[str, list[tuple[Source, ParsedFile]]] = defaultdict(list)
    for source, parsed in files:
        tables[source.table].append((source, parsed))
    return tables


def _one_after_another(files: list[tuple[Source, ParsedFile]]) -> pl.DataFrame:
    named = [parsed.rows.with_columns(pl.lit(source.name).alias(FILE)) for source, parsed in files]
    return pl.concat(named, how="diagonal")


def _refuse_no_items(items: pl.DataFrame) -> None:
    if items.is_empty():
        raise InputError("items has 0 rows; nothing to index: put the shop's catalogue there, one row an item")
    if items[REASON].null_count() == 0:
        first = items.row(0, named=True)
        where = f"{first[FILE]} line {first[LINE]}"
        raise InputError(f"items: all {items.height} rows are rejected; nothing to index. {where}: {first[REASON]}")


def _settled(
    raw: dict[str, pl.DataFrame], as_of: AsOf, *, sources: list[Source], decimal: str, notes: tuple[str, ...]
) -> Ingested:
    tables: dict[str, pl.DataFrame] = {}
    rejects, counts = [], []
    items: pl.DataFrame | None = None
    for table in INPUT:
        if table not in raw:
            continue
        rows = raw[table]
        if DAY in rows.columns:
            rows = first_rows(rows, cutoff=as_of.cutoff)
        judged = judge(rows, table=table, as_of=as_of, items=items)
        items = judged if table == "items" else items
        files = [source.name for source in sources if source.table == table]
        tables[table], bad, count = finish(judged, table=table, files=files, decimal=decimal)
        rejects.append(bad)
        counts.append(count)
    if tables["items"].is_empty():
        why = f"each is rejected, or available from after {as_of.horizon_end}"
        raise InputError(f"items has 0 rows as of {as_of.cutoff}; nothing to index: {why}")
    every_count = pl.concat(counts)
    notes = (*notes, *_absent(tables), *_unknown_kinds(tables), *_all_rejected(every_count), *_partial_day(tables))
    return Ingested(
        tables,
        pl.concat(rejects).sort("table_name", "file", "line", maintain_order=True),
        every_count,
        as_of.cutoff,
        notes,
    )


def _file_notes(files: list[tuple[Source, ParsedFile]]) -> list[str]:
    return [
        f"{source.name}: columns left out, whose names SQL cannot tell from others: {', '.join(parsed.left_out)}"
        for source, parsed in files
        if parsed.left_out
    ]


def _homeless_note(homeless: tuple[str, ...]) -> list[str]:
    return [f"files that belong to no table: {', '.join(homeless)}"] if homeless else []


def _absent(tables: dict[str, pl.DataFrame]) -> list[str]:
    absent = [f"no {table}: {without}" for table, without in _WITHOUT.items() if table not in tables]
    empty = [
        f"{table} has 0 rows up to the cutoff: {without}"
        for table, without in _WITHOUT.items()
        if table in tables and tables[table].is_empty()
    ]
    return absent + empty


def _unknown_kinds(tables: dict[str, pl.DataFrame]) -> list[str]:
    if "events" not in tables:
        return []
    unknown = tables["events"].filter(~pl.col("kind").is_in(EVENT_KINDS)).group_by("kind").len().sort("kind")
    if unknown.is_empty():
        return []
    named = ", ".join(f"{kind} ({rows:,} rows)" for kind, rows in unknown.iter_rows())
    return [f"events of kinds that are kept and not used: {named}; the kinds known are {', '.join(EVENT_KINDS)}"]


def _all_rejected(counts: pl.DataFrame) -> list[str]:
    totals = counts.group_by("table_name", maintain_order=True).agg(pl.col("kept", "rejected").sum())
    lost = totals.filter((pl.col("kept") == 0) & (pl.col("rejected") > 0))
    return [
        f"{table}: all {rows:,} rows up to the cutoff were rejected; see rejects for why"
        for table, _, rows in lost.iter_rows()
    ]


def _partial_day(tables: dict[str, pl.DataFrame]) -> list[str]:
    """A last day with under a fifth of the rows that its weekday had in the median of the eight weeks before."""
    if "sales" not in tables or tables["sales"].is_empty():
        return []
    days = dict(tables["sales"].group_by("sold_on").len().iter_rows())
    last = max(days)
    usual = sorted(days.get(last - timedelta(weeks=weeks), 0) for weeks in range(1, 9))
    median = (usual[3] + usual[4]) / 2
    if median < 20 or days[last] >= 0.2 * median:
        return []
    usually = f"the median {last:%A} of the 8 weeks before has {median:,.0f}"
    return [f"{PARTIAL_DAY}: sales of {last} have {days[last]:,} rows; {usually}"]
