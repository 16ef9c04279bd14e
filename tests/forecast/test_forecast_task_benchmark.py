from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

ROOT = Path(__file__).resolve().parents[2]
CUTOFF = date(2026, 6, 28)


def write_task(folder: Path, *, last_day: date) -> Path:
    """A weekly task with labels on the last day of the week, with columns that no name is known for."""
    folder.mkdir()
    draw = np.random.default_rng(0)
    weeks = [CUTOFF + timedelta(days=7 * step) for step in range(-69, 5)]
    rows = [
        (f"d{item}", f"s{place}", week, float(draw.normal(20 * (item + 1), 5) + 40 * (week.month == 12)))
        for item in range(4)
        for place in range(3)
        for week in weeks
    ]
    sales = pl.DataFrame(rows, schema=["item_id", "location_id", "date", "units"], orient="row")
    sales.filter(pl.col("date") <= last_day).write_parquet(folder / "sales.parquet")
    drivers = [(f"s{place}", week, float(week.month), week.month == 12, "x") for place in range(3) for week in weeks]
    names = ["location_id", "date", "fuel", "feast", "mood"]
    pl.DataFrame(drivers, schema=names, orient="row").write_parquet(folder / "drivers.parquet")
    pl.DataFrame({"location_id": ["s0", "s1", "s2"], "shape": ["a", "b", "a"]}).write_parquet(
        folder / "locations.parquet"
    )
    facts = {"name": "made", "frequency": "7d", "seasonality": 1, "horizon": 4, "cutoffs": [CUTOFF.isoformat()]}
    (folder / "task.json").write_text(json.dumps(facts))
    return folder


def run(folder: Path, out: Path) -> dict[str, object]:
    command = [sys.executable, "benchmarks/forecast_task.py", str(folder), "--out", str(out), "--threads", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, object], pl.DataFrame, pl.DataFrame]:
    folder = tmp_path_factory.mktemp("benchmark")
    printed = run(write_task(folder / "whole", last_day=CUTOFF + timedelta(days=28)), folder / "whole.parquet")
    run(write_task(folder / "ended", last_day=CUTOFF), folder / "ended.parquet")
    return printed, pl.read_parquet(folder / "whole.parquet"), pl.read_parquet(folder / "ended.parquet")


def test_dates_are_the_cutoff_and_whole_steps(both):
    printed, rows, _ = both
    assert rows["date"].unique().sort().to_list() == [CUTOFF + timedelta(days=7 * step) for step in range(1, 5)]
    assert rows["cutoff"].unique().to_list() == [CUTOFF]
    assert rows.height == 12 * 4
    assert printed["rows"] == 48
    assert printed["seconds"] > 0


def test_sales_after_the_cutoff_change_no_row(both):
    assert both[1].equals(both[2])


def test_levels_are_those_of_the_series(both):
    medians = both[1].group_by("item_id").agg(pl.col("p50").mean()).sort("item_id")["p50"].to_list()
    assert medians == pytest.approx([20, 40, 60, 80], rel=0.15)
