"""How good predicted labels are: accuracy, and by class precision, recall and F1. Equal to scikit-learn's figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Measures", "measure"]


@dataclass(frozen=True, slots=True)
class Measures:
    """Figures between 0 and 1 over `n` reviews; the middle three by label. Nothing predicted or there to find is 0."""

    n: int
    accuracy: float
    precision: dict[str, float]
    recall: dict[str, float]
    f1: dict[str, float]
    macro_f1: float


def measure(truth: NDArray[np.int64], predicted: NDArray[np.int64], names: Sequence[str]) -> Measures:
    """Compare two arrays of labels, (n,) each; `names[i]` is the name of label `i`.

    Macro F1 is the plain mean over the labels that occur in either of the two, as scikit-learn has it.
    """
    classes = len(names)
    table = np.bincount(truth * classes + predicted, minlength=classes * classes).reshape(classes, classes)
    right, there, told = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    f1 = _divided(2 * right, there + told)
    seen = (there + told) > 0
    return Measures(
        n=len(truth),
        accuracy=float(right.sum() / max(len(truth), 1)),
        precision=_by_name(names, _divided(right, told)),
        recall=_by_name(names, _divided(right, there)),
        f1=_by_name(names, f1),
        macro_f1=float(f1[seen].mean()) if seen.any() else 0.0,
    )


def _divided(above: NDArray[np.int64], below: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(above, below, out=np.zeros(len(above)), where=below > 0)


def _by_name(names: Sequence[str], values: NDArray[np.float64]) -> dict[str, float]:
    return dict(zip(names, values.tolist(), strict=True))
