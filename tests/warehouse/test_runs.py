from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from warehouse import (
    CorruptRun,
    InputError,
    Published,
    UnknownRun,
    WarehouseError,
    current_run,
    list_runs,
    publish_run,
    rollback,
    runs,
    verify_manifest,
    write_manifest,
)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


def light_run(root, run_id):
    """A run as this file sees one: some files and a manifest."""
    building = root / f".building-{run_id}"
    (building / "index").mkdir(parents=True)
    (building / "index" / "vectors").write_bytes(run_id.encode() * 1000)
    (building / "lists").write_text(run_id)
    write_manifest(building, {"run_id": run_id})
    return building


def publish(root, *run_ids, keep_runs=7):
    for run_id in run_ids:
        publish_run(light_run(root, run_id), root=root, keep_runs=keep_runs)


def test_a_published_run_is_the_current_one_and_nothing_is_left_aside(root):
    assert current_run(root) is None
    assert list_runs(root) == []
    folder = publish_run(light_run(root, "r1"), root=root, keep_runs=7)
    assert folder == root / "r1"
    assert current_run(root) == "r1"
    assert (root / "current").resolve() == folder.resolve()
    assert sorted(each.name for each in root.iterdir()) == ["current", "r1"]


def test_the_manifest_has_size_and_sha256_of_every_file_and_gives_the_facts_back(root):
    publish(root, "r1")
    manifest = json.loads((root / "r1" / "manifest.json").read_text())
    assert manifest["format"] == 1
    assert manifest["files"]["lists"] == {
        "sha256": hashlib.sha256(b"r1").hexdigest(),
        "size": 2,
    }
    assert sorted(manifest["files"]) == ["index/vectors", "lists"]
    assert verify_manifest(root / "r1") == {"run_id": "r1"}


def test_the_last_runs_are_kept_and_others_of_the_folder_are_left_alone(root):
    (root / "history").mkdir()
    publish(root, "r1", "r2", "r3", "r4", keep_runs=2)
    assert list_runs(root) == ["r3", "r4"]
    assert (root / "history").is_dir()


def test_the_current_run_stays_whatever_its_age(root):
    publish(root, "r2", "r3")
    publish(root, "r1", keep_runs=1)  # an older id, published later
    assert current_run(root) == "r1"
    assert list_runs(root) == ["r1", "r3"]


def test_rolling_back_goes_to_the_run_before_and_to_any_that_is_kept(root):
    publish(root, "r1", "r2", "r3")
    assert rollback(root, None) == "r2"
    assert current_run(root) == "r2"
    assert rollback(root) == "r1"
    assert rollback(root, "r3") == "r3"
    assert current_run(root) == "r3"


def test_an_unknown_run_is_named_with_the_near_ones_and_moves_nothing(root):
    publish(root, "20261124T020000123Z", "20261125T020000123Z")
    with pytest.raises(UnknownRun, match="no run '20261124T02' is kept; did you mean 20261124T020000123Z"):
        rollback(root, "20261124T02")
    with pytest.raises(UnknownRun, match="did you mean 20261124T020000123Z or 20261125T020000123Z"):
        rollback(root, "zzz")
    assert issubclass(UnknownRun, InputError)
    assert current_run(root) == "20261125T020000123Z"


def test_there_is_nothing_before_the_first_run(root):
    with pytest.raises(UnknownRun, match="no run before the first; kept: none"):
        rollback(root)
    publish(root, "r1")
    with pytest.raises(UnknownRun, match="no run before r1; kept: r1"):
        rollback(root)


def test_nobody_rolls_back_to_a_corrupt_run(root):
    publish(root, "r1", "r2")
    (root / "r1" / "lists").write_text("r9")
    with pytest.raises(CorruptRun, match=r"lists: expected sha256 .*, found .*shelfwise rollback"):
        rollback(root)
    assert current_run(root) == "r2"


def test_a_file_that_changed_is_named_with_what_was_expected_and_found(root):
    publish(root, "r1")
    (root / "r1" / "lists").write_text("longer")
    with pytest.raises(CorruptRun, match="r1/lists: expected 2 bytes, found 6"):
        verify_manifest(root / "r1")
    (root / "r1" / "lists").unlink()
    with pytest.raises(CorruptRun, match="r1/lists: is gone, the manifest has it with 2 bytes"):
        verify_manifest(root / "r1")


def test_a_flipped_bit_is_seen_after_the_file_was_hashed_once(root, monkeypatch):
    monkeypatch.setattr(runs, "_SETTLED_NS", 0)
    publish(root, "r1")
    assert verify_manifest(root / "r1") == {"run_id": "r1"}
    time.sleep(0.05)  # the clock of a file system ticks every few milliseconds
    (root / "r1" / "lists").write_text("r2")
    with pytest.raises(CorruptRun, match="expected sha256"):
        verify_manifest(root / "r1")


def test_a_file_that_stayed_is_hashed_once_a_process(root, monkeypatch):
    monkeypatch.setattr(runs, "_SETTLED_NS", 0)
    publish(root, "r1")
    hashed = []
    true_sha256 = runs._sha256
    monkeypatch.setattr(runs, "_sha256", lambda file: hashed.append(file) or true_sha256(file))
    time.sleep(0.01)
    for _ in range(3):
        verify_manifest(root / "r1")
    assert len(hashed) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"format": 2, "facts": {}, "files": {}}', "has format 2, this version of shelfwise reads 1"),
        ('{"format": 1, "facts": [], "files": {}}', "is no manifest"),
        ('{"format": 1, "facts": {}, "files": {"a": {"size": 1}}}', "is no manifest"),
        ('{"format": 1, "facts": {}, "files": ["a"]}', "is no manifest"),
        ('{"format": 1}', "is no manifest .*KeyError"),
        ("[]", "is no manifest"),
        ('{"format": 1, "fac', "is no manifest .*JSONDecodeError"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_named(root, text, said):
    publish(root, "r1")
    (root / "r1" / "manifest.json").write_text(text)
    with pytest.raises(CorruptRun, match=said):
        verify_manifest(root / "r1")
    (root / "r1" / "manifest.json").unlink()
    with pytest.raises(CorruptRun, match=r"manifest\.json: is gone"):
        verify_manifest(root / "r1")


def test_what_is_no_finished_run_is_not_published(root):
    publish(root, "r1")
    for building, said in (
        (root / "r2", "a run is built in .building-<run_id>"),
        (root / ".building-r2", "no such folder, and no run r2 either"),
    ):
        with pytest.raises(WarehouseError, match=said):
            publish_run(building, root=root, keep_runs=7)
    with pytest.raises(WarehouseError, match="keep_runs 0"):
        publish_run(root / ".building-r2", root=root, keep_runs=0)
    (root / ".building-r3").mkdir()
    with pytest.raises(WarehouseError, match="write_manifest comes before publish_run"):
        publish_run(root / ".building-r3", root=root, keep_runs=7)
    with pytest.raises(WarehouseError, match="a run of that id is there already"):
        publish_run(light_run(root, "r1"), root=root, keep_runs=7)
    assert current_run(root) == "r1"


def killed_at(step, building, root):
    """Publish in a child that kills itself before its `step`th line of warehouse/runs.py; tell whether it was."""
    child = os.fork()
    if child == 0:
        left = step

        def trace(frame, event, _):
            nonlocal left
            if frame.f_code.co_filename != runs.__file__:
                return None
            if event == "line":
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        try:
            publish_run(building, root=root, keep_runs=1)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_a_kill_before_any_line_leaves_a_complete_run_current_and_publishing_again_completes_it(root):
    steps, kept_old = 0, 0
    while True:
        steps += 1
        for left in root.iterdir():
            left.unlink() if left.is_symlink() else shutil.rmtree(left)
        publish(root, "r1")
        building = light_run(root, "r2")
        killed = killed_at(steps, building, root)
        found = current_run(root)
        assert found in ("r1", "r2")
        assert verify_manifest(root / "current") == {"run_id": found}
        kept_old += found == "r1"
        if found == "r1" or building.exists() or killed:
            publish_run(building, root=root, keep_runs=1)
        assert verify_manifest(root / "current") == {"run_id": "r2"}
        assert sorted(each.name for each in root.iterdir()) == ["current", "r2"]
        if not killed:
            break
    assert kept_old > 10
    assert steps - kept_old > 10


NIGHTS = """
import sys
from pathlib import Path
from warehouse import publish_run, write_manifest
root, source = Path(sys.argv[1]), Path(sys.argv[2])
import shutil
print("begins", flush=True)
for number in range(int(sys.argv[3]), 100000):
    building = root / f".building-r{number:06d}"
    building.mkdir()
    shutil.copy(source, building / "shelfwise.duckdb")
    write_manifest(building, {"run_id": building.name.removeprefix(".building-")})
    publish_run(building, root=root, keep_runs=2)
"""


def test_nights_killed_at_random_leave_a_run_that_opens(root, published_root):
    source = published_root / "r1" / "shelfwise.duckdb"
    chance = random.Random(7)
    latest = ""
    for attempt in range(4):
        command = [sys.executable, "-c", NIGHTS, str(root), str(source), str(1 + attempt * 1000)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as night:
            assert night.stdout.readline() == "begins\n"
            time.sleep(0.15 + chance.random() / 5)
            night.kill()
        with Published.open(root) as published:
            assert published.query("SELECT count(*) AS n FROM forecast")["n"].to_list() == [8]
            assert published.run_id >= latest
            latest = published.run_id
    assert latest > "r003000"
