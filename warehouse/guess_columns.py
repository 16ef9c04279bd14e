"""One file and one table: which of the file's columns could be which of the table's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from warehouse.guess_values import share_of_days, share_of_numbers
from warehouse.headers import SYNONYMS, normal
from warehouse.values import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from warehouse.tables import Column, Table

__all__ = ["MOSTLY", "Fit", "Profile", "fit_columns", "profiles"]

MOSTLY = 0.8  # the share of a column's values that must look like its type: real columns have gaps and slips


@dataclass(frozen=True, slots=True)
class Fit:
    """Our column → the file's; how many were told by their names; the required ones for which there was none."""

    columns: dict[str, str]
    named: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """What a column's values are: which share of them is a day, which a number; `empty`: there is none."""

    days: float
    numbers: float
    empty: bool


def profiles(rows: pl.DataFrame) -> dict[str, Profile]:
    """Return the profile of each column."""
    return {
        column.name: Profile(
            share_of_days(column), share_of_numbers(column), as_text(column).null_count() == len(column)
        )
        for column in rows.iter_columns()
    }


def fit_columns(file: Mapping[str, Profile], table: Table) -> Fit:
    """Match a file's columns with a table's: by name or synonym and type first, then required ones by their values."""
    found: dict[str, str] = {}
    free = list(file)
    for column in table.columns:
        theirs = _called(column, free, file)
        if theirs is not None:
            found[column.name] = theirs
            free.remove(theirs)
    named = len(found)
    missing = []
    for column in table.columns:
        if column.required and column.name not in found:
            theirs = _shaped(column, free, file)
            if theirs is None:
                missing.append(column.name)
            else:
                found[column.name] = theirs
                free.remove(theirs)
    return Fit(found, named, tuple(missing))


def _called(column: Column, free: Sequence[str], file: Mapping[str, Profile]) -> str | None:
    """The free column that has this one's name or a synonym, and values of its type."""
    by_normal = {normal(name): name for name in reversed(free)}
    for name in (column.name, *SYNONYMS.get(column.name, ())):
        theirs = by_normal.get(name)
        if theirs is not None and _may_be(column, file[theirs]):
            return theirs
    return None


def _may_be(column: Column, values: Profile) -> bool:
    """Judge by type alone; a column without a value can be anything that its name says."""
    if values.empty:
        return True
    if column.type in {"DATE", "TIMESTAMP"}:
        return values.days >= MOSTLY
    if column.type in {"DOUBLE", "INTEGER"}:
        return values.numbers >= MOSTLY
    return True


def _shaped(column: Column, free: Sequence[str], file: Mapping[str, Profile]) -> str | None:
    """The one free column whose values can be nothing else: days, or numbers."""
    if column.type == "VARCHAR":
        return None
    days = column.type in {"DATE", "TIMESTAMP"}
    alike = [name for name in free if (file[name].days if days else file[name].numbers) >= MOSTLY]
    return alike[0] if len(alike) == 1 else None
