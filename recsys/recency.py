"""What a user did last: order by the user's own days, however long they lie apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recsys.view import Rows, View

__all__ = ["days_after", "last_items", "recency_profile"]


def recency_profile(rows: Rows, view: View, *, decay: float) -> Any:  # noqa: ANN401 (scipy ships no types)
    """Return (users, items): what each user touched, times `decay` for each day of theirs that came after it."""
    return rows.matrix(rows.weight * decay ** days_after(rows), view.shape)


def days_after(rows: Rows) -> NDArray[np.int64]:
    """Return for each row how many later days its user has: 0 for those of the user's last day."""
    new_day = np.ones(len(rows.user), dtype=np.int64)
    new_day[1:] = (rows.user[1:] != rows.user[:-1]) | (rows.age[1:] != rows.age[:-1])
    ordinal = np.cumsum(new_day)
    last_of_user = np.zeros(int(rows.user.max(initial=-1)) + 1, dtype=np.int64)
    np.maximum.at(last_of_user, rows.user, ordinal)
    return np.asarray(last_of_user[rows.user] - ordinal, dtype=np.int64)


def last_items(rows: Rows, n_users: int, count: int) -> NDArray[np.int64]:
    """Return (users, count): the places of the last different things each user touched, latest first, then -1."""
    latest = np.lexsort((rows.item, days_after(rows), rows.user))
    user, item = rows.user[latest], rows.item[latest]
    # of an item that was touched on several days, the latest stands
    _, first = np.unique(user * np.int64(item.max(initial=0) + 1) + item, return_index=True)
    first.sort()
    user, item = user[first], item[first]
    starts = np.searchsorted(user, np.arange(n_users))
    place = np.arange(len(user)) - starts[user]
    result = np.full((n_users, count), -1, dtype=np.int64)
    kept = place < count
    result[user[kept], place[kept]] = item[kept]
    return result
