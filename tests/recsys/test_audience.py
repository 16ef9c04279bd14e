from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from encoders import TextVectors
from recsys import RecommendConfig, ShopHistory, build_lists
from recsys.audience import learn_chance, most_active, wanted_by
from recsys.chance import fit_chance
from recsys.training import fit_evening
from recsys.view import catalogue_of

CUTOFF = date(2024, 6, 30)
N_ITEMS, N_USERS, LAUNCH = 60, 160, "B059"
TEXTS = {"kind": pl.String, "item_id": pl.String, "user_id": pl.String, "day": pl.Date, "row": pl.Int64}
HIDE = RecommendConfig(threads=1, bought_before="hide", audience=30, measure=False)
KEEP = RecommendConfig(threads=1, bought_before="keep", audience=30, measure=False)


def ago(days):
    return CUTOFF - timedelta(days=days)


def make_shop(extra=()):
    """Six categories by text and by name; user n keeps to category n % 6, and buys the more the lower n is."""
    rng = np.random.default_rng(3)
    ids = [f"B{item:03}" for item in range(N_ITEMS)]
    items = pl.DataFrame(
        {
            "item_id": ids,
            "title": [f"thing {item}" for item in range(N_ITEMS)],
            "category": [f"c{item % 6}" for item in range(N_ITEMS)],
            "available_from": [None] * (N_ITEMS - 1) + [ago(-20)],
        },
        schema_overrides={"available_from": pl.Date},
    )
    rows = [
        (f"u{user:03}", ids[int(rng.integers(0, 9)) * 6 + user % 6], ago(int(rng.integers(0, 150))), 1.0)
        for user in range(N_USERS)
        for _ in range(4 + (N_USERS - user) // 8)
    ]
    purchases = pl.DataFrame([*rows, *extra], schema=["user_id", "item_id", "day", "units"], orient="row")
    purchases = purchases.group_by("user_id", "item_id", "day").agg(pl.col("units").sum()).sort(pl.all())
    interest = pl.DataFrame(schema={"user_id": pl.String, "item_id": pl.String, "day": pl.Date, "kind": pl.String})
    vectors = (
        rng.normal(size=(N_ITEMS, 12)).astype(np.float32) + 4 * np.eye(6, 12, dtype=np.float32)[np.arange(N_ITEMS) % 6]
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    own = pl.DataFrame([("product", item, None, None, at) for at, item in enumerate(ids)], schema=TEXTS, orient="row")
    return ShopHistory(items, purchases, interest, TextVectors.build(own, vectors, encoder_id="made"), CUTOFF)


def users_of(history):
    return [*history.purchases["user_id"].unique().sort(), "nobody"]


@pytest.fixture(scope="module")
def history():
    return make_shop()


@pytest.fixture(scope="module")
def hidden(history):
    return build_lists(history, users=users_of(history), config=HIDE, stock=None)


@pytest.fixture(scope="module")
def kept(history):
    return build_lists(history, users=users_of(history), config=KEEP, stock=None)


@pytest.fixture(scope="module")
def evening(history):
    return fit_evening(history, catalogue_of(history, users_of(history)), CUTOFF, HIDE, hide=True)


def test_every_item_has_its_audience_ranked_without_a_gap(hidden, kept):
    for lists in (hidden, kept):
        by_item = lists.audience.group_by("item_id").agg(pl.col("rank"), pl.col("user_id").n_unique().alias("users"))
        assert by_item.height == N_ITEMS
        assert by_item["users"].unique().to_list() == [30]
        assert by_item["rank"].list.sort().unique().to_list() == [list(range(1, 31))]
        falls = lists.audience.sort("item_id", "rank").select(pl.col("score").diff().over("item_id"))["score"]
        assert falls.max() <= 0
        assert lists.audience["score"].is_between(0, 1).all()
        assert not lists.notes


def test_who_has_it_already_is_left_out_where_that_is_hidden_and_first_where_it_is_kept(history, hidden, kept):
    had = history.purchases.select("user_id", "item_id").unique()
    assert hidden.audience.join(had, on=["user_id", "item_id"]).is_empty()
    again = kept.audience.filter(pl.col("rank") <= 3).join(had, on=["user_id", "item_id"])
    assert again.height > 2 * N_ITEMS
    told = again.filter(pl.col("source") == "repeat").join(kept.owners, on=["user_id", "item_id"])
    days = pl.lit(CUTOFF) - pl.col("last_bought")
    assert told.height > N_ITEMS
    for reason, times, last in told.select("reason", "times", days.dt.total_days()).iter_rows():
        assert reason.startswith(f"bought {times} times, last " if times > 1 else "bought once, ")
        assert reason.endswith("today" if last == 0 else f"{last} days ago" if last > 1 else "1 day ago")


def test_owners_are_those_who_bought_it_with_how_often_and_when_last(history, hidden):
    expected = history.purchases.group_by("item_id", "user_id").agg(
        times=pl.len().cast(pl.Int32), last_bought=pl.col("day").max()
    )
    assert_frame_equal(hidden.owners, expected.sort("item_id", "user_id"))


def test_a_launch_without_a_sale_is_wanted_by_those_who_buy_its_category(hidden):
    first = hidden.audience.filter(pl.col("item_id") == LAUNCH, pl.col("rank") <= 10)
    taste = first["user_id"].str.slice(1).cast(pl.Int64) % 6
    assert (taste == (N_ITEMS - 1) % 6).sum() >= 8


def test_of_two_users_with_one_taste_the_one_who_buys_more_stands_first(kept):
    rank = kept.audience.with_columns(number=pl.col("user_id").str.slice(1).cast(pl.Int64, strict=False))
    own = rank.filter(pl.col("number") % 6 == pl.col("item_id").str.slice(1).cast(pl.Int64) % 6)
    first, last = own.filter(pl.col("rank") <= 5)["number"].mean(), own.filter(pl.col("rank") > 20)["number"].mean()
    assert first < last - 20


def test_moving_a_purchase_past_the_cutoff_changes_no_row(history, hidden):
    later = make_shop([("u001", "B010", ago(-days), 5.0) for days in (1, 3, 30)])
    lists = build_lists(later, users=users_of(history), config=HIDE, stock=None)
    assert_frame_equal(lists.audience, hidden.audience)
    assert_frame_equal(lists.active, hidden.active)
    assert_frame_equal(lists.owners, hidden.owners)
    earlier = build_lists(make_shop([("u001", "B010", ago(0), 5.0)]), users=users_of(history), config=HIDE, stock=None)
    assert not earlier.audience.equals(hidden.audience)


def test_shuffled_rows_make_the_same_audience(history, hidden):
    shuffled = ShopHistory(
        history.items.sample(fraction=1, shuffle=True, seed=1),
        history.purchases.sample(fraction=1, shuffle=True, seed=2),
        history.interest,
        history.texts,
        CUTOFF,
    )
    lists = build_lists(shuffled, users=users_of(history)[::-1], config=HIDE, stock=None)
    assert_frame_equal(lists.audience, hidden.audience)


def test_reasons_are_facts_that_the_data_bear_out(history, hidden):
    category = dict(history.items.select("item_id", "category").iter_rows())
    bought = history.purchases.group_by("user_id").agg(pl.col("item_id").unique(), "day")
    items = {user: own for user, own, _ in bought.iter_rows()}
    days = {user: own for user, _, own in bought.iter_rows()}
    said = hidden.audience.filter(pl.col("reason").str.contains("^bought [0-9]+ other item"))
    for user, item, reason in said.select("user_id", "item_id", "reason").head(50).iter_rows():
        count = sum(category[one] == category[item] for one in items[user])
        assert reason == f"bought {count} other item{'' if count == 1 else 's'} of {category[item]}"
    active = hidden.active.filter(pl.col("user_id") == "u000")["reason"].item()
    recent = sum(day > ago(90) for day in days["u000"])
    assert active == f"bought or looked at something {recent} times in the last 90 days"
    assert hidden.active["reason"][-1] == "nothing is known of this user"


def test_the_most_active_come_first(history, evening):
    users = np.arange(len(evening.view.catalogue.user_ids))
    order = evening.view.catalogue.user_ids.gather(most_active(evening, users))
    recent = history.purchases.filter(pl.col("day") > ago(90)).group_by("user_id").len()
    most = recent.filter(pl.col("len") == pl.col("len").max())["user_id"].to_list()
    assert order[0] in most
    assert order[-1] == "nobody"


def test_pairs_leave_out_what_was_bought_and_hold_each_once(evening):
    users = np.arange(evening.view.shape[0])
    keys = wanted_by(evening, users, take=5)
    assert (np.diff(keys) > 0).all()
    had = evening.view.purchases
    assert not np.isin(keys, had.user * np.int64(N_ITEMS) + had.item).any()
    assert set(keys % N_ITEMS) == set(range(N_ITEMS))


def test_a_chance_rises_with_the_score_and_sums_to_what_was_bought(evening):
    rng = np.random.default_rng(0)
    user = rng.integers(0, N_USERS, 4000)
    score = rng.normal(size=4000)
    bought = rng.random(4000) < 1 / (1 + np.exp(4 - 2 * score))
    chance = fit_chance(score, user, bought, evening.features)
    assert chance is not None
    told = chance.of(score, user, evening.features)
    assert told.sum() == pytest.approx(bought.sum(), rel=0.02)
    assert chance.weights[1] == pytest.approx(2 * score.std(), rel=0.25)
    few = np.zeros(4000, dtype=bool)
    few[:49] = True
    assert fit_chance(score, user, few, evening.features) is None


def test_where_too_little_came_true_the_night_says_that_bare_scores_order_the_audience(history):
    few = ShopHistory(
        history.items, history.purchases.filter(pl.col("user_id") > "u150"), history.interest, history.texts, CUTOFF
    )
    lists = build_lists(few, users=users_of(few), config=HIDE, stock=None)
    assert any("too little to compare users by" in note for note in lists.notes)
    assert lists.audience["item_id"].n_unique() == N_ITEMS
    nothing = np.empty(0, dtype=np.int64)
    evening = fit_evening(few, catalogue_of(few, []), CUTOFF, HIDE, hide=True)
    assert learn_chance(evening, None, nothing, users=nothing, seed=0) is None


def test_no_audience_is_made_where_none_is_wanted(history):
    config = RecommendConfig(threads=1, bought_before="hide", audience=0, measure=False, windows=1)
    lists = build_lists(history, users=["u001"], config=config, stock=None)
    assert lists.audience.is_empty()
    assert lists.active.is_empty()
    with pytest.raises(ValueError, match="audience is -1"):
        RecommendConfig(audience=-1)
