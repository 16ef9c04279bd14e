from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from trials import bought_new, difference, ndcg_of

CUTOFF = date(2026, 6, 28)


def purchases(*rows):
    return pl.DataFrame(rows, schema={"user_id": pl.String, "item_id": pl.String, "day": pl.Date}, orient="row")


def test_the_truth_is_what_known_users_bought_after_the_cutoff_and_had_not_before():
    had = purchases(("u1", "A", date(2026, 6, 1)), ("u2", "B", CUTOFF))
    later = purchases(
        ("u1", "A", date(2026, 7, 1)),  # had it
        ("u1", "B", date(2026, 7, 1)),
        ("u1", "B", date(2026, 7, 2)),  # one pair
        ("u2", "A", date(2026, 7, 26)),
        ("u2", "C", CUTOFF),  # not after it
        ("new", "A", date(2026, 7, 1)),  # unknown
    )
    whole = bought_new(later, had, cutoff=CUTOFF, until=None)
    assert whole.rows() == [("u1", "B"), ("u2", "A")]
    assert bought_new(later, had, cutoff=CUTOFF, until=date(2026, 7, 25)).rows() == [("u1", "B")]


def test_ndcg_at_ten_of_each_user_by_hand():
    truth = pl.DataFrame({"user_id": ["u2", "u1", "u1", "u3"], "item_id": ["A", "A", "B", "A"]})
    lists = pl.DataFrame(
        {
            "user_id": ["u1", "u1", "u1", "u2", "u3"],
            "item_id": ["C", "A", "B", "A", "A"],
            "rank": [1, 2, 3, 10, 11],
        }
    )
    two = (1 / np.log2(3) + 1 / np.log2(4)) / (1 + 1 / np.log2(3))
    assert ndcg_of(lists, truth) == pytest.approx([two, 1 / np.log2(11), 0.0])


def test_a_difference_stands_within_its_interval_and_ratios_weigh_their_units():
    rng = np.random.default_rng(0)
    theirs = rng.normal(size=400)
    found = difference(theirs + 0.5 + 0.1 * rng.normal(size=400), theirs)
    assert found["low"] < found["difference"] < found["high"]
    assert found["difference"] == pytest.approx(0.5, abs=0.02)
    assert found["high"] - found["low"] == pytest.approx(2 * 1.96 * 0.1 / 20, rel=0.15)
    ratio = difference(np.array([3.0, 1.0]), np.array([1.0, 1.0]), np.array([8.0, 2.0]))
    assert ratio["difference"] == pytest.approx(0.2)
