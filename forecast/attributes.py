"""What an item or a location is: its attributes as codes, and the groups whose sums say how its kind is doing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from forecast.history import Column, Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from forecast.panel import Ints, Panel

__all__ = ["Attribute", "attribute_columns", "groups_of", "read_attributes"]

# no date stands beside them, or they are prose: none may be a feature of a forecast
_LEFT_OUT = frozenset({"item_id", "location_id", "title", "description", "price", "available_from", "no_text"})
_MOST_CODES = 255
_NAMED_GROUPS = ("category", "brand")
_MOST_IDS = 100  # few enough items (or locations) to tell each one's own habits from its series


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of every series: a number, or the code of a text (-1: none)."""

    name: str
    values: NDArray[np.float64]  # (series,)
    codes: bool


def read_attributes(panel: Panel, items: pl.DataFrame | None, locations: pl.DataFrame | None) -> list[Attribute]:
    """Return the attributes of every series: columns of items and locations, and the ids where they are few."""
    found: list[Attribute] = []
    for table, key in ((items, "item_id"), (locations, "location_id")):
        ids = panel.series.select(key)
        if ids[key].n_unique() <= _MOST_IDS < panel.series.height:
            found.append(Attribute(key, _codes(ids[key]), codes=True))
        if table is None:
            continue
        unique = table.with_columns(pl.col(key).cast(pl.String)).unique(key, keep="first", maintain_order=True)
        joined = ids.join(unique, on=key, how="left", maintain_order="left")
        for name in sorted(set(table.columns) - _LEFT_OUT):
            column = joined[name]
            if column.dtype.is_numeric() or column.dtype == pl.Boolean:
                found.append(
                    Attribute(f"{key[:-3]}_{name}", column.cast(pl.Float64).fill_null(np.nan).to_numpy(), codes=False)
                )
            elif column.dtype == pl.String and 1 < column.n_unique() <= _MOST_CODES:
                found.append(Attribute(f"{key[:-3]}_{name}", _codes(column), codes=True))
    return found


def _codes(column: pl.Series) -> NDArray[np.float64]:
    names = column.drop_nulls().unique().sort().to_list()
    number = {name: code for code, name in enumerate(names)}
    return np.array([number.get(value, -1) for value in column.to_list()], dtype=np.float64)


def attribute_columns(attributes: list[Attribute], rows: Rows) -> list[Column]:
    """Return each attribute of the rows' series."""
    return [Column(a.name, "attributes", a.values[rows.series].astype(np.float32), a.codes) for a in attributes]


def groups_of(panel: Panel, attributes: list[Attribute]) -> list[tuple[str, Ints, int]]:
    """Return (name, group of each series, number of groups): all, and the item, location, category and brand.

    A group that is the whole shop, or as fine as the series themselves, is left out: it would say nothing new.
    """
    count = panel.series.height
    groups: list[tuple[str, Ints, int]] = [("total", np.zeros(count, dtype=np.int64), 1)]
    candidates = [("item", _codes(panel.series["item_id"])), ("location", _codes(panel.series["location_id"]))]
    candidates += [(a.name, a.values) for a in attributes if a.codes and a.name.split("_", 1)[1] in _NAMED_GROUPS]
    for name, values in candidates:
        names, members = np.unique(values, return_inverse=True)
        if 1 < len(names) < count:
            groups.append((name, members.astype(np.int64), len(names)))
    return groups
