"""What happened in a folder of runs, line by line: appended, synced, rewritten only to forget somebody."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ["ENDS", "Ledger", "RunRecord", "new_run_id"]

logger = logging.getLogger(__name__)

ENDS = ("published", "refused", "failed", "interrupted", "abandoned")
_ID_FORMAT = "%Y%m%dT%H%M%S"


@dataclass(slots=True)
class RunRecord:
    """One run as the ledger knows it. `status` is `running` until an end is written; `facts` is the last line's."""

    run_id: str
    started_at: str
    status: str = "running"
    ended_at: str | None = None
    steps: dict[str, float] = field(default_factory=dict)  # name → seconds
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The file `DIR/ledger.jsonl`, one JSON object a line: at, event, run_id and the event's facts."""

    path: Path

    def append(self, event: str, run_id: str, facts: Mapping[str, object] | None = None) -> None:
        """Write one line and sync it to the disk before returning."""
        line = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "event": event,
            "run_id": run_id,
            **(facts or {}),
        }
        text = json.dumps(line, ensure_ascii=False, default=str) + "\n"
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                text = "\n" + text  # a killed writer left half a line: ours begins on its own
            os.write(descriptor, text.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def mend(self, change: Callable[[str], str]) -> None:
        """Write the file anew, beside and renamed, where `change` changes a text in it: the one time that it is.

        Only for what a person has a right to see gone; the caller holds the lock.
        """
        lines = self.lines()
        mended = [_changed(line, change) for line in lines]
        if mended == lines:
            return
        aside = self.path.with_name(f".{self.path.name}.tmp")
        with aside.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in mended)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self.path)

    def lines(self) -> list[dict[str, Any]]:
        """Return every whole line in order; a torn one (a writer was killed) is left out."""
        if not self.path.exists():
            return []
        found = []
        for number, text in enumerate(self.path.read_bytes().split(b"\n"), start=1):
            try:
                line = json.loads(text) if text.strip() else None
            except ValueError:
                logger.debug("%s: line %d is torn, left out", self.path, number)
                continue
            if isinstance(line, dict) and "event" in line and "run_id" in line:
                found.append(line)
        return found

    def runs(self) -> list[RunRecord]:
        """Return one record a run, oldest first."""
        records: dict[str, RunRecord] = {}
        for line in self.lines():
            event, run_id = str(line["event"]), str(line["run_id"])
            if event == "started":
                records[run_id] = RunRecord(run_id, str(line["at"]))
            record = records.get(run_id)
            if record is None:
                continue
            if event == "step":
                record.steps[str(line["step"])] = float(line["seconds"])
            elif event in ENDS:
                record.status, record.ended_at = event, str(line["at"])
            if event == "started" or event in ENDS:
                record.facts |= {key: value for key, value in line.items() if key not in ("at", "event", "run_id")}
        return list(records.values())


def _changed(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 what JSON may hold
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_changed(each, change) for each in value]
    if isinstance(value, dict):
        return {key: _changed(each, change) for key, each in value.items()}
    return value


def new_run_id(ledger: Ledger, now: datetime) -> str:
    """Return an id that sorts after every earlier one, even where the clock went back: 20261124T020000123Z."""
    latest = max((str(line["run_id"]) for line in ledger.lines()), default="")
    found = _format(now)
    if found > latest:
        return found
    stamp = datetime.strptime(latest[:15], _ID_FORMAT).replace(tzinfo=UTC, microsecond=int(latest[15:18]) * 1000)
    return _format(datetime.fromtimestamp(round(stamp.timestamp() * 1000 + 1) / 1000, tz=UTC))


def _format(moment: datetime) -> str:
    moment = moment.astimezone(UTC)
    return f"{moment.strftime(_ID_FORMAT)}{moment.microsecond // 1000:03d}Z"
