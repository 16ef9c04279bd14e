from __future__ import annotations

import json
import shutil

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from jobs.cli import app
from recsys import Recommender, RecsysError, UnknownItem
from warehouse import Published


def ask(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout


@pytest.fixture(scope="module")
def shop(published):
    return Recommender.open(published.runs)


def test_an_audience_has_k_users_best_first_each_with_a_reason(shop):
    rows = shop.audience("010", k=7)
    assert rows.columns == ["item_id", "user_id", "rank", "score", "source", "reason", "title"]
    assert rows["rank"].to_list() == list(range(1, 8))
    assert rows["user_id"].n_unique() == 7
    assert rows["score"].is_sorted(descending=True)
    assert rows["score"].is_between(0, 1).all()
    assert rows["reason"].str.len_chars().min() > 5
    assert rows["title"].unique().to_list() == ["green stoneware mug"]


def test_more_than_there_are_users_gives_every_user_once(shop, published):
    users = Published.open(published.runs).query("SELECT DISTINCT user_id FROM recommendations")["user_id"]
    rows = shop.audience("010", k=10_000)
    assert sorted(rows["user_id"]) == sorted(users)
    assert rows["rank"].to_list() == list(range(1, len(users) + 1))
    assert rows["score"].is_sorted(descending=True)
    assert_frame_equal(rows.head(7), shop.audience("010", k=7))


def test_an_unknown_item_names_the_near_ones(shop):
    for call in (shop.audience, shop.left_out):
        with pytest.raises(UnknownItem, match="did you mean '01"):
            call("01O")
    with pytest.raises(ValueError, match="at least 1"):
        shop.audience("010", k=0)


def test_the_command_answers_as_python_does(shop, published):
    told = json.loads(ask("audience", "010", "-k", "3", "--runs", published.runs, "--json"))
    assert told["item_id"] == "010"
    assert told["title"] == "green stoneware mug"
    assert [row["user_id"] for row in told["audience"]] == shop.audience("010", k=3)["user_id"].to_list()
    assert len(told["left_out"]) == shop.left_out("010").height
    words = ask("audience", "010", "-k", "3", "--runs", published.runs)
    assert "green stoneware mug" in words
    assert "left out" in words


def test_the_table_holds_launches_and_what_lies_in_stock_too_much(published, shop):
    run = Published.open(published.runs)
    found = run.query("SELECT DISTINCT item_id, occasion FROM audience ORDER BY item_id")
    most = run.query("SELECT item_id, sum(p90) AS p90 FROM forecast GROUP BY item_id")
    counted = pl.read_csv(published.input / "inventory.csv", schema_overrides={"item_id": pl.String})
    over = counted.join(most, on="item_id").filter(pl.col("on_hand") > pl.col("p90"))["item_id"]
    assert found.filter(occasion="launch")["item_id"].to_list() == ["I-launch"]
    assert found.filter(occasion="overstock")["item_id"].to_list() == sorted(over)
    launch = run.query("SELECT user_id, rank, score, reason FROM audience WHERE item_id = 'I-launch' ORDER BY rank")
    assert_frame_equal(launch, shop.audience("I-launch").select(launch.columns).head(launch.height))


def test_a_launch_is_wanted_by_those_who_buy_its_category(published, shop):
    sales = Published.open(published.runs).query(
        "SELECT s.user_id, avg((i.category = 'mugs')::INTEGER) AS share FROM sales s JOIN items i USING (item_id) "
        "WHERE s.user_id IS NOT NULL GROUP BY s.user_id"
    )
    first = shop.audience("I-launch", k=10).join(sales, on="user_id")
    assert first["share"].mean() > 2 * sales["share"].mean()


def test_a_run_without_audiences_says_how_to_get_them(published, tmp_path):
    runs = tmp_path / "runs"
    shutil.copytree(published.runs, runs, symlinks=True)
    (runs / "current" / "lists" / "audience.parquet").unlink()
    manifest = runs / "current" / "manifest.json"
    told = json.loads(manifest.read_text())
    del told["files"]["lists/audience.parquet"]
    manifest.write_text(json.dumps(told))
    with pytest.raises(RecsysError, match="publish again with shelfwise nightly"):
        Recommender.open(runs).audience("010")
