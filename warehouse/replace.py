"""A kept run rebuilt aside takes the place of the old one in one step: same run id, same path, another content.

Where the file system can exchange two folders (Linux, macOS) no reader sees anything but a whole run. Where it cannot,
there are two renames, and `heal` finishes what a kill between them left.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from typing import TYPE_CHECKING

from warehouse.errors import WarehouseError
from warehouse.runs import MANIFEST, REMOVING, sync_folder, sync_tree

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["REBUILDING", "heal_runs", "replace_run"]

REBUILDING = ".rebuilding-"
_REPLACED = ".replaced-"
_AT_FDCWD = -100  # paths are relative to the working folder, as everywhere
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS


def replace_run(rebuilt: Path, *, root: Path) -> None:
    """Put `root/.rebuilding-<run_id>` in the place of `root/<run_id>` and remove the old folder.

    Files are synced first. Who has the old files open goes on reading them.

    Raises:
        WarehouseError: the folder is none of a run that is kept, or lacks its manifest.
    """
    run_id = rebuilt.name.removeprefix(REBUILDING)
    target = root / run_id
    if not rebuilt.name.startswith(REBUILDING) or not target.is_dir() or not (rebuilt / MANIFEST).is_file():
        raise WarehouseError(f"{rebuilt}: no rebuilt run with a {MANIFEST}, or no run {run_id} that it could replace")
    sync_tree(rebuilt)
    if not _exchange(rebuilt, target):
        target.rename(root / f"{_REPLACED}{run_id}")
        rebuilt.rename(target)
    sync_folder(root)
    heal_runs(root)


def heal_runs(root: Path) -> None:
    """Finish what a kill left: every kept run is whole, and no old, half-built or half-removed copy stays."""
    for replaced in sorted(root.glob(f"{_REPLACED}*")):
        run_id = replaced.name.removeprefix(_REPLACED)
        if not (root / run_id).exists():
            rebuilt = root / f"{REBUILDING}{run_id}"
            (rebuilt if (rebuilt / MANIFEST).is_file() else replaced).rename(root / run_id)
            sync_folder(root)
    for kind in (_REPLACED, REBUILDING, REMOVING):
        for left in sorted(root.glob(f"{kind}*")):
            shutil.rmtree(left)
    sync_folder(root)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; False where this system or file system cannot."""
    library = ctypes.CDLL(None, use_errno=True)
    paths = os.fsencode(one), os.fsencode(other)
    if sys.platform == "darwin" and hasattr(library, "renamex_np"):
        failed = library.renamex_np(*paths, _EXCHANGE)
    elif hasattr(library, "renameat2"):
        failed = library.renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _EXCHANGE)
    else:
        return False
    if not failed:
        return True
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EXDEV):
        return False
    raise OSError(number, os.strerror(number), str(one), None, str(other))
