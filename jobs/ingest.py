"""Step `ingest`: raw files → typed tables as of the cutoff, and every rejected row with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import warehouse
from jobs.settings import NOBODY, Settings, ingest_options

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    import polars as pl

__all__ = ["Shop", "read_shop", "write_tables"]


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop as one night sees it: nothing from after the cutoff but plans."""

    ingested: warehouse.Ingested
    signals: warehouse.Signals
    privacy: warehouse.Privacy = NOBODY

    @property
    def cutoff(self) -> date:
        """Return the last day of data."""
        return self.ingested.cutoff

    def table(self, name: str) -> pl.DataFrame | None:
        """Return a typed input table; None where the shop has none."""
        return self.ingested.tables.get(name)

    def rows(self) -> dict[str, int]:
        """Return how many rows of each table were kept."""
        return {name: table.height for name, table in sorted(self.ingested.tables.items())}


def read_shop(
    folder: Path, *, settings: Settings, cutoff: date | None, cache: Path | None, privacy: warehouse.Privacy = NOBODY
) -> Shop:
    """Read the shop's files as of `cutoff` (None: the last day of sales), without the users whom `privacy` forgets.

    Raises:
        warehouse.InputError: a file, table or column is not what it must be, or `items` holds no row.
    """
    options = ingest_options(settings, privacy)
    ingested = warehouse.ingest(folder, options=options, cutoff=cutoff, horizon_days=settings.horizon_days, cache=cache)
    if not ingested.tables["items"].height:
        raise warehouse.InputError(
            f"{folder}: items has 0 rows; nothing to index. "
            f"See the rejects: shelfwise ingest --input {folder} --out DIR"
        )
    return Shop(ingested, warehouse.read_signals(ingested.tables, timezone=settings.timezone), privacy)


def write_tables(folder: Path, out: Path, *, settings: Settings, cutoff: date | None = None) -> pl.DataFrame:
    """Write DIR/<table>.parquet and rejects.parquet, as a night with that cutoff (None: without one) would see them.

    Return the counts, one row a file: table_name, file, read, kept, rejected, after_cutoff, forgotten.

    Raises:
        warehouse.InputError: as `read_shop`; DIR is the shop's own folder, or none that can be written.
    """
    if out.resolve() == folder.resolve():
        raise warehouse.InputError(f"--out {out}: that is the shop's own folder; its next night would read both")
    options = ingest_options(settings, warehouse.read_privacy(out, hash_users=settings.privacy.hash_users))
    ingested = warehouse.ingest(folder, options=options, cutoff=cutoff, horizon_days=settings.horizon_days, cache=None)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise warehouse.InputError(f"--out {out}: no folder that can be written ({error.strerror})") from error
    for name, table in {**ingested.tables, "rejects": ingested.rejects}.items():
        aside = out / f".{name}.parquet.tmp"
        table.write_parquet(aside)
        aside.replace(out / f"{name}.parquet")
    return ingested.counts
