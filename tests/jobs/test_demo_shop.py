"""The demo shop: the same bytes for a seed, and in it words, behaviour and stock each matter."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from jobs.demo_shop import CUTOFF, generate_shop
from jobs.demo_shop.catalogue import CUTOFF_DAY, DAYS, make_catalogue
from jobs.demo_shop.english import ENGLISH
from jobs.demo_shop.people import make_people, make_wants
from jobs.demo_shop.plans import make_plans
from jobs.demo_shop.trade import simulate
from warehouse.tables import INPUT

if TYPE_CHECKING:
    from pathlib import Path

TABLES = ("items", "sales", "events", "reviews", "inventory", "promotions", "calendar")
HORIZON = timedelta(days=56)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    generate_shop(folder)
    return folder


@cache
def read(shop: Path, name: str) -> pl.DataFrame:
    return pl.read_csv(shop / f"{name}.csv", try_parse_dates=True, infer_schema_length=None)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.csv"))}


def test_n03_the_same_seed_gives_the_same_bytes_and_another_seed_another_shop(shop: Path, tmp_path: Path) -> None:
    generate_shop(tmp_path / "again", seed=7)
    generate_shop(tmp_path / "other", seed=8)
    first, again, other = contents(shop), contents(tmp_path / "again"), contents(tmp_path / "other")
    assert first == again
    assert first.keys() == other.keys()
    assert all(first[name] != other[name] for name in first if name != "calendar.csv")


def test_the_tables_have_the_names_and_columns_that_ingest_expects(shop: Path) -> None:
    for name in TABLES:
        frame, table = read(shop, name), INPUT[name]
        known = set(table.names)
        assert table.open or set(frame.columns) <= known, name
        required = [column.name for column in table.columns if column.required]
        assert set(required) <= set(frame.columns), name
        keys = [key for key in table.key if key in frame.columns]
        assert not keys or not frame.select(keys).is_duplicated().any(), name
    assert {path.name for path in shop.glob("*.csv")} == {f"{name}.csv" for name in TABLES}


def test_the_truth_lies_apart(shop: Path) -> None:
    names = {path.name for path in (shop / "truth").glob("*.csv")}
    assert names == {"tastes.csv", "twins.csv", "natures.csv", "demand.csv", "lost_sales.csv", "all_sales.csv"}


def test_nothing_observed_is_dated_after_the_cutoff(shop: Path) -> None:
    assert read(shop, "sales")["sold_on"].max() == CUTOFF
    assert read(shop, "events")["occurred_at"].dt.date().max() == CUTOFF
    assert read(shop, "reviews")["occurred_at"].dt.date().max() <= CUTOFF
    assert read(shop, "inventory")["date"].max() == CUTOFF
    assert read(shop, "calendar")["date"].max() == CUTOFF + HORIZON


def test_the_shop_is_small_enough_for_a_demo_night(shop: Path) -> None:
    queries = read(shop, "events").filter(pl.col("kind") == "search")["text"].n_unique()
    texts = read(shop, "items").height + read(shop, "reviews").height + queries
    assert queries <= 1_500
    assert texts <= 6_000
    assert 80_000 < read(shop, "sales").height < 120_000


def test_items_are_described_in_many_ways_and_some_not_at_all(shop: Path) -> None:
    items = read(shop, "items")
    bare = items.filter(pl.col("description").is_null())
    assert bare["title"].to_list() == [f"Item {number}" for number in range(2201, 2206)]
    assert bare["category"].null_count() == 2
    described = items.drop_nulls("description")
    assert described["title"].n_unique() > 0.99 * described.height
    assert described["description"].n_unique() > 0.95 * described.height
    assert described["category"].n_unique() == 12


def test_twins_are_the_same_thing_in_other_words(shop: Path) -> None:
    twins, natures, items = read(shop, "truth/twins"), read(shop, "truth/natures"), read(shop, "items")
    both = natures.join(items, on="item_id")
    pairs = twins.join(both, on="item_id").join(both, left_on="twin_item_id", right_on="item_id", suffix="_twin")
    assert pairs.height == twins.height >= 100
    for same in ("thing", "style", "material", "category"):
        assert (pairs[same] == pairs[f"{same}_twin"]).all(), same
    for other in ("brand", "title", "description"):
        assert (pairs[other] != pairs[f"{other}_twin"]).all(), other


def test_launches_have_no_history_and_ended_items_no_sales(shop: Path) -> None:
    items, sales, natures = read(shop, "items"), read(shop, "sales"), read(shop, "truth/natures")
    ahead = items.filter(pl.col("available_from").is_between(CUTOFF - timedelta(days=5), CUTOFF + HORIZON))
    assert ahead.filter(pl.col("available_from") > CUTOFF + timedelta(days=1)).height >= 60
    assert ahead.filter(pl.col("available_from") <= CUTOFF + timedelta(days=1)).height >= 15
    assert not set(ahead["item_id"]) & set(sales["item_id"])
    first = sales.group_by("item_id").agg(pl.col("sold_on").min().alias("first"), pl.col("sold_on").max().alias("last"))
    joined = items.join(first, on="item_id").join(natures, on="item_id")
    launched = joined.drop_nulls("available_from")
    assert (launched["first"] >= launched["available_from"]).all()
    ended = joined.filter(pl.col("wanted_until") < CUTOFF)
    assert ended.height >= 100
    assert (ended["last"] <= ended["wanted_until"]).all()


def test_sales_never_exceed_what_lay_on_the_shelf() -> None:
    rng = np.random.default_rng(11)
    catalogue = make_catalogue(rng, ENGLISH)
    plans = make_plans(rng, catalogue)
    trade = simulate(rng, catalogue, plans, make_wants(rng, catalogue, plans, make_people(rng, ENGLISH)))
    sold = np.zeros((DAYS, len(catalogue.thing)), dtype=np.int64)
    np.add.at(sold, (trade.sales[:, 0], trade.sales[:, 1]), trade.sales[:, 3])
    days = np.arange(1, DAYS)[:, None]
    delivered = np.where(trade.due[:-1] == days, trade.ordered[:-1], 0)
    opening, counted = catalogue.listed[None, :] == days, days == CUTOFF_DAY
    balance = trade.on_hand[:-1] + delivered - sold[1:]
    ordinary = ~(opening | counted)
    assert (balance == trade.on_hand[1:])[ordinary].all()
    assert trade.on_hand.min() == 0
    assert (trade.sales[:, 3] > 0).all()
    assert not sold[np.arange(DAYS)[:, None] < catalogue.first_day].any()


def test_stock_outs_lose_sales_and_some_are_taken_from_the_twin(shop: Path) -> None:
    lost, twins = read(shop, "truth/lost_sales"), read(shop, "truth/twins")
    pairs = set(twins.iter_rows()) | {(right, left) for left, right in twins.iter_rows()}
    instead = lost.drop_nulls("taken_instead").select("item_id", "taken_instead").unique()
    assert instead.height > 30
    assert set(instead.iter_rows()) <= pairs
    demand = read(shop, "truth/demand")
    gone = lost.filter(pl.col("taken_instead").is_null())["units"].sum()
    assert demand["lost"].sum() == gone
    assert demand["demanded"].sum() - demand["sold"].sum() == gone
    assert 0.01 < gone / demand["demanded"].sum() < 0.1


def test_some_best_sellers_are_all_but_sold_out_at_the_cutoff_and_their_twins_are_not(shop: Path) -> None:
    inventory, demand = read(shop, "inventory").filter(pl.col("date") == CUTOFF), read(shop, "truth/demand")
    recent = demand.filter(pl.col("date").is_between(CUTOFF - timedelta(days=28), CUTOFF)).group_by("item_id")
    recent = recent.agg((pl.col("demanded").sum() / 4).alias("weekly"))
    stock = inventory.join(recent, on="item_id").filter(pl.col("weekly") >= 2)
    short = stock.filter(
        (pl.col("on_hand") < 0.5 * pl.col("weekly")) & (pl.col("expected_on") > CUTOFF + timedelta(days=14))
    )
    twins = read(shop, "truth/twins")
    both = pl.concat([twins, twins.select(item_id="twin_item_id", twin_item_id="item_id")])
    swaps = short.join(both, on="item_id").join(stock, left_on="twin_item_id", right_on="item_id", suffix="_twin")
    assert swaps.filter(pl.col("on_hand_twin") > pl.col("weekly_twin")).height >= 40


def test_promotions_lift_demand(shop: Path) -> None:
    promotions, sales = read(shop, "promotions"), read(shop, "sales").filter(pl.col("user_id").is_null())
    promotions = promotions.filter(pl.col("ends_on") <= CUTOFF, pl.col("starts_on") > date(2024, 2, 1))
    weekly = sales.group_by("item_id", "sold_on").agg(pl.col("units").sum())
    on = promotions.with_columns(sold_on=pl.col("starts_on") + timedelta(days=5))
    before = on.with_columns(pl.col("sold_on") - timedelta(days=7))
    during = on.join(weekly, on=["item_id", "sold_on"])["units"].sum()
    ahead = before.join(weekly, on=["item_id", "sold_on"])["units"].sum()
    assert during > 1.8 * ahead
    assert (promotions["known_on"] < promotions["starts_on"] - HORIZON).all()


def test_seasons_differ_by_department_and_the_market_rests_when_the_calendar_says_so(shop: Path) -> None:
    sales = read(shop, "sales").join(read(shop, "items").select("item_id", "category"), on="item_id")
    monthly = sales.group_by("category", pl.col("sold_on").dt.month().alias("month")).agg(pl.col("units").sum())
    units = {(category, month): total for category, month, total in monthly.iter_rows()}
    assert units["garden", 5] > 2 * units["garden", 1]
    assert units["toys", 12] > 2 * units["toys", 6]
    rests = read(shop, "calendar").filter((pl.col("market") == 0) & (pl.col("date") <= CUTOFF))["date"]
    assert not sales.filter(pl.col("user_id").is_null())["sold_on"].is_in(rests.implode()).any()
    assert (sales.filter(pl.col("user_id").is_null())["sold_on"].dt.weekday() == 6).all()


def test_what_users_buy_follows_their_taste_more_than_popularity(shop: Path) -> None:
    sales, natures, tastes = (
        read(shop, "sales").drop_nulls("user_id"),
        read(shop, "truth/natures"),
        read(shop, "truth/tastes"),
    )
    styles = [name for name in tastes.columns if name.startswith("style_")]
    favourite = tastes.select(
        "user_id", pl.Series("favourite", np.array(styles)[tastes.select(styles).to_numpy().argmax(1)])
    )
    bought = sales.join(natures, on="item_id").join(favourite, on="user_id")
    own = (pl.lit("style_") + pl.col("style")) == pl.col("favourite")
    shares = bought.group_by("style").len().with_columns(pl.col("len") / bought.height)["len"]
    assert bought.select(own.mean()).item() > 2 * shares.max()


def test_a_search_tells_what_is_bought_next(shop: Path) -> None:
    events, sales, natures = (
        read(shop, "events"),
        read(shop, "sales").drop_nulls("user_id"),
        read(shop, "truth/natures"),
    )
    searches = events.filter(pl.col("kind") == "search").select("user_id", "text", day=pl.col("occurred_at").dt.date())
    bought = sales.join(natures, on="item_id").select("user_id", "thing", "sold_on")
    soon = searches.join(bought, on="user_id").filter(
        (pl.col("sold_on") - pl.col("day")).dt.total_days().is_between(0, 28)
    )
    hit = soon.filter(pl.col("text").str.ends_with(pl.col("thing"))).select("user_id", "text", "day").n_unique()
    assert hit > 0.6 * searches.n_unique()


def test_things_follow_one_another_and_some_are_bought_again_and_again(shop: Path) -> None:
    sales, natures = read(shop, "sales").drop_nulls("user_id"), read(shop, "truth/natures")
    bought = sales.join(natures, on="item_id").select("user_id", "item_id", "thing", "sold_on")
    phones = bought.filter(pl.col("thing") == "smartphone", pl.col("sold_on") < CUTOFF - timedelta(days=21))
    cases = bought.filter(pl.col("thing") == "phone case").select("user_id", case_on="sold_on")
    days = (pl.col("case_on") - pl.col("sold_on")).dt.total_days()
    after = phones.join(cases, on="user_id").filter(days.is_between(1, 20)).select("user_id", "sold_on").n_unique()
    before = phones.join(cases, on="user_id").filter(days.is_between(-20, -1)).select("user_id", "sold_on").n_unique()
    assert after > 5 * before
    again = bought.group_by("user_id", "item_id").len()
    assert (again["len"] >= 5).sum() > 300
    assert (again["len"] == 1).mean() > 0.8


def test_s32_the_phone_has_reviews_of_its_battery(shop: Path) -> None:
    reviews = read(shop, "reviews").filter(pl.col("item_id") == "B0007")
    battery = reviews.filter(pl.col("text").str.contains("(?i)battery"))
    assert battery.height >= 15
    assert "smartphone" in read(shop, "items").filter(pl.col("item_id") == "B0007")["title"].item()


def test_reviews_come_from_buyers_and_their_words_go_with_their_stars(shop: Path) -> None:
    reviews, sales = read(shop, "reviews"), read(shop, "sales").drop_nulls("user_id")
    first = sales.group_by("user_id", "item_id").agg(pl.col("sold_on").min())
    joined = reviews.join(first, on=["user_id", "item_id"])
    assert joined.height == reviews.height
    assert (joined["occurred_at"].dt.date() > joined["sold_on"]).all()
    sour = reviews["text"].str.contains("broke after|sent it back|got none of it|waste of money|Poorly made")
    assert reviews.filter(sour)["stars"].max() <= 2
    assert reviews.filter(~sour)["stars"].min() >= 3
