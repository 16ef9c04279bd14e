"""What a column's values look like: which encoding, which decimal mark, which way of writing a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from warehouse.values import as_text, numbers, timestamps

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DATE_FORMATS", "date_format_of", "decimal_of", "share_of_days", "share_of_numbers"]

_DAYS = (
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d.%m.%y",
    "%m/%d/%y",
    "%d/%m/%y",
)
_ENOUGH = 1000  # values tell whether a column is one of days; which way they are written, all of them tell
_LIKE_A_DAY = r"^\d{1,4}[-./]\d{1,2}[-./]\d{2,4}|^\d{8}"
_TIMES = ("", " %H:%M", " %H:%M:%S")
DATE_FORMATS = tuple(day + time for day in _DAYS for time in _TIMES)  # of two that read every value, the first is taken


def _read(values: pl.Series, date_format: str | None) -> int:
    moments = timestamps(values, date_format=date_format)
    return int((moments.dt.year().is_between(1900, 2200)).sum())


def share_of_days(values: pl.Series) -> float:
    """Return which share of the values that are there is a day or time, as ISO or in the best of the known ways."""
    text = as_text(values).drop_nulls()
    if text.is_empty() or values.dtype.is_numeric():
        return 0.0
    if values.dtype.is_temporal():
        return 1.0
    some = text.head(_ENOUGH)
    if not some.str.contains(_LIKE_A_DAY).any():
        return 0.0
    return max(_read(some, one) for one in (None, *DATE_FORMATS)) / len(some)


def date_format_of(columns: Iterable[pl.Series]) -> tuple[str | None, tuple[str, ...]]:
    """Return the strftime pattern that reads most values of the columns of days (None: ISO does), and its equals."""
    texts = [as_text(values).drop_nulls() for values in columns if not values.dtype.is_temporal()]
    text = pl.concat([values.alias("values") for values in texts]).unique() if texts else pl.Series(dtype=pl.String)
    if text.is_empty() or _read(text, None) == len(text):
        return None, ()
    read = {one: _read(text, one) for one in DATE_FORMATS}
    most = max(read.values())
    best = [one for one in DATE_FORMATS if read[one] == most]
    return (best[0], tuple(best[1:])) if most > _read(text, None) else (None, ())


def decimal_of(columns: Iterable[pl.Series]) -> str:
    """Return the decimal mark of the columns of numbers: a comma where more values can only be read with one."""
    commas = points = 0
    for values in columns:
        if values.dtype == pl.String:
            commas += numbers(values, decimal=",").count()
            points += numbers(values, decimal=".").count()
    return "," if commas > points else "."


def share_of_numbers(values: pl.Series) -> float:
    """Return which share of the values that are there is a number, with either decimal mark."""
    text = as_text(values).drop_nulls()
    if text.is_empty() or values.dtype.is_temporal():
        return 0.0
    return max(numbers(text, decimal=mark).count() for mark in (".", ",")) / len(text)
