"""Segments on their way out: they go when no row needs a result in them, as a whole, and a crash in between does no harm."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import Shell

from resultant import Flow, LocalResult, Parameter, URLResult, config, open_run, task
from resultant.cli.notes import notes_of
from resultant.cli.removal import Removal, finish_notes
from resultant.cli.survey import Survey
from resultant.engine.cache_validators import all_inputs
from resultant.errors import MissingResultError, UnknownRunError
from resultant.records import location_of
from resultant.runner.recorded_runs import database
from resultant.stores import FileStore
from resultant.stores.packed import new_name, split_place
from resultant.stores.segments import SegmentFile

FLOW = """
from resultant import Flow, LocalResult, Parameter, task

@task
def own(x):
    return "v" * x

@task
def other(x):
    return x

with Flow("packed", result=LocalResult(pack=True)) as flow:
    xs = Parameter("xs", default=[10, 200, 3000])
    other.map(own.map(xs))
"""


@pytest.fixture
def heap(shell: Shell) -> Shell:
    shell.write("packed.py", FLOW)
    return shell


def segments(shell: Shell) -> list[Path]:
    return sorted((shell.home / "results").glob("resultant-packed-*"))


def readable(shell: Shell, run: str, name: str) -> bool:
    return shell("results", "read", run, name).status == 0


def test_a_segment_goes_with_the_run_that_nobody_needs(heap: Shell) -> None:
    one, two = heap.run("packed.py"), heap.run("packed.py")
    assert len(segments(heap)) == 2

    told = heap("gc", "--keep-last", "1", "--json").json
    assert [(each["id"], each["results"]) for each in told["runs"]] == [(one, 6)]
    assert told["bytes"] > 6000
    assert len(segments(heap)) == 2
    assert heap("gc", "--keep-last", "1", "--delete", "--json").json["bytes"] == told["bytes"]

    assert len(segments(heap)) == 1
    assert not readable(heap, one, "own[1]")
    assert "released" in heap("results", "read", one, "own[1]").err
    assert readable(heap, two, "own[1]")
    assert heap("fsck").out == "Database and storage agree.\n"
    assert heap("results", "verify").status == 0
    assert heap("gc", "--keep-last", "1").out == "There is nothing to free.\n"


def test_one_pinned_child_keeps_its_segment_and_all_that_is_in_it(heap: Shell) -> None:
    run = heap.run("packed.py")
    assert heap.python(f"import resultant; resultant.open_run({run!r})['own'][1].pin()").status == 0

    assert heap("gc", "--keep-last", "0", "--delete").status == 0

    assert readable(heap, run, "own[1]")
    assert readable(heap, run, "other[2]")
    assert heap("fsck").status == 0
    assert heap.python(f"import resultant; resultant.open_run({run!r})['own'][1].unpin()").status == 0
    assert heap("gc", "--keep-last", "0", "--delete").status == 0
    assert segments(heap) == []


def test_what_is_to_be_kept_for_a_time_keeps_its_segment(home: Path) -> None:
    config.flows.checkpointing = True
    kept = run_of(LocalResult(pack=True, keep=timedelta(hours=1)))
    briefly = run_of(LocalResult(pack=True, keep=timedelta(0)))
    for run in (kept, briefly):
        Removal(database(), [database().flow_run(run)], forget=False).carry_out()

    assert open_run(kept)["one"].value == [[1] * 10] * 5
    with pytest.raises(MissingResultError, match="released"):
        _ = open_run(briefly)["one"][0].value


def test_fsck_finds_what_is_cut_off_and_what_is_gone(heap: Shell) -> None:
    cut, gone, whole = (heap.run("packed.py") for _ in range(3))
    by_run = {run: Path(heap("results", "ls", run, "--json").json[-1]["location"]).parent for run in (cut, gone, whole)}
    os.truncate(by_run[cut], by_run[cut].stat().st_size - 700)
    by_run[gone].unlink()

    told = heap("fsck", "--json")

    assert told.status == 1
    verdicts = {(each["run"], each["task"], each["index"], each["verdict"]) for each in told.json["damage"]}
    assert {each[3] for each in verdicts if each[0] == cut} == {"damaged"}
    assert {each[1:] for each in verdicts if each[0] == gone} == {
        (name, index, "missing") for name in ("own-1", "other-1") for index in range(3)
    }
    assert not [each for each in verdicts if each[0] == whole]
    assert told.json["unknown"] == []
    assert heap("fsck", "--repair").status == 1
    assert heap("resume", gone).status == 0
    assert readable(heap, gone, "other[2]")
    assert [each["run"] for each in heap("fsck", "--json").json["damage"] if each["verdict"] == "missing"] == []


def test_fsck_finds_a_segment_that_holds_something_else(heap: Shell) -> None:
    heap.run("packed.py")
    (path,) = segments(heap)
    path.write_bytes(bytes(path.stat().st_size))

    told = heap("fsck", "--json")

    assert told.status == 1
    assert [each["verdict"] for each in told.json["damage"]] == ["damaged"] * 6


def test_segments_without_rows_go_if_they_are_this_databases_own(heap: Shell) -> None:
    run = heap.run("packed.py")
    store = FileStore(str(heap.home / "results"))
    places = {}
    for name, belongs in (("old", run), ("fresh", run), ("foreign", "00000000-0000-4000-8000-000000000000")):
        segment = SegmentFile(store, belongs)
        places[name] = Path(str(split_place(segment.append("lost", 0, b"x" * 100)).segment))  # type: ignore[union-attr]
        segment.close()
    places["empty"] = Path(store.put(new_name(), b""))
    places["nonsense"] = Path(store.put(new_name(), b"nonsense"))
    for name in ("old", "foreign", "empty", "nonsense"):
        os.utime(places[name], (1, 1))

    told = heap("fsck", "--json").json
    assert [each["path"] for each in told["leftovers"]] == [str(places["old"])]
    assert {each["path"] for each in told["unknown"]} == {str(path) for name, path in places.items() if name != "old"}
    assert heap("gc", "--delete").status == 0

    assert {name for name, path in places.items() if not path.exists()} == {"old"}
    assert readable(heap, run, "own[0]")


# ------------------------------------------------------------------------------------------------- a crash in between


class Crash(BaseException):
    """The process is gone."""


@task
def one(x: int) -> list[int]:
    return [x] * 10


def run_of(result: Any, x: int = 1, count: int = 5) -> str:
    with Flow("removed", result=result) as flow:
        one.map([x] * count)
    name = os.urandom(8).hex()
    assert flow.run(flow_run_id=name).is_successful()
    return name


@pytest.mark.parametrize("forget", [True, False], ids=["rm", "gc"])
@pytest.mark.parametrize("moment", range(5))
def test_a_removal_that_crashed_is_finished_by_the_next(
    moment: int, forget: bool, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.flows.checkpointing = True
    kept, gone = run_of(LocalResult(pack=True)), run_of(LocalResult(pack=True))
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
    assert len(list((home / ".resultant" / "results").iterdir())) == 1
    assert open_run(kept)["one"].value == [[1] * 10] * 5
    if forget:
        with pytest.raises(UnknownRunError):
            open_run(gone)
    else:
        with pytest.raises(MissingResultError, match="released"):
            _ = open_run(gone)["one"][3].value


@pytest.mark.parametrize("name", ["naïve …", "with space #1+2", "{braces}", "new\nline"])
def test_whatever_the_folder_is_called(home: Path, tmp_path: Path, name: str) -> None:
    config.flows.checkpointing = True
    folder = tmp_path / name
    run = run_of(LocalResult(dir=folder, pack=True))
    db = database()

    assert open_run(run)["one"].value == [[1] * 10] * 5
    assert len(list(folder.iterdir())) == 1
    (segment,) = {
        split_place(location_of(str(row.location))).segment  # type: ignore[union-attr]
        for row in db.task_runs(run, "one-1")
        if row.location is not None
    }
    assert Path(segment).exists()
    assert Removal(db, [db.flow_run(run)], forget=False).carry_out().places == 5
    assert not Path(segment).exists()


@pytest.mark.parametrize("pack", [True, False])
def test_a_folder_whose_name_is_no_text(home: Path, tmp_path: Path, pack: bool) -> None:
    config.flows.checkpointing = True
    folder = tmp_path / os.fsdecode(b"\xff\xfe")
    run = run_of(LocalResult(dir=folder, pack=pack))
    db = database()

    assert open_run(run)["one"].value == [[1] * 10] * 5
    freed = Removal(db, [db.flow_run(run)], forget=False).carry_out()

    # The rows of one place cannot be found together, so that its bytes stay, and so does what is known of them.
    assert freed.places == 0
    assert len(list(folder.iterdir())) == (1 if pack else 5)
    assert open_run(run)["one"].value == [[1] * 10] * 5


def test_a_store_that_refuses_keeps_segment_and_rows(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.flows.checkpointing = True
    run = run_of(LocalResult(pack=True))

    def refuses(*_: Any) -> None:
        raise PermissionError(1, "no")

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", refuses)
        with pytest.raises(PermissionError):
            # The note itself cannot go either; what was found out until then holds.
            Removal(database(), [database().flow_run(run)], forget=False).carry_out()

    assert open_run(run)["one"].value == [[1] * 10] * 5


def test_rows_of_other_runs_keep_a_segment_that_they_refer_to(home: Path) -> None:
    """A cache of the first run serves the second: the segment stays until neither is needed."""
    config.flows.checkpointing = True

    @task(cache_for=timedelta(hours=1), cache_validator=all_inputs)
    def cached(x: int) -> int:
        return x * 2

    runs = []
    for _ in range(2):
        with Flow("cached", result=LocalResult(pack=True)) as flow:
            cached.map(Parameter("xs", default=[1, 2, 3]))
        runs.append(os.urandom(8).hex())
        assert flow.run(flow_run_id=runs[-1]).is_successful()
    db = database()
    assert len(list((home / ".resultant" / "results").glob("resultant-packed-*"))) == 1

    Removal(db, [db.flow_run(runs[0])], forget=True).carry_out()

    assert open_run(runs[1])["cached"].value == [2, 4, 6]
    Removal(db, [db.flow_run(runs[1])], forget=True).carry_out()
    assert list((home / ".resultant" / "results").glob("resultant-packed-*")) == []


def test_segments_in_an_object_store_go_the_same_way(
    home: Path, moto: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.flows.checkpointing = True
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
    result = URLResult(f"{moto.bucket.url}/{tmp_path.name}", options=moto.bucket.options, pack=True)
    kept, gone = run_of(result), run_of(result)
    db = database()
    survey = Survey(db)
    assert len({split_place(place).segment for place, _ in survey.on_record()}) == 2  # type: ignore[union-attr]

    freed = Removal(db, [db.flow_run(gone)], forget=False).carry_out()

    assert freed.places == 5
    assert len(list(result.store.list())) == 1
    assert open_run(kept)["one"].value == [[1] * 10] * 5
    with pytest.raises(MissingResultError, match="released"):
        _ = open_run(gone)["one"][3].value
