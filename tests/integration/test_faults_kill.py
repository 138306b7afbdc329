"""kill -9 at any moment of a checkpointing run: no half file under a result's name, and the rerun ends right."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resultant import LocalResult
from resultant.stores.file import is_temporary

sys.path.insert(0, str(Path(__file__).parent))
from faults_killed_run import COUNT, SIZES, expected, make_flow

pytestmark = pytest.mark.usefixtures("checkpointing")

KILLS = 200
SEED = 20_130_101


@pytest.fixture
def nursery() -> Iterator[subprocess.Popen[str]]:
    """A process that starts the runs which are killed."""
    script = Path(__file__).with_name("faults_killed_run.py")
    process = subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    yield process
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    process.stdout.close()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=20)


def run_and_kill(nursery: subprocess.Popen[str], executor: str, folder: Path, delay: float) -> int:
    """Start a run, kill it, and return its exit code."""
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    nursery.stdin.write(f"{executor} {folder}\n")
    child = int(nursery.stdout.readline())
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    return int(nursery.stdout.readline())


def look_at(folder: Path) -> tuple[set[int], int]:
    """Check every visible file; return the children whose values are there, and how many unfinished writes are."""
    found, unfinished = set(), 0
    result = LocalResult(dir=folder)
    for path in folder.rglob("*"):
        if path.is_dir():
            continue
        if is_temporary(path.name):
            unfinished += 1
            continue
        value: Any = result.read(str(path)).value
        if path.name == "total":
            assert value == sum(SIZES[number % len(SIZES)] for number in range(COUNT))
        else:
            assert path.parent.name == "parts"
            assert value == expected(int(path.name))
            found.add(int(path.name))
    return found, unfinished


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_kill_9_at_random_moments_never_shows_half_a_file_and_the_rerun_ends_right(
    nursery: subprocess.Popen[str], tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    torn = partial = 0
    # How long a run takes depends on the machine and on what else it does: the moments follow it.
    latest = 0.15
    for number in range(KILLS):
        folder = tmp_path / f"run-{number}"
        executor = "threads" if number % 4 == 3 else "local"
        assert run_and_kill(nursery, executor, folder, chance.uniform(0.002, latest)) == -signal.SIGKILL

        found, unfinished = look_at(folder) if folder.exists() else (set(), 0)

        torn += unfinished > 0
        partial += 0 < len(found) < COUNT
        latest = min(max(latest * (1.1 if not found else 0.9 if len(found) == COUNT else 1.0), 0.02), 2.0)
        called: list[int] = []
        flow, parts, whole = make_flow(str(folder), called.append)
        state = flow.run()
        assert state.is_successful()
        # Only what was not there is done again, and everything comes out as it would have.
        assert set(called) == set(range(COUNT)) - found
        assert state.result[parts].result == [expected(child) for child in range(COUNT)]
        assert state.result[whole].result == sum(SIZES[child % len(SIZES)] for child in range(COUNT))
        assert look_at(folder) == (set(range(COUNT)), unfinished)
        shutil.rmtree(folder)
    # The test is worth its name only if the kills fell into runs that were writing.
    assert partial >= KILLS * 0.2
    assert torn >= 5


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_many_kills_of_one_run_that_is_begun_again_each_time(nursery: subprocess.Popen[str], tmp_path: Path) -> None:
    chance = random.Random(SEED + 1)
    known: set[int] = set()
    for _ in range(12):
        run_and_kill(nursery, "local", tmp_path, chance.uniform(0.003, 0.03))
        found, _ = look_at(tmp_path)
        # What was finished once stays finished.
        assert known <= found
        known = found

    flow, parts, _ = make_flow(str(tmp_path))
    state = flow.run()

    assert state.is_successful()
    children = state.result[parts].map_states
    assert {index for index, child in enumerate(children) if child.is_cached()} >= known
    assert [child.result for child in children] == [expected(child) for child in range(COUNT)]


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_kills_of_a_run_whose_workers_are_processes(nursery: subprocess.Popen[str], tmp_path: Path) -> None:
    """The workers outlive the kill by a moment and may finish what they had begun; what is seen is whole all the time."""
    chance = random.Random(SEED + 2)
    for _ in range(6):
        run_and_kill(nursery, "processes", tmp_path, chance.uniform(0.4, 1.2))
        look_at(tmp_path)

    flow, parts, whole = make_flow(str(tmp_path))
    state = flow.run()

    assert state.is_successful()
    assert state.result[parts].result == [expected(child) for child in range(COUNT)]
    assert state.result[whole].result == sum(SIZES[child % len(SIZES)] for child in range(COUNT))
