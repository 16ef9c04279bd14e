"""Answers from evidence: what the shop's own reviews say, or that they say nothing."""

from __future__ import annotations

import shutil

import polars as pl
import pytest

from jobs.nightly import run_nightly
from jobs.settings import Settings
from recsys import Recommender
from warehouse import Published

SAID = {
    "b1": ("2026-05-02T09:00:00", 5, "The battery lasts two days. The screen is bright."),
    "b2": ("2026-06-02T09:00:00", 2, "I had to recharge it before noon. The camera is fine."),
    "b3": ("2026-07-02T09:00:00", 1, "The battery died."),  # after the cutoff
}


def add(path, rows):
    """Add rows to a table of a shop; a column that is not named is empty."""
    table = pl.read_csv(path, infer_schema=False)
    pl.concat([table, pl.DataFrame(rows, schema=table.schema)]).write_csv(path)


@pytest.fixture(scope="module")
def phone_runs(published, tmp_path_factory):
    """A night of the tiny shop with a phone that people wrote about."""
    folder = tmp_path_factory.mktemp("phone")
    shop = shutil.copytree(published.input, folder / "input")
    phone = {"item_id": "phone", "title": "a telephone", "category": "phones", "price": "99"}
    add(shop / "items.csv", [phone])
    one = {"item_id": "phone", "user_id": "u01", "title": "Telephone"}
    rows = [
        {**one, "review_id": review_id, "occurred_at": day, "stars": str(stars), "text": text}
        for review_id, (day, stars, text) in SAID.items()
    ]
    add(shop / "reviews.csv", rows)
    runs = folder / "runs"
    shutil.copytree(published.runs / "cache" / "vectors", runs / "cache" / "vectors")
    run_nightly(Settings(threads=1), input_folder=shop, runs=runs)
    return runs


def test_p15_ask_returns_sourced_sentences_about_the_battery_or_no_evidence(phone_runs):
    shop = Recommender.open(phone_runs)
    answer = shop.ask("How is the battery life?", "phone")
    first = answer["evidence"][0]
    assert (first["sentence"], first["source"]) == ("The battery lasts two days.", "review")
    assert (first["review_id"], str(first["date"]), first["stars"]) == ("b1", "2026-05-02", 5.0)
    assert "b3" not in {quote["review_id"] for quote in answer["evidence"]}
    told = Published.open(phone_runs).query("SELECT review_id FROM reviews WHERE item_id = 'phone' ORDER BY ALL")
    assert told["review_id"].to_list() == ["b1", "b2"]
    nothing = shop.ask("How is the battery life?", "020")
    assert (nothing["evidence"], nothing["answer"]) == ([], "no evidence")
