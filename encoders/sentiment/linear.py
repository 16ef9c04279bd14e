"""Logistic regression with balanced classes, its regularisation chosen on a part that it did not learn from.

scikit-learn fits it; what is kept are the weights alone, so that nothing is ever unpickled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from encoders.sentiment.measures import measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Linear", "fit_linear"]

_STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # C: the larger, the freer the weights


@dataclass(frozen=True, slots=True)
class Linear:
    """Weights of a logistic regression: (outputs, features) and (outputs,); two classes have one output."""

    weights: NDArray[np.float64]
    intercept: NDArray[np.float64]
    strength: float

    def probabilities(self, features: Any) -> NDArray[np.float64]:  # noqa: ANN401 a dense or a scipy sparse matrix
        """Return (rows, classes) for features of (rows, features)."""
        scores = np.asarray(features @ self.weights.T) + self.intercept
        if scores.shape[1] == 1:
            scores = np.hstack([-scores / 2, scores / 2])  # the logistic function, as a softmax
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)


def fit_linear(
    features: Any,  # noqa: ANN401 a dense or a scipy sparse matrix
    labels: NDArray[np.int64],
    held_out: NDArray[np.bool_],
    *,
    classes: int,
) -> Linear:
    """Fit on the rows that are not `held_out`, choose C by macro F1 on those that are, and fit on all rows with it.

    Args:
        features: (rows, features).
        labels: (rows,) 0 to classes - 1.
        held_out: (rows,); where it leaves a part without two classes, C is 1.
        classes: how many labels there are; one without a row is never predicted.
    """
    strength = 1.0
    names = [str(label) for label in range(classes)]
    if min(len(np.unique(labels[part])) for part in (held_out, ~held_out)) > 1:
        found = []
        for candidate in _STRENGTHS:
            told = _fit(features[~held_out], labels[~held_out], candidate, classes).probabilities(features[held_out])
            found.append(measure(labels[held_out], told.argmax(axis=1), names).macro_f1)
        strength = _STRENGTHS[int(np.argmax(found))]  # the smallest of equals
    return _fit(features, labels, strength, classes)


def _fit(features: Any, labels: NDArray[np.int64], strength: float, classes: int) -> Linear:  # noqa: ANN401 see above
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=strength, class_weight="balanced", max_iter=1000).fit(features, labels)
    weights, intercept = np.asarray(fitted.coef_, np.float64), np.asarray(fitted.intercept_, np.float64)
    there = fitted.classes_
    if classes > 2 and len(there) < classes:  # a class without a row
        if len(there) == 2:
            weights, intercept = np.vstack([-weights, weights]) / 2, np.concatenate([-intercept, intercept]) / 2
        all_weights, all_intercept = np.zeros((classes, weights.shape[1])), np.full(classes, -np.inf)
        all_weights[there], all_intercept[there] = weights, intercept
        weights, intercept = all_weights, all_intercept
    return Linear(weights, intercept, strength)
