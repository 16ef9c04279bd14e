"""The DuckDB file that analysts open: built aside from frames, with comments, views and macros, then read again."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from warehouse.errors import WarehouseError
from warehouse.reread import checksums
from warehouse.runs import sync_folder
from warehouse.tables import PUBLISHED, QUANTILES, Table, polars_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AGE_HOURS", "STORAGE_VERSION", "STORED_AS", "build_snapshot", "quoted", "read_again", "sql_files"]

# readable by DuckDB 1.2 and later; a file in the default version of 2.0 is closed to every 1.x client
STORAGE_VERSION = "v1.2.0"
# a table that analysts see through a view of its published name
STORED_AS = {"runs": "stored_runs"}
AGE_HOURS = "hours from the end of the cutoff's day (UTC) to now"
# their rows bring the run that they belong to
_OWN_RUN_ID = frozenset({"runs", "forecast_history", "recommendation_history"})
_SQL = Path(__file__).with_name("sql")


def build_snapshot(path: Path, tables: Mapping[str, pl.DataFrame], *, run_id: str) -> None:
    """Write the published tables, their comments, the views and the macros into a fresh DuckDB file, and prove it.

    `tables` goes by name of `PUBLISHED`; what is missing is made empty. Frames may lack `run_id` (this run's is set,
    but for the histories and `runs`, whose rows bring theirs) and `title` (the one of `items` is joined anyway). The
    file is synced to disk and read again, every column of every table, in a fresh process.

    Raises:
        WarehouseError: a frame is not what `warehouse/tables.py` says, the file is there already, or what was read
            again is not what was written. No file is left.
    """
    unknown = sorted(set(tables) - set(PUBLISHED))
    if unknown:
        raise WarehouseError(f"{path.name}: no published table is called {', '.join(unknown)}; see warehouse/tables.py")
    if path.exists():
        raise WarehouseError(f"{path}: is there already; a snapshot is a fresh file, and a run is never written twice")
    try:
        made = {name: _laid_out(table, tables.get(name), run_id) for name, table in PUBLISHED.items()}
        titles = made["items"].select("item_id", "title")
        written = _write(path, {name: _titled(name, frame, titles) for name, frame in made.items()})
        _sync(path)
        read_again(path, written)
    except BaseException as error:
        path.unlink(missing_ok=True)
        path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
        if isinstance(error, duckdb.Error):
            raise WarehouseError(f"{path}: DuckDB could not write it: {error}") from error
        raise


def sql_files(kind: str) -> dict[str, str]:
    """Return the statements of `views` or `macros` by name, in order of their names."""
    return {file.stem: file.read_text(encoding="utf-8") for file in sorted((_SQL / kind).glob("*.sql"))}


def _laid_out(table: Table, frame: pl.DataFrame | None, run_id: str) -> pl.DataFrame:
    schema = polars_schema(table)
    if frame is None:
        return pl.DataFrame(schema=schema)
    # a column without a value has no type of its own: polars calls it Null
    frame = frame.with_columns(
        pl.col(name).cast(type_) for name, type_ in schema.items() if frame.schema.get(name) == pl.Null
    )
    if table.name not in _OWN_RUN_ID:
        if "run_id" in frame.columns and not (frame["run_id"] == run_id).all():
            raise WarehouseError(f"table {table.name}: rows of another run than {run_id} in column run_id")
        frame = frame.with_columns(pl.lit(run_id, dtype=pl.String).alias("run_id"))
    if "title" in schema and "title" not in frame.columns:
        frame = frame.with_columns(pl.lit(None, dtype=pl.String).alias("title"))
    _check_columns(table, frame)
    frame = frame.select(*schema, *(name for name in frame.columns if name not in schema))
    _check_rows(table, frame)
    return frame.sort(table.sort, nulls_last=True, maintain_order=True)


def _titled(name: str, frame: pl.DataFrame, titles: pl.DataFrame) -> pl.DataFrame:
    if name == "items" or "title" not in frame.columns:
        return frame
    joined = frame.drop("title").join(titles, on="item_id", how="left", maintain_order="left")
    return joined.select(frame.columns)


def _check_columns(table: Table, frame: pl.DataFrame) -> None:
    schema = polars_schema(table)
    wrong = [f"{name} is missing" for name in schema if name not in frame.columns]
    wrong += [
        f"{name} is {frame.schema[name]}, not {type_}"
        for name, type_ in schema.items()
        if name in frame.columns and frame.schema[name] != type_
    ]
    further = [name for name in frame.columns if name not in schema]
    if table.open:
        taken = {name.casefold() for name in schema}  # SQL knows no capitals
        wrong += [f"{name!r} is a name that SQL takes for one of ours" for name in further if name.casefold() in taken]
        wrong += [f"{name!r} is no name of a column" for name in further if not name.isprintable() or not name.strip()]
    else:
        wrong += [f"{name} is not among its columns" for name in further]
    if wrong:
        raise WarehouseError(f"table {table.name}: {'; '.join(wrong)}; see warehouse/tables.py")


def _check_rows(table: Table, frame: pl.DataFrame) -> None:
    for column in table.columns:
        if not column.required:
            continue
        bad = frame[column.name].is_null()
        if column.type == "DOUBLE":
            bad = bad | ~frame[column.name].is_finite().fill_null(value=True)
        if bad.any():
            first = frame.filter(bad).row(0, named=True)
            raise WarehouseError(
                f"table {table.name}, column {column.name}: {bad.sum()} of {frame.height} rows have no value, "
                f"the first is {first}"
            )
    if table.key and frame.height:
        twice = frame.select(table.key).is_duplicated()
        if twice.any():
            first = frame.filter(twice).select(table.key).row(0, named=True)
            raise WarehouseError(f"table {table.name}: {twice.sum()} rows share a key, the first is {first}")


def _write(path: Path, made: Mapping[str, pl.DataFrame]) -> dict[str, list[str]]:
    """Return the count and checksum of every stored table, taken from the frames themselves."""
    written = {}
    with duckdb.connect(":memory:") as con:
        place = str(path).replace("'", "''")
        con.execute(f"ATTACH '{place}' AS snapshot (STORAGE_VERSION '{STORAGE_VERSION}')")
        con.execute("USE snapshot")
        for name, frame in made.items():
            stored = STORED_AS.get(name, name)
            written[stored] = _write_table(con, stored, PUBLISHED[name], frame)
        for statement in (*sql_files("views").values(), *sql_files("macros").values()):
            con.execute(statement)
        _comment(con)
        con.execute("CHECKPOINT snapshot")
        con.execute("USE memory")
        con.execute("DETACH snapshot")
    return written


def _write_table(con: duckdb.DuckDBPyConnection, stored: str, table: Table, frame: pl.DataFrame) -> list[str]:
    # types that only polars has: words of a list, and a shop's column without any value
    own_types = (pl.Categorical, pl.Enum, pl.Null)
    as_text = [name for name, type_ in frame.schema.items() if isinstance(type_, own_types)]
    con.register("incoming", frame.with_columns(pl.col(as_text).cast(pl.String)).to_arrow())
    known = {column.name: column for column in table.columns}
    types = {name: type_ for name, type_, *_ in con.execute("DESCRIBE incoming").fetchall()}
    lines = [
        f"{quoted(name)} {known[name].type if name in known else type_}"
        + (" NOT NULL" if name in known and known[name].required else "")
        for name, type_ in types.items()
    ]
    if set(QUANTILES) <= set(known):
        lines += [f"CHECK ({low} <= {high})" for low, high in itertools.pairwise(QUANTILES)]
    con.execute(f"CREATE TABLE {quoted(stored)} ({', '.join(lines)})")
    con.execute(f"INSERT INTO {quoted(stored)} SELECT * FROM incoming")  # noqa: S608 names are quoted
    (found,) = checksums(con, {"incoming": list(types)}).values()
    con.unregister("incoming")
    con.execute(f"COMMENT ON TABLE {quoted(stored)} IS {_literal(table.comment)}")
    for name in types:
        told = known[name].comment if name in known else "the shop's own column"
        con.execute(f"COMMENT ON COLUMN {quoted(stored)}.{quoted(name)} IS {_literal(told)}")
    return found


def _comment(con: duckdb.DuckDBPyConnection) -> None:
    """Say in SQL what every view and macro is: the words at the head of its file."""
    for kind, word in (("views", "VIEW"), ("macros", "MACRO TABLE")):
        for name, text in sql_files(kind).items():
            con.execute(f"COMMENT ON {word} {quoted(name)} IS {_literal(head_of(text))}")
    for published in STORED_AS:
        told = {column.name: column.comment for column in PUBLISHED[published].columns} | {"age_hours": AGE_HOURS}
        for name, comment in told.items():
            con.execute(f"COMMENT ON COLUMN {quoted(published)}.{quoted(name)} IS {_literal(comment)}")


def head_of(statement: str) -> str:
    """Return the words of the comment at the head of a SQL file."""
    lines = statement.splitlines()
    end = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    return " ".join(line.removeprefix("--").strip() for line in lines[:end])


def _sync(path: Path) -> None:
    for place in (path, path.parent):
        sync_folder(place)


def read_again(path: Path, written: Mapping[str, list[str]]) -> None:
    """Read every column in a fresh process: this one's caches would answer for the disk.

    Raises:
        WarehouseError: a table is not what `written` (rows, checksum) says.
    """
    script = Path(__file__).with_name("reread.py")
    # -P: the folder of the script holds names of the standard library's size, and must not shadow it
    done = subprocess.run([sys.executable, "-P", str(script), str(path)], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise WarehouseError(f"{path}: could not be read again after it was written: {done.stderr.strip()[-800:]}")
    found = dict(line.split("\t", 1) for line in done.stdout.splitlines())
    for name, (rows, checksum) in written.items():
        if found.get(name) != f"{rows}\t{checksum}":
            raise WarehouseError(
                f"{path}, table {name}: wrote {rows} rows with checksum {checksum}, read back {found.get(name)}; "
                "the disk or DuckDB lost something: run the night again, and check the disk if it happens twice"
            )


def quoted(name: str) -> str:
    """Return a name as SQL takes it whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
