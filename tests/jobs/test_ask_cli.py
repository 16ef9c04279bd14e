from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import polars as pl
import pytest

from encoders import EncoderConfig, load_encoder
from jobs.ask import ask_run
from jobs.ask_screens import show_answer
from recsys import Recommender, UnknownItem
from recsys.open_run import open_run
from recsys.served_evidence import evidence_of
from warehouse import InputError, Published

KEYS = {"item_id", "question", "evidence", "about", "positive_share", "answer"}
QUOTE = {"sentence", "source", "review_id", "date", "stars", "score"}


@pytest.fixture(scope="module")
def runs(published, tmp_path_factory):
    """A copy of the tiny shop's runs: asking writes to its cache."""
    folder = tmp_path_factory.mktemp("asked") / "runs"
    shutil.copytree(published.runs, folder, symlinks=True)
    return folder


@pytest.fixture(scope="module")
def reviewed(runs):
    """The item with the most reviews."""
    most = "SELECT item_id FROM reviews GROUP BY item_id ORDER BY count(*) DESC, item_id LIMIT 1"
    return Published.open(runs).query(most).item()


def contents(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_command_line_prints_the_answer_as_one_json_object_and_touches_no_run(runs, reviewed):
    run = (runs / "current").resolve()
    before = contents(run)
    command = [sys.executable, "-m", "jobs.cli", "ask", reviewed, "Did it arrive quickly?", "--runs", str(runs)]
    done = subprocess.run([*command, "-n", "2", "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) == KEYS
    assert (answer["item_id"], answer["question"], answer["answer"]) == (reviewed, "Did it arrive quickly?", None)
    assert 1 <= len(answer["evidence"]) <= 2
    assert set(answer["evidence"][0]) == QUOTE
    assert "arrived quickly" in answer["evidence"][0]["sentence"]
    assert answer["evidence"][0]["date"] <= "2026-06-28"
    assert 0 <= answer["positive_share"] <= 1
    assert contents(run) == before
    assert list((runs / "cache" / "vectors").rglob("*.keys.npy"))


def test_q09_every_quote_is_a_substring_of_a_stored_text_dated_up_to_the_cutoff(runs, reviewed):
    shop = Recommender.open(runs)
    stored = {
        row["review_id"]: (row["headline"] or "", row["text"] or "", row["date"])
        for row in Published.open(runs).query("SELECT * FROM reviews").to_dicts()
    }
    (about,) = Published.open(runs).query("SELECT description FROM items WHERE item_id = ?", [reviewed])["description"]
    seen = 0
    for question in ("Did it arrive quickly?", "What is it like?", "Is it as described?", "Which colour is it?"):
        for quote in shop.ask(question, reviewed, 10)["evidence"]:
            seen += 1
            if quote["source"] == "description":
                assert quote["sentence"] in about
                continue
            headline, text, day = stored[quote["review_id"]]
            assert quote["sentence"] in headline or quote["sentence"] in text
            assert (quote["date"], quote["date"] <= shop.run.cutoff) == (day, True)
    assert seen >= 3


def test_q09_every_quote_in_a_published_reason_is_a_substring_of_a_stored_text_dated_up_to_the_cutoff(runs):
    run = Published.open(runs)
    cutoff = Recommender.open(runs).run.cutoff
    items = run.query("SELECT concat_ws(chr(10), title, description) AS text FROM items")["text"].to_list()
    reviews = run.query("SELECT text FROM reviews WHERE date IS NULL OR date <= ?", [cutoff])["text"].to_list()
    reasons = [run.query(f"SELECT DISTINCT reason FROM {name}")["reason"] for name in ("recommendations", "audience")]
    reasons += [run.query("SELECT DISTINCT reason FROM similar_items")["reason"]]
    lists = [pl.read_parquet(path) for path in sorted((run.folder / "lists").glob("*.parquet"))]
    reasons += [each["reason"].unique() for each in lists if "reason" in each.columns]
    told = {found for each in reasons for found in re.findall("(both|a review): “([^”]*)”", " ".join(each))}
    assert {kind for kind, _ in told} == {"both", "a review"}
    for kind, quote in told:
        assert sum(quote in text for text in (items if kind == "both" else reviews)) >= (2 if kind == "both" else 1)
    assert not any(re.search("because|due to|since you", " ".join(each)) for each in reasons)


def test_a_question_without_an_item_ranks_the_items_that_search_finds(runs, capsys):
    answer = ask_run(runs, ["Which mug arrived quickly?"], n=3, compare=True, context=None)
    assert answer["item_id"] is None
    mugs = Published.open(runs).query("SELECT item_id FROM items WHERE category = 'mugs'")["item_id"].to_list()
    assert {quote["item_id"] for quote in answer["evidence"]} <= set(mugs)
    ids = [quote["item_id"] for quote in answer["evidence"]]
    assert len(ids) == len(set(ids)) >= 1
    scores = [quote["score"] for quote in answer["evidence"]]
    assert scores == sorted(scores, reverse=True)
    show_answer(answer, as_json=False)
    shown = capsys.readouterr().out
    assert answer["evidence"][0]["sentence"] in shown
    assert "beside it: " in shown


def test_what_was_asked_before_is_read_with_the_question(runs, reviewed, tmp_path):
    said = tmp_path / "asked.txt"
    said.write_text("What is the price?\nDid it arrive quickly?\n", encoding="utf-8")
    alone, after = (
        ask_run(runs, [reviewed, "and then?"], n=1, compare=False, context=context) for context in (None, said)
    )
    assert after["question"] == "and then?"
    assert "arrived quickly" in after["evidence"][0]["sentence"]
    assert alone["evidence"] != after["evidence"]
    shop = Recommender.open(runs)
    one, several = (shop.ask("and then?", reviewed, 1, context=said) for said in ("Did it arrive?", ["Did it arrive?"]))
    assert one == several
    with pytest.raises(InputError, match=r"--context .*nowhere\.txt: cannot be read"):
        ask_run(runs, ["Why?"], n=1, compare=False, context=tmp_path / "nowhere.txt")


def test_near_items_in_stock_are_set_beside_the_answer(runs, reviewed):
    compared = ask_run(runs, [reviewed, "Did it arrive quickly?"], n=1, compare=True, context=None)["compared"]
    stock = Published.open(runs).query("SELECT item_id FROM stockout_risk GROUP BY item_id HAVING min(on_hand) > 0")
    assert len(compared) == 3
    assert {item["item_id"] for item in compared} <= set(stock["item_id"])
    assert all(item["price"] > 0 and len(item["evidence"]) <= 1 for item in compared)


def test_no_evidence_is_said_in_words(runs, reviewed, capsys):
    answer = ask_run(runs, [reviewed, "Is the polar submarine licence transferable?"], n=3, compare=False, context=None)
    assert (answer["evidence"], answer["about"]) == ([], 0)
    show_answer(answer, as_json=False)
    assert capsys.readouterr().out == "no evidence\n"
    show_answer(answer, as_json=True)
    assert json.loads(capsys.readouterr().out)["answer"] == "no evidence"


def test_what_cannot_be_asked_is_named(runs):
    with pytest.raises(InputError, match="put the question in quotes"):
        ask_run(runs, ["020", "Is", "it", "good?"], n=1, compare=False, context=None)
    with pytest.raises(InputError, match="blank"):
        ask_run(runs, ["020", " "], n=1, compare=False, context=None)
    with pytest.raises(UnknownItem, match="did you mean"):
        ask_run(runs, ["O20", "Is it good?"], n=1, compare=False, context=None)


def test_where_the_cache_cannot_be_written_the_answer_is_the_same(runs, reviewed, tmp_path):
    copy = shutil.copytree(runs, tmp_path / "runs", symlinks=True)
    shutil.rmtree(copy / "cache")
    (copy / "cache").write_text("a file where the folder would be")
    asked = "Did it arrive quickly?"
    assert Recommender.open(copy).ask(asked, reviewed) == Recommender.open(runs).ask(asked, reviewed)


def test_the_judge_that_the_night_kept_is_the_one_that_a_run_without_it_has_fitted(runs, reviewed, tmp_path):
    copy = shutil.copytree(runs, tmp_path / "runs", symlinks=True)
    run = (copy / "current").resolve()
    kept = json.loads((run / "judge.json").read_text())
    assert "judge.json" in json.loads((run / "manifest.json").read_text())["files"]
    old = open_run(copy)
    (run / "judge.json").unlink()
    judge = evidence_of(old, load_encoder(EncoderConfig(threads=1))).judge
    assert (judge.threshold, judge.rarity) == (kept["threshold"], kept["rarity"])
