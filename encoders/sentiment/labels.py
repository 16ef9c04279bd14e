"""From stars to labels, by an explicit rule for three stars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["DROPPED", "StarRule", "label_names", "labels_of", "shares_of"]

StarRule: TypeAlias = Literal["negative", "drop", "neutral"]  # what a review of exactly three stars is

DROPPED = -1  # the label of a review that is not used: without stars, or of three stars under the rule `drop`
_MIDDLE = 3.0


def label_names(rule: StarRule) -> tuple[str, ...]:
    """Return the names of the labels 0, 1 …, from the worst to the best."""
    if rule not in get_args(StarRule):
        msg = f"three stars are {rule!r}; they are one of {', '.join(get_args(StarRule))}"
        raise ValueError(msg)
    return ("Negative", "Neutral", "Positive") if rule == "neutral" else ("Negative", "Positive")


def labels_of(stars: Sequence[float | None] | NDArray[np.float64], rule: StarRule) -> NDArray[np.int64]:
    """Return each review's label, (n,), or `DROPPED`: above three stars is the last label, below three the first."""
    best = len(label_names(rule)) - 1
    values = np.array(stars, dtype=np.float64)  # None becomes nan
    middle = {"negative": 0, "drop": DROPPED, "neutral": 1}[rule]
    labels = np.where(values > _MIDDLE, best, np.where(values < _MIDDLE, 0, middle))
    return np.where(np.isnan(values), DROPPED, labels).astype(np.int64)


def shares_of(labels: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    """Return the share of each label, (classes,); labels that are `DROPPED` do not count. Zeros where none is left."""
    counts = np.bincount(labels[labels >= 0], minlength=classes)
    return np.asarray(counts / max(counts.sum(), 1), dtype=np.float64)
