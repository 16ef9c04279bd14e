"""What to show each user next: candidates, ranker, rules, reasons, and how well the lists did on the last window."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from recsys.audience import audience_of, learn_chance, most_active
from recsys.audience_frames import AUDIENCE_SCHEMA, active_frame, audience_frame, owners_frame
from recsys.chance import LEAST_BUYERS
from recsys.evaluation import measure_lists, no_quality
from recsys.ordering import FILL, fill_short, order_lists, popular_order
from recsys.ranker import LEAST_POSITIVES, concat_examples, train_ranker
from recsys.reasons import Reasons, repeat_reasons
from recsys.rules import apply_stock
from recsys.sources.repeats import rhythm_of
from recsys.training import bought_again_share, fit_evening, past_examples, window_truth
from recsys.view import catalogue_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from recsys.chance import Chance
    from recsys.config import RecommendConfig
    from recsys.history import ShopHistory
    from recsys.ordering import ListRows
    from recsys.ranker import Examples, Ranker
    from recsys.training import Evening
    from recsys.view import Catalogue, View

    Progress = Callable[[str, int, int], None]

__all__ = ["Lists", "build_lists"]

_LOG = logging.getLogger(__name__)
KEEP_FROM_SHARE = 0.2  # auto: what was bought before is shown where so much of what users buy was
_ROWS = {"user_id": pl.String, "item_id": pl.String, "rank": pl.Int32, "score": pl.Float64}


@dataclass(frozen=True, slots=True)
class Lists:
    """Every list of a night.

    `recommendations`: user_id, item_id, rank, score, source, reason: min(k, what may be shown) rows a user.
    `buy_again`: user_id, item_id, rank, score, reason. `depth`: as recommendations, before the cut to k and the fill.
    `popular`: item_id, rank, score: the order that fills every list. `audience`: item_id, user_id, rank, score, source,
    reason: the users most likely to buy each item within a window, `config.audience` of them; the score is that chance.
    `active`: user_id, rank, reason: the order that continues an audience. `owners`: item_id, user_id, times,
    last_bought. `quality`: cutoff, segment, metric, value, baseline, baseline_value, n, low, high. `bought_before`:
    hide or keep, what auto came to.
    """

    recommendations: pl.DataFrame
    buy_again: pl.DataFrame
    depth: pl.DataFrame
    popular: pl.DataFrame
    audience: pl.DataFrame
    active: pl.DataFrame
    owners: pl.DataFrame
    quality: pl.DataFrame
    bought_before: str
    notes: tuple[str, ...]


def build_lists(
    history: ShopHistory,
    *,
    users: Sequence[str],
    config: RecommendConfig,
    stock: pl.DataFrame | None,
    progress: Progress | None = None,
) -> Lists:
    """Return the lists of `users` for the day after the cutoff.

    `stock`: item_id, on_hand, probability (of being out by the end of the first period), summed over locations; None
    where the shop keeps no inventory. Sources and features are fitted as of each past window's first evening to train
    the ranker, and once more on everything up to the cutoff to serve.
    """
    catalogue = catalogue_of(history, users)
    hide, notes = _decide(history, catalogue, config)
    learnt = _learn(history, catalogue, config, hide, progress)
    evening = fit_evening(history, catalogue, history.cutoff, config, hide=hide)
    wanted = _active(evening.view, catalogue.users(sorted(set(users))), config)
    _tell(progress, "lists", 0, len(wanted))
    depth = max(config.depth, config.k)
    rows = fill_short(order_lists(evening, learnt.ranker, wanted, depth), evening, wanted, depth)
    reasons = Reasons(evening)
    whole = _frame(rows, catalogue, reasons)
    if stock is not None and config.stock_aware:
        whole = apply_stock(whole, stock, evening=evening, config=config)
    own = whole.filter(~pl.col("fill"))
    own = own.with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("user_id"))
    order, level = popular_order(evening)
    _tell(progress, "lists", len(wanted), len(wanted))
    audience, active = _audience(evening, learnt, wanted, config, reasons)
    return Lists(
        recommendations=whole.filter(pl.col("rank") <= config.k).drop("fill"),
        buy_again=_buy_again(evening, wanted, config.k),
        depth=own.drop("fill"),
        popular=pl.DataFrame(
            {"item_id": catalogue.item_ids.gather(order), "rank": np.arange(1, len(order) + 1), "score": level},
            schema={"item_id": pl.String, "rank": pl.Int32, "score": pl.Float64},
        ),
        audience=audience,
        active=active,
        owners=owners_frame(evening),
        quality=learnt.quality,
        bought_before="hide" if hide else "keep",
        notes=(*notes, *learnt.notes),
    )


def _decide(history: ShopHistory, catalogue: Catalogue, config: RecommendConfig) -> tuple[bool, list[str]]:
    if config.bought_before != "auto":
        return config.bought_before == "hide", []
    share, count = bought_again_share(history, catalogue, config)
    hide = share < KEEP_FROM_SHARE
    days = config.window_days * config.windows
    note = (
        f"bought_before = auto came to {'hide' if hide else 'keep'}: {share:.0%} of {count} items that known users "
        f"bought in the last {days} days had been bought by them before; kept from {KEEP_FROM_SHARE:.0%} on"
    )
    return hide, [note]


@dataclass(frozen=True, slots=True)
class _Learnt:
    """What the past windows taught; `chance` is None where too little came true of what the ranker said."""

    ranker: Ranker | None
    chance: Chance | None
    quality: pl.DataFrame
    notes: tuple[str, ...]


def _learn(
    history: ShopHistory, catalogue: Catalogue, config: RecommendConfig, hide: bool, progress: Progress | None
) -> _Learnt:
    """Return the ranker of all past windows, and how one of the earlier windows did on the last of them."""
    examples: list[Examples] = []
    quality, chance = no_quality(), None
    earlier: Ranker | None = None
    names: tuple[str, ...] = ()
    for window in range(config.windows, 0, -1):
        _tell(progress, "windows", config.windows - window, config.windows)
        origin = history.cutoff - timedelta(days=config.window_days * window)
        truth = window_truth(history, catalogue, origin, config.window_days)
        if len(truth) == 0:
            continue
        evening = fit_evening(history, catalogue, origin, config, hide=hide)
        names = evening.features.names
        if window == 1 and (config.measure or config.audience):
            earlier = train_ranker(concat_examples(examples), names, config)
        if window == 1 and config.measure:
            quality = measure_lists(evening, earlier, truth, config)
        if window == 1 and config.audience:
            users = np.arange(catalogue.n_users)
            chance = learn_chance(evening, earlier, truth, users=users, seed=config.seed)
        found = past_examples(evening, truth, config)
        if found is not None:
            examples.append(found)
    together = concat_examples(examples)
    ranker = train_ranker(together, names, config)
    if (ranker is None) != (earlier is None):
        chance = None  # it reads the scores of the one kind, and the audience has those of the other
    return _Learnt(ranker, chance, quality, tuple(_what_is_missing(ranker, chance, together, config)))


def _what_is_missing(
    ranker: Ranker | None, chance: Chance | None, examples: Examples | None, config: RecommendConfig
) -> Iterator[str]:
    if ranker is None:
        positives = examples.positives if examples is not None else 0
        yield (
            f"too little to train a ranker on: {positives} purchases among the candidates of the past windows, "
            f"{LEAST_POSITIVES} are wanted; the lists are ordered by a fixed blend of the sources' ranks"
        )
    if chance is None and config.audience:
        yield (
            f"too little to compare users by: fewer than {LEAST_BUYERS} purchases among the pairs of the last window; "
            "an item's audience is ordered by the bare scores, which know nothing of how much a user buys"
        )


def _audience(
    evening: Evening, learnt: _Learnt, users: NDArray[np.int64], config: RecommendConfig, reasons: Reasons
) -> tuple[pl.DataFrame, pl.DataFrame]:
    if config.audience == 0:
        return pl.DataFrame(schema=AUDIENCE_SCHEMA), active_frame(evening, users[:0])
    rows = audience_of(evening, learnt.ranker, learnt.chance, users=users, k=config.audience)
    return audience_frame(rows, evening, reasons), active_frame(evening, most_active(evening, users))


def _active(view: View, users: NDArray[np.int64], config: RecommendConfig) -> NDArray[np.int64]:
    if config.active_days is None:
        return users
    return np.intersect1d(users, view.touches.user[view.touches.age < config.active_days])


def _frame(rows: ListRows, catalogue: Catalogue, reasons: Reasons) -> pl.DataFrame:
    frame = _named(rows.user, rows.item, rows.rank(), rows.score, catalogue)
    return frame.with_columns(*reasons.of(rows), pl.Series("fill", rows.source == FILL))


def _named(
    user: NDArray[np.int64],
    item: NDArray[np.int64],
    rank: NDArray[np.int64],
    score: NDArray[np.float64],
    catalogue: Catalogue,
) -> pl.DataFrame:
    columns = {
        "user_id": catalogue.user_ids.gather(user),
        "item_id": catalogue.item_ids.gather(item),
        "rank": rank,
        "score": score,
    }
    return pl.DataFrame(columns, schema=_ROWS)


def _buy_again(evening: Evening, users: NDArray[np.int64], k: int) -> pl.DataFrame:
    """Return what each user bought before and can buy tomorrow, by rhythm; ties by item id."""
    view, n_items = evening.view, evening.view.shape[1]
    rhythm = rhythm_of(view)
    user, item = rhythm.key // n_items, rhythm.key % n_items
    kept = np.isin(user, users) & view.buyable[item]
    user, item, due = user[kept], item[kept], rhythm.due[kept].astype(np.float64)
    order = np.lexsort((item, -due, user))
    user, item, due = user[order], item[order], due[order]
    starts = np.searchsorted(user, user)
    rank = np.arange(len(user)) - starts + 1
    head = rank <= k
    frame = _named(user[head], item[head], rank[head], due[head], view.catalogue)
    return frame.with_columns(pl.Series("reason", repeat_reasons(view, user[head], item[head]), dtype=pl.String))


def _tell(progress: Progress | None, what: str, done: int, total: int) -> None:
    if progress is not None:
        progress(what, done, total)
