"""What a training leaves behind: the folder that `SentimentModel.load` reads, and its figures."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from encoders.sentiment.classifier import FACTS_FILE, FORMAT, Network, text_key
from encoders.sentiment.curve import save_curve
from encoders.sentiment.labels import label_names, shares_of
from encoders.sentiment.measures import Measures, measure
from encoders.sentiment.tfidf import fit_tfidf, terms_of
from encoders.weights import sha256_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from encoders.sentiment.config import SentimentConfig

__all__ = ["TrainedSentiment", "Training", "TrainingRows", "save_training", "write_facts"]


_SHOWN = frozenset({FACTS_FILE, "loss.json", "loss.svg", "validation.json"})  # for people: no answer depends on them


@dataclass(frozen=True, slots=True)
class TrainedSentiment:
    """What a training came to: rows by what became of them, the figures on the validation part, and what it cost."""

    folder: Path
    rows: dict[str, int]  # train, validation, without_stars, dropped, without_text
    shares: dict[str, float]  # of the labels among the training rows
    validation: Measures
    baselines: dict[str, Measures]  # tfidf learns from the training part alone here, majority likewise
    steps: int
    stopped_early: bool
    precision: str
    seconds: float


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """Cleaned texts with their labels, and which of them are set apart for validation."""

    texts: list[str]
    labels: NDArray[np.int64]
    held_out: NDArray[np.bool_]

    def part(self, chosen: NDArray[np.bool_]) -> tuple[list[str], NDArray[np.int64]]:
        """Return the chosen rows' texts and labels."""
        return [self.texts[row] for row in np.flatnonzero(chosen)], self.labels[chosen]


@dataclass(frozen=True, slots=True)
class Training:
    """How a training went: the steps taken and meant, the logged points, the precision it was computed in."""

    steps: int
    steps_meant: int
    history: Sequence[Mapping[str, float]]
    precision: str


def save_training(
    folder: Path, network: Network, training: Training, *, rows: TrainingRows, config: SentimentConfig
) -> TrainedSentiment:
    """Write everything but `sentiment.json`; `folder`, `rows` and `seconds` of what is returned are the caller's."""
    names = label_names(config.three_stars)
    network.model.save_pretrained(str(folder))
    network.tokenizer.save_pretrained(str(folder))
    save_curve(training.history, folder)
    np.save(folder / "trained_on.npy", np.unique([text_key(text) for text in rows.texts]))
    documents = [terms_of(text) for text in rows.texts]
    fit_tfidf(documents, rows.labels, rows.held_out, classes=len(names)).save(folder)
    _share_weights(folder)

    learnt_from, truth = rows.part(~rows.held_out), rows.part(rows.held_out)
    told = network.probabilities(truth[0], threads=config.threads)
    predicted = [
        {"key": text_key(text), "label": names[label], "probabilities": row}
        for text, label, row in zip(*truth, told.round(6).tolist(), strict=True)
    ]
    (folder / "validation.json").write_text(json.dumps(predicted, indent=0), encoding="utf-8")
    # on the validation part only a TF-IDF that has not seen it is a fair neighbour
    within = np.array([text_key(text) // 1000 % 10 == 0 for text in learnt_from[0]], dtype=bool)
    read = [terms_of(text) for text in learnt_from[0]]
    beside = fit_tfidf(read, learnt_from[1], within, classes=len(names))
    tfidf = beside.probabilities([terms_of(text) for text in truth[0]]).argmax(axis=1)
    shares = shares_of(learnt_from[1], len(names))
    majority = np.full(len(truth[1]), shares.argmax())
    return TrainedSentiment(
        folder=folder,
        rows={},
        shares=dict(zip(names, shares.tolist(), strict=True)),
        validation=measure(truth[1], told.argmax(axis=1), names),
        baselines={"majority": measure(truth[1], majority, names), "tfidf": measure(truth[1], tfidf, names)},
        steps=training.steps,
        stopped_early=training.steps < training.steps_meant,
        precision=training.precision,
        seconds=0.0,
    )


def _share_weights(folder: Path) -> None:
    """Let whoever may read the settings read the weights too: safetensors writes for the owner alone."""
    for path in folder.glob("*.safetensors"):
        path.chmod((folder / "config.json").stat().st_mode)


def write_facts(folder: Path, trained: TrainedSentiment, config: SentimentConfig) -> None:
    """Write `sentiment.json`: what the model is, how it was trained, what it came to."""
    facts = {
        "format": FORMAT,
        "base": config.base,
        "sha256": sha256_of(folder / "model.safetensors"),
        "files": {path.name: sha256_of(path) for path in sorted(folder.iterdir()) if path.name not in _SHOWN},
        "three_stars": config.three_stars,
        "max_tokens": config.max_tokens,
        "shares": trained.shares,
        "rows": trained.rows,
        "steps": trained.steps,
        "stopped_early": trained.stopped_early,
        "precision": trained.precision,
        "seconds": trained.seconds,
        "validation": dataclasses.asdict(trained.validation),
        "baselines": {name: dataclasses.asdict(each) for name, each in trained.baselines.items()},
        "config": dataclasses.asdict(config),
    }
    (folder / FACTS_FILE).write_text(json.dumps(facts, indent=1), encoding="utf-8")
