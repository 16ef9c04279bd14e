from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from encoders.pooling import TextVectors
from recsys.config import RecommendConfig
from recsys.history import ShopHistory
from recsys.neighbours import NearPairs
from recsys.similar import TEXT_SHARE, blend, similar_items, text_share
from recsys.similar_reasons import item_facts

CUTOFF = date(2024, 6, 30)
CONFIG = RecommendConfig(similar_k=5, threads=1)
ITEMS = [
    ("B1", "waterproof leather boots", "shoes"),
    ("B2", "leather boots, waterproof", "shoes"),
    ("H1", "straw hat", "hats"),
    ("H2", "felt hat", "hats"),
    ("N1", None, "hats"),  # no text, but bought with the felt hat
    ("N2", None, "shoes"),  # no text, never bought
    ("N3", None, None),  # nothing at all
    ("P1", "woollen hat", "hats"),  # a planned launch
]
# what the texts mean, by hand: boots, boots, straw, felt, wool
MEANING = {"B1": [1, 0.1, 0], "B2": [1, 0.2, 0], "H1": [0, 1, 0], "H2": [0, 1, 0.5], "P1": [0, 1, 0.6]}
BASKETS = {"u1": ["H2", "N1"], "u2": ["H2", "N1"], "u3": ["H2", "N1", "H1"], "u4": ["B1"], "u5": ["B1", "H1"]}


def unit(vectors):
    vectors = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0).astype(np.float32)


def texts_of(meaning, *, reviews=()):
    """One product text an item, undated, zeros where there is none; and reviews as (item, day, meaning)."""
    rows = [("product", item_id, None, None) for item_id, *_ in ITEMS]
    rows += [("review", item_id, "u1", day) for item_id, day, _ in reviews]
    schema = {"kind": pl.String, "item_id": pl.String, "user_id": pl.String, "day": pl.Date}
    texts = pl.DataFrame(rows, schema=schema, orient="row").with_columns(row=pl.int_range(pl.len()))
    products = [meaning.get(item_id, [0, 0, 0]) for item_id, *_ in ITEMS]
    vectors = unit([*products, *(of_review for *_, of_review in reviews)])
    return TextVectors(texts=texts, vectors=vectors, encoder_id="by hand", snapshot_id="1")


def history(*, baskets=BASKETS, texts=None, items=ITEMS, day=CUTOFF):
    schema = {"user_id": pl.String, "item_id": pl.String, "day": pl.Date, "units": pl.Float64}
    bought = [(user, item_id, day, 1.0) for user, basket in baskets.items() for item_id in basket]
    frame = pl.DataFrame(items, schema={"item_id": pl.String, "title": pl.String, "category": pl.String}, orient="row")
    return ShopHistory(
        items=frame.with_columns(
            brand=pl.lit(None, pl.String), price=pl.lit(None, pl.Float64), available_from=pl.lit(None, pl.Date)
        ),
        purchases=pl.DataFrame(bought, schema=schema, orient="row"),
        interest=pl.DataFrame(schema={"user_id": pl.String, "item_id": pl.String, "day": pl.Date, "kind": pl.String}),
        texts=texts_of(MEANING) if texts is None else texts,
        cutoff=CUTOFF,
    )


def of(frame, item_id):
    return frame.filter(pl.col("query_item_id") == item_id)


def test_every_item_has_its_rows_ranked_without_itself():
    index, frame = similar_items(history(), config=CONFIG)
    assert frame.columns == ["query_item_id", "kind", "item_id", "rank", "score", "reason"]
    assert sorted(index.item_ids) == sorted(item_id for item_id, *_ in ITEMS)
    assert frame.filter(pl.col("query_item_id") == pl.col("item_id")).is_empty()
    for item_id, *_ in ITEMS:
        rows = of(frame, item_id)
        assert rows["rank"].to_list() == [1, 2, 3, 4, 5]
        assert rows["item_id"].n_unique() == 5
        assert rows["score"].is_sorted(descending=True)
    assert frame["kind"].unique().to_list() == ["blend"]
    assert frame.null_count().sum_horizontal().item() == 0


def test_where_behaviour_is_silent_the_twin_by_text_is_nearest():
    _, frame = similar_items(history(baskets={}), config=CONFIG)
    assert of(frame, "B1").row(0)[2:4] == ("B2", 1)
    assert of(frame, "B2").row(0)[2:4] == ("B1", 1)
    assert of(frame, "B1")["score"][0] == pytest.approx(float(np.dot(*unit([MEANING["B1"], MEANING["B2"]]))), abs=1e-5)
    assert of(frame, "P1")["item_id"][0] == "H2"  # a planned launch has neighbours too


def test_an_item_without_text_is_found_by_what_it_was_bought_with():
    _, frame = similar_items(history(), config=CONFIG)
    assert of(frame, "N1").row(0)[2:4] == ("H2", 1)
    assert of(frame, "N1")["reason"][0] == "no text; bought together by 3 users"


def test_p12_an_item_without_text_or_company_is_answered_by_its_category_most_bought_first():
    _, frame = similar_items(history(), config=CONFIG)
    rows = of(frame, "N2")
    assert rows["item_id"].to_list() == ["B1", "B2", "H2", "N1", "H1"]  # shoes by buyers, then the shop by buyers
    assert rows["score"].to_list() == [0.0] * 5
    assert rows["reason"].to_list() == ["no text; same category"] * 2 + ["no text; nothing nearer, next by sales"] * 3
    assert of(frame, "N3")["reason"].unique().to_list() == ["no text; nothing nearer, next by sales"]


def test_p13_reasons_name_the_words_and_the_users_that_the_data_have():
    _, frame = similar_items(history(), config=CONFIG)
    reasons = {(query, item): reason for query, _, item, _, _, reason in frame.rows()}
    assert reasons["B1", "B2"] == "both: waterproof, leather, boots"
    assert reasons["H2", "N1"] == "bought together by 3 users"
    assert reasons["H1", "H2"] == "both: hat; bought together by 1 user"
    assert not frame["reason"].str.contains("because|so that|makes|causes|due to").any()


def test_words_in_many_titles_say_nothing():
    titles = [f"shop's own cup number {number}" for number in range(30)] + ["rare teapot cup", "rare teapot saucer"]
    facts = item_facts(titles, [None] * 32, np.ones(32, dtype=bool))
    assert "cup" not in facts.words[0]
    assert facts.words[30] == ("rare", "teapot")


def test_overlapping_bigrams_are_told_as_the_phrase_that_both_titles_have():
    titles = [
        "岫野K96 硅胶星空手机壳 雾蓝色",
        "夏知G35 硅胶星空手机壳 墨绿色",
        "麓北V39 钛金属星空手机 姜黄色",
        "星手空机",
    ]
    facts = item_facts(titles, [None] * 4, np.ones(4, dtype=bool))
    rows = np.array([0, 0, 0]), np.array([1, 2, 3])
    pairs = NearPairs(*rows, np.ones(3, np.float32), np.ones(3, dtype=bool))
    told = facts.reasons(pairs, np.zeros(3, dtype=np.int64))
    assert told == ["both: 硅胶星空手机壳", "both: 星空手机", "texts alike"]


def test_a_shop_without_any_text_stands_on_behaviour_alone():
    shop = history()
    silent = ShopHistory(shop.items, shop.purchases, shop.interest, None, CUTOFF)
    index, frame = similar_items(silent, config=CONFIG)
    assert index.dim == 64
    assert of(frame, "N1")["item_id"][0] == "H2"


def test_moving_a_purchase_past_the_cutoff_leaves_it_unread():
    _, without = similar_items(history(baskets={}), config=CONFIG)
    _, late = similar_items(history(day=CUTOFF + timedelta(days=1)), config=CONFIG)
    assert_frame_equal(late, without)


def test_moving_a_review_past_the_cutoff_leaves_it_unread():
    _, without = similar_items(history(), config=CONFIG)
    late = texts_of(MEANING, reviews=[("B1", CUTOFF + timedelta(days=1), [0, 0, 1])])
    known = texts_of(MEANING, reviews=[("B1", CUTOFF, [0, 0, 1])])
    assert_frame_equal(similar_items(history(texts=late), config=CONFIG)[1], without)
    assert similar_items(history(texts=known), config=CONFIG)[1]["score"].to_list() != without["score"].to_list()


def test_the_same_history_in_another_order_gives_the_same_rows():
    shop = history()
    other = ShopHistory(
        shop.items.reverse(), shop.purchases.sample(fraction=1, shuffle=True, seed=3), shop.interest, shop.texts, CUTOFF
    )
    first, second = similar_items(shop, config=CONFIG), similar_items(other, config=CONFIG)
    assert first[0].item_ids == second[0].item_ids
    assert first[0].vectors().tobytes() == second[0].vectors().tobytes()
    assert_frame_equal(first[1], second[1])


def test_the_blend_weighs_both_where_both_speak_and_lets_one_stand_alone():
    text, behaviour = unit([[1, 0], [0.6, 0.8], [1, 0]]), unit([[1, 0], [0, 1], [1, 0]])
    text[2] = behaviour[1] = 0
    both = blend(text, behaviour)
    assert np.linalg.norm(both, axis=1) == pytest.approx([1, 1, 1])
    assert both[0] == pytest.approx([0.65**0.5, 0, 0.35**0.5, 0])
    assert both[1] == pytest.approx([0.6, 0.8, 0, 0])
    assert both[2] == pytest.approx([0, 0, 1, 0])
    assert blend(np.zeros((1, 2), np.float32), np.zeros((1, 2), np.float32)).tolist() == [[0, 0, 0, 0]]


def test_texts_that_an_encoder_sets_close_together_weigh_more_and_others_as_measured():
    rng = np.random.default_rng(1)
    apart = unit(rng.normal(size=(50, 16)))
    assert text_share(apart) == pytest.approx(TEXT_SHARE)
    close = unit(0.4 * apart + np.eye(1, 16))
    cosines = close @ close.T
    spread = 1 - cosines.mean()
    share = text_share(close)
    # a difference of texts, beside one of behaviour, is as large as it is where texts stand .73 apart
    assert share * spread / (1 - share) == pytest.approx(0.65 * 0.73 / 0.35, rel=0.06)
    assert text_share(np.vstack([close, np.zeros((9, 16), np.float32)])) == pytest.approx(share)
    assert text_share(np.zeros((3, 16), np.float32)) == TEXT_SHARE
    assert 0.65 < text_share(np.repeat(apart[:1], 5, axis=0)) < 1.0


def test_the_twin_by_text_stays_nearest_where_all_texts_are_close_and_behaviour_says_otherwise():
    # as multilingual encoders do: every cosine above .9
    close = {item_id: [10, *meaning] for item_id, meaning in MEANING.items()}
    schema = {"kind": pl.String, "item_id": pl.String, "user_id": pl.String, "day": pl.Date}
    rows = [("product", item_id, None, None) for item_id, *_ in ITEMS]
    texts = pl.DataFrame(rows, schema=schema, orient="row").with_columns(row=pl.int_range(pl.len()))
    vectors = unit([close.get(item_id, [0, 0, 0, 0]) for item_id, *_ in ITEMS])
    known = TextVectors(texts=texts, vectors=vectors, encoder_id="by hand", snapshot_id="1")
    baskets = {f"u{number}": ["B1", "H1"] for number in range(9)} | {"v": ["B2", "H2"], "w": ["H2", "P1"]}
    _, frame = similar_items(history(texts=known, baskets=baskets), config=CONFIG)
    assert of(frame, "B1")["item_id"][0] == "B2"
