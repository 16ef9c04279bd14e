"""An audience in the shop's own words: ids, ranks, scores and why each user stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from recsys.audience import RECENT_DAYS, times_active
from recsys.candidates import place_in_group
from recsys.ordering import FILL
from recsys.sources.repeats import rhythm_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recsys.audience import AudienceRows
    from recsys.reasons import Reasons
    from recsys.training import Evening

__all__ = ["AUDIENCE_SCHEMA", "active_frame", "audience_frame", "owners_frame"]

AUDIENCE_SCHEMA = {
    "item_id": pl.String,
    "user_id": pl.String,
    "rank": pl.Int32,
    "score": pl.Float64,
    "source": pl.String,
    "reason": pl.String,
}
_CATEGORY_LETTERS = 60


def audience_frame(rows: AudienceRows, evening: Evening, reasons: Reasons) -> pl.DataFrame:
    """Return item_id, user_id, rank, score, source, reason, in the order of `rows`.

    Where no source knows of the pair, the user's purchases in the item's category are said, else how often the user was
    there.
    """
    catalogue = evening.view.catalogue
    bought = _bought_of_category(evening, rows.user, rows.item)
    source, reason = reasons.of(rows.by_user(), otherwise=_said(evening, rows.user, rows.item, bought))
    told = np.where(rows.source == FILL, np.where(bought > 0, "category", "active"), source.to_numpy())
    return pl.DataFrame(
        {
            "item_id": catalogue.item_ids.gather(rows.item),
            "user_id": catalogue.user_ids.gather(rows.user),
            "rank": place_in_group(rows.item) + 1,
            "score": rows.score,
            "source": pl.Series(told, dtype=pl.String),
            "reason": reason,
        },
        schema=AUDIENCE_SCHEMA,
    )


def active_frame(evening: Evening, users: NDArray[np.int64]) -> pl.DataFrame:
    """Return user_id, rank, reason of `users` in their order: who continues an audience beyond what is stored."""
    return pl.DataFrame(
        {
            "user_id": evening.view.catalogue.user_ids.gather(users),
            "rank": np.arange(1, len(users) + 1),
            "reason": _activity(evening)[users],
        },
        schema={"user_id": pl.String, "rank": pl.Int32, "reason": pl.String},
    )


def owners_frame(evening: Evening) -> pl.DataFrame:
    """Return item_id, user_id, times (days bought), last_bought: who has what, sorted by item and user."""
    catalogue, n_items = evening.view.catalogue, evening.view.shape[1]
    rhythm = rhythm_of(evening.view)
    owned = pl.DataFrame(
        {
            "item_id": catalogue.item_ids.gather(rhythm.key % n_items),
            "user_id": catalogue.user_ids.gather(rhythm.key // n_items),
            "times": rhythm.times.astype(np.int32),
            "days": rhythm.last.astype(np.int64),
        }
    )
    last = pl.lit(evening.view.origin) - pl.duration(days=pl.col("days"))
    return owned.select("item_id", "user_id", "times", last.cast(pl.Date).alias("last_bought")).sort(
        "item_id", "user_id"
    )


def _bought_of_category(evening: Evening, user: NDArray[np.int64], item: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many other items of the item's category each user has bought; 0 where it has none."""
    from scipy import sparse

    codes = evening.view.catalogue.category
    known = np.flatnonzero(codes >= 0)
    shape = (len(codes), max(int(codes.max(initial=-1)) + 1, 1))
    of_category = sparse.csr_matrix((np.ones(len(known)), (known, codes[known])), shape=shape)
    had = evening.view.bought()
    had.data[:] = 1.0
    counts = np.asarray((had @ of_category).tocsr()[user, np.maximum(codes[item], 0)]).ravel()
    own = np.asarray(had[user, item]).ravel()
    return np.where(codes[item] >= 0, counts - own, 0).astype(np.int64)


def _said(
    evening: Evening, user: NDArray[np.int64], item: NDArray[np.int64], bought: NDArray[np.int64]
) -> NDArray[Any]:
    names = evening.view.history.items.sort("item_id")
    category = (
        names["category"].cast(pl.String).fill_null("").str.slice(0, _CATEGORY_LETTERS).to_numpy()
        if "category" in names.columns
        else np.full(names.height, "", dtype=object)
    )
    said = _activity(evening)[user]
    of_category = np.flatnonzero(bought > 0)
    pairs = zip(bought[of_category].tolist(), category[item[of_category]], strict=True)
    said[of_category] = [f"bought {n} other {'item' if n == 1 else 'items'} of {name}" for n, name in pairs]
    return said


def _activity(evening: Evening) -> NDArray[Any]:
    """Return for each user of the catalogue how often they were there, in words."""
    pairs = zip(*(times.tolist() for times in times_active(evening)), strict=True)
    return np.array([_seen(ever, lately) for ever, lately in pairs], dtype=object)


def _seen(ever: int, lately: int) -> str:
    if ever == 0:
        return "nothing is known of this user"
    count, when = (lately, f"in the last {RECENT_DAYS} days") if lately else (ever, f"more than {RECENT_DAYS} days ago")
    return f"bought or looked at something {'once' if count == 1 else f'{count} times'} {when}"
