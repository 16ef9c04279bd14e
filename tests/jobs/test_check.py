from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from jobs.check import Expected, Refused, check_invariants, check_run
from jobs.settings import Settings, Tolerances
from jobs.standing import Standing, check_quality
from warehouse.tables import PUBLISHED, QUANTILES, polars_schema

CUTOFF = date(2026, 6, 28)
SETTINGS = Settings(horizon=2, k=2)
ITEMS = ("a", "b", "c")


def table(name, rows):
    schema = polars_schema(PUBLISHED[name])
    return pl.DataFrame([{**dict.fromkeys(schema), "run_id": "r", **row} for row in rows], schema=schema, orient="row")


@pytest.fixture
def tables():
    made = {name: table(name, []) for name in PUBLISHED if name != "runs"}
    made["items"] = table("items", [{"item_id": item, "title": item, "no_text": False} for item in ITEMS])
    made["recommendations"] = table(
        "recommendations",
        [
            {"user_id": user, "item_id": item, "rank": rank, "score": 1.0 / rank, "source": "text", "reason": "near"}
            for user in ("u1", "u2")
            for rank, item in enumerate("bc", start=1)
        ],
    )
    made["similar_items"] = table(
        "similar_items",
        [
            {"query_item_id": "a", "kind": "blend", "item_id": item, "rank": rank, "score": 0.5, "reason": "near"}
            for rank, item in enumerate("bc", start=1)
        ],
    )
    made["audience"] = table(
        "audience",
        [
            {"item_id": "c", "user_id": f"u{rank}", "rank": rank, "score": 0.2 / rank, "source": "text"}
            | {"reason": "near", "occasion": "overstock"}
            for rank in (1, 2)
        ],
    )
    made["forecast"] = table(
        "forecast",
        [
            {"item_id": item, "location_id": "all", "date": CUTOFF + timedelta(days=1 + 7 * step), "period_days": 7}
            | {"mean": 5.0, "source": "model", "status": "active"}
            | {name: float(level) for level, name in enumerate(QUANTILES)}
            for item in ITEMS
            for step in range(2)
        ],
    )
    return made


@pytest.fixture
def expected():
    purchases = pl.DataFrame({"user_id": ["u1"], "item_id": ["a"]})
    return Expected(CUTOFF, ("u1", "u2"), purchases, hide_bought=True, snapshots=("s", "s"))


def change(frame, column, value, *, where=True):
    new = pl.when(where).then(pl.lit(value)).otherwise(pl.col(column))
    return frame.with_columns(new.cast(frame.schema[column]).alias(column))


def test_a_run_that_holds_everything_passes(tables, expected):
    assert check_invariants(tables, expected, settings=SETTINGS) == []


SECOND = pl.int_range(pl.len()) == 1
BROKEN = [
    ("recommendations", "rank", 3, SECOND, "recommendations: ranks are not 1, 2, 3 …, for instance user_id 'u1'"),
    ("recommendations", "score", float("nan"), SECOND, "recommendations: 1 scores are not finite"),
    ("recommendations", "score", 9.0, SECOND, "recommendations: a score rises with the rank"),
    ("recommendations", "item_id", "b", SECOND, "recommendations: 1 rows repeat a (user_id, item_id)"),
    ("recommendations", "item_id", "a", SECOND, "recommendations: 1 rows were bought before and hidden"),
    ("recommendations", "item_id", "z", SECOND, "recommendations: 1 rows cannot be bought on 2026-06-29"),
    ("recommendations", "item_id", "z", SECOND, "recommendations: 1 rows have no forecast to join"),
    ("recommendations", "reason", None, SECOND, "recommendations.reason: 1 of 4 rows are empty"),
    ("recommendations", "user_id", "u3", SECOND, "recommendations: 2 users have not the rows due"),
    ("similar_items", "item_id", "a", SECOND, "similar_items: 1 items stand in their own list"),
    ("audience", "rank", 3, SECOND, "audience: ranks are not 1, 2, 3 …, for instance item_id 'c'"),
    ("audience", "user_id", "u1", SECOND, "audience: 1 rows repeat a (item_id, user_id)"),
    ("audience", "user_id", "u9", SECOND, "audience: 1 rows are of users without a list, for instance user_id 'u9'"),
    ("audience", "item_id", "z", True, "audience: 2 rows are of items that are not in items"),
    ("audience", "item_id", "a", True, "audience: 1 rows were bought before and hidden, for instance user_id 'u1'"),
    ("forecast", "p30", 0.5, SECOND, "forecast: quantiles cross in 1 rows"),
    ("forecast", "mean", float("inf"), SECOND, "forecast: 1 rows are not finite"),
    ("forecast", "p10", -1.0, SECOND, "forecast: 1 rows are negative where no sale is"),
    ("forecast", "date", CUTOFF, SECOND, "forecast: 1 series lack a period of the horizon"),
    ("forecast", "item_id", "b", SECOND, "forecast: 1 rows repeat a"),
    ("items", "available_from", CUTOFF + timedelta(days=2), SECOND, "recommendations: 2 rows cannot be bought"),
]


@pytest.mark.parametrize(("name", "column", "value", "where", "message"), BROKEN)
def test_each_broken_invariant_is_named(tables, expected, name, column, value, where, message):
    tables[name] = change(tables[name], column, value, where=where)
    found = check_invariants(tables, expected, settings=SETTINGS)
    assert any(message in line for line in found), found


def test_a_missing_column_is_named(tables, expected):
    tables["sales"] = tables["sales"].drop("title")
    assert check_invariants(tables, expected, settings=SETTINGS) == ["sales: column 'title' is missing"]


def test_an_item_without_a_forecast_is_named(tables, expected):
    tables["forecast"] = tables["forecast"].filter(pl.col("item_id") != "a")
    assert "forecast: 1 items have none" in check_invariants(tables, expected, settings=SETTINGS)[0]


def test_a_probability_beyond_1_is_named(tables, expected):
    row = {"item_id": "a", "location_id": "all", "date": CUTOFF, "on_hand": 1.0, "probability": 1.2}
    tables["stockout_risk"] = table("stockout_risk", [row])
    (line,) = check_invariants(tables, expected, settings=SETTINGS)
    assert line.startswith("stockout_risk: 1 rows have a probability outside 0 to 1")


def test_negative_forecasts_stand_where_sales_are_negative(tables, expected):
    sale = {"item_id": "a", "sold_on": CUTOFF, "units": -1.0, "location_id": "all"}
    tables["sales"] = table("sales", [sale])
    tables["forecast"] = change(tables["forecast"], "p10", -1.0)
    assert check_invariants(tables, expected, settings=SETTINGS) == []


def test_lists_and_forecast_of_two_snapshots_are_refused(tables):
    purchases = pl.DataFrame(schema={"user_id": pl.String, "item_id": pl.String})
    expected = Expected(CUTOFF, ("u1", "u2"), purchases, hide_bought=True, snapshots=("s", "t"))
    assert "different snapshots of the text vectors: s, t" in check_invariants(tables, expected, settings=SETTINGS)[0]


def test_a_user_who_has_bought_nearly_everything_gets_what_is_left(tables):
    purchases = pl.DataFrame({"user_id": ["u1", "u1"], "item_id": ["a", "b"]})
    expected = Expected(CUTOFF, ("u1", "u2"), purchases, hide_bought=True, snapshots=("s",))
    mine = {"user_id": "u1", "item_id": "c", "rank": 1, "score": 1.0, "source": "text", "reason": "near"}
    others = tables["recommendations"].filter(pl.col("user_id") == "u2")
    tables["recommendations"] = pl.concat([table("recommendations", [mine]), others])
    assert check_invariants(tables, expected, settings=SETTINGS) == []


def test_without_a_forecast_only_the_lists_are_held_to_it(tables, expected):
    tables["forecast"] = table("forecast", [])
    purchases = expected.purchases
    skipped = Expected(CUTOFF, expected.users, purchases, hide_bought=True, snapshots=("s",), forecast=False)
    assert check_invariants(tables, skipped, settings=SETTINGS) == []


def quality(value, *, low=None, high=None, baseline=("popular", 0.1), n=500, segment="new"):
    row = {"cutoff": CUTOFF, "segment": segment, "metric": "ndcg@10", "value": value, "n": n, "low": low, "high": high}
    return table("recommendation_quality", [row | {"baseline": baseline[0], "baseline_value": baseline[1]}])


def backtest(value, *, low=None, high=None, baseline=("seasonal_naive", 0.5)):
    row = {"cutoff": CUTOFF, "segment": "all", "metric": "wape", "value": value, "n": 500, "low": low, "high": high}
    return table("backtest", [row | {"baseline": baseline[0], "baseline_value": baseline[1]}])


def standing(lists, forecast, *, users=100, series=50, bought_before="hide", periods=(7, 8)):
    return Standing(lists, forecast, users, series, bought_before, periods)


GOOD = standing(quality(0.2), backtest(0.4))


@pytest.mark.parametrize(
    ("now", "message"),
    [
        (standing(quality(0.06), backtest(0.4)), "against popular 0.1000, least 0.0700"),
        (standing(quality(0.2), backtest(0.7)), "against seasonal_naive 0.5000, most 0.6500"),
        (standing(quality(0.13), backtest(0.4)), "against the last run's 0.2000, least 0.1400"),
        (standing(quality(0.2), backtest(0.55)), "against the last run's 0.4000, most 0.5200"),
        (standing(quality(0.2), backtest(0.4), users=49), "users: 49, the last run had 100, least 50"),
        (standing(quality(0.2), backtest(0.4), series=20), "series: 20, the last run had 50, least 25"),
    ],
)
def test_a_run_far_behind_is_refused_with_its_numbers(now, message):
    assert any(message in line for line in check_quality(now, GOOD, tolerances=Tolerances()))


@pytest.mark.parametrize(
    "now",
    [
        GOOD,
        standing(quality(0.06, low=0.01, high=0.15), backtest(0.4)),  # the interval reaches the floor
        standing(quality(0.06, n=29), backtest(0.4)),  # too few users to tell
        standing(quality(0.06, baseline=("again", 0.1)), backtest(0.7, low=0.3, high=0.9), bought_before="keep"),
        standing(quality(0.13), backtest(0.4), bought_before="keep"),  # other lists than the last run's
        standing(quality(0.2), backtest(0.55), periods=(1, 8)),  # another forecast than the last run's
        standing(quality(0.01, segment="repeat"), backtest(0.4)),  # a segment that no tolerance speaks of
    ],
)
def test_a_run_within_tolerance_passes(now):
    assert check_quality(now, GOOD, tolerances=Tolerances()) == []


def test_lists_that_keep_what_was_bought_are_not_judged_by_what_is_new():
    both = pl.concat([quality(0.01), quality(0.3, segment="all")])
    assert check_quality(standing(both, backtest(0.4), bought_before="keep"), None, tolerances=Tolerances()) == []
    (refusal,) = check_quality(standing(both, backtest(0.4)), None, tolerances=Tolerances())
    assert "segment new is 0.0100" in refusal
    poor = standing(quality(0.01, segment="all"), backtest(0.4), bought_before="keep")
    assert "segment all is 0.0100" in check_quality(poor, None, tolerances=Tolerances())[0]


def test_the_first_run_is_held_to_the_baselines_alone():
    assert check_quality(standing(quality(0.08), backtest(0.6)), None, tolerances=Tolerances()) == []


def test_tolerances_come_from_the_settings(tables, expected):
    strict = Settings(horizon=2, k=2, check=Tolerances(ndcg_drop=-0.5))
    with pytest.raises(Refused, match=r"the previous run stays: lists: ndcg@10 of segment new is 0.2000"):
        check_run(tables, expected, standing=GOOD, previous=GOOD, settings=strict)
    check_run(tables, expected, standing=GOOD, previous=GOOD, settings=SETTINGS)
