"""What a file's rows keep of their users: nothing of a forgotten one, a hash where ids are hashed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from warehouse.values import as_text

if TYPE_CHECKING:
    from warehouse.privacy import Privacy
    from warehouse.tables import Table

__all__ = ["FORGOTTEN", "record_of_user", "without_forgotten"]

FORGOTTEN = "the row of a forgotten user"  # the reason of a row that leaves before anybody reads it


def without_forgotten(rows: pl.DataFrame, *, table: Table, privacy: Privacy, reason: str) -> pl.DataFrame:
    """Return the rows without those of forgotten users, the others' users by the name they go by.

    A good row of sales stays, its user and order emptied: the shelf has emptied too. `reason` names the column that is
    null in a good row.
    """
    if "user_id" not in table.names or not privacy.salt:
        return rows
    gone = privacy.forgotten_rows(rows["user_id"])
    good = rows[reason].is_null()
    if table.name == "sales":
        emptied = gone & good
        rows = rows.with_columns(
            pl.when(~emptied).then(pl.col(name)).alias(name) for name in ("user_id", "order_id") if name in rows.columns
        )
        gone = gone & ~good
    unread = (rows[reason] == FORGOTTEN).fill_null(value=False)
    rows = rows.filter(~(gone | unread))
    return rows.with_columns(privacy.names(rows["user_id"]).alias("user_id"))


def record_of_user(row: dict[str, object], column: str | None, privacy: Privacy) -> dict[str, object]:
    """Return a raw row with the user in `column` (the shop's name for it) as tables call him."""
    if not privacy.hash_users or column is None or row.get(column) is None:
        return row
    (user,) = as_text(pl.Series([row[column]]))
    return row if user is None else {**row, column: privacy.name_of(user)}
