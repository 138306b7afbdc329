"""kill -9 at any moment of a recorded run, again and again: what was finished stays, and the end is that of a quiet run."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from resultant import config
from resultant.runner.recorded_runs import database

sys.path.insert(0, str(Path(__file__).parent))
from resume_killed import make_flow

pytestmark = [pytest.mark.usefixtures("checkpointing"), pytest.mark.slow]

#: How many kills there are in all; 200 take two minutes.
KILLS = int(os.environ.get("RESULTANT_KILLS", "60"))
SEED = 20_130_101
SUCCESSFUL = ("Success", "Cached", "Skipped")

#: A finished task run is on record 10 ms later at most.
PROMISED = 0.010

Key = tuple[str, int]


@pytest.fixture(autouse=True)
def _quiet() -> None:
    config.logging.level = "CRITICAL"


@contextmanager
def nursery(**environment: str) -> Iterator[subprocess.Popen[str]]:
    """Start a process that starts the runs which are killed."""
    script = Path(__file__).with_name("resume_killed.py")
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # Of the failures that belong to the flow, nobody wants to read.
        stderr=subprocess.DEVNULL,
        text=True,
        bufsize=1,
        env={**os.environ, **environment},
    )
    try:
        yield process
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=20)


def begin_and_kill(
    process: subprocess.Popen[str], executor: str, folder: Path, run_id: str, attempt: int, delay: float
) -> float:
    """Start an attempt, kill it a while after its first task, and return when."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{executor} {folder} {run_id} {attempt}\n")
    child = int(process.stdout.readline())
    log = folder / f"log-{attempt}"
    deadline = time.monotonic() + 20
    while not log.exists() and time.monotonic() < deadline:
        time.sleep(0.0005)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    killed = time.monotonic()
    assert int(process.stdout.readline()) == -signal.SIGKILL
    return killed


def calls(folder: Path, attempt: int, what: str) -> dict[Key, float]:
    """Return the task runs whose code began, or ended, in an attempt, each with the last time that it did."""
    found: dict[Key, float] = {}
    log = folder / f"log-{attempt}"
    for line in log.read_text().splitlines() if log.exists() else ():
        kind, slug, index, moment = line.split()
        if kind == what:
            found[slug, int(index)] = float(moment)
    return found


def on_record(run_id: str) -> dict[Key, Any]:
    """Return the rows of a run that stand, whoever left them where."""
    with database().hold(run_id):
        rows = database().task_runs(run_id)
    return {(row.slug, row.index): row for row in rows if row.state in SUCCESSFUL and (row.location or row.none)}


def assert_intact() -> None:
    path = Path(config.home_dir) / "resultant.db"
    if config.database.url is None:
        connection = sqlite3.connect(path)
        try:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        finally:
            connection.close()


def kill_again_and_again(process: subprocess.Popen[str], executor: str, kills: int, tmp_path: Path) -> None:
    """Kill attempts at one run after the other, and check everything each time."""
    chance = random.Random(f"{SEED} {executor}")
    quiet = tmp_path / "quiet"
    quiet.mkdir()
    flow, end = make_flow(str(quiet), 1)
    state = flow.run()
    assert state.is_successful(), state
    expected = state.result[end].result
    lost, oldest = 0, []
    number = fell_into = 0
    while len(oldest) < kills:
        folder = tmp_path / f"{executor}-{number}"
        folder.mkdir()
        run_id = f"{executor}-{number}"
        number += 1
        stands: dict[Key, Any] = {}
        attempt = 1
        for attempt in range(1, min(kills - len(oldest), chance.randint(2, 8)) + 1):
            killed = begin_and_kill(process, executor, folder, run_id, attempt, chance.uniform(0, 0.4))
            began, ended = calls(folder, attempt, "began"), calls(folder, attempt, "ended")
            # What stood before this attempt was not touched by it, and stands after it.
            assert not set(began) & set(stands)
            known = on_record(run_id)
            assert set(stands) <= set(known)
            fell_into += bool(known)
            ages = [killed - moment for key, moment in ended.items() if key not in known]
            lost += len(ages)
            oldest.append(max(ages, default=0.0))
            stands = known
            assert_intact()
            for row in stands.values():
                assert row.none or not row.size or os.path.getsize(row.location) == row.size
        attempt += 1
        flow, end = make_flow(str(folder), attempt)
        state = flow.run(resume_run=run_id)

        assert state.is_successful(), state
        assert state.result[end].result == expected
        assert not set(calls(folder, attempt, "began")) & set(stands)
        assert database().flow_run(run_id).attempt == attempt
        assert database().flow_run(run_id).state == "Success"
    assert_intact()
    print(f"{executor}: {kills} kills lost {lost} finished task runs, the oldest {max(oldest) * 1000:.1f} ms old")
    # The test is worth its name only if the kills fell into runs that were at work.
    assert fell_into >= number
    # A machine that has other things to do lets a process wait for its turn now and then.
    late = [age for age in oldest if age > PROMISED]
    # Whether it was ours is for a quiet machine to say: a suite that shares one cannot hold a promise of milliseconds.
    if os.environ.get("RESULTANT_STRICT_TIMES"):
        assert len(late) <= max(2, kills * 0.1), late
    assert max(oldest) < 1.0, late


@pytest.mark.timeout(600)
def test_a_run_killed_at_any_moment_loses_nothing_that_is_on_record(tmp_path: Path) -> None:
    with nursery() as process:
        kill_again_and_again(process, "local", KILLS - 5 * (KILLS // 6), tmp_path)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_nor_does_one_whose_tasks_run_elsewhere(executor: str, tmp_path: Path) -> None:
    with nursery() as process:
        kill_again_and_again(process, executor, KILLS // 6, tmp_path)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("executor", ["local", "threads", "processes"])
def test_nor_does_one_on_record_in_postgresql(executor: str, postgres: str, tmp_path: Path) -> None:
    config.database.url = postgres
    with nursery(RESULTANT__DATABASE__URL=postgres) as process:
        kill_again_and_again(process, executor, KILLS // 6, tmp_path)
