"""The night operator's scenarios, each through the command that she types, in a process of its own."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from jobs.ledger import Ledger
from recsys import Recommender
from warehouse import Published, list_runs

ROOT = Path(__file__).resolve().parents[2]
STEPS = ("ingest", "embed", "sentiment", "forecast", "recommend", "check", "publish")
ONE_THREAD = ("--set", "threads=1")  # two threads on a busy machine wait for one another
BLOCK = """
import os, sys

def refuse(event, details):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        with open(os.environ["NETWORK_LOG"], "a") as log:
            log.write(f"{event} {details}\\n")
        raise OSError("the network is blocked")

sys.addaudithook(refuse)
"""
READER = """
import duckdb, json, sys
con = duckdb.connect(sys.argv[1], read_only=True)
for _ in sys.stdin:
    print(json.dumps(con.execute("SELECT min(run_id), max(run_id), count(*) FROM forecast").fetchone()), flush=True)
"""


@dataclass(frozen=True)
class Offline:
    """An environment in which every attempt to reach the network fails and is written to `log`."""

    environment: dict[str, str]
    log: Path


@dataclass(frozen=True)
class Crowded:
    """A second night with company: another night that came too late, and a reader who held the file open throughout."""

    runs: Path
    first: str  # run ids
    second: str
    pid: int  # of the night that was there first
    late: subprocess.CompletedProcess[str]
    exit_code: int
    held: tuple[list[object], ...]  # what the open connection said before, during and after
    fresh: list[object]


def begin(*arguments, environment=None):
    command = [sys.executable, "-m", "jobs.cli", *map(str, arguments)]
    env = {**os.environ, **(environment or {})}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def shelfwise(*arguments, environment=None):
    process = begin(*arguments, environment=environment)
    out, said = process.communicate(timeout=900)
    return subprocess.CompletedProcess(process.args, process.returncode, out, said)


def nightly(folder, runs, *more, environment=None):
    return shelfwise("nightly", "--input", folder, "--runs", runs, *ONE_THREAD, *more, environment=environment)


def sql(runs, query):
    told = shelfwise("sql", query, "--runs", runs, "--json")
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)


def copy(folder, target):
    return shutil.copytree(folder, target, symlinks=True)


def read(folder, name):
    return pl.read_csv(folder / f"{name}.csv", infer_schema=False)


def append(folder, name, *rows):
    """Add rows to a table; a column that a row does not name is empty."""
    columns = read(folder, name).columns
    with (folder / f"{name}.csv").open("a", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([row.get(column, "") for column in columns] for row in rows)


def empty(folder, name):
    read(folder, name).clear().write_csv(folder / f"{name}.csv")


def hashes(folder):
    """The sha256 of every file below a folder, by its path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def published_state(runs):
    return (runs / "current").readlink(), hashes(runs / "current")


@pytest.fixture(scope="module")
def offline(tmp_path_factory):
    folder = tmp_path_factory.mktemp("offline")
    (folder / "sitecustomize.py").write_text(BLOCK)
    log = folder / "attempts"
    found = Offline({"PYTHONPATH": str(folder), "NETWORK_LOG": str(log)}, log)
    code = "import socket; socket.create_connection(('localhost', 9))"
    env = {**os.environ, **found.environment}
    tried = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert "the network is blocked" in tried.stderr  # else the tests that rely on it could not fail
    log.unlink()
    return found


@pytest.fixture(scope="module")
def offline_night(tiny_shop, offline, tmp_path_factory):
    """A shop's first night: no event, nothing cached, no network, bought items hidden, lists of forty."""
    folder = tmp_path_factory.mktemp("offline-night")
    shop = copy(tiny_shop, folder / "input")
    empty(shop, "events")
    settings = ("--set", "k=40", "--set", "bought_before=hide")
    return shop, folder / "runs", nightly(shop, folder / "runs", *settings, environment=offline.environment)


@pytest.fixture(scope="module")
def crowded(published, tmp_path_factory):
    runs = copy(published.runs, tmp_path_factory.mktemp("crowded") / "runs")
    ledger = Ledger(runs / "ledger.jsonl")
    file = runs / "current" / "shelfwise.duckdb"

    def reader():
        command = [sys.executable, "-c", READER, str(file)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def told_by(process):
        process.stdin.write("\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    with reader() as analyst:
        held = [told_by(analyst)]
        first = begin("nightly", "--input", published.input, "--runs", runs, *ONE_THREAD)
        while len(ledger.runs()) < 2:
            assert first.poll() is None
            time.sleep(0.01)
        late = nightly(published.input, runs)
        held.append(told_by(analyst))
        first.communicate(timeout=300)
        held.append(told_by(analyst))
        with reader() as newcomer:
            fresh = told_by(newcomer)
            newcomer.stdin.close()
        analyst.stdin.close()
    second = Published.open(runs).run_id
    return Crowded(runs, published.report.run_id, second, first.pid, late, first.returncode, tuple(held), fresh)


@pytest.fixture
def faiss_gpu_wheel(tmp_path):
    """A place of packages like this one, in which the faiss that is there came as `faiss-gpu`.

    The module is the installed one: where that is a CPU build, it counts no GPU just as a GPU build does without one.
    """
    farm = tmp_path / "site-packages"
    farm.mkdir()
    for place in sorted(Path(sysconfig.get_path("purelib")).iterdir()):
        if not place.name.lower().startswith("faiss_"):
            (farm / place.name).symlink_to(place)
    info = farm / "faiss_gpu-1.14.3.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: faiss-gpu\nVersion: 1.14.3\n")
    return farm


def doctor(farm):
    """Run the doctor where `farm` is the only place of packages; the GPUs of the machine, if any, are out of sight."""
    path = os.pathsep.join((str(ROOT), str(farm)))
    env = {**os.environ, "PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-S", "-m", "jobs.cli", "doctor"]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


def test_n01_the_doctor_finds_a_faiss_gpu_without_a_gpu_well_and_says_that_the_index_is_on_the_cpu(faiss_gpu_wheel):
    told = doctor(faiss_gpu_wheel)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "ok    faiss: faiss-gpu 1.14.3 · GPUs 0 -> CPU index" in told.stdout


def test_n02_the_doctor_finds_an_empty_faiss_and_names_the_reinstall_that_cures_it(faiss_gpu_wheel):
    (faiss_gpu_wheel / "faiss").unlink()
    (faiss_gpu_wheel / "faiss").mkdir()  # what is left when faiss-cpu was uninstalled beside it
    told = doctor(faiss_gpu_wheel)
    assert told.returncode == 2, told.stdout + told.stderr
    assert "wrong faiss: the module faiss of faiss-gpu 1.14.3 is empty" in told.stdout
    assert "cure: pip install --force-reinstall --no-deps faiss-gpu\n" in told.stdout


def test_n03_two_processes_generate_the_same_demo_shop_byte_for_byte(tmp_path):
    code = "import sys; from pathlib import Path; from jobs.demo_shop import generate_shop; "
    code += "generate_shop(Path(sys.argv[1]))"
    for name, order in (("one", "1"), ("other", "2")):  # another order of every set of words
        env = {**os.environ, "PYTHONHASHSEED": order}
        subprocess.run([sys.executable, "-c", code, str(tmp_path / name)], env=env, check=True)
    one, other = (hashes(tmp_path / name) for name in ("one", "other"))
    assert one == other
    assert {"items.csv", "sales.csv", "events.csv", "reviews.csv", "inventory.csv"} <= set(one)


def test_n03_a_first_night_needs_no_network(offline, offline_night):
    _, runs, night = offline_night
    assert night.returncode == 0, night.stderr
    assert not offline.log.exists(), offline.log.read_text()
    assert Published.open(runs).query("SELECT texts_encoded > 50, cache_hits FROM runs").row(0) == (True, 0)


@pytest.mark.slow
@pytest.mark.slow
def test_n03_p01_the_demo_runs_without_network_and_answers_the_lines_of_its_screen(offline, tmp_path):
    told = shelfwise("demo", tmp_path / "demo", environment=offline.environment)
    assert told.returncode == 0, told.stderr
    assert not offline.log.exists()
    lines = [line for line in told.stdout.splitlines() if "Recommender.open" in line]
    code = lines[0].strip().removeprefix("python -c '").removesuffix("'")
    assert ".similar_items(" in code
    found = Recommender.open(tmp_path / "demo" / "runs").similar_items("B0007", k=5)
    assert found["rank"].to_list() == [1, 2, 3, 4, 5]
    assert found["title"].str.len_chars().min() > 0
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "shape: (5, 6)" in printed.stdout


def test_n04_sales_without_their_units_name_file_table_columns_and_the_near_one(published, tmp_path):
    shop, runs = copy(published.input, tmp_path / "input"), copy(published.runs, tmp_path / "runs")
    read(shop, "sales").rename({"units": "qty"}).write_csv(shop / "sales.csv")
    before = published_state(runs)
    for told in (shelfwise("ingest", "--input", shop, "--out", tmp_path / "out"), nightly(shop, runs)):
        assert told.returncode == 2, told.stderr
        assert "sales.csv: table 'sales' needs the column 'units'" in told.stderr
        assert "found item_id, sold_on, qty, unit_price, user_id" in told.stderr
        assert "did you mean 'qty'?" in told.stderr
        assert "Traceback" not in told.stderr
    assert published_state(runs) == before
    assert not list((tmp_path / "out").glob("*.parquet"))


def test_n05_future_and_unreadable_rows_are_rejected_and_no_row_is_lost(tiny_shop, tmp_path):
    shop, config = copy(tiny_shop, tmp_path / "input"), tmp_path / "shop.toml"
    ahead = datetime.now(ZoneInfo("Pacific/Kiritimati")).date()
    sold = {"item_id": "001", "units": 1}
    append(shop, "sales", {**sold, "sold_on": ahead})
    append(shop, "sales", *({**sold, "sold_on": ahead + timedelta(days=days)} for days in (2, 3, 400)))
    append(shop, "sales", *({**sold, "sold_on": "2026-06-01", "units": units} for units in ("three", "n/a")))
    # where the day has not come yet, the row of `ahead` is from the future too
    for timezone, future in (("Pacific/Kiritimati", 3), ("Etc/GMT+12", 4)):
        config.write_text(f'timezone = "{timezone}"\n')
        out = tmp_path / timezone
        told = shelfwise("ingest", "--input", shop, "--out", out, "--config", config, "--json")
        assert told.returncode == 0, told.stderr
        rejects = pl.read_parquet(out / "rejects.parquet").filter(table_name="sales")
        assert rejects["reason"].str.contains("is in the future").sum() == future
        assert rejects["reason"].str.contains(r"units: '(three|n/a)' is no number").sum() == 2
        lines = read(shop, "sales").height + 1
        assert rejects["line"].to_list() == list(range(lines - 1 - future, lines + 1))
        assert set(rejects["file"]) == {"sales.csv"}
        counts = {row["table_name"]: row for row in json.loads(told.stdout)}
        assert counts["sales"]["rejected"] == future + 2
        assert counts["sales"]["read"] == lines - 1
        for row in counts.values():
            assert row["kept"] + row["rejected"] + row["after_cutoff"] == row["read"]
        assert pl.read_parquet(out / "sales.parquet").height == counts["sales"]["kept"]


def test_n06_the_same_files_twice_change_nothing(tiny_shop, crowded, tmp_path):
    first, second = (
        shelfwise("ingest", "--input", tiny_shop, "--out", tmp_path / out, "--json") for out in ("out", "out")
    )
    assert first.returncode == second.returncode == 0
    assert json.loads(first.stdout) == json.loads(second.stdout)
    again = shelfwise("ingest", "--input", tiny_shop, "--out", tmp_path / "again")
    assert again.returncode == 0
    for file in (tmp_path / "again").iterdir():
        assert pl.read_parquet(file).equals(pl.read_parquet(tmp_path / "out" / file.name)), file.name
    for name in ("items", "sales", "rejects"):
        one, two = (Published.open(crowded.runs / run).query(f"FROM {name}") for run in (crowded.first, crowded.second))
        assert one.drop("run_id").equals(two.drop("run_id")), name


def test_n07_without_sales_lists_are_published_and_the_forecast_is_skipped_in_one_line(published, tmp_path):
    shop, runs = copy(published.input, tmp_path / "input"), tmp_path / "runs"
    copy(published.runs / "cache", runs / "cache")
    empty(shop, "sales")
    last = date(2026, 6, 20)  # an earlier end than that of the sales that are gone, and than that of the reviews
    events = read(shop, "events").filter(pl.col("occurred_at") < str(last + timedelta(days=1)))
    bought = pl.when(pl.col("kind") == "view").then(pl.lit("purchase")).otherwise("kind")
    events.with_columns(kind=bought).write_csv(shop / "events.csv")
    told = nightly(shop, runs)
    assert told.returncode == 3, told.stderr
    (line,) = [line for line in told.stderr.splitlines() if "degraded" in line]
    assert "forecast skipped: the table sales has no row" in line
    query = "SELECT cutoff, status, degradations, (SELECT count(*) FROM forecast) AS rows FROM runs"
    (run,) = sql(runs, query)
    assert run["degradations"] in line
    assert (run["cutoff"], run["status"], run["rows"]) == (str(last), "degraded", 0)
    users = read(shop, "events")["user_id"].n_unique()
    assert sql(runs, "SELECT count(*) AS rows FROM recommendations") == [{"rows": users * 20}]


def test_n08_without_events_every_user_has_a_list_and_only_a_table_that_was_there_is_missed(
    published, offline_night, tmp_path
):
    assert offline_night[2].returncode == 0, offline_night[2].stderr  # its events never had a row
    shop, runs = copy(published.input, tmp_path / "input"), copy(published.runs, tmp_path / "runs")
    rows = read(shop, "events").height
    empty(shop, "events")
    returned = [{"user_id": f"only-returned-{n}", "item_id": "001", "units": -1} for n in range(3)]
    append(shop, "sales", *({**row, "sold_on": "2026-06-01"} for row in returned))
    told = nightly(shop, runs)
    assert told.returncode == 3, told.stderr
    assert f"degraded: events is empty: it had {rows:,} rows in the last run" in told.stderr
    lists = Published.open(runs).query("SELECT user_id, source FROM recommendations")
    users = {user for user in read(shop, "sales")["user_id"] if user}
    assert lists["user_id"].value_counts().sort("user_id").rows() == [(user, 20) for user in sorted(users)]
    unknown = lists.filter(pl.col("user_id").str.starts_with("only-returned-"))
    assert unknown["user_id"].n_unique() == 3
    assert set(unknown["source"]) <= {"popular", "text"}


def test_n09_without_items_nothing_is_published(published, tmp_path):
    shop, runs = copy(published.input, tmp_path / "input"), copy(published.runs, tmp_path / "runs")
    empty(shop, "items")
    before = published_state(runs)
    for where in (runs, tmp_path / "new"):
        told = nightly(shop, where)
        assert told.returncode == 2
        assert "items has 0 rows; nothing to index" in told.stderr
        assert "Traceback" not in told.stderr
    assert published_state(runs) == before
    assert list_runs(tmp_path / "new") == []
    assert not (tmp_path / "new" / "current").is_symlink()


@pytest.mark.parametrize("there", [False, True], ids=["no-folder", "no-weights"])
def test_n10_an_absent_model_is_named_with_its_file_and_key_and_nothing_is_fetched(tiny_shop, offline, tmp_path, there):
    model = tmp_path / "model"
    if there:
        model.mkdir()
        (model / "config.json").write_text('{"model_type": "bert"}')
    told = nightly(tiny_shop, tmp_path / "runs", "--set", f"encoder={model}", environment=offline.environment)
    assert told.returncode == 2, told.stderr
    assert str(model) in told.stderr
    assert "config key `encoder`" in told.stderr
    assert "Traceback" not in told.stderr
    if there:
        assert "model.safetensors" in told.stderr
    assert not offline.log.exists(), offline.log.read_text()
    assert list_runs(tmp_path / "runs") == []


def kill_in(step, folder, runs):
    """Start a night and kill it once the step before `step` is done."""
    ledger = Ledger(runs / "ledger.jsonl")
    known = len(ledger.lines())
    done = ("started", None) if step == STEPS[0] else ("step", STEPS[STEPS.index(step) - 1])
    process = begin("nightly", "--input", folder, "--runs", runs, *ONE_THREAD)
    while done not in [(line["event"], line.get("step")) for line in ledger.lines()[known:]]:
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    process.kill()
    process.communicate(timeout=60)


def test_n13_killed_in_every_step_the_last_run_is_read_whole_and_the_next_night_publishes_once(published, tmp_path):
    runs = copy(published.runs, tmp_path / "runs")
    before = published_state(runs)
    for step in STEPS:
        kill_in(step, published.input, runs)
        assert published_state(runs) == before, step
        assert Published.open(runs).query("SELECT count(*) FROM recommendations").item() == 60 * 20
    again = nightly(published.input, runs)
    assert again.returncode == 0, again.stderr
    records = Ledger(runs / "ledger.jsonl").runs()
    assert [record.status for record in records] == ["published", *["abandoned"] * len(STEPS), "published"]
    ids = [published.report.run_id, records[-1].run_id]
    assert list_runs(runs) == sorted(path.name for path in (runs / "history").iterdir()) == ids
    assert Published.open(runs).run_id == ids[-1]
    assert not list(runs.glob(".building-*"))


def test_n14_of_two_nights_at_once_the_second_exits_4_and_names_the_first(crowded):
    started = Ledger(crowded.runs / "ledger.jsonl").runs()[1].started_at
    assert crowded.late.returncode == 4
    assert f"is locked by nightly, pid {crowded.pid} on " in crowded.late.stderr
    said = crowded.late.stderr.split("started ")[1].split(";")[0]
    assert abs(datetime.fromisoformat(said) - datetime.fromisoformat(started)) < timedelta(seconds=10)
    assert crowded.exit_code == 0
    assert list_runs(crowded.runs) == [crowded.first, crowded.second]
    assert len(Ledger(crowded.runs / "ledger.jsonl").runs()) == 2


def test_n15_an_open_reader_keeps_its_run_and_a_new_one_sees_the_new_run(crowded):
    rows = 50 * 8
    assert crowded.exit_code == 0
    assert crowded.held == ([crowded.first, crowded.first, rows],) * 3
    assert crowded.fresh == [crowded.second, crowded.second, rows]


def test_n16_a_night_that_knows_less_is_refused_with_its_numbers_and_status_tells(published, tmp_path):
    shop, runs = copy(published.input, tmp_path / "input"), copy(published.runs, tmp_path / "runs")
    for name in ("sales", "events"):  # who did what is lost: nobody's taste can be learnt any more
        table = read(shop, name)
        table.with_columns(pl.col("user_id").shuffle(seed=1)).write_csv(shop / f"{name}.csv")
    before = published_state(runs)
    told = nightly(shop, runs, "--set", "bought_before=keep")
    assert told.returncode == 5, told.stderr
    (line,) = [line for line in told.stderr.splitlines() if "refused by the checks" in line]
    numbers = r"lists: ndcg@10 of segment all is 0\.\d{4} \[0\.\d{4}, 0\.\d{4}\] against the last run's 0\.\d{4}, least"
    assert pl.Series([line]).str.contains(numbers).all(), line
    assert published_state(runs) == before
    status = shelfwise("status", "--runs", runs, "--json")
    failure = json.loads(status.stdout)["last_failure"]
    assert (status.returncode, failure["status"], failure["step"]) == (0, "refused", "check")
    assert failure["message"] in line
    assert json.loads(status.stdout)["run_id"] == published.report.run_id
    shown = shelfwise("status", "--runs", runs).stdout
    assert f"last not published: {failure['run_id']} refused: refused by the checks" in shown


def test_n17_after_a_rollback_sql_python_and_status_answer_from_that_run(crowded, tmp_path):
    runs = copy(crowded.runs, tmp_path / "runs")
    told = shelfwise("rollback", crowded.first, "--runs", runs)
    assert told.returncode == 0, told.stderr
    assert crowded.first in told.stdout
    for table in ("forecast", "recommendations", "similar_items"):
        assert sql(runs, f"SELECT DISTINCT run_id FROM {table}") == [{"run_id": crowded.first}]
    assert Recommender.open(runs).run.run_id == crowded.first
    status = json.loads(shelfwise("status", "--runs", runs, "--json").stdout)
    assert status["run_id"] == crowded.first
    assert status["rolled_back_at"] is not None
    assert "rolled back to it at" in shelfwise("status", "--runs", runs).stdout
    another = crowded.second[:-2] + ("8Z" if crowded.second.endswith("9Z") else "9Z")
    wrong = shelfwise("rollback", another, "--runs", runs)
    assert wrong.returncode == 2
    assert crowded.second in wrong.stderr


@pytest.mark.parametrize("hidden", [False, True], ids=["keep", "hide"])
def test_n18_every_list_of_the_published_table_is_what_it_must_be(published, offline_night, hidden):
    shop, runs, k = (*offline_night[:2], 40) if hidden else (published.input, published.runs, 20)
    run = Published.open(runs)
    assert run.facts["bought_before"] == ("hide" if hidden else "keep")
    lists = run.query("SELECT user_id, item_id, rank FROM recommendations")
    first_day = str(date.fromisoformat(str(run.facts["cutoff"])) + timedelta(days=1))
    buyable = set(
        read(shop, "items").filter(pl.col("available_from").is_null() | (pl.col("available_from") <= first_day))[
            "item_id"
        ]
    )
    known = pl.concat([read(shop, name).select("user_id") for name in ("sales", "events")])["user_id"].drop_nulls()
    bought = {user: set() for user in known.unique()}
    for user, item in read(shop, "sales").filter(pl.col("user_id").is_not_null()).select("user_id", "item_id").rows():
        bought[user].add(item)
    assert set(lists["user_id"]) == set(bought)
    lengths = set()
    for (user,), rows in lists.group_by("user_id"):
        mayshow = buyable - bought[user] if hidden else buyable
        assert set(rows["item_id"]) <= mayshow, user
        assert rows["item_id"].n_unique() == rows.height == min(k, len(mayshow)), user
        assert sorted(rows["rank"]) == list(range(1, rows.height + 1)), user
        lengths.add(rows.height)
    assert (len(lengths) > 1) == hidden  # some users may be shown less than forty, nobody less than twenty


def test_n19_a_fallback_share_above_the_threshold_is_warned_of_and_stands_in_runs(published, tmp_path):
    shop, runs = copy(published.input, tmp_path / "input"), tmp_path / "runs"
    copy(published.runs / "cache", runs / "cache")
    seen = {"item_id": "001", "occurred_at": "2026-06-20T10:00:00", "kind": "shown"}
    append(shop, "events", *({**seen, "user_id": f"passer-by-{n}"} for n in range(90)))
    told = nightly(shop, runs)
    assert told.returncode == 3, told.stderr
    (line,) = [line for line in told.stderr.splitlines() if "WARNING" in line and "degraded" in line]
    lists = Published.open(runs).query("SELECT user_id, source, reason FROM recommendations")
    only = lists.group_by("user_id").agg((pl.col("source") == "popular").all().alias("only")).filter("only")
    share = only.height / lists["user_id"].n_unique()
    assert 0.5 < share < 0.7
    assert f"{100 * share:.0f} % of the users have popular items only (fallback_share_above = 0.5)" in line
    reasons = lists.join(only, on="user_id", how="semi")["reason"].value_counts(sort=True)
    assert f"top reason: {reasons['reason'][0]}" in line
    assert sql(runs, "SELECT status, degradations FROM runs")[0]["degradations"] in line


def test_n21_an_unknown_key_is_answered_with_the_key_that_was_meant(tiny_shop, tmp_path):
    (tmp_path / "shop.toml").write_text("horizn = 4\n")
    for wrong in (("--config", tmp_path / "shop.toml"), ("--set", "horizn=4")):
        told = shelfwise("nightly", "--input", tiny_shop, "--runs", tmp_path / "runs", *wrong)
        assert told.returncode == 2
        assert "unknown key 'horizn', did you mean 'horizon'?" in told.stderr
        assert "Traceback" not in told.stderr
    assert not (tmp_path / "runs" / "current").is_symlink()
