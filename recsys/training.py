"""Past windows: what the candidates of an evening would have been, and which of them were bought after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from recsys.candidates import find_candidates, user_blocks
from recsys.features import fit_features
from recsys.ranker import Examples, concat_examples
from recsys.sources import fit_sources
from recsys.view import view_of

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from recsys.candidates import Candidates
    from recsys.config import RecommendConfig
    from recsys.features import FeatureTable
    from recsys.history import ShopHistory
    from recsys.sources.contract import Source
    from recsys.view import Catalogue, View

__all__ = ["Evening", "bought_again_share", "fit_evening", "past_examples", "window_truth"]

MOST_ROWS = 600_000  # of all windows together: negatives are sampled down to so many, serving sees all candidates
LEAST_NEGATIVES, MOST_NEGATIVES = 40, 120  # of a user in a window


@dataclass(frozen=True, slots=True)
class Evening:
    """Sources and features fitted on one evening, and what may be shown the day after."""

    view: View
    sources: tuple[Source, ...]
    features: FeatureTable
    hide: bool

    def candidates(self, users: NDArray[np.int64]) -> Candidates:
        """Return the users' candidates among what can be bought, less what they bought where that is hidden."""
        hidden = self.view.bought() if self.hide else None
        return find_candidates(self.sources, users, allowed=self.view.buyable, hidden=hidden)


def fit_evening(
    history: ShopHistory, catalogue: Catalogue, origin: date, config: RecommendConfig, hide: bool
) -> Evening:
    """Return the sources and features as of an evening; nothing after it is read."""
    view = view_of(history, catalogue, origin)
    wanted = config.sources - {"repeat"} if hide else config.sources
    sources = fit_sources(view, wanted)
    return Evening(view, sources, fit_features(view, [source.name for source in sources]), hide)


def window_truth(history: ShopHistory, catalogue: Catalogue, origin: date, days: int) -> NDArray[np.int64]:
    """Return sorted user * items + item of what was bought in the `days` after `origin`, up to the cutoff."""
    last = min(origin + timedelta(days=days), history.cutoff)
    rows = view_of(history, catalogue, last).purchases
    after = rows.age < (last - origin).days
    return np.unique(rows.user[after] * np.int64(catalogue.n_items) + rows.item[after])


def bought_keys(view: View) -> NDArray[np.int64]:
    """Return sorted user * items + item of all that was bought up to the view's evening."""
    rows = view.purchases
    return np.unique(rows.user * np.int64(view.shape[1]) + rows.item)


def bought_again_share(history: ShopHistory, catalogue: Catalogue, config: RecommendConfig) -> tuple[float, int]:
    """Return the share of what known users bought in the past windows that they had bought before, and of how many."""
    again = total = 0
    for window in range(1, config.windows + 1):
        origin = history.cutoff - timedelta(days=config.window_days * window)
        had = bought_keys(view_of(history, catalogue, origin))
        truth = window_truth(history, catalogue, origin, config.window_days)
        truth = truth[np.isin(truth // catalogue.n_items, had // catalogue.n_items)]
        again, total = again + int(np.isin(truth, had).sum()), total + len(truth)
    return (again / total if total else 0.0), total


def past_examples(evening: Evening, truth: NDArray[np.int64], config: RecommendConfig) -> Examples | None:
    """Return the candidates of users who bought some of theirs; `truth` as `window_truth` gives it."""
    view, n_items = evening.view, evening.view.shape[1]
    if evening.hide:
        truth = truth[~np.isin(truth, bought_keys(view))]
    users = np.intersect1d(truth // n_items, view.touches.user)
    draw = np.random.default_rng([config.seed, view.origin.toordinal()])
    wanted = MOST_ROWS // max(len(users) * config.windows, 1)
    negatives = min(max(wanted, LEAST_NEGATIVES), MOST_NEGATIVES)
    parts: list[Examples] = []
    for block in user_blocks(users, n_items):
        found = evening.candidates(block)
        label = np.isin(found.user * np.int64(n_items) + found.item, truth)
        hit = np.isin(found.user, found.user[label])
        kept = hit & (label | _sampled(found.user, draw, negatives))
        if label[kept].any():
            part = found.where(kept)
            _, sizes = np.unique(part.user, return_counts=True)
            parts.append(Examples(evening.features.of(part), label[kept].astype(np.int8), sizes))
    return concat_examples(parts)


def _sampled(user: NDArray[np.int64], draw: np.random.Generator, count: int) -> NDArray[np.bool_]:
    """Return a choice of rows, about `count` of each user."""
    _, inverse, size = np.unique(user, return_inverse=True, return_counts=True)
    chosen: NDArray[np.bool_] = draw.random(len(user)) * size[inverse] < count
    return chosen
