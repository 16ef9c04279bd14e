"""How each item stood in its reviews on one evening, for the ranker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recsys.view import View

__all__ = ["review_features"]

_TOLD = ("mean_stars", "mean_probability", "trend")


def review_features(view: View) -> dict[str, NDArray[np.float32]]:
    """Return one array an item feature, (items,), as of the view's evening, nan where no review says it.

    Nothing where the ranker is handed no reviews. `ShopHistory.reviews` has one row an item and day that brought a
    review; an item stands as in its last row up to the evening.
    """
    reviews = view.history.reviews
    if reviews is None:
        return {}
    last = (
        reviews.filter(pl.col("date") <= min(view.origin, view.history.cutoff))
        .sort("item_id", "date")
        .unique("item_id", keep="last", maintain_order=True)
    )
    order = view.catalogue.item_ids.to_frame("item_id")
    placed = order.join(last, on="item_id", how="left", maintain_order="left")
    count = placed["reviews"].cast(pl.Float64).fill_null(0.0).to_numpy()
    found = {"reviews": np.log1p(count).astype(np.float32)}
    for name in _TOLD:
        found[f"reviews_{name}"] = placed[name].cast(pl.Float32).fill_null(float("nan")).to_numpy()
    return found
