from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from jobs.ledger import Ledger, new_run_id

NOON = datetime(2026, 11, 24, 12, 0, 0, 123_456, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger.jsonl")


def test_a_run_is_told_from_its_start_through_its_steps_to_its_end(ledger):
    ledger.append("started", "r1", {"pid": 7})
    ledger.append("step", "r1", {"step": "ingest", "seconds": 1.5})
    assert [record.status for record in ledger.runs()] == ["running"]
    ledger.append("published", "r1", {"cutoff": "2026-11-23"})
    (record,) = ledger.runs()
    assert (record.status, record.steps, record.facts) == (
        "published",
        {"ingest": 1.5},
        {"pid": 7, "cutoff": "2026-11-23"},
    )
    assert record.ended_at is not None


def test_a_ledger_that_is_not_there_is_empty(ledger):
    assert ledger.lines() == []
    assert ledger.runs() == []


@pytest.mark.parametrize("torn", ['{"at": "2026', '{"event": "step"}\n', "[1, 2]\n", "\n"])
def test_a_torn_line_is_left_out_and_the_next_one_stands_by_itself(ledger, torn):
    ledger.append("started", "r1")
    with ledger.path.open("a") as file:
        file.write(torn)
    ledger.append("failed", "r1", {"message": "x"})
    assert [(line["event"], line["run_id"]) for line in ledger.lines()] == [("started", "r1"), ("failed", "r1")]
    assert ledger.runs()[0].status == "failed"


def test_lines_are_appended_and_never_rewritten(ledger):
    ledger.append("started", "r1")
    before = ledger.path.read_bytes()
    ledger.append("published", "r1")
    assert ledger.path.read_bytes().startswith(before)
    assert all(json.loads(line) for line in ledger.path.read_text().splitlines())


def test_events_of_a_run_that_never_started_are_no_run(ledger):
    ledger.append("rolled_back", "r0")
    assert ledger.runs() == []


def test_run_ids_sort_by_time_even_where_the_clock_goes_back(ledger):
    first = new_run_id(ledger, NOON)
    assert first == "20261124T120000123Z"
    ledger.append("started", first)
    second = new_run_id(ledger, NOON)
    ledger.append("started", second)
    third = new_run_id(ledger, NOON - timedelta(days=1))
    ledger.append("started", third)
    fourth = new_run_id(ledger, NOON + timedelta(seconds=1))
    assert first < second < third < fourth
    assert second == "20261124T120000124Z"


def test_the_millisecond_after_the_last_one_of_a_second_is_in_the_next(ledger):
    ledger.append("started", "20261231T235959999Z")
    assert new_run_id(ledger, NOON) == "20270101T000000000Z"
