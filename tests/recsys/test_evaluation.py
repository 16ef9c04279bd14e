from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from recsys import RecommendConfig, ShopHistory
from recsys.evaluation import again_lists, measure_lists, popular_lists, user_scores
from recsys.ordering import ListRows
from recsys.training import fit_evening, window_truth
from recsys.view import catalogue_of

CUTOFF = date(2024, 6, 30)
ORIGIN = CUTOFF - timedelta(days=28)


def before(days):
    return ORIGIN - timedelta(days=days)


@pytest.fixture(scope="module")
def history():
    rng = np.random.default_rng(7)
    ids = [f"i{item:02}" for item in range(30)]
    bought = [
        (f"u{user:02}", ids[min(int(rng.exponential(6)), 29)], CUTOFF - timedelta(days=int(rng.integers(0, 150))), 1.0)
        for user in range(40)
        for _ in range(12)
    ]
    return ShopHistory(
        pl.DataFrame({"item_id": ids}),
        pl.DataFrame(bought, schema=["user_id", "item_id", "day", "units"], orient="row"),
        pl.DataFrame(schema={"user_id": pl.String, "item_id": pl.String, "day": pl.Date, "kind": pl.String}),
        None,
        CUTOFF,
    )


def by_definition(lists, truth):
    """The same figures, user by user, with sets and lists."""
    recall, gain = [], []
    for user, items in truth.items():
        found = np.array([item in items for item in lists.get(user, [])[:10]], dtype=float)
        ideal = (1 / np.log2(np.arange(2, 2 + min(10, len(items))))).sum()
        recall.append(found.sum() / len(items))
        gain.append((found / np.log2(np.arange(2, 2 + len(found)))).sum() / ideal)
    return float(np.mean(recall)), float(np.mean(gain))


def spoken(rows, n=None):
    lists = {}
    for user, item in zip(rows.user.tolist(), rows.item.tolist(), strict=True):
        lists.setdefault(user, []).append(item)
    return lists


def test_ndcg_and_recall_are_their_definitions():
    rng = np.random.default_rng(0)
    lists = {user: rng.choice(50, rng.integers(3, 15), replace=False).tolist() for user in range(20)}
    truth = {user: set(rng.choice(50, rng.integers(1, 14), replace=False).tolist()) for user in range(2, 25)}
    user = np.repeat(list(lists), [len(items) for items in lists.values()])
    item = np.concatenate(list(lists.values()))
    rows = ListRows(user, item, np.zeros(len(user)), np.zeros(len(user), dtype=np.int64))
    keys = np.unique([one * 50 + other for one, items in truth.items() for other in items])
    found = user_scores(rows, keys, 50)
    recall, ndcg = by_definition(lists, truth)
    assert found["recall@10"].mean() == pytest.approx(recall)
    assert found["ndcg@10"].mean() == pytest.approx(ndcg)


def test_baselines_are_what_they_are_called(history):
    catalogue = catalogue_of(history, [])
    view = fit_evening(history, catalogue, ORIGIN, RecommendConfig(), hide=True).view
    known = history.purchases.filter(pl.col("day") <= ORIGIN)
    recent = (
        known.filter(pl.col("day") > ORIGIN - timedelta(days=28))
        .group_by("item_id")
        .agg(n=pl.col("user_id").n_unique())
    )
    popular = recent.sort("n", "item_id", descending=[True, False])["item_id"].to_list()
    users = np.arange(5)
    ids = catalogue.item_ids.to_list()
    shown = spoken(popular_lists(view, users, new=False))
    assert [ids[item] for item in shown[0]] == popular[:10]
    had = set(known.filter(pl.col("user_id") == "u03")["item_id"])
    assert [ids[item] for item in spoken(popular_lists(view, users, new=True))[3]] == [
        i for i in popular if i not in had
    ][:10]
    own = (
        known.filter(pl.col("user_id") == "u03")
        .group_by("item_id")
        .agg(n=pl.col("day").n_unique(), last=pl.col("day").max())
    )
    own = own.sort("n", "last", "item_id", descending=[True, True, False])["item_id"].to_list()
    assert [ids[item] for item in spoken(again_lists(view, users))[3]][: len(own)] == own


def test_quality_has_every_baseline_once_with_an_interval(history):
    catalogue = catalogue_of(history, [])
    config = RecommendConfig(bought_before="hide")
    evening = fit_evening(history, catalogue, ORIGIN, config, hide=True)
    truth = window_truth(history, catalogue, ORIGIN, 28)
    quality = measure_lists(evening, None, truth, config)
    assert quality.filter(pl.col("baseline").is_not_null()).select("segment", "metric", "baseline").rows() == [
        ("all", "ndcg@10", "popular"),
        ("all", "recall@10", "popular"),
        ("all", "ndcg@10", "again"),
        ("all", "recall@10", "again"),
        ("new", "ndcg@10", "popular"),
        ("new", "recall@10", "popular"),
    ]
    assert quality.filter(pl.col("low") > pl.col("value")).is_empty()
    figures = dict(quality.filter(pl.col("baseline").is_null()).select("metric", "value").iter_rows())
    assert figures.keys() == {"coverage", "gini", "fallback_share"}
    assert 0 < figures["coverage"] <= 1
    assert 0 <= figures["gini"] < 1


def test_a_window_in_which_nobody_known_bought_measures_nothing(history):
    catalogue = catalogue_of(history, ["stranger"])
    evening = fit_evening(history, catalogue, ORIGIN, RecommendConfig(), hide=True)
    stranger = catalogue.users(["stranger"]) * catalogue.n_items
    assert measure_lists(evening, None, stranger, RecommendConfig()).is_empty()


def test_where_nobody_bought_anything_new_there_is_no_figure_of_the_new(history):
    catalogue = catalogue_of(history, [])
    evening = fit_evening(history, catalogue, ORIGIN, RecommendConfig(), hide=False)
    bought = evening.view.purchases
    again = np.unique(bought.user * np.int64(catalogue.n_items) + bought.item)
    quality = measure_lists(evening, None, again, RecommendConfig(bought_before="keep"))
    assert set(quality["segment"]) == {"all"}
    assert quality["value"].null_count() == 0
