"""Same input, same rows; a second night does again only what is new; another encoder, another set of vectors."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from encoders import EncoderConfig, load_encoder
from jobs.embed import embed_texts
from jobs.ingest import read_shop
from recsys import Recommender, StaleIndex, VectorIndex
from warehouse import Published


def shards(runs):
    """Return {path below the cache: sha256} of every file of vectors and keys."""
    cache = runs / "cache" / "vectors"
    files = sorted(path for path in cache.rglob("*.npy"))
    return {str(path.relative_to(cache)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def texts_kept(runs):
    """Return {the encoder's folder: number of texts kept}."""
    found: dict[str, int] = {}
    for path in (runs / "cache" / "vectors").rglob("*.keys.npy"):
        found[path.parent.name] = found.get(path.parent.name, 0) + len(np.load(path))
    return found


def test_n23_two_nights_on_the_same_input_come_to_the_same_rows(published, again, assert_same_night):
    assert Published.open(published.runs).run_id != Published.open(again).run_id
    assert_same_night(published.runs, again)


def test_n23_two_nights_on_the_same_input_have_the_same_vectors_bit_by_bit(published, again):
    first, second = (VectorIndex.load(runs / "current" / "index") for runs in (published.runs, again))
    assert first.item_ids == second.item_ids
    assert first.vectors().tobytes() == second.vectors().tobytes()
    assert shards(published.runs) == shards(again)


def test_n11_a_second_night_encodes_the_changed_texts_only(published, second_night, ask):
    (row,) = ask(second_night.runs, "SELECT texts_encoded, cache_hits FROM runs ORDER BY run_id DESC LIMIT 1").rows()
    changed = len(second_night.changed)
    assert 0 < changed <= 0.02 * published.report.texts_encoded
    assert row == (changed, published.report.texts_encoded - changed)


def test_n11_the_vectors_of_unchanged_texts_are_the_same_bit_by_bit(published, second_night):
    first, second = shards(published.runs), shards(second_night.runs)
    assert {name: second.get(name) for name in first} == first  # what was kept is as it was
    assert sum(texts_kept(second_night.runs).values()) == published.report.texts_encoded + len(second_night.changed)
    before, after = (VectorIndex.load(runs / "current" / "index") for runs in (published.runs, second_night.runs))
    assert before.item_ids == after.item_ids
    same = [row for row, item_id in enumerate(before.item_ids) if item_id not in second_night.changed]
    assert before.vectors()[same].tobytes() == after.vectors()[same].tobytes()
    other = [row for row, item_id in enumerate(before.item_ids) if item_id in second_night.changed]
    assert not np.allclose(before.vectors()[other], after.vectors()[other], atol=1e-3)


def test_n11_a_warm_night_has_the_vectors_of_a_cold_one(published, second_night, tmp_path):
    shop = read_shop(second_night.input, settings=published.settings, cutoff=None, cache=None)
    cold = embed_texts(shop, settings=published.settings, cache=tmp_path / "empty")
    assert cold.cache_hits == 0
    # the id is a hash of the encoder, the texts and their vectors
    assert cold.vectors.snapshot_id == Published.open(second_night.runs).facts["snapshot_id"]


def test_n12_another_encoder_encodes_every_text_anew_under_an_id_of_its_own(chinese_nights, ask):
    rows = ask(
        chinese_nights.runs, "SELECT run_id, encoder_id, texts_encoded, cache_hits FROM runs ORDER BY run_id"
    ).rows(named=True)
    assert [row["run_id"] for row in rows] == list(chinese_nights.run_ids)
    old, new = rows
    assert old["encoder_id"].startswith("all-MiniLM-L6-v2")
    assert new["encoder_id"].startswith("multilingual-e5-small")
    assert new["cache_hits"] == old["cache_hits"] == 0
    assert new["texts_encoded"] == old["texts_encoded"] > 60
    assert sorted(texts_kept(chinese_nights.runs).values()) == [old["texts_encoded"]] * 2  # a folder each, none mixed


def test_n12_the_old_run_is_still_readable_after_the_encoder_has_changed(chinese_nights, plain):
    old, new = chinese_nights.run_ids
    for run_id in (old, new):
        told = plain(chinese_nights.runs / run_id / "shelfwise.duckdb", "SELECT count(*), min(run_id) FROM forecast")
        assert told.stdout == f"(320, '{run_id}')\n", told.stderr
    answer = Recommender.open(chinese_nights.runs / old).similar_items("z01a", k=3)
    kept = Recommender.open(chinese_nights.runs_after_minilm).similar_items("z01a", k=3)
    assert answer.equals(kept)


def test_n12_no_index_mixes_two_encoders(chinese_nights):
    old, new = chinese_nights.run_ids
    minilm = load_encoder(EncoderConfig(threads=1))
    e5 = load_encoder(EncoderConfig(name="multilingual-e5-small", threads=1))
    with pytest.raises(StaleIndex, match=r"multilingual-e5-small.*all-MiniLM-L6-v2"):
        Recommender.open(chinese_nights.runs, encoder=minilm)
    with pytest.raises(StaleIndex, match=r"all-MiniLM-L6-v2.*multilingual-e5-small"):
        Recommender.open(chinese_nights.runs / old, encoder=e5)
    assert Recommender.open(chinese_nights.runs, encoder=e5).run.run_id == new
    facts = [Published.open(chinese_nights.runs / run_id).facts for run_id in (old, new)]
    assert facts[0]["snapshot_id"] != facts[1]["snapshot_id"]
