"""The night's own reader of reviews: two logistic regressions, on the vectors and on the words, that speak as one.

The vectors bring what words mean, TF-IDF brings the shop's own words; the mean of their log odds is better than either.
No review is told about by a head that has seen it, and where there are dates none by one that has seen a later one: a
review is scored by what was learnt from earlier parts of time. So a feature made from the scores knows no future.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from encoders.sentiment.labels import labels_of
from encoders.sentiment.linear import fit_linear
from encoders.sentiment.measures import Measures, measure
from encoders.sentiment.tfidf import fit_tfidf, terms_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from encoders.contract import Progress, Vectors

__all__ = ["HEAD_NAMES", "HeadScores", "ReviewTexts", "score_reviews"]

HEAD_NAMES = ("Negative", "Positive")
_PARTS = 5
_LEAST = 20  # reviews with stars that a head learns from; fewer teach nothing
_MOST = 20_000  # the latest are taken: a night stays a matter of seconds
_NO_DAY = -1


@dataclass(frozen=True, slots=True)
class ReviewTexts:
    """One review a place, each with some text.

    Attributes:
        texts: cleaned.
        vectors: (n, dim).
        stars: (n,), nan where there are none.
        days: (n,) days since some day, -1 where there is no date.
        keys: (n,) `text_key` of each text.
    """

    texts: Sequence[str]
    vectors: Vectors
    stars: NDArray[np.float64]
    days: NDArray[np.int64]
    keys: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class HeadScores:
    """What was told of each review, and how good that was.

    Attributes:
        probability: (n,) of being positive, the two classes weighing the same: above .5 reads as positive. nan where
            too little was known to learn from.
        tested: (n,) the reviews with stars that the figures are over: the last fifth by date, or a fifth by hash.
        by_date: whether the parts were made by date.
        measures: of the head; None where nothing could be tested.
        baselines: majority and tfidf, learnt from the same reviews.
    """

    probability: NDArray[np.float64]
    tested: NDArray[np.bool_]
    by_date: bool
    measures: Measures | None
    baselines: dict[str, Measures]


@dataclass(frozen=True, slots=True)
class _Told:
    """What one head and its baselines say of the reviews that it is asked about."""

    probability: NDArray[np.float64]
    tfidf: NDArray[np.int64]
    majority: int


def score_reviews(reviews: ReviewTexts, progress: Progress | None = None) -> HeadScores:
    """Tell of each review whether it is positive, by heads that did not learn from it.

    Three stars are negative. A shop where most reviews have a date is cut into five parts by date (a day is never cut):
    each is scored by a head that learnt from the parts before it, the first by halves of itself. Else the parts are
    made by the hash of the text, so that equal texts are together, and each is scored by a head from the four others.
    """
    labels = labels_of(reviews.stars, "negative")
    documents = [terms_of(text) for text in reviews.texts]
    parts = _parts_by_date(reviews.days)
    by_date = parts is not None
    folds = _folds_by_hash(reviews.keys) if parts is None else _folds_by_date(parts, reviews.keys)
    probability = np.full(len(labels), np.nan)
    told: _Told | None = None
    asked = np.zeros(len(labels), dtype=bool)
    for done, (learnt, asked) in enumerate(folds):  # the last one is what the figures are over
        rows = _latest(np.flatnonzero(learnt & (labels >= 0)), reviews.days)
        told = _told(reviews, documents, labels, rows, np.flatnonzero(asked))
        if told is not None:
            probability[asked] = told.probability
        if progress is not None:
            progress("sentiment", done + 1, len(folds))
    tested = asked & (labels >= 0)
    if told is None or not tested.any():
        return HeadScores(probability, np.zeros(len(labels), dtype=bool), by_date, None, {})
    truth, kept = labels[tested], tested[asked]
    baselines = {
        "majority": measure(truth, np.full(len(truth), told.majority), HEAD_NAMES),
        "tfidf": measure(truth, told.tfidf[kept], HEAD_NAMES),
    }
    head = measure(truth, (probability[tested] > 0.5).astype(np.int64), HEAD_NAMES)
    return HeadScores(probability, tested, by_date, head, baselines)


def _told(
    reviews: ReviewTexts,
    documents: Sequence[Sequence[str]],
    labels: NDArray[np.int64],
    rows: NDArray[np.int64],
    asked: NDArray[np.int64],
) -> _Told | None:
    """Learn from `rows` and tell of `asked`; None where there is too little to learn from."""
    if len(rows) < _LEAST or len(np.unique(labels[rows])) < 2 or not len(asked):
        return None
    held_out = reviews.keys[rows] // _PARTS % _PARTS == 0  # another cut than that of the parts
    by_vector = fit_linear(reviews.vectors[rows], labels[rows], held_out, classes=2)
    by_word = fit_tfidf([documents[row] for row in rows.tolist()], labels[rows], held_out, classes=2)
    words = by_word.probabilities([documents[row] for row in asked.tolist()])
    odds = (_log_odds(by_vector.probabilities(reviews.vectors[asked])) + _log_odds(words)) / 2
    majority = int(np.bincount(labels[rows], minlength=2).argmax())
    return _Told(1.0 / (1.0 + np.exp(-odds)), words.argmax(axis=1), majority)


def _log_odds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    kept = np.clip(probabilities[:, 1], 1e-9, 1 - 1e-9)
    return np.asarray(np.log(kept / (1 - kept)), dtype=np.float64)


def _latest(rows: NDArray[np.int64], days: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.sort(rows[np.argsort(-days[rows], kind="stable")[:_MOST]])


def _parts_by_date(days: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Return each review's part, 0 to 4, undated ones with the earliest; None where most reviews have no date.

    A part's bounds are days, and days alone decide: the hour or a review's place in the file changes nothing.
    """
    if not len(days) or (days == _NO_DAY).mean() > 0.5:
        return None
    place = np.searchsorted(np.sort(days), days, side="left")
    found = np.unique(place * _PARTS // len(days), return_inverse=True)[1]
    return found if found.max() > 0 else None


def _folds_by_date(
    parts: NDArray[np.int64], keys: NDArray[np.int64]
) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    first, odd = parts == 0, keys % 2 == 1
    folds = [(first & odd, first & ~odd), (first & ~odd, first & odd)]
    return folds + [(parts < part, parts == part) for part in range(1, parts.max() + 1)]


def _folds_by_hash(keys: NDArray[np.int64]) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    return [(keys % _PARTS != part, keys % _PARTS == part) for part in range(_PARTS)]
