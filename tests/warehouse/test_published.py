from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest

from warehouse import CorruptRun, InputError, Published, publish_run, published, rollback, write_manifest
from warehouse.replace import replace_run


@pytest.fixture
def root(tmp_path, published_root):
    """A folder of runs of this test's own, with r1 published."""
    shutil.copytree(published_root, tmp_path / "runs", symlinks=True)
    return tmp_path / "runs"


def test_a_run_opens_by_its_folder_of_runs_by_its_own_and_by_its_file(root):
    file = root / "current" / "shelfwise.duckdb"
    for place in (root, str(root), root / "current", root / "r1", file):
        with Published.open(place) as run:
            assert run.run_id == "r1"
            assert run.folder == (root / "r1").resolve()
            assert run.facts == {"run_id": "r1", "cutoff": "2026-06-28"}
            assert run.query("SELECT title FROM items WHERE item_id = ?", ["007"]).rows() == [("red mug",)]


def test_an_open_run_stays_the_same_while_a_night_publishes_and_removes_it(root, build_run):
    with Published.open(root) as before:
        publish_run(build_run(root, "r2"), root=root, keep_runs=1)
        assert not (root / "r1").exists()
        assert before.query("SELECT DISTINCT run_id FROM forecast").rows() == [("r1",)]
        assert before.query("SELECT count(*) FROM sales").rows() == [(3,)]
        with Published.open(root) as after:
            assert after.run_id == "r2"
            assert after.query("SELECT DISTINCT run_id FROM forecast").rows() == [("r2",)]


def test_an_analysts_connection_blocks_no_night_and_keeps_its_run(root, build_run):
    with duckdb.connect(str((root / "current" / "shelfwise.duckdb").resolve()), read_only=True) as analyst:
        publish_run(build_run(root, "r2"), root=root, keep_runs=7)
        assert analyst.execute("SELECT DISTINCT run_id FROM forecast").fetchall() == [("r1",)]
    with duckdb.connect(str((root / "current" / "shelfwise.duckdb").resolve()), read_only=True) as analyst:
        assert analyst.execute("SELECT DISTINCT run_id FROM forecast").fetchall() == [("r2",)]


def test_after_a_rollback_the_earlier_run_answers(root, build_run):
    publish_run(build_run(root, "r2"), root=root, keep_runs=7)
    assert rollback(root, "r1") == "r1"
    with Published.open(root) as run:
        assert run.query("SELECT DISTINCT run_id FROM forecast").rows() == [("r1",)]


def test_a_run_rebuilt_in_its_place_is_read_anew_while_the_old_one_is_open(root, build_run):
    rebuilt = build_run(root, "r1")
    with duckdb.connect(str(rebuilt / "shelfwise.duckdb")) as con:
        con.execute("DELETE FROM sales WHERE units = 4")
    write_manifest(rebuilt, {"run_id": "r1", "cutoff": "2026-06-28"})
    count = "SELECT count(*) FROM sales"
    with Published.open(root) as before:
        replace_run(rebuilt.rename(root / ".rebuilding-r1"), root=root)
        assert before.query(count).rows() == [(3,)]
        with Published.open(root) as after:
            assert after.query(count).rows() == [(2,)]
            assert after.query("FROM similar_to('007', k := 1)")["item_id"].to_list() == ["B1"]
            assert after.query("SELECT count(*) FROM shelfwise.sales").rows() == [(2,)]
        assert before.query(count).rows() == [(3,)]


def test_a_folder_may_have_a_quote_in_its_name(root, tmp_path):
    root.rename(tmp_path / "amber's runs")
    with Published.open(tmp_path / "amber's runs") as run:
        assert run.query("SELECT title FROM items WHERE item_id = '007'").rows() == [("red mug",)]


@pytest.mark.parametrize("where", ["absent", "empty"])
def test_where_nothing_is_published_the_error_says_how_to_publish(tmp_path, where):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="shelfwise nightly --input FOLDER --runs"):
        Published.open(tmp_path / where)


def test_a_truncated_file_of_a_run_is_named_before_duckdb_sees_it(root):
    file = root / "r1" / "shelfwise.duckdb"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(CorruptRun, match=r"r1/shelfwise\.duckdb: expected \d+ bytes, found \d+; take the run"):
        Published.open(root)


def test_a_flipped_bit_of_a_run_is_named(root):
    file = root / "r1" / "shelfwise.duckdb"
    bytes_ = bytearray(file.read_bytes())
    bytes_[len(bytes_) // 2] ^= 1
    file.write_bytes(bytes_)
    with pytest.raises(CorruptRun, match="expected sha256"):
        Published.open(root)


def test_a_pointer_to_a_run_that_is_gone_is_named(root):
    shutil.rmtree(root / "r1")
    with pytest.raises(CorruptRun, match=r"current: points to .*r1, which is gone"):
        Published.open(root)


def test_a_file_that_duckdb_cannot_open_is_named(root, monkeypatch):
    monkeypatch.setattr(published, "DATABASE", "lists/depth.txt")
    with pytest.raises(CorruptRun, match=r"depth\.txt: DuckDB cannot open it"):
        Published.open(root)


def test_a_run_that_a_night_removes_while_it_is_opened_gives_way_to_the_new_one(root, build_run, monkeypatch):
    verify = published.verify_manifest

    def night_comes_first(folder):
        if folder.name == "r1":
            publish_run(build_run(root, "r2"), root=root, keep_runs=1)
        return verify(folder)

    monkeypatch.setattr(published, "verify_manifest", night_comes_first)
    with Published.open(root) as run:
        assert run.run_id == "r2"


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT nope FROM items", 'Referenced column "nope" not found'),
        ("SELEC 1", "syntax error"),
        ("FROM absent", "Table with name absent does not exist"),
        ("", "no rows to return"),
        ("DELETE FROM items", "read-only"),
        ("CREATE TABLE mine AS SELECT 1", "read-only"),
        ("CREATE TABLE memory.main.mine AS SELECT 1", "memory does not exist"),
        ("USE memory", 'No catalog . schema named "memory"'),
        ("DETACH shelfwise", "Cannot detach"),
        ("COPY items TO '/tmp/items.csv'", "Permission Error"),
        ("FROM read_csv('/etc/passwd')", "Permission Error"),
        ("ATTACH '/tmp/other.duckdb'", "Permission Error"),
        ("SET enable_external_access = true", "Cannot change|locked|disabled"),
        ("SELECT CAST(title AS INTEGER) FROM items", "Conversion Error"),
    ],
)
def test_a_query_that_duckdb_refuses_is_bad_input_in_duckdbs_words(root, sql, said):
    with Published.open(root) as run, pytest.raises(InputError, match=f"(?s)run r1: .*({said})"):
        run.query(sql)


def test_an_interval_is_told_as_text(root):
    with Published.open(root) as run:
        query = "SELECT timestamp '2026-01-03' - timestamp '2026-01-01' AS \"the age\", [interval 1 day] AS ages"
        rows = run.query(query)
    assert rows.to_dicts() == [{"the age": "2 days", "ages": "[1 day]"}]


def test_a_query_sees_no_frame_of_the_caller(root):
    secret = Published.open(root)
    with secret as run, pytest.raises(InputError, match="Table with name secret does not exist"):
        run.query("FROM secret")


def test_threads_share_one_run(root):
    with Published.open(root) as run, ThreadPoolExecutor(8) as pool:
        query = "SELECT count(*) AS n, ? AS asked FROM range(10000), forecast"
        found = list(pool.map(lambda number: run.query(query, [number]).row(0), range(64)))
    assert found == [(80000, number) for number in range(64)]


def test_parameters_come_in_order_and_by_number(root):
    with Published.open(root) as run:
        assert run.query("SELECT $2 AS b, $1 AS a, $1 AS c", ["x", 2]).rows() == [(2, "x", "x")]
