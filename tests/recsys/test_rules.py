from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from encoders import TextVectors
from recsys import RecommendConfig, ShopHistory, build_lists

CUTOFF = date(2024, 6, 30)
IDS = ("A", "B", "C", "D", "E")
TEXTS = {"kind": pl.String, "item_id": pl.String, "user_id": pl.String, "day": pl.Date, "row": pl.Int64}


@pytest.fixture(scope="module")
def history():
    """A and B are near twins, C and D are like nothing; popular in the order A, C, D, B, E."""
    buyers = {"A": 9, "C": 7, "D": 6, "B": 4, "E": 1}
    bought = [
        (f"{item}{n}", item, CUTOFF - timedelta(days=3), 1.0) for item, count in buyers.items() for n in range(count)
    ]
    vectors = np.eye(5, dtype=np.float32)
    vectors[1] = [0.8, 0.6, 0, 0, 0]
    rows = [("product", item, None, None, row) for row, item in enumerate(IDS)]
    return ShopHistory(
        pl.DataFrame({"item_id": IDS, "title": [f"the {item}" for item in IDS]}),
        pl.DataFrame(bought, schema=["user_id", "item_id", "day", "units"], orient="row"),
        pl.DataFrame(schema={"user_id": pl.String, "item_id": pl.String, "day": pl.Date, "kind": pl.String}),
        TextVectors.build(pl.DataFrame(rows, schema=TEXTS, orient="row"), vectors, encoder_id="made"),
        CUTOFF,
    )


def listed(history, stock, *, user="new", **settings):
    frame = pl.DataFrame(stock, schema=["item_id", "on_hand", "probability"], orient="row")
    config = RecommendConfig(threads=1, bought_before="hide", **settings)
    lists = build_lists(history, users=[user], config=config, stock=frame)
    return lists.recommendations


RUNS_OUT = [("A", 2.0, 0.71), ("B", 50.0, 0.01), ("C", 9.0, 0.2)]


def test_X01_the_twin_in_stock_stands_above_what_will_run_out(history):  # noqa: N802 (the scenario's code)
    rows = listed(history, RUNS_OUT)
    assert rows["item_id"].to_list() == ["B", "A", "C", "D", "E"]
    said = "likely to be out of stock within the first period (71 %)"
    assert rows["reason"][0] == f"in place of the A, which is {said}"
    assert rows["reason"][1] == f"{said}; moved below the B"
    assert rows["rank"].to_list() == [1, 2, 3, 4, 5]
    assert rows["score"].diff().drop_nulls().max() < 0


def test_X01_without_stock_awareness_the_order_is_by_score_alone(history):  # noqa: N802 (the scenario's code)
    rows = listed(history, RUNS_OUT, stock_aware=False)
    assert rows["item_id"].to_list() == ["A", "C", "D", "B", "E"]
    assert not rows["reason"].str.contains("stock").any()


def test_nothing_moves_where_nothing_is_likely_to_run_out(history):
    assert listed(history, [("A", 2.0, 0.5)])["item_id"].to_list() == ["A", "C", "D", "B", "E"]


def test_the_threshold_is_the_configs(history):
    assert listed(history, RUNS_OUT, stock_risk_above=0.8)["item_id"][0] == "A"


def test_what_has_nothing_on_hand_goes_to_the_end_and_its_twin_takes_its_place(history):
    rows = listed(history, [("A", 0.0, 1.0), ("C", 0.0, 1.0)])
    assert rows["item_id"].to_list() == ["B", "D", "E", "A", "C"]
    assert rows["reason"][3] == "out of stock; moved to the end"


def test_without_a_twin_what_may_run_out_stays_and_says_so(history):
    rows = listed(history, [("C", 1.0, 0.9)])
    assert rows["item_id"].to_list() == ["A", "C", "D", "B", "E"]
    assert rows["reason"][1] == "popular: 7 buyers in 28 days; likely to be out of stock within the first period (90 %)"


def test_a_twin_at_risk_takes_no_place(history):
    assert listed(history, [("A", 2.0, 0.7), ("B", 1.0, 0.9)])["item_id"].to_list() == ["A", "C", "D", "B", "E"]


def test_a_twin_that_the_user_bought_is_not_shown_to_them(history):
    rows = listed(history, RUNS_OUT, user="B0")
    assert "B" not in rows["item_id"].to_list()
    assert rows["item_id"].to_list()[0] == "A"


def test_a_twin_beyond_the_cut_enters_the_list_and_its_length_stays(history):
    rows = listed(history, RUNS_OUT, k=2)
    assert rows["item_id"].to_list() == ["B", "A"]
