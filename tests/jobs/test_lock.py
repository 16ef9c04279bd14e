from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from jobs.lock import Locked, hold_lock
from warehouse import InputError

HOLD = """
import sys, time
from pathlib import Path
from jobs.lock import hold_lock
with hold_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_second_is_told_the_pid_and_the_start_time_of_the_first(tmp_path, holder):
    started = json.loads((tmp_path / "lock").read_text())["started_at"]
    with (
        pytest.raises(Locked, match=rf"locked by nightly, pid {holder.pid} on .*, started {re.escape(started)}"),
        hold_lock(tmp_path),
    ):
        pass


def test_kill_9_releases_the_lock(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with hold_lock(tmp_path):
        assert json.loads((tmp_path / "lock").read_text())["pid"] == os.getpid()


def test_the_lock_is_free_again_after_an_error_inside(tmp_path):
    with pytest.raises(ZeroDivisionError), hold_lock(tmp_path / "new" / "folder"):
        raise ZeroDivisionError
    with hold_lock(tmp_path / "new" / "folder"):
        pass


def test_a_holder_that_does_not_name_itself_is_said_so(tmp_path, holder):
    (tmp_path / "lock").write_text("")
    with pytest.raises(Locked, match="has not named itself"), hold_lock(tmp_path):
        pass


@pytest.mark.parametrize(("name", "said"), [("runs", "File exists"), ("runs/below", "Not a directory")])
def test_a_folder_of_runs_that_is_a_file_is_bad_input(tmp_path, name, said):
    (tmp_path / "runs").write_text("no folder")
    with (
        pytest.raises(InputError, match=rf"--runs .*{name}: no folder that can be written \({said}\)"),
        hold_lock(tmp_path / name),
    ):
        pass
