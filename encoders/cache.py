"""Vectors kept by the content of their text (`encoders.shards`): an unchanged text is never encoded twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from encoders.cleaning import clean
from encoders.shards import Shards, key_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from encoders.contract import Encoder, Progress, TextKind, Vectors

__all__ = ["Encoded", "VectorCache"]

_TEXTS_A_SHARD = 4096  # what a killed run loses at most


@dataclass(frozen=True, slots=True)
class Encoded:
    """Row `i` of `vectors` (n, dim) is text `i`'s. `texts_encoded` and `cache_hits` count different texts, not rows."""

    vectors: Vectors
    texts_encoded: int
    cache_hits: int


class VectorCache:
    """The vectors of one encoder in a folder that several processes may share."""

    def __init__(self, folder: Path, encoder: Encoder, *, must_write: bool = True) -> None:
        """Open the encoder's own folder under `folder`; shards that are damaged are named in the log and left out.

        `must_write`: a folder that cannot be written is an error (OSError); else the vectors are kept in this object
        alone, and the log says so.
        """
        self.encoder = encoder
        self._shards = Shards(folder, encoder, must_write=must_write)
        self.folder = self._shards.folder

    def __len__(self) -> int:
        """Return the number of texts whose vectors are kept."""
        return len(self._shards)

    def encode(self, texts: Sequence[str], *, kind: TextKind, progress: Progress | None = None) -> Encoded:
        """Return the texts' vectors, (len(texts), dim), encoding those that are not kept, and keep them.

        Equal texts are encoded once. What has been encoded is kept every few thousand texts, so that a killed run
        goes on where it was. An empty text is zeros, and counts neither as encoded nor as a hit.
        """
        prompt = self.encoder.prompt(kind)
        cleaned = [clean(text) for text in texts]
        keys = {text: key_of(prompt, text) for text in dict.fromkeys(cleaned) if text}
        known = {text: vector for text, key in keys.items() if (vector := self._shards.find(key)) is not None}
        new = [text for text in keys if text not in known]
        hits = len(known)
        for start in range(0, len(new), _TEXTS_A_SHARD):
            part = new[start : start + _TEXTS_A_SHARD]
            vectors = self.encoder.encode(part, kind=kind, progress=_from(progress, start, len(new)))
            self._shards.keep([keys[text] for text in part], vectors)
            known.update(zip(part, vectors[:, None], strict=True))
        result = np.zeros((len(texts), self.encoder.dim), dtype=np.float32)
        for row, text in enumerate(cleaned):
            if text:
                result[row] = known[text][0]
        return Encoded(result, texts_encoded=len(new), cache_hits=hits)


def _from(progress: Progress | None, start: int, total: int) -> Progress | None:
    """Return `progress` as seen from a part of the work that begins after `start` texts."""
    if progress is None:
        return None

    def shifted(what: str, done: int, _: int) -> None:
        progress(what, start + done, total)

    return shifted
