"""What every encoder promises, and the words that its callers share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Encoder", "EncoderConfig", "EncoderError", "Progress", "TextKind", "TokenEncoder", "Tokens", "Vectors"]

Vectors: TypeAlias = NDArray[np.float32]  # (n, dim), C-contiguous; each row of length 1, or 0 where there is no text
TextKind: TypeAlias = Literal["product", "review", "browsing", "sentence", "query"]
Progress: TypeAlias = Callable[[str, int, int], None]  # what, done, total


class EncoderError(Exception):
    """A file is missing or not what its sha256 says, or a package is not installed; the message names the cure."""


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """Which encoder, and how it reads: `name` is one of `encoders.ENCODERS` or the path of a model's folder.

    A text is read up to its first `max_tokens` tokens (special tokens and prompt included).
    """

    name: str = "all-MiniLM-L6-v2"
    max_tokens: int = 128
    threads: int = 2

    def __post_init__(self) -> None:
        for field, value, least in (("max_tokens", self.max_tokens, 16), ("threads", self.threads, 1)):
            if value < least:
                msg = f"encoder setting {field!r} is {value}; it must be {least} or more"
                raise EncoderError(msg)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The pieces of one text as its encoder reads them: row `i` of `vectors`, (n, dim) of length 1, is `names[i]`'s."""

    names: tuple[str, ...]
    vectors: Vectors


class Encoder(Protocol):
    """Texts to vectors. A vector depends on its text alone, bit for bit, not on its neighbours in the call."""

    @property
    def encoder_id(self) -> str:
        """Name, weights' sha256, pooling, settings: an encoder that would give other vectors has another id."""
        ...

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        ...

    def prompt(self, kind: TextKind) -> str:
        """Return what is put before a text of that kind; two kinds with the same prompt share their vectors."""
        ...

    def encode(self, texts: Sequence[str], *, kind: TextKind, progress: Progress | None = None) -> Vectors:
        """Return (len(texts), dim): unit vectors in the order of `texts`; zeros where a text is empty."""
        ...

    def unknown_word_share(self, texts: Sequence[str]) -> float:
        """Return the share of words, 0 to 1, that the tokenizer reads as unknown, in a sample of `texts`."""
        ...


class TokenEncoder(Encoder, Protocol):
    """An encoder that also says what it reads a text as, piece by piece."""

    def token_names(self, texts: Sequence[str]) -> list[tuple[str, ...]]:
        """Return the pieces that each text is read as; costs no model."""
        ...

    def encode_tokens(self, texts: Sequence[str], *, kind: TextKind) -> list[Tokens]:
        """Return each text's pieces with their vectors, in context where the model gives them one."""
        ...
