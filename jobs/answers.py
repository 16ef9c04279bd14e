"""What the published run answers: similar items, a user's list, an item's forecast, a search, a query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recsys import Recommender
from warehouse import InputError, Published

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

__all__ = ["forecast_item", "near_ids", "recommend_user", "run_query", "search_items", "similar_items"]


def similar_items(runs: Path, item_id: str, *, k: int) -> pl.DataFrame:
    """Return the items nearest to `item_id`; an unknown id is an error that names the near ones."""
    return Recommender.open(runs).similar_items(item_id, k=k)


def recommend_user(runs: Path, user_id: str, *, k: int) -> pl.DataFrame:
    """Return what to show `user_id` next.

    Raises:
        InputError: no list was made for that id; names the near ones. (In Python a visitor gets the popular list.)
    """
    published = Published.open(runs)
    if not published.query(
        "SELECT 1 FROM recommendations WHERE user_id = ? LIMIT 1", published.user_names([user_id])
    ).height:
        near = near_ids(published, "recommendations", "user_id", user_id)
        raise InputError(f"run {published.run_id}: no list for user {user_id!r}; did you mean {near}?")
    return Recommender.open(runs).recommend(user_id, k=k)


def forecast_item(runs: Path, item_id: str) -> pl.DataFrame:
    """Return the forecast rows of one item, every location and period.

    Raises:
        InputError: the run has no forecast of that id; names the near ones.
    """
    published = Published.open(runs)
    rows = published.query("SELECT * FROM forecast WHERE item_id = ? ORDER BY location_id, date", [item_id])
    if rows.height:
        return rows
    if not published.query("SELECT 1 FROM forecast LIMIT 1").height:
        raise InputError(f"run {published.run_id} has no forecast: see `shelfwise status --runs {runs}`")
    near = near_ids(published, "forecast", "item_id", item_id)
    raise InputError(f"run {published.run_id}: no forecast of item {item_id!r}; did you mean {near}?")


def search_items(runs: Path, text: str, *, k: int) -> pl.DataFrame:
    """Return the items whose text is nearest to `text`."""
    if not text.strip():
        raise InputError("search: the text is blank; say what to look for")
    return Recommender.open(runs).search(text, k=k)


def run_query(runs: Path, query: str) -> pl.DataFrame:
    """Return the rows of one query over the published run, which is opened read-only and locked down."""
    return Published.open(runs).query(query)


def near_ids(published: Published, table: str, column: str, wanted: str) -> str:
    """Return the three ids of a published table that are spelt most like `wanted`, in words."""
    if not (table.isidentifier() and column.isidentifier()):
        raise ValueError(f"{table}.{column} is no name of a column")
    ids = f"SELECT DISTINCT {column} AS id FROM {table}"  # noqa: S608 names checked above, the value is a parameter
    near = published.query(f"SELECT id FROM ({ids}) ORDER BY levenshtein(id, ?), id LIMIT 3", [wanted])  # noqa: S608
    return " or ".join(repr(found) for found in near["id"])
