"""What `shelfwise sentiment` does: a file of reviews → a model, a model's figures, a text's label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

import encoders
from encoders.sentiment import SentimentModel, evaluate_sentiment, train_sentiment
from jobs.progress import show_progress
from jobs.review_files import read_reviews
from warehouse import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from encoders.sentiment import Evaluation, SentimentConfig, TrainedSentiment

__all__ = ["Prediction", "evaluate_model", "predict_text", "train_model"]


@dataclass(frozen=True, slots=True)
class Prediction:
    """The likeliest label of a text and its probability, and that of every label."""

    label: str
    probability: float
    probabilities: dict[str, float]


def train_model(reviews: Path, out: Path, config: SentimentConfig) -> TrainedSentiment:
    """Train on a file of reviews and write the model's folder."""
    read = read_reviews(reviews)
    with show_progress() as progress:
        return train_sentiment(read.texts, read.stars, config=config, out=out, progress=progress)


def evaluate_model(model: Path, reviews: Path, *, predictions: Path | None, threads: int) -> Evaluation:
    """Return a model's figures on a file of reviews; `predictions` is where each review's is written."""
    read, loaded = read_reviews(reviews), SentimentModel.load(model)
    with show_progress() as progress:
        found = evaluate_sentiment(loaded, read.texts, read.stars, threads=threads, progress=progress)
    if predictions is not None:
        rows = found.rows.tolist()
        frame = pl.DataFrame(
            {
                "review_id": [read.ids[row] for row in rows],
                "stars": [read.stars[row] for row in rows],
                "label": [loaded.names[label] for label in found.labels.tolist()],
                "predicted": [loaded.names[label] for label in found.probabilities.argmax(axis=1).tolist()],
                **{name: found.probabilities[:, label] for label, name in enumerate(loaded.names)},
            }
        )
        try:
            frame.write_parquet(predictions)
        except OSError as error:
            raise InputError(f"--predictions {predictions}: cannot be written ({error})") from error
    return found


def predict_text(model: Path, text: str, *, threads: int) -> Prediction:
    """Return what a model says of one text, masked as the texts that it was trained on."""
    loaded = SentimentModel.load(model)
    told = loaded.probabilities([encoders.clean_and_mask(text)], threads=threads)[0].tolist()
    best = max(range(len(told)), key=told.__getitem__)
    return Prediction(loaded.names[best], told[best], dict(zip(loaded.names, told, strict=True)))
