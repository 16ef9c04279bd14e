"""A user's list under any filter: the published rows, then the list before its cut, then what is popular."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from recsys.open_run import OpenRun

__all__ = ["serve_lists"]

_OWN = {
    "user_id": pl.String,
    "item_id": pl.String,
    "score": pl.Float64,
    "source": pl.String,
    "reason": pl.String,
}


def serve_lists(run: OpenRun, users: Sequence[str], k: int, allowed: NDArray[np.bool_] | None) -> pl.DataFrame:
    """Return min(k, what may be shown) rows a user, in the order asked.

    user_id, item_id, rank, score, source, reason. The order is total: the user's own list, then the popular order less
    what the user must not be shown again; below a user's own list scores only count down.
    """
    asked = pl.DataFrame({"user_id": list(users)}, schema={"user_id": pl.String}).with_row_index("place")
    own = _own_rows(run, users).join(asked, on="user_id")
    listed, popular = own, run.popular
    if allowed is not None:
        shown = run.items.select("item_id").filter(pl.Series(allowed))
        listed = own.join(shown, on="item_id", how="semi", maintain_order="left")
        popular = popular.join(shown, on="item_id", how="semi", maintain_order="left")
    listed = _first(listed.with_columns(part=pl.lit(0), at=pl.int_range(pl.len())), k)
    short = asked.join(listed.group_by("place").len(), on="place", how="left").filter(pl.col("len").fill_null(0) < k)
    if not short.is_empty():
        listed = pl.concat([listed, _fill(run, short, own, popular, k)], how="diagonal")
    ranked = _first(listed, k).with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("place"))
    return ranked.select("user_id", "item_id", "rank", "score", "source", "reason")


def _first(rows: pl.DataFrame, k: int) -> pl.DataFrame:
    return rows.sort("place", "part", "at").filter(pl.int_range(pl.len()).over("place") < k)


def _own_rows(run: OpenRun, users: Sequence[str]) -> pl.DataFrame:
    """Return what the run has for these users, best first: what it published and then what stood behind the cut."""
    published = run.query(
        f"""
        SELECT user_id, item_id, score, source, reason FROM recommendations
        WHERE user_id IN ({", ".join("?" * len(users)) or "NULL"}) ORDER BY user_id, rank
        """,  # noqa: S608 (question marks)
        list(users),
    )
    behind = [run.depth[first : first + length] for first, length in map(run.depth_of, users) if length]
    both = pl.concat(
        [published.cast(pl.Schema(_OWN)), *(rows.select(_OWN.keys()).cast(pl.Schema(_OWN)) for rows in behind)]
    )
    return both.unique(["user_id", "item_id"], keep="first", maintain_order=True)


def _fill(run: OpenRun, short: pl.DataFrame, own: pl.DataFrame, popular: pl.DataFrame, k: int) -> pl.DataFrame:
    """Return the popular items that continue the lists of the users in `short`."""
    known = own.group_by("place").agg(lowest=pl.col("score").min(), most=pl.len())
    hidden = run.hidden(short["user_id"].to_list())
    most = int(known["most"].max() or 0) + hidden.height  # type: ignore[arg-type]
    pool = popular.head(k + most).select("item_id", popularity="score", at=pl.int_range(pl.len(), dtype=pl.Int64))
    return (
        short.select("place", "user_id")
        .join(pool, how="cross")
        .join(own, on=["place", "item_id"], how="anti")
        .join(hidden, on=["user_id", "item_id"], how="anti")
        .join(known, on="place", how="left")
        .with_columns(
            score=pl.when(pl.col("lowest").is_null()).then("popularity").otherwise(pl.col("lowest") - 1 - pl.col("at")),
            source=pl.lit("popular"),
            reason=pl.when(pl.col("lowest").is_null())
            .then(pl.lit("popular; nothing is known of this user"))
            .otherwise(pl.lit("popular")),
            part=pl.lit(1),
        )
        .select("place", "user_id", "item_id", "score", "source", "reason", "part", "at")
    )
