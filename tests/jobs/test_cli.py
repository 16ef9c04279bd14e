from __future__ import annotations

import subprocess
import sys

import pytest

ASKING = ["status", "rollback", "similar", "recommend", "forecast", "search", "sql"]
COMMANDS = ["doctor", "init", "demo", "ingest", "nightly", *ASKING]


def shelfwise(*arguments, **options):
    command = [sys.executable, "-m", "jobs.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **options)


def test_the_help_names_every_command_and_exit_code():
    told = shelfwise("--help")
    assert told.returncode == 0
    for command in COMMANDS:
        assert f" {command} " in told.stdout
    assert "0 published or answered" in told.stdout
    assert told.stderr == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command):
    told = shelfwise(command, "--help")
    assert told.returncode == 0
    assert "--json" in told.stdout
    assert told.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nightli",), "nightly"),
        (("nightly", "--input", "x"), "--runs"),
        (("nightly", "--input", "x", "--runs", "y", "--cutoff", "24.11.2026"), "24.11.2026"),
        (("nightly", "--input", "x", "--runs", "y", "--set", "horizn=4"), "did you mean 'horizon'?"),
        (("nightly", "--input", "/no/such/folder", "--runs", "RUNS"), "/no/such/folder"),
        (("ingest", "--input", "/no/such/folder", "--out", "RUNS"), "/no/such/folder"),
        (("ingest", "--input", "SHOP", "--out", "SHOP"), "that is the shop's own folder"),
        (("ingest", "--input", "SHOP", "--out", "SHOP/items.csv", "--cutoff", "2026-01-31"), "(File exists)"),
        (("ingest", "--input", "SHOP", "--out", "RUNS"), "name the last day of data with --cutoff"),
        (("nightly", "--input", "SHOP", "--runs", "SHOP/items.csv"), "no folder that can be written"),
        (("status", "--runs", "RUNS"), "no run yet"),
        (("rollback", "--runs", "/no/such/folder"), "no such folder"),
        (("similar", "x", "--runs", "/no/such/folder"), "/no/such/folder"),
        (("sql", "SELECT 1", "--runs", "/no/such/folder"), "/no/such/folder"),
        (("init", "/no/such/folder"), "/no/such/folder"),
        (("init", "SHOP", "--force"), "shop.toml: cannot be written (Is a directory)"),
        (("search", " ", "--runs", "RUNS"), "blank"),
    ],
)
def test_what_is_wrong_with_the_call_is_said_without_a_traceback(tmp_path, arguments, message):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "items.csv").write_text("item_id,title\n1,Boots\n")
    (tmp_path / "shop" / "shop.toml").mkdir()
    folders = {"RUNS": tmp_path / "runs", "SHOP": tmp_path / "shop", "SHOP/items.csv": tmp_path / "shop" / "items.csv"}
    told = shelfwise(*(folders.get(part, part) for part in arguments))
    assert told.returncode == 2, told.stderr
    assert message in told.stderr
    assert "Traceback" not in told.stderr
    assert told.stdout == ""


TURNED = """
import os, signal, time
import jobs.cli as cli

def app(arguments):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    except BaseException:
        raise ImportError("initialization failed") from None

cli.app = app
cli.main([])
"""


def test_an_interruption_that_an_import_turns_into_its_own_error_is_one_all_the_same():
    told = subprocess.run([sys.executable, "-c", TURNED], capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 143
    assert "interrupted by SIGTERM" in told.stderr
    assert "Traceback" not in told.stderr
