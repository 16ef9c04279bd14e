"""A model's answers kept by the content of the text, in the same whole files as vectors: no review is asked twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from encoders.cache import VectorCache
from encoders.cleaning import clean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from encoders.contract import Progress, TextKind, Vectors
    from encoders.sentiment.classifier import SentimentModel

__all__ = ["kept_probabilities"]


class _Answers:
    """A model as `VectorCache` meets one: what it keeps of a text are the probabilities of its labels."""

    def __init__(self, model: SentimentModel, threads: int) -> None:
        self._model, self._threads = model, threads
        self.encoder_id = f"sentiment:{model.model_id}"
        self.dim = len(model.names)

    def prompt(self, kind: TextKind) -> str:  # noqa: ARG002 every kind is read as it is
        return ""

    def encode(self, texts: Sequence[str], *, kind: TextKind, progress: Progress | None = None) -> Vectors:  # noqa: ARG002
        return self._model.probabilities(texts, threads=self._threads, progress=progress).astype(np.float32)

    def unknown_word_share(self, texts: Sequence[str]) -> float:  # noqa: ARG002 nothing asks for it
        return 0.0


def kept_probabilities(
    model: SentimentModel, texts: Sequence[str], *, folder: Path, threads: int, progress: Progress | None = None
) -> NDArray[np.float64]:
    """Return (texts, classes) as `model.probabilities` does, asking only about texts that `folder` does not hold."""
    found = VectorCache(folder, _Answers(model, threads)).encode(texts, kind="review", progress=progress)
    told = found.vectors.astype(np.float64)
    told[[not clean(text) for text in texts]] = model.shares
    return told
