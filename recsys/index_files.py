"""The files of an index, and the manifest that tells what they must be before faiss reads one."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from recsys.errors import CorruptIndex, RecsysError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["INDEX", "ITEMS", "verify_index", "write_manifest"]

FORMAT = 1
INDEX, ITEMS = "vectors.faiss", "items.parquet"
_MANIFEST = "manifest.json"


def write_manifest(folder: Path, *, items: int, dim: int) -> None:
    """Write the sha256 of the files that lie in `folder`, and what they hold."""
    facts = {
        "format": FORMAT,
        "items": items,
        "dim": dim,
        "sha256": {name: _sha256(folder / name) for name in (INDEX, ITEMS)},
    }
    (folder / _MANIFEST).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def verify_index(folder: Path) -> None:
    """Pass where the files are what the manifest says.

    Raises:
        CorruptIndex: a file is missing or is not what the manifest says.
        RecsysError: written in a format that this version does not know.
    """
    try:
        facts = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        hashes = dict(facts["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{folder / _MANIFEST}: no readable manifest of an index ({error}); take another run: shelfwise rollback"
        raise CorruptIndex(msg) from error
    if facts.get("format") != FORMAT:
        msg = f"{folder}: index format {facts.get('format')!r}, and this version reads {FORMAT}; upgrade shelfwise"
        raise RecsysError(msg)
    for name in (INDEX, ITEMS):
        path = folder / name
        found = _sha256(path) if path.is_file() else "no file"
        if found != hashes.get(name):
            msg = (
                f"{path}: sha256 is {found}, and the manifest says {hashes.get(name)}: the file is damaged; "
                "take another run: shelfwise rollback"
            )
            raise CorruptIndex(msg)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
