from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from encoders import EncoderConfig, load_encoder
from jobs.audience_screens import show_campaign
from jobs.cli import app
from recsys import Recommender, RecsysError
from recsys.claims import unsupported
from warehouse import Published

TEA = "category = 'tea' and price < 9"


@pytest.fixture(scope="module")
def shop(published):
    return Recommender.open(published.runs)


@pytest.fixture(scope="module")
def run(published):
    return Published.open(published.runs)


@pytest.fixture(scope="module")
def tea(shop):
    return shop.campaign(TEA, k=8)


def test_a_campaign_has_k_users_for_each_item_of_its_segment(shop, run, tea):
    expected = run.query(f"SELECT item_id FROM items WHERE {TEA}")["item_id"]
    assert sorted(tea["item_id"].unique()) == sorted(expected)
    assert tea.group_by("item_id").len()["len"].unique().to_list() == [8]
    for item_id in expected:
        own = tea.filter(item_id=item_id)
        assert own["user_id"].to_list() == shop.audience(item_id, k=8)["user_id"].to_list()


def test_the_segment_may_ask_for_the_forecast(shop, run):
    found = shop.campaign("status = 'new' and p90 > 0.1", k=1)
    asked = run.query("SELECT DISTINCT item_id FROM forecast WHERE status = 'new' AND p90 > 0.1")["item_id"]
    assert sorted(found["item_id"].unique()) == sorted(asked)
    assert shop.campaign("items.item_id = '010' and forecast.date > '2026-07-01'", k=1)["item_id"].to_list() == ["010"]


def test_every_sentence_stands_in_a_stored_text_and_every_line_in_the_items_own_data(run, tea):
    reviews = run.query("SELECT review_id, item_id, text, date, stars FROM reviews")
    items = run.query("SELECT item_id, title, brand, category, description, price FROM items")
    told = tea.join(reviews, on=["review_id", "item_id"], how="left").join(items, on="item_id", suffix="_item")
    assert {"review", "description"} <= set(told["source"])
    for row in told.iter_rows(named=True):
        assert row["sentence"] in (row["text"] if row["source"] == "review" else row["description"])
        assert row["copy"].startswith(row["title"])
        assert unsupported(row["copy"], [row["title"], row["brand"], str(row["price"]), row["sentence"]]) == []
    assert told["stars"].drop_nulls().min() >= 4
    assert told["date"].drop_nulls().max() <= run.query("SELECT max(sold_on) AS last FROM sales")["last"].item()
    assert tea["refused"].null_count() == tea.height


def test_the_sentence_is_the_one_nearest_to_what_the_user_bought(run, shop):
    everything = shop.campaign("true", k=100)
    several = (
        everything.filter(source="review")
        .group_by("item_id")
        .agg(pl.col("sentence").n_unique())
        .filter(pl.col("sentence") > 1)
    )
    assert several.height
    item_id = several.sort("item_id")["item_id"][0]
    encoder = load_encoder(EncoderConfig(threads=1))
    items = run.query("SELECT item_id, title, brand, category, description FROM items ORDER BY item_id")
    own = everything.filter(item_id=item_id).row(0, named=True)
    bought = run.query("SELECT DISTINCT item_id FROM sales WHERE user_id = ?", [own["user_id"]])
    texts = items.join(bought, on="item_id", how="semi")
    lines = [" ".join(part for part in row[1:] if part) for row in texts.iter_rows()]
    taste = encoder.encode(lines, kind="product").sum(axis=0)
    written = run.query(
        "SELECT text FROM reviews WHERE item_id = ? AND stars >= 4 AND user_id <> ?", [item_id, own["user_id"]]
    )["text"].unique()
    vectors = encoder.encode(written.to_list(), kind="sentence")
    scores = vectors @ (taste / np.linalg.norm(taste))
    chosen = scores[written.to_list().index(own["sentence"])]
    assert chosen >= scores.max() - 0.02  # the index holds the texts with their reviews, this test without


def test_nobody_is_shown_what_they_wrote(run, shop):
    rows = shop.campaign("true", k=100).join(
        run.query("SELECT review_id, user_id AS author FROM reviews"), on="review_id"
    )
    assert rows.height
    assert rows.filter(pl.col("author") == pl.col("user_id")).is_empty()


def test_a_phrased_line_stands_where_its_data_hold_it_and_is_refused_by_name_where_not(shop):
    one = "item_id = '010'"
    plain = shop.campaign(one, k=2)
    kind = shop.campaign(one, k=2, phrase=lambda line: f"For you: {line}")
    assert kind["copy"].to_list() == [f"For you: {line}" for line in plain["copy"]]
    bold = shop.campaign(one, k=2, phrase=lambda line: f"Waterproof, 50 % off: {line}")
    assert bold["copy"].to_list() == plain["copy"].to_list()
    assert bold["refused"].str.ends_with(": 50, waterproof, off").all()
    silent = shop.campaign(one, k=1, phrase=lambda _line: " ")
    assert silent["refused"].to_list() == ["'': nothing was said"]


def test_the_screen_says_what_was_refused(shop, capsys):
    show_campaign(shop.campaign("item_id = '010'", k=1, phrase=lambda line: f"Waterproof: {line}"), as_json=False)
    told = capsys.readouterr().out
    assert "1 items, 1 users, 1 lines" in told
    assert "refused: 'Waterproof: green stoneware mug" in told


@pytest.mark.parametrize(
    ("segment", "said"),
    [
        ("colour = 'red'", "the columns are item_id, title"),
        ("price < 9; DROP TABLE items", "one SQL condition"),
        ("  ", "found nothing"),
        ("price < ", "campaign"),
    ],
)
def test_a_condition_that_is_none_is_refused_with_what_there_is(shop, segment, said):
    with pytest.raises(RecsysError, match=said):
        shop.campaign(segment)


def test_a_segment_without_an_item_is_an_empty_campaign(shop):
    assert shop.campaign("price > 1e9").is_empty()


def test_the_command_tells_items_users_and_lines(published, tea):
    arguments = ["campaign", "--where", TEA, "-k", "8", "--runs", str(published.runs)]
    told = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert [item["item_id"] for item in told] == tea["item_id"].unique(maintain_order=True).to_list()
    assert [user["copy"] for item in told for user in item["users"]] == tea["copy"].to_list()
    words = CliRunner().invoke(app, arguments).stdout
    assert f"{len(told)} items" in words
    assert tea["copy"][0] in words
