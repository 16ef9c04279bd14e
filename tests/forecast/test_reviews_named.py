"""An explanation names how an item's reviews stand: as of the cutoff, at no cost to its sum."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from polars.testing import assert_frame_equal

from forecast import name_reviews
from forecast.task import EXPLAIN_SCHEMA

CUTOFF = date(2026, 6, 30)
EFFECTS = [("a", "north", "level", 3.0), ("a", "south", "level", 2.0), ("b", "north", "level", 1.0)]


def explained():
    rows = [(*row, None, None) for row in EFFECTS]
    return pl.DataFrame(rows, schema=EXPLAIN_SCHEMA, orient="row")


def reviews(*rows):
    schema = {"item_id": pl.String, "date": pl.Date, "reviews": pl.Int64, "mean_stars": pl.Float64, "trend": pl.Float64}
    told = [(item, CUTOFF - timedelta(days=days), *standing) for item, days, *standing in rows]
    return pl.DataFrame(told, schema=schema, orient="row")


def drivers(frame):
    return frame.filter(pl.col("driver").str.starts_with("reviews: ")).rows()


def test_each_location_has_a_row_that_tells_how_the_items_reviews_stand():
    found = name_reviews(
        explained(), reviews(("a", 200, 8, 4.4, 0.1), ("a", 90, 9, 4.3, 0.0), ("a", 3, 21, 4.12, -0.304)), cutoff=CUTOFF
    )
    told = "reviews: 12 in 90 days, mean 4.1 stars, trend -0.30"
    assert drivers(found) == [("a", place, told, 0.0, None, None) for place in ("north", "south")]
    assert found.schema == explained().schema
    assert found["effect"].sum() == explained()["effect"].sum()
    assert found.rows() == sorted(found.rows(), key=lambda row: row[:3])


def test_without_a_trend_nothing_is_named_and_without_stars_none_are_told():
    assert_frame_equal(name_reviews(explained(), reviews(("a", 3, 2, 5.0, None)), cutoff=CUTOFF), explained())
    assert_frame_equal(name_reviews(explained(), reviews(), cutoff=CUTOFF), explained())
    (row,) = drivers(name_reviews(explained(), reviews(("b", 200, 9, None, 0.25)), cutoff=CUTOFF))
    assert row[:3] == ("b", "north", "reviews: 0 in 90 days, trend +0.25")


def test_a_review_moved_past_the_cutoff_is_not_told():
    before = name_reviews(explained(), reviews(("a", 9, 7, 4.0, 0.2)), cutoff=CUTOFF)
    late = name_reviews(explained(), reviews(("a", 9, 7, 4.0, 0.2), ("a", -1, 8, 3.0, -0.9)), cutoff=CUTOFF)
    on_the_day = name_reviews(explained(), reviews(("a", 9, 7, 4.0, 0.2), ("a", 0, 8, 3.0, -0.9)), cutoff=CUTOFF)
    assert_frame_equal(late, before)
    assert drivers(on_the_day)[0][2] == "reviews: 8 in 90 days, mean 3.0 stars, trend -0.90"
    assert_frame_equal(name_reviews(explained(), reviews(("a", -1, 8, 3.0, -0.9)), cutoff=CUTOFF), explained())


def test_no_word_of_a_row_claims_a_cause():
    (row, _) = drivers(name_reviews(explained(), reviews(("a", 9, 7, 4.0, 0.2)), cutoff=CUTOFF))
    assert not {"because", "due", "causes", "drives", "lifts"} & set(row[2].replace(",", "").replace(":", "").split())
