from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from jobs.history import drop_history, keep_history, read_history
from jobs.settings import Settings
from warehouse import CorruptRun
from warehouse.tables import PUBLISHED, polars_schema


def test_a_history_file_that_cannot_be_read_is_named_with_the_cure(tmp_path):
    tables = {
        name: pl.DataFrame(schema=polars_schema(PUBLISHED[name]))
        for name in ("forecast_history", "recommendation_history")
    }
    keep_history(tmp_path, "r1", tables)
    assert read_history(tmp_path, "forecast_history", ["r1", "r2"], since=date(2026, 1, 1)).height == 0
    file = tmp_path / "history" / "r1" / "forecast_history.parquet"
    file.write_bytes(b"cut")
    with pytest.raises(CorruptRun, match=r"forecast_history\.parquet: no readable Parquet file .*take it away"):
        read_history(tmp_path, "forecast_history", ["r1", "r2"], since=date(2026, 1, 1))


def kept(root, run_id: str, cutoff: date) -> None:
    """Leave one list of three items and no forecast behind, as the run of `cutoff` does."""
    rows = [
        {"run_id": run_id, "cutoff": cutoff, "user_id": "u1", "item_id": item_id, "rank": rank, "source": "popular"}
        for rank, item_id in enumerate("abc", start=1)
    ]
    lists = pl.DataFrame(rows, schema=polars_schema(PUBLISHED["recommendation_history"]))
    forecasts = pl.DataFrame(schema=polars_schema(PUBLISHED["forecast_history"]))
    keep_history(root, run_id, {"recommendation_history": lists, "forecast_history": forecasts})


def test_runs_before_the_first_day_are_left_out_and_their_files_go(tmp_path):
    days = {"r1": date(2026, 3, 1), "r2": date(2026, 3, 2), "r3": date(2026, 5, 30)}
    for run_id, cutoff in days.items():
        kept(tmp_path, run_id, cutoff)
    since = date(2026, 3, 2)
    found = read_history(tmp_path, "recommendation_history", days, since=since)
    assert found.group_by("run_id", maintain_order=True).len().rows() == [("r2", 3), ("r3", 3)]
    drop_history(tmp_path, since=since)
    assert sorted(folder.name for folder in (tmp_path / "history").iterdir()) == ["r2", "r3"]
    assert found.equals(read_history(tmp_path, "recommendation_history", days, since=since))


def test_history_days_count_back_from_the_cutoff():
    assert Settings().history_since(date(2026, 6, 28)) == date(2026, 3, 30)
    assert Settings(history_days=1).history_since(date(2026, 3, 1)) == date(2026, 2, 28)
