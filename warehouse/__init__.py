"""Tables, contracts, ingest with rejects, SQL, snapshots, publish and roll back. Knows no encoder and no model."""

from __future__ import annotations

from warehouse.errors import CorruptRun, InputError, UnknownRun, WarehouseError
from warehouse.ingest import PARTIAL_DAY, Ingested, IngestOptions, ingest
from warehouse.published import Published
from warehouse.runs import current_run, list_runs, publish_run, rollback, verify_manifest, write_manifest
from warehouse.signals import Signals, read_signals
from warehouse.snapshot import build_snapshot

__all__ = [
    "PARTIAL_DAY",
    "CorruptRun",
    "IngestOptions",
    "Ingested",
    "InputError",
    "Published",
    "Signals",
    "UnknownRun",
    "WarehouseError",
    "build_snapshot",
    "current_run",
    "ingest",
    "list_runs",
    "publish_run",
    "read_signals",
    "rollback",
    "verify_manifest",
    "write_manifest",
]
