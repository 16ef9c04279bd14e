from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from warehouse import docs
from warehouse.tables import INPUT, PUBLISHED, QUANTILES, polars_schema

REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_document_of_tables_is_current():
    assert docs.main(["--check", str(REPOSITORY / "docs" / "tables.md")]) == 0


def test_the_command_of_the_makefile_writes_what_it_checks(tmp_path):
    command = [sys.executable, "-m", "warehouse.tables", str(tmp_path / "tables.md")]
    subprocess.run(command, check=True, cwd=REPOSITORY)
    assert (tmp_path / "tables.md").read_text(encoding="utf-8") == docs.tables_document()


def test_a_document_that_is_old_or_absent_is_named_with_the_cure(tmp_path):
    path = tmp_path / "tables.md"
    with pytest.raises(SystemExit, match=r"tables\.md is missing; write it again with: make tables"):
        docs.main(["--check", str(path)])
    docs.main([str(path)])
    path.write_text(path.read_text(encoding="utf-8").replace("item_id", "sku"), encoding="utf-8")
    with pytest.raises(SystemExit, match=r"is not what warehouse/tables\.py"):
        docs.main(["--check", str(path)])
    for arguments in ([], ["--verify", str(path)], ["a", "b", "c"]):
        with pytest.raises(SystemExit, match="usage"):
            docs.main(arguments)


def test_the_document_names_every_table_column_view_and_macro():
    text = docs.tables_document()
    for table in (*INPUT.values(), *PUBLISHED.values()):
        assert f"\n### {table.name}" in text
        assert all(f"| `{name}`" in text for name in table.names)
    for name in ("forecast_snowflake", "forecast_bigquery", "forecast_accuracy", "similar_to(item_id, k := 5)"):
        assert f"\n### {name}\n" in text
    assert "| `age_hours` ?" in text


def test_every_published_row_names_its_run_and_keys_and_orders_are_columns():
    for table in PUBLISHED.values():
        assert table.names[0] == "run_id"
        assert len(set(table.names)) == len(table.names)
        assert set(table.key) | set(table.sort) <= set(table.names)
        assert all(column.comment for column in table.columns)


def test_a_schema_has_the_types_of_the_list():
    schema = polars_schema(PUBLISHED["forecast"])
    assert schema["item_id"] == pl.String
    assert schema["date"] == pl.Date
    assert schema["period_days"] == pl.Int32
    assert [schema[name] for name in QUANTILES] == [pl.Float64] * 9
    assert polars_schema(INPUT["events"])["occurred_at"] == pl.Datetime("us")


def test_a_column_is_found_by_name_and_an_unknown_one_is_named():
    assert PUBLISHED["forecast"].column("mean").comment == "expected units in the period"
    with pytest.raises(KeyError, match="table 'forecast' has no column 'sku'; it has run_id, item_id"):
        PUBLISHED["forecast"].column("sku")


def test_a_macro_without_a_name_is_found_out():
    with pytest.raises(ValueError, match="no CREATE MACRO in"):
        docs._signature("-- nothing here\nSELECT 1;")
