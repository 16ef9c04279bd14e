"""Step `embed`: one vector for every product text, review and browsing text; known ones from the cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

import encoders
from encoders import TextKind, TextVectors, VectorCache, load_encoder, product_text
from jobs.settings import Settings, encoder_config

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.ingest import Shop
    from jobs.progress import Progress

__all__ = ["EmbeddedTexts", "embed_texts"]

_TABLE_OF: dict[TextKind, str] = {"product": "items", "review": "reviews", "browsing": "events"}


@dataclass(frozen=True, slots=True)
class EmbeddedTexts:
    """The shop's text vectors, what they cost, and the share of each table's words that the encoder does not know."""

    vectors: TextVectors
    texts_encoded: int
    cache_hits: int
    unknown_word_shares: dict[str, float]
    no_text: frozenset[str]  # item ids without any text of their own


def embed_texts(shop: Shop, *, settings: Settings, cache: Path, progress: Progress | None = None) -> EmbeddedTexts:
    """Encode the shop's texts; a text that the cache holds for this encoder is not encoded again.

    Raises:
        encoders.EncoderError: the encoder named by the key `encoder` is not there, or not what its checksum says.
    """
    try:
        encoder = load_encoder(encoder_config(settings))
    except encoders.EncoderError as error:
        msg = f"encoder = {settings.encoder!r}: {error} (the key `encoder` in shop.toml, or --set encoder=…)"
        raise encoders.EncoderError(msg) from error
    store = VectorCache(cache, encoder)
    texts = collect_texts(shop, timezone=settings.timezone)
    frames, blocks, encoded, hits = [], [], 0, 0
    shares: dict[str, float] = {}
    for kind, table in _TABLE_OF.items():
        part = texts.filter(pl.col("kind") == kind)
        if not part.height:
            continue
        distinct = part.select("text").unique(maintain_order=True).with_row_index("row", offset=sum(map(len, blocks)))
        found = store.encode(distinct["text"].to_list(), kind=kind, progress=progress)
        blocks.append(found.vectors)
        frames.append(
            part.join(distinct, on="text", how="left", maintain_order="left").with_columns(pl.col("row").cast(pl.Int64))
        )
        encoded, hits = encoded + found.texts_encoded, hits + found.cache_hits
        shares[table] = encoder.unknown_word_share(distinct["text"].to_list())
    rows = pl.concat(frames)
    vectors = np.ascontiguousarray(np.concatenate(blocks), dtype=np.float32)
    no_text = rows.filter((pl.col("kind") == "product") & (pl.col("text") == ""))["item_id"]
    return EmbeddedTexts(
        vectors=TextVectors.build(rows.drop("text"), vectors, encoder_id=encoder.encoder_id),
        texts_encoded=encoded,
        cache_hits=hits,
        unknown_word_shares=shares,
        no_text=frozenset(no_text),
    )


def collect_texts(shop: Shop, *, timezone: str) -> pl.DataFrame:
    """Return kind, item_id, user_id, day, text: one row a text; an item without a text has an empty one."""
    items = shop.ingested.tables["items"]
    product = pl.DataFrame(
        {"kind": "product", "item_id": items["item_id"], "text": product_text(items)},
    )
    parts = [product]
    reviews, events = shop.table("reviews"), shop.table("events")
    words = [pl.col(name).fill_null("") for name in ("title", "text")]
    if reviews is not None:
        known = reviews.join(items.select("item_id"), on="item_id", how="semi", maintain_order="left")
        parts.append(_dated(known, "review", pl.concat_str(words, separator="\n").str.strip_chars(), timezone))
    if events is not None:
        parts.append(_dated(events, "browsing", pl.col("text").fill_null(""), timezone))
    schema = {"kind": pl.String, "item_id": pl.String, "user_id": pl.String, "day": pl.Date, "text": pl.String}
    return pl.concat([pl.DataFrame(schema=schema), *parts], how="diagonal")


def _dated(table: pl.DataFrame, kind: str, text: pl.Expr, timezone: str) -> pl.DataFrame:
    day = pl.col("occurred_at").dt.replace_time_zone("UTC").dt.convert_time_zone(timezone).dt.date()
    found = table.select(pl.lit(kind).alias("kind"), "item_id", "user_id", day.alias("day"), text.alias("text"))
    return found.filter(pl.col("text") != "")
