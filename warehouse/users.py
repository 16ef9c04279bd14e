"""What a file's rows keep of their users: nothing of a forgotten one, a hash where ids are hashed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl

from warehouse.values import as_text

if TYPE_CHECKING:
    from warehouse.privacy import Privacy
    from warehouse.tables import Table

__all__ = ["REASON", "RECORD", "record_of_user", "with_names", "without_forgotten"]

REASON, RECORD = "__reason", "__record"  # of a row that is not to be taken: why, and the row as read, as JSON


def without_forgotten(rows: pl.DataFrame, *, table: Table, privacy: Privacy) -> pl.DataFrame:
    """Return parsed rows without those of forgotten users, also of rows that could not be read and name one.

    A good row of sales stays, its user and order emptied: the shelf has emptied too.
    """
    if "user_id" not in table.names or not privacy.forgotten:
        return rows
    gone = privacy.forgotten_rows(rows["user_id"])
    good = rows[REASON].is_null()
    if table.name == "sales":
        emptied = gone & good
        rows = rows.with_columns(
            pl.when(~emptied).then(pl.col(name)).alias(name) for name in ("user_id", "order_id") if name in rows.columns
        )
        gone = gone & ~good
    unread = ~good & rows["user_id"].is_null() & rows[RECORD].is_not_null()
    named = {record for record in rows[RECORD].filter(unread).unique() if privacy.names_forgotten(json.loads(record))}
    return rows.filter(~gone & ~(unread & rows[RECORD].is_in(list(named))))


def with_names(rows: pl.DataFrame, *, table: Table, privacy: Privacy) -> pl.DataFrame:
    """Return parsed rows with each user by the name that he goes by in tables."""
    if "user_id" not in table.names or not privacy.hash_users:
        return rows
    return rows.with_columns(privacy.names(rows["user_id"]).alias("user_id"))


def record_of_user(row: dict[str, object], column: str | None, privacy: Privacy) -> dict[str, object]:
    """Return a raw row with the user in `column` (the shop's name for it) as tables call him."""
    if not privacy.hash_users or column is None or row.get(column) is None:
        return row
    (user,) = as_text(pl.Series([row[column]]))
    return row if user is None else {**row, column: privacy.name_of(user)}
