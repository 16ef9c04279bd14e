"""The pieces of texts kept as their encoder reads them: a sentence that was read once is not read again.

Kept as float16 (11 KB a sentence of 15 pieces of 384 numbers), and used as such from the first time on: what is read
now and what was read before give the same numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from encoders.cleaning import clean
from encoders.shards import Shards, key_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from encoders.contract import TextKind, TokenEncoder

    Pieces: TypeAlias = NDArray[np.float16]  # (pieces of a text, dim), each of length 1

__all__ = ["PieceCache"]

_FOLDER = "-pieces"  # beside the encoder's folder of vectors
_TEXTS_A_SHARD = 1024


class PieceCache:
    """The pieces of one encoder in a folder that several processes may share."""

    def __init__(self, folder: Path, encoder: TokenEncoder, *, must_write: bool = True) -> None:
        """Open the encoder's own folder under `folder`; see `encoders.shards.Shards`."""
        self.encoder = encoder
        self._shards = Shards(folder, encoder, what=_FOLDER, must_write=must_write)
        self.folder = self._shards.folder

    def __len__(self) -> int:
        """Return the number of texts whose pieces are kept."""
        return len(self._shards)

    def read(self, texts: Sequence[str], *, kind: TextKind) -> list[Pieces]:
        """Return each text's pieces, (pieces, dim); those that are not kept are encoded, and kept."""
        prompt = self.encoder.prompt(kind)
        keys = {text: key_of(prompt, clean(text)) for text in texts}
        known = {text: rows for text, key in keys.items() if (rows := self._shards.find(key)) is not None}
        new = [text for text in keys if text not in known]
        for start in range(0, len(new), _TEXTS_A_SHARD):
            part = new[start : start + _TEXTS_A_SHARD]
            read = [tokens.vectors.astype(np.float16) for tokens in self.encoder.encode_tokens(part, kind=kind)]
            self._shards.keep([keys[text] for text in part], np.concatenate(read), [len(rows) for rows in read])
            known.update(zip(part, read, strict=True))
        return [known[text].astype(np.float16, copy=False) for text in texts]
