"""An item's neighbours under any filter: the published rows, and where these do not reach, the index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from recsys.neighbours import places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recsys.open_run import OpenRun

__all__ = ["serve_similar"]


def serve_similar(run: OpenRun, ids: Sequence[str], k: int, allowed: NDArray[np.bool_] | None) -> pl.DataFrame:
    """Return the `k` nearest of each item: query_item_id, item_id, rank, score, reason, title.

    Raises:
        UnknownItem: an id that this run does not have; names the nearest.
    """
    rows = run.rows(ids)
    published = _published_neighbours(run, ids)
    if allowed is None and k <= run.similar_depth:
        return published.filter(pl.col("rank") <= k)
    near = run.neighbours.of(rows, k=k, allowed=allowed)
    item_ids, titles = run.index.item_ids, run.items["title"]
    found = pl.DataFrame(
        {
            "query_item_id": [item_ids[row] for row in near.query],
            "item_id": [item_ids[row] for row in near.item],
            "rank": places(near.query),
            "score": near.score.astype(np.float64),
            "reason": run.facts.reasons(near, np.zeros(len(near.query), dtype=np.int64)),
            "title": titles.gather(near.item),
        },
        schema=published.schema,
    )
    # the night counted who bought both: where it published the pair, its reason says more
    known = published.select("query_item_id", "item_id", pl.col("reason").alias("published"))
    return found.join(known, on=["query_item_id", "item_id"], how="left", maintain_order="left").select(
        *found.columns[:4], pl.coalesce("published", "reason").alias("reason"), "title"
    )


def _published_neighbours(run: OpenRun, ids: Sequence[str]) -> pl.DataFrame:
    marks = ", ".join("?" * len(ids)) or "NULL"
    found = run.query(
        f"""
        SELECT query_item_id, item_id, rank, score, reason, title FROM similar_items
        WHERE kind = 'blend' AND query_item_id IN ({marks}) ORDER BY query_item_id, rank
        """,  # noqa: S608 (marks are question marks)
        list(ids),
    )
    asked = pl.DataFrame({"query_item_id": list(ids)}, schema={"query_item_id": pl.String})
    return asked.join(found, on="query_item_id", maintain_order="left_right")
