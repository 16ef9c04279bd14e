"""LambdaRank over the candidates (Burges, From RankNet to LambdaRank to LambdaMART, 2010), by LightGBM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recsys.config import RecommendConfig

__all__ = ["Examples", "Ranker", "concat_examples", "train_ranker"]

ROUNDS, LEAVES, LEARNING_RATE = 150, 31, 0.08
FEWEST_ROUNDS, FULL_ROWS = 60, 400_000  # rounds grow with the square root of the rows; fewer take larger steps
LEAST_POSITIVES = 200  # fewer teach nothing that a fixed order does not know


@dataclass(frozen=True, slots=True)
class Examples:
    """Candidates of past windows with what came of them: rows sorted by `group`, one group a user and window."""

    features: NDArray[np.float32]  # (rows, features)
    label: NDArray[np.int8]  # 1: bought in the window
    group: NDArray[np.int64]  # size of each group, in order

    @property
    def positives(self) -> int:
        """Return how many candidates were bought."""
        return int(self.label.sum())


@dataclass(frozen=True, slots=True)
class Ranker:
    """A trained LightGBM booster; scores compare within one user."""

    booster: Any
    threads: int

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return one score a row."""
        if len(features) == 0:
            return np.empty(0)
        return np.asarray(self.booster.predict(features, num_threads=self.threads), dtype=np.float64)


def concat_examples(parts: Sequence[Examples]) -> Examples | None:
    """Return the examples one after the other; None where there are none."""
    if not parts:
        return None
    return Examples(
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.label for part in parts]),
        np.concatenate([part.group for part in parts]),
    )


def train_ranker(examples: Examples | None, names: Sequence[str], config: RecommendConfig) -> Ranker | None:
    """Return the ranker, or None where the windows hold fewer than 200 purchases among the candidates."""
    if examples is None or examples.positives < LEAST_POSITIVES:
        return None
    import lightgbm

    rounds = round(np.clip(ROUNDS * (len(examples.label) / FULL_ROWS) ** 0.5, FEWEST_ROUNDS, ROUNDS))
    parameters = {
        "objective": "lambdarank",
        "lambdarank_truncation_level": 20,
        "num_leaves": LEAVES,
        "learning_rate": LEARNING_RATE * (ROUNDS / rounds) ** 0.5,
        "min_data_in_leaf": 50,
        "feature_fraction": 0.6,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 5.0,
        "max_bin": 127,
        "seed": config.seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": config.threads,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(examples.features, examples.label, group=examples.group, feature_name=list(names))
    return Ranker(lightgbm.train(parameters, data, rounds), config.threads)
