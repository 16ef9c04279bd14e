"""Tables, contracts, ingest with rejects, SQL, snapshots, publish and roll back. Knows no encoder and no model."""

from __future__ import annotations

from warehouse.errors import CorruptRun, InputError, WarehouseError
from warehouse.ingest import PARTIAL_DAY, Ingested, IngestOptions, ingest
from warehouse.signals import Signals, read_signals

__all__ = [
    "PARTIAL_DAY",
    "CorruptRun",
    "IngestOptions",
    "Ingested",
    "InputError",
    "Signals",
    "WarehouseError",
    "ingest",
    "read_signals",
]
