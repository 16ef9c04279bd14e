"""What a shop's own texts say to a question: sentences of reviews and descriptions, word for word, or no evidence.

Sentences near the question, by vector or by a word, are judged (`recsys.judge`); what reaches the shop's own threshold
is quoted. Nothing else is said; `recsys.phrasing` lets a text model put the quotes in other words.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NotRequired, TypedDict

import numpy as np
import polars as pl

from encoders.lexical import words
from recsys.judge import Judge, fit_judge
from recsys.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from encoders import TokenEncoder, Tokens, VectorCache

__all__ = ["NO_EVIDENCE", "Answer", "Compared", "EvidenceSearch", "Quote", "sentence_rows"]

NO_EVIDENCE = "no evidence"
_JUDGED = 256  # sentences of an item that are judged at most: the nearest by vector, and by words
_BY_WORD = 64  # of them
_REMEMBERED = 20_000  # sentences whose pieces are kept in memory


class Quote(TypedDict):
    """One sentence, an exact substring of a stored text; `item_id` where the question was about no one item."""

    sentence: str
    source: str  # review or description
    review_id: str | None
    date: date | None
    stars: float | None
    score: float
    item_id: NotRequired[str]
    title: NotRequired[str | None]


class Compared(TypedDict):
    """A near item in stock: its price, and what its texts say to the same question."""

    item_id: str
    title: str | None
    price: float | None
    evidence: list[Quote]


class Answer(TypedDict):
    """`about`: sentences that reach the threshold; `positive_share`: of the reviews behind them that can be told.

    `answer`: "no evidence", or the quotes in other words where a text model was handed in, else None. `refused`: what
    it said and why that was dropped; there only where it was.
    """

    item_id: str | None
    question: str
    evidence: list[Quote]
    about: int
    positive_share: float | None
    answer: str | None
    refused: NotRequired[str]
    compared: NotRequired[list[Compared]]


SENTENCE_SCHEMA = {
    "sentence": pl.String(),
    "source": pl.String(),
    "review_id": pl.String(),
    "date": pl.Date(),
    "stars": pl.Float64(),
    "positive": pl.Boolean(),
    "item_id": pl.String(),
}


def sentence_rows(reviews: pl.DataFrame, descriptions: pl.DataFrame) -> pl.DataFrame:
    """Split the texts of reviews and of items into sentences, as `SENTENCE_SCHEMA`.

    Read are item_id, review_id, date, stars, positive, headline and text; and item_id and description. Each sentence of
    an item is there once: where several reviews hold it, from the first by date.
    """
    rows: list[tuple[object, ...]] = []
    columns = ("item_id", "review_id", "date", "stars", "positive", "headline", "text")
    for item_id, review_id, day, stars, positive, *texts in reviews.select(columns).iter_rows():
        for text in texts:
            cut = [text[start:end] for start, end in sentences(text or "")]
            rows += [(sentence, "review", review_id, day, stars, positive, item_id) for sentence in cut]
    for item_id, text in descriptions.select("item_id", "description").iter_rows():
        cut = [text[start:end] for start, end in sentences(text or "")]
        rows += [(sentence, "description", None, None, None, None, item_id) for sentence in cut]
    told = pl.DataFrame(rows, schema=SENTENCE_SCHEMA, orient="row").sort(
        "item_id", "date", "review_id", nulls_last=True
    )
    return told.unique(["item_id", "sentence"], keep="first", maintain_order=True)


@dataclass(slots=True)
class EvidenceSearch:
    """The judge of a shop and what has been read for it; safe to use from many threads."""

    encoder: TokenEncoder
    cache: VectorCache
    judge: Judge
    _pieces: dict[str, Tokens] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def fit(cls, texts: Sequence[str], encoder: TokenEncoder, cache: VectorCache) -> EvidenceSearch:
        """Fit the judge on a shop's sentences."""
        return cls(encoder, cache, fit_judge(texts, encoder))

    def judged(self, question: str, told: pl.DataFrame) -> pl.DataFrame:
        """Return the rows of `told` that were judged, with `score`, best first; ties by date and id."""
        if told.is_empty():
            return told.with_columns(score=pl.lit(None, pl.Float64))
        with self._lock:
            near = told[self._near(question, told["sentence"].to_list())]
            (asked,) = self.encoder.encode_tokens([question], kind="query")
            scores = self.judge.scores(asked, self._read(near["sentence"].to_list()))
        order = ["score", "date", "review_id", "item_id", "sentence"]
        return near.with_columns(score=pl.Series(scores)).sort(
            order, descending=[True, True, False, False, False], nulls_last=True
        )

    def _near(self, question: str, told: list[str]) -> NDArray[np.int64]:
        """Return which sentences are worth judging: all of a few, else the nearest by meaning and by word."""
        vectors = self.cache.encode(told, kind="sentence").vectors  # kept beside the runs
        if len(told) <= _JUDGED:
            return np.arange(len(told))
        (vector,) = self.encoder.encode([question], kind="query")
        asked = set(words(question))
        shared = np.array([sum(map(self._weight, asked & set(words(text)))) for text in told])
        by_word = np.argsort(-shared, kind="stable")[:_BY_WORD]
        chosen = dict.fromkeys(by_word[shared[by_word] > 0].tolist())
        for row in np.argsort(-(vectors @ vector), kind="stable").tolist():
            if len(chosen) == _JUDGED:
                break
            chosen[row] = None
        return np.array(sorted(chosen), dtype=np.int64)

    def _weight(self, word: str) -> float:
        return self.judge.rarity.get(word, self.judge.unseen)

    def _read(self, told: Sequence[str]) -> list[Tokens]:
        new = [text for text in dict.fromkeys(told) if text not in self._pieces]
        if len(self._pieces) + len(new) > _REMEMBERED:
            self._pieces.clear()
            new = list(dict.fromkeys(told))
        self._pieces.update(zip(new, self.encoder.encode_tokens(new, kind="sentence"), strict=True))
        return [self._pieces[text] for text in told]

    def answer(self, question: str, told: pl.DataFrame, *, n: int) -> Answer:
        """Answer from the sentences `told`, with up to `n` quotes."""
        return self.told(question, self.judged(question, told), n=n)

    def told(self, question: str, judged: pl.DataFrame, *, n: int) -> Answer:
        """Answer from sentences that were judged already, best first."""
        about = judged.filter(pl.col("score") >= self.judge.threshold)
        reviews = about.filter(pl.col("positive").is_not_null()).unique("review_id")
        share = reviews["positive"].cast(pl.Float64).mean()
        return {
            "item_id": None,
            "question": question,
            "evidence": [_quote(row) for row in about.head(n).iter_rows(named=True)],
            "about": about.height,
            "positive_share": None if share is None else float(str(share)),
            "answer": None if about.height else NO_EVIDENCE,
        }


def _quote(row: dict[str, object]) -> Quote:
    names = ("sentence", "source", "review_id", "date", "stars", "score")
    quote: Quote = {name: row[name] for name in names}  # type: ignore[assignment]
    return quote
