from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from encoders import EncoderConfig, VectorCache, load_encoder
from encoders import cache as cache_module

TEXTS = ["red wool scarf", "blue kettle", "", "oak table", "red wool scarf", "<b>blue</b> kettle"]


class CountingEncoder:
    """A cheap stand-in for the slow part: deterministic unit vectors, and a count of what it was asked for."""

    def __init__(self, encoder_id="counting@1"):
        self.encoder_id, self.dim, self.asked = encoder_id, 8, []

    def prompt(self, kind):
        return "query: " if kind == "query" else ""

    def encode(self, texts, *, kind, progress=None):
        self.asked.extend(texts)
        rows = [
            np.frombuffer(hashlib.sha256((self.encoder_id + self.prompt(kind) + t).encode()).digest()[:8], np.uint8)
            for t in texts
        ]
        vectors = np.array(rows, dtype=np.float32) + 1
        if progress:
            progress("encode", len(texts), len(texts))
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def unknown_word_share(self, texts):
        return 0.0


def test_a_text_is_encoded_once_in_a_call_and_never_again(tmp_path):
    first = CountingEncoder()
    cold = VectorCache(tmp_path, first).encode(TEXTS, kind="product")
    assert (cold.texts_encoded, cold.cache_hits) == (3, 0)
    assert first.asked == ["red wool scarf", "blue kettle", "oak table"]
    second = CountingEncoder()
    warm = VectorCache(tmp_path, second).encode(TEXTS[::-1], kind="review")
    assert (warm.texts_encoded, warm.cache_hits, second.asked) == (0, 3, [])
    assert np.array_equal(warm.vectors[::-1], cold.vectors)
    assert not cold.vectors[2].any()


def test_real_vectors_come_back_bit_for_bit_and_only_what_changed_is_encoded(tmp_path):
    encoder = load_encoder(EncoderConfig())
    texts = [f"shirt number {number}" for number in range(100)]
    cold = VectorCache(tmp_path, encoder).encode(texts, kind="product")
    changed = ["trousers", *texts[1:]]
    warm = VectorCache(tmp_path, encoder).encode(changed, kind="product")
    assert (warm.texts_encoded, warm.cache_hits) == (1, 99)
    assert np.array_equal(warm.vectors[1:], cold.vectors[1:])


def test_a_query_and_a_passage_are_kept_apart(tmp_path):
    cache = VectorCache(tmp_path, CountingEncoder())
    passage = cache.encode(["scarf"], kind="product")
    query = cache.encode(["scarf"], kind="query")
    assert query.texts_encoded == 1
    assert not np.array_equal(query.vectors, passage.vectors)


def test_two_encoders_never_mix(tmp_path):
    one = VectorCache(tmp_path, CountingEncoder("counting@1")).encode(TEXTS, kind="product")
    other = VectorCache(tmp_path, CountingEncoder("counting@2")).encode(TEXTS, kind="product")
    assert other.texts_encoded == 3
    assert not np.array_equal(one.vectors, other.vectors)
    again = VectorCache(tmp_path, CountingEncoder("counting@1")).encode(TEXTS, kind="product")
    assert np.array_equal(again.vectors, one.vectors)


@pytest.mark.parametrize("part", ["keys", "vectors"])
@pytest.mark.parametrize("damage", ["truncated", "flipped", "gone"])
def test_a_damaged_shard_is_encoded_again_and_never_trusted(tmp_path, part, damage, caplog):
    cold = VectorCache(tmp_path, CountingEncoder()).encode(TEXTS, kind="product")
    [path] = tmp_path.rglob(f"*.{part}.npy")
    payload = bytearray(path.read_bytes())
    payload[-1] ^= 1
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(payload if damage == "flipped" else payload[:-7])
    encoder = CountingEncoder()
    again = VectorCache(tmp_path, encoder).encode(TEXTS, kind="product")
    assert again.texts_encoded == 3
    assert np.array_equal(again.vectors, cold.vectors)
    assert ("damaged" in caplog.text) == ((part, damage) != ("keys", "gone"))
    assert VectorCache(tmp_path, encoder).encode(TEXTS, kind="product").cache_hits == 3


def test_a_killed_run_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "_TEXTS_A_SHARD", 10)
    texts = [f"text {number}" for number in range(35)]

    class Killed(CountingEncoder):
        def encode(self, texts, *, kind, progress=None):
            if len(self.asked) >= 20:
                raise KeyboardInterrupt
            return super().encode(texts, kind=kind, progress=progress)

    with pytest.raises(KeyboardInterrupt):
        VectorCache(tmp_path, Killed()).encode(texts, kind="product")
    seen = []
    resumed = VectorCache(tmp_path, CountingEncoder()).encode(texts, kind="product", progress=lambda *s: seen.append(s))
    assert (resumed.texts_encoded, resumed.cache_hits) == (15, 20)
    assert seen == [("encode", 10, 15), ("encode", 15, 15)]


def test_files_left_by_a_killed_writer_are_swept_after_a_day_and_not_before(tmp_path):
    folder = VectorCache(tmp_path, CountingEncoder()).folder
    old, young = folder / "old.tmp", folder / "young.tmp"
    old.touch()
    young.touch()
    os.utime(old, (time.time() - 90_000,) * 2)
    assert len(VectorCache(tmp_path, CountingEncoder())) == 0
    assert not old.exists()
    assert young.exists()


def test_several_writers_share_a_folder(tmp_path):
    code = (
        "import sys; from pathlib import Path; from encoders import VectorCache\n"
        "import numpy as np\n"
        "class E:\n"
        "    encoder_id, dim = 'shared', 4\n"
        "    def prompt(self, kind): return ''\n"
        "    def encode(self, texts, *, kind, progress=None):\n"
        "        return np.array([[len(t), 1, 0, 0] for t in texts], np.float32)\n"
        "r = VectorCache(Path(sys.argv[1]), E()).encode(['a' * n for n in range(1, 200)], kind='product')\n"
        "assert r.vectors[:, 0].tolist() == list(range(1, 200))\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    encoder = CountingEncoder("shared")
    encoder.dim = 4
    assert VectorCache(tmp_path, encoder).encode(["a" * 7], kind="product").vectors[0, 0] == 7


def test_where_the_folder_cannot_be_written_the_vectors_are_kept_in_the_process_if_that_is_allowed(tmp_path, caplog):
    (tmp_path / "occupied").write_text("a file where the folder would be")
    with pytest.raises(OSError, match="occupied"):
        VectorCache(tmp_path / "occupied", CountingEncoder())
    encoder = CountingEncoder()
    cache = VectorCache(tmp_path / "occupied", encoder, must_write=False)
    first, again = (cache.encode(["red wool scarf"], kind="sentence") for _ in range(2))
    assert (first.texts_encoded, again.cache_hits, encoder.asked) == (1, 1, ["red wool scarf"])
    assert np.array_equal(first.vectors, again.vectors)
    assert "kept in this process alone" in caplog.text
    assert [path.name for path in tmp_path.iterdir()] == ["occupied"]
