"""`docs/tables.md`: every table, view and macro in words, made from the one list of tables and the SQL files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from warehouse.snapshot import AGE_HOURS, STORED_AS, head_of, sql_files
from warehouse.tables import INPUT, PUBLISHED, Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["main", "tables_document"]

_USAGE = "usage: python -m warehouse.tables [--check] docs/tables.md"
_MACRO = re.compile(r"CREATE MACRO (\w+\([^)]*\))")


def tables_document() -> str:
    """Return the whole document as Markdown."""
    parts = [
        "# Tables",
        "Made from `warehouse/tables.py` and `warehouse/sql/` by `make tables`; `make check` holds it to them.",
        "## What a shop gives",
        (
            "One folder; each table is one file or several, as CSV (also .gz), Parquet or JSONL. `?` marks what may be "
            "missing."
        ),
        *(_table(table) for table in INPUT.values()),
        "## What a run publishes",
        (
            "Open it with `duckdb -readonly DIR/current/shelfwise.duckdb`: DuckDB 1.2 or later, no extension. Comments "
            "on tables and columns say the same in SQL: `FROM duckdb_columns()`. `?` marks what may be NULL."
        ),
        *(_table(table) for table in PUBLISHED.values()),
        "## Views",
        *(f"### {name}\n\n{head_of(text)}" for name, text in sql_files("views").items() if name not in STORED_AS),
        "## Table macros",
        *(f"### {_signature(text)}\n\n{head_of(text)}" for text in sql_files("macros").values()),
    ]
    return "\n\n".join(parts) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write the document, or with `--check` compare the file with it; return the exit code."""
    from pathlib import Path

    if len(arguments) not in (1, 2) or (len(arguments) == 2 and arguments[0] != "--check"):
        raise SystemExit(_USAGE)
    path = Path(arguments[-1])
    if len(arguments) == 1:
        path.write_text(tables_document(), encoding="utf-8")
        return 0
    return _check(path)


def _check(path: Path) -> int:
    found = path.read_text(encoding="utf-8") if path.exists() else None
    if found == tables_document():
        return 0
    state = "is missing" if found is None else "is not what warehouse/tables.py and warehouse/sql/ say"
    raise SystemExit(f"{path} {state}; write it again with: make tables")


def _table(table: Table) -> str:
    lines = [f"### {table.name}{' ?' if table.optional else ''}", "", table.comment]
    if table.open:
        lines[-1] += " Further columns of the shop's own are kept as they are."
    if table.key:
        lines += ["", f"One row for each {', '.join(f'`{name}`' for name in table.key)}."]
    lines += ["", "| column | type | meaning |", "|---|---|---|"]
    lines += [
        f"| `{column.name}`{'' if column.required else ' ?'} | {column.type} | {_cell(column.comment)} |"
        for column in table.columns
    ]
    if table is PUBLISHED.get("runs"):
        lines.append(f"| `age_hours` ? | DOUBLE | {AGE_HOURS} |")
    return "\n".join(lines)


def _signature(text: str) -> str:
    found = _MACRO.search(text)
    if found is None:
        raise ValueError(f"no CREATE MACRO in:\n{text}")
    return found.group(1)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
