"""One published run, opened for its whole life: its items, its index, its lists. Nothing in it changes afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import polars as pl

from recsys.errors import CorruptIndex, RecsysError, UnknownItem
from recsys.neighbours import Neighbours
from recsys.similar_reasons import ItemFacts, item_facts
from recsys.vector_index import VectorIndex

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from numpy.typing import NDArray

    from recsys.filters import Filters
    from warehouse import Published

__all__ = ["OpenRun", "open_run"]


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run in memory. Row `i` is the same item everywhere: the order is that of `index.item_ids`."""

    published: Published
    items: pl.DataFrame  # item_id, title, category, brand, no_text
    row_of: dict[str, int]
    neighbours: Neighbours
    depth: pl.DataFrame  # user_id, item_id, rank, score, source, reason: each user's list before its cut
    popular: pl.DataFrame  # item_id, rank, score
    published_at: datetime  # UTC, without a zone
    similar_depth: int  # published neighbours of an item
    _depth_of: dict[str, tuple[int, int]]  # first row and number of rows in `depth`
    _in_stock: NDArray[np.bool_]
    _conditions: dict[str, NDArray[np.bool_]]  # answers of `where`, which never change within a run
    _facts: list[ItemFacts]  # read from the titles when first asked for: opening stays fast
    _kept: dict[str, BinaryIO | None]  # lists that are read row by row; open, for a night may remove the run

    @property
    def index(self) -> VectorIndex:
        """Return the index over every item, text and behaviour together."""
        return self.neighbours.index

    @property
    def facts(self) -> ItemFacts:
        """Return what the reasons of a filtered answer are made of."""
        if not self._facts:
            told = item_facts(self.items["title"], self.items["category"], ~self.items["no_text"].to_numpy())
            self._facts.append(told)
        return self._facts[0]

    def query(self, sql: str, parameters: Sequence[object] = ()) -> pl.DataFrame:
        """Ask the run's DuckDB file."""
        return self.published.query(sql, parameters)

    def depth_of(self, user_id: str) -> tuple[int, int]:
        """Return the first row and the number of rows of a user in `depth`; (0, 0) for one who is not there."""
        return self._depth_of.get(user_id, (0, 0))

    def hidden(self, users: Sequence[str]) -> pl.DataFrame:
        """Return what these users must not be shown: user_id, item_id; what they bought, where the run hides that."""
        if self.published.facts["bought_before"] != "hide":
            users = ()
        if self._kept["owners"]:
            bought = self.kept_list("owners").filter(pl.col("user_id").is_in(list(users)))
            return bought.select("user_id", "item_id").collect()
        # a run of an earlier version: it knows of sales alone, not of purchases that are events or reviews
        marks = ", ".join("?" * len(users)) or "NULL"
        return self.query(
            f"SELECT DISTINCT user_id, item_id FROM sales WHERE user_id IN ({marks})",  # noqa: S608 (question marks)
            list(users),
        ).cast({"user_id": pl.String, "item_id": pl.String})

    def kept_list(self, name: str) -> pl.LazyFrame:
        """Return a list that the night kept beside the published tables: audience, active, owners.

        Raises:
            RecsysError: a run of an earlier version, which keeps none.
        """
        file = self._kept[name]
        if file is None:
            msg = f"run {self.published.run_id} keeps no audiences (no {name}): publish again with shelfwise nightly"
            raise RecsysError(msg)
        return pl.scan_parquet(file)

    def rows(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Return the row of each id.

        Raises:
            UnknownItem: an id that this run does not have; names the nearest.
        """
        unknown = [item_id for item_id in ids if item_id not in self.row_of]
        if unknown:
            near = self._near(unknown[0])
            hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "no id of this run looks like it"
            msg = f"{unknown[0]!r} is no item of run {self.published.run_id}; {hint}"
            raise UnknownItem(msg)
        return np.array([self.row_of[item_id] for item_id in ids], dtype=np.int64)

    def _near(self, item_id: str) -> list[str]:
        """Return the ids spelt most alike, whatever the case: at most three, none that is another word altogether."""
        near = self.query(
            """
            SELECT item_id, levenshtein(lower(item_id), lower($1)) AS changes FROM items
            WHERE changes <= greatest(2, length($1) / 3) ORDER BY changes, item_id
            """,
            [item_id],
        )
        return near.filter(pl.col("changes") == pl.col("changes").min())["item_id"].head(3).to_list()

    def allowed(self, filters: Filters | None) -> NDArray[np.bool_] | None:
        """Return which rows the filters let through, (n_items,); None: all.

        Raises:
            RecsysError: a `where` that DuckDB does not understand; names the columns there are.
        """
        if filters is None:
            return None
        mask = self._in_stock.copy() if filters.in_stock else np.ones(len(self.row_of), dtype=bool)
        if filters.where is not None:
            mask &= self._where(filters.where)
        if filters.among is not None:
            mask &= self._mask(filters.among)
        if filters.exclude:
            mask &= ~self._mask(filters.exclude)
        return mask

    def _mask(self, ids: Sequence[object]) -> NDArray[np.bool_]:
        mask = np.zeros(len(self.row_of), dtype=bool)
        mask[[self.row_of[item_id] for item_id in map(str, ids) if item_id in self.row_of]] = True
        return mask

    def _where(self, where: str) -> NDArray[np.bool_]:
        known = self._conditions.get(where)
        if known is None:
            from warehouse import InputError

            try:
                found = self.query(f"SELECT item_id FROM items WHERE (\n{where}\n)")  # noqa: S608 (the caller's own file)
            except InputError as error:
                columns = self.query("SELECT * FROM items LIMIT 0").columns
                said = str(error).splitlines()[0]
                msg = f"Filters(where={where!r}): {said}; the columns of items are {', '.join(columns)}"
                raise RecsysError(msg) from error
            known = self._conditions[where] = self._mask(found["item_id"].to_list())
        return known


def open_run(path: Path) -> OpenRun:
    """Open the published run of a runs folder, a run's own folder or its .duckdb file; its manifest is verified.

    Raises:
        CorruptIndex: a file of the run is not what its manifest says; offers the run before it.
        warehouse.InputError: nothing is published there.
    """
    from warehouse import CorruptRun, Published

    try:
        published = Published.open(path)
    except CorruptRun as error:
        msg = f"{error}; {_previous(path)}"
        raise CorruptIndex(msg) from error
    index = VectorIndex.load(published.folder / "index")
    items, row_of = _items(published, index)
    depth, popular = (pl.read_parquet(published.folder / "lists" / f"{name}.parquet") for name in ("depth", "popular"))
    depth = depth.sort("user_id", "rank")
    of_user = depth.group_by("user_id", maintain_order=True).len()
    firsts = of_user["len"].cum_sum() - of_user["len"]
    ((published_at,),) = published.query("SELECT published_at FROM runs WHERE run_id = ?", [published.run_id]).rows()
    (most,) = published.query("SELECT coalesce(max(rank), 0) AS most FROM similar_items WHERE kind = 'blend'")["most"]
    return OpenRun(
        published=published,
        items=items,
        row_of=row_of,
        neighbours=Neighbours(index, tuple(items["category"])),
        depth=depth,
        popular=popular.sort("rank", "item_id"),
        published_at=published_at,
        similar_depth=int(most),
        _depth_of=dict(zip(of_user["user_id"], zip(firsts, of_user["len"], strict=True), strict=True)),
        _in_stock=_in_stock(published, row_of),
        _conditions={},
        _facts=[],
        _kept={name: published.hold(f"lists/{name}.parquet") for name in ("audience", "active", "owners")},
    )


def _items(published: Published, index: VectorIndex) -> tuple[pl.DataFrame, dict[str, int]]:
    found = published.query("SELECT item_id, title, category, brand, no_text FROM items")
    row_of = {item_id: row for row, item_id in enumerate(index.item_ids)}
    if set(row_of) != set(found["item_id"]):
        msg = (
            f"{published.folder}: the index has {len(row_of)} items and the table items {found.height}, and they are "
            "not the same; take another run: shelfwise rollback"
        )
        raise CorruptIndex(msg)
    order = pl.DataFrame({"item_id": list(index.item_ids)}, schema={"item_id": pl.String})
    return order.join(found, on="item_id", how="left", maintain_order="left"), row_of


def _in_stock(published: Published, row_of: dict[str, int]) -> NDArray[np.bool_]:
    """Return which items lie on a shelf; all of them where the shop has no inventory."""
    stock = published.query(
        """
        SELECT item_id, sum(on_hand) AS on_hand FROM stockout_risk
        WHERE date = (SELECT min(date) FROM stockout_risk) GROUP BY item_id
        """
    )
    if stock.is_empty():
        return np.ones(len(row_of), dtype=bool)
    mask = np.zeros(len(row_of), dtype=bool)
    mask[[row_of[item_id] for item_id in stock.filter(pl.col("on_hand") > 0)["item_id"] if item_id in row_of]] = True
    return mask


def _previous(path: Path) -> str:
    """Say which run before the one at `path` can be opened instead."""
    from warehouse import current_run, list_runs

    folder = path.parent if path.is_file() else path
    is_root = (folder / "current").is_symlink()
    root = folder if is_root else folder.resolve().parent
    broken = current_run(root) if is_root else folder.resolve().name
    earlier = [run_id for run_id in list_runs(root) if broken is None or run_id < broken]
    if not earlier:
        return "there is no earlier run: publish again with shelfwise nightly"
    return f"the run before it is {earlier[-1]}: shelfwise rollback {earlier[-1]}"
