"""What earlier runs published, kept beyond the runs themselves: one Parquet file a run and table in `DIR/history`.

Every night's DuckDB file holds both histories whole: without `history_days` each would be larger than the last one.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import polars as pl

from warehouse import CorruptRun
from warehouse.tables import PUBLISHED, polars_schema

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date
    from pathlib import Path

__all__ = ["drop_history", "drop_unpublished", "keep_history", "read_history"]

_SOURCES = {"forecast_history": "forecast", "recommendation_history": "recommendations"}


def keep_history(root: Path, run_id: str, tables: dict[str, pl.DataFrame]) -> None:
    """Write a run's rows of both histories before it is published; each file appears whole or not at all."""
    folder = root / "history" / run_id
    folder.mkdir(parents=True, exist_ok=True)
    for name in _SOURCES:
        aside = folder / f".{name}.tmp"
        tables[name].filter(pl.col("run_id") == run_id).write_parquet(aside)
        aside.replace(folder / f"{name}.parquet")


def read_history(root: Path, name: str, published: Collection[str], *, since: date) -> pl.DataFrame:
    """Return the rows of a history that the runs in `published` have left behind, oldest run first.

    A run whose cutoff lies before `since` is left out.

    Raises:
        warehouse.CorruptRun: a file of it cannot be read.
    """
    files = [root / "history" / run_id / f"{name}.parquet" for run_id in sorted(published)]
    frames = [_read(file, since) for file in files if file.exists()]
    return pl.concat([pl.DataFrame(schema=polars_schema(PUBLISHED[name])), *frames])


def _read(file: Path, since: date, *, most: int | None = None) -> pl.DataFrame:
    try:
        rows = pl.scan_parquet(file, glob=False).filter(pl.col("cutoff") >= since)
        return (rows if most is None else rows.head(most)).collect()
    except pl.exceptions.PolarsError as error:
        cure = "take it away, and what it told with it"
        raise CorruptRun(f"{file}: no readable Parquet file ({error}); {cure}") from error


def drop_history(root: Path, *, since: date) -> None:
    """Remove what the runs with a cutoff before `since` left: no later night reads it."""
    for kept in sorted((root / "history").iterdir()):
        if all(_read(file, since, most=1).is_empty() for file in sorted(kept.glob("*.parquet"))):
            shutil.rmtree(kept)


def drop_unpublished(root: Path, published: Collection[str]) -> None:
    """Remove what runs left that were killed before they were published."""
    folder = root / "history"
    for kept in sorted(folder.iterdir()) if folder.exists() else []:
        if kept.name not in published:
            shutil.rmtree(kept)
