"""The night's step `sentiment`: every review told about, every item as of each day, and nothing from after it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from encoders import EncoderError
from jobs.sentiment import item_sentiment, sentiment_of_shop
from jobs.settings import SentimentSettings, Settings
from warehouse import Published

CUTOFF = date(2026, 6, 28)
FIRST, LATER = datetime(2025, 1, 1, 12), datetime(2026, 6, 1)  # noqa: DTZ001 occurred_at is kept in UTC without a zone
GOOD = ("lovely and soft", "works perfectly", "very happy with it", "great colour")
BAD = ("broke at once", "poor and thin", "returned it", "a waste of money")


def reviews_of(count, *, dated=True, starred=True):
    """Return so many reviews of five items, one every other day, a third of them bad."""
    rows = []
    for number in range(count):
        good = number % 3 != 0
        said = (GOOD if good else BAD)[number % 4]
        rows.append(
            {
                "review_id": f"r{number:03d}",
                "item_id": f"i{number % 5}",
                "occurred_at": FIRST + timedelta(days=2 * number) if dated else None,
                "stars": (5.0 if good else 2.0) if starred else None,
                "text": f"It is {said}, number {number}.",
            }
        )
    schema = {"review_id": pl.String, "item_id": pl.String, "occurred_at": pl.Datetime, "stars": pl.Float64}
    return pl.DataFrame(rows, schema=schema | {"text": pl.String})


def said_of(reviews, *, settings=None, cache=None):
    """Run the step over these reviews, with vectors in which the words' kind is plain."""
    told = reviews.filter(pl.col("text") != "")
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(told.height, 8)).astype(np.float32)
    good = told["text"].str.contains_any(list(GOOD)).to_numpy()
    vectors[:, 0] += np.where(good, 2.0, -2.0)
    day = pl.col("occurred_at").dt.date() if "occurred_at" in reviews.columns else pl.lit(None, pl.Date)
    texts = told.select("review_id", "item_id", day.alias("day"), "text").with_columns(row=pl.int_range(pl.len()))
    shop = SimpleNamespace(cutoff=CUTOFF, table=lambda name: reviews if name == "reviews" else None)
    embedded = SimpleNamespace(reviews=texts, vectors=SimpleNamespace(vectors=vectors))
    return sentiment_of_shop(shop, embedded, settings=settings or Settings(threads=1), cache=cache)


def test_every_review_has_a_row_and_every_one_with_text_a_probability():
    reviews = reviews_of(300).with_columns(
        stars=pl.when(pl.int_range(pl.len()) % 7 == 0).then(None).otherwise(pl.col("stars")),
        text=pl.when(pl.int_range(pl.len()) == 50).then(pl.lit("")).otherwise(pl.col("text")),
    )
    said = said_of(reviews)
    assert said.reviews["review_id"].to_list() == reviews["review_id"].to_list()
    assert said.reviews.filter(pl.col("probability").is_null())["review_id"].to_list() == ["r050"]
    read = said.reviews.filter(pl.col("stars").is_not_null() & pl.col("probability").is_not_null())
    right = ((read["probability"] > 0.5) == (read["stars"] > 3)).mean()
    assert right > 0.95


def test_the_quality_can_be_recomputed_from_the_rows_and_stands_beside_both_baselines():
    from sklearn.metrics import f1_score

    said = said_of(reviews_of(200))
    last = said.reviews.filter(pl.col("date") >= (FIRST + timedelta(days=2 * 160)).date())
    expected = f1_score(last["stars"] > 3, last["probability"] > 0.5, average="macro")
    rows = said.quality.filter(pl.col("metric") == "macro_f1")
    assert rows["baseline"].to_list() == ["majority", "tfidf"]
    assert rows["value"].to_list() == pytest.approx([expected, expected])
    assert rows["n"].to_list() == [40, 40]
    assert said.quality["segment"].unique().to_list() == ["last fifth by date"]
    assert f"macro F1 {expected:.3f} (majority " in said.notes[0]


def test_a_review_moved_past_a_day_changes_no_number_up_to_that_day():
    reviews = reviews_of(200)
    evening = reviews["occurred_at"][159].date()
    moved = pl.col("review_id") == "r100"
    later = reviews.with_columns(pl.when(moved).then(LATER).otherwise("occurred_at").alias("occurred_at"))
    known = reviews.filter(pl.col("occurred_at").dt.date() <= evening)
    without = later.filter(pl.col("occurred_at").dt.date() <= evening)
    assert without.height == known.height - 1
    assert said_of(without).items.equals(said_of(known.filter(~moved)).items)
    assert not said_of(without).items.equals(said_of(known).items)
    # and what came after a day is in none of its rows
    assert said_of(reviews).items.filter(pl.col("date") <= evening)["reviews"].sum() == (
        said_of(known).items["reviews"].sum()
    )


def test_an_item_on_a_day_is_all_of_its_reviews_up_to_it():
    told = [0.9, 0.8, None, 0.7, 0.6, 0.5, 0.1, 0.2]
    stars = [5.0, None, 4.0, 4.0, 3.0, 3.0, 1.0, 2.0]
    days = [1, 1, 2, 3, 4, 5, 6, 7]
    reviews = pl.DataFrame(
        {
            "review_id": [f"r{n}" for n in range(8)] + ["s0", "u0"],
            "item_id": ["a"] * 8 + ["b", "a"],
            "date": [date(2026, 1, day) for day in days] + [date(2026, 1, 3), None],
            "stars": [*stars, None, 1.0],
            "probability": [*told, None, 0.0],
        }
    )
    found = item_sentiment(reviews)
    assert found["item_id"].to_list() == ["a"] * 7 + ["b"]
    rows = found.filter(pl.col("item_id") == "a")
    assert rows["reviews"].to_list() == [2, 3, 4, 5, 6, 7, 8]
    assert rows["mean_stars"].to_list() == pytest.approx([5.0, 4.5, 13 / 3, 4.0, 3.8, 20 / 6, 22 / 7])
    assert rows["mean_probability"].to_list() == pytest.approx([0.85, 0.85, 0.8, 0.75, 0.7, 0.6, 3.8 / 7])
    # the seventh and the eighth review are the sixth and the seventh with words
    latest = [None] * 5 + [(0.8 + 0.7 + 0.6 + 0.5 + 0.1) / 5 - 0.9, (0.7 + 0.6 + 0.5 + 0.1 + 0.2) / 5 - 0.85]
    assert rows["trend"].to_list() == pytest.approx(latest, nan_ok=True)
    assert found.row(-1)[2:] == (1, None, None, None)


def test_a_shop_without_dates_is_told_about_by_hash_and_has_no_days():
    said = said_of(reviews_of(200).drop("occurred_at"))
    assert said.reviews["probability"].null_count() == 0
    assert said.reviews["date"].null_count() == 200
    assert said.items.is_empty()
    assert set(said.quality["segment"]) == {"a fifth by hash"}


@pytest.mark.parametrize("drop", [True, False])
def test_a_shop_without_stars_says_so_and_has_no_figure(drop):
    reviews = reviews_of(60, starred=False)
    said = said_of(reviews.drop("stars") if drop else reviews)
    assert said.notes == ("sentiment: 0 reviews with stars and text are too few, or all alike, to learn from",)
    assert said.reviews["probability"].null_count() == 60
    assert said.quality.is_empty()
    assert said.items["reviews"].max() == 12


def test_a_model_that_is_not_there_is_named_with_its_key(tmp_path):
    settings = Settings(sentiment=SentimentSettings(model=str(tmp_path / "none")))
    with pytest.raises(EncoderError, match=r"sentiment\.model = '.*none': .* holds no sentiment model"):
        said_of(reviews_of(50), settings=settings)


@pytest.mark.parametrize("reviews", [None, reviews_of(0)])
def test_a_shop_without_reviews_says_so(reviews):
    shop = SimpleNamespace(cutoff=CUTOFF, table=lambda _: reviews)
    said = sentiment_of_shop(shop, SimpleNamespace(), settings=Settings(), cache=None)
    assert said.notes == ("no reviews: nothing to read the sentiment from",)
    assert (said.reviews.height, said.items.height, said.quality.height) == (0, 0, 0)


def test_the_published_tables_hold_the_reviews_up_to_the_cutoff(published):
    opened = Published.open(published.runs)
    kept = pl.read_csv(published.input / "reviews.csv")
    found = opened.query("SELECT * FROM sentiment")
    assert found["review_id"].to_list() == sorted(kept["review_id"])
    assert found["probability"].is_between(0, 1).all()
    oracle = opened.query(
        "SELECT DISTINCT item_id, date, "
        "count(*) OVER before AS reviews, avg(stars) OVER before AS mean_stars, "
        "avg(probability) OVER before AS mean_probability FROM sentiment "
        "WINDOW before AS (PARTITION BY item_id ORDER BY date) ORDER BY item_id, date"
    )
    items = opened.query("SELECT item_id, date, reviews, mean_stars, mean_probability FROM item_sentiment")
    assert items.select("item_id", "date", "reviews").equals(oracle.select("item_id", "date", "reviews"))
    for name in ("mean_stars", "mean_probability"):
        assert items[name].to_list() == pytest.approx(oracle[name].to_list())
    assert "sentiment" in published.report.steps


def test_the_explanations_name_how_the_reviews_stand_and_sum_as_before(night_with_a_person):
    opened = Published.open(night_with_a_person.runs)
    stands = {
        row["item_id"]: row
        for row in opened.query(
            "SELECT item_id, last(reviews ORDER BY date) AS reviews, last(trend ORDER BY date) AS trend "
            "FROM item_sentiment GROUP BY item_id"
        ).to_dicts()
    }
    told = opened.query("SELECT item_id, driver, effect FROM forecast_explain WHERE driver LIKE 'reviews: %'")
    assert "014" in set(told["item_id"])
    assert set(told["item_id"]) == {item_id for item_id, row in stands.items() if row["trend"] is not None}
    assert told["effect"].unique().to_list() == [0.0]
    for item_id, driver, _ in told.iter_rows():
        assert driver.endswith(f"trend {stands[item_id]['trend']:+.2f}")
        assert 0 <= int(driver.split()[1]) <= stands[item_id]["reviews"]
    sums = opened.query(
        "SELECT abs(e.told - f.mean) AS off FROM (SELECT item_id, sum(effect) AS told FROM forecast_explain "
        "WHERE neighbour_item_id IS NULL GROUP BY item_id) AS e JOIN (SELECT item_id, sum(mean) AS mean FROM forecast "
        "WHERE source = 'model' GROUP BY item_id) AS f USING (item_id)"
    )
    assert sums.height > 40
    assert sums["off"].max() < 1e-6
