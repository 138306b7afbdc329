"""kill -9 while results are packed: rows refer to bytes that are there, and a resume does only what is not on record."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from resultant import open_run
from resultant.runner.recorded_runs import close_databases, database
from resultant.stores.framing import VALUE, frames
from resultant.stores.packed import split_place

sys.path.insert(0, str(Path(__file__).parent))
from packed_killed import CHILDREN, EXECUTORS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

SCRIPT = Path(__file__).with_name("packed_killed.py")
SUM = sum(x * (x % 50) for x in range(CHILDREN))

#: How often each kind of run is killed before it may end.
KILLS = int(os.environ.get("RESULTANT_PACKED_KILLS", "3"))


def start(executor: str, folder: Path, run: str, attempt: int, where: list[str]) -> subprocess.Popen[str]:
    command = [sys.executable, str(SCRIPT), executor, str(folder), run, str(attempt), *where]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def calls(folder: Path, attempt: int) -> list[tuple[str, int]]:
    log = folder / f"log-{attempt}"
    if not log.exists():
        return []
    return [(line.split()[0], int(line.split()[1])) for line in log.read_text().splitlines()]


def on_record(run: str) -> set[tuple[str, int]]:
    """Return the children whose values are on record; every one of them can be read."""
    close_databases()
    found = set()
    opened = open_run(run)
    for row in database().task_runs(run):
        if row.state == "Success" and row.index >= 0:
            name = row.slug.partition("-")[0]
            value = opened[name][row.index].value
            assert value == ([row.index] * (row.index % 50) if name == "first" else row.index * (row.index % 50))
            found.add((name, row.index))
    return found


@pytest.mark.parametrize("kind", ["folder", "moto"])
@pytest.mark.parametrize("executor", list(EXECUTORS))
def test_what_is_on_record_survives_any_kill(
    executor: str, kind: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = []
    delays = [0.001, 0.02, 0.1, 0.2]
    if kind == "moto":
        bucket = request.getfixturevalue("moto").bucket
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
        delays = [0.1, 0.2, 0.3]
        where = [f"{bucket.url}/{tmp_path.name}", json.dumps(bucket.options)]
    run = str(uuid.uuid4())
    dice = random.Random(f"{executor} {kind}")
    known: set[tuple[str, int]] = set()
    attempt = 0
    while True:
        attempt += 1
        process = start(executor, tmp_path, run, attempt, where)
        try:
            if attempt <= KILLS:
                log = tmp_path / f"log-{attempt}"
                until = time.monotonic() + 60
                while not log.exists() and process.poll() is None and time.monotonic() < until:
                    time.sleep(0.001)
                time.sleep(dice.choice(delays) * dice.random() * 2)
            else:
                process.wait(timeout=100)
            ended = process.poll() is not None
        finally:
            process.kill()
            out, problem = process.communicate(timeout=20)
        again = known & set(calls(tmp_path, attempt))
        assert not again, "what was on record was done again"
        try:
            database().flow_run(run)
        except LookupError:
            # It was killed before the run was on record: begin again.
            attempt -= 1
            run = str(uuid.uuid4())
            (tmp_path / "log-1").unlink(missing_ok=True)
            continue
        before, known = known, on_record(run)
        assert before <= known
        if ended:
            break

    assert out.strip() == str(SUM), problem
    assert known == {(name, index) for name in ("first", "second") for index in range(CHILDREN)}
    if kind == "folder":
        _check_segments(tmp_path / "results", run)


@pytest.mark.parametrize("kind", ["folder", "moto"])
def test_what_was_computed_before_a_ctrl_c_is_kept_and_on_record(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = []
    if kind == "moto":
        bucket = request.getfixturevalue("moto").bucket
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
        where = [f"{bucket.url}/{tmp_path.name}", json.dumps(bucket.options)]
    run = str(uuid.uuid4())
    process = start("local", tmp_path, run, 1, where)
    try:
        until = time.monotonic() + 60
        while len(calls(tmp_path, 1)) < 50 and time.monotonic() < until:
            time.sleep(0.001)
        process.send_signal(signal.SIGINT)
        _, problem = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait(timeout=20)

    assert "Interrupted after" in problem
    begun = calls(tmp_path, 1)
    assert len(begun) >= 50
    # All but the one whose code was interrupted, or whose bytes were.
    assert len(set(begun) - on_record(run)) <= 1


def test_two_processes_at_once_write_segments_of_their_own(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    (tmp_path / "results").mkdir()
    for folder in folders:
        folder.mkdir()
        (folder / "results").symlink_to(tmp_path / "results")
    runs = [str(uuid.uuid4()) for _ in folders]
    processes = [start("threads", folder, run, 1, []) for folder, run in zip(folders, runs, strict=True)]
    try:
        ends = [process.communicate(timeout=100) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait(timeout=20)

    assert [out.strip() for out, _ in ends] == [str(SUM)] * 2, ends
    assert len(list((tmp_path / "results").glob("resultant-packed-*"))) == 2
    for run in runs:
        assert len(on_record(run)) == 2 * CHILDREN


def _check_segments(folder: Path, run: str) -> None:
    """Every result on record is one that its segment lists, killed or not."""
    listed = set()
    for path in folder.glob("resultant-packed-*"):
        data = path.read_bytes()
        for frame in frames(len(data), lambda offset, length, data=data: data[offset : offset + length]):  # type: ignore[misc]
            if frame.kind == VALUE:
                listed.add((str(path), frame.offset, frame.length))
    for row in database().task_runs(run):
        if row.index >= 0 and row.location is not None:
            place: Any = split_place(row.location)
            assert (place.segment, place.offset, place.length) in listed
