"""What the ranker sees of an item's reviews: as of the view's evening, nan where there is none."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from recsys import ShopHistory
from recsys.features import fit_features
from recsys.review_features import review_features
from recsys.view import catalogue_of, view_of

CUTOFF = date(2024, 6, 30)
REVIEWS = {
    "item_id": pl.String,
    "date": pl.Date,
    "reviews": pl.Int64,
    "mean_stars": pl.Float64,
    "mean_probability": pl.Float64,
    "trend": pl.Float64,
}


def ago(days):
    return CUTOFF - timedelta(days=days)


def shop(*reviews):
    bought = [("u1", "a", ago(30), 1.0), ("u1", "b", ago(3), 1.0), ("u2", "a", ago(1), 1.0)]
    schema = {"user_id": pl.String, "item_id": pl.String, "day": pl.Date, "units": pl.Float64}
    interest = pl.DataFrame(schema={"user_id": pl.String, "item_id": pl.String, "day": pl.Date, "kind": pl.String})
    items = pl.DataFrame({"item_id": ["a", "b", "c"]})
    return ShopHistory(
        items,
        pl.DataFrame(bought, schema=schema, orient="row"),
        interest,
        None,
        CUTOFF,
        pl.DataFrame(reviews, schema=REVIEWS, orient="row"),
    )


def seen(history, origin=CUTOFF):
    return view_of(history, catalogue_of(history, []), origin)


ROWS = (
    ("a", ago(20), 1, 5.0, 0.9, None),
    ("a", ago(2), 2, 3.0, 0.5, -0.4),
    ("b", ago(10), 4, 4.0, 0.7, 0.1),
    ("x", ago(10), 1, 1.0, 0.1, None),
)


def test_an_item_stands_as_in_its_last_row_up_to_the_evening():
    now = review_features(seen(shop(*ROWS)))
    assert now["reviews"].tolist() == pytest.approx(np.log1p([2, 4, 0]).tolist())
    assert now["reviews_mean_stars"].tolist() == pytest.approx([3.0, 4.0, np.nan], nan_ok=True)
    assert now["reviews_mean_probability"].tolist() == pytest.approx([0.5, 0.7, np.nan], nan_ok=True)
    assert now["reviews_trend"].tolist() == pytest.approx([-0.4, 0.1, np.nan], nan_ok=True)
    then = review_features(seen(shop(*ROWS), ago(15)))
    assert then["reviews_mean_stars"].tolist() == pytest.approx([5.0, np.nan, np.nan], nan_ok=True)


def test_a_review_moved_past_the_evening_changes_no_feature():
    features = [
        fit_features(seen(shop(*rows), ago(1)), ["popular"])
        for rows in (ROWS[:1] + ROWS[2:], (*ROWS[:1], ("a", ago(0), 2, 1.0, 0.0, -0.9), *ROWS[2:]), ROWS)
    ]
    assert np.array_equal(features[0].item, features[1].item, equal_nan=True)
    assert not np.array_equal(features[0].item, features[2].item, equal_nan=True)


def test_the_ranker_learns_from_reviews_only_where_it_is_handed_them():
    with_them, without = (
        fit_features(seen(dataclasses.replace(shop(*ROWS), reviews=each)), ["popular"])
        for each in (shop(*ROWS).reviews, None)
    )
    assert set(with_them.names) - set(without.names) == {
        "reviews",
        "reviews_mean_stars",
        "reviews_mean_probability",
        "reviews_trend",
    }
    assert with_them.item.shape[1] == without.item.shape[1] + 4
