from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from jobs.cli import app
from jobs.nightly import run_nightly
from jobs.rollback import roll_back
from jobs.status import item_status, night_status
from recsys import Recommender, UnknownItem
from warehouse import InputError, Published


def ask(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def answer(*arguments):
    """Run a command with --json and return its document; stdout holds nothing else."""
    return json.loads(ask(*arguments, "--json").stdout)


def test_similar_gives_k_rows_with_titles_and_reasons(published):
    rows = answer("similar", "007", "-k", "5", "--runs", published.runs)
    assert [row["rank"] for row in rows] == [1, 2, 3, 4, 5]
    assert "007" not in {row["item_id"] for row in rows}
    assert all(row["title"] and row["reason"] for row in rows)
    assert rows == Recommender.open(published.runs).similar_items("007", k=5).to_dicts()


def test_recommend_gives_the_users_list(published):
    rows = answer("recommend", "u07", "-k", "4", "--runs", published.runs)
    assert [(row["user_id"], row["rank"]) for row in rows] == [("u07", rank) for rank in (1, 2, 3, 4)]


def test_forecast_gives_every_period_of_an_item(published):
    rows = answer("forecast", "007", "--runs", published.runs)
    assert [row["date"] for row in rows][:2] == ["2026-06-29", "2026-07-06"]
    assert len(rows) == 8
    told = ask("forecast", "007", "--runs", published.runs).stdout
    assert "copper green tea leaves" in told
    assert "█" in told


def test_search_finds_by_words(published):
    rows = answer("search", "something to drink my tea from", "-k", "3", "--runs", published.runs)
    assert len(rows) == 3
    assert rows[0]["title"].split(" ", 1)[1] in ("stoneware mug", "green tea leaves")


def test_sql_answers_one_query(published):
    (row,) = answer("sql", "SELECT count(*) AS n, max(date) AS last FROM forecast", "--runs", published.runs)
    assert row == {"n": 50 * 8, "last": "2026-08-17"}
    told = ask(
        "sql", "SELECT 'a [b] c' AS title, NULL AS nothing, 1234.5::DOUBLE AS x", "--runs", published.runs
    ).stdout
    assert "a [b] c" in told
    assert "1,234" in told or "1,235" in told


def test_sql_cannot_write_nor_read_files(published, tmp_path):
    for query in (
        "DELETE FROM items",
        f"COPY items TO '{tmp_path / 'x.csv'}'",
        "SELECT * FROM read_csv('/etc/passwd')",
    ):
        with pytest.raises(InputError):
            ask("sql", query, "--runs", published.runs)
    assert not (tmp_path / "x.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (("similar", "OO7"), UnknownItem, "did you mean"),
        (("recommend", "u007"), InputError, "no list for user 'u007'; did you mean 'u00' or 'u07'"),
        (("forecast", "07"), InputError, "no forecast of item '07'; did you mean '007'"),
        (("status", "0007"), InputError, "unknown item '0007'; did you mean '000' or '007'"),
        (("rollback", "2026"), InputError, "2026"),
        (("sql", "SELECT nothing FROM nowhere"), InputError, "nowhere"),
    ],
)
def test_an_unknown_id_names_the_near_ones(published, arguments, kind, message):
    with pytest.raises(kind) as raised:
        ask(*arguments, "--runs", published.runs)
    assert message in str(raised.value)


def test_status_tells_the_current_run(published):
    told = answer("status", "--runs", published.runs)
    assert told["run_id"] == published.report.run_id
    assert told["cutoff"] == "2026-06-28"
    assert 0 <= told["age_hours"] < 1
    assert told["last_failure"] is None
    assert [row["status"] for row in told["runs"]] == ["published"]
    assert f"current {published.report.run_id}, cutoff 2026-06-28" in ask("status", "--runs", published.runs).stdout


@pytest.mark.parametrize(
    ("item_id", "reason"),
    [
        ("000", "it stands in "),
        ("I-launch", "it is planned: it can be bought from 2026-07-14 on, so no list holds it yet"),
        ("I-nosale", "it has no sale yet: its forecast comes from analog"),
        ("007", "0 on hand, out by the end of the first period with probability 100%"),
    ],
)
def test_status_of_an_item_says_why_it_is_missing_or_low(published, item_id, reason):
    status = item_status(published.runs, item_id)
    assert any(line.startswith(reason) for line in status.reasons), status.reasons
    assert ask("status", item_id, "--runs", published.runs).stdout.startswith(item_id)


@pytest.fixture(scope="module")
def refused(published, tmp_path_factory):
    """A folder where three nights followed one another: published, published with a rejected item, refused."""
    root = tmp_path_factory.mktemp("refused")
    folder, runs = root / "input", root / "runs"
    shutil.copytree(published.input, folder)
    shutil.copytree(published.runs, runs, symlinks=True)
    with (folder / "items.csv").open("a") as file:
        file.write("I-bad,a bad price,,tea,Acme,cheap,\n")
    report = run_nightly(published.settings, input_folder=folder, runs=runs)
    result = CliRunner().invoke(
        app,
        ["nightly", "--input", str(folder), "--runs", str(runs), "--set", "check.rows_drop=-1.0", "--set", "threads=1"],
    )
    return runs, report, result


def test_status_shows_the_refusal_and_the_run_that_stays(refused):
    runs, report, _ = refused
    status = night_status(runs)
    assert status.run_id == report.run_id
    assert status.last_failure is not None
    assert status.last_failure["status"] == "refused"
    assert "users: 60, the last run had 60, least 120" in status.last_failure["message"]
    assert "last not published: " in ask("status", "--runs", runs).stdout


def test_status_of_a_rejected_item_names_its_line(refused):
    runs, _, _ = refused
    status = item_status(runs, "I-bad")
    assert status.reasons[0] == "it is not among the items of the run"
    assert status.reasons[1].startswith("items.csv line 52 was rejected: price")


def test_rollback_moves_sql_and_python_back_and_status_says_so(refused, published):
    runs, _, _ = refused
    first = published.report.run_id
    assert roll_back(runs, first) == first
    assert Published.open(runs).run_id == first
    assert Recommender.open(runs).run.run_id == first
    status = night_status(runs)
    assert (status.run_id, status.rolled_back_at is not None) == (first, True)
    assert "rolled back to it at" in ask("status", "--runs", runs).stdout


def test_status_tells_the_published_run_where_the_ledger_cannot_be_read(tmp_path, refused):
    runs, _, _ = refused
    copied = Path(shutil.copytree(runs, tmp_path / "runs", symlinks=True))
    (copied / "ledger.jsonl").write_bytes(b"\x00not a ledger\n")
    published = Published.open(copied).run_id
    assert night_status(copied).run_id == published
    assert published in ask("status", "--runs", copied).stdout


def test_status_before_anything_is_published_names_the_failure(tmp_path, tiny_shop):
    folder = tmp_path / "input"
    folder.mkdir()
    (folder / "items.csv").write_text("item_id,title\n")
    with pytest.raises(InputError, match="items has 0 rows"):
        ask("nightly", "--input", folder, "--runs", tmp_path / "runs")
    told = ask("status", "--runs", tmp_path / "runs").stdout
    assert told.startswith("nothing is published yet")
    assert "items has 0 rows; nothing to index" in told


def test_ingest_writes_typed_tables_and_rejects(tmp_path, tiny_shop):
    folder = tmp_path / "input"
    shutil.copytree(tiny_shop, folder)
    with (folder / "sales.csv").open("a") as file:
        file.write("007,2026-06-28,many,5,u00\n")
    rows = answer("ingest", "--input", folder, "--out", tmp_path / "out")
    counts = {row["table_name"]: row for row in rows}
    assert all(row["read"] == row["kept"] + row["rejected"] + row["after_cutoff"] for row in rows)
    assert counts["sales"]["rejected"] == 1
    sales = pl.read_parquet(tmp_path / "out" / "sales.parquet")
    assert sales.height == counts["sales"]["kept"]
    assert sales.schema["item_id"] == pl.String
    (reject,) = pl.read_parquet(tmp_path / "out" / "rejects.parquet").to_dicts()
    assert (reject["table_name"], reject["file"]) == ("sales", "sales.csv")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    ask("ingest", "--input", folder, "--out", tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_init_writes_a_file_that_nightly_takes_and_never_over_one_that_is_there(tmp_path, tiny_shop):
    folder = tmp_path / "shop"
    shutil.copytree(tiny_shop, folder)
    told = answer("init", folder)
    assert told["path"] == str(folder / "shop.toml")
    assert str(folder / "shop.toml") in told["next_command"]
    assert (folder / "shop.toml").read_text() == told["text"]
    with pytest.raises(InputError, match=r"shop\.toml is there already"):
        ask("init", folder)
    assert "Written to" in ask("init", folder, "--force").stdout
    rows = answer("ingest", "--input", folder, "--out", tmp_path / "out", "--config", folder / "shop.toml")
    assert {row["table_name"]: row["kept"] for row in rows}["sales"] > 1000
