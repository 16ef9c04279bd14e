"""Runs on disk: immutable folders with a manifest, one pointer that moves, and the way back.

`DIR/{current → <run_id>, <run_id>/…}`. Nothing here writes into a run that is published, and a process that is killed
at any instruction leaves `current` on a complete run. Whoever writes holds the lock of DIR.
"""

from __future__ import annotations

import difflib
import functools
import hashlib
import json
import os
import shutil
import time
from typing import TYPE_CHECKING, Any

from warehouse.errors import CorruptRun, UnknownRun, WarehouseError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "MANIFEST",
    "REMOVING",
    "current_run",
    "list_runs",
    "publish_run",
    "rollback",
    "sync_folder",
    "sync_tree",
    "verify_manifest",
    "write_manifest",
]

MANIFEST = "manifest.json"
_FORMAT = 1
_BUILDING = ".building-"
REMOVING = ".removing-"
_POINTER_ASIDE = ".current.tmp"
# a file that changed this recently may change again within one tick of its clock, unseen
_SETTLED_NS = 2_000_000_000


def write_manifest(folder: Path, facts: Mapping[str, object]) -> None:
    """Write `manifest.json`: sha256 and size of every file of the run, the format's number, and the run's own facts."""
    files = {
        str(file.relative_to(folder)): {"sha256": _sha256(str(file)), "size": file.stat().st_size}
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != MANIFEST
    }
    text = json.dumps({"format": _FORMAT, "facts": dict(facts), "files": files}, indent=1, ensure_ascii=False)
    aside = folder / f".{MANIFEST}.tmp"
    aside.write_text(text + "\n", encoding="utf-8")
    aside.replace(folder / MANIFEST)


def verify_manifest(folder: Path) -> dict[str, object]:
    """Return the facts of a run all of whose files are what the manifest says.

    A file is hashed once a process for as long as its size, times and inode stay.

    Raises:
        CorruptRun: names the file, what was expected, what was found and the cure; also an unknown format.
    """
    manifest = _read_manifest(folder)
    for name, expected in manifest["files"].items():
        file = folder / name
        if not file.is_file():
            raise CorruptRun(f"{file}: is gone, the manifest has it with {expected['size']} bytes; {_CURE}")
        size = file.stat().st_size
        if size != expected["size"]:
            raise CorruptRun(f"{file}: expected {expected['size']} bytes, found {size}; {_CURE}")
        found = _known_sha256(file)
        if found != expected["sha256"]:
            raise CorruptRun(f"{file}: expected sha256 {expected['sha256']}, found {found}; {_CURE}")
    return dict(manifest["facts"])


_CURE = "take the run before it: shelfwise rollback, or publish a new one: shelfwise nightly"


def _read_manifest(folder: Path) -> dict[str, Any]:
    file = folder / MANIFEST
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
        number, files, facts = manifest["format"], manifest["files"], manifest["facts"]
        complete = isinstance(facts, dict) and all({"sha256", "size"} <= set(entry) for entry in files.values())
    except FileNotFoundError as error:
        raise CorruptRun(f"{file}: is gone; {_CURE}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CorruptRun(f"{file}: is no manifest ({type(error).__name__}: {error}); {_CURE}") from error
    if number != _FORMAT:
        raise CorruptRun(
            f"{file}: has format {number!r}, this version of shelfwise reads {_FORMAT}; "
            f"open it with the version that published it, or {_CURE}"
        )
    if not complete:
        raise CorruptRun(f"{file}: is no manifest (facts or the hash of a file are missing); {_CURE}")
    return manifest  # type: ignore[no-any-return]


def publish_run(building: Path, *, root: Path, keep_runs: int) -> Path:
    """Make the run built in `root/.building-<run_id>` the published one; return its folder `root/<run_id>`.

    Files are synced, then one rename and one swap of the pointer. Called again after a kill it goes on where it
    stopped. The last `keep_runs` runs stay, and the current one always.

    Raises:
        WarehouseError: the folder is no run under way, lacks its manifest, or a run of that id is there already.
    """
    if not building.name.startswith(_BUILDING) or keep_runs < 1:
        raise WarehouseError(
            f"{building}, keep_runs {keep_runs}: a run is built in {_BUILDING}<run_id>, and 1 or more stay"
        )
    run_id = building.name.removeprefix(_BUILDING)
    target = root / run_id
    if building.exists():
        if target.exists():
            raise WarehouseError(f"{target}: a run of that id is there already; a published run is never written again")
        if not (building / MANIFEST).is_file():
            raise WarehouseError(f"{building}: has no {MANIFEST}; write_manifest comes before publish_run")
        sync_tree(building)
        building.rename(target)
        sync_folder(root)
    elif not (target / MANIFEST).is_file():
        raise WarehouseError(f"{building}: no such folder, and no run {run_id} either; nothing to publish")
    _point(root, run_id)
    _retain(root, keep_runs)
    return target


def rollback(root: Path, run_id: str | None = None) -> str:
    """Move the pointer to `run_id` (None: the run before the current one), once its files are verified; return the id.

    Raises:
        UnknownRun: no run of that id is kept, or none before the current one; names those that are.
        CorruptRun: that run is not what its manifest says; the pointer stays.
    """
    kept, current = list_runs(root), current_run(root)
    if run_id is None:
        before = [each for each in kept if current is None or each < current]
        if not before:
            raise UnknownRun(f"{root}: no run before {current or 'the first'}; kept: {', '.join(kept) or 'none'}")
        run_id = before[-1]
    elif run_id not in kept:
        near = difflib.get_close_matches(run_id, kept, n=3, cutoff=0.5) or kept[-3:]
        raise UnknownRun(f"{root}: no run {run_id!r} is kept; did you mean {' or '.join(near) or 'none: it is empty'}?")
    verify_manifest(root / run_id)
    _point(root, run_id)
    return run_id


def list_runs(root: Path) -> list[str]:
    """Return the ids of the runs that are kept, oldest first."""
    found = root.iterdir() if root.is_dir() else ()
    return sorted(
        each.name
        for each in found
        if not each.name.startswith(".") and not each.is_symlink() and (each / MANIFEST).is_file()
    )


def current_run(root: Path) -> str | None:
    """Return the id of the published run; None where nothing was published."""
    pointer = root / "current"
    return pointer.readlink().name if pointer.is_symlink() else None


def _point(root: Path, run_id: str) -> None:
    aside = root / _POINTER_ASIDE
    aside.unlink(missing_ok=True)  # of a process that was killed right here
    aside.symlink_to(run_id)
    aside.replace(root / "current")
    sync_folder(root)


def _retain(root: Path, keep_runs: int) -> None:
    current = current_run(root)
    for run_id in list_runs(root)[:-keep_runs]:
        if run_id != current:
            # renamed first: a half-removed run must not look like one. An open reader keeps its file (POSIX).
            (root / run_id).rename(root / f"{REMOVING}{run_id}")
    for left in sorted(root.glob(f"{REMOVING}*")):
        shutil.rmtree(left)


def sync_tree(folder: Path) -> None:
    """Sync every file and folder below a folder, and itself, to the disk."""
    for place in sorted(folder.rglob("*")):
        sync_folder(place)
    sync_folder(folder)


def sync_folder(place: Path) -> None:
    """Sync one file or folder to the disk: of a folder, the names in it."""
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _known_sha256(file: Path) -> str:
    stat = file.stat()
    if time.time_ns() - max(stat.st_ctime_ns, stat.st_mtime_ns) < _SETTLED_NS:
        return _sha256(str(file))
    return _settled_sha256(str(file), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


@functools.lru_cache(maxsize=1024)
def _settled_sha256(file: str, *_stat: int) -> str:
    return _sha256(file)


def _sha256(file: str) -> str:
    with open(file, "rb") as stream:  # noqa: PTH123 the key of a cache is a str
        return hashlib.file_digest(stream, "sha256").hexdigest()
