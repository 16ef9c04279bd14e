"""Ten LightGBM models over one binned table: the mean and nine quantiles. Only this file imports LightGBM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast.task import LEVELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from forecast.design import Design
    from forecast.panel import Floats
    from forecast.task import ForecastConfig, Progress

__all__ = ["Fitted", "contributions", "fit", "predict_mean", "predict_quantiles"]

_FEWEST_ROUNDS = 60
_TAMED = 0.995  # the mean's targets are held within this quantile and its mirror


@dataclass(frozen=True, slots=True)
class Fitted:
    """Trained boosters, in units of each row's scale."""

    mean: Any  # lightgbm.Booster
    quantiles: tuple[Any, ...]  # one a level of LEVELS
    names: tuple[str, ...]
    threads: int


def fit(design: Design, targets: Floats, config: ForecastConfig, progress: Progress | None = None) -> Fitted:
    """Return the models of the mean (squared error) and of each level of LEVELS (pinball error).

    `targets` (rows,) are in units of each row's scale. Rounds grow with the square root of the rows, up to
    `config.rounds` at `config.max_rows`; fewer rounds take larger steps.
    """
    import lightgbm

    small = min(1.0, (len(targets) / config.max_rows) ** 0.5)
    rounds = max(min(_FEWEST_ROUNDS, config.rounds), round(config.rounds * small))
    shared: dict[str, object] = {
        "learning_rate": min(0.1, config.learning_rate * (config.rounds / rounds) ** 0.5),
        "num_leaves": config.leaves if small > 0.5 else min(31, config.leaves),
        "min_data_in_leaf": int(np.clip(len(targets) // 4000, 20, 100)),
        "feature_fraction": 0.5,
        "bagging_fraction": 0.6,
        "bagging_freq": 1,
        "lambda_l2": 1.0,
        "max_bin": 127,
        "cat_smooth": 20,
        "num_threads": config.threads,
        "seed": config.seed,
        "deterministic": True,
        "force_col_wise": True,
        "verbosity": -1,
    }
    table = lightgbm.Dataset(
        design.values,
        label=targets,
        feature_name=list(design.names),
        categorical_feature=list(design.categorical),
        params=shared,
        free_raw_data=False,
    )
    objectives: list[dict[str, object]] = [
        {"objective": "regression"},
        *({"objective": "quantile", "alpha": level} for level in LEVELS),
    ]
    boosters: list[Any] = []
    # one order of a hundred times the usual would pull every leaf that it falls into
    tamed = np.clip(targets, *np.quantile(targets, [1 - _TAMED, _TAMED]))
    for done, objective in enumerate(objectives):
        if progress is not None:
            progress("forecast: train", done, len(objectives))
        table.set_label(targets if boosters else tamed)
        boosters.append(lightgbm.train({**shared, **objective}, table, num_boost_round=rounds))
    if progress is not None:
        progress("forecast: train", len(objectives), len(objectives))
    return Fitted(boosters[0], tuple(boosters[1:]), design.names, config.threads)


def predict_mean(fitted: Fitted, values: NDArray[np.float32]) -> Floats:
    """Return the mean of each row, (rows,), in units of its scale."""
    result: Floats = np.asarray(fitted.mean.predict(values, num_threads=fitted.threads))
    return result


def predict_quantiles(fitted: Fitted, values: NDArray[np.float32]) -> Floats:
    """Return the nine quantiles of each row, (rows, 9), sorted, in units of its scale."""
    raw = [booster.predict(values, num_threads=fitted.threads) for booster in fitted.quantiles]
    return np.sort(np.stack(raw, axis=1), axis=1)


def contributions(fitted: Fitted, values: NDArray[np.float32]) -> Floats:
    """Return what each feature adds to the mean of each row, (rows, features + 1); the last column is the base."""
    result: Floats = np.asarray(fitted.mean.predict(values, pred_contrib=True, num_threads=fitted.threads))
    return result
