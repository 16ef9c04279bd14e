"""How lists did on a window that they were made before: ndcg, recall, coverage, beside the baselines.

Full ranking, binary gain, users who bought both before and in the window; `new`: less what the user had bought before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from recsys.candidates import place_in_group
from recsys.ordering import FILL, ListRows, fill_short, order_lists
from recsys.sources.popular import buyers_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recsys.config import RecommendConfig
    from recsys.ranker import Ranker
    from recsys.training import Evening
    from recsys.view import View

__all__ = ["QUALITY_SCHEMA", "again_lists", "measure_lists", "no_quality", "popular_lists", "user_scores"]

DEPTH = 10
_RESAMPLES = 1000
QUALITY_SCHEMA = {
    "cutoff": pl.Date,
    "segment": pl.String,
    "metric": pl.String,
    "value": pl.Float64,
    "baseline": pl.String,
    "baseline_value": pl.Float64,
    "n": pl.Int64,
    "low": pl.Float64,
    "high": pl.Float64,
}


def no_quality() -> pl.DataFrame:
    """Return the empty table: nothing was measured."""
    return pl.DataFrame(schema=QUALITY_SCHEMA)


def measure_lists(
    evening: Evening, ranker: Ranker | None, truth: NDArray[np.int64], config: RecommendConfig
) -> pl.DataFrame:
    """Return the quality of the lists of `evening`; `truth`: sorted user * items + item of what was bought after it."""
    view, n_items = evening.view, evening.view.shape[1]
    had = np.unique(view.purchases.user * np.int64(n_items) + view.purchases.item)
    truth = truth[np.isin(truth // n_items, had // n_items)]
    users = np.unique(truth // n_items)
    if len(users) == 0:
        return no_quality()
    ours = fill_short(order_lists(evening, ranker, users, DEPTH), evening, users, DEPTH)
    new = truth[~np.isin(truth, had)]
    rows: list[dict[str, object]] = []
    for segment, wanted in (("all", truth), ("new", new)):
        if len(wanted) == 0:
            continue  # nobody bought anything new: there is no figure, and none is made up
        baselines = {"popular": popular_lists(view, np.unique(wanted // n_items), new=segment == "new")}
        if segment == "all":
            baselines["again"] = again_lists(view, users)
        own = user_scores(ours, wanted, n_items)
        for name, lists in baselines.items():
            theirs = user_scores(lists, wanted, n_items)
            rows += [
                _row(view, segment, metric, own[metric], config.seed)
                | {"baseline": name, "baseline_value": float(theirs[metric].mean())}
                for metric in own
            ]
    rows += _spread(ours, evening, len(users))
    return pl.DataFrame(rows, schema=QUALITY_SCHEMA)


def user_scores(lists: ListRows, truth: NDArray[np.int64], n_items: int) -> dict[str, NDArray[np.float64]]:
    """Return ndcg@10 and recall@10 of each user in `truth` (sorted user * items + item); no list is a miss."""
    users, wanted = np.unique(truth // n_items, return_counts=True)
    place = place_in_group(lists.user)
    counted = (place < DEPTH) & np.isin(lists.user, users)
    user, item, place = lists.user[counted], lists.item[counted], place[counted]
    hit = np.isin(user * np.int64(n_items) + item, truth)
    at = np.searchsorted(users, user[hit])
    discount = 1.0 / np.log2(np.arange(2, DEPTH + 2))
    gain = np.bincount(at, discount[place[hit]], minlength=len(users))
    ideal = np.cumsum(discount)[np.minimum(wanted, DEPTH) - 1]
    return {"ndcg@10": gain / ideal, "recall@10": np.bincount(at, minlength=len(users)) / wanted}


def popular_lists(view: View, users: NDArray[np.int64], *, new: bool) -> ListRows:
    """Return the items with most buyers in 28 days (ties by id) for every user, less what the user had where `new`."""
    month = buyers_of(view).month
    order = np.lexsort((np.arange(len(month)), -month))
    order = order[month[order] > 0]
    parts = np.tile(order, (len(users), 1))
    free = np.ones(parts.shape, dtype=bool)
    if new:
        free = view.bought()[users][:, order].toarray() == 0
    row, at = np.nonzero(free & (np.cumsum(free, axis=1) <= DEPTH))
    return _plain(users[row], order[at])


def again_lists(view: View, users: NDArray[np.int64]) -> ListRows:
    """Return each user's own most frequent items (ties: the latest, then by id), then what is popular."""
    rows, n_items = view.purchases, view.shape[1]
    key, inverse, times = np.unique(rows.user * np.int64(n_items) + rows.item, return_inverse=True, return_counts=True)
    last = np.full(len(key), np.iinfo(np.int64).max)
    np.minimum.at(last, inverse, rows.age)
    wanted = np.isin(key // n_items, users)
    user, item = key[wanted] // n_items, key[wanted] % n_items
    order = np.lexsort((item, last[wanted], -times[wanted], user))
    own = _plain(user[order], item[order])
    more = popular_lists(view, users, new=True)
    both = _plain(np.concatenate([own.user, more.user]), np.concatenate([own.item, more.item]))
    stable = np.argsort(both.user, kind="stable")
    return _plain(both.user[stable], both.item[stable])


def _plain(user: NDArray[np.int64], item: NDArray[np.int64]) -> ListRows:
    return ListRows(user, item, -place_in_group(user).astype(np.float64), np.zeros(len(user), dtype=np.int64))


def _row(view: View, segment: str, metric: str, values: NDArray[np.float64], seed: int) -> dict[str, object]:
    low, high = _interval(values, seed)
    return {
        "cutoff": view.origin,
        "segment": segment,
        "metric": metric,
        "value": float(values.mean()),
        "n": len(values),
        "low": low,
        "high": high,
    }


def _interval(values: NDArray[np.float64], seed: int) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the mean over users."""
    draw = np.random.default_rng(seed)
    means = [values[draw.integers(0, len(values), len(values))].mean() for _ in range(_RESAMPLES)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _spread(ours: ListRows, evening: Evening, n_users: int) -> list[dict[str, object]]:
    """Return how the rows spread over the items that can be bought, and how many of them are fill."""
    shown = np.bincount(ours.item, minlength=evening.view.shape[1])[evening.view.buyable]
    ascending = np.sort(shown)
    place = np.arange(1, len(ascending) + 1)
    total = max(ascending.sum(), 1)
    gini = float((2 * place - len(ascending) - 1) @ ascending / (max(len(ascending), 1) * total))
    figures = {
        "coverage": float((shown > 0).mean()) if len(shown) else 0.0,
        "gini": gini,
        "fallback_share": float((ours.source == FILL).mean()) if len(ours.user) else 0.0,
    }
    return [
        {"cutoff": evening.view.origin, "segment": "all", "metric": metric, "value": value, "n": n_users}
        for metric, value in figures.items()
    ]
