"""Which items a caller wants to see: one small value, turned into a mask over the run's items."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from recsys.errors import RecsysError

__all__ = ["Filters", "check_condition", "id_texts"]


@dataclass(frozen=True, slots=True)
class Filters:
    """What may be shown. All that is given must hold.

    `in_stock`: more than 0 on hand, summed over locations; in a shop without inventory every item counts as in stock,
    in one with inventory an item that it does not list does not. `where`: a SQL condition over the columns of `items`
    ("category = 'shoes' and price <= 50"). `among`: only these ids. `exclude`: not these. Ids that the run does not
    have are passed over in both.

    Raises:
        TypeError: ids that are neither text nor whole numbers, or one id where a sequence belongs.
        RecsysError: a `where` of more than one condition.
    """

    in_stock: bool = False
    where: str | None = None
    among: Sequence[str | int] | None = None
    exclude: Sequence[str | int] = ()

    def __post_init__(self) -> None:
        """Refuse what could only be a slip, before any run is asked."""
        for name, ids in (("among", self.among), ("exclude", self.exclude)):
            if isinstance(ids, str):
                msg = f"Filters({name}={ids!r}): a sequence of ids belongs here; write {name}=[{ids!r}]"
                raise TypeError(msg)
            if ids is not None:
                object.__setattr__(self, name, id_texts(ids))
        if self.where is not None:
            check_condition(self.where, asked="Filters", columns="items")


def id_texts(ids: str | int | Iterable[str | int]) -> tuple[str, ...]:
    """Return ids as text, each once, in the order given; whole numbers become their digits.

    Raises:
        TypeError: an id that is neither text nor a whole number.
    """
    # bytes are iterable too, and would be taken for whole numbers
    many = (ids,) if isinstance(ids, (str, bytes, int, np.integer)) or not isinstance(ids, Iterable) else ids
    return tuple(dict.fromkeys(_id_text(one) for one in many))


def _id_text(one: object) -> str:
    if isinstance(one, str):
        return one
    if isinstance(one, (int, np.integer)) and not isinstance(one, bool):
        return str(int(one))
    msg = f"an id is text or a whole number; found {one!r} ({type(one).__name__})"
    raise TypeError(msg)


def check_condition(where: object, *, asked: str, columns: str) -> None:
    """Refuse what is not one SQL condition over the columns of these tables.

    Raises:
        TypeError: it is no text.
        RecsysError: several statements, a comment, a bracket that closes what stands around it, or nothing.
    """
    if not isinstance(where, str):
        msg = f"{asked}(where={where!r}): a SQL condition is text; found {type(where).__name__}"
        raise TypeError(msg)
    bare = re.sub(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", "''", where)  # what stands in quotes is no SQL
    found = next((sign for sign in (";", "--", "/*") if sign in bare), None)
    open_brackets = accumulate((sign == "(") - (sign == ")") for sign in bare)
    if found is None and min(open_brackets, default=0) < 0:
        found = "a ) before its ("
    if found is not None or not where.strip():
        msg = (
            f"{asked}(where={where!r}): one SQL condition over the columns of {columns} belongs here, "
            f"such as \"category = 'shoes' and price <= 50\"; found {found or 'nothing'}"
        )
        raise RecsysError(msg)
