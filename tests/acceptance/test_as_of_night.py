"""The as-of law, over a whole night: what was not known on the evening of the cutoff changes no published number."""

from __future__ import annotations

from datetime import timedelta

import pytest

from recsys import VectorIndex
from warehouse import Published
from warehouse.tables import PUBLISHED


def test_a_night_with_a_cutoff_equals_the_night_on_an_input_that_ends_there(as_of_nights, assert_same_night):
    assert_same_night(as_of_nights.ended, as_of_nights.after)


def test_the_nights_that_are_compared_have_something_in_every_table(as_of_nights, ask):
    for name in PUBLISHED:
        assert ask(as_of_nights.after, f"SELECT count(*) FROM {name}").item() > 0, name


def test_the_index_is_the_same_bit_by_bit(as_of_nights):
    ended, after = (VectorIndex.load(runs / "current" / "index") for runs in (as_of_nights.ended, as_of_nights.after))
    assert ended.item_ids == after.item_ids
    assert ended.vectors().tobytes() == after.vectors().tobytes()


def test_both_nights_carry_the_same_snapshot_id_and_another_one_than_with_the_review_before(as_of_nights):
    ended, after, before = (
        Published.open(runs).facts["snapshot_id"]
        for runs in (as_of_nights.ended, as_of_nights.after, as_of_nights.before)
    )
    assert ended == after
    assert ended != before


@pytest.mark.parametrize(
    ("table", "column"),
    [("sales", "sold_on"), ("forecast_history", "cutoff"), ("runs", "cutoff"), ("backtest", "cutoff")],
)
def test_no_published_row_is_of_a_day_after_the_cutoff(as_of_nights, ask, table, column):
    last = ask(as_of_nights.after, f"SELECT max({column}) FROM {table}").item()
    assert last <= as_of_nights.cutoff


def test_what_came_later_is_nowhere_to_be_seen_and_known_plans_are(as_of_nights, ask):
    runs = as_of_nights.after
    ids = set(ask(runs, "SELECT item_id FROM items")["item_id"])
    assert "I-soon" in ids  # a launch within the horizon is a plan
    assert not {"I-far", "I-launch"} & ids  # these are planned beyond it
    assert ask(runs, "SELECT count(*) FROM recommendations WHERE user_id = 'u-new'").item() == 0
    assert ask(runs, "SELECT DISTINCT source FROM forecast WHERE item_id = 'I-nosale'").item() == "analog"
    begins = ask(runs, "SELECT min(date) FROM forecast WHERE item_id = 'I-soon' AND mean > 0").item()
    assert begins == as_of_nights.cutoff + timedelta(days=8)  # the period that holds 25 June


def test_after_a_sale_before_the_cutoff_the_forecast_is_another(as_of_nights, ask):
    query = "SELECT sum(mean) FROM forecast WHERE item_id = '020'"
    ended, before = (ask(runs, query).item() for runs in (as_of_nights.ended, as_of_nights.before))
    assert before > 1.5 * ended  # 400 units in one day
