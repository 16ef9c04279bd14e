"""Move the pointer `current` back to an earlier run, and say so in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import warehouse
from jobs.ledger import Ledger
from jobs.lock import hold_lock

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["roll_back"]


def roll_back(runs: Path, run_id: str | None) -> str:
    """Make `run_id` (None: the run before the current one) the published run; return its id.

    Raises:
        warehouse.InputError: no run of that id is kept; names the near ones.
        Locked: a night is under way.
    """
    if not runs.is_dir():
        raise warehouse.InputError(f"{runs}: no such folder of runs")
    with hold_lock(runs, what="rollback"):
        warehouse.heal_runs(runs)
        found = warehouse.rollback(runs, run_id)
        Ledger(runs / "ledger.jsonl").append("rolled_back", found)
    return found
