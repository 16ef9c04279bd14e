"""One user out of a kept run: its DuckDB file and lists written anew without him, for a deleted row's bytes would stay.

Rows of his leave whole; his sales stay without him, for the shelf has emptied and forecasts were made of it. What is
counted or learnt from many stays as it is.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from warehouse.errors import CorruptRun
from warehouse.parsing import RECORD, cached_tables
from warehouse.published import DATABASE
from warehouse.replace import REBUILDING, replace_run
from warehouse.reread import checksums
from warehouse.runs import MANIFEST, list_runs, sync_folder, verify_manifest, write_manifest
from warehouse.snapshot import STORAGE_VERSION, quoted, read_again

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

__all__ = ["Person", "find_person", "rebuild_run", "rewrite_database", "rewrite_parquet"]

REMOVED = "[removed]"
_EMPTIED = ("user_id", "order_id")  # of a sale
_QUOTE = re.compile(r"([\"“「『])([^\"”」』]{8,})([\"”」』])")
_LISTS_OF_ITEMS = frozenset({"audience", "owners"})  # their ranks run over users, and close up
_SAID = "degradations"  # of a run: a refusal may name a user as its example
_OF_WORDS = "judge.json"  # counts words of reviews; a run without it has it fitted when a question is asked
_KEEPS_QUOTES = ("reason", "driver", "evidence", "quote", "copy")


@dataclass(frozen=True, slots=True)
class Person:
    """What the person is called in tables (the id, and its hash), and what came from his hand."""

    names: frozenset[str]
    review_ids: frozenset[str] = frozenset()
    texts: tuple[str, ...] = ()

    def without_quotes(self, said: str) -> str:
        """Return a sentence of ours with every quote taken from the person's texts removed."""
        return _QUOTE.sub(
            lambda found: f"{found[1]}{REMOVED}{found[3]}" if self._wrote(found[2]) else found.group(), said
        )

    def without_names(self, said: str) -> str:
        """Return a message of ours with the person's ids removed, where they stand as words of their own."""
        for name in sorted(self.names, key=len, reverse=True):
            said = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", REMOVED, said)
        return said

    def is_in_record(self, record: str) -> bool:
        """Return whether a rejected row, as JSON, holds one of the names as a value."""
        try:
            values = json.loads(record)
        except ValueError:
            values = record
        if isinstance(values, dict):
            values = list(values.values())
        if isinstance(values, list):
            return any(str(value).strip() in self.names for value in values)
        return self.without_names(str(values)) != str(values)

    def _wrote(self, quote: str) -> bool:
        return any(quote.strip(" …") in text for text in self.texts)


def rewrite_parquet(source: Path, target: Path, person: Person) -> int:
    """Write a Parquet file without the person; return how many rows left or changed. 0: nothing is written."""
    frame = pl.read_parquet(source)
    kept = frame
    if "user_id" in kept.columns:
        kept = kept.filter(~pl.col("user_id").is_in(list(person.names)).fill_null(value=False))
    if "review_id" in kept.columns:
        kept = kept.filter(~pl.col("review_id").is_in(list(person.review_ids)).fill_null(value=False))
    left = frame.height - kept.height
    if left and source.stem in _LISTS_OF_ITEMS and "rank" in kept.columns:
        kept = kept.with_columns(pl.col("rank").rank("ordinal").over("item_id").cast(kept.schema["rank"]))
    for column in _KEEPS_QUOTES:
        if kept.schema.get(column) == pl.String:
            mended = _mended(kept[column].unique().drop_nulls().to_list(), person.without_quotes)
            left += int(kept[column].is_in(list(mended)).sum())
            kept = kept.with_columns(pl.col(column).replace(mended)) if mended else kept
    if left:
        kept.write_parquet(target, row_group_size=20_000)
    return left


def _known_to(database: Path, names: frozenset[str]) -> tuple[bool, set[str], set[str]]:
    """Return whether a run knows somebody by these names, and ids and texts of what he has reviewed."""
    known, review_ids, texts = False, set[str](), set[str]()
    with duckdb.connect(str(database), read_only=True) as con:
        tables = _columns(con)
        named = f"user_id IN ({_literals(names)})"
        for table in (table for table, types in tables.items() if "user_id" in types):
            known |= bool(con.execute(f"SELECT 1 FROM {quoted(table)} WHERE {named} LIMIT 1").fetchall())  # noqa: S608
        if "user_id" in tables.get("reviews", ()):
            query = f"SELECT review_id, headline, text FROM reviews WHERE {named}"  # noqa: S608 literals
            for review_id, *own in con.execute(query).fetchall():
                review_ids.add(review_id)
                texts.update(text for text in own if text)
        records = con.execute("SELECT record FROM rejects").fetchall()
        known |= any(Person(names).is_in_record(record) for (record,) in records)
    return known, review_ids, texts


def find_person(root: Path, names: frozenset[str]) -> Person | None:
    """Return what the kept runs, the histories and the parsed files know of somebody by these names; None: nothing.

    Raises:
        CorruptRun: a kept run cannot be read.
    """
    known, review_ids, texts = False, set[str](), set[str]()
    for run_id in list_runs(root):
        try:
            own, review_ids_there, texts_there = _known_to(root / run_id / DATABASE, names)
        except duckdb.Error as error:
            cure = "publish the run anew, or take its folder away, and forget again"
            raise CorruptRun(f"{root / run_id / DATABASE}: DuckDB cannot read it ({error}); {cure}") from error
        known |= own
        review_ids |= review_ids_there
        texts |= texts_there
    for _, rows in cached_tables(root / "cache" / "input"):
        own_rows = rows.filter(pl.col("user_id").is_in(list(names))) if "user_id" in rows.columns else rows.clear()
        known |= bool(own_rows.height) or any(map(Person(names).is_in_record, rows[RECORD].drop_nulls()))
        if "review_id" in rows.columns:
            review_ids.update(own_rows["review_id"].drop_nulls())
            texts.update(text for name in ("title", "text") for text in own_rows[name].drop_nulls())
    for file in sorted((root / "history").rglob("*.parquet")):
        history = pl.scan_parquet(file)
        if "user_id" in history.collect_schema().names():
            known |= bool(history.filter(pl.col("user_id").is_in(list(names))).head(1).collect().height)
    return Person(names, frozenset(review_ids), tuple(sorted(texts))) if known else None


def rebuild_run(root: Path, run_id: str, person: Person) -> dict[str, int]:
    """Build a kept run anew without the person, beside it, and put it in its place: same id, same path, new manifest.

    Returns:
        Table or file → how many of its rows left or changed; empty: the run does not know the person and stays.

    Raises:
        CorruptRun: a file of the run is not what its manifest says; nothing is rebuilt.
    """
    folder, rebuilt = root / run_id, root / f"{REBUILDING}{run_id}"
    facts = verify_manifest(folder)
    shutil.rmtree(rebuilt, ignore_errors=True)
    rebuilt.mkdir()
    touched = rewrite_database(folder / DATABASE, rebuilt / DATABASE, person)
    for file in sorted(each for each in folder.rglob("*") if each.is_file() and each != folder / MANIFEST):
        name = str(file.relative_to(folder))
        target = rebuilt / name
        target.parent.mkdir(parents=True, exist_ok=True)
        rows = rewrite_parquet(file, target, person) if file.suffix == ".parquet" else 0
        touched |= {name: rows} if rows else {}
        if not target.exists() and not (name == _OF_WORDS and "reviews" in touched):
            os.link(file, target)  # a run's files are never written again: two names of one are safe
    if not touched:
        shutil.rmtree(rebuilt)
        return {}
    write_manifest(rebuilt, {**facts, "rebuilt_at": datetime.now(UTC).isoformat(timespec="seconds")})
    verify_manifest(rebuilt)
    replace_run(rebuilt, root=root)
    return touched


def rewrite_database(source: Path, target: Path, person: Person) -> dict[str, int]:
    """Write a run's DuckDB file anew, without the person, and read it again in a fresh process.

    Tables, views, macros and comments are those of the source, whichever version of this package made it.

    Returns:
        Table → how many of its rows left or changed; empty: nothing is written.
    """
    with duckdb.connect(":memory:") as con:
        _attach(con, source, "old", "READ_ONLY")
        columns = _columns(con)
        changes = {table: _change(con, table, types, person) for table, types in columns.items()}
        touched = {}
        for table, change in changes.items():
            query = f"SELECT count(*) FROM old.main.{quoted(table)} WHERE {change.affected}"  # noqa: S608 literals
            ((touched[table],),) = con.execute(query).fetchall()
        if not any(touched.values()):
            return {}
        _attach(con, target, "fresh", f"STORAGE_VERSION '{STORAGE_VERSION}'")
        con.execute("COPY FROM DATABASE old TO fresh (SCHEMA)")
        for table, change in changes.items():
            con.execute(f"CREATE VIEW {quoted(table)} AS {change.selection}")
            con.execute(f"INSERT INTO fresh.main.{quoted(table)} FROM memory.main.{quoted(table)}")
        written = checksums(con, {table: list(types) for table, types in columns.items()})
        con.execute("CHECKPOINT fresh")
        con.execute("DETACH fresh")
    sync_folder(target)
    read_again(target, written)
    return {table: rows for table, rows in touched.items() if rows}


@dataclass(frozen=True, slots=True)
class _Change:
    """What becomes of one table: the rows that it touches, as a condition, and the query of what stays."""

    affected: str
    selection: str


def _attach(con: duckdb.DuckDBPyConnection, path: Path, name: str, options: str) -> None:
    place = str(path).replace("'", "''")
    con.execute(f"ATTACH '{place}' AS {name} ({options})")


def _columns(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Return the stored tables of the one file that is attached, each with its columns' types."""
    rows = con.execute(
        "SELECT c.table_name, c.column_name, c.data_type FROM duckdb_columns() AS c JOIN duckdb_tables() AS t "
        "USING (database_name, table_oid) WHERE NOT c.internal ORDER BY c.table_name, c.column_index"
    ).fetchall()
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        tables.setdefault(table, {})[column] = kind
    return tables


def _change(con: duckdb.DuckDBPyConnection, table: str, types: Mapping[str, str], person: Person) -> _Change:
    """Work out what becomes of a table. Lists stand in the query as literals: a join would lose the rows' order."""
    leaving: list[str] = []
    mended: dict[str, dict[str, str]] = {}  # column → what it said → what it says
    emptied = "false"
    if "user_id" in types:
        named = f"coalesce(user_id IN ({_literals(person.names)}), false)"
        if table == "sales":
            emptied = named
        else:
            leaving.append(named)
    if "review_id" in types and person.review_ids:
        leaving.append(f"coalesce(review_id IN ({_literals(person.review_ids)}), false)")
    if table == "rejects":
        rows = con.execute(f"SELECT rowid, record FROM old.main.{quoted(table)}").fetchall()  # noqa: S608 quoted
        known = [str(rowid) for rowid, record in rows if record is not None and person.is_in_record(record)]
        leaving += [f"rowid IN ({', '.join(known)})"] if known else []
    for column in (name for name, kind in types.items() if kind == "VARCHAR" and name in (*_KEEPS_QUOTES, _SAID)):
        said = con.execute(f"SELECT DISTINCT {quoted(column)} FROM old.main.{quoted(table)}").fetchall()  # noqa: S608
        mend = person.without_names if column == _SAID else person.without_quotes
        mended[column] = _mended([text for (text,) in said if text], mend)
    gone = " OR ".join(leaving) or "false"
    changed = [f"coalesce({quoted(name)} IN ({_literals(texts)}), false)" for name, texts in mended.items() if texts]
    replaced = {}
    if emptied != "false":
        replaced = {name: f"CASE WHEN NOT {emptied} THEN {name} END" for name in _EMPTIED if name in types}
    replaced |= {name: _cases(name, texts) for name, texts in mended.items() if texts}
    order = ""
    if table in _LISTS_OF_ITEMS and leaving:
        replaced["rank"] = "CAST(row_number() OVER (PARTITION BY item_id ORDER BY rank) AS INTEGER)"
        order = " ORDER BY item_id, rank"
    change = ", ".join(f"{what} AS {quoted(name)}" for name, what in replaced.items())
    stays = f"SELECT *{f' REPLACE ({change})' if change else ''} FROM old.main.{quoted(table)}"  # noqa: S608 quoted
    return _Change(" OR ".join((gone, emptied, *changed)), f"{stays} WHERE NOT ({gone}){order}")


def _cases(column: str, texts: Mapping[str, str]) -> str:
    cases = " ".join(f"WHEN {_literals([old])} THEN {_literals([new])}" for old, new in texts.items())
    return f"CASE {quoted(column)} {cases} ELSE {quoted(column)} END"


def _mended(said: Iterable[str], mend: Callable[[str], str]) -> dict[str, str]:
    return {text: better for text in said if (better := mend(text)) != text}


def _literals(values: Iterable[str]) -> str:
    return ", ".join("'" + value.replace("'", "''") + "'" for value in sorted(values))
