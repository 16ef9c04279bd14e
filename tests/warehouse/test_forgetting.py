"""A person out of one run's files, a run in the place of another, and what a salt knows again."""

from __future__ import annotations

import shutil
import stat

import duckdb
import polars as pl
import pytest

import warehouse.replace
from warehouse import (
    CorruptRun,
    InputError,
    Person,
    Privacy,
    Published,
    WarehouseError,
    find_person,
    heal_runs,
    list_runs,
    read_privacy,
    remember_forgotten,
    rewrite_parquet,
    verify_manifest,
)
from warehouse.forget import rewrite_database
from warehouse.replace import REBUILDING, replace_run

TEXT = "It hums like a beehive. Still, the lamp is warm."
PERSON = Person(frozenset({"u1"}), frozenset({"r1"}), (TEXT,))


@pytest.fixture
def file(tmp_path):
    """A file of today's and older shapes: a sale, an audience, a quote, a refusal that names a user."""
    path = tmp_path / "old.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE sales (item_id VARCHAR, user_id VARCHAR, order_id VARCHAR, units INTEGER)")
        con.execute("INSERT INTO sales VALUES ('a', 'u1', 'o1', 2), ('b', 'u2', 'o2', 3), ('c', NULL, NULL, 1)")
        con.execute("CREATE TABLE audience (item_id VARCHAR, user_id VARCHAR, rank INTEGER)")
        con.execute("INSERT INTO audience VALUES ('a', 'u0', 1), ('a', 'u1', 2), ('a', 'u2', 3), ('b', 'u1', 1)")
        con.execute(
            "CREATE TABLE sentiment AS SELECT * FROM (VALUES ('r1', 0.1), ('r2', 0.9)) t(review_id, probability)"
        )
        con.execute("CREATE TABLE rejects (record VARCHAR)")
        con.executemany(
            "INSERT INTO rejects VALUES (?)",
            [['{"who": "u1", "n": 1}'], ['["x", "u1 "]'], ['"u1;x;2"'], ['{"who": "u12"}'], [None]],
        )
        con.execute("CREATE TABLE stored_runs (run_id VARCHAR, degradations VARCHAR)")
        con.execute("INSERT INTO stored_runs VALUES ('1', 'refused, for example user u1, not u12'), ('2', '')")
        con.execute("CREATE TABLE similar_items (item_id VARCHAR, reason VARCHAR NOT NULL)")
        con.executemany(
            "INSERT INTO similar_items VALUES (?, ?)",
            [
                ["a", 'a review: "It hums like a beehive."'],
                ["b", 'both: "beehive lamps"'],
                ["c", "like a lamp: cosine 0.83; a review: “Still, the lamp is warm.”"],
                ["d", "like a lamp: cosine 0.83; a review: “Still, the lamp is cold.”"],
            ],
        )
        con.execute("CREATE VIEW runs AS SELECT run_id FROM stored_runs")
        con.execute("COMMENT ON TABLE sales IS 'what was sold'")
    return path


def test_rows_of_the_person_leave_sales_stay_and_ranks_close_up(file, tmp_path):
    touched = rewrite_database(file, tmp_path / "new.duckdb", PERSON)
    assert touched == {"audience": 2, "rejects": 3, "sales": 1, "sentiment": 1, "similar_items": 2, "stored_runs": 1}
    with duckdb.connect(str(tmp_path / "new.duckdb"), read_only=True) as con:
        rows = {name: con.execute(f"FROM {name}").fetchall() for name in (*touched, "runs")}
        (comment,) = con.execute("SELECT comment FROM duckdb_tables() WHERE table_name = 'sales'").fetchone()
    assert rows["sales"] == [("a", None, None, 2), ("b", "u2", "o2", 3), ("c", None, None, 1)]
    assert rows["audience"] == [("a", "u0", 1), ("a", "u2", 2)]
    assert [review for review, _ in rows["sentiment"]] == ["r2"]
    assert rows["rejects"] == [('{"who": "u12"}',), (None,)]
    assert rows["stored_runs"] == [("1", "refused, for example user [removed], not u12"), ("2", "")]
    assert rows["similar_items"] == [
        ("a", 'a review: "[removed]"'),
        ("b", 'both: "beehive lamps"'),
        ("c", "like a lamp: cosine 0.83; a review: “[removed]”"),
        ("d", "like a lamp: cosine 0.83; a review: “Still, the lamp is cold.”"),
    ]
    assert rows["runs"] == [("1",), ("2",)]
    assert comment == "what was sold"


def test_a_file_that_does_not_know_the_person_is_not_written(file, tmp_path):
    assert rewrite_database(file, tmp_path / "new.duckdb", Person(frozenset({"nobody"}))) == {}
    assert not (tmp_path / "new.duckdb").exists()


def test_a_list_in_parquet_loses_the_persons_rows_and_quotes(tmp_path):
    lists = pl.DataFrame(
        {
            "item_id": ["a", "a", "b"],
            "user_id": ["u1", "u2", "u2"],
            "rank": [1, 2, 1],
            "reason": ["x", f"“{TEXT}”", "y"],
        }
    )
    lists.write_parquet(tmp_path / "audience.parquet")
    assert rewrite_parquet(tmp_path / "audience.parquet", tmp_path / "new.parquet", PERSON) == 2
    assert pl.read_parquet(tmp_path / "new.parquet").rows() == [("a", "u2", 1, "“[removed]”"), ("b", "u2", 1, "y")]
    assert rewrite_parquet(tmp_path / "new.parquet", tmp_path / "none.parquet", PERSON) == 0
    assert not (tmp_path / "none.parquet").exists()


def rebuilt(root, run_id):
    """A rebuilt copy of a run, complete, beside it."""
    folder = root / f"{REBUILDING}{run_id}"
    folder.mkdir()
    for file in (root / run_id).iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "mark").write_text("new")
    return folder


@pytest.fixture
def root(tmp_path):
    for run_id in ("r1", "r2"):
        (tmp_path / run_id).mkdir()
        (tmp_path / run_id / "manifest.json").write_text("{}")
    (tmp_path / "current").symlink_to("r2")
    return tmp_path


def test_nobody_is_looked_for_in_a_run_that_cannot_be_read(root):
    (root / "r1" / "shelfwise.duckdb").write_bytes(b"cut")
    with pytest.raises(CorruptRun, match=r"r1.shelfwise\.duckdb: DuckDB cannot read it .*take its folder away"):
        find_person(root, frozenset({"u1"}))


@pytest.mark.parametrize("exchanges", [True, False])
def test_a_rebuilt_run_takes_its_place_and_leaves_no_copy(root, exchanges, monkeypatch):
    if not exchanges:
        monkeypatch.setattr(warehouse.replace, "_exchange", lambda one, other: False)
    replace_run(rebuilt(root, "r1"), root=root)
    assert (root / "r1" / "mark").read_text() == "new"
    assert sorted(path.name for path in root.iterdir()) == ["current", "r1", "r2"]


def test_a_kill_between_two_renames_is_healed_with_the_new_run_or_the_old(root):
    rebuilt(root, "r1")
    (root / "r1").rename(root / ".replaced-r1")
    heal_runs(root)
    assert (root / "r1" / "mark").exists()
    (root / "r2").rename(root / ".replaced-r2")  # and its successor is not complete
    (root / f"{REBUILDING}r2").mkdir()
    heal_runs(root)
    assert list_runs(root) == ["r1", "r2"]
    assert sorted(path.name for path in root.iterdir()) == ["current", "r1", "r2"]


def test_what_is_no_rebuilt_run_takes_nobodys_place(root):
    with pytest.raises(WarehouseError, match="no rebuilt run"):
        replace_run(root / "r1", root=root)
    with pytest.raises(WarehouseError, match="no run r9"):
        replace_run(rebuilt(root, "r1").rename(root / f"{REBUILDING}r9"), root=root)


def test_a_run_rebuilt_while_it_is_opened_is_opened_again(tmp_path, published_root, monkeypatch):
    root = shutil.copytree(published_root, tmp_path / "runs", symlinks=True)
    own = verify_manifest
    told = []

    def rebuilt_meanwhile(run):
        if not told:
            told.append(run)
            text = (run / "manifest.json").read_text()
            (run / "manifest.json").unlink()
            (run / "manifest.json").write_text(text)
            raise warehouse.CorruptRun("a file of the other")
        return own(run)

    monkeypatch.setattr("warehouse.published.verify_manifest", rebuilt_meanwhile)
    assert Published.open(root).run_id == "r1"
    assert len(told) == 1


def test_a_forgotten_user_is_known_again_by_the_salt_alone(tmp_path):
    nobody = read_privacy(tmp_path, hash_users=False)
    assert (nobody.salt, nobody.forgotten, nobody.is_forgotten("u1")) == (b"", frozenset(), False)
    remember_forgotten(tmp_path, "u1")
    again = remember_forgotten(tmp_path, "u2")
    assert stat.S_IMODE((tmp_path / "salt").stat().st_mode) == 0o600
    assert read_privacy(tmp_path, hash_users=False) == again
    assert [again.is_forgotten(user) for user in ("u1", "u2", "u3")] == [True, True, False]
    assert again.is_forgotten(again.hashed("u1"))
    assert "u1" not in (tmp_path / "forgotten").read_text()
    other = Privacy(b"another salt")
    assert other.digest("u1") not in again.forgotten
    (tmp_path / "salt").write_text("another salt")
    with pytest.raises(InputError, match=r"2 users asked to be forgotten, and the salt .* is another one"):
        read_privacy(tmp_path, hash_users=False)
    (tmp_path / "forgotten").write_text("# something\nelse\n")
    with pytest.raises(InputError, match="is not as it was written"):
        read_privacy(tmp_path, hash_users=False)


def test_a_hash_is_the_same_every_night_and_stays_what_it_is(tmp_path, monkeypatch):
    first, second = (read_privacy(tmp_path, hash_users=True) for _ in range(2))
    users = pl.Series("user_id", ["u1", None, "u2", "u1"])
    names = first.names(users)
    assert names.equals(second.names(users))
    assert names.equals(first.names(names))
    assert names.to_list()[1] is None
    assert names[0] != first.digest("u1")
    monkeypatch.setenv("SHELFWISE_SALT", "elsewhere")
    assert not read_privacy(tmp_path, hash_users=True).names(users).equals(names)
