"""Progress on stderr: bars where a person looks on, a sparse plain line elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Progress", "show_progress"]

Progress = Callable[[str, int, int], None]  # what, done, total

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def show_progress() -> Iterator[Progress]:
    """Yield a progress that draws on stderr for the length of the block."""
    if sys.stderr.isatty():
        with _bars() as progress:
            yield progress
    else:
        yield _lines()


@contextmanager
def _bars() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total, visible=done < total)

        yield progress


def _lines() -> Progress:
    said: dict[str, float] = {}  # what → when it last said something, seconds

    def progress(what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - said.setdefault(what, now) >= SECONDS_BETWEEN_LINES:
            said[what] = now
            logger.info("%s: %s of %s", what, f"{done:,}", f"{total:,}")

    return progress
