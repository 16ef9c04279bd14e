"""Batches of a few fixed shapes, so that a vector depends on its text alone, bit for bit.

A matrix product's last bits depend on the shape of the matrix, not on what stands in its other rows. So a text of L
tokens is always padded to the same width and computed among the same number of rows, filled up with dummies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["Batch", "make_batches", "padded_width"]

_TOKENS = 512  # in a batch: its activations stay near the cores


@dataclass(frozen=True, slots=True)
class Batch:
    """`ids` and `attention` are (rows, width); row `i` is text `texts[i]`, further rows are dummies."""

    texts: NDArray[np.int64]
    ids: NDArray[np.int64]
    attention: NDArray[np.int64]


def padded_width(tokens: int) -> int:
    """Return the width that so many tokens are padded to: steps of 8 up to 64, of 16 up to 128, then of 64."""
    step = 8 if tokens <= 64 else 16 if tokens <= 128 else 64
    return -(-tokens // step) * step


def make_batches(token_ids: Sequence[Sequence[int]], *, pad_id: int, tokens: int = _TOKENS) -> Iterator[Batch]:
    """Yield batches that hold every text once, shortest first. Every batch of one width has the same number of rows.

    `tokens`: in a batch, about; with fewer of them, fewer dummies fill the last batch of each width, which few texts
    gain by. Another number may give other last bits.
    """
    widths = np.array([padded_width(len(ids)) for ids in token_ids], dtype=np.int64)
    for width in np.unique(widths).tolist():
        members = np.flatnonzero(widths == width)
        rows = max(4, tokens // width // 4 * 4)
        while len(members):
            texts = members[:rows]
            if len(texts) == rows and all(len(token_ids[text]) == width for text in texts.tolist()):
                # without any padding the model takes a path without a mask, which may round otherwise: keep a dummy
                texts = texts[:-1]
            members = members[len(texts) :]
            ids = np.full((rows, width), pad_id, dtype=np.int64)
            attention = np.zeros((rows, width), dtype=np.int64)
            attention[len(texts) :, 0] = 1  # a dummy attends to its first token: no softmax over nothing
            for row, text in enumerate(texts.tolist()):
                ids[row, : len(token_ids[text])] = token_ids[text]
                attention[row, : len(token_ids[text])] = 1
            yield Batch(texts, ids, attention)
