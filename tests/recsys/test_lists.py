from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from encoders import TextVectors
from recsys import RecommendConfig, ShopHistory, build_lists

CUTOFF = date(2024, 6, 30)
CONFIG = RecommendConfig(threads=1, bought_before="hide")
TEXTS = {"kind": pl.String, "item_id": pl.String, "user_id": pl.String, "day": pl.Date, "row": pl.Int64}
N_ITEMS, N_USERS = 60, 150


def ago(days):
    return CUTOFF - timedelta(days=days)


def make_shop(extra=(), *, per_user=15):
    """A shop of six categories; a user buys mostly from one, and some things again."""
    rng = np.random.default_rng(0)
    ids = [f"B{item:03}" for item in range(N_ITEMS)]
    launch = [None] * (N_ITEMS - 2) + [ago(-1), ago(-2)]
    items = pl.DataFrame(
        {
            "item_id": ids,
            "title": [f"thing {item}" for item in range(N_ITEMS)],
            "category": [f"c{item % 6}" for item in range(N_ITEMS)],
            "price": [1.0 + item for item in range(N_ITEMS)],
            "available_from": launch,
        },
        schema_overrides={"available_from": pl.Date},
    )
    bought = [
        (f"u{user:03}", ids[_choice(rng, user % 6)], ago(int(rng.integers(0, 200))), 1.0)
        for user in range(N_USERS)
        for _ in range(per_user)
    ]
    purchases = pl.DataFrame([*bought, *extra], schema=["user_id", "item_id", "day", "units"], orient="row")
    purchases = (
        purchases.group_by("user_id", "item_id", "day").agg(pl.col("units").sum()).sort("user_id", "item_id", "day")
    )
    looked = [(f"u{user:03}", ids[user % 50], ago(user % 9), "view") for user in range(0, N_USERS, 3)]
    interest = pl.DataFrame(looked, schema=["user_id", "item_id", "day", "kind"], orient="row")
    vectors = (
        rng.normal(size=(N_ITEMS + 1, 12)).astype(np.float32)
        + 4 * np.eye(6, 12, dtype=np.float32)[np.arange(N_ITEMS + 1) % 6]
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = [("product", item, None, None, row) for row, item in enumerate(ids)]
    rows.append(("browsing", None, "reader", ago(2), N_ITEMS))
    texts = TextVectors.build(pl.DataFrame(rows, schema=TEXTS, orient="row"), vectors, encoder_id="made")
    return ShopHistory(items, purchases, interest, texts, CUTOFF)


def _choice(rng, taste):
    return int(rng.integers(0, 9)) * 6 + taste if rng.random() < 0.8 else int(rng.integers(0, N_ITEMS - 2))


def users_of(history):
    return [*history.purchases["user_id"].unique().sort(), "nobody", "reader"]


@pytest.fixture(scope="module")
def history():
    return make_shop()


@pytest.fixture(scope="module")
def hidden(history):
    return build_lists(history, users=users_of(history), config=CONFIG, stock=None)


@pytest.fixture(scope="module")
def kept(history):
    config = RecommendConfig(threads=1, bought_before="auto", k=10)
    return build_lists(history, users=users_of(history), config=config, stock=None)


def test_N18_every_user_has_k_rows_ranks_in_order_and_nothing_bought(history, hidden):  # noqa: N802 (the scenario's code)
    rows = hidden.recommendations
    by_user = rows.group_by("user_id").agg(pl.col("rank").sort(), pl.col("item_id").n_unique().alias("items"))
    assert set(by_user["user_id"]) == set(users_of(history))
    assert by_user["items"].unique().to_list() == [20]
    assert by_user["rank"].unique().to_list() == [list(range(1, 21))]
    assert rows.join(history.purchases, on=["user_id", "item_id"]).is_empty()
    assert set(rows["item_id"]) <= set(history.items["item_id"])


def test_scores_never_rise_and_ties_stand_by_id(hidden, kept):
    for frame in (hidden.recommendations, hidden.depth, kept.recommendations, kept.depth):
        steps = frame.sort("user_id", "rank").with_columns(
            fall=pl.col("score").diff().over("user_id"), before=pl.col("item_id").shift().over("user_id")
        )
        assert steps["fall"].max() <= 0
        assert steps.filter(pl.col("fall") == 0, pl.col("before") > pl.col("item_id")).is_empty()


def test_only_what_can_be_bought_tomorrow_is_listed(hidden, kept):
    for lists in (hidden, kept):
        for frame in (lists.recommendations, lists.depth, lists.popular, lists.buy_again):
            assert "B059" not in set(frame["item_id"])
    assert "B058" in set(hidden.popular["item_id"])  # on sale from tomorrow on


def test_where_little_may_be_shown_the_list_holds_all_of_it(history):
    everything = [("hoarder", item, ago(1), 1.0) for item in history.items["item_id"][:50]]
    lists = build_lists(make_shop(everything), users=["hoarder"], config=CONFIG, stock=None)
    assert sorted(lists.recommendations["item_id"]) == [f"B{item:03}" for item in range(50, 59)]
    assert lists.recommendations["rank"].to_list() == list(range(1, 10))


def test_N08_users_without_purchases_get_rows_by_text_or_popularity(hidden):  # noqa: N802 (the scenario's code)
    nobody, reader = (hidden.recommendations.filter(pl.col("user_id") == user) for user in ("nobody", "reader"))
    assert nobody["source"].unique().to_list() == ["popular"]
    assert nobody["item_id"].to_list() == hidden.popular["item_id"][:20].to_list()
    assert reader["source"][0] == "text"
    assert set(reader["source"]) <= {"text", "popular"}
    assert hidden.depth.filter(pl.col("user_id") == "nobody").is_empty()


def test_auto_is_settled_by_how_often_users_buy_again_and_says_so(kept, hidden):
    assert kept.bought_before == "keep"
    assert any("bought_before = auto came to keep" in note for note in kept.notes)
    assert hidden.bought_before == "hide"
    assert hidden.notes == ()
    again = kept.recommendations.filter(pl.col("source") == "repeat")
    assert again.height > 0


def test_P13_reasons_are_facts_that_the_data_bear_out(history, hidden, kept):  # noqa: N802 (the scenario's code)
    titles = dict(zip(history.items["title"], history.items["item_id"], strict=True))
    had = history.purchases.group_by("item_id").agg("user_id")
    had = {item: set(users) for item, users in had.iter_rows()}
    together = hidden.recommendations.filter(pl.col("reason").str.starts_with("also bought by"))
    assert together.height > 50
    for user, item, reason in together.select("user_id", "item_id", "reason").head(200).iter_rows():
        count, title = reason.removeprefix("also bought by ").split(" ", 1)
        named = titles[title.split(" of ", 1)[1]]
        assert int(count) == len((had[item] & had[named]) - {user})
    popular = hidden.recommendations.filter(pl.col("reason").str.starts_with("popular:")).row(0, named=True)
    recent = history.purchases.filter(pl.col("item_id") == popular["item_id"], pl.col("day") > ago(28))
    assert popular["reason"] == f"popular: {recent['user_id'].n_unique()} buyers in 28 days"
    for user, item, reason in kept.buy_again.select("user_id", "item_id", "reason").head(100).iter_rows():
        days = history.purchases.filter(pl.col("user_id") == user, pl.col("item_id") == item)["day"]
        assert reason.startswith(f"bought {len(days)} times" if len(days) > 1 else "bought once")
    words = " ".join(hidden.recommendations["reason"]) + " ".join(kept.recommendations["reason"])
    assert not any(word in words for word in ("because", "since you", "due to"))


def test_buy_again_holds_only_what_the_user_bought(history, hidden):
    assert hidden.buy_again.join(history.purchases, on=["user_id", "item_id"], how="anti").is_empty()
    assert hidden.buy_again.group_by("user_id").agg(pl.col("rank").max() == pl.len())["rank"].all()


def test_moving_a_purchase_past_the_cutoff_changes_no_row(history, hidden):
    later = make_shop([("u001", "B010", ago(-days), 5.0) for days in (1, 3, 30)])
    lists = build_lists(later, users=users_of(history), config=CONFIG, stock=None)
    assert_frame_equal(lists.recommendations, hidden.recommendations)
    assert_frame_equal(lists.quality, hidden.quality)
    assert_frame_equal(lists.popular, hidden.popular)


def test_two_runs_on_shuffled_rows_are_equal(history, kept):
    shuffled = ShopHistory(
        history.items.sample(fraction=1, shuffle=True, seed=1),
        history.purchases.sample(fraction=1, shuffle=True, seed=2),
        history.interest.sample(fraction=1, shuffle=True, seed=3),
        history.texts,
        CUTOFF,
    )
    config = RecommendConfig(threads=1, bought_before="auto", k=10)
    lists = build_lists(shuffled, users=users_of(history)[::-1], config=config, stock=None)
    assert_frame_equal(lists.recommendations, kept.recommendations)
    assert_frame_equal(lists.depth, kept.depth)
    assert_frame_equal(lists.buy_again, kept.buy_again)


def test_lists_beat_popularity_on_the_window_before_the_cutoff(hidden):
    row = hidden.quality.filter(segment="new", metric="ndcg@10", baseline="popular").row(0, named=True)
    assert row["value"] > 1.3 * row["baseline_value"]
    assert row["low"] < row["value"] < row["high"]
    assert row["cutoff"] == ago(28)


def test_a_shop_with_too_few_purchases_says_that_a_fixed_blend_orders_its_lists():
    history = make_shop(per_user=1)
    few = ShopHistory(
        history.items, history.purchases.filter(pl.col("user_id") < "u040"), history.interest, None, CUTOFF
    )
    lists = build_lists(few, users=["u001", "u002"], config=CONFIG, stock=None)
    assert any("fixed blend" in note for note in lists.notes)
    assert lists.recommendations.group_by("user_id").len()["len"].to_list() == [20, 20]


def test_a_shop_without_any_purchase_shows_every_item_in_the_order_of_ids(history):
    empty = ShopHistory(history.items, history.purchases.clear(), history.interest.clear(), None, CUTOFF)
    lists = build_lists(empty, users=["u1"], config=RecommendConfig(threads=1), stock=None)
    assert lists.recommendations["item_id"].to_list() == [f"B{item:03}" for item in range(20)]
    assert lists.recommendations["reason"].unique().to_list() == ["not bought by anyone yet"]
    assert lists.buy_again.is_empty()
    assert lists.quality.is_empty()


def test_active_days_narrow_the_users(history):
    config = RecommendConfig(threads=1, bought_before="hide", active_days=5, windows=1)
    lists = build_lists(history, users=users_of(history), config=config, stock=None)
    recent = pl.concat([history.purchases.select("user_id", "day"), history.interest.select("user_id", "day")])
    assert set(lists.recommendations["user_id"]) == set(recent.filter(pl.col("day") > ago(5))["user_id"])


def test_progress_tells_windows_and_lists(history):
    told = []
    config = RecommendConfig(threads=1, bought_before="hide", windows=1, measure=False)
    build_lists(history, users=["u001"], config=config, stock=None, progress=lambda *step: told.append(step))
    assert told == [("windows", 0, 1), ("lists", 0, 1), ("lists", 1, 1)]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"k": 0}, "k is 0"),
        ({"sources": frozenset({"fortune"})}, "unknown fortune"),
        ({"bought_before": "maybe"}, "it is hide, keep or auto"),
    ],
)
def test_a_config_that_makes_no_list_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        RecommendConfig(**wrong)


def test_q09_text_reasons_quote_reviews_up_to_the_cutoff_and_never_the_users_own(history, hidden):
    rows = [
        (f"B{item:03}", f"u{item:03}", f"r{item:03}", day, 5.0, f"Thing {item} does what it should, day in, day out.")
        for item, day in ((item, ago(-1) if item % 3 == 0 else ago(item)) for item in range(N_ITEMS))
    ]
    schema = dict.fromkeys(("item_id", "user_id", "review_id"), pl.String)
    said = pl.DataFrame(rows, schema={**schema, "date": pl.Date, "stars": pl.Float64, "text": pl.String}, orient="row")
    shop = dataclasses.replace(history, said=said)
    lists = build_lists(shop, users=users_of(history), config=CONFIG, stock=None)
    text = lists.recommendations.filter(source="text")
    quoted = text.with_columns(quote=pl.col("reason").str.extract("a review: “([^”]+)”$")).drop_nulls("quote")
    assert quoted.height > 50
    told = quoted.join(said, on="item_id", suffix="_author")
    assert told.filter(pl.col("quote") != pl.col("text")).is_empty()
    assert told.filter(pl.col("user_id") == pl.col("user_id_author")).is_empty()
    assert told["date"].max() <= CUTOFF
    late = text.filter(pl.col("item_id").str.slice(1).cast(pl.Int64) % 3 == 0)
    assert late.height > 50
    assert not late["reason"].str.contains("“").any()
    assert lists.recommendations.drop("reason").equals(hidden.recommendations.drop("reason"))
    assert lists.recommendations["reason"].str.len_chars().max() <= 160
