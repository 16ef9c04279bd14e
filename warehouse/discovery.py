"""Which files of a shop's folder belong to which table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.errors import InputError
from warehouse.readers import is_readable
from warehouse.tables import INPUT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from warehouse.options import IngestOptions

__all__ = ["Source", "discover", "matches", "owner_of", "visible_files"]

_NO_DATA = frozenset({".toml", ".md"})  # the shop's own configuration and notes may lie beside its data


@dataclass(frozen=True, slots=True)
class Source:
    """One file as one table's: `name` is its path relative to the folder; `derived`: items named by their sales."""

    table: str
    path: Path
    name: str
    derived: bool = False


def visible_files(folder: Path) -> dict[str, Path]:
    """Return relative name → path of all files but hidden ones and those of `truth/`, which is never looked into.

    Raises:
        InputError: the folder is none.
    """
    if not folder.is_dir():
        raise InputError(
            f"{folder}: no such folder; --input names the folder that holds items.csv, sales.csv and so on"
        )
    found = {}
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_file() and parts[0] != "truth" and not any(part.startswith(".") for part in parts):
            found["/".join(parts)] = path
    return dict(sorted(found.items()))


def discover(folder: Path, *, options: IngestOptions) -> tuple[list[Source], tuple[str, ...]]:
    """Return each table's files, in order of table and name, and the names of the files that belong to none.

    A table's files are those that the configuration names; else `<table>.<kind>`, `<table>_….<kind>`,
    `<table>-….<kind>`, and whatever lies in the folder `<table>/`. A file that the configuration gives to `sales` and
    `items` both names the shop's items only through its sales (`Source.derived`).

    Raises:
        InputError: a pattern that matches nothing or leaves the folder, a file of a kind that is not read.
    """
    files = visible_files(folder)
    chosen = {table: _matching(table, patterns, files) for table, patterns in options.files.items()}
    taken = {name for table, names in chosen.items() for name in names if table != "items"} | (
        {name for name in chosen.get("items", ()) if owner_of(name) != "sales"}
    )
    for table in INPUT:
        chosen.setdefault(table, [name for name in files if name not in taken and owner_of(name) == table])
    by_sales = set(chosen["items"]) & set(chosen["sales"])
    sources = [
        Source(table, files[name], name, derived=table == "items" and name in by_sales)
        for table in INPUT
        for name in chosen[table]
    ]
    used = {source.name for source in sources}
    rest = (name for name in files if name not in used and files[name].suffix.lower() not in _NO_DATA)
    return sources, tuple(rest)


def owner_of(name: str) -> str | None:
    """Return the table that a file's name alone says it belongs to; None where it says none."""
    if not is_readable(Path(name)):
        return None
    first, *deeper = name.split("/")
    for table in INPUT:
        if first == table if deeper else re.match(rf"{table}(?:[-_][^/]*)?\.[^/]*$", first):
            return table
    return None


def matches(pattern: str, name: str) -> bool:
    """Tell whether a pattern of the configuration takes a file in."""
    return re.fullmatch(_regex(pattern), name) is not None


def _matching(table: str, patterns: tuple[str, ...], files: Mapping[str, Path]) -> list[str]:
    names: dict[str, None] = {}
    for pattern in patterns:
        hits = [name for name in files if matches(pattern, name)]
        if not hits:
            msg = f"[files] {table} = {pattern!r} matches no file; the folder holds {', '.join(files) or 'none'}"
            raise InputError(msg)
        unread = [name for name in hits if not is_readable(Path(name))]
        if unread:
            raise InputError(
                f"{unread[0]}: no kind of file that is read here; save it as .csv, .jsonl (or .gz of these), .parquet"
            )
        names.update(dict.fromkeys(hits))
    return sorted(names)


def _regex(pattern: str) -> str:
    """`*` and `?` stay within one folder, `**/` is any number of them."""
    parts = re.split(r"(\*\*/|\*|\?)", pattern)
    known = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    return "".join(known.get(part, re.escape(part)) for part in parts)
