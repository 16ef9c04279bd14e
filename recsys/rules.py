"""After the ranker: an item that is likely to run out gives its place to its nearest twin in stock, and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from recsys.sources.text import item_vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recsys.config import RecommendConfig
    from recsys.training import Evening

__all__ = ["apply_stock", "nearest_twins"]

TWIN_FROM_COSINE = 0.6  # of the texts: less near is no twin
_TITLE_LETTERS = 60
_STEP = 1e-6  # by how much a score at least falls from row to row once rows have moved


def apply_stock(lists: pl.DataFrame, stock: pl.DataFrame, *, evening: Evening, config: RecommendConfig) -> pl.DataFrame:
    """Return the lists (user_id, item_id, rank, score, source, reason, fill) with risky items moved.

    An item whose risk is above `config.stock_risk_above` stands directly below its twin, which takes its place (if the
    user may be shown it); without a twin it stays, since tomorrow it can still be bought. One with nothing on hand
    cannot: it goes to the end of the list. Lists keep their lengths.
    """
    risky = _risky(stock, config)
    if risky.is_empty():
        return lists
    risky = risky.join(nearest_twins(evening, risky["item_id"]), on="item_id", how="left")
    moved = _move(lists, risky, evening).join(lists.group_by("user_id").len("most"), on="user_id")
    return moved.filter(pl.col("rank") <= pl.col("most")).select(lists.columns).sort("user_id", "rank")


def _risky(stock: pl.DataFrame, config: RecommendConfig) -> pl.DataFrame:
    """Return item_id, out (nothing on hand), said (in words) of the items that are to give way."""
    out = pl.col("on_hand") <= 0
    percent = (100 * pl.col("probability")).round(0).cast(pl.Int64).cast(pl.String)
    said = (
        pl.when(out)
        .then(pl.lit("out of stock"))
        .otherwise("likely to be out of stock within the first period (" + percent + " %)")
    )
    return (
        stock.filter(out | (pl.col("probability") > config.stock_risk_above))
        .select("item_id", out=out.fill_null(value=False), said=said)
        .unique("item_id", keep="first", maintain_order=True)
    )


def nearest_twins(evening: Evening, risky: pl.Series) -> pl.DataFrame:
    """Return item_id, twin_id: of each risky item the item nearest in text (cosine of at least 0.6) that is not risky.

    A twin can be bought tomorrow; ties by id; an item without one is not in the frame.
    """
    vectors, ids = item_vectors(evening.view), evening.view.catalogue.item_ids
    gone = ids.is_in(risky.implode()).to_numpy()
    at = np.flatnonzero(gone)
    fit = evening.view.buyable & ~gone
    if vectors.shape[1] == 0 or not fit.any():
        return pl.DataFrame(schema={"item_id": pl.String, "twin_id": pl.String})
    best, cosine = _nearest(vectors[at], vectors, fit)
    near = cosine >= TWIN_FROM_COSINE
    return pl.DataFrame({"item_id": ids.gather(at[near]), "twin_id": ids.gather(best[near])})


def _nearest(
    queries: NDArray[np.float32], vectors: NDArray[np.float32], fit: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    places, cosines = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.float32)]
    for first in range(0, len(queries), 512):
        scores = np.where(fit, queries[first : first + 512] @ vectors.T, -np.inf)
        places.append(scores.argmax(axis=1))
        cosines.append(scores.max(axis=1))
    return np.concatenate(places), np.concatenate(cosines)


def _move(lists: pl.DataFrame, risky: pl.DataFrame, evening: Evening) -> pl.DataFrame:
    """Return the rows in their new order, with the twins that no list held yet."""
    catalogue = evening.view.catalogue
    titles = pl.DataFrame({"item_id": catalogue.item_ids, "title": catalogue.titles.str.slice(0, _TITLE_LETTERS)})
    marked = lists.join(risky, on="item_id", how="left", maintain_order="left").with_columns(at=pl.col("rank") * 1.0)
    marked = marked.with_columns(has_twin=_may_be_shown(marked, evening) & pl.col("twin_id").is_not_null())
    claims = (
        marked.filter("has_twin")
        .join(titles, on="item_id", how="left")
        .select("user_id", "score", "fill", "at", item_id="twin_id", reason=_instead_of())
        .sort("user_id", "at")
        .unique(["user_id", "item_id"], keep="first", maintain_order=True)
    )
    told = marked.join(titles.rename({"item_id": "twin_id", "title": "twin"}), on="twin_id", how="left")
    told = told.join(
        claims.select("user_id", "item_id", claimed="at", claim="reason"), on=["user_id", "item_id"], how="left"
    )
    first = pl.col("claimed").fill_null(1e12) < pl.col("at")
    out = pl.col("out").fill_null(value=False)
    told = told.with_columns(
        place=pl.when(out)
        .then(pl.col("at") + 1e9)
        .when("has_twin")
        .then(pl.col("at") + 0.5)
        .otherwise(pl.min_horizontal("at", "claimed")),
        reason=pl.when(out)
        .then(pl.col("said") + "; moved to the end")
        .when("has_twin")
        .then(pl.col("said") + "; moved below " + pl.col("twin"))
        .when(pl.col("said").is_not_null())
        .then(pl.col("reason") + "; " + pl.col("said"))
        .when(first)
        .then("claim")
        .otherwise("reason"),
    )
    entering = claims.join(lists, on=["user_id", "item_id"], how="anti")
    entering = entering.with_columns(source=pl.lit("text")).rename({"at": "place"})
    columns = ["user_id", "item_id", "score", "source", "reason", "fill", "place"]
    return _renumber(pl.concat([told.select(columns), entering.select(columns)]))


def _instead_of() -> pl.Expr:
    return "in place of " + pl.col("title") + ", which is " + pl.col("said")


def _may_be_shown(rows: pl.DataFrame, evening: Evening) -> pl.Series:
    """Return whether each row's twin may be shown to its user: not where the user bought it and that is hidden."""
    if not evening.hide or rows.is_empty():
        return pl.Series("has_twin", [True] * rows.height, dtype=pl.Boolean)
    catalogue, n_items = evening.view.catalogue, evening.view.shape[1]
    places = pl.DataFrame({"twin_id": catalogue.item_ids, "place": np.arange(n_items)})
    twin = rows.select("twin_id").join(places, on="twin_id", how="left", maintain_order="left")["place"].fill_null(-1)
    key = catalogue.users(rows["user_id"].to_list()) * np.int64(n_items) + twin.to_numpy()
    bought = np.unique(evening.view.purchases.user * np.int64(n_items) + evening.view.purchases.item)
    return pl.Series("has_twin", ~np.isin(key, bought))


def _renumber(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows in their new order; scores follow, falling by at least a step from row to row."""
    ordered = rows.sort("user_id", "place", "item_id").with_columns(
        rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("user_id")
    )
    falling = (pl.col("score") + _STEP * pl.col("rank")).cum_min().over("user_id") - _STEP * pl.col("rank")
    return ordered.with_columns(score=falling)
