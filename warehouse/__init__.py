"""Tables, contracts, ingest with rejects, SQL, snapshots, publish and roll back. Knows no encoder and no model."""

from __future__ import annotations

from warehouse.errors import CorruptRun, InputError, UnknownRun, WarehouseError
from warehouse.forget import Person, find_person, rebuild_run, rewrite_parquet
from warehouse.ingest import PARTIAL_DAY, Ingested, IngestOptions, ingest
from warehouse.parsing import cached_tables, forget_cached
from warehouse.privacy import SALT_VARIABLE, Privacy, read_privacy, remember_forgotten
from warehouse.published import Published
from warehouse.replace import heal_runs
from warehouse.runs import current_run, list_runs, publish_run, rollback, verify_manifest, write_manifest
from warehouse.signals import Signals, read_signals
from warehouse.snapshot import build_snapshot

__all__ = [
    "PARTIAL_DAY",
    "SALT_VARIABLE",
    "CorruptRun",
    "IngestOptions",
    "Ingested",
    "InputError",
    "Person",
    "Privacy",
    "Published",
    "Signals",
    "UnknownRun",
    "WarehouseError",
    "build_snapshot",
    "cached_tables",
    "current_run",
    "find_person",
    "forget_cached",
    "heal_runs",
    "ingest",
    "list_runs",
    "publish_run",
    "read_privacy",
    "read_signals",
    "rebuild_run",
    "remember_forgotten",
    "rewrite_parquet",
    "rollback",
    "verify_manifest",
    "write_manifest",
]
