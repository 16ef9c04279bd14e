"""The Python developer's scenarios, each through `from recsys import …` over runs that the night published."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from recsys import CorruptIndex, Filters, Recommender, UnknownItem, VectorIndex
from warehouse import Published

if TYPE_CHECKING:
    from pathlib import Path

BARE = {"item_id": "4711", "title": "", "description": "", "category": "tea", "brand": "", "price": 9}
THREADS, CALLS = 8, 150


@dataclass(frozen=True)
class TwoRuns:
    """Two runs of one shop, between which every title has changed; what threads were answered meanwhile."""

    input: Path
    runs: Path
    ids: tuple[str, str]
    answers: tuple[tuple[str, frozenset[bool]], ...]  # question, and whether the titles of one answer are the new ones


def read(folder, name):
    return pl.read_csv(folder / f"{name}.csv", infer_schema=False)


def append(folder, name, rows):
    table = read(folder, name)
    told = [{key: str(value) for key, value in row.items() if value != ""} for row in rows]
    new = pl.DataFrame(told, schema=dict.fromkeys(table.columns, pl.String))
    pl.concat([table, new]).write_csv(folder / f"{name}.csv")


def begin_night(folder, runs):
    command = [sys.executable, "-m", "jobs.cli", "nightly", "--input", str(folder), "--runs", str(runs)]
    command += ["--set", "threads=1"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def shop(published):
    return Recommender.open(published.runs)


@pytest.fixture(scope="module")
def two_runs(published, tmp_path_factory):
    """The tiny shop with 4711, which has a category and buyers and no text, and 4712, of which nothing is known."""
    folder = tmp_path_factory.mktemp("two-runs")
    shop, runs = shutil.copytree(published.input, folder / "input"), folder / "runs"
    shutil.copytree(published.runs / "cache", runs / "cache")
    append(shop, "items", [BARE, {"item_id": "4712"}])
    users = read(shop, "sales").filter(pl.col("item_id") == "033")["user_id"].drop_nulls().unique(maintain_order=True)
    day = "2026-06-21"
    sold = [{"item_id": "4711", "sold_on": day, "units": 1, "unit_price": 9, "user_id": user} for user in users]
    append(shop, "sales", sold)
    first = begin_night(shop, runs)
    said = first.communicate(timeout=600)[1]
    assert first.returncode == 0, said
    before = Published.open(runs).run_id
    items = read(shop, "items")
    items.with_columns(pl.col("title") + ", second edition").write_csv(shop / "items.csv")
    answers = ask_while_a_night_publishes(shop, runs)
    return TwoRuns(shop, runs, (before, Published.open(runs).run_id), answers)


def ask_while_a_night_publishes(folder, runs):
    """Let threads ask from just before the swap until after it, each in one recommender that is refreshed meanwhile."""
    shared = Recommender.open(runs)
    night = begin_night(folder, runs)
    known = (runs / "ledger.jsonl").read_text().count('"check"')
    while (runs / "ledger.jsonl").read_text().count('"check"') == known:
        assert night.poll() is None, night.communicate()
        time.sleep(0.01)
    done = threading.Event()

    def ask(thread):
        told, own, call = [], Recommender.open(runs), 0
        while call < CALLS or not done.is_set():
            item_id = f"{(7 * thread + call) % 48:03d}"
            asked = own if call % 3 == 0 else shared
            told.append(("similar", titles(asked.similar_items(item_id, 5))))
            told.append(("filtered", titles(asked.similar_items(item_id, 5, filters=Filters(where="price < 9")))))
            told.append(("lists", titles(asked.recommend([f"u{call % 60:02d}", "nobody"], 30))))
            call += 1
            if call % 50 == 0:
                own.refresh()
        return told

    with ThreadPoolExecutor(THREADS) as threads:
        asking = [threads.submit(ask, thread) for thread in range(THREADS)]
        said = night.communicate(timeout=600)[1]
        shared.refresh()
        done.set()
        answers = [answer for each in asking for answer in each.result()]
    assert night.returncode == 0, said
    return tuple(answers)


def titles(answer):
    return frozenset(answer.filter(pl.col("title") != "")["title"].str.ends_with(", second edition"))


# ---- P01 to P06


def test_p01_the_line_of_the_readme_gives_k_rows_with_titles(published):
    found = Recommender.open(str(published.runs)).similar_items("007", k=5)
    assert found.columns == ["query_item_id", "item_id", "rank", "score", "reason", "title"]
    assert found["rank"].to_list() == [1, 2, 3, 4, 5]
    title = dict(read(published.input, "items").select("item_id", "title").iter_rows())
    assert found["title"].to_list() == [title[item_id] for item_id in found["item_id"]]
    assert found["reason"].str.len_chars().min() > 0
    run = Recommender.open(published.runs).run
    assert (run.run_id, str(run.cutoff), run.items) == (published.report.run_id, "2026-06-28", 50)


def test_p02_no_item_is_in_its_own_list_and_scores_never_rise(shop, published):
    ids = read(published.input, "items")["item_id"].to_list()
    for k in (5, 20, 49):  # within what was published, all of it, and beyond it
        found = shop.similar_items(ids, k=k)
        assert found["query_item_id"].unique(maintain_order=True).to_list() == ids
        assert found.filter(pl.col("item_id") == pl.col("query_item_id")).is_empty()
        for _, rows in found.group_by("query_item_id"):
            assert rows["rank"].to_list() == list(range(1, k + 1))
            assert all(one >= other for one, other in pairwise(rows["score"]))


def test_p03_an_unknown_item_is_an_error_with_the_near_id_and_an_unknown_user_gets_what_is_popular(shop, published):
    with pytest.raises(UnknownItem, match=r"'O07' is no item of run .*; did you mean '007'"):
        shop.similar_items("O07")
    found = shop.recommend("a visitor", k=10)
    assert set(found["source"]) == {"popular"}
    assert found["rank"].to_list() == list(range(1, 11))
    popular = pl.read_parquet(published.runs / "current" / "lists" / "popular.parquet").sort("rank")
    assert found["item_id"].to_list() == popular["item_id"].head(10).to_list()


def test_p04_where_less_may_be_shown_there_are_fewer_rows_and_no_padding(shop):
    whole = shop.similar_items("007", k=10_000)
    assert whole.height == whole["item_id"].n_unique() == 49
    few = Filters(among=["001", "002", "007", "no such item"])
    assert set(shop.similar_items("007", k=20, filters=few)["item_id"]) == {"001", "002"}
    assert set(shop.recommend("u01", k=20, filters=few)["item_id"]) == {"001", "002", "007"}
    assert set(shop.search("tea", k=20, filters=few)["item_id"]) == {"001", "002", "007"}
    assert shop.similar_items("007", filters=Filters(where="price > 1000")).is_empty()
    assert shop.recommend("u01", k=10_000)["item_id"].n_unique() == 49  # all but the launch that nobody can buy yet


def by_hand(run, query, allowed):
    """Ids by cosine to `query`, ties by id, over the index as it lies on the disk; only the near ones."""
    index = VectorIndex.load(run / "index")
    vectors = index.vectors().astype(np.float64)
    scores = (vectors @ vectors[index.item_ids.index(query)]).astype(np.float32)
    pairs = sorted((-score, item) for score, item in zip(scores.tolist(), index.item_ids, strict=True))
    return [item for score, item in pairs if item in allowed - {query} and score < 0]


@pytest.mark.parametrize("query", ["000", "007", "021", "I-launch"])
def test_p05_filtered_answers_satisfy_the_filter_and_equal_brute_force(shop, published, query):
    filters = Filters(in_stock=True, where="category = 'tea' and price <= 9", exclude=["002"])
    stock = read(published.input, "inventory").filter(pl.col("on_hand").cast(int) > 0)["item_id"]
    items = read(published.input, "items").filter(category="tea").filter(pl.col("price").cast(float) <= 9)
    allowed = set(items["item_id"]) & set(stock) - {"002"}
    assert 1 < len(allowed) < 8
    near = by_hand(published.runs.resolve() / "current", query, allowed)
    for k in (1, 3, 50):
        found = shop.similar_items(query, k=k, filters=filters)["item_id"].to_list()
        assert found[: len(near)] == near[:k]
        assert len(found) == len(set(found)) == min(k, len(allowed - {query}))
        assert set(found) <= allowed
    for user in ("u03", "a visitor"):
        whole = shop.recommend(user, k=50)["item_id"]
        expected = [item for item in whole if item in allowed]
        assert shop.recommend(user, k=3, filters=filters)["item_id"].to_list() == expected[:3]
    whole = [item for item in shop.search("green tea", k=50)["item_id"] if item in allowed]
    assert shop.search("green tea", k=50, filters=filters)["item_id"].to_list() == whole


def test_p06_a_whole_number_is_taken_for_its_digits_and_never_for_another_item(two_runs):
    shop = Recommender.open(two_runs.runs)
    for number in (4711, np.int64(4711)):
        assert shop.similar_items(number, 5).equals(shop.similar_items("4711", 5))
    with pytest.raises(UnknownItem, match="'7' is no item"):  # neither 007 nor the seventh
        shop.similar_items(7)
    for wrong in (7.0, None, True, b"007", [["007"]]):
        with pytest.raises(TypeError, match="an id is text or a whole number"):
            shop.similar_items(wrong)


# ---- P08 to P16


@pytest.mark.parametrize("harm", ["truncated", "altered", "gone", "hash"])
def test_p08_a_damaged_run_is_named_with_the_run_before_it_and_answers_nothing(two_runs, tmp_path, harm):
    runs = shutil.copytree(two_runs.runs, tmp_path / "runs", symlinks=True)
    first, second = two_runs.ids
    path = runs / second / "index" / "vectors.faiss"
    whole = path.read_bytes()
    if harm == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
    elif harm == "altered":
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    elif harm == "gone":
        path.unlink()
    else:
        manifest = runs / second / "manifest.json"
        facts = json.loads(manifest.read_text())
        name = next(name for name in facts["files"] if name.endswith("vectors.faiss"))
        facts["files"][name]["sha256"] = "0" * 64
        manifest.write_text(json.dumps(facts))
    for where in (runs, runs / second, runs / second / "shelfwise.duckdb"):
        with pytest.raises(CorruptIndex, match=rf"vectors\.faiss.*the run before it is {first}") as raised:
            Recommender.open(where)
        assert f"shelfwise rollback {first}" in str(raised.value)
    assert Recommender.open(runs / first).similar_items("007", k=5).height == 5


def test_p11_each_answer_comes_from_one_run_while_another_is_published(two_runs):
    assert two_runs.ids[0] < two_runs.ids[1]
    assert len(two_runs.answers) >= THREADS * CALLS * 3
    assert {len(seen) for _, seen in two_runs.answers} == {1}
    for question in ("similar", "filtered", "lists"):
        assert {seen for asked, seen in two_runs.answers if asked == question} == {
            frozenset({False}),
            frozenset({True}),
        }


def test_p12_an_item_without_text_is_placed_by_behaviour_and_category_and_says_so(two_runs):
    shop = Recommender.open(two_runs.runs)
    sales, items = read(two_runs.input, "sales"), read(two_runs.input, "items")
    buyers = set(sales.filter(pl.col("item_id") == "4711")["user_id"])
    together = set(sales.filter(pl.col("user_id").is_in(buyers))["item_id"])
    tea = set(items.filter(category="tea")["item_id"])
    found = shop.similar_items("4711", k=10)
    assert found["reason"].str.starts_with("no text; ").all()
    assert set(found["item_id"]) <= together | tea
    assert found["item_id"][0] == "033"  # all of its buyers bought that one too
    counted = found.filter(pl.col("reason").str.contains("bought together by"))
    assert counted.height > 0
    for item_id, reason in counted.select("item_id", "reason").iter_rows():
        both = buyers & set(sales.filter(pl.col("item_id") == item_id)["user_id"])
        assert f"bought together by {len(both)} user" in reason
    # of 4712 nothing is known at all: what sells most stands in, in an order that anyone can tell
    unknown = shop.similar_items("4712", k=10)
    assert set(unknown["reason"]) == {"no text; nothing nearer, next by sales"}
    of_item = sales.filter(pl.col("user_id").is_not_null()).group_by("item_id").agg(n=pl.col("user_id").n_unique())
    most = of_item.sort("n", "item_id", descending=[True, False])["item_id"].head(10).to_list()
    assert unknown["item_id"].to_list() == most


def test_p16_importing_recsys_is_silent_without_gpu_and_network():
    code = """
import sys
def refuse(event, details):
    if event.startswith("socket."):
        raise OSError("the network is blocked")
sys.addaudithook(refuse)
from recsys import Filters, Recommender, VectorIndex
import recsys
assert recsys.Recommender is Recommender
print(sorted({"faiss", "lightgbm", "torch", "transformers"} & set(sys.modules)))
"""
    env = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-W", "always", "-c", code]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "[]", "")
