from __future__ import annotations

import datetime as dt

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from warehouse import WarehouseError, build_snapshot, reread, snapshot
from warehouse.tables import PUBLISHED


def ask(path, query):
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(query).fetchall()


@pytest.fixture(scope="module")
def file(tmp_path_factory, shop_tables):
    path = tmp_path_factory.mktemp("snapshot") / "shelfwise.duckdb"
    build_snapshot(path, shop_tables("r1"), run_id="r1")
    return path


def test_every_published_table_is_there_with_the_columns_of_the_list(file):
    listed = ask(file, "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal ORDER BY column_index")
    for name, table in PUBLISHED.items():
        found = [column for owner, column in listed if owner == name]
        further = {"items": ["Farbe (RAL)"], "runs": ["age_hours"]}.get(name, [])
        assert found == [*table.names, *further]


def test_the_file_says_in_sql_what_every_table_and_column_is(file):
    columns = {
        (table, column): comment
        for table, column, comment in ask(
            file, "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal"
        )
    }
    for name, table in PUBLISHED.items():
        assert {column.name: columns[name, column.name] for column in table.columns} == {
            column.name: column.comment for column in table.columns
        }
    assert columns["items", "Farbe (RAL)"] == "the shop's own column"
    assert columns["runs", "age_hours"] == snapshot.AGE_HOURS
    tables = dict(ask(file, "SELECT table_name, comment FROM duckdb_tables()"))
    assert tables["recommendations"] == PUBLISHED["recommendations"].comment
    views = dict(ask(file, "SELECT view_name, comment FROM duckdb_views() WHERE NOT internal"))
    assert views["forecast_snowflake"].startswith("One row an item, location and period, in the column names of Snow")


def test_rows_lie_in_the_order_of_the_list_and_carry_the_run(file):
    rows = ask(file, "SELECT item_id, location_id, date, run_id FROM forecast")
    assert rows == sorted(rows)
    assert len(rows) == 8
    assert {row[3] for row in rows} == {"r1"}
    assert ask(file, "SELECT user_id, rank FROM recommendations") == [("u1", 1), ("u2", 1), ("u2", 2)]


def test_histories_and_runs_keep_the_run_of_their_rows(file):
    assert ask(file, "SELECT run_id, count(*) FROM forecast_history GROUP BY 1 ORDER BY 1") == [("r0", 2), ("r1", 8)]
    assert ask(file, "SELECT run_id, status FROM runs ORDER BY 1") == [("r0", "failed"), ("r1", "published")]


def test_the_title_of_items_is_joined_whatever_a_frame_calls_it(tmp_path, shop_tables):
    tables = shop_tables("r1")
    tables["recommendations"] = tables["recommendations"].with_columns(title=pl.lit("another name"))
    build_snapshot(tmp_path / "s.duckdb", tables, run_id="r1")
    query = "SELECT DISTINCT item_id, title FROM recommendations ORDER BY 1"
    assert ask(tmp_path / "s.duckdb", query) == [("007", "red mug"), ("B1", "blue mug")]
    assert ask(tmp_path / "s.duckdb", "SELECT query_item_id, title FROM similar_items ORDER BY ALL") == [
        ("007", "amber's tent"),
        ("007", "blue mug"),
        ("B1", "red mug"),
    ]


def test_a_table_that_is_missing_is_made_empty_and_ids_stay_text(file):
    assert ask(file, "SELECT count(*) FROM rejects") == [(0,)]
    assert ask(file, "SELECT item_id FROM items WHERE item_id = '007'") == [("007",)]


def test_the_file_is_in_a_storage_version_that_older_clients_open(file):
    ((tags,),) = ask(file, "SELECT CAST(tags AS VARCHAR) FROM duckdb_databases() WHERE database_name = 'shelfwise'")
    assert "v1.2.0" in tags


def test_the_file_itself_refuses_a_null_and_quantiles_out_of_order(tmp_path, shop_tables):
    build_snapshot(tmp_path / "s.duckdb", shop_tables("r1"), run_id="r1")
    with duckdb.connect(str(tmp_path / "s.duckdb")) as con:
        with pytest.raises(duckdb.ConstraintException, match="NOT NULL"):
            con.execute("UPDATE forecast SET mean = NULL")
        with pytest.raises(duckdb.ConstraintException, match="CHECK"):
            con.execute("UPDATE forecast SET p90 = 0")


def change(name, **columns):
    return lambda tables: tables | {name: tables[name].with_columns(**columns)}


def test_a_column_without_a_value_takes_the_type_of_the_list(tmp_path, shop_tables):
    tables = shop_tables("r1")
    tables["stockout_risk"] = pl.DataFrame(schema=["item_id", "location_id", "date", "on_hand", "probability"])
    tables["sales"] = tables["sales"].with_columns(unit_price=pl.lit(None))
    build_snapshot(tmp_path / "s.duckdb", tables, run_id="r1")
    query = "SELECT DISTINCT typeof(unit_price), unit_price FROM sales"
    assert ask(tmp_path / "s.duckdb", query) == [("DOUBLE", None)]
    assert ask(tmp_path / "s.duckdb", "SELECT count(*), sum(on_hand) FROM stockout_risk") == [(0, None)]


WRONG = {
    "table forecast, column p50: 8 of 8 rows have no value": change("forecast", p50=pl.lit(None, pl.Float64)),
    "table forecast, column mean: 8 of 8 rows have no value": change("forecast", mean=pl.lit(float("nan"))),
    "CHECK constraint failed": change("forecast", p90=pl.lit(0.0)),
    "table recommendations: rank is String, not Int32": change("recommendations", rank=pl.lit("1")),
    "table forecast: driver is not among its columns": change("forecast", driver=pl.lit("x")),
    "table forecast: rows of another run than r1": change("forecast", run_id=pl.lit("r0")),
    "table items: 'Title' is a name that SQL takes for one of ours": change("items", Title=pl.lit("x")),
    r"table items: 'a\\nb' is no name of a column": change("items", **{"a\nb": pl.lit("x")}),
    "table recommendations: 3 rows share a key": change("recommendations", user_id=pl.lit("u1"), item_id=pl.lit("007")),
    "table items: item_id is Int32, not String": change("items", item_id=pl.lit(1)),
    "table forecast: item_id is missing": lambda tables: tables | {"forecast": tables["forecast"].drop("item_id")},
    "table sales: units is missing": lambda tables: tables | {"sales": tables["sales"].drop("units")},
    "no published table is called sells": lambda tables: tables | {"sells": tables["sales"]},
}


@pytest.mark.parametrize("said", WRONG)
def test_a_frame_that_is_not_what_the_list_says_is_named_and_leaves_no_file(said, tmp_path, shop_tables):
    with pytest.raises(WarehouseError, match=said):
        build_snapshot(tmp_path / "s.duckdb", WRONG[said](shop_tables("r1")), run_id="r1")
    assert list(tmp_path.iterdir()) == []


def test_a_snapshot_is_never_written_over_another(tmp_path, shop_tables):
    (tmp_path / "s.duckdb").write_text("something")
    with pytest.raises(WarehouseError, match="is there already"):
        build_snapshot(tmp_path / "s.duckdb", shop_tables("r1"), run_id="r1")
    assert (tmp_path / "s.duckdb").read_text() == "something"


def test_a_file_that_reads_back_differently_is_refused_and_removed(tmp_path, shop_tables, monkeypatch):
    def lose_a_row(path):
        with duckdb.connect(str(path)) as con:
            con.execute("DELETE FROM sales WHERE units = 4")

    monkeypatch.setattr(snapshot, "_sync", lose_a_row)
    with pytest.raises(WarehouseError, match=r"table sales: wrote 3 rows with checksum .* read back 2"):
        build_snapshot(tmp_path / "s.duckdb", shop_tables("r1"), run_id="r1")
    assert list(tmp_path.iterdir()) == []


def test_a_file_whose_bytes_the_disk_lost_is_refused_and_removed(tmp_path, shop_tables, monkeypatch):
    monkeypatch.setattr(snapshot, "_sync", lambda path: path.write_bytes(path.read_bytes()[:5000]))
    with pytest.raises(WarehouseError, match="could not be read again"):
        build_snapshot(tmp_path / "s.duckdb", shop_tables("r1"), run_id="r1")
    assert list(tmp_path.iterdir()) == []


def test_the_checksum_sees_one_changed_cell_and_not_the_order_of_rows(file):
    with duckdb.connect(":memory:") as con:
        con.execute("CREATE TABLE a AS SELECT * FROM (VALUES (1, 'x'), (2, NULL), (2, NULL)) AS t(n, s)")
        con.execute("CREATE TABLE b AS SELECT * FROM a ORDER BY n DESC")
        con.execute("CREATE TABLE c AS SELECT n, CASE WHEN n = 1 THEN 'y' ELSE s END AS s FROM a")
        found = reread.checksums(con, {name: ["n", "s"] for name in "abc"})
    assert found["a"] == found["b"]
    assert found["a"] != found["c"]
    assert found["a"][0] == "3"


def test_the_shops_own_columns_of_any_type_come_through(tmp_path, shop_tables):
    tables = shop_tables("r1")
    own = {
        'a "b"; DROP': pl.lit("x"),
        "kind": pl.lit("warm").cast(pl.Categorical),
        "sold_out": pl.lit(value=True),
        "since": pl.lit(dt.date(2026, 1, 1)),
        "grams": pl.lit(3, pl.Int64),
        "nothing": pl.lit(None),
    }
    tables["items"] = tables["items"].with_columns(**own)
    build_snapshot(tmp_path / "s.duckdb", tables, run_id="r1")
    query = 'SELECT DISTINCT "a ""b""; DROP", kind, sold_out, since, grams, nothing FROM items'
    assert ask(tmp_path / "s.duckdb", query) == [("x", "warm", True, dt.date(2026, 1, 1), 3, None)]


def test_what_is_read_back_equals_what_was_given(file, shop_tables):
    given = shop_tables("r1")["forecast_history"].sort(PUBLISHED["forecast_history"].sort)
    with duckdb.connect(str(file), read_only=True) as con:
        found = con.sql("FROM forecast_history").pl()
    assert_frame_equal(found, given.select(PUBLISHED["forecast_history"].names))
