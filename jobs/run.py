"""The life of one run: its id and building folder, its steps in the ledger and the log, its end whatever happens."""

from __future__ import annotations

import logging
import os
import platform
import resource
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from jobs.check import Refused
from jobs.history import drop_unpublished
from jobs.ledger import Ledger, RunRecord, new_run_id
from warehouse import current_run, heal_runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["Run", "begin_run", "published_ids", "sweep"]

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Run:
    """One run under way in `root`; what it has learnt about itself so far stands in `facts`."""

    root: Path
    run_id: str
    ledger: Ledger
    started: float = field(default_factory=time.monotonic)
    steps: dict[str, float] = field(default_factory=dict)  # name → seconds
    facts: dict[str, object] = field(default_factory=dict)
    step_now: str = "start"

    @property
    def building(self) -> Path:
        """Return the folder that it is built in, aside; it becomes visible by one rename."""
        return self.root / f".building-{self.run_id}"

    @property
    def seconds(self) -> float:
        """Return the seconds since it began."""
        return round(time.monotonic() - self.started, 3)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step and write it to the ledger and the log when it is done."""
        self.step_now, began = name, time.monotonic()
        logger.info("%s: begins", name)
        yield
        self.steps[name] = round(time.monotonic() - began, 3)
        self.ledger.append("step", self.run_id, {"step": name, "seconds": self.steps[name]})
        logger.info("%s: done in %.1f s", name, self.steps[name])

    def measures(self) -> dict[str, object]:
        """Return what it cost so far: seconds of wall time, peak memory of this process in MB."""
        return {"seconds": self.seconds, "peak_mb": peak_mb()}


def peak_mb() -> float:
    """Return the most memory that this process has held, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kilobytes; bytes on macOS
    return round(peak / (1e6 if platform.system() == "Darwin" else 1e3), 1)


@contextmanager
def begin_run(root: Path, facts: Mapping[str, object]) -> Iterator[Run]:
    """Open a run in the ledger; whatever ends the block, the ledger says how, and the building folder is gone.

    The block itself writes `published`; a `Refused` is refused, another exception failed, anything else
    (SIGINT, SIGTERM) interrupted. A process that is killed writes nothing: the next night's `sweep` says abandoned.
    """
    ledger = Ledger(root / "ledger.jsonl")
    run = Run(root, new_run_id(ledger, datetime.now(UTC)), ledger)
    try:  # from here on: a signal may come between any two lines
        ledger.append("started", run.run_id, {"pid": os.getpid(), **facts})
        logger.info("run %s begins", run.run_id)
        run.building.mkdir()
        yield run
    except BaseException as error:
        end = "failed" if isinstance(error, Exception) else "interrupted"
        if isinstance(error, Refused):
            end = "refused"
        if current_run(root) == run.run_id:
            end = "published"  # the pointer had been swapped already
        said = str(error.args[0]) if error.args else type(error).__name__
        ledger.append(end, run.run_id, {**run.facts, **run.measures(), "step": run.step_now, "message": said})
        logger.info("run %s %s in step %s", run.run_id, end, run.step_now)
        raise
    finally:
        shutil.rmtree(run.building, ignore_errors=True)
        drop_unpublished(root, published_ids(ledger))


def sweep(root: Path) -> list[RunRecord]:
    """Clear what killed runs have left, under the lock; return every run of the ledger, each with an end."""
    heal_runs(root)
    ledger = Ledger(root / "ledger.jsonl")
    current = current_run(root)
    for record in ledger.runs():
        if record.status != "running":
            continue
        if record.run_id == current:  # killed between the swap and its last line: it is published
            ledger.append(
                "published", record.run_id, {"message": "published; the process was killed before it said so"}
            )
        else:
            shutil.rmtree(root / record.run_id, ignore_errors=True)  # renamed, but the pointer was never swapped
            ledger.append(
                "abandoned", record.run_id, {"message": "the process was killed", "step": _step_after(record)}
            )
            logger.warning("run %s was killed in step %s; what it left is cleared", record.run_id, _step_after(record))
    for left in sorted(root.glob(".building-*")):
        shutil.rmtree(left)
    drop_unpublished(root, published_ids(ledger))
    return ledger.runs()


def published_ids(ledger: Ledger) -> frozenset[str]:
    """Return the ids of every run that was published, rolled back or removed since or not."""
    return frozenset(record.run_id for record in ledger.runs() if record.status == "published")


def _step_after(record: RunRecord) -> str:
    order = ("ingest", "embed", "sentiment", "forecast", "recommend", "check", "publish")
    return next((step for step in order if step not in record.steps), "publish")
