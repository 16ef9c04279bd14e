from __future__ import annotations

import importlib.util
import json
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from recsys import Recommender
from warehouse import Published

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "audience.py"


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("audience_benchmark", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def truth(published, tmp_path_factory):
    """The sales up to the cutoff, and five later buyers of each of 010 and 020: four of its audience, one new."""
    run, shop = Published.open(published.runs), Recommender.open(published.runs)
    sales = run.query("SELECT item_id, user_id, sold_on FROM sales WHERE user_id IS NOT NULL")
    rows = []
    for item_id, place in (("010", 0), ("020", 12)):
        named = shop.audience(item_id, k=100)["user_id"].to_list()
        rows += [(item_id, user, shop.run.cutoff + timedelta(days=3)) for user in [*named[place : place + 4], "new"]]
    rows.append(("030", "u01", shop.run.cutoff + timedelta(days=40)))
    later = pl.DataFrame(rows, schema=sales.schema, orient="row")
    path = tmp_path_factory.mktemp("truth") / "truth.parquet"
    pl.concat([sales, later]).write_parquet(path)
    return path


def run(benchmark, published, truth, monkeypatch, capsys, *options):
    monkeypatch.setattr("sys.argv", ["audience.py", str(published.runs), str(truth), *options])
    benchmark.main()
    return json.loads(capsys.readouterr().out)


def test_recall_is_the_share_of_later_buyers_that_the_audience_named(benchmark, published, truth, monkeypatch, capsys):
    told = run(benchmark, published, truth, monkeypatch, capsys, "-k", "10")
    assert (told["items"], told["buyers"], told["buyers_known_at_cutoff"]) == (2, 10, 0.8)
    assert told["recall@10"] == pytest.approx((0.8 + 0.0) / 2)  # the ranks 1 to 4, and 13 to 16
    for name in ("active", "category", "nearest"):
        assert told[name]["difference"] == pytest.approx(told["recall@10"] - told[name]["recall"], abs=1e-4)
        assert told[name]["low"] <= told[name]["difference"] <= told[name]["high"]
    everyone = run(benchmark, published, truth, monkeypatch, capsys, "-k", "100", "--least", "1", "--days", "0")
    assert everyone["items"] == 3
    assert everyone["recall@100"] == pytest.approx((0.8 + 0.8 + 1.0) / 3, abs=1e-4)


def test_a_baseline_names_the_users_with_the_most_less_those_who_are_left_out(benchmark):
    scores = np.array([[1.0, 3.0, 3.0, 2.0]])
    assert benchmark.named_by(scores, ["a", "b", "c", "d"], [set()], 2) == [{"b", "c"}]
    assert benchmark.named_by(scores, ["a", "b", "c", "d"], [{"b", "d"}], 2) == [{"c", "a"}]
    assert benchmark.recall([{"a", "b"}], [{"b", "c", "d", "e"}]).tolist() == [0.25]


def test_activity_is_of_the_last_90_days_then_ever(benchmark):
    past = benchmark.Past(
        ["a", "b", "c"],
        ["x", "y"],
        np.array([0, 0, 0, 1, 2, 2]),
        np.array([0, 0, 1, 1, 0, 1]),
        np.array([False, False, False, True, True, False]),
    )
    assert np.argsort(-past.activity()).tolist() == [2, 1, 0]
    assert past.counts(np.array([True, False])).tolist() == [2.0, 0.0, 1.0]
