"""Step `sentiment`: what every review says of its item, and how each item stood in its reviews on each day."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from encoders import EncoderError
from encoders.sentiment import (
    Measures,
    ReviewTexts,
    SentimentModel,
    evaluate_sentiment,
    kept_probabilities,
    score_reviews,
    text_key,
)
from warehouse.values import days_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jobs.embed import EmbeddedTexts
    from jobs.ingest import Shop
    from jobs.progress import Progress
    from jobs.settings import Settings

__all__ = ["Sentiment", "item_sentiment", "sentiment_of_shop"]

logger = logging.getLogger(__name__)

_LATEST = 5  # reviews that a trend takes for now
_FEWEST = 30  # reviews with stars that the figures of a model need
_QUALITY = {
    "cutoff": pl.Date(),
    "segment": pl.String(),
    "metric": pl.String(),
    "value": pl.Float64(),
    "baseline": pl.String(),
    "baseline_value": pl.Float64(),
    "n": pl.Int64(),
}


@dataclass(frozen=True, slots=True)
class Sentiment:
    """What the shop's reviews say: one row a review, one an item and day, and how well the reviews are read."""

    reviews: pl.DataFrame  # review_id, item_id, date, stars, probability
    items: pl.DataFrame  # item_id, date, reviews, mean_stars, mean_probability, trend
    quality: pl.DataFrame  # PUBLISHED["sentiment_quality"] less run_id
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Scores:
    probability: NDArray[np.float64]  # (n,) nan where nothing can be told
    measures: Measures | None
    baselines: dict[str, Measures]
    segment: str
    note: str


def sentiment_of_shop(
    shop: Shop, texts: EmbeddedTexts, *, settings: Settings, cache: Path, progress: Progress | None = None
) -> Sentiment:
    """Score every review with text, by the model that `sentiment.model` names, else by heads fitted tonight.

    Raises:
        encoders.EncoderError: the model is not there, or not what its checksum says.
    """
    table = shop.table("reviews")
    if table is None or not table.height:
        return _without("no reviews: nothing to read the sentiment from")
    stars = pl.col("stars") if "stars" in table.columns else pl.lit(None, pl.Float64).alias("stars")
    told = texts.reviews.join(table.select("review_id", stars), on="review_id", how="left", maintain_order="left")
    told = told.sort("day", "review_id", nulls_last=False)
    if settings.sentiment.model is None:
        scores = _by_head(told, texts, progress)
    else:
        scores = _by_model(told, settings.sentiment.model, cache, settings, progress)
    logger.info("%s", scores.note)
    probability = pl.Series("probability", scores.probability, dtype=pl.Float64).fill_nan(None)
    scored = told.with_columns(probability).select("review_id", "day", "probability")
    date = _days_of(table, settings.timezone)
    reviews = (
        table.select("review_id", "item_id", date, stars)
        .join(scored.drop("day"), on="review_id", how="left", maintain_order="left")
        .sort("review_id")
    )
    return Sentiment(reviews, item_sentiment(reviews), _quality(scores, shop), (scores.note,))


def item_sentiment(reviews: pl.DataFrame) -> pl.DataFrame:
    """Return how each item stood on each day that brought it a review; it stood so until its next row.

    `reviews` has item_id, date, stars, probability; undated ones belong to no day and are left out. `trend` is the mean
    probability of the item's latest five reviews less that of all before them; null where there is none before.
    """
    dated = reviews.filter(pl.col("date").is_not_null()).sort("item_id", "date", "review_id")
    so_far = dated.with_columns(
        reviews=pl.int_range(1, pl.len() + 1).over("item_id"),
        stars_sum=pl.col("stars").fill_null(0.0).cum_sum().over("item_id"),
        stars_count=pl.col("stars").is_not_null().cast(pl.Int64).cum_sum().over("item_id"),
        told_sum=pl.col("probability").fill_null(0.0).cum_sum().over("item_id"),
        told_count=pl.col("probability").is_not_null().cast(pl.Int64).cum_sum().over("item_id"),
    )
    told = so_far.filter(pl.col("probability").is_not_null()).with_columns(
        before_sum=pl.col("told_sum").shift(_LATEST).over("item_id"),
        before_count=pl.col("told_count").shift(_LATEST).over("item_id"),
    )
    latest = (pl.col("told_sum") - pl.col("before_sum")) / _LATEST
    told = told.with_columns(trend=latest - pl.col("before_sum") / pl.col("before_count"))
    whole = so_far.join(told.select("review_id", "trend"), on="review_id", how="left", maintain_order="left")
    whole = whole.with_columns(pl.col("trend").forward_fill().over("item_id"))
    last = whole.group_by("item_id", "date", maintain_order=True).last()
    return last.select(
        "item_id",
        "date",
        pl.col("reviews").cast(pl.Int64),
        (pl.col("stars_sum") / pl.col("stars_count")).fill_nan(None).alias("mean_stars"),
        (pl.col("told_sum") / pl.col("told_count")).fill_nan(None).alias("mean_probability"),
        "trend",
    )


def _by_head(told: pl.DataFrame, texts: EmbeddedTexts, progress: Progress | None) -> _Scores:
    reviews = ReviewTexts(
        texts=told["text"].to_list(),
        vectors=texts.vectors.vectors[told["row"].to_numpy()],
        stars=told["stars"].cast(pl.Float64).fill_null(float("nan")).to_numpy(),
        days=told["day"].cast(pl.Int32).cast(pl.Int64).fill_null(-1).to_numpy(),
        keys=np.array([text_key(text) for text in told["text"]], dtype=np.int64),
    )
    found = score_reviews(reviews, progress)
    segment = "last fifth by date" if found.by_date else "a fifth by hash"
    starred = int(np.isfinite(reviews.stars).sum())
    if found.measures is None:
        note = f"sentiment: {starred} reviews with stars and text are too few, or all alike, to learn from"
        return _Scores(found.probability, None, {}, segment, note)
    note = f"sentiment: head on the review vectors and words, {_beside(found.measures, found.baselines)}, {segment}"
    return _Scores(found.probability, found.measures, found.baselines, segment, note)


def _by_model(told: pl.DataFrame, folder: str, cache: Path, settings: Settings, progress: Progress | None) -> _Scores:
    """Ask the model; its figures are over the reviews with stars that it was not trained on."""
    try:
        model = SentimentModel.load(Path(folder).expanduser())
    except EncoderError as error:
        raise EncoderError(f"sentiment.model = {folder!r}: {error}") from error
    texts = told["text"].to_list()
    asked = kept_probabilities(model, texts, folder=cache, threads=settings.threads, progress=progress)
    probability = asked[:, -1] + (asked[:, 1] / 2 if len(model.names) == 3 else 0.0)
    new = ~np.isin(np.array([text_key(text) for text in texts], dtype=np.int64), model.trained_on)
    fresh = told.filter(pl.Series(new) & pl.col("stars").is_not_null())
    segment = "not trained on"
    if fresh.height < _FEWEST:
        note = f"sentiment: {model.model_id}; {fresh.height} reviews with stars are new to it, too few for a figure"
        return _Scores(probability, None, {}, segment, note)
    found = evaluate_sentiment(model, fresh["text"].to_list(), fresh["stars"].to_list(), threads=settings.threads)
    note = f"sentiment: {model.model_id}, {_beside(found.measures, found.baselines)}, on reviews that are new to it"
    return _Scores(probability, found.measures, found.baselines, segment, note)


def _beside(measures: Measures, baselines: dict[str, Measures]) -> str:
    others = ", ".join(f"{name} {each.macro_f1:.3f}" for name, each in baselines.items())
    return f"macro F1 {measures.macro_f1:.3f} ({others}) over {measures.n:,}"


def _quality(scores: _Scores, shop: Shop) -> pl.DataFrame:
    rows = [
        (shop.cutoff, scores.segment, metric, getattr(scores.measures, metric), name, getattr(each, metric), each.n)
        for metric in ("macro_f1", "accuracy")
        for name, each in scores.baselines.items()
    ]
    return pl.DataFrame(rows, schema=_QUALITY, orient="row")


def _days_of(reviews: pl.DataFrame, timezone: str) -> pl.Expr:
    if "occurred_at" not in reviews.columns:
        return pl.lit(None, pl.Date).alias("date")
    return days_of(pl.col("occurred_at"), timezone=timezone).alias("date")


def _without(note: str) -> Sentiment:
    reviews = pl.DataFrame(
        schema={
            "review_id": pl.String(),
            "item_id": pl.String(),
            "date": pl.Date(),
            "stars": pl.Float64(),
            "probability": pl.Float64(),
        }
    )
    return Sentiment(reviews, item_sentiment(reviews), pl.DataFrame(schema=_QUALITY), (note,))
