"""One night at a time: a kernel lock on `DIR/lock` that names its holder and vanishes with it, even by kill -9."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from warehouse import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Locked", "hold_lock"]


class Locked(Exception):  # noqa: N818 reads as what it is: the folder is locked
    """Another process holds the lock: exit code 4. Its text names pid, host and start time."""


@contextmanager
def hold_lock(root: Path, *, what: str = "nightly") -> Iterator[None]:
    """Hold `root/lock` for the block; `root` is made where it is absent.

    Raises:
        Locked: another process holds it.
        warehouse.InputError: `root` is no folder that can be written.
    """
    path = root / "lock"
    try:
        root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise InputError(
            f"--runs {root}: no folder that can be written ({error.strerror}); name one that can, or one yet to be made"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Locked(_holder(path)) from None
        started = datetime.now(UTC).isoformat(timespec="seconds")
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "started_at": started, "what": what}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)  # closing releases the lock; the file stays, for the next night


def _holder(path: Path) -> str:
    # the holder writes its name just after it has the lock: give it a second
    for _ in range(20):
        try:
            holder = json.loads(path.read_text())
            os.kill(int(holder["pid"]), 0)
        except (ValueError, KeyError, ProcessLookupError):
            time.sleep(0.05)
        except PermissionError:
            break  # another user's process: alive
        else:
            break
    else:
        return f"{path} is locked by a process that has not named itself; wait for it to end"
    return (
        f"{path.parent} is locked by {holder['what']}, pid {holder['pid']} on {holder['host']}, "
        f"started {holder['started_at']}; "
        "wait for it to end, or stop that process: the lock goes with it"
    )
