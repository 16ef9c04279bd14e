"""How likely a user is to buy an item in the next window: a ranker's score read across users.

A LambdaRank score tells a user's items apart and says nothing of how much that user buys at all. A logistic regression
on the score and on how active the user is puts all users on one scale: buyers in the window, out of users asked. It is
learnt from what came of an evening of the past that the ranker had not seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recsys.features import FeatureTable

__all__ = ["LEAST_BUYERS", "Chance", "fit_chance"]

LEAST_BUYERS = 50  # pairs that came true; fewer teach nothing
RIDGE = 1.0  # on standardised columns
_ACTIVITY = ("user_items", "user_days", "user_days_28", "user_days_90", "user_silence", "user_basket")
_LONG_SILENCE = 400.0  # days, of a user who has touched nothing
_STEPS, _SMALL_GAIN = 60, 1e-9


@dataclass(frozen=True, slots=True)
class Chance:
    """A fitted regression: columns are the score and the logs of the user's activity, standardised."""

    mean: NDArray[np.float64]  # (columns,)
    spread: NDArray[np.float64]  # (columns,)
    weights: NDArray[np.float64]  # (1 + columns,), the first is the intercept

    def of(self, score: NDArray[np.float64], user: NDArray[np.int64], features: FeatureTable) -> NDArray[np.float64]:
        """Return the chance of each row, 0 to 1."""
        columns = (_columns(score, user, features) - self.mean) / self.spread
        return np.asarray(_logistic(self.weights[0] + columns @ self.weights[1:]), dtype=np.float64)


def fit_chance(
    score: NDArray[np.float64], user: NDArray[np.int64], bought: NDArray[np.bool_], features: FeatureTable
) -> Chance | None:
    """Return the regression of `bought` (rows,), or None where fewer than 50 rows were bought.

    Newton's method with halved steps (Nocedal & Wright, Numerical Optimization, 2006, section 3.1).
    """
    if int(bought.sum()) < LEAST_BUYERS:
        return None
    columns = _columns(score, user, features)
    mean, spread = columns.mean(axis=0), columns.std(axis=0) + 1e-9
    known = np.hstack([np.ones((len(columns), 1)), (columns - mean) / spread])
    label = bought.astype(np.float64)
    penalty = np.full(known.shape[1], RIDGE)
    penalty[0] = 0.0
    weights = np.zeros(known.shape[1])
    weights[0] = np.log(label.mean() / (1.0 - label.mean() + 1e-9))
    loss = _loss(known, label, weights, penalty)
    for _ in range(_STEPS):
        chance = _logistic(known @ weights)
        slope = known.T @ (chance - label) + penalty * weights
        curve = (known * (chance * (1.0 - chance))[:, None]).T @ known + np.diag(penalty + 1e-9)
        step = np.linalg.solve(curve, slope)
        size, before = 1.0, loss
        while (loss := _loss(known, label, weights - size * step, penalty)) > before and size > 1e-6:
            size /= 2
        weights = weights - size * step
        if before - loss < _SMALL_GAIN * abs(before):
            break
    return Chance(mean, spread, weights)


def _columns(score: NDArray[np.float64], user: NDArray[np.int64], features: FeatureTable) -> NDArray[np.float64]:
    """Return (rows, 1 + activity)."""
    places = [features.user_names.index(name) for name in _ACTIVITY]
    activity = np.log1p(np.nan_to_num(features.user[:, places].astype(np.float64), nan=_LONG_SILENCE))
    return np.hstack([score[:, None], activity[user]])


def _logistic(margin: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(margin, -30.0, 30.0))), dtype=np.float64)


def _loss(
    known: NDArray[np.float64], label: NDArray[np.float64], weights: NDArray[np.float64], penalty: NDArray[np.float64]
) -> float:
    margin = known @ weights
    return float(np.logaddexp(0.0, margin).sum() - margin @ label + 0.5 * (penalty * weights**2).sum())
