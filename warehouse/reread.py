"""Read a DuckDB file from end to end, in a process that did not write it: `python reread.py FILE`.

Prints one line a table: name, rows, checksum, tab-separated. Imports nothing of this package, so that it starts fast.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["checksums"]


def checksums(con: duckdb.DuckDBPyConnection, tables: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return rows and checksum (sum of the rows' hashes over all columns, order apart) of each table's columns."""
    found = {}
    for table, columns in tables.items():
        hashed = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
        ((rows, checksum),) = con.execute(
            f'SELECT count(*), coalesce(sum(CAST(hash({hashed}) AS HUGEINT)), 0) FROM "{table}"'  # noqa: S608 quoted
        ).fetchall()
        found[table] = [str(rows), str(checksum)]
    return found


def _main(path: str) -> None:
    with duckdb.connect(path, read_only=True) as con:
        tables: dict[str, list[str]] = {}
        listed = con.execute(
            "SELECT c.table_name, c.column_name FROM duckdb_columns() AS c JOIN duckdb_tables() AS t USING (table_oid) "
            "WHERE NOT c.internal AND c.database_name = t.database_name ORDER BY c.table_name, c.column_index"
        ).fetchall()
        for table, column in listed:
            tables.setdefault(table, []).append(column)
        for table, (rows, checksum) in checksums(con, tables).items():
            sys.stdout.write(f"{table}\t{rows}\t{checksum}\n")


if __name__ == "__main__":
    _main(sys.argv[1])
