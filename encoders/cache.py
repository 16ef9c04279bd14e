"""Vectors kept by the content of their text: an unchanged text is never encoded twice.

One folder an encoder, so two never mix. In it, shards of two whole files: `<keys>-<vectors>.keys.npy`, (n, 32) bytes,
and `<keys>-<vectors>.vectors.npy`, (n, dim), each named by the blake2b of both files. The vectors are written first and
the keys last, each aside, synced, and renamed: a shard exists when its keys do, whoever else writes.
"""

from __future__ import annotations

import json
import logging
import os
import re
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np

from encoders.cleaning import clean
from encoders.contract import TextKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from encoders.contract import Encoder, Progress, Vectors

__all__ = ["KEYS", "PROMPTS", "VECTORS", "Encoded", "VectorCache", "key_of", "write_shard"]

_LOG = logging.getLogger(__name__)
_TEXTS_A_SHARD = 4096  # what a killed run loses at most
KEYS, VECTORS = ".keys.npy", ".vectors.npy"
PROMPTS = "prompts.json"  # kind → what stood before its texts when their keys were made


@dataclass(frozen=True, slots=True)
class Encoded:
    """Row `i` of `vectors` (n, dim) is text `i`'s. `texts_encoded` and `cache_hits` count different texts, not rows."""

    vectors: Vectors
    texts_encoded: int
    cache_hits: int


class VectorCache:
    """The vectors of one encoder in a folder that several processes may share."""

    def __init__(self, folder: Path, encoder: Encoder, *, must_write: bool = True) -> None:
        """Open the encoder's own folder under `folder`; shards that are damaged are named in the log and left out.

        `must_write`: a folder that cannot be written is an error (OSError); else the vectors are kept in this object
        alone, and the log says so.
        """
        self.encoder = encoder
        self._writes = True
        self._must_write = must_write
        name = re.sub(r"[^\w.-]+", "-", encoder.encoder_id)[:60]
        self.folder = folder / f"{name}-{blake2b(encoder.encoder_id.encode(), digest_size=8).hexdigest()}"
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True)
            self._say_prompts()
        self._places: dict[bytes, tuple[Path, int]] = {}  # key → shard and row
        self._open: dict[Path, Vectors] = {}
        for keys_path in sorted(self.folder.glob(f"*{KEYS}")):
            self._read_keys(keys_path)
        for left in self.folder.glob("*.tmp"):  # of a writer that was killed; a living one is done within the day
            with self._writing():
                if time.time() - left.stat().st_mtime > 86_400:
                    left.unlink(missing_ok=True)

    def __len__(self) -> int:
        """Return the number of texts whose vectors are kept."""
        return len(self._places)

    def encode(self, texts: Sequence[str], *, kind: TextKind, progress: Progress | None = None) -> Encoded:
        """Return the texts' vectors, (len(texts), dim), encoding those that are not kept, and keep them.

        Equal texts are encoded once. What has been encoded is kept every few thousand texts, so that a killed run
        goes on where it was. An empty text is zeros, and counts neither as encoded nor as a hit.
        """
        prompt = self.encoder.prompt(kind)
        cleaned = [clean(text) for text in texts]
        keys = {text: key_of(prompt, text) for text in dict.fromkeys(cleaned) if text}
        known = {text: vector for text, key in keys.items() if (vector := self._find(key)) is not None}
        new = [text for text in keys if text not in known]
        hits = len(known)
        for start in range(0, len(new), _TEXTS_A_SHARD):
            part = new[start : start + _TEXTS_A_SHARD]
            vectors = self.encoder.encode(part, kind=kind, progress=_from(progress, start, len(new)))
            self._write([keys[text] for text in part], vectors)
            known.update(zip(part, vectors, strict=True))
        result = np.zeros((len(texts), self.encoder.dim), dtype=np.float32)
        for row, text in enumerate(cleaned):
            if text:
                result[row] = known[text]
        return Encoded(result, texts_encoded=len(new), cache_hits=hits)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Let a folder that cannot be written be one that is only read, where that is allowed."""
        try:
            yield
        except OSError as error:
            if self._must_write:
                raise
            if self._writes:
                _LOG.warning(
                    "vector cache: %s cannot be written (%s); vectors are kept in this process alone",
                    self.folder,
                    error.strerror,
                )
            self._writes = False

    def _say_prompts(self) -> None:
        path = self.folder / PROMPTS
        said = json.dumps({kind: self.encoder.prompt(kind) for kind in get_args(TextKind)}, ensure_ascii=False).encode()
        if not path.exists() or path.read_bytes() != said:
            _write_whole(path, said)

    def _read_keys(self, keys_path: Path) -> None:
        digest = keys_path.name.removesuffix(KEYS).split("-")[0]
        payload = keys_path.read_bytes()
        if _digest(payload) != digest:
            self._drop(keys_path, "its keys are not what they were written as")
            return
        keys = np.load(BytesIO(payload))
        vectors_path = keys_path.with_name(keys_path.name.removesuffix(KEYS) + VECTORS)
        for row in range(len(keys)):
            self._places[keys[row].tobytes()] = (vectors_path, row)

    def _find(self, key: bytes) -> Vectors | None:
        place = self._places.get(key)
        if place is None:
            return None
        path, row = place
        if path not in self._open and not self._open_vectors(path):
            return None
        vector: Vectors = self._open[path][row]
        return vector

    def _open_vectors(self, path: Path) -> bool:
        """Map a shard's vectors into memory once their checksum is right; a damaged shard's texts are new again."""
        digest = path.name.removesuffix(VECTORS).split("-")[1]
        if not path.is_file() or _digest(path.read_bytes()) != digest:
            self._drop(path.with_name(path.name.removesuffix(VECTORS) + KEYS), "its vectors are not what they were")
            self._places = {key: place for key, place in self._places.items() if place[0] != path}
            return False
        self._open[path] = np.load(path, mmap_mode="r")
        return True

    def _drop(self, keys_path: Path, why: str) -> None:
        _LOG.warning("vector cache: shard %s is damaged (%s); its texts are encoded again", keys_path, why)
        with self._writing():
            keys_path.unlink(missing_ok=True)

    def _write(self, keys: list[bytes], vectors: Vectors) -> None:
        vectors_path = self.folder / f"{len(self._open)}{VECTORS}"  # where it cannot be written
        with self._writing():
            if self._writes:
                vectors_path = write_shard(self.folder, keys, vectors)
        self._open[vectors_path] = vectors
        for row, key in enumerate(keys):
            self._places[key] = (vectors_path, row)


def write_shard(folder: Path, keys: list[bytes], vectors: Vectors) -> Path:
    """Write the vectors (n, dim) and then their keys as one shard; return the path of the vectors."""
    keys_payload = _npy(np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(len(keys), -1))
    vectors_payload = _npy(vectors)
    name = f"{_digest(keys_payload)}-{_digest(vectors_payload)}"
    _write_whole(folder / f"{name}{VECTORS}", vectors_payload)
    _write_whole(folder / f"{name}{KEYS}", keys_payload)
    return folder / f"{name}{VECTORS}"


def key_of(prompt: str, text: str) -> bytes:
    """Return what a text's vector is kept under; `prompt` is the encoder's for the text's kind."""
    # the prompt's length stands before it: ("a", "bc") and ("ab", "c") are not the same
    return blake2b(f"{len(prompt)}:{prompt}{text}".encode(), digest_size=32).digest()


def _digest(payload: bytes) -> str:
    return blake2b(payload, digest_size=16).hexdigest()


def _npy(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> bytes:
    buffer = BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _write_whole(path: Path, payload: bytes) -> None:
    """Write a file so that it is there whole or not at all, even after a power cut."""
    descriptor, aside = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        Path(aside).replace(path)
    finally:
        Path(aside).unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _from(progress: Progress | None, start: int, total: int) -> Progress | None:
    """Return `progress` as seen from a part of the work that begins after `start` texts."""
    if progress is None:
        return None

    def shifted(what: str, done: int, _: int) -> None:
        progress(what, start + done, total)

    return shifted
