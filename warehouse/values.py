"""One column of raw values → one typed column: null where the value is blank, null where it is none of that type.

Raw values are text (CSV, JSON lines) or typed already (Parquet); both come out the same.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["as_text", "cleaned", "dates", "days_of", "numbers", "plain", "timestamps"]

Moments = TypeVar("Moments", pl.Series, pl.Expr)

MAX_NUMBER = 1e15  # beyond it a double no longer tells one unit from the next, and sums go astray
_ISO = (
    r"^(?P<day>\d{4}-\d{2}-\d{2})"
    r"(?:[T ](?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"\s?(?P<offset>[Zz]|[+-]\d{2}(?::?\d{2})?)?)?$"
)


def as_text(raw: pl.Series) -> pl.Series:
    """Return the values as text, stripped of white space, null where nothing is left; 7.0 of a double becomes 7."""
    if raw.dtype.is_float():
        whole = (raw == raw.round()) & (raw.abs() < MAX_NUMBER)
        raw = pl.select(
            pl.when(whole).then(raw.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(raw.cast(pl.String))
        ).to_series()
    text = raw.cast(pl.String).str.strip_chars()
    return text.set(text == "", None).alias(raw.name)


def plain(rows: pl.DataFrame) -> pl.DataFrame:
    """Return nested values as JSON text, as JSON lines have them, and bytes that are text as text."""
    told = []
    for column in rows.iter_columns():
        if column.dtype.is_nested():
            values = [
                None if value is None else json.dumps(value, ensure_ascii=False, default=str)
                for value in column.to_list()
            ]
            told.append(pl.Series(column.name, values, pl.String))
        elif column.dtype == pl.Binary:
            with suppress(pl.exceptions.ComputeError):  # no UTF-8: bytes stay bytes
                told.append(column.cast(pl.String))
    return rows.with_columns(told)


def cleaned(text: pl.Series, clean: Callable[[str], str]) -> pl.Series:
    """Return each text as `clean` leaves it (called once a distinct text); null where nothing is left."""
    known = text.unique().drop_nulls()
    if known.is_empty():
        return text.cast(pl.String)
    after = pl.Series([clean(value).strip() or None for value in known.to_list()], dtype=pl.String)
    return text.replace_strict(known, after, default=None, return_dtype=pl.String)


def numbers(raw: pl.Series, *, decimal: str) -> pl.Series:
    """Return doubles; null for NaN, infinities, what is beyond 1e15 and what is no number.

    Thousands separators are read only where they cannot be a decimal mark: "1.234,5" with `decimal` ",", "1,234.5"
    with ".".
    """
    if raw.dtype.is_numeric():
        value = raw.cast(pl.Float64, strict=False)
    else:
        text = as_text(raw)
        if decimal == ",":
            grouped = text.str.contains(r"^[+-]?\d{1,3}(\.\d{3})+(,\d+)?$")
            plain = text.str.replace_all(".", "", literal=True)
            text = pl.select(
                pl.when(grouped).then(plain).when(~text.str.contains(".", literal=True)).then(text)
            ).to_series()
            text = text.str.replace(",", ".", literal=True)
        else:
            grouped = text.str.contains(r"^[+-]?\d{1,3}(,\d{3})+\.\d+$")
            text = pl.select(
                pl.when(grouped).then(text.str.replace_all(",", "", literal=True)).otherwise(text)
            ).to_series()
        value = text.cast(pl.Float64, strict=False)
    return value.set((~value.is_finite()) | (value.abs() > MAX_NUMBER), None).alias(raw.name)


def timestamps(raw: pl.Series, *, date_format: str | None) -> pl.Series:
    """Return naive UTC times (us); a time without an offset is in UTC, a day is its midnight."""
    return _minus(*_moments(raw, date_format=date_format))


def dates(raw: pl.Series, *, date_format: str | None, timezone: str) -> pl.Series:
    """Return days; a time with an offset falls on its day in `timezone`, one without on the day that is written."""
    moment, offset = _moments(raw, date_format=date_format)
    in_shop = days_of(_minus(moment, offset), timezone=timezone)
    return pl.select(pl.when(offset.is_null()).then(moment.dt.date()).otherwise(in_shop)).to_series().alias(raw.name)


def days_of(moments: Moments, *, timezone: str) -> Moments:
    """Return the day in `timezone` of naive UTC times, of a series or of a column yet to be read."""
    return moments.dt.replace_time_zone("UTC").dt.convert_time_zone(timezone).dt.date()


def _minus(moment: pl.Series, offset: pl.Series) -> pl.Series:
    return pl.select(moment - offset.fill_null(0).cast(pl.Duration("us"))).to_series().alias(moment.name)


def _moments(raw: pl.Series, *, date_format: str | None) -> tuple[pl.Series, pl.Series]:
    """Local times as written (us), and their offsets from UTC in microseconds: null where none was given."""
    none = pl.Series([None], dtype=pl.Int64).new_from_index(0, len(raw))
    if raw.dtype == pl.Date:
        return raw.cast(pl.Datetime("us")), none
    if isinstance(raw.dtype, pl.Datetime):
        if raw.dtype.time_zone is None:
            return raw.cast(pl.Datetime("us")), none
        utc = raw.dt.convert_time_zone("UTC").dt.replace_time_zone(None).cast(pl.Datetime("us"))
        return utc, pl.select(pl.when(utc.is_not_null()).then(pl.lit(0, pl.Int64))).to_series()
    text = as_text(raw)
    moment, offset = _iso(text)
    if date_format is not None:
        own = text.str.to_datetime(date_format, time_unit="us", strict=False)
        if own.dtype.time_zone is not None:  # type: ignore[attr-defined]  # the pattern holds %z
            utc = own.dt.replace_time_zone(None)
            offset = pl.select(pl.when(utc.is_not_null()).then(pl.lit(0, pl.Int64)).otherwise(offset)).to_series()
            own = utc
        else:
            offset = offset.set(own.is_not_null(), None)
        moment = pl.select(pl.coalesce(own, moment)).to_series()
    return moment.alias(raw.name), offset


def _iso(text: pl.Series) -> tuple[pl.Series, pl.Series]:
    frame = pl.DataFrame({"text": text}).select(pl.col("text").str.extract_groups(_ISO)).unnest("text")
    number = {part: pl.col(part).cast(pl.Int64).fill_null(0) for part in ("hour", "minute", "second")}
    micros = pl.col("fraction").str.pad_end(9, "0").cast(pl.Int64).fill_null(0) // 1000
    clock = ((number["hour"] * 60 + number["minute"]) * 60 + number["second"]) * 1_000_000 + micros
    sane = (number["hour"] < 24) & (number["minute"] < 60) & (number["second"] < 60)
    sign = pl.when(pl.col("offset").str.starts_with("-")).then(-1).otherwise(1)
    digits = pl.col("offset").str.replace_all(r"[^0-9]", "").str.pad_end(4, "0")
    minutes = sign * (digits.str.slice(0, 2).cast(pl.Int64) * 60 + digits.str.slice(2, 2).cast(pl.Int64))
    both = frame.select(
        moment=pl.when(sane).then(
            pl.col("day").str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us")) + clock.cast(pl.Duration("us"))
        ),
        offset=minutes * 60 * 1_000_000,
    )
    return both["moment"], both["offset"]
