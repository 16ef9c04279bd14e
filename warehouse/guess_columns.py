"""One file and one table: which of the file's columns could be which of the table's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from warehouse.guess_values import share_of_days, share_of_numbers
from warehouse.headers import SYNONYMS, normal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from warehouse.tables import Column, Table

__all__ = ["Fit", "fit_columns"]

_MOSTLY = 0.8  # the share of a column's values that must look like its type: real columns have gaps and slips


@dataclass(frozen=True, slots=True)
class Fit:
    """Our column → the file's; how many were told by their names; the required ones for which there was none."""

    columns: dict[str, str]
    named: int
    missing: tuple[str, ...]


def fit_columns(rows: pl.DataFrame, table: Table) -> Fit:
    """Match a file's columns with a table's: by name or synonym and type first, then required ones by their values."""
    found: dict[str, str] = {}
    free = list(rows.columns)
    for column in table.columns:
        theirs = _called(column, free, rows)
        if theirs is not None:
            found[column.name] = theirs
            free.remove(theirs)
    named = len(found)
    missing = []
    for column in table.columns:
        if column.required and column.name not in found:
            theirs = _shaped(column, free, rows)
            if theirs is None:
                missing.append(column.name)
            else:
                found[column.name] = theirs
                free.remove(theirs)
    return Fit(found, named, tuple(missing))


def _called(column: Column, free: Sequence[str], rows: pl.DataFrame) -> str | None:
    """The free column that has this one's name or a synonym, and values of its type."""
    by_normal = {normal(name): name for name in reversed(free)}
    for name in (column.name, *SYNONYMS.get(column.name, ())):
        theirs = by_normal.get(name)
        if theirs is not None and _may_be(column, rows[theirs]):
            return theirs
    return None


def _may_be(column: Column, values: pl.Series) -> bool:
    """Judge by type alone; a column without a value can be anything that its name says."""
    if values.is_empty() or values.null_count() == len(values) or (values.cast(pl.String) == "").all():
        return True
    if column.type in {"DATE", "TIMESTAMP"}:
        return share_of_days(values) >= _MOSTLY
    if column.type in {"DOUBLE", "INTEGER"}:
        return share_of_numbers(values) >= _MOSTLY
    return True


def _shaped(column: Column, free: Sequence[str], rows: pl.DataFrame) -> str | None:
    """The one free column whose values can be nothing else: days, or numbers."""
    if column.type == "VARCHAR" or rows.is_empty():
        return None
    if column.type in {"DATE", "TIMESTAMP"}:
        alike = [name for name in free if share_of_days(rows[name]) >= _MOSTLY]
    else:
        alike = [name for name in free if share_of_numbers(rows[name]) >= _MOSTLY]
    return alike[0] if len(alike) == 1 else None
