"""A shop that sells in Chinese: told that the default encoder cannot read it, and served by one that can."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from datetime import date

import pytest

import warehouse
from jobs.embed import embed_texts
from jobs.ingest import read_shop
from jobs.settings import Settings
from recsys import Recommender

SEARCHES = [
    ("降噪耳机", "z01"),
    ("遛狗的绳子", "z10"),
    ("给猫喝水的机器", "z09"),
    ("写作业用的灯", "z16"),
    ("noise cancelling wireless headphones", "z01"),
    ("a leash for a big dog", "z10"),
    ("bedtime picture book for children", "z03"),
    ("foldable baby stroller", "z13"),
]


def test_chinese_with_minilm_the_run_is_degraded_and_says_the_share_of_unknown_words_and_the_cure(chinese_nights, ask):
    assert chinese_nights.minilm.returncode == 3
    runs = chinese_nights.runs_after_minilm
    ((status, told, share),) = ask(runs, "SELECT status, degradations, unknown_word_share FROM runs").rows()
    assert status == "degraded"
    said = re.search(
        r'(\d+) % of the words in items are unknown to all-MiniLM-L6-v2; set encoder = "multilingual-e5-small"', told
    )
    assert said, told
    assert said.group(0) in chinese_nights.minilm.stderr
    assert int(said.group(1)) == pytest.approx(100 * share, abs=0.51)
    assert 0.6 < share < 0.95


def test_chinese_with_e5_the_shop_runs_end_to_end(chinese_nights, ask):
    report = chinese_nights.e5
    assert (report.status, report.degradations) == ("published", ())
    share = f"SELECT unknown_word_share FROM runs WHERE run_id = '{report.run_id}'"
    assert ask(chinese_nights.runs, share).item() < 0.01
    assert report.rows["recommendations"] == 30 * 20
    assert report.rows["forecast"] == 40 * 8
    assert report.rows["similar_items"] == 40 * 20
    assert ask(chinese_nights.runs, "SELECT title FROM item_status('z01a')").item() == "无线蓝牙降噪耳机"


def test_chinese_with_e5_the_twin_is_nearest_for_nine_tenths_of_the_twins(chinese_nights, ask):
    query = "SELECT query_item_id, item_id FROM similar_items WHERE rank = 1 AND query_item_id LIKE 'z%'"
    nearest = dict(ask(chinese_nights.runs, query).rows())
    assert len(nearest) == 32
    found = sum(query_id[:3] == item_id[:3] for query_id, item_id in nearest.items())
    assert found >= 0.9 * 32, {query_id: item for query_id, item in nearest.items() if query_id[:3] != item[:3]}


@pytest.mark.parametrize(("encoder", "least", "most"), [("multilingual-e5-small", 29, 32), ("all-MiniLM-L6-v2", 0, 24)])
def test_chinese_by_text_alone_only_e5_knows_the_twins(chinese_nights, encoder, least, most):
    settings = Settings(threads=1, encoder=encoder)
    shop = read_shop(chinese_nights.input, settings=settings, cutoff=None, cache=None)
    known = embed_texts(shop, settings=settings, cache=chinese_nights.runs / "cache" / "vectors")
    items = known.vectors.items(date(2026, 6, 28), review_weight=0.0)
    cosines = items.vectors @ items.vectors.T
    cosines[range(len(cosines)), range(len(cosines))] = -1
    pairs = [
        (item_id, items.item_ids[row]) for item_id, row in zip(items.item_ids, cosines.argmax(axis=1), strict=True)
    ]
    found = sum(item_id[:3] == near[:3] for item_id, near in pairs if item_id.startswith("z"))
    assert least <= found <= most
    assert known.texts_encoded == 0  # the nights have encoded them


@pytest.fixture(scope="module")
def shop(chinese_nights):
    return Recommender.open(chinese_nights.runs)


@pytest.mark.parametrize(("words", "pair"), SEARCHES)
def test_chinese_search_finds_by_a_chinese_and_by_an_english_query(shop, words, pair):
    found = shop.search(words, k=3)
    assert found["item_id"][0].startswith(pair), found


def test_chinese_reasons_and_lexical_matching_split_characters_into_bigrams(shop):
    # no space stands in these words: they are found by the characters that they share with the title
    by_words = shop.search("冲锋衣男款", k=1).row(0, named=True)
    assert (by_words["item_id"], by_words["score"] > 0.8) == ("z06a", True)


@pytest.fixture(scope="module")
def gb18030_shop(chinese_nights, tmp_path_factory):
    folder = shutil.copytree(chinese_nights.input, tmp_path_factory.mktemp("gb18030") / "input")
    for path in folder.glob("*.csv"):
        path.write_bytes(path.read_text(encoding="utf-8").encode("gb18030"))
    return folder


def test_chinese_a_gb18030_file_is_named_as_what_it_is_with_the_cure(gb18030_shop, tmp_path):
    runs = tmp_path / "runs"
    command = [sys.executable, "-m", "jobs.cli", "nightly", "--input", gb18030_shop, "--runs", runs]
    told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert told.returncode == 2
    assert "items.csv line 2: not utf-8; it looks like GB18030" in told.stderr
    assert 'set encoding = "gb18030" at the top of shop.toml, or save the file as UTF-8' in told.stderr
    assert "Traceback" not in told.stderr
    assert warehouse.current_run(runs) is None


def test_chinese_the_cure_for_gb18030_cures_it(gb18030_shop, chinese_nights):
    cured = read_shop(gb18030_shop, settings=Settings(encoding="gb18030"), cutoff=None, cache=None)
    known = read_shop(chinese_nights.input, settings=Settings(), cutoff=None, cache=None)
    assert cured.rows() == known.rows()
    assert all(cured.table(name).equals(known.table(name)) for name in known.rows())
