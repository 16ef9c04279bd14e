"""What the command line tells meanwhile: each room's log, to stderr."""

from __future__ import annotations

import logging
import sys

__all__ = ["log_to_stderr"]


def log_to_stderr() -> None:
    """Send what the rooms log to stderr, one line each with time, level and room."""
    handler = _StderrHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", datefmt="%H:%M:%S"))
    for name in ("encoders", "forecast", "jobs", "recsys", "warehouse"):
        room = logging.getLogger(name)
        room.handlers = [handler]
        room.setLevel(logging.INFO)
        room.propagate = False


class _StderrHandler(logging.Handler):
    """Writes to whatever `sys.stderr` is now: a progress bar stands in for it while it is drawn."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr, flush=True)  # noqa: T201 this is the log
