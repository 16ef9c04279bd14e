"""Forgetting a user: what is gone, what stays, and what a kill leaves."""

from __future__ import annotations

import io
import shutil
import signal
import subprocess
import sys

import duckdb
import numpy as np
import polars as pl
import pytest

import encoders
import warehouse
from jobs.answers import recommend_user
from jobs.forget import forget_user
from jobs.ledger import Ledger
from jobs.lock import Locked, hold_lock
from jobs.nightly import run_nightly
from jobs.settings import Settings, load_settings
from recsys import Recommender
from warehouse import InputError, Published, list_runs, verify_manifest

PERSON = "kestrel-4711"
WORDS = "Heather from the loch"
SEARCH = "heather coloured beehive lamp"


def copy(folder, target):
    return shutil.copytree(folder, target, symlinks=True)


def cells(path):
    """Everything that a compressed file says, as text: of a Parquet file, of every table of a DuckDB file."""
    if path.suffix == ".parquet":
        return pl.read_parquet(path).write_csv()
    with duckdb.connect(str(path), read_only=True) as con:
        tables = [name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return "".join(con.sql(f'FROM "{name}"').pl().write_csv() for name in tables)


def hits(root, *needles):
    """The files below `root` in which one of the needles stands, in their bytes or in what they say when read open."""
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        content = path.read_bytes()
        said = cells(path) if path.suffix in (".parquet", ".duckdb") else ""
        found += [path for needle in needles if needle.encode() in content or needle in said]
    return found


def keys_in(cache):
    return {key.tobytes() for path in cache.rglob("*.keys.npy") for key in np.load(io.BytesIO(path.read_bytes()))}


@pytest.fixture(scope="module")
def before(night_with_a_person, tmp_path_factory):
    """A copy of the nights that know the person, whose words a question has read."""
    runs = copy(night_with_a_person.runs, tmp_path_factory.mktemp("before") / "runs")
    (quote,) = Recommender.open(runs).ask("Does the lamp hum?", "010", 1)["evidence"]
    assert WORDS in quote["sentence"]
    return runs


@pytest.fixture(scope="module")
def after(before, tmp_path_factory):
    """The same, the person forgotten."""
    runs = copy(before, tmp_path_factory.mktemp("after") / "runs")
    return runs, forget_user(runs, PERSON)


def test_the_person_stood_in_every_place_that_is_looked_at(before):
    """Else the tests below could not fail."""
    places = {str(path.relative_to(before)).replace(list_runs(before)[-1], "RUN") for path in hits(before, PERSON)}
    assert {"RUN/shelfwise.duckdb", "RUN/lists/depth.parquet", "ledger.jsonl"} <= places
    assert "history/RUN/recommendation_history.parquet" in places
    assert sum(name.startswith("cache/input/ingest/") for name in places) == 3
    tables = Published.open(before).query("FROM rejects WHERE contains(record, ?)", [PERSON])
    assert tables.height == 3
    assert "degradations" in Published.open(before).query(f"FROM runs WHERE contains(degradations, '{PERSON}')").columns


def test_no_file_holds_the_id_or_the_words_any_more(after):
    runs, done = after
    assert hits(runs, PERSON, WORDS, SEARCH, "Nine stars") == []
    assert list_runs(runs)[-1] in done.runs_rebuilt
    assert not done.already


def test_the_judge_of_a_run_with_the_persons_words_goes_and_answers_are_judged_anew(before, after, tmp_path):
    runs, done = after
    last = list_runs(runs)[-1]
    assert (before / last / "judge.json").is_file()
    kept = {run_id: (runs / run_id / "judge.json").exists() for run_id in list_runs(runs)}
    assert not kept[last]
    assert all(kept[run_id] for run_id in kept if run_id not in done.runs_rebuilt)
    answer = Recommender.open(copy(runs, tmp_path / "runs")).ask("Does the lamp hum?", "010", 5)
    assert all(WORDS not in quote["sentence"] for quote in answer["evidence"])


def test_what_the_person_did_is_gone_and_what_was_sold_stays(before, after):
    runs, done = after
    old, new = Published.open(before), Published.open(runs)
    assert new.run_id == old.run_id
    for table, rows in (("recommendations", 20), ("reviews", 1), ("rejects", 3), ("sales", 0)):
        count = f"SELECT count(*) AS n FROM {table}"
        assert old.query(count)["n"][0] - new.query(count)["n"][0] == rows, table
    sums = "SELECT sum(units) AS units, count(user_id) AS named FROM sales"
    (units, named), (units_before, named_before) = new.query(sums).row(0), old.query(sums).row(0)
    assert units == units_before
    assert named_before - named == 6
    assert done.rows["sales"] == 6
    for table in ("forecast", "similar_items", "items", "backtest"):
        assert new.query(f"FROM {table}").equals(old.query(f"FROM {table}")), table


def test_q09_a_reason_that_quoted_the_person_keeps_the_rest_of_its_words(before, after):
    runs, _ = after
    quoting = (
        "SELECT user_id, item_id, reason FROM recommendations WHERE contains(reason, ?) AND user_id <> ? ORDER BY ALL"
    )
    old = Published.open(before).query(quoting, [WORDS, PERSON])
    new = Published.open(runs).query(quoting, ["“[removed]”", PERSON])
    assert old.height > 0
    said = f"“{WORDS} told me that this lamp hums like a beehive.”"
    assert new["reason"].to_list() == [reason.replace(said, "“[removed]”") for reason in old["reason"]]
    depth = pl.read_parquet(runs / "current" / "lists" / "depth.parquet")
    assert depth["reason"].str.contains("“[removed]”", literal=True).sum() >= new.height


def test_others_keep_every_row_in_its_order(before, after):
    runs, _ = after
    for table in ("recommendations", "buy_again", "recommendation_history"):
        rows = Published.open(before).query(f"FROM {table}").filter(pl.col("user_id") != PERSON)
        if "reason" in rows.columns:
            rows = rows.with_columns(pl.col("reason").str.replace(f"“{WORDS}[^”]*”", "“[removed]”"))
        assert rows.equals(Published.open(runs).query(f"FROM {table}")), table
    users = Published.open(runs).query("SELECT DISTINCT user_id FROM recommendations ORDER BY 1 LIMIT 3")["user_id"]
    mine = Recommender.open(runs).recommend(users.to_list(), k=25)
    theirs = Recommender.open(before).recommend(users.to_list(), k=25)
    assert mine.equals(theirs.with_columns(pl.col("reason").str.replace(f"“{WORDS}[^”]*”", "“[removed]”")))


def test_a_rebuilt_run_verifies_and_keeps_its_views_macros_and_comments(before, after):
    runs, done = after
    for run_id in done.runs_rebuilt:
        facts = verify_manifest(runs / run_id)
        assert facts.pop("rebuilt_at")
        assert facts == verify_manifest(before / run_id)
    new = Published.open(runs)
    assert new.query("FROM item_status('010')")["status"][0] == "active"
    assert new.query("SELECT count(*) FROM runs")["count_star()"][0] == 3
    told = "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal ORDER BY ALL"
    assert new.query(told).equals(Published.open(before).query(told))


def test_vectors_of_the_persons_texts_leave_the_cache_and_the_others_stay(before, after):
    runs, done = after
    encoder = encoders.load_encoder(encoders.EncoderConfig(threads=1))
    gone = {"review": [f"Hums. {WORDS} told me that this lamp hums like a beehive."], "browsing": [SEARCH]}
    for kind, texts in gone.items():
        cached = {
            root: encoders.VectorCache(copy(root / "cache", root.parent / f"{kind}-cache") / "vectors", encoder)
            for root in (before, runs)
        }
        assert cached[before].encode(texts, kind=kind).cache_hits == 1
        assert cached[runs].encode(texts, kind=kind).cache_hits == 0
    assert keys_in(runs / "cache") < keys_in(before / "cache")
    assert len(keys_in(before / "cache")) - len(keys_in(runs / "cache")) == done.texts_swept


def test_the_ledger_keeps_every_line_and_an_audit_without_the_person(before, after):
    runs, done = after
    old, new = (Ledger(root / "ledger.jsonl").lines() for root in (before, runs))
    assert [line["event"] for line in new] == [*(line["event"] for line in old), "forgotten"]
    assert new[-1]["rows"] == done.rows
    (refused,) = [line for line in new if line["event"] == "refused"]
    assert refused["message"].endswith("user_id '[removed]'")


@pytest.fixture(scope="module")
def next_night(night_with_a_person, after, tmp_path_factory):
    """A night on the same input folder, after the person was forgotten."""
    runs = copy(after[0], tmp_path_factory.mktemp("next") / "runs")
    return runs, run_nightly(Settings(threads=1), input_folder=night_with_a_person.input, runs=runs)


def test_n20_no_table_of_any_kept_run_has_a_row_of_the_user(after):
    runs, _ = after
    for run_id in list_runs(runs):
        with Published.open(runs / run_id) as run:
            tables = run.query("SELECT table_name FROM duckdb_columns() WHERE column_name = 'user_id' AND NOT internal")
            assert {"recommendations", "sales", "reviews", "recommendation_history"} <= set(tables["table_name"])
            for table in tables["table_name"]:
                assert run.query(f"SELECT count(*) AS n FROM {table} WHERE user_id = ?", [PERSON])["n"][0] == 0, table


def test_n20_the_next_night_does_not_bring_the_user_back(night_with_a_person, next_night):
    runs, report = next_night
    assert hits(night_with_a_person.input, PERSON)
    assert hits(runs, PERSON, WORDS) == []
    assert report.texts_encoded == 0
    for table, counts in report.read.items():
        others = counts["kept"] + counts["rejected"] + counts["after_cutoff"]
        assert counts["read"] == others + counts["forgotten"], table
    assert {table: counts["forgotten"] for table, counts in report.read.items() if counts["forgotten"]} == {
        "sales": 1,  # the one that was no sale; six are kept without their buyer
        "events": 2,
        "reviews": 3,
    }


def test_n20_rolled_back_to_an_older_run_the_user_is_not_there(next_night, tmp_path):
    runs = copy(next_night[0], tmp_path / "runs")
    for run_id in list_runs(runs)[:-1]:
        warehouse.rollback(runs, run_id)
        assert Published.open(runs).run_id == run_id
        with pytest.raises(InputError, match="no list for user"):
            recommend_user(runs, PERSON, k=3)


def test_n20_the_command_names_nobody_and_refuses_an_id_that_nobody_has(before, tmp_path):
    runs = copy(before, tmp_path / "runs")
    command = [sys.executable, "-m", "jobs.cli", "forget", "--runs", str(runs)]
    done = subprocess.run([*command, PERSON], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "recommendations" in done.stdout
    assert PERSON not in done.stdout + done.stderr
    refused = subprocess.run([*command, "u5O"], capture_output=True, text=True, check=False, timeout=120)
    assert refused.returncode == 2
    assert "did you mean 'u50'" in refused.stderr


def test_forgetting_twice_changes_nothing_and_two_users_are_both_remembered(after, night_with_a_person, tmp_path):
    runs = copy(after[0], tmp_path / "runs")
    again = forget_user(runs, PERSON)
    assert again.already
    assert (again.runs_rebuilt, again.rows, again.texts_swept) == ((), {}, 0)
    assert forget_user(runs, "u07").rows["recommendations"] == 40
    privacy = warehouse.read_privacy(runs, hash_users=False)
    assert [privacy.is_forgotten(user) for user in (PERSON, "u07", "u08")] == [True, True, False]
    tables = Published.open(runs).query("SELECT DISTINCT user_id FROM recommendations")["user_id"]
    assert len(tables) == 59


def test_an_unknown_id_is_refused_with_near_ones_unless_it_is_to_be_remembered(after, tmp_path):
    runs = copy(after[0], tmp_path / "runs")
    with pytest.raises(InputError, match=r"no user 'u5O' .* did you mean 'u50'"):
        forget_user(runs, "u5O")
    assert not warehouse.read_privacy(runs, hash_users=False).is_forgotten("u5O")
    assert forget_user(runs, "u5O", remember=True).rows == {}
    assert warehouse.read_privacy(runs, hash_users=False).is_forgotten("u5O")


def test_a_night_under_way_locks_it_out(before):
    with hold_lock(before), pytest.raises(Locked):
        forget_user(before, PERSON)


def test_without_its_salt_a_folder_that_forgot_somebody_runs_no_night(after, night_with_a_person, tmp_path):
    runs = copy(after[0], tmp_path / "runs")
    (runs / "salt").unlink()
    with pytest.raises(InputError, match=r"1 users asked to be forgotten, and the salt .* is gone"):
        run_nightly(Settings(threads=1), input_folder=night_with_a_person.input, runs=runs)


def test_who_reads_meanwhile_goes_on_reading(before, tmp_path):
    runs = copy(before, tmp_path / "runs")
    script = (
        "import sys, duckdb; con = duckdb.connect(sys.argv[1], read_only=True)\n"
        "for _ in sys.stdin: print(con.execute('SELECT count(*) FROM recommendations').fetchone()[0], flush=True)"
    )
    file = runs / "current" / "shelfwise.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        counts = []
        for step in range(2):
            reader.stdin.write("\n")
            reader.stdin.flush()
            counts.append(int(reader.stdout.readline()))
            if step == 0:
                forget_user(runs, PERSON)
        reader.stdin.close()
    assert counts[0] == counts[1] == 61 * 20
    assert Published.open(runs).query("SELECT count(*) AS n FROM recommendations")["n"][0] == 60 * 20


SERVICE = """
import sys
from recsys import Recommender

recommender = Recommender.open(sys.argv[1])
under_way = recommender._run
for _ in sys.stdin:
    (quote,) = recommender.ask("Does the lamp hum?", "010", 1)["evidence"] or [{"sentence": ""}]
    sources = recommender.recommend(sys.argv[2], 5)["source"].unique().to_list()
    held = under_way.query("SELECT count(*) FROM recommendations WHERE user_id = ?", [sys.argv[2]]).item()
    print(sources == ["popular"], quote["sentence"], held, recommender.refresh().run_id, sep="|", flush=True)
"""


def test_a_service_that_stays_up_forgets_at_its_next_refresh_and_calls_under_way_end_on_the_old_run(before, tmp_path):
    runs = copy(before, tmp_path / "runs")
    run_id = Published.open(runs).run_id
    with subprocess.Popen(
        [sys.executable, "-c", SERVICE, str(runs), PERSON], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as service:
        told = []
        for step in range(3):
            service.stdin.write("\n")
            service.stdin.flush()
            told.append(service.stdout.readline().rstrip("\n").split("|"))
            if step == 0:
                forget_user(runs, PERSON)
                # the run that is open goes on: its refresh came before the person was forgotten
        service.stdin.close()
    unknown, sentences, held, run_ids = zip(*told, strict=True)
    assert unknown == ("False", "False", "True")
    assert [WORDS in sentence for sentence in sentences] == [True, True, False]
    assert held == ("20", "20", "20")
    assert set(run_ids) == {run_id}


KILLED = """
import os, signal, sys
from pathlib import Path
import encoders, jobs.forget, warehouse, warehouse.forget, warehouse.replace

place, attribute = sys.argv[2].rsplit(".", 1)
module = sys.modules[place]
own = getattr(module, attribute)

def killed(*arguments, **named):
    if sys.argv[3] == "after":
        own(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(module, attribute, killed)
jobs.forget.forget_user(Path(sys.argv[1]), "kestrel-4711")
"""
MOMENTS = [
    ("warehouse.remember_forgotten", "after"),
    ("warehouse.forget.read_again", "before"),
    ("warehouse.forget.write_manifest", "after"),
    ("warehouse.replace._exchange", "after"),
    ("encoders.sweep_vectors", "before"),
    ("encoders.sweep_vectors", "after"),
]


@pytest.mark.parametrize(("moment", "side"), MOMENTS)
def test_killed_at_any_moment_every_run_is_whole_and_the_command_again_completes_it(before, tmp_path, moment, side):
    runs = copy(before, tmp_path / "runs")
    process = subprocess.run([sys.executable, "-c", KILLED, str(runs), moment, side], check=False, timeout=120)
    assert process.returncode == -signal.SIGKILL
    assert list_runs(runs) == list_runs(before)
    for run_id in list_runs(runs):
        verify_manifest(runs / run_id)
    assert Published.open(runs).run_id == list_runs(runs)[-1]
    done = forget_user(runs, PERSON)
    assert done.already
    assert hits(runs, PERSON, WORDS) == []
    assert sorted(path.name for path in runs.glob(".*")) == []


def test_hashed_users_have_one_name_and_the_doors_take_the_plain_id(published, tmp_path, monkeypatch):
    runs = copy(published.runs, tmp_path / "runs")
    monkeypatch.setenv(warehouse.SALT_VARIABLE, "a salt that lies elsewhere")
    settings = load_settings(None, ["threads=1", "privacy.hash_users=true"])
    run_nightly(settings, input_folder=published.input, runs=runs)
    assert not (runs / "salt").exists()
    users = Published.open(runs).query("SELECT DISTINCT user_id FROM recommendation_history")["user_id"]
    assert len(users) == 60
    assert users.str.contains("^h[0-9a-f]{32}$").all()
    run = runs / Published.open(runs).run_id
    assert hits(run, ",u07,") == []
    mine = recommend_user(runs, "u07", k=20)
    assert set(mine["user_id"]) == {"u07"}
    name = warehouse.read_privacy(runs, hash_users=True).name_of("u07")
    own = Published.open(runs).query("FROM recommendations WHERE user_id = ? ORDER BY rank", [name])
    assert mine["item_id"].to_list() == own["item_id"].to_list()
    assert recommend_user(runs, name, k=20)["item_id"].equals(mine["item_id"])
    monkeypatch.delenv(warehouse.SALT_VARIABLE)
    with pytest.raises(InputError, match="the salt is gone"):
        recommend_user(runs, "u07", k=20)
    monkeypatch.setenv(warehouse.SALT_VARIABLE, "a salt that lies elsewhere")
    assert len(forget_user(runs, "u07").runs_rebuilt) == 2
    assert Published.open(runs).query("SELECT DISTINCT user_id FROM recommendation_history").height == 59
