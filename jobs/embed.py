"""Step `embed`: one vector for every product text, review and browsing text; known ones from the cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from encoders import EncoderError, VectorCache, embed_tables, load_encoder, product_text
from jobs.settings import encoder_config

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from encoders import TextVectors, TokenEncoder
    from jobs.ingest import Shop
    from jobs.progress import Progress
    from jobs.settings import Settings

__all__ = ["EmbeddedTexts", "embed_texts"]


@dataclass(frozen=True, slots=True)
class EmbeddedTexts:
    """The shop's text vectors, what they cost, and the share of each table's words that the encoder does not know."""

    vectors: TextVectors
    texts_encoded: int
    cache_hits: int
    unknown_word_shares: dict[str, float]  # items, reviews, events → 0 to 1
    no_text: frozenset[str]  # item ids without any text of their own
    reviews: pl.DataFrame  # review_id, item_id, day, text, row (into the vectors): the reviews that have text
    encoder: TokenEncoder


def embed_texts(shop: Shop, *, settings: Settings, cache: Path, progress: Progress | None = None) -> EmbeddedTexts:
    """Encode the shop's texts; a text that the cache holds for this encoder is not encoded again.

    Raises:
        encoders.EncoderError: the encoder named by the key `encoder` is not there, or not what its checksum says.
    """
    encoder = _load(settings)
    store = VectorCache(cache, encoder)
    tables = shop.ingested.tables
    found = embed_tables(tables, cache=store, timezone=settings.timezone, progress=progress)
    return EmbeddedTexts(
        vectors=found.texts,
        texts_encoded=found.texts_encoded,
        cache_hits=found.cache_hits,
        unknown_word_shares=found.unknown_word_share,
        no_text=frozenset(tables["items"]["item_id"].filter(product_text(tables["items"]) == "")),
        reviews=found.reviews,
        encoder=encoder,
    )


def _load(settings: Settings) -> TokenEncoder:
    try:
        return load_encoder(encoder_config(settings))
    except EncoderError as error:
        raise EncoderError(f"encoder = {settings.encoder!r}: {error}") from error
