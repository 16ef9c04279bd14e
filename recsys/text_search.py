"""Find items by words: what the query means (cosine) and what it says (shared words), added up.

score = 0.5 * cosine of the texts + 0.5 * share of the query's words that stand in the title, brand or category, each
word weighing its rarity (inverse document frequency). A convex sum of the two beats fusing their ranks (Bruch, Gai &
Ingber, An Analysis of Fusion Functions for Hybrid Retrieval, 2023), and a word that few titles have is found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from encoders.lexical import words

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from recsys.vector_index import VectorIndex

__all__ = ["TextSearch"]

_WORD_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class TextSearch:
    """The text part of every item's vector, and which items each word stands in."""

    vectors: NDArray[np.float32]  # (n_items, text dim), length 1 or 0
    _rows: dict[str, NDArray[np.int64]]

    @classmethod
    def fit(cls, items: pl.DataFrame, index: VectorIndex, *, text_dim: int) -> TextSearch:
        """Read `items` (title, brand, category; row `i` of the index), whose first `text_dim` columns are text."""
        text = index.vectors()[:, :text_dim]
        lengths = np.linalg.norm(text, axis=1, keepdims=True)
        rows: dict[str, list[int]] = {}
        for row, parts in enumerate(items.select("title", "brand", "category").iter_rows()):
            for word in set(words(" ".join(part for part in parts if part))):
                rows.setdefault(word, []).append(row)
        return cls(
            np.ascontiguousarray(np.divide(text, lengths, out=text, where=lengths > 0)),
            {word: np.array(found, dtype=np.int64) for word, found in rows.items()},
        )

    def scores(self, text: str, vector: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the score of every item, (n_items,); -inf where neither meaning nor word can tell."""
        cosine = self.vectors @ vector  # (n_items,)
        shared = np.zeros(len(cosine))
        asked = sorted(set(words(text)))
        weights = {word: self._rarity(word) for word in asked}
        for word in asked:
            shared[self._rows.get(word, [])] += weights[word]
        shared /= max(sum(weights.values()), 1e-12)
        scores = (1 - _WORD_SHARE) * cosine.astype(np.float64) + _WORD_SHARE * shared
        # rounded well above float32's last bit, so that equal texts are equal and ties go by id
        return np.where(self.vectors.any(axis=1) | (shared > 0), scores.round(6), -np.inf)

    def _rarity(self, word: str) -> float:
        n = len(self.vectors)
        return math.log(1 + n / (len(self._rows.get(word, ())) or n))
