"""From a shop's texts to their vectors: each product text, review and browsing text encoded by itself, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from encoders.cleaning import clean
from encoders.pooling import TextVectors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from encoders.cache import VectorCache
    from encoders.contract import Progress, TextKind, Vectors

__all__ = ["Embedded", "embed_tables", "product_text", "texts_of"]

_PRODUCT_COLUMNS = ("title", "brand", "category", "description")
_OWN_WORDS = ("title", "description")  # brand and category are shared by many items: alone they tell of none
_TABLES: dict[str, TextKind] = {"items": "product", "reviews": "review", "events": "browsing"}


@dataclass(frozen=True, slots=True)
class Embedded:
    """The texts with their vectors; how many different texts were encoded and how many were known; unknown words.

    `unknown_word_share` has a share from 0 to 1 for each table that has texts: items, reviews, events. `reviews` has
    one row a review with text: review_id, item_id, day, text (headline and words), row (into the vectors).
    """

    texts: TextVectors
    texts_encoded: int
    cache_hits: int
    unknown_word_share: dict[str, float]
    reviews: pl.DataFrame


def product_text(items: pl.DataFrame) -> pl.Series:
    """Return one text an item, in the frame's order: title, brand, category and description.

    "" for an item without a title and a description: it has no text, and what it shares with others is no word of it.
    """
    own = _joined(items, _stripped(items, _OWN_WORDS), separator=". ")
    whole = _joined(items, _stripped(items, _PRODUCT_COLUMNS), separator=". ")
    return whole.set(own == "", "")


def _stripped(items: pl.DataFrame, names: Sequence[str]) -> list[pl.Expr]:
    return [pl.col(name).cast(pl.String).str.strip_chars() for name in names if name in items.columns]


def embed_tables(
    tables: Mapping[str, pl.DataFrame],
    *,
    cache: VectorCache,
    timezone: str = "UTC",
    progress: Progress | None = None,
) -> Embedded:
    """Encode a shop's texts. A text's day is that of `occurred_at` (UTC) in the shop's timezone.

    Tables read, by name; of their columns all but the ids may be absent: items (item_id, title, brand, category,
    description); reviews, if there (review_id, item_id, user_id, occurred_at, title, text); events, if there (item_id,
    user_id, occurred_at, text).
    """
    frames = [_product_rows(tables["items"])]
    if "reviews" in tables:
        frames.append(_review_rows(tables["reviews"], timezone))
    if "events" in tables:
        frames.append(_browsing_rows(tables["events"], timezone))
    texts = pl.concat(frames).sort("kind", "item_id", "user_id", "day", "text", "review_id", nulls_last=False)
    return _encode(texts, cache, progress)


def texts_of(tables: Mapping[str, pl.DataFrame]) -> dict[str, frozenset[str]]:
    """Return the different texts of each kind that `embed_tables` encodes; any of its tables may be absent."""
    found: dict[str, frozenset[str]] = {}
    if "items" in tables:
        found["product"] = frozenset(product_text(tables["items"]))
    if "reviews" in tables:
        found["review"] = frozenset(_review_rows(tables["reviews"], "UTC")["text"])
    if "events" in tables:
        found["browsing"] = frozenset(_browsing_rows(tables["events"], "UTC")["text"])
    return found


def _encode(texts: pl.DataFrame, cache: VectorCache, progress: Progress | None) -> Embedded:
    encoded = hits = 0
    shares: dict[str, float] = {}
    parts: list[pl.DataFrame] = []
    vectors: list[Vectors] = []
    offset = 0
    for table, kind in _TABLES.items():
        part = texts.filter(pl.col("kind") == kind)
        unique = part["text"].unique().sort()
        if part.is_empty():
            continue
        found = cache.encode(unique.to_list(), kind=kind, progress=_named(progress, table))
        encoded, hits = encoded + found.texts_encoded, hits + found.cache_hits
        shares[table] = cache.encoder.unknown_word_share(unique.to_list())
        place = pl.DataFrame({"text": unique, "row": np.arange(offset, offset + len(unique))})
        parts.append(part.join(place, on="text", how="left", maintain_order="left"))
        vectors.append(found.vectors)
        offset += len(unique)
    rows = pl.concat(parts) if parts else texts.with_columns(pl.lit(0, pl.Int64).alias("row"))
    matrix = np.concatenate(vectors) if vectors else np.zeros((0, cache.encoder.dim), dtype=np.float32)
    built = TextVectors.build(rows, matrix, encoder_id=cache.encoder.encoder_id)
    reviews = rows.filter(pl.col("kind") == "review").select("review_id", "item_id", "day", "text", "row")
    return Embedded(built, encoded, hits, shares, reviews)


def _product_rows(items: pl.DataFrame) -> pl.DataFrame:
    return _rows(items.select("item_id"), "product", product_text(items), timezone=None)


def _review_rows(reviews: pl.DataFrame, timezone: str) -> pl.DataFrame:
    present = [pl.col(name).str.strip_chars() for name in ("title", "text") if name in reviews.columns]
    text = _joined(reviews, present, separator=". ")
    return _rows(reviews, "review", text, timezone).filter(pl.col("text") != "")


def _browsing_rows(events: pl.DataFrame, timezone: str) -> pl.DataFrame:
    if "text" not in events.columns:
        return _rows(events.clear(), "browsing", pl.Series("text", [], pl.String), timezone)
    return _rows(events, "browsing", events["text"].fill_null(""), timezone).filter(pl.col("text") != "")


def _rows(frame: pl.DataFrame, kind: str, text: pl.Series, timezone: str | None) -> pl.DataFrame:
    day = pl.lit(None, pl.Date)
    if timezone is not None and "occurred_at" in frame.columns:
        day = pl.col("occurred_at").dt.replace_time_zone("UTC").dt.convert_time_zone(timezone).dt.date()
    # the same text is clean already where it has come through ingest; what is left of "<br>" is no text
    cleaned = text.map_elements(clean, return_dtype=pl.String) if len(text) else text.cast(pl.String)
    return frame.select(
        pl.lit(kind).alias("kind"),
        *(
            pl.col(name).cast(pl.String) if name in frame.columns else pl.lit(None, pl.String).alias(name)
            for name in ("item_id", "user_id", "review_id")
        ),
        day.alias("day"),
        cleaned.alias("text"),
    )


def _joined(frame: pl.DataFrame, columns: list[pl.Expr], *, separator: str) -> pl.Series:
    if not columns:
        return pl.repeat("", frame.height, dtype=pl.String, eager=True).alias("text")
    filled = [pl.when(column != "").then(column) for column in columns]
    return frame.select(pl.concat_str(filled, separator=separator, ignore_nulls=True).fill_null("").alias("text"))[
        "text"
    ]


def _named(progress: Progress | None, table: str) -> Progress | None:
    if progress is None:
        return None
    return lambda _, done, total: progress(f"encode {table}", done, total)
