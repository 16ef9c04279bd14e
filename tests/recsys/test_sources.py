from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from encoders import TextVectors
from recsys import RecommendConfig, ShopHistory
from recsys.candidates import find_candidates
from recsys.features import fit_features
from recsys.recency import days_after, last_items
from recsys.sources import FITTERS, fit_sources
from recsys.sources.company import fit_company
from recsys.sources.contract import Product
from recsys.sources.covisit import BACKWARD, GAP_DECAY, HALF_LIFE_DAYS, visited_pairs
from recsys.sources.popular import buyers_of
from recsys.sources.repeats import rhythm_of
from recsys.sources.text import Whitening
from recsys.view import catalogue_of, view_of

CUTOFF = date(2024, 6, 30)
PURCHASES = {"user_id": pl.String, "item_id": pl.String, "day": pl.Date, "units": pl.Float64}
INTEREST = {"user_id": pl.String, "item_id": pl.String, "day": pl.Date, "kind": pl.String}
TEXTS = {"kind": pl.String, "item_id": pl.String, "user_id": pl.String, "day": pl.Date, "row": pl.Int64}


def ago(days):
    return CUTOFF - timedelta(days=days)


def shop(bought, looked=(), texts=None, items=("a", "b", "c", "d")):
    frame = pl.DataFrame({"item_id": items, "category": ["x", "x", "y", "y"][: len(items)]})
    purchases = pl.DataFrame(list(bought), schema=PURCHASES, orient="row")
    interest = pl.DataFrame(list(looked), schema=INTEREST, orient="row")
    return ShopHistory(frame, purchases, interest, texts, CUTOFF)


def seen(history, origin=CUTOFF):
    return view_of(history, catalogue_of(history, []), origin)


def test_an_item_without_a_title_is_called_by_its_id():
    history = shop([("u1", "a", ago(1), 1.0)])
    titled = replace(history, items=history.items.with_columns(title=pl.Series(["Boots", "", None, "Hat"])))
    assert catalogue_of(titled, []).titles.to_list() == ["Boots", "b", "c", "Hat"]


def lively(extra=()):
    rng = np.random.default_rng(3)
    bought = [
        (f"u{user}", "abcd"[rng.integers(4)], ago(int(rng.integers(0, 400))), 1.0) for user in range(30) for _ in "123"
    ]
    looked = [(f"u{user}", "abcd"[rng.integers(4)], ago(int(rng.integers(0, 20))), "view") for user in range(10)]
    vectors = np.eye(7, 5, dtype=np.float32) + 0.1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = [("product", item, None, None, row) for row, item in enumerate("abcd")]
    rows += [("browsing", None, "u1", ago(3), 4), ("review", "a", "u2", ago(5), 5)]
    texts = TextVectors.build(pl.DataFrame(rows, schema=TEXTS, orient="row"), vectors, encoder_id="made")
    return shop([*bought, *extra], looked, texts)


def test_a_pair_counts_by_gap_and_age_and_only_in_its_direction():
    history = shop([("u", "a", ago(10), 1.0), ("u", "b", ago(4), 1.0), ("u", "c", ago(0), 1.0)])
    pairs = visited_pairs(seen(history).touches, 4).toarray()
    assert pairs[0, 1] == pytest.approx(0.5 ** (14 / (2 * HALF_LIFE_DAYS)), rel=1e-5)
    assert pairs[0, 2] == pytest.approx(GAP_DECAY * 0.5 ** (10 / (2 * HALF_LIFE_DAYS)), rel=1e-5)
    assert pairs[1, 0] == pairs[2, 0] == 0.0


def test_things_of_one_day_count_in_both_directions_alike():
    pairs = visited_pairs(seen(shop([("u", "a", ago(0), 1.0), ("u", "b", ago(0), 1.0)])).touches, 4).toarray()
    both = pairs + BACKWARD * pairs.T
    assert both[0, 1] == both[1, 0] == pytest.approx(0.5)  # a basket of two: each weighs 1 / sqrt(2)


def test_what_was_bought_next_by_others_is_scored_for_who_bought_the_first():
    history = shop([*((f"u{n}", "a", ago(9), 1.0) for n in range(5)), *((f"u{n}", "b", ago(3), 1.0) for n in range(4))])
    view = seen(history)
    scores = FITTERS["covisit"](view).scores(view.catalogue.users(["u4"]))[0]
    assert scores.argmax() == 1
    assert scores[2] == scores[3] == 0.0


def test_ease_is_its_closed_form():
    history = lively()
    view = seen(history)
    ever = view.touches.matrix(view.touches.weight, view.shape).toarray().clip(max=1.0)
    inverse = np.linalg.inv(ever.T @ ever + 300.0 * np.eye(4))
    wanted = -inverse / np.diag(inverse)
    np.fill_diagonal(wanted, 0.0)
    np.testing.assert_allclose(fit_company(view).items, wanted, atol=1e-5)


def test_a_shop_too_large_for_ease_takes_cosine_neighbours(monkeypatch):
    monkeypatch.setattr("recsys.sources.company.MOST_ITEMS", 3)
    history = shop([("u", "a", ago(1), 1.0), ("u", "b", ago(1), 1.0), ("v", "a", ago(2), 1.0)])
    near = fit_company(seen(history)).items.toarray()
    assert near[0, 1] == near[1, 0] == pytest.approx(1 / np.sqrt(2) / np.sqrt(2))
    assert near[0, 0] == 0.0


def test_whitening_evens_out_what_all_vectors_share():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(500, 8)).astype(np.float32) * np.linspace(0.1, 2, 8, dtype=np.float32) + 3
    white = Whitening(vectors)(vectors)
    cosines = white @ white.T
    assert abs(cosines.mean()) < 0.02
    np.testing.assert_allclose(np.linalg.norm(white, axis=1), 1.0, rtol=1e-5)
    assert not Whitening(vectors)(np.zeros((1, 8), dtype=np.float32)).any()


def test_buyers_are_counted_once_a_window():
    history = shop(
        [("u", "a", ago(0), 1.0), ("u", "a", ago(3), 1.0), ("v", "a", ago(20), 1.0), ("v", "b", ago(340), 1.0)]
    )
    buyers = buyers_of(seen(history))
    assert (buyers.week[0], buyers.month[0], buyers.ever[0]) == (1, 2, 2)
    assert buyers.last_year.tolist() == [0, 1, 0, 0]  # 364 to 337 days ago: the four weeks that follow a year ago


def test_a_rhythm_tells_times_and_the_own_interval_or_the_items():
    rhythm = rhythm_of(seen(shop([("u", "a", ago(30), 1.0), ("u", "a", ago(10), 1.0), ("v", "a", ago(5), 1.0)])))
    assert rhythm.times.tolist() == [2, 1]
    assert rhythm.last.tolist() == [10, 5]
    assert rhythm.interval.tolist() == [20, 20]


def test_days_after_count_the_users_own_days():
    view = seen(
        shop([("u", "a", ago(300), 1.0), ("u", "b", ago(5), 1.0), ("u", "c", ago(5), 1.0), ("v", "d", ago(9), 1.0)])
    )
    assert days_after(view.touches).tolist() == [1, 0, 0, 0]
    assert last_items(view.touches, 2, 3).tolist() == [[1, 2, 0], [3, -1, -1]]


def test_candidates_are_the_best_of_each_source_with_ties_by_place():
    scores = np.array([[5, 1, 1, 1, 0, -1]], dtype=np.float32)
    source = Product("popular", 2, np.ones((1, 1)), scores)
    allowed = np.ones(6, dtype=bool)
    found = find_candidates([source], np.array([0]), allowed=allowed, hidden=None)
    assert found.item.tolist() == [0, 1]
    assert found.rank[:, 0].tolist() == [1, 2]
    allowed[0] = False
    assert find_candidates([source], np.array([0]), allowed=allowed, hidden=None).item.tolist() == [1, 2]


def test_the_best_of_many_items_are_those_of_a_full_sort():
    scores = np.random.default_rng(1).normal(size=(7, 5000)).astype(np.float32).round(2)
    source = Product("text", 30, np.eye(7, dtype=np.float32), scores)
    found = find_candidates([source], np.arange(7), allowed=np.ones(5000, dtype=bool), hidden=None)
    for user in range(7):
        wanted = np.lexsort((np.arange(5000), -scores[user]))[:30]
        assert found.item[found.user == user].tolist() == sorted(wanted.tolist())


def test_moving_a_purchase_past_the_evening_changes_no_score_and_no_feature():
    one, other = (lively([("u1", "d", ago(days), 9.0), ("u2", "a", ago(days), 1.0)]) for days in (-1, -40))
    origin = ago(0)
    for history in (one, other):
        assert seen(history, origin).touches.user.size
    first, second, without = (seen(history, ago(0)) for history in (one, other, lively()))
    users = np.arange(30)
    for name, fit in FITTERS.items():
        scores = [fit(view).scores(users) for view in (first, second, without)]
        np.testing.assert_array_equal(scores[0], scores[1], err_msg=name)
        np.testing.assert_array_equal(scores[0], scores[2], err_msg=name)
    names = [source.name for source in fit_sources(without, RecommendConfig().sources)]
    tables = [fit_features(view, names) for view in (first, without)]
    np.testing.assert_array_equal(tables[0].item, tables[1].item)
    np.testing.assert_array_equal(tables[0].user, tables[1].user)


def test_a_past_evening_sees_nothing_of_the_days_after_it():
    later = [("u1", "d", ago(days), 9.0) for days in range(10)]
    past = ago(30)
    told, untold = seen(lively(later), past), seen(lively(), past)
    users = np.arange(30)
    for name, fit in FITTERS.items():
        np.testing.assert_array_equal(fit(told).scores(users), fit(untold).scores(users), err_msg=name)
    names = [source.name for source in fit_sources(untold, RecommendConfig().sources)]
    found = find_candidates(fit_sources(untold, RecommendConfig().sources), users, allowed=untold.buyable, hidden=None)
    features = [fit_features(view, names).of(found) for view in (told, untold)]
    np.testing.assert_array_equal(features[0], features[1])
    assert features[0].shape == (len(found.item), len(fit_features(told, names).names))
