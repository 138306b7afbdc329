"""`resultant gc` and `resultant fsck`: what they free and repair, what they never touch, and a crash in between."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import Shell

import resultant
from resultant import Flow, LocalResult, Parameter, config, task
from resultant.cli.notes import notes_of
from resultant.cli.removal import Removal, finish_notes
from resultant.errors import MissingResultError, UnknownRunError
from resultant.runner.recorded_runs import database
from resultant.stores.file import FileStore

FLOW = """
import os
from resultant import Flow, LocalResult, Parameter, task

@task
def own(x):
    return [x] * 1000

@task(target="{x}-shared")
def shared(x):
    return x

@task(result=LocalResult(location="fixed"))
def fixed(x):
    return x

@task
def stops(x):
    if x == 9:
        raise ValueError("nine")

with Flow("gc") as flow:
    x = Parameter("x", default=1)
    own(x), shared(x), fixed(x), stops(x)
"""


@pytest.fixture
def heap(shell: Shell) -> Shell:
    shell.write("heap.py", FLOW)
    return shell


def files(shell: Shell) -> set[str]:
    return {path.name for path in (shell.home / "results").iterdir()}


def readable(shell: Shell, run: str, name: str) -> bool:
    return shell("results", "read", run, name).status == 0


def test_nothing_goes_unless_it_is_asked_for(heap: Shell) -> None:
    heap.run("heap.py")
    before = files(heap)
    assert heap("gc").out == "There is nothing to free.\n"
    told = heap("gc", "--keep-last", "0", "--json").json
    assert told["dry_run"] is True
    assert told["bytes"] > 0
    assert heap("gc", "--delete").status == 0
    assert files(heap) == before


def test_a_budget_of_runs(heap: Shell) -> None:
    one, two, three = heap.run("heap.py"), heap.run("heap.py"), heap.run("heap.py", "-p", "x=2")
    before = files(heap)
    told = heap("gc", "--keep-last", "1", "--delete", "--json").json
    assert [each["id"] for each in told["runs"]] == [one, two]
    # Two values of their own, and what both found at one target; the fixed place belongs to the last run by now.
    assert len(before - files(heap)) == sum(each["results"] for each in told["runs"])
    assert "fixed" in files(heap)
    assert "1-shared" not in files(heap)
    assert readable(heap, three, "own")
    for run in (one, two):
        answer = heap("results", "read", run, "own")
        assert answer.status == 1
        assert "released" in answer.err
    assert heap("fsck").status == 0
    assert heap("results", "verify").status == 0
    assert heap("runs", "show", one).status == 0
    assert heap("gc", "--keep-last", "1").out == "There is nothing to free.\n"


def test_what_a_kept_run_found_at_a_target_stays(heap: Shell) -> None:
    one, two = heap.run("heap.py"), heap.run("heap.py")
    assert heap("gc", "--keep-last", "1", "--delete").status == 0
    assert readable(heap, two, "shared")
    assert not readable(heap, one, "own")


def test_a_budget_of_age(heap: Shell) -> None:
    run = heap.run("heap.py")
    assert heap("gc", "--older-than", "1h", "--json").json["runs"] == []
    time.sleep(0.01)
    assert [each["id"] for each in heap("gc", "--older-than", "0s", "--json").json["runs"]] == [run]


def test_a_budget_of_bytes(heap: Shell) -> None:
    runs = [heap.run("heap.py", "-p", f"x={x}") for x in (1, 2, 3)]
    total = heap("gc", "--max-size", "0", "--json").json["bytes"]
    assert heap("gc", "--max-size", "1G", "--json").json["runs"] == []
    told = heap("gc", "--max-size", str(total - 1), "--json").json
    assert [each["id"] for each in told["runs"]] == runs[:1], "the oldest goes first"
    assert heap("gc", "--max-size", "much").status == 2


def test_pins_and_unfinished_runs_are_kept(heap: Shell) -> None:
    pinned, part = heap.run("heap.py"), heap.run("heap.py")
    code = f"import resultant; resultant.open_run({pinned!r}).pin(); resultant.open_run({part!r})['own'].pin()"
    assert heap.python(code).status == 0
    heap.write("gate.py", """
from resultant import Flow, task
from resultant.triggers import manual_only
@task
def first(): return 1
@task(trigger=manual_only)
def gate(x): ...
with Flow("gate") as flow: gate(first())
""")  # fmt: skip
    waiting = heap.run("gate.py", status=3)
    assert heap("gc", "--keep-last", "0", "--delete").status == 0
    assert readable(heap, pinned, "own")
    assert readable(heap, part, "own")
    assert readable(heap, waiting, "first")
    assert heap.python(f"import resultant; resultant.open_run({pinned!r}).unpin()").status == 0
    assert heap("gc", "--keep-last", "0", "--delete").status == 0
    assert not readable(heap, pinned, "own")


def test_what_is_to_be_kept_for_a_time_is_kept_and_a_pin_on_a_mapped_task_holds_for_its_children(shell: Shell) -> None:
    shell.write("keep.py", """
from datetime import timedelta
from resultant import Flow, LocalResult, task
@task(result=LocalResult(keep=timedelta(hours=1)))
def kept(): return 1
@task(result=LocalResult(keep=timedelta(0)))
def briefly(): return 1
@task
def child(x): return x
with Flow("keep") as flow:
    kept(), briefly(), child.map([1, 2]), child.copy(name="other").map([1, 2])
""")  # fmt: skip
    run = shell.run("keep.py")
    assert shell.python(f"import resultant; resultant.open_run({run!r})['child'].pin()").status == 0
    assert shell("gc", "--keep-last", "0", "--delete", "--json").json["runs"][0]["results"] == 3
    assert readable(shell, run, "kept")
    assert readable(shell, run, "child")
    assert not readable(shell, run, "briefly")
    assert not readable(shell, run, "other")
    assert shell("fsck").status == 0


def test_leftovers_of_dead_writes_go_and_the_users_own_files_stay(heap: Shell) -> None:
    heap.run("heap.py")
    results = heap.home / "results"
    old, fresh, own = results / ".resultant-00-1.tmp", results / ".resultant-00-2.tmp", results / "mine.csv"
    for path in (old, fresh, own):
        path.write_text("x" * 100)
    os.utime(old, (1, 1))
    os.utime(own, (1, 1))
    told = heap("gc", "--json").json
    assert [each["path"] for each in told["leftovers"]] == [str(old)]
    assert old.exists()
    assert heap("gc", "--delete").status == 0
    assert not old.exists()
    assert fresh.exists()
    assert heap("gc", "--keep-last", "0", "--delete").status == 0
    assert own.exists()


def test_fsck_repairs_what_is_ours(heap: Shell) -> None:
    run = heap.run("heap.py", "-p", "x=9", status=1)
    places = {each["task"]: each["location"] for each in heap("results", "ls", run, "--json").json}
    os.unlink(places["own-1"])
    with open(places["fixed-1"], "ab") as file:
        file.write(b"more")
    foreign = heap.home / "results" / "foreign"
    foreign.write_text("mine")
    left = heap.home / "results" / ".resultant-00-1.tmp"
    left.write_text("x")
    os.utime(left, (1, 1))
    for _ in range(2):
        told = heap("fsck", "--json")
        assert told.status == 1
        assert {(each["task"], each["verdict"]) for each in told.json["damage"]} == {
            ("own-1", "missing"), ("fixed-1", "damaged"),
        }  # fmt: skip
        assert [each["path"] for each in told.json["unknown"]] == [str(foreign)]
        assert left.exists()
    repaired = heap("fsck", "--repair")
    assert repaired.status == 1, "what is damaged cannot be repaired"
    assert not left.exists()
    assert foreign.exists()
    assert [each["verdict"] for each in heap("fsck", "--json").json["damage"]] == ["damaged"]
    heap.write("heap.py", FLOW.replace('raise ValueError("nine")', "pass"))
    assert heap("resume", run).status == 0
    assert readable(heap, run, "own")


def test_a_disk_that_is_not_there_is_no_reason_to_forget(heap: Shell) -> None:
    run = heap.run("heap.py")
    (heap.home / "results").rename(heap.home / "elsewhere")
    told = heap("fsck", "--repair")
    assert "mount" in told.out
    (heap.home / "elsewhere").rename(heap.home / "results")
    assert readable(heap, run, "own")


# ------------------------------------------------------------------------------------------------- a crash in between


class Crash(BaseException):
    """The process is gone."""


@task
def one(x: int) -> list[int]:
    return [x] * 100


def recorded(x: int) -> str:
    with Flow("removed") as flow:
        value = Parameter("x")
        for number in range(3):
            one.copy(name=f"one{number}")(value)
        one.copy(name="fixed", result=LocalResult(location="fixed"))(value)
    name = os.urandom(8).hex()
    assert flow.run(flow_run_id=name, x=x).is_successful()
    return name


@pytest.mark.parametrize("forget", [True, False], ids=["rm", "gc"])
@pytest.mark.parametrize("moment", range(7))
def test_a_removal_that_crashed_is_finished_by_the_next(
    moment: int, forget: bool, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.flows.checkpointing = True
    config.flows.default_result = "LocalResult"
    kept, gone, newer = recorded(1), recorded(1), recorded(1)
    db = database()
    left = moment

    def crashing(method: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any) -> Any:
            nonlocal left
            if left == 0:
                raise Crash
            left -= 1
            return method(*arguments)

        return called

    with monkeypatch.context() as patch:
        patch.setattr(FileStore, "delete", crashing(FileStore.delete))
        patch.setattr(db, "delete_flow_run", crashing(db.delete_flow_run))
        patch.setattr(db, "task_runs_later", crashing(db.task_runs_later))
        patch.setattr(db, "flush", crashing(db.flush))
        try:
            Removal(db, [db.flow_run(gone)], forget=forget).carry_out()
        except Crash:
            assert len(notes_of(db)) == 1
    finish_notes(db)
    assert notes_of(db) == []
    results = home / ".resultant" / "results"
    assert len(list(results.iterdir())) == 2 * 3 + 1
    for run in (kept, newer):
        assert [each.value for each in resultant.open_run(run) if each.slug != "x"] == [[1] * 100] * 4
    if forget:
        with pytest.raises(UnknownRunError):
            resultant.open_run(gone)
    else:
        assert resultant.open_run(gone)["fixed"].value == [1] * 100, "others refer to the same bytes"
        with pytest.raises(MissingResultError, match="released"):
            _ = resultant.open_run(gone)["one0"].value


def test_bytes_that_somebody_wrote_since_are_left_alone(home: Path) -> None:
    config.flows.checkpointing = True
    config.flows.default_result = "LocalResult"
    run = recorded(1)
    place = home / ".resultant" / "results" / "fixed"
    data = place.read_bytes()
    for changed in (data + b".", data):
        place.write_bytes(changed)
        os.utime(place, (time.time() + 60, time.time() + 60))
        db = database()
        Removal(db, [db.flow_run(run)], forget=False).carry_out()
        assert place.read_bytes() == changed
