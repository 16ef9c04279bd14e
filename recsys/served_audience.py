"""An item's audience as the night kept it, continued by who is most active, and who is left out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from recsys.open_run import OpenRun

__all__ = ["serve_audience", "serve_left_out"]

_FALL = 0.99  # of the score from one continuing row to the next: they are ordered, not estimated


def serve_audience(run: OpenRun, item_id: str, k: int) -> pl.DataFrame:
    """Return min(k, users who may be asked) rows: item_id, user_id, rank, score, source, reason, title.

    Beyond what the night kept of the item's own audience, the most active users follow.

    Raises:
        UnknownItem: the run does not have the item; names the nearest.
        RecsysError: a run that keeps no audiences.
    """
    (row,) = run.rows([item_id])
    own = run.kept_list("audience").filter(pl.col("item_id") == item_id).collect().sort("rank")
    if own.height < k:
        own = pl.concat([own, _active(run, own, item_id)])
    return own.head(k).with_columns(title=pl.lit(run.items["title"][int(row)], pl.String))


def serve_left_out(run: OpenRun, item_id: str) -> pl.DataFrame:
    """Return who is left out because they have the item already: user_id, times (days bought), last_bought.

    Nobody, where the run's lists keep what was bought before; latest first, ties by id.
    """
    run.rows([item_id])
    owners = run.kept_list("owners").filter(pl.col("item_id") == item_id)
    if run.published.facts["bought_before"] != "hide":
        owners = owners.clear()
    found = owners.select("user_id", "times", "last_bought").collect()
    return found.sort("last_bought", "user_id", descending=[True, False])


def _active(run: OpenRun, own: pl.DataFrame, item_id: str) -> pl.DataFrame:
    """Return the users who continue the item's `own` audience, in the order of its columns."""
    others = run.kept_list("active").collect().sort("rank")
    others = others.join(own, on="user_id", how="anti", maintain_order="left")
    others = others.join(serve_left_out(run, item_id), on="user_id", how="anti", maintain_order="left")
    lowest = float(own["score"][-1]) if own.height else 1.0
    place = pl.int_range(1, pl.len() + 1, dtype=pl.Int32)
    # a bare score may be below 0, where a share of it would rise
    falling = lowest * _FALL**place if lowest > 0 else lowest - place
    return others.select(
        pl.lit(item_id).alias("item_id"),
        "user_id",
        (place + own.height).cast(pl.Int32).alias("rank"),
        falling.cast(pl.Float64).alias("score"),
        pl.lit("active").alias("source"),
        "reason",
    ).select(own.columns)
