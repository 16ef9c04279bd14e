"""What trials of lists share: which purchases are the truth, ndcg@10 of each user, a difference with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

DEPTH = 10
RESAMPLES = 2000


def bought_new(purchases: pl.DataFrame, had: pl.DataFrame, *, cutoff: date, until: date | None) -> pl.DataFrame:
    """Return the pairs that users with purchases in `had` bought after the cutoff and had not before, sorted."""
    pairs = ["user_id", "item_id"]
    after = pl.col("day") > cutoff if until is None else pl.col("day").is_between(cutoff, until, closed="right")
    later = purchases.filter(after).select(pairs).unique()
    return later.join(had, on="user_id", how="semi").join(had, on=pairs, how="anti").sort(pairs)


def ndcg_of(lists: pl.DataFrame, truth: pl.DataFrame) -> NDArray[np.float64]:
    """Return (users,): ndcg@10 of each user of `truth` (user_id, item_id, each pair once), sorted by id."""
    hits = lists.filter(pl.col("rank") <= DEPTH).join(truth, on=["user_id", "item_id"], how="semi")
    gain = hits.group_by("user_id").agg((1.0 / (pl.col("rank") + 1.0).log(2)).sum().alias("gain"))
    ideal = np.cumsum(1.0 / np.log2(np.arange(2, DEPTH + 2)))
    wanted = truth.group_by("user_id").len().join(gain, on="user_id", how="left").sort("user_id")
    best = ideal[np.minimum(wanted["len"].to_numpy(), DEPTH) - 1]
    return np.asarray(wanted["gain"].fill_null(0.0).to_numpy() / best, dtype=np.float64)


def difference(
    ours: NDArray[np.float64], theirs: NDArray[np.float64], below: NDArray[np.float64] | None = None, *, seed: int = 0
) -> dict[str, float]:
    """Return the mean paired difference, each (units,), with its 95 % bootstrap interval over the units.

    With `below` it is the difference of two ratios of sums over the same units.
    """
    each = ours - theirs
    weight = np.ones(len(each)) if below is None else below
    draw = np.random.default_rng(seed)
    drawn = [draw.integers(0, len(each), len(each)) for _ in range(RESAMPLES)]
    low, high = np.quantile([each[rows].sum() / weight[rows].sum() for rows in drawn], [0.025, 0.975])
    figures = {"difference": each.sum() / weight.sum(), "low": low, "high": high}
    return {name: round(float(value), 5) for name, value in figures.items()}
