"""One file of one table → its typed rows, good and bad, with the cache that spares a known file a second reading.

A parsed file is one frame: the table's columns, typed; an open table's further columns as text; and `LINE`, `REASON`
(null: a row to take) and `RECORD` (of a bad row: the row as read, as JSON). It knows no cutoff and no other table:
those come later, so that the same parsed file serves every night.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
from dataclasses import dataclass, replace
from functools import cache as remembered
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from warehouse.contracts import ID_COLUMNS, as_record, check_rows
from warehouse.errors import InputError
from warehouse.headers import extras_of, resolve
from warehouse.readers import Chunk, kind_of, read_chunks
from warehouse.tables import INPUT, Table, polars_schema
from warehouse.users import REASON, RECORD, record_of_user, with_names, without_forgotten
from warehouse.values import as_text, cleaned, dates

if TYPE_CHECKING:
    from warehouse.discovery import Source
    from warehouse.options import IngestOptions
    from warehouse.privacy import Privacy

__all__ = ["DAY", "LINE", "REASON", "RECORD", "ParsedFile", "cached_tables", "forget_cached", "parse", "sweep"]

LINE = "__line"
_HIDDEN = "not kept: the row could not be read, and user ids are hashed"
DAY = "__day"  # of items that are named by their sales: the day of the sale
KEEP_DAYS = 30
_PROBE = (
    "&lt;b&gt;\uff23af\u00e9&amp;  bar</b>\u200b write to jo.doe@example.org or +44 20 7946 0958, 4111 1111 1111 1111"
)


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A file's rows (see the module), its columns that were left out, and how many rows of forgotten users it has."""

    rows: pl.DataFrame
    left_out: tuple[str, ...]
    forgotten: int = 0


def parse(source: Source, *, options: IngestOptions, cache: Path | None) -> ParsedFile:
    """Return the rows of a file: from the cache where its bytes, the options and this code are known, else read.

    Raises:
        InputError: the file as a whole cannot be read, or a column is missing.
    """
    try:
        before = source.path.stat()  # ahead of the hash, so that rows are never stored under another content's key
        key = _key(source, options) if cache is not None else ""
        known = _load(cache, key) if cache is not None else None
        parsed = known or _read(source, options)
        kept = _without_forgotten(parsed, INPUT[source.table], options.privacy)
    except OSError as error:
        raise InputError(f"{source.name}: cannot be read ({error})") from error
    after = source.path.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise InputError(f"{source.name}: the file changed while it was read; start again when its export has ended")
    if cache is not None and kept is not known:
        _store(cache, key, kept)
    return kept


def _without_forgotten(parsed: ParsedFile, table: Table, privacy: Privacy) -> ParsedFile:
    """Return the file itself where no row of it names a forgotten user."""
    rows = without_forgotten(parsed.rows, table=table, privacy=privacy)
    if rows.equals(parsed.rows):
        return parsed
    return replace(parsed, rows=rows, forgotten=parsed.forgotten + parsed.rows.height - rows.height)


def _read(source: Source, options: IngestOptions) -> ParsedFile:
    table = INPUT[source.table]
    frames: list[pl.DataFrame] = []
    left_out: dict[str, None] = {}
    seen: dict[str, None] = {}
    lines_of_json = kind_of(source.path) == "jsonl"
    for chunk in read_chunks(source.path, name=source.name, encoding=options.encoding, delimiter=options.delimiter):
        seen.update(dict.fromkeys(chunk.rows.columns))
        frame, beside = _typed(chunk, table, source=source, options=options, every_column=not lines_of_json)
        frames.append(with_names(frame, table=table, privacy=options.privacy))
        left_out.update(dict.fromkeys(beside))
    if lines_of_json and seen:  # its columns are those that any of its lines has
        resolve(table, list(seen), mapped=options.columns.get(table.name, {}), file=source.name)
    return ParsedFile(pl.concat(frames, how="diagonal"), tuple(left_out))


def _typed(
    chunk: Chunk, table: Table, *, source: Source, options: IngestOptions, every_column: bool
) -> tuple[pl.DataFrame, list[str]]:
    mapped = options.columns.get(table.name, {})
    found = chunk.rows.columns
    if every_column:
        columns = resolve(table, found, mapped=mapped, file=source.name)
    else:
        columns = {
            **{name: name for name in table.names if name in found},
            **{o: t for o, t in mapped.items() if t in found},
        }
    known = {ours: theirs for ours, theirs in columns.items() if ours in table.names}
    raw = chunk.rows.select(pl.col(theirs).alias(ours) for ours, theirs in known.items())
    _refuse_bytes(raw, source)
    if not known:
        raw = pl.DataFrame({table.names[0]: [None] * chunk.rows.height}, {table.names[0]: pl.String})
    typed, reasons = check_rows(raw, table=table, options=options)
    kept, left_out = extras_of(table, found, columns)
    further = {name: name for name in kept} | {o: t for o, t in columns.items() if o not in known and table.open}
    if source.derived:
        further, left_out = {}, []
    extras = [_further(chunk.rows[theirs].alias(ours), source, options) for ours, theirs in further.items()]
    ids = [theirs for ours, theirs in known.items() if ours in ID_COLUMNS]
    bad = sorted(reasons)
    # a column that is nowhere kept, such as a customer's name, is not kept in a record either
    told = set(known.values()) | set(further.values())
    user = known.get("user_id")
    raw_rows = ({name: row[name] for name in row if name in told} for row in chunk.rows[bad].iter_rows(named=True))
    records = [as_record(record_of_user(row, user, options.privacy), clean=options.clean, ids=ids) for row in raw_rows]
    rows = typed.with_columns(
        *extras,
        chunk.lines.alias(LINE),
        _sparse(REASON, [reasons[row] for row in bad], bad, typed.height),
        _sparse(RECORD, records, bad, typed.height),
    )
    if source.derived:
        return _dated(rows, chunk, options), []
    return pl.concat([rows, _broken(chunk, table, options)], how="diagonal").sort(LINE), left_out


def _dated(rows: pl.DataFrame, chunk: Chunk, options: IngestOptions) -> pl.DataFrame:
    """Items named by sales, each with the day of its sale. What is no sale is a reject there, and nothing here."""
    column = options.columns.get("sales", {}).get("sold_on", "sold_on")
    if column not in chunk.rows.columns:
        return rows.with_columns(pl.lit(None, pl.Date).alias(DAY)).clear()
    days = dates(chunk.rows[column], date_format=options.date_format, timezone=options.timezone)
    return rows.with_columns(days.alias(DAY)).filter(pl.col(REASON).is_null() & pl.col(DAY).is_not_null())


def _sparse(name: str, values: list[str], at: list[int], height: int) -> pl.Series:
    full = pl.Series(name, [None], pl.String).new_from_index(0, height)
    return full.scatter(at, values) if at else full


def _broken(chunk: Chunk, table: Table, options: IngestOptions) -> pl.DataFrame:
    hidden = options.privacy.hash_users and "user_id" in table.names
    rows = [
        (row.line, row.reason, json.dumps(_HIDDEN) if hidden else as_record(row.values, clean=options.clean))
        for row in chunk.broken
    ]
    said = pl.DataFrame(rows, {LINE: pl.Int64, REASON: pl.String, RECORD: pl.String}, orient="row")
    return said.select(*(pl.lit(None, kind).alias(name) for name, kind in polars_schema(table).items()), pl.all())


def _further(values: pl.Series, source: Source, options: IngestOptions) -> pl.Series:
    """A column that has no name here, as text: its type is settled when the rows up to the cutoff are known."""
    _refuse_bytes(values.to_frame(), source)
    text = as_text(values.fill_nan(None) if values.dtype.is_float() else values)
    return text if values.dtype.is_numeric() else cleaned(text, options.clean)


def _refuse_bytes(rows: pl.DataFrame, source: Source) -> None:
    for name, kind in rows.schema.items():
        if kind == pl.Binary:
            raise InputError(
                f"{source.name}: column {name!r} holds {kind}; write text or numbers, or leave the column out"
            )


# the cache


@remembered
def _code() -> str:
    """Hash of the code that reads: another version reads again."""
    here = Path(__file__).parent
    files = ("contracts", "decoding", "headers", "parsing", "privacy", "readers", "tables", "users", "values")
    sources = b"".join((here / f"{name}.py").read_bytes() for name in files)
    return hashlib.sha256(sources + pl.__version__.encode()).hexdigest()


def _key(source: Source, options: IngestOptions) -> str:
    """Hash of the file's bytes and of all else that its rows depend on; `clean` is known by what it does to a probe."""
    with source.path.open("rb") as stream:
        content = hashlib.file_digest(stream, "sha256").hexdigest()
    columns = options.columns.get(source.table, {})
    rest = [
        source.table, source.name, source.derived, sorted(columns.items()),
        options.columns.get("sales", {}).get("sold_on"), options.timezone,
        options.delimiter, options.decimal, options.date_format, options.encoding, options.clean(_PROBE),
        options.clean_version, options.privacy.version, _code(),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps([content, rest]).encode()).hexdigest()


def _load(cache: Path, key: str) -> ParsedFile | None:
    """Return what is stored under the key; None where nothing is, or its bytes are not those that were written."""
    path, seal = cache / f"{key}.parquet", cache / f"{key}.json"
    try:
        content, facts = path.read_bytes(), json.loads(seal.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(facts, dict) or facts.get("sha256") != hashlib.sha256(content).hexdigest():
        return None
    now = time.time()
    for file in (path, seal):
        os.utime(file, (now, now))  # a swept entry is one that no night has asked for
    return ParsedFile(pl.read_parquet(io.BytesIO(content)), tuple(facts["left_out"]), facts.get("forgotten", 0))


def _store(cache: Path, key: str, parsed: ParsedFile) -> None:
    """Write the rows, then the seal that vouches for them: each aside, then renamed."""
    cache.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    parsed.rows.write_parquet(buffer)
    content = buffer.getvalue()
    sha256 = hashlib.sha256(content).hexdigest()
    facts = {"sha256": sha256, "left_out": parsed.left_out, "forgotten": parsed.forgotten}
    for name, data in ((f"{key}.parquet", content), (f"{key}.json", json.dumps(facts).encode())):
        aside = cache / f".{name}.{os.getpid()}.tmp"
        aside.write_bytes(data)
        aside.replace(cache / name)


def sweep(cache: Path) -> None:
    """Remove what no night has asked for in `KEEP_DAYS` days, and what a killed one left half written."""
    oldest = time.time() - KEEP_DAYS * 86400
    for path in cache.iterdir():
        if path.is_file() and path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)


def forget_cached(cache: Path, privacy: Privacy) -> int:
    """Write the parsed files that are kept anew without forgotten users; return how many files named one."""
    found = 0
    for seal in sorted((cache / "ingest").glob("*.json")):
        parsed = _load(seal.parent, seal.stem)
        if parsed is None:
            for damaged in seal.parent.glob(f"{seal.stem}.*"):  # nobody can say what is in it
                damaged.unlink(missing_ok=True)
            continue
        kept = _without_forgotten(parsed, INPUT[_table_of(parsed)], privacy)
        if kept is not parsed:
            _store(seal.parent, seal.stem, kept)
            found += 1
    return found


def cached_tables(cache: Path) -> list[tuple[str, pl.DataFrame]]:
    """Return what parsed files are kept, each with the name of its table; a damaged one is left out."""
    found = []
    for seal in sorted((cache / "ingest").glob("*.json")):
        parsed = _load(seal.parent, seal.stem)
        if parsed is not None:
            found.append((_table_of(parsed), parsed.rows))
    return found


def _table_of(parsed: ParsedFile) -> str:
    """Return the table of a parsed file: its columns come first, in its order."""
    columns = tuple(parsed.rows.columns)
    return next(table.name for table in INPUT.values() if columns[: len(table.names)] == table.names)
