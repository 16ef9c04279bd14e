# ruff: noqa: DTZ001 (the tables hold UTC without a zone)
from __future__ import annotations

from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from encoders import EncoderConfig, TextVectors, VectorCache, embed_tables, load_encoder, product_text

CUTOFF = date(2024, 3, 1)


def unit(*numbers):
    vector = np.array(numbers, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def text_vectors(*rows):
    """Each row: kind, item, user, day, vector."""
    frame = pl.DataFrame(
        [(*row[:4], at) for at, row in enumerate(rows)],
        schema={"kind": pl.String, "item_id": pl.String, "user_id": pl.String, "day": pl.Date, "row": pl.Int64},
        orient="row",
    )
    vectors = np.array([row[4] for row in rows], dtype=np.float32)
    return TextVectors.build(frame, vectors, encoder_id="e")


def shop(late_review=date(2024, 3, 2)):
    return text_vectors(
        ("product", "b", None, None, (1, 0, 0)),
        ("product", "a", None, None, (0, 0, 0)),
        ("product", "c", None, None, (0, 1, 0)),
        ("review", "b", None, date(2024, 2, 1), (0, 1, 0)),
        ("review", "b", None, None, (0, 0, 1)),
        ("review", "b", None, late_review, (0, -1, 0)),
        ("review", "gone", None, None, (0, 0, 1)),
        ("browsing", None, "u", date(2024, 3, 1), (1, 0, 0)),
        ("browsing", "b", "u", date(2024, 1, 31), (0, 1, 0)),
        ("browsing", None, "late", date(2024, 3, 2), (0, 1, 0)),
    )


def test_an_item_is_its_own_text_and_the_mean_of_its_reviews_by_weight():
    items = shop().items(CUTOFF, review_weight=0.5)
    assert items.item_ids == ("a", "b", "c")
    np.testing.assert_allclose(items.vectors, [(0, 0, 0), unit(2, 1, 1), (0, 1, 0)], atol=1e-6)
    assert items.vectors.dtype == np.float32
    alone = shop().items(CUTOFF, review_weight=0.0)
    assert alone.vectors.tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]


def test_moving_a_review_past_the_cutoff_changes_no_vector():
    one = shop(date(2024, 3, 2)).items(CUTOFF, review_weight=0.3).vectors
    assert np.array_equal(one, shop(date(2025, 9, 9)).items(CUTOFF, review_weight=0.3).vectors)
    assert not np.array_equal(one, shop(date(2024, 3, 1)).items(CUTOFF, review_weight=0.3).vectors)


def test_a_user_is_what_they_browsed_and_thirty_days_halve_a_text():
    users = shop().users(CUTOFF)
    assert users.user_ids == ("u",)
    np.testing.assert_allclose(users.vectors, [unit(1, 0.5, 0)], atol=1e-6)
    assert shop().users(date(2020, 1, 1)).vectors.shape == (0, 3)


def test_the_snapshot_id_is_of_the_rows_and_vectors_in_any_order():
    one = shop()
    shuffled = TextVectors.build(one.texts.reverse(), one.vectors, encoder_id="e")
    assert shuffled.snapshot_id == one.snapshot_id
    others = [
        TextVectors.build(one.texts, one.vectors, encoder_id="f"),
        TextVectors.build(one.texts, -one.vectors, encoder_id="e"),
        shop(date(2024, 3, 3)),
    ]
    assert len({one.snapshot_id, *(other.snapshot_id for other in others)}) == 4


def test_a_review_weight_outside_of_its_range_is_refused():
    with pytest.raises(ValueError, match=r"review_weight is 1\.5"):
        shop().items(CUTOFF, review_weight=1.5)


def test_a_product_text_joins_what_there_is():
    items = pl.DataFrame(
        {"item_id": ["a", "b", "c"], "title": ["Red Scarf", None, " "], "brand": ["Acme", "", None], "price": [1, 2, 3]}
    )
    assert product_text(items).to_list() == ["Red Scarf. Acme", "", ""]
    assert product_text(items.select("item_id")).to_list() == ["", "", ""]


def test_a_brand_and_a_category_alone_are_no_text():
    rows = [(None, "Acme", "shoes", None), ("", "Acme", None, "red"), ("Scarf", None, "hats", " ")]
    items = pl.DataFrame(rows, schema=["title", "brand", "category", "description"], orient="row")
    assert product_text(items).to_list() == ["", "Acme. red", "Scarf. hats"]


def test_each_text_of_a_shop_is_encoded_once_and_keeps_kind_owner_and_day(tmp_path):
    encoder = load_encoder(EncoderConfig())
    tables = {
        "items": pl.DataFrame({"item_id": ["b", "a", "c"], "title": ["Red scarf", "跑步鞋", ""]}),
        "reviews": pl.DataFrame(
            {
                "review_id": ["1", "2", "3"],
                "item_id": ["a", "a", "b"],
                "user_id": ["u", None, None],
                "occurred_at": [datetime(2024, 1, 1, 23, 30), None, None],
                "title": ["Nice", None, None],
                "text": ["Warm", "Red scarf", None],
            }
        ),
        "events": pl.DataFrame(
            {
                "user_id": ["u", "u"],
                "item_id": [None, "a"],
                "occurred_at": [datetime(2024, 1, 1, 12), datetime(2024, 1, 2, 12)],
                "text": ["winter boots", None],
            }
        ),
    }
    steps = []
    cache = VectorCache(tmp_path, encoder)
    made = embed_tables(tables, cache=cache, timezone="Europe/Berlin", progress=lambda *step: steps.append(step))
    assert (made.texts_encoded, made.cache_hits) == (4, 1)  # the review that repeats a title is known
    assert made.unknown_word_share["items"] > 0.5
    assert made.unknown_word_share["reviews"] == made.unknown_word_share["events"] == 0.0
    assert {what for what, _, _ in steps} == {"encode items", "encode reviews", "encode events"}
    texts = made.texts
    assert texts.texts.drop("row").rows() == [
        ("browsing", None, "u", date(2024, 1, 1)),
        ("product", "a", None, None),
        ("product", "b", None, None),
        ("product", "c", None, None),
        ("review", "a", None, None),
        ("review", "a", "u", date(2024, 1, 2)),
    ]
    said = texts.vectors[texts.texts.filter(pl.col("day") == date(2024, 1, 2))["row"][0]]
    assert np.array_equal(said, encoder.encode(["Nice. Warm"], kind="review")[0])
    assert not texts.items(CUTOFF, review_weight=0.2).vectors[2].any()
    again = embed_tables(tables, cache=VectorCache(tmp_path, encoder), timezone="Europe/Berlin")
    assert (again.texts_encoded, again.cache_hits) == (0, 5)
    assert again.texts.snapshot_id == texts.snapshot_id


def test_a_shop_of_items_alone_and_events_without_words_are_embedded(tmp_path):
    cache = VectorCache(tmp_path, load_encoder(EncoderConfig()))
    tables = {
        "items": pl.DataFrame({"item_id": ["a"], "title": ["Red scarf"]}),
        "events": pl.DataFrame({"user_id": ["u"], "item_id": ["a"], "occurred_at": [datetime(2024, 1, 1)]}),
    }
    made = embed_tables(tables, cache=cache)
    assert made.unknown_word_share == {"items": 0.0}
    assert embed_tables({"items": tables["items"]}, cache=cache).texts.snapshot_id == made.texts.snapshot_id
    nothing = embed_tables({"items": tables["items"].clear()}, cache=cache)
    assert nothing.texts.items(CUTOFF, review_weight=0.5).vectors.shape == (0, 384)
