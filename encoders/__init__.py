"""Text in, unit-length float32 vectors out. Knows no table, no index and no forecast."""

from __future__ import annotations

from encoders.cache import Encoded, VectorCache
from encoders.cleaning import clean
from encoders.contract import Encoder, EncoderConfig, EncoderError, Progress, TextKind, TokenEncoder, Tokens, Vectors
from encoders.embedding import Embedded, embed_tables, product_text, texts_of
from encoders.lexical import words
from encoders.loading import ENCODERS, load_encoder
from encoders.masking import clean_and_mask, cleaning_version, mask
from encoders.pairs import PairReader
from encoders.phrasing import GENERATORS, Phraser, load_phraser
from encoders.pieces import PieceCache
from encoders.pooling import ItemVectors, TextVectors, UserVectors
from encoders.sweeping import sweep_vectors

__all__ = [
    "ENCODERS",
    "GENERATORS",
    "Embedded",
    "Encoded",
    "Encoder",
    "EncoderConfig",
    "EncoderError",
    "ItemVectors",
    "PairReader",
    "Phraser",
    "PieceCache",
    "Progress",
    "TextKind",
    "TextVectors",
    "TokenEncoder",
    "Tokens",
    "UserVectors",
    "VectorCache",
    "Vectors",
    "clean",
    "clean_and_mask",
    "cleaning_version",
    "embed_tables",
    "load_encoder",
    "load_phraser",
    "mask",
    "product_text",
    "sweep_vectors",
    "texts_of",
    "words",
]
