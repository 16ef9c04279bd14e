"""The vector cache swept: what no text in use refers to any more is written out of it.

A vector lets its text be guessed, so it goes with the text. Needs no weights: each encoder's folder says with which
prompts its keys were made.
"""

from __future__ import annotations

import json
import logging
import shutil
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from encoders.cleaning import clean
from encoders.shards import KEYS, PROMPTS, VECTORS, key_of, read_keys, write_shard

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

__all__ = ["sweep_vectors"]

_LOG = logging.getLogger(__name__)


def sweep_vectors(folder: Path, texts: Mapping[str, Collection[str]]) -> int:
    """Leave in every encoder's cache below `folder` the vectors of `texts` (by kind) alone; return how many went.

    A shard is written anew without them before the old one goes, so that a kill loses no vector that is in use. A
    folder that does not say its prompts is removed whole: its texts are encoded again.
    """
    gone = 0
    for own in sorted(each for each in folder.iterdir() if each.is_dir()) if folder.is_dir() else ():
        prompts = _prompts(own)
        if prompts is None:
            _LOG.info("vector cache: %s does not say its prompts and is removed; its texts are encoded again", own)
            gone += sum(len(read_keys(path.read_bytes())[0]) for path in own.glob(f"*{KEYS}"))
            shutil.rmtree(own)
            continue
        used = {
            key_of(prompt, text)
            for kind, prompt in prompts.items()
            for text in {clean(each) for each in texts.get(kind, ())}
            if text
        }
        gone += sum(_sweep_shard(path, used) for path in sorted(own.glob(f"*{KEYS}")))
        for orphan in own.glob(f"*{VECTORS}"):  # of a sweep that was killed
            if not orphan.with_name(orphan.name.removesuffix(VECTORS) + KEYS).exists():
                orphan.unlink(missing_ok=True)
    return gone


def _prompts(folder: Path) -> dict[str, str] | None:
    try:
        found = json.loads((folder / PROMPTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _sweep_shard(keys_path: Path, used: Collection[bytes]) -> int:
    payload = keys_path.read_bytes()
    keys, counts = read_keys(payload)
    vectors_path = keys_path.with_name(keys_path.name.removesuffix(KEYS) + VECTORS)
    stays = np.array([key in used for key in keys], dtype=bool)
    if stays.all():
        return 0
    if stays.any() and vectors_path.is_file():
        kept = [row.tobytes() for row in np.load(BytesIO(payload))[stays]]
        write_shard(keys_path.parent, kept, np.load(vectors_path)[np.repeat(stays, counts)])
    keys_path.unlink(missing_ok=True)
    vectors_path.unlink(missing_ok=True)
    return int((~stays).sum())
