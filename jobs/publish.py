"""Step `publish`: the run's files and manifest laid aside, then one swap of the pointer `current`."""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING

import warehouse
from jobs.history import drop_history, keep_history
from recsys.served_evidence import keep_judge

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import polars as pl

    from jobs.layout import Night
    from jobs.run import Run
    from jobs.settings import Settings

__all__ = ["manifest_facts", "publish_night"]

_LIBRARIES = ("shelfwise", "duckdb", "faiss-cpu", "faiss-gpu", "lightgbm", "numpy", "polars", "torch", "transformers")


def publish_night(
    run: Run, night: Night, tables: Mapping[str, pl.DataFrame], *, settings: Settings, facts: Mapping[str, object]
) -> Path:
    """Write the run's folder and publish it: the DuckDB file, the lists before their cut, index, judge, manifest."""
    folder = run.building
    warehouse.build_snapshot(folder / "shelfwise.duckdb", tables, run_id=run.run_id)
    (folder / "lists").mkdir()
    lists = night.offer.lists
    kept = {"depth": lists.depth, "popular": lists.popular, "active": lists.active}
    kept |= {"audience": lists.audience, "owners": lists.owners}
    for name, frame in kept.items():
        # small groups of rows: one item's are found without reading the others
        frame.write_parquet(folder / "lists" / f"{name}.parquet", row_group_size=20_000)
    night.offer.index.save(folder / "index")
    keep_judge(folder, tables["items"], tables["reviews"], night.texts.encoder)
    warehouse.write_manifest(folder, facts)
    keep_history(run.root, run.run_id, dict(tables))
    published = warehouse.publish_run(folder, root=run.root, keep_runs=settings.keep_runs)
    drop_history(run.root, since=settings.history_since(night.shop.cutoff))
    return published


def manifest_facts(night: Night, *, settings: Settings) -> dict[str, object]:
    """Return what a run says about itself: data, encoder, snapshot, settings, versions. Plain values."""
    versions = {}
    for name in _LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # one of the two faiss, or a checkout that is not installed
    texts = night.texts.vectors
    return {
        "run_id": night.run_id,
        "cutoff": night.shop.cutoff.isoformat(),
        "encoder": {"name": settings.encoder, "max_tokens": settings.encoder_max_tokens, "threads": settings.threads},
        "encoder_id": texts.encoder_id,
        "snapshot_id": texts.snapshot_id,
        "snapshots": {"recommendations": night.offer.snapshot_id, "forecast": night.demand.snapshot_id},
        "input_rows": night.shop.rows(),
        "bought_before": night.offer.lists.bought_before,
        "period_days": settings.period_days,
        "horizon": settings.horizon,
        "settings": settings.facts(),
        "versions": versions,
    }
