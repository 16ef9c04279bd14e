from __future__ import annotations

import hashlib
import json
import shutil

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from jobs.audience import find_occasions
from jobs.cli import app
from jobs.forecast import Demand
from jobs.ingest import read_shop
from recsys import Filters, Recommender, RecsysError, UnknownItem
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


def rewritten(published, folder, lists=None, facts=None):
    """Return a copy of the runs whose current run has other files under lists (None: gone) or other facts."""
    runs = folder / "runs"
    shutil.copytree(published.runs, runs, symlinks=True)
    run = runs / "current"
    told = json.loads((run / "manifest.json").read_text())
    for name, frame in (lists or {}).items():
        path = run / "lists" / f"{name}.parquet"
        path.unlink()
        del told["files"][f"lists/{name}.parquet"]
        if frame is not None:
            frame.write_parquet(path)
            entry = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "size": path.stat().st_size}
            told["files"][f"lists/{name}.parquet"] = entry
    told["facts"] |= facts or {}
    (run / "manifest.json").write_text(json.dumps(told))
    return runs


def test_where_it_is_hidden_what_a_user_has_by_any_record_fills_no_list_and_no_audience(published, shop, tmp_path):
    item_id = shop.recommend("stranger", k=1)["item_id"].item()
    owners = pl.read_parquet(published.runs / "current" / "lists" / "owners.parquet")
    reviewed = pl.DataFrame([(item_id, "stranger", 1, shop.run.cutoff)], schema=owners.schema, orient="row")
    owners = pl.concat([owners, reviewed]).sort("item_id", "user_id")
    hiding = Recommender.open(rewritten(published, tmp_path, {"owners": owners}, {"bought_before": "hide"}))
    assert item_id not in hiding.recommend("stranger", k=50)["item_id"].to_list()
    assert hiding.recommend("another", k=1)["item_id"].item() == item_id
    assert hiding.left_out(item_id)["user_id"].to_list()[0] == "stranger"
    assert hiding.left_out(item_id).height == owners.filter(pl.col("item_id") == item_id).height


def test_the_screen_names_those_who_are_left_out(published, tmp_path):
    runs = rewritten(published, tmp_path, facts={"bought_before": "hide"})
    owners = Recommender.open(runs).left_out("010")
    words = ask("audience", "010", "-k", "3", "--runs", runs)
    assert f"left out, for they have it already: {owners.height} ({', '.join(owners['user_id'].head(5))}, …)" in words
    assert owners["last_bought"].is_sorted(descending=True)


def test_without_a_forecast_or_an_inventory_only_launches_have_an_occasion(published):
    shop = read_shop(published.input, settings=published.settings, cutoff=None, cache=None)
    found = find_occasions(shop, Demand(None, None, None, "s", skipped="no sale"), settings=published.settings)
    assert found.rows() == [("I-launch", "launch")]


def test_a_run_that_is_open_answers_as_before_when_a_night_has_removed_its_folder(published, tmp_path):
    runs = shutil.copytree(published.runs, tmp_path / "runs", symlinks=True)
    shop = Recommender.open(runs)
    users = Published.open(runs).query("SELECT DISTINCT user_id FROM recommendations ORDER BY 1 LIMIT 5")["user_id"]

    def answers():
        lists = shop.recommend(users.to_list(), k=50, filters=Filters(in_stock=True))
        return [shop.audience("010", k=30), shop.left_out("010"), lists]

    before = answers()
    shutil.rmtree(runs)
    for now, then in zip(answers(), before, strict=True):
        assert_frame_equal(now, then)


def test_a_run_without_audiences_says_how_to_get_them(published, tmp_path):
    runs = rewritten(published, tmp_path, {"audience": None})
    with pytest.raises(RecsysError, match="publish again with shelfwise nightly"):
        Recommender.open(runs).audience("010")
