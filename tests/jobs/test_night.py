from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import date

import polars as pl
import pytest

import warehouse
from jobs.check import Refused
from jobs.ledger import Ledger
from jobs.nightly import run_nightly
from jobs.settings import Settings, load_settings
from warehouse import Published
from warehouse.tables import PUBLISHED

ONE_THREAD = Settings(threads=1)  # two threads on a busy machine wait for one another


def ask(runs, query):
    return Published.open(runs).query(query)


def copy(folder, target):
    shutil.copytree(folder, target, symlinks=True)
    return target


def ends(runs):
    return [record.status for record in Ledger(runs / "ledger.jsonl").runs()]


def nightly(folder, runs, *arguments):
    command = [sys.executable, "-m", "jobs.cli", "nightly", "--input", str(folder), "--runs", str(runs)]
    command += ["--set", "threads=1", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_step(runs, step, *, seconds=120):
    """Wait until the ledger says that a step is done; `started` is the first line of a run."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        lines = Ledger(runs / "ledger.jsonl").lines()
        if any(step in (line["event"], line.get("step")) for line in lines):
            return
        time.sleep(0.01)
    pytest.fail(f"no step {step} within {seconds} s")


def test_a_night_publishes_every_table_with_its_run_id(published):
    for name, table in PUBLISHED.items():
        frame = ask(published.runs, f"SELECT * FROM {name}")
        assert set(table.names) <= set(frame.columns), name
        if name != "rejects":
            assert frame.height, name
            assert set(frame["run_id"]) == {published.report.run_id}, name
    assert published.report.rows["recommendations"] == 60 * 20
    assert published.report.status == "published"
    assert published.report.degradations == ()


def test_the_ledger_tells_the_night_step_by_step(published):
    (record,) = Ledger(published.runs / "ledger.jsonl").runs()
    assert list(record.steps) == ["ingest", "embed", "sentiment", "forecast", "recommend", "check", "publish"]
    assert record.status == "published"
    assert record.facts["cutoff"] == "2026-06-28"
    assert record.facts["texts_encoded"] == published.report.texts_encoded > 50
    assert not list(published.runs.glob(".building-*"))


def test_lists_and_forecasts_carry_the_same_snapshot_id(published):
    facts = Published.open(published.runs).facts
    assert facts["snapshots"] == dict.fromkeys(("recommendations", "forecast"), facts["snapshot_id"])
    (row,) = ask(published.runs, "SELECT snapshot_id, encoder_id, text_used, status FROM runs").rows()
    assert row == (facts["snapshot_id"], facts["encoder_id"], True, "published")


def test_lists_join_the_forecast_without_loss_and_the_launch_is_in_no_list(published):
    lost = (
        "SELECT count(*) FROM recommendations r ANTI JOIN forecast f ON r.item_id = f.item_id AND r.run_id = f.run_id"
    )
    assert ask(published.runs, lost).item() == 0
    held = "SELECT count(*) FILTER (item_id = 'I-launch') FROM {}"
    assert ask(published.runs, held.format("recommendations")).item() == 0
    assert ask(published.runs, held.format("forecast")).item() == 8


@pytest.fixture(scope="module")
def second(published, tmp_path_factory):
    """A second night on the same input, in a copy of the first one's folder."""
    runs = copy(published.runs, tmp_path_factory.mktemp("second") / "runs")
    return runs, run_nightly(ONE_THREAD, input_folder=published.input, runs=runs)


def test_a_second_night_encodes_nothing_and_comes_to_the_same_rows(published, second):
    runs, report = second
    assert (report.texts_encoded, report.cache_hits) == (0, published.report.texts_encoded)
    for name in PUBLISHED:
        if name in ("runs", "forecast_history", "recommendation_history"):
            continue
        first, again = (ask(each, f"SELECT * FROM {name}").drop("run_id") for each in (published.runs, runs))
        assert first.equals(again), name


def test_the_second_run_knows_the_first_one(published, second):
    runs, report = second
    rows = ask(runs, "SELECT run_id, status, cutoff FROM runs ORDER BY run_id").rows()
    assert [row[0] for row in rows] == [published.report.run_id, report.run_id]
    assert {row[1] for row in rows} == {"published"}
    for name, source in (("forecast_history", "forecast"), ("recommendation_history", "recommendations")):
        counts = ask(runs, f"SELECT run_id, count(*) FROM {name} GROUP BY 1 ORDER BY 1").rows()
        assert counts == [(row[0], report.rows[source]) for row in rows]


def test_a_run_older_than_history_days_leaves_both_histories(published, tmp_path):
    runs = copy(published.runs, tmp_path / "runs")
    settings = dataclasses.replace(ONE_THREAD, history_days=1)
    report = run_nightly(settings, input_folder=published.input, runs=runs, cutoff=date(2026, 6, 30))
    for name in ("forecast_history", "recommendation_history"):
        assert ask(runs, f"SELECT DISTINCT run_id FROM {name}").rows() == [(report.run_id,)]
    assert [folder.name for folder in (runs / "history").iterdir()] == [report.run_id]
    assert ask(runs, "SELECT count(*) FROM runs").item() == 2


def test_the_cutoff_of_a_full_input_gives_the_rows_of_an_input_that_ends_there(tiny_shop, tmp_path):
    cutoff = pl.Series(["2026-06-14"]).str.to_date()[0]
    ended = copy(tiny_shop, tmp_path / "ended")
    for name, column in (
        ("sales", "sold_on"),
        ("events", "occurred_at"),
        ("reviews", "occurred_at"),
        ("inventory", "date"),
    ):
        table = pl.read_csv(ended / f"{name}.csv", infer_schema=False)
        kept = table.filter(pl.col(column).str.slice(0, 10) <= str(cutoff))
        kept.write_csv(ended / f"{name}.csv")
    inventory = pl.read_csv(tiny_shop / "inventory.csv", infer_schema=False)
    inventory.with_columns(date=pl.lit(str(cutoff))).write_csv(ended / "inventory.csv")
    both = pl.concat([pl.read_csv(ended / "inventory.csv", infer_schema=False), inventory])
    full = copy(tiny_shop, tmp_path / "full")
    both.write_csv(full / "inventory.csv")
    settings = Settings(horizon=4, k=5, threads=1)
    run_nightly(settings, input_folder=full, runs=tmp_path / "a", cutoff=cutoff)
    run_nightly(settings, input_folder=ended, runs=tmp_path / "b", cutoff=cutoff)
    for name in PUBLISHED:
        if name in ("runs", "rejects"):
            continue
        first, again = (ask(tmp_path / each, f"SELECT * FROM {name}").drop("run_id") for each in "ab")
        assert first.equals(again), name


def test_a_table_that_is_gone_is_named_and_the_run_is_degraded(published, tmp_path):
    folder, runs = copy(published.input, tmp_path / "input"), copy(published.runs, tmp_path / "runs")
    (folder / "events.csv").unlink()
    report = run_nightly(ONE_THREAD, input_folder=folder, runs=runs)
    assert report.status == "degraded"
    assert report.degradations[0].startswith("events is gone: it had ")
    rows = ask(runs, "SELECT status, degradations FROM runs ORDER BY run_id").rows()
    assert rows[-1] == ("degraded", "; ".join(report.degradations))


def test_empty_sales_skip_the_forecast_by_name_and_the_lists_are_published(tiny_shop, tmp_path):
    folder = copy(tiny_shop, tmp_path / "input")
    header = (folder / "sales.csv").read_text().splitlines()[0]
    (folder / "sales.csv").write_text(header + "\n")
    report = run_nightly(ONE_THREAD, input_folder=folder, runs=tmp_path / "runs")
    assert [line for line in report.degradations if line.startswith("forecast skipped: the table sales has no row")]
    assert report.rows["forecast"] == 0
    assert report.rows["recommendations"] == 60 * 20


def test_a_run_that_falls_behind_is_refused_and_the_last_one_stays(published, tmp_path):
    runs = copy(published.runs, tmp_path / "runs")
    strict = load_settings(None, ["check.rows_drop=-1.0", "threads=1"])
    with pytest.raises(Refused, match="users: 60, the last run had 60, least 120"):
        run_nightly(strict, input_folder=published.input, runs=runs)
    assert Published.open(runs).run_id == published.report.run_id
    assert ends(runs) == ["published", "refused"]
    assert not list(runs.glob(".building-*"))
    assert [path.name for path in (runs / "history").iterdir()] == [published.report.run_id]


def test_bad_input_publishes_nothing_and_the_ledger_names_the_step(published, tmp_path):
    folder, runs = copy(published.input, tmp_path / "input"), copy(published.runs, tmp_path / "runs")
    (folder / "items.csv").write_text("item_id,title\n")
    with pytest.raises(warehouse.InputError, match="items has 0 rows; nothing to index"):
        run_nightly(ONE_THREAD, input_folder=folder, runs=runs)
    record = Ledger(runs / "ledger.jsonl").runs()[-1]
    assert (record.status, record.facts["step"]) == ("failed", "ingest")
    assert Published.open(runs).run_id == published.report.run_id


def test_an_absent_encoder_names_the_key(tiny_shop, tmp_path):
    process = nightly(tiny_shop, tmp_path / "runs", "--set", "encoder=/no/such/model")
    _, said = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "/no/such/model" in said
    assert "config key `encoder`" in said
    assert "Traceback" not in said


def test_sigterm_ends_with_143_and_the_ledger_says_interrupted(published, tmp_path):
    runs = copy(published.runs, tmp_path / "runs")
    process = nightly(published.input, runs)
    while len(ends(runs)) < 2:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 143
    assert "interrupted by SIGTERM" in said
    assert "Traceback" not in said
    assert ends(runs) == ["published", "interrupted"]
    assert not list(runs.glob(".building-*"))


def test_after_kill_9_the_last_run_is_readable_and_the_next_night_says_abandoned(published, tmp_path):
    runs = copy(published.runs, tmp_path / "runs")
    ledger = runs / "ledger.jsonl"
    kept = ledger.read_bytes()
    process = nightly(published.input, runs)
    while b"recommend" not in ledger.read_bytes()[len(kept) :]:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert ask(runs, "SELECT count(*) FROM recommendations").item() == 60 * 20
    report = run_nightly(ONE_THREAD, input_folder=published.input, runs=runs)
    assert ends(runs) == ["published", "abandoned", "published"]
    assert Published.open(runs).run_id == report.run_id
    statuses = ask(runs, "SELECT status FROM runs ORDER BY run_id")["status"]
    assert list(statuses) == ["published", "interrupted", "published"]


def test_a_run_killed_between_the_swap_and_its_last_line_counts_as_published(published, tmp_path):
    runs = copy(published.runs, tmp_path / "runs")
    ledger = runs / "ledger.jsonl"
    lines = ledger.read_text().splitlines(keepends=True)
    ledger.write_text("".join(line for line in lines if json.loads(line)["event"] != "published"))
    from jobs.run import sweep

    (record,) = sweep(runs)
    assert record.status == "published"
    assert (runs / "history" / record.run_id).is_dir()
