"""Scenarios that cross the rooms: the forecast in the lists, one snapshot for both, texts of any script."""

from __future__ import annotations

import pytest

from recsys import Recommender
from warehouse import Published

STRANGE = ("X-chinese", "X-emoji", "X-arabic", "X-hebrew", "X-long")


def places(rows):
    """Return {user: {item: rank}}."""
    found: dict[str, dict[str, int]] = {}
    for user, item, rank in rows.select("user_id", "item_id", "rank").iter_rows():
        found.setdefault(user, {})[item] = rank
    return found


def lists_with_both(rows):
    return {user: ranks for user, ranks in places(rows).items() if {"T-A", "T-B"} <= set(ranks)}


def test_x01_a_twin_in_stock_ranks_above_one_that_will_be_out_in_two_days(market_nights, ask):
    first = "SELECT item_id, probability FROM stockout_risk WHERE item_id LIKE 'T-_' QUALIFY date = min(date) OVER ()"
    risk = dict(ask(market_nights.scarce, first).rows())
    assert risk["T-A"] > 0.9
    assert risk["T-B"] < 0.1
    rows = ask(market_nights.scarce, "SELECT * FROM recommendations")
    shown = places(rows)
    assert sum("T-B" in ranks for ranks in shown.values()) > 20
    for user, ranks in shown.items():
        assert ranks.get("T-A", 99) > ranks.get("T-B", 98), user


def test_x01_the_twin_takes_the_place_and_the_reason_names_the_rule(market_nights, ask):
    query = "SELECT * FROM recommendations"
    aware, unaware = ask(market_nights.scarce, query), ask(market_nights.unaware, query)
    by_score = {user: ranks for user, ranks in lists_with_both(unaware).items() if ranks["T-A"] < ranks["T-B"]}
    assert len(by_score) > 5  # without the rule A stands above its twin
    now = places(aware)
    for user in by_score:
        assert "T-B" in now[user], user
    said = aware.filter((aware["item_id"] == "T-B") & aware["reason"].str.contains("stock"))
    assert said.height > 0
    assert not unaware["reason"].str.contains("stock").any()


def test_x01_without_stock_awareness_the_order_is_by_score_only(market_nights, ask):
    rows = ask(market_nights.unaware, "SELECT user_id, score FROM recommendations ORDER BY user_id, rank")
    for scores in rows.group_by("user_id", maintain_order=True).agg("score")["score"].to_list():
        assert scores == sorted(scores, reverse=True)


def test_x03_lists_and_forecasts_of_a_night_carry_the_same_snapshot_id(published, ask):
    facts = Published.open(published.runs).facts
    assert facts["snapshots"] == dict.fromkeys(("recommendations", "forecast"), facts["snapshot_id"])
    assert ask(published.runs, "SELECT snapshot_id FROM runs").item() == facts["snapshot_id"]
    ids = "SELECT DISTINCT run_id FROM (SELECT run_id FROM recommendations UNION ALL SELECT run_id FROM forecast)"
    assert ask(published.runs, ids).item() == facts["run_id"]


def test_x03_another_text_gives_another_snapshot_id(published, second_night):
    first, second = (Published.open(runs).facts["snapshot_id"] for runs in (published.runs, second_night.runs))
    assert first != second


@pytest.mark.parametrize("item_id", STRANGE)
def test_x04_chinese_emoji_right_to_left_and_very_long_texts_pass_every_step(market_nights, ask, item_id):
    runs = market_nights.scarce
    one = f"FROM {{}} WHERE item_id = '{item_id}'"
    assert ask(runs, "SELECT count(*) FROM rejects").item() == 0
    ((title, text),) = ask(runs, "SELECT title, description " + one.format("items")).rows()
    assert title
    assert text
    assert ask(runs, "SELECT count(*), sum(mean) > 0 " + one.format("forecast")).row(0) == (8, True)
    near = ask(runs, f"SELECT score, reason FROM similar_to('{item_id}', k := 20)")
    assert near.height == 20
    assert near["score"].is_finite().all()
    assert ask(runs, "SELECT count(*) " + one.format("recommendations")).item() > 0
    assert Recommender.open(runs).search(title, k=3)["item_id"].to_list()[0] in STRANGE


def test_x04_the_texts_are_stored_as_they_were_written(market_nights, ask):
    told = dict(ask(market_nights.scarce, "SELECT item_id, title || ' / ' || description FROM items").rows())
    assert told["X-chinese"] == "无线蓝牙降噪耳机 / 戴上就听不见地铁的声音"
    assert told["X-emoji"] == "🎧🔥 headphones 👩‍🚀🏳️‍🌈 / so 😀 good 👍🏽"
    assert told["X-arabic"] == "سماعات لاسلكية / صوت واضح وبطارية تدوم طويلا"
    assert len(told["X-long"].split()) == 10_000 + 3
