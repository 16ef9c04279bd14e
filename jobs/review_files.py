"""One file of reviews → cleaned and masked texts and stars, for the sentiment commands: Parquet, CSV or JSONL."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

import encoders
from warehouse import InputError
from warehouse.readers import kind_of, read_chunks
from warehouse.values import as_text, numbers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["StarredReviews", "read_reviews"]

logger = logging.getLogger(__name__)

# ours first; then those of Amazon's review sets
_TEXT = ("text", "review_body")
_TITLE = ("title", "review_title", "review_headline")
_STARS = ("stars", "star_rating")


@dataclass(frozen=True, slots=True)
class StarredReviews:
    """One review a place: `texts` with the headline before, "" where there is none; `stars` None where there are none.

    `ids` are the reviews' own, else the line or row of the file.
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    stars: tuple[float | None, ...]


def read_reviews(path: Path) -> StarredReviews:
    """Read every review of a file; a row that cannot be read, or whose stars are none, is left out and said so.

    Raises:
        InputError: the file is not there, is no Parquet, CSV or JSONL, lacks a column, or has no review.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; pass --input a Parquet, CSV or JSONL file of reviews")
    if kind_of(path) is None:
        raise InputError(f"{path}: of no kind that is read here; save it as .parquet, .csv, .csv.gz or .jsonl")
    parts, left_out = [], []
    for chunk in read_chunks(path, name=path.name):
        left_out += [f"line {broken.line}: {broken.reason}" for broken in chunk.broken]
        part, unusable = _reviews(chunk.rows, chunk.lines, path.name)
        parts.append(part)
        left_out += unusable
    reviews = pl.concat(parts)
    if left_out:
        logger.warning("%s: %d rows are left out, the first in %s", path.name, len(left_out), left_out[0])
    if not reviews.height:
        raise InputError(f"{path.name}: no review to read" + (f"; {left_out[0]}" if left_out else ""))
    # masked as a night masks them: a model's folder keeps words, and knows a review that it was trained on again
    texts = tuple(map(encoders.clean_and_mask, reviews["text"]))
    return StarredReviews(tuple(reviews["id"]), texts, tuple(reviews["stars"]))


def _reviews(rows: pl.DataFrame, lines: pl.Series, name: str) -> tuple[pl.DataFrame, list[str]]:
    text = as_text(rows[_column(rows, _TEXT, name)]).fill_null("")
    title = next((as_text(rows[each]).fill_null("") for each in _TITLE if each in rows.columns), None)
    if title is not None:
        both = pl.DataFrame({"title": title, "text": text})
        gap = pl.when((pl.col("title") != "") & (pl.col("text") != "")).then(pl.lit(". ")).otherwise(pl.lit(""))
        text = both.select(pl.concat_str("title", gap, "text")).to_series()
    told = rows[_column(rows, _STARS, name)]
    stars = numbers(told, decimal=".")
    odd = (as_text(told).is_not_null() & stars.is_null()) | ~stars.is_between(1, 5).fill_null(value=True)
    ids = (
        as_text(rows["review_id"]) if "review_id" in rows.columns else pl.Series([None] * rows.height, dtype=pl.String)
    )
    found = pl.DataFrame({"id": ids.fill_null(lines.cast(pl.String)), "text": text, "stars": stars})
    unusable = [
        f"line {line}: stars: {value!r} is no number from 1 to 5"
        for line, value in zip(lines.filter(odd), told.filter(odd), strict=True)
    ]
    return found.filter(~odd), unusable


def _column(rows: pl.DataFrame, names: Sequence[str], file: str) -> str:
    for name in names:
        if name in rows.columns and rows.schema[name] != pl.Binary:
            return name
    found = ", ".join(rows.columns) or "none"
    raise InputError(
        f"{file}: needs the column {names[0]!r} (or {names[1]!r}); found {found}; rename the one that it is"
    )
