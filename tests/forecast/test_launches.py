from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from encoders import ItemVectors
from forecast import DemandTask, ForecastConfig
from forecast.launches import forecast_launches, launch_curves
from forecast.panel import build_panel
from forecast.text_features import nearest

CUTOFF = date(2026, 6, 28)


def history(**begins: tuple[int, list[float]]) -> pl.DataFrame:
    """Items that began so many weeks ago and sold so much in each week from then on."""
    rows = [
        (item, "all", CUTOFF - timedelta(days=7 * (ago - 1 - week)), units)
        for item, (ago, sold) in begins.items()
        for week, units in enumerate(sold)
    ]
    return pl.DataFrame(rows, schema=["item_id", "location_id", "day", "units"], orient="row")


def a_task(items: pl.DataFrame, text: ItemVectors | None = None) -> DemandTask:
    began = {f"l{n}": (20 - n, [float(n), 2.0 * n, 3.0 * n, 1.0]) for n in range(1, 7)}
    sales = history(old=(40, [1.0] * 40), **began)
    return DemandTask(sales, CUTOFF, horizon=3, items=items, text=text)


def launches_of(task: DemandTask, **config: object):
    return forecast_launches(task, build_panel(task), ForecastConfig(**config), 1.0)


def test_curves_begin_with_the_first_sale_and_leave_out_what_began_before_the_records():
    curves = launch_curves(build_panel(a_task(pl.DataFrame({"item_id": ["x"]}))))
    assert curves.items == ["l1", "l2", "l3", "l4", "l5", "l6"]
    assert curves.units[2, :3].tolist() == [3.0, 6.0, 9.0]


def test_a_launch_is_the_similarity_weighted_mean_of_its_neighbours():
    vectors = np.array([[1, 0], [0.6, 0.8], [1, 0]], dtype=np.float32)
    text = ItemVectors(("l2", "l3", "x"), vectors)
    items = pl.DataFrame({"item_id": ["x"], "available_from": [CUTOFF + timedelta(days=1)]})
    (launch,) = launches_of(a_task(items, text))
    weights = np.array([1, 0.6**4])
    weights /= weights.sum()
    assert launch.mean[0] == pytest.approx(weights @ [2, 3], rel=1e-5)
    assert launch.mean[1] == pytest.approx(weights @ [4, 6], rel=1e-5)
    assert [(item, round(s, 5)) for item, s, _ in launch.neighbours] == [("l2", 1.0), ("l3", 0.6)]
    assert sum(effect for *_, effect in launch.neighbours) == pytest.approx(launch.mean.sum())


def test_an_item_far_from_every_text_is_that_of_its_category():
    text = ItemVectors(("l2", "x"), np.array([[1, 0], [-1, 0]], dtype=np.float32))
    items = pl.DataFrame({"item_id": ["x"], "available_from": [CUTOFF + timedelta(days=1)]})
    assert launches_of(a_task(items, text))[0].source == "category"


def test_a_category_with_launches_enough_is_taken_alone():
    ids = ["l1", "l2", "l3", "l4", "l5", "l6", "x"]
    items = pl.DataFrame(
        {
            "item_id": ids,
            "category": ["c"] * 5 + ["d", "c"],
            "available_from": [None] * 6 + [CUTOFF + timedelta(days=1)],
        }
    )
    (launch,) = launches_of(a_task(items))
    assert launch.mean[0] == pytest.approx(3.0)
    assert launch.neighbours == (("", 0.0, pytest.approx(launch.mean.sum())),)


def test_a_launch_beyond_the_horizon_sells_nothing_within_it():
    items = pl.DataFrame({"item_id": ["x"], "available_from": [CUTOFF + timedelta(days=60)]})
    (launch,) = launches_of(a_task(items))
    assert launch.mean.tolist() == [0, 0, 0]


def test_items_that_waited_for_long_are_thinned_by_how_often_such_items_began():
    began = pl.DataFrame(
        {"item_id": ["x", "y"], "available_from": [CUTOFF - timedelta(days=200), CUTOFF - timedelta(days=8)]}
    )
    stale, fresh = launches_of(a_task(began))
    # of one item that waited three weeks ago, none has begun: (0 + .5) / (1 + 1)
    assert stale.mean.sum() == pytest.approx(0.25 * fresh.mean.sum())


def test_nothing_is_forecast_where_there_is_no_catalogue_or_nothing_new():
    assert launches_of(a_task(pl.DataFrame({"item_id": ["old"]}))) == []
    task = a_task(pl.DataFrame({"item_id": ["old"]}))
    assert forecast_launches(DemandTask(task.sales, CUTOFF), build_panel(task), ForecastConfig(), 1.0) == []


def test_nearest_is_exact_breaks_ties_by_row_and_never_returns_itself():
    draw = np.random.default_rng(2)
    vectors = draw.normal(size=(30, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[7] = vectors[3]
    found = nearest(vectors, vectors, 5, same=np.arange(30))
    scores = vectors.astype(float) @ vectors.T.astype(float)
    np.fill_diagonal(scores, -2)
    for row in range(30):
        brute = sorted(range(30), key=lambda other: (-round(scores[row, other], 9), other))[:5]
        assert found.rows[row].tolist() == brute
    few = nearest(vectors[:2], vectors[:2], 3, same=np.arange(2))
    assert few.rows.tolist() == [[1, -1, -1], [0, -1, -1]]
