"""Personal data in texts: masked before anything is stored, encoded, shown or logged."""

from __future__ import annotations

import json
from dataclasses import asdict

import duckdb
import polars as pl
import pytest

from recsys import Recommender
from warehouse import Published

EMAIL, PHONE = "jane.doe@example.com", "415-555-2671"


def read_open(path):
    """Everything that a file says: its bytes, and the cells of what is compressed, views too."""
    told = path.read_bytes().decode("utf-8", "replace")
    if path.suffix == ".parquet":
        return told + pl.read_parquet(path).write_csv()
    if path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as con:
            names = con.execute(
                "SELECT table_name FROM duckdb_tables() WHERE NOT internal "
                "UNION SELECT view_name FROM duckdb_views() WHERE NOT internal"
            ).fetchall()
            assert len(names) > 15
            return told + "".join(con.sql(f'FROM "{name}"').pl().write_csv() for (name,) in names)
    return told


def files_that_say(root, needle):
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()]
    return [str(path.relative_to(root)) for path in files if needle in read_open(path)]


@pytest.mark.parametrize("needle", [EMAIL, PHONE, "jane.doe", "4155552671", "555-2671"])
def test_x05_neither_address_nor_number_appears_in_any_file_log_or_report(night_with_a_person, needle):
    night = night_with_a_person
    for name in ("items", "events", "reviews"):
        text = (night.input / f"{name}.csv").read_text()
        assert EMAIL in text or PHONE in text, name  # else the test could not fail
    log = (night.runs.parent / "log.txt").read_text()
    assert "publish: done" in log
    assert files_that_say(night.runs, needle) == []
    assert needle not in log
    assert needle not in json.dumps(asdict(night.report), default=str)


def test_x05_what_stood_around_them_is_kept_and_found(night_with_a_person):
    run = Published.open(night_with_a_person.runs)
    review = run.query("SELECT headline, text FROM reviews WHERE review_id = 'x1'").row(0)
    assert review == ("From [email]", "It dims well. Mail me at [email] or call [phone] after six.")
    assert run.query("SELECT brand FROM items WHERE item_id = 'I-note'")["brand"][0] == "[email]"
    rejects = run.query("FROM rejects")
    assert sum("[email]" in record for record in rejects["record"]) == 2
    assert "[phone]" in " ".join(rejects["reason"])
    found = Recommender.open(night_with_a_person.runs).search("grey reading lamp", k=3)
    assert "I-note" in found["item_id"].to_list()
