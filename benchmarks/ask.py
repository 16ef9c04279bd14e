"""Answers from evidence on labelled questions: python benchmarks/ask.py DATA [QUESTIONS.jsonl …].

DATA holds `clothing_reviews/reviews.parquet` and `musical_instruments/reviews.parquet`; the shop `invented` lies beside
this file. A line of QUESTIONS is an object: question_id, shop, item_id, question, spans [{review_id, field, start,
end}]; no spans: nothing answers it. Offsets count in the cleaned and masked text. An answer is right where its first
quote overlaps a span, or there is no quote and no span. BM25 (over sentences) and MiniLM's cosine answer with their
best sentence where its score reaches the threshold that suits them best on these very questions, which favours them;
ours has one, found on the questions of ask_questions_tuning.jsonl and ask_questions_more.jsonl, which are the default.
What finds the best few for the cross-encoder stands beside, alone, and with the cross-encoder as it was before it was
trained on ask_training.jsonl, each with its best threshold.

Prints one JSON line: `right` by shop and by kind of question for each, and how far ours is ahead of the cosine with its
95 % interval, items drawn anew; and the seconds to fit a shop's judge, of the first answer over 200 sentences and of a
second one.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from encoders import EncoderConfig, PairReader, VectorCache, clean_and_mask, load_encoder, words
from recsys.evidence import READ_TOGETHER, EvidenceSearch, sentence_rows
from recsys.judge import both
from recsys.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SEEN = [Path(__file__).with_name(f"ask_questions_{part}.jsonl") for part in ("tuning", "more")]
INVENTED = Path(__file__).with_name("ask_invented_reviews.jsonl")
COLUMNS = ("review_id", "headline", "text")
FITTED_ON = 4000  # reviews, as a run's judge is


@dataclass(frozen=True)
class Shop:
    """Every review, headline and text by review_id, and the judge fitted on some of them."""

    reviews: pl.DataFrame
    texts: dict[str, tuple[str, str]]
    search: EvidenceSearch
    vectors: VectorCache
    document_frequency: Counter[str]
    n_sentences: int
    mean_words: float

    def told(self, item_id: str) -> pl.DataFrame:
        """Return the sentences of an item."""
        return split(self.reviews.filter(pl.col("item_id") == item_id))


cut = cache(sentences)


def split(reviews: pl.DataFrame) -> pl.DataFrame:
    """Return the sentences of reviews, as a run's."""
    nothing = pl.DataFrame(schema={"item_id": pl.String, "description": pl.String})
    return sentence_rows(reviews, nothing)


def read_reviews(folder: Path) -> pl.DataFrame:
    """Return the columns of reviews; of the invented shop each sentence is a review without stars and title."""
    if folder.name != "invented":
        return pl.read_parquet(folder / "reviews.parquet")
    nothing = {"stars": pl.lit(None, pl.Float64), "title": pl.lit(None, pl.String)}
    return pl.read_ndjson(INVENTED).with_columns(**nothing)


def read_shop(folder: Path, cache: Path, *, threads: int) -> Shop:
    """Read a shop's reviews as a night stores them and fit its judge."""
    rows = read_reviews(folder)
    told = [
        pl.col(name).fill_null("").map_elements(clean_and_mask, return_dtype=pl.String) for name in ("title", "text")
    ]
    reviews = rows.select(
        pl.col("item_id", "review_id").cast(pl.String),
        pl.lit(None, pl.Date).alias("date"),
        pl.col("stars").cast(pl.Float64),
        (pl.col("stars") > 3).alias("positive"),
        told[0].alias("headline"),
        told[1],
    )
    some = reviews.with_columns(place=pl.col("item_id").hash(0)).sort("place", "review_id").head(FITTED_ON)
    texts = split(some)["sentence"].to_list()
    encoder = load_encoder(EncoderConfig(threads=threads))
    search = EvidenceSearch.fit(texts, encoder, cache, threads=threads)
    counted = [words(text) for text in texts]
    frequency = Counter(word for of_text in counted for word in set(of_text))
    by_id = {review_id: (headline, text) for review_id, headline, text in reviews.select(COLUMNS).iter_rows()}
    mean_words = sum(map(len, counted)) / len(counted)
    return Shop(reviews, by_id, search, VectorCache(cache, encoder), frequency, len(texts), mean_words)


def ours(shop: Shop, question: str, told: pl.DataFrame) -> tuple[str, str, float]:
    """Return review id, sentence and score of the best."""
    best = shop.search.judged([question], told).row(0, named=True)
    return best["review_id"], best["sentence"], best["score"]


def pieces(shop: Shop, question: str, told: pl.DataFrame) -> tuple[str, str, float]:
    """Return the best by what finds sentences for the cross-encoder."""
    best = replace(shop.search, pairs=None).judged([question], told).row(0, named=True)
    return best["review_id"], best["sentence"], best["score"]


@cache
def packaged() -> PairReader:
    """Return the cross-encoder as its package has it."""
    return PairReader(threads=2, trained=None)


def untrained(shop: Shop, question: str, told: pl.DataFrame) -> tuple[str, str, float]:
    """Return the best by the cross-encoder before it was trained further; its log-odds are too low to be rounded."""
    found = replace(shop.search, pairs=None).judged([question], told).head(READ_TOGETHER)
    log_odds = packaged().log_odds(question, found["sentence"].to_list())
    return _best(found, both(found["score"].to_numpy(), log_odds))


def minilm(shop: Shop, question: str, told: pl.DataFrame) -> tuple[str, str, float]:
    """Return the sentence of the largest cosine."""
    (vector,) = shop.search.encoder.encode([question], kind="query")
    scores = shop.vectors.encode(told["sentence"].to_list(), kind="sentence").vectors @ vector
    return _best(told, scores)


def bm25(shop: Shop, question: str, told: pl.DataFrame) -> tuple[str, str, float]:
    """Return the best sentence by Okapi BM25 (k1 1.2, b 0.75)."""
    scores = np.zeros(told.height)
    for row, text in enumerate(told["sentence"]):
        counted = Counter(words(text))
        norm = 1.2 * (0.25 + 0.75 * counted.total() / shop.mean_words)
        for word in set(words(question)):
            df = shop.document_frequency[word]
            rarity = math.log(1 + (shop.n_sentences - df + 0.5) / (df + 0.5))
            scores[row] += rarity * counted[word] * 2.2 / (counted[word] + norm)
    return _best(told, scores)


def _best(told: pl.DataFrame, scores: Any) -> tuple[str, str, float]:  # noqa: ANN401 (an array)
    row = int(np.argmax(scores))
    return told["review_id"][row], told["sentence"][row], float(scores[row])


def overlaps(shop: Shop, spans: Sequence[dict[str, Any]], review_id: str, sentence: str) -> bool:
    """Return whether the sentence of that review, wherever it stands in it, overlaps a labelled span."""
    for span in spans:
        if span["review_id"] == review_id:
            text = shop.texts[review_id][span["field"] != "title"]
            for start, end in cut(text):
                if text[start:end] == sentence and start < span["end"] and span["start"] < end:
                    return True
    return False


def measure(found: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """Return `found` with whether each question is answered rightly above `threshold`."""
    quoted = pl.col("score") >= threshold
    return found.with_columns(right=pl.when("answerable").then(quoted & pl.col("hit")).otherwise(~quoted))


def best_threshold(found: pl.DataFrame) -> float:
    """Return the threshold with the most right answers."""
    scores = [*found["score"].unique().sort().to_list(), math.inf]
    return max(scores, key=lambda threshold: measure(found, threshold)["right"].sum())


def summary(found: pl.DataFrame) -> dict[str, object]:
    """Return the share of right answers over all, by shop and by kind."""
    by_shop = found.group_by("shop").agg(pl.col("right").mean().round(3)).sort("shop")
    kinds = {"answerable": found.filter("answerable"), "unanswerable": found.filter(~pl.col("answerable"))}
    return {
        "right": round(float(str(found["right"].mean())), 3),
        **dict(by_shop.iter_rows()),
        **{name: round(float(str(part["right"].mean())), 3) for name, part in kinds.items() if part.height},
        "told_apart": told_apart(found),
    }


def ahead(ours: pl.DataFrame, theirs: pl.DataFrame) -> list[float]:
    """Return by how much more of the questions ours answers rightly, and the 95 % interval with items drawn anew."""
    won = pl.DataFrame({"item": ours["item"], "won": ours["right"].cast(int) - theirs["right"].cast(int)})
    of_items = won.group_by("item").agg(pl.col("won").sum(), pl.len()).sort("item")
    totals, counts = of_items["won"].to_numpy(), of_items["len"].to_numpy()
    drawn = np.random.default_rng(0).integers(len(totals), size=(10_000, len(totals)))
    low, high = np.quantile(totals[drawn].sum(1) / counts[drawn].sum(1), [0.025, 0.975])
    return [round(float(each), 3) for each in (totals.sum() / counts.sum(), low, high)]


def told_apart(found: pl.DataFrame) -> float | None:
    """Return in what share of pairs a right quote scores above the best sentence of an unanswerable question."""
    rightly = found.filter(pl.col("hit") & pl.col("answerable"))["score"].to_numpy()
    unanswerable = found.filter(~pl.col("answerable"))["score"].to_numpy()
    pairs = rightly[:, None] > unanswerable[None, :]
    return round(float(pairs.mean()), 3) if pairs.size else None


def speed(shop: Shop, threads: int) -> dict[str, float]:
    """Return the seconds of a first answer over 200 sentences that nothing has read yet, and of a second question."""
    told = split(shop.reviews.sort("review_id").head(400)).head(200)
    with tempfile.TemporaryDirectory() as folder:
        search = EvidenceSearch.open(shop.search.judge, shop.search.encoder, Path(folder), threads=threads)
        seconds = []
        for question in ("How does it hold up over time?", "Is it worth what it costs?"):
            began = time.perf_counter()
            search.answer(question, told, n=3)
            seconds.append(round(time.perf_counter() - began, 3))
    return dict(zip(("first_s", "second_s"), seconds, strict=True))


def main() -> None:
    """Ask every question in each of the three ways and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("questions", type=Path, nargs="*", default=SEEN)
    parser.add_argument("--cache", type=Path, help="keep vectors there")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    asked = [json.loads(line) for path in options.questions for line in path.read_text().splitlines() if line.strip()]
    ways: dict[str, Callable[..., tuple[str, str, float]]] = {
        "ours": ours,
        "pieces": pieces,
        "untrained": untrained,
        "bm25": bm25,
        "minilm": minilm,
    }
    rows: list[dict[str, object]] = []
    figures: dict[str, Any] = {"questions": len(asked)}
    with tempfile.TemporaryDirectory() as made:
        for name in sorted({question["shop"] for question in asked}):
            began = time.perf_counter()
            shop = read_shop(options.data / name, options.cache or Path(made), threads=options.threads)
            threshold = shop.search.judge.threshold
            figures[name] = {"threshold": round(threshold, 3), "read_and_fit_s": round(time.perf_counter() - began, 1)}
            figures[name] |= speed(shop, options.threads)
            for question in (each for each in asked if each["shop"] == name):
                told = shop.told(question["item_id"])
                for way, ask in ways.items():
                    review_id, sentence, score = ask(shop, question["question"], told)
                    hit = overlaps(shop, question["spans"], review_id, sentence)
                    told_by = {"way": way, "shop": name, "item": f"{name} {question['item_id']}", "score": score}
                    truth = {"answerable": bool(question["spans"]), "hit": hit}
                    rows.append({**told_by, **truth, "threshold": threshold})
    found = pl.DataFrame(rows)
    own = found.filter(pl.col("way") == "ours")
    by_shop = {str(part["shop"][0]): part for part in own.partition_by("shop")}
    answered = pl.concat([measure(part, part["threshold"][0]) for part in by_shop.values()])
    figures["ours"] = summary(answered)
    best = {"all": own, **by_shop}
    figures["ours"]["best_threshold"] = {name: round(best_threshold(part), 3) for name, part in best.items()}
    figures["ours"]["with_best_threshold"] = round(float(str(measure(own, best_threshold(own))["right"].mean())), 3)
    for way in list(ways)[1:]:
        part = found.filter(pl.col("way") == way)
        theirs = measure(part, best_threshold(part))
        figures[way] = {**summary(theirs), "ours_ahead_by": ahead(answered, theirs)}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
