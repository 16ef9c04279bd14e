"""Whole files that keep arrays by the content of their texts, in a folder that several processes may share.

One folder an encoder, so two never mix. In it, shards of two whole files, each named by the blake2b of both:
`<keys>-<vectors>.keys.npy`, (n, 32) bytes, and `<keys>-<vectors>.vectors.npy`, a row a text; where a text has several
rows, its key is followed by four bytes that count them: (n, 36). The vectors are written first and the keys last, each
aside, synced, and renamed: a shard exists when its keys do, whoever else writes.
"""

from __future__ import annotations

import json
import logging
import os
import re
import tempfile
import time
from contextlib import contextmanager
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

import numpy as np

from encoders.contract import TextKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from encoders.contract import Encoder

__all__ = ["KEYS", "PROMPTS", "VECTORS", "Rows", "Shards", "key_of", "read_keys", "write_shard"]

_LOG = logging.getLogger(__name__)
_KEY = 32  # bytes
KEYS, VECTORS = ".keys.npy", ".vectors.npy"
PROMPTS = "prompts.json"  # kind → what stood before its texts when their keys were made
Rows: TypeAlias = "NDArray[np.floating[Any]]"


class Shards:
    """What is kept of one encoder's texts: an array (rows, dim) each."""

    def __init__(self, folder: Path, encoder: Encoder, *, what: str = "", must_write: bool = True) -> None:
        """Open the encoder's own folder under `folder`; shards that are damaged are named in the log and left out.

        `what` tells apart folders of one encoder. `must_write`: a folder that cannot be written is an error (OSError);
        else the arrays are kept in this object alone, and the log says so.
        """
        self._writes = True
        self._must_write = must_write
        name = re.sub(r"[^\w.-]+", "-", encoder.encoder_id)[:60]
        self.folder = folder / f"{name}-{blake2b(encoder.encoder_id.encode(), digest_size=8).hexdigest()}{what}"
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True)
            self._say_prompts(encoder)
        self._places: dict[bytes, tuple[Path, int, int]] = {}  # key → shard, first row and the one after its last
        self._open: dict[Path, Rows] = {}
        for keys_path in sorted(self.folder.glob(f"*{KEYS}")):
            self._read_keys(keys_path)
        for left in self.folder.glob("*.tmp"):  # of a writer that was killed; a living one is done within the day
            with self._writing():
                if time.time() - left.stat().st_mtime > 86_400:
                    left.unlink(missing_ok=True)

    def __len__(self) -> int:
        """Return the number of texts that are kept."""
        return len(self._places)

    def find(self, key: bytes) -> Rows | None:
        """Return the rows of a text, (rows, dim); None: not kept, or its shard is damaged."""
        place = self._places.get(key)
        if place is None:
            return None
        path, start, end = place
        if path not in self._open and not self._open_vectors(path):
            return None
        return self._open[path][start:end]

    def keep(self, keys: list[bytes], rows: Rows, counts: Sequence[int] | None = None) -> None:
        """Keep the rows of texts, one after another; `counts`: how many each text has, where it is not one."""
        path = self.folder / f"{len(self._open)}{VECTORS}"  # where it cannot be written
        stored = keys
        if counts is not None:
            stored = [key + int(count).to_bytes(4, "little") for key, count in zip(keys, counts, strict=True)]
        with self._writing():
            if self._writes:
                path = write_shard(self.folder, stored, rows)
        self._open[path] = rows
        self._place(keys, np.ones(len(keys), dtype=np.int64) if counts is None else np.asarray(counts), path)

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

    def _say_prompts(self, encoder: Encoder) -> None:
        path = self.folder / PROMPTS
        said = json.dumps({kind: encoder.prompt(kind) for kind in get_args(TextKind)}, ensure_ascii=False).encode()
        if not path.exists() or path.read_bytes() != said:
            _write_whole(path, said)

    def _read_keys(self, keys_path: Path) -> None:
        digest = keys_path.name.removesuffix(KEYS).split("-")[0]
        payload = keys_path.read_bytes()
        if _digest(payload) != digest:
            self._drop(keys_path, "its keys are not what they were written as")
            return
        keys, counts = read_keys(payload)
        self._place(keys, counts, keys_path.with_name(keys_path.name.removesuffix(KEYS) + VECTORS))

    def _place(self, keys: list[bytes], counts: NDArray[np.int64], path: Path) -> None:
        ends = np.cumsum(counts)
        for key, start, end in zip(keys, (ends - counts).tolist(), ends.tolist(), strict=True):
            self._places[key] = (path, start, end)

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


def write_shard(folder: Path, keys: list[bytes], vectors: Rows) -> Path:
    """Write the vectors (rows, dim) and then their keys as one shard; return the path of the vectors."""
    keys_payload = _npy(np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(len(keys), -1))
    vectors_payload = _npy(vectors)
    name = f"{_digest(keys_payload)}-{_digest(vectors_payload)}"
    _write_whole(folder / f"{name}{VECTORS}", vectors_payload)
    _write_whole(folder / f"{name}{KEYS}", keys_payload)
    return folder / f"{name}{VECTORS}"


def read_keys(payload: bytes) -> tuple[list[bytes], NDArray[np.int64]]:
    """Return the keys of a shard's first file, and how many rows each text has in the second."""
    stored = np.load(BytesIO(payload))
    keys = [row.tobytes() for row in stored[:, :_KEY]]
    if stored.shape[1] == _KEY:
        return keys, np.ones(len(keys), dtype=np.int64)
    return keys, np.ascontiguousarray(stored[:, _KEY:]).view("<u4")[:, 0].astype(np.int64)


def key_of(prompt: str, text: str) -> bytes:
    """Return what a text's vector is kept under; `prompt` is the encoder's for the text's kind."""
    # the prompt's length stands before it: ("a", "bc") and ("ab", "c") are not the same
    return blake2b(f"{len(prompt)}:{prompt}{text}".encode(), digest_size=_KEY).digest()


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
