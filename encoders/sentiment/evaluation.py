"""A sentiment model held against reviews with stars, beside the majority and TF-IDF from the same training rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from encoders.cleaning import clean
from encoders.contract import EncoderError
from encoders.sentiment.labels import labels_of
from encoders.sentiment.measures import Measures, measure
from encoders.sentiment.tfidf import terms_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from encoders.contract import Progress
    from encoders.sentiment.classifier import SentimentModel

__all__ = ["Evaluation", "evaluate_sentiment"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures, and what they were made from: `rows` (n,) into the given texts, their labels, what was told of each.

    An empty text counts: the model answers it by its training rows' shares, and so are both baselines taken to.
    """

    measures: Measures
    baselines: dict[str, Measures]  # majority, tfidf
    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]  # (n, classes)


def evaluate_sentiment(
    model: SentimentModel,
    texts: Sequence[str],
    stars: Sequence[float | None],
    *,
    threads: int = 2,
    progress: Progress | None = None,
) -> Evaluation:
    """Ask the model about every review that its star rule has a label for.

    Raises:
        EncoderError: there is no such review.
    """
    every = labels_of(stars, model.three_stars)
    rows = np.flatnonzero(every >= 0)
    if not len(rows):
        msg = f"none of {len(texts)} reviews has stars to compare with (three stars: {model.three_stars})"
        raise EncoderError(msg)
    labels, asked = every[rows], [texts[row] for row in rows.tolist()]
    told = model.probabilities(asked, threads=threads, progress=progress)
    usual = int(model.shares.argmax())
    empty = np.array([not clean(text) for text in asked], dtype=bool)
    tfidf = np.where(empty, usual, model.tfidf.probabilities([terms_of(clean(text)) for text in asked]).argmax(axis=1))
    baselines = {
        "majority": measure(labels, np.full(len(labels), usual), model.names),
        "tfidf": measure(labels, tfidf, model.names),
    }
    return Evaluation(measure(labels, told.argmax(axis=1), model.names), baselines, rows, labels, told)
