"""One published run, opened for reading: verified, read-only, locked down, and the same run for its whole life."""

from __future__ import annotations

import weakref
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

import duckdb

from warehouse.errors import CorruptRun, InputError
from warehouse.privacy import user_names
from warehouse.runs import MANIFEST, verify_manifest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    import polars as pl

__all__ = ["DATABASE", "Published"]

DATABASE = "shelfwise.duckdb"
# a query reads this file and nothing else: no other file, no network, no extension, no frame of the caller
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}
_USE = "USE shelfwise.main"  # a view or macro of an attached file finds its tables only so
_LOCK_DOWN = ("DETACH memory", "SET enable_external_access = false", "SET lock_configuration = true")


class Published:
    """One run. `folder` is its own folder, never the pointer; `facts` is what it says about itself.

    Threads may share it. A night that publishes or removes runs meanwhile changes nothing in it.
    """

    def __init__(self, folder: Path, facts: dict[str, object], connection: duckdb.DuckDBPyConnection) -> None:
        self.folder = folder
        self.facts = facts
        self.run_id = str(facts.get("run_id", folder.name))
        self._connection = connection
        self._files = ExitStack()
        weakref.finalize(self, self._files.close)  # who lets go of a run without closing it leaves no file open

    @classmethod
    def open(cls, root: Path | str) -> Self:
        """Open the current run of a folder of runs, or a run by its own folder or by the DuckDB file in it.

        Raises:
            InputError: no such folder, or nothing is published there; says how to publish.
            CorruptRun: a file of the run is not what its manifest says.
        """
        folder = _folder_of(Path(root))
        while True:
            before = _stamp(folder)
            try:
                facts = verify_manifest(folder)
                connection = _attach(folder / DATABASE)
            except (CorruptRun, duckdb.Error) as error:
                moved = _folder_of(Path(root))
                # a night removed the run between the look at the pointer and this one, or it was rebuilt meanwhile
                if moved != folder or _stamp(folder) != before:
                    folder = moved
                    continue
                if isinstance(error, CorruptRun):
                    raise
                raise CorruptRun(f"{folder / DATABASE}: DuckDB cannot open it: {error}") from error
            return cls(folder, facts, connection)

    def query(self, sql: str, parameters: Sequence[object] = ()) -> pl.DataFrame:
        """Return the rows of one query; `?` or `$1` in it take the `parameters` in order.

        Raises:
            InputError: DuckDB refuses the query; its own words.
        """
        with self._connection.cursor() as cursor:
            try:
                cursor.execute(_USE)
                relation = cursor.sql(sql, params=list(parameters) or None)
                if relation is None:
                    raise InputError(f"run {self.run_id}: the query has no rows to return: {sql.strip()!r}")
                rows: pl.DataFrame = _fit(relation).pl()
            except duckdb.Error as error:
                raise InputError(f"run {self.run_id}: {error}") from error
        return rows

    def has_table(self, name: str) -> bool:
        """Return whether the run publishes a table; one of an earlier version may lack it."""
        return bool(self.query("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [name]).height)

    def user_names(self, users: Sequence[str]) -> list[str]:
        """Return what the run calls these users: the ids themselves, or their hashes where the shop hashes them."""
        settings = self.facts.get("settings")
        privacy = settings.get("privacy") if isinstance(settings, dict) else None
        if isinstance(privacy, dict) and privacy.get("hash_users"):
            return user_names(self.folder.parent, users)
        return list(users)

    def hold(self, name: str) -> BinaryIO | None:
        """Return a file of the run, open until the run is closed though its folder goes; None: the run has none."""
        try:
            return self._files.enter_context((self.folder / name).open("rb"))
        except FileNotFoundError:
            return None

    def close(self) -> None:
        """Let go of the run's files."""
        self._connection.close()
        self._files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _fit(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Return the rows with what polars has no type for as text: `now() - published_at` is an interval."""
    unfit = ["INTERVAL" in str(kind) or "UNION(" in str(kind) for kind in relation.types]
    if not any(unfit):
        return relation
    columns = [duckdb.ColumnExpression(name) for name in relation.columns]
    told = [
        column.cast("VARCHAR").alias(name) if odd else column
        for column, name, odd in zip(columns, relation.columns, unfit, strict=True)
    ]
    return relation.select(*told)


def _attach(file: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection that reads `file` and cannot write: its own, whatever else this process has open.

    DuckDB keeps one instance a path and process. Opened by its path, a run that was rebuilt in place, as
    `shelfwise forget` does, would answer as it was for as long as anybody here holds the old one.
    """
    connection = duckdb.connect(":memory:", config=_CONFIG | {"temp_directory": f"{file}.tmp"})
    try:
        path = str(file).replace("'", "''")
        for statement in (f"ATTACH '{path}' AS shelfwise (READ_ONLY)", _USE, *_LOCK_DOWN):
            connection.execute(statement)
    except duckdb.Error:
        connection.close()
        raise
    return connection


def _stamp(folder: Path) -> tuple[int, int]:
    """Return what tells the folder's manifest from another that takes its place; (0, 0) where there is none."""
    try:
        found = (folder / MANIFEST).stat()
    except OSError:
        return 0, 0
    return found.st_ino, found.st_mtime_ns


def _folder_of(root: Path) -> Path:
    """Return the run's own folder: the pointer may move while the run is read."""
    how = f"publish a run with: shelfwise nightly --input FOLDER --runs {root}"
    pointer = root / "current"
    if pointer.is_symlink() or pointer.exists():
        folder = pointer.resolve()
        if not folder.is_dir():
            raise CorruptRun(f"{pointer}: points to {folder}, which is gone; move it: shelfwise rollback RUN_ID")
        return folder
    if root.suffix == ".duckdb" and root.is_file():
        return root.resolve().parent
    if (root / MANIFEST).is_file():
        return root.resolve()
    if not root.exists():
        raise InputError(f"{root}: no such folder of runs; {how}")
    raise InputError(f"{root}: nothing is published there; {how}")
