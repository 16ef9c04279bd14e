from __future__ import annotations

import polars as pl
import pytest

from jobs.history import keep_history, read_history
from warehouse import CorruptRun
from warehouse.tables import PUBLISHED, polars_schema


def test_a_history_file_that_cannot_be_read_is_named_with_the_cure(tmp_path):
    tables = {
        name: pl.DataFrame(schema=polars_schema(PUBLISHED[name]))
        for name in ("forecast_history", "recommendation_history")
    }
    keep_history(tmp_path, "r1", tables)
    assert read_history(tmp_path, "forecast_history", ["r1", "r2"]).height == 0
    file = tmp_path / "history" / "r1" / "forecast_history.parquet"
    file.write_bytes(b"cut")
    with pytest.raises(CorruptRun, match=r"forecast_history\.parquet: no readable Parquet file .*take it away"):
        read_history(tmp_path, "forecast_history", ["r1", "r2"])
