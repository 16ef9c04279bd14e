"""What a shop's own texts say to a question: sentences of reviews and descriptions, word for word, or no evidence.

Every sentence is judged (`recsys.judge`), in English the best are read together with the question, and what reaches the
threshold is quoted. Nothing else is said; `recsys.phrasing` lets a text model put the quotes in other words.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NotRequired, TypedDict

import numpy as np
import polars as pl

from encoders.lexical import words
from recsys.judge import Judge, asks, both, fit_judge, read_together
from recsys.questions import without_asking
from recsys.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from numpy.typing import NDArray

    from encoders import PairReader, PieceCache, TokenEncoder

__all__ = ["NO_EVIDENCE", "READ_TOGETHER", "Answer", "Compared", "EvidenceSearch", "Quote", "sentence_rows"]

NO_EVIDENCE = "no evidence"

READ_TOGETHER = 8  # sentences of all items that are read together with the question
_MOST_READ = 16  # of one item, while half of what was read answers


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
    cache: PieceCache
    judge: Judge
    pairs: PairReader | None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def open(cls, judge: Judge, encoder: TokenEncoder, folder: Path, *, threads: int) -> EvidenceSearch:
        """Return the search of a judge that `encoder` was fitted with; what is read is kept under `folder`."""
        from encoders import PairReader, PieceCache

        pairs = PairReader(threads=threads) if read_together(encoder) else None
        return cls(encoder, PieceCache(folder, encoder, must_write=False), judge, pairs)

    @classmethod
    def fit(cls, texts: Sequence[str], encoder: TokenEncoder, folder: Path, *, threads: int) -> EvidenceSearch:
        """Fit the judge on a shop's sentences."""
        return cls.open(fit_judge(texts, encoder), encoder, folder, threads=threads)

    def judged(self, asked: Sequence[str], told: pl.DataFrame, called: Mapping[str, str] | None = None) -> pl.DataFrame:
        """Return `told` with `score`, best first; ties by date and id.

        `asked`: a conversation, the question last. `called`: item_id → what its kind is called.
        """
        if told.is_empty() or not any(words(question) for question in asked):  # "?": nothing is near to nothing
            return told.with_columns(score=pl.lit(0.0))
        ids = told["item_id"].to_numpy()
        items = told["item_id"].unique(maintain_order=True).to_list()
        said = told["sentence"].to_list()
        with self._lock:
            questions = self.encoder.encode_tokens([without_asking(question) for question in asked], kind="query")
            read = self.cache.read(said, kind="sentence")
            names = self.encoder.token_names([(called or {}).get(item_id, "") for item_id in items])
        scores = np.zeros(told.height)
        for item_id, known in zip(items, names, strict=True):
            rows = np.flatnonzero(ids == item_id)
            scores[rows] = self.judge.scores(questions, [read[row] for row in rows.tolist()], known)
            if self.pairs is not None:
                full = asked[-1] if asks(questions[-1].names, known) else " ".join(asked)
                best = rows[np.argsort(-scores[rows], kind="stable")]
                few = max(1, READ_TOGETHER // len(items))
                scores[best] = self._read(self.pairs, full, [said[row] for row in best.tolist()], scores[best], few)
        order = ["score", "date", "review_id", "item_id", "sentence"]
        return told.with_columns(score=pl.Series(scores)).sort(
            order, descending=[True, True, False, False, False], nulls_last=True
        )

    def _read(
        self, pairs: PairReader, question: str, said: Sequence[str], cosines: NDArray[np.float64], few: int
    ) -> NDArray[np.float64]:
        """Return (len(said),): how likely each of the first sentences answers; 0 for those that are not read."""
        found = np.zeros(len(said))
        most = _MOST_READ if few == READ_TOGETHER else few
        for start in range(0, min(most, len(said)), few):
            now = slice(start, start + few)
            log_odds = both(cosines[now], pairs.log_odds(question, said[now]))
            found[now] = (1 / (1 + np.exp(-log_odds))).round(5)
            if (found[now] >= self.judge.threshold).mean() < 0.5:
                break
        return found

    def answer(self, question: str, told: pl.DataFrame, *, n: int) -> Answer:
        """Answer from the sentences `told`, with up to `n` quotes."""
        return self.told(question, self.judged([question], told), n=n)

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
