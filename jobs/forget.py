"""`shelfwise forget`: one user out of caches, histories and kept runs, and out of every night to come."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

import encoders
import warehouse
from jobs.answers import near_ids
from jobs.ledger import Ledger
from jobs.lock import hold_lock
from jobs.run import sweep
from recsys.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["Forgotten", "forget_user"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What forgetting came to, without a word of who it was."""

    runs_rebuilt: tuple[str, ...]
    rows: dict[str, int]  # table or file → rows that left or changed, over all runs
    texts_swept: int
    already: bool  # the user had been forgotten before


def forget_user(runs: Path, user_id: str, *, remember: bool = False) -> Forgotten:
    """Remove a user from everything below `runs` and keep every later night from bringing him back.

    A kill at any moment leaves every run readable; the same command again completes it.

    Raises:
        warehouse.InputError: no such folder; or nobody of that id is known there, and not `remember`: names near ids.
        warehouse.CorruptRun: a kept run is not what its manifest says.
        Locked: a night, or another such command, is under way.
    """
    if not runs.is_dir():
        raise warehouse.InputError(f"{runs}: no such folder of runs")
    with hold_lock(runs, what="forget"):
        sweep(runs)
        _remove_half_written(runs)
        privacy = warehouse.read_privacy(runs, hash_users=False)
        already = privacy.is_forgotten(user_id)
        person = warehouse.find_person(runs, frozenset({user_id, privacy.hashed(user_id)}))
        if person is None and not already and not remember:
            raise warehouse.InputError(_unknown(runs, user_id))
        privacy = warehouse.remember_forgotten(runs, user_id)
        person = person or warehouse.Person(frozenset({user_id, privacy.hashed(user_id)}))
        touched = {run_id: warehouse.rebuild_run(runs, run_id, person) for run_id in warehouse.list_runs(runs)}
        rows = _sums((*touched.values(), _rewrite_histories(runs, person)))
        rebuilt = tuple(run_id for run_id, own in touched.items() if own)
        warehouse.forget_cached(runs / "cache" / "input", privacy)
        swept = encoders.sweep_vectors(runs / "cache" / "vectors", _texts_in_use(runs))
        ledger = Ledger(runs / "ledger.jsonl")
        ledger.mend(person.without_names)
        # the audit: that it was done, when, and what it came to; not a word of who
        ledger.append("forgotten", "", {"runs_rebuilt": list(rebuilt), "rows": rows, "texts_swept": swept})
    return Forgotten(rebuilt, rows, swept, already)


def _unknown(runs: Path, user_id: str) -> str:
    cure = "pass --remember to keep that id out of every later night all the same"
    near = ""
    if warehouse.current_run(runs) is not None:
        with warehouse.Published.open(runs) as published:
            found = near_ids(published, "recommendations", "user_id", user_id)
        near = f"did you mean {found}? " if found else ""
    return f"{runs}: no user {user_id!r} in its runs, histories and caches; {near}{cure}"


def _remove_half_written(runs: Path) -> None:
    """Under the lock nobody writes into histories and parsed files: what is half written is of a killed process."""
    for folder in (runs / "history", runs / "cache" / "input"):
        for left in sorted(folder.rglob("*.tmp")):
            left.unlink()


def _rewrite_histories(runs: Path, person: warehouse.Person) -> dict[str, int]:
    touched: dict[str, int] = {}
    for file in sorted((runs / "history").rglob("*.parquet")):
        aside = file.with_name(f".{file.name}.tmp")
        if rows := warehouse.rewrite_parquet(file, aside, person):
            aside.replace(file)
            touched[f"history/{file.name}"] = touched.get(f"history/{file.name}", 0) + rows
    return touched


def _sums(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    summed: dict[str, int] = {}
    for part in parts:
        for name, rows in part.items():
            summed[name] = summed.get(name, 0) + rows
    return dict(sorted(summed.items()))


def _texts_in_use(runs: Path) -> dict[str, frozenset[str]]:
    """Return the texts, by kind, of what is left: of every kept run and of the files that the last nights read."""
    found: dict[str, set[str]] = {}
    for run_id in warehouse.list_runs(runs):
        with warehouse.Published.open(runs / run_id) as published:
            tables = {"items": published.query("FROM items")}
            if published.has_table("reviews"):
                tables["reviews"] = published.query("SELECT * EXCLUDE (title), headline AS title FROM reviews")
        _add(found, tables)
        found.setdefault("sentence", set()).update(_sentences(tables))
    for name, rows in warehouse.cached_tables(runs / "cache" / "input"):
        _add(found, {name: rows})
    return {kind: frozenset(texts) for kind, texts in found.items()}


def _sentences(tables: Mapping[str, pl.DataFrame]) -> Iterator[str]:
    """Yield what questions read of a run: every sentence of its reviews and descriptions."""
    reviews = tables.get("reviews")
    told = [tables["items"]["description"], *(() if reviews is None else (reviews["title"], reviews["text"]))]
    for text in pl.concat([column.alias("text") for column in told]).drop_nulls().unique():
        yield from (text[start:end] for start, end in sentences(text))


def _add(found: dict[str, set[str]], tables: Mapping[str, pl.DataFrame]) -> None:
    for kind, texts in encoders.texts_of(tables).items():
        found.setdefault(kind, set()).update(texts)
