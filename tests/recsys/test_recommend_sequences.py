from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

ROOT = Path(__file__).resolve().parents[2]
BEAUTY = ROOT.parent / "shared" / "data" / "amazon_beauty"
SCRIPT = ROOT / "benchmarks" / "recommend_sequences.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("recommend_sequences", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["recommend_sequences"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def write_folder(folder, sequences, titles=None, attributes=None):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sequences.txt").write_text("\n".join(" ".join(line) for line in sequences) + "\n")
    if titles is not None:
        (folder / "titles.json").write_text(json.dumps(titles))
    if attributes is not None:
        (folder / "item2attributes.json").write_text(json.dumps(attributes))
    return folder


def walks(users=120, items=80):
    """Sequences in which the next item is mostly the one after the last."""
    rng = np.random.default_rng(2)
    lines = []
    for user in range(users):
        at, own = int(rng.integers(items)), []
        while len(own) < rng.integers(5, 12):
            if str(at) not in own:
                own.append(str(at))
            at = (at + 1) % items if rng.random() < 0.7 else int(rng.integers(items))
        lines.append([f"u{user}", *own])
    return lines


TITLES = {str(item): f"thing number {item} of kind {item % 7}" for item in range(0, 80, 2)}
ATTRIBUTES = {str(item): [item % 5, 100 + item % 9] for item in range(80)}


def other_last(sequences, catalogue, seed=0):
    rng = np.random.default_rng(seed)
    changed = []
    for user, *own in sequences:
        free = [item for item in catalogue if item not in own]
        changed.append([user, *own[:-1], free[int(rng.integers(len(free)))]])
    return changed


def made(script, folder, encoder="tfidf", *, keep_seen=False):
    read = script.read_folder(folder)
    texts = script.text_vectors(read, encoder, cache=folder / "cache", seed=0, threads=1)
    return script.recommend(read, texts, script.sequence_config(keep_seen=keep_seen, seed=0, threads=1))[0]


def test_what_the_last_item_was_changes_no_row(script, tmp_path):
    sequences = walks()
    one = write_folder(tmp_path / "one", sequences, TITLES, ATTRIBUTES)
    other = write_folder(tmp_path / "other", other_last(sequences, list(ATTRIBUTES)), TITLES, ATTRIBUTES)
    assert_frame_equal(made(script, one), made(script, other))


def test_every_user_gets_rows_and_nothing_seen(script, tmp_path):
    sequences = [*walks(), ["fresh", "3"]]
    rows = made(script, write_folder(tmp_path, sequences, None, None), "none")
    assert rows.group_by("user_id").len()["len"].unique().to_list() == [20]
    known = {(user, item) for user, *own in sequences for item in own[:-1]}
    assert known.isdisjoint(rows.select("user_id", "item_id").rows())
    assert rows.filter(pl.col("user_id") == "fresh")["source"].unique().to_list() == ["popular"]


def test_renumbering_the_items_changes_only_their_names_where_scores_differ(script, tmp_path):
    sequences = walks()
    hits = []
    for name, rename in (("one", str), ("other", lambda item: str(997 - int(item)))):
        lines = [[user, *(rename(item) for item in own)] for user, *own in sequences]
        rows = made(script, write_folder(tmp_path / name, lines), "none")
        first = dict(rows.filter(pl.col("rank") <= 10).group_by("user_id").agg("item_id").iter_rows())
        hits.append(sum(line[-1] in first[line[0]] for line in lines))
    assert hits[0] > 0.4 * len(sequences)  # by chance an eighth
    assert abs(hits[0] - hits[1]) <= 0.1 * len(sequences)


def test_a_placebo_gives_titles_to_other_items(script, tmp_path):
    read = script.read_folder(write_folder(tmp_path, walks(), TITLES))
    texts = script.text_vectors(read, "tfidf", cache=tmp_path, seed=0, threads=1)
    assert texts.texts.height == 80
    lengths = np.linalg.norm(texts.vectors, axis=1)
    assert set(lengths.round(4)) == {0.0, 1.0}
    assert script.text_vectors(read, "none", cache=tmp_path, seed=0, threads=1) is None


def test_the_command_writes_ranks_and_prints_the_seconds(tmp_path):
    folder = write_folder(tmp_path / "shop", walks(40), None, ATTRIBUTES)
    out = tmp_path / "recs.parquet"
    command = [sys.executable, str(SCRIPT), str(folder), "--out", str(out), "--encoder", "none", "--keep-seen"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    facts = json.loads(done.stdout)
    assert facts["users"] == 40
    assert facts["seconds"] > 0
    rows = pl.read_parquet(out)
    assert rows.columns[:3] == ["user_id", "item_id", "rank"]
    assert rows.filter(pl.col("user_id") == "u0")["rank"].to_list() == list(range(1, 21))


@pytest.mark.skipif(not BEAUTY.exists(), reason="the benchmark's data are not beside this checkout")
def test_on_real_sequences_what_the_last_item_was_changes_no_row(script, tmp_path):
    sequences = [line.split() for line in (BEAUTY / "sequences.txt").read_text().splitlines()[:150]]
    catalogue = sorted({item for _, *own in sequences for item in own})
    titles = {
        item: title for item, title in json.loads((BEAUTY / "titles.json").read_text()).items() if item in catalogue
    }
    attributes = {item: [] for item in catalogue}
    one = write_folder(tmp_path / "one", sequences, titles, attributes)
    other = write_folder(tmp_path / "other", other_last(sequences, catalogue), titles, attributes)
    assert_frame_equal(made(script, one), made(script, other))
