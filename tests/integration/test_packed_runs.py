"""Runs whose mapped children share segments: every executor, in a folder, flushed to the disk, and in object stores."""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import Shell

from resultant import (
    Flow,
    LocalResult,
    Parameter,
    ProcessExecutor,
    ThreadExecutor,
    URLResult,
    config,
    context,
    open_run,
    task,
)
from resultant.engine import signals
from resultant.engine.serializers import CompressedSerializer, JSONSerializer, PickleSerializer
from resultant.errors import CorruptResultError, MissingResultError, WriteError
from resultant.runner.recorded_runs import database
from resultant.stores import FileStore
from resultant.stores.base import LONGEST
from resultant.stores.framing import VALUE, frames
from resultant.stores.packed import split_place

pytestmark = pytest.mark.usefixtures("checkpointing")

EXECUTORS: dict[str, Callable[[], Any]] = {
    "local": lambda: None,
    "threads": lambda: ThreadExecutor(workers=4),
    "processes": lambda: ProcessExecutor(workers=2),
}

Make = Callable[..., Any]


@pytest.fixture(params=["folder", "power", "memory", "moto"])
def make(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes results that pack, in one kind of store after the other."""
    if request.param in ("folder", "power"):
        if request.param == "power":
            config.durability = "power"
        return lambda **options: LocalResult(dir=tmp_path / "results", pack=True, **options)
    if request.param == "memory":
        return lambda **options: URLResult(f"memory:///{tmp_path.name}", pack=True, **options)
    bucket = request.getfixturevalue("moto").bucket
    # Rows hold no credentials: whoever reads by them brings some.
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testtest")
    return lambda **options: URLResult(f"{bucket.url}/{tmp_path.name}", options=bucket.options, pack=True, **options)


@pytest.fixture(params=list(EXECUTORS))
def executor(request: pytest.FixtureRequest) -> Any:
    """Runs tasks here, on threads, or in other processes."""
    return EXECUTORS[request.param]()


@pytest.fixture
def shared(make: Make, executor: Any) -> None:
    """What a worker process stores is there for others: not so in its memory."""
    if isinstance(executor, ProcessExecutor) and str(getattr(make(), "url", "")).startswith("memory:"):
        pytest.skip("another process has a memory of its own")


def children(state: Any, flow: Flow, name: str) -> list[Any]:
    return list(state.result[flow.get_tasks(name=name)[0]].map_states)


def segments(states: list[Any]) -> set[str]:
    places = [split_place(state._result.location) for state in states]
    assert all(place is not None for place in places)
    return {place.segment for place in places if place is not None}


def run_id() -> str:
    return database().flow_runs()[0].id


@task
def add(x: int) -> int:
    return x + 1


@task
def text(x: int) -> str:
    return f"text {x}"


@task
def count(xs: list[str]) -> int:
    return len(xs)


def test_children_share_few_segments_and_each_can_be_read_by_itself(make: Make, executor: Any) -> None:
    with Flow("packed", result=make()) as flow:
        total = count(text.map(add.map(list(range(250)))))

    state = flow.run(executor=executor)

    assert state.is_successful(), state.message
    assert state.result[total].result == 250
    few = segments(children(state, flow, "add") + children(state, flow, "text"))
    assert len(few) <= (4 if isinstance(executor, ProcessExecutor) else 6)
    assert split_place(state.result[total]._result.location) is None
    # Any process that may read the storage can read each value, by its place or by its row.
    reader = make()
    for index, child in enumerate(children(state, flow, "text")[:20]):
        assert reader.read(child._result.location).value == f"text {index + 1}"
        assert reader.exists(child._result.location)
    run = open_run(run_id())
    assert [run["add"][index].value for index in (0, 99, 249)] == [1, 100, 250]
    assert run["text"].value == [f"text {number}" for number in range(1, 251)]
    assert run["text"][7].verify() > 0


def test_every_value_gets_its_own_bytes_whatever_the_serializer(make: Make, executor: Any) -> None:
    @task(result=make(serializer=JSONSerializer()))
    def listed(x: int) -> list[int]:
        return [x] * (x % 7)

    @task(result=make(serializer=CompressedSerializer(PickleSerializer(), "zlib")))
    def pressed(x: int) -> Any:
        return {"x": "y" * 1000 * x, "none": None}

    @task(result=make())
    def nothing(x: int) -> None:
        return None

    numbers = list(range(20))
    with Flow("serializers") as flow:
        listed.map(numbers), pressed.map(numbers), nothing.map(numbers)

    state = flow.run(executor=executor)

    assert state.is_successful(), state.message
    run = open_run(run_id())
    assert run["listed"].value == [[x] * (x % 7) for x in numbers]
    assert run["pressed"].value == [{"x": "y" * 1000 * x, "none": None} for x in numbers]
    assert run["nothing"].value == [None] * 20
    segments(children(state, flow, "listed") + children(state, flow, "pressed"))


@pytest.mark.usefixtures("shared")
def test_a_large_value_gets_a_place_of_its_own(make: Make, executor: Any) -> None:
    @task
    def sized(x: int) -> bytes:
        return bytes(x)

    sizes = [10, LONGEST - 1000, LONGEST + 1, 3 << 20, 20]
    with Flow("large", result=make()) as flow:
        sized.map(sizes)

    state = flow.run(executor=executor)

    assert state.is_successful(), state.message
    packed = [split_place(child._result.location) is not None for child in children(state, flow, "sized")]
    assert packed == [True, True, False, False, True]
    assert [len(value) for value in open_run(run_id())["sized"].value] == sizes


@pytest.mark.usefixtures("shared")
def test_retries_loops_failures_and_handlers(make: Make, executor: Any, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    seen.mkdir()

    @task(max_retries=2, retry_delay=timedelta(0))
    def shaky(x: int) -> int:
        if x % 3 == 0 and context.task_run_count < 2:
            raise ValueError("not yet")
        return x

    @task
    def looping(x: int) -> int:
        done = context.get("task_loop_result", 0)
        if done < x:
            raise signals.LOOP(result=done + 1)
        return done

    def handler(subject: Any, old: Any, new: Any) -> Any:
        if new.is_successful() and not new.is_mapped():
            # Its bytes are durable before it is called.
            assert make().read(new._result.location).value == new.result
            (seen / str(new.result)).touch()
        return new

    @task(state_handlers=[handler])
    def handled(x: int) -> int:
        return x * 10

    @task(tags=["tagged"])
    def stops(x: int) -> int:
        if x == 3:
            raise ValueError("three")
        return x

    with Flow("all sorts", result=make()) as flow:
        numbers = list(range(6))
        shaky.map(numbers), looping.map([0, 1, 2, 3]), handled.map(numbers), stops.map(numbers)

    state = flow.run(executor=executor)

    assert state.is_failed()
    run = open_run(run_id())
    assert run["shaky"].value == numbers
    assert run["looping"].value == [0, 1, 2, 3]
    assert run["handled"].value == [number * 10 for number in numbers]
    assert sorted(int(path.name) for path in seen.iterdir()) == [0, 10, 20, 30, 40, 50]
    assert [run["stops-tagged-1"][index].value for index in (0, 1, 2, 4, 5)] == [0, 1, 2, 4, 5]
    assert run["stops-tagged-1"][3].state == "Failed"
    segments([child for child in children(state, flow, "shaky") + children(state, flow, "looping") if child.result])


@pytest.mark.usefixtures("shared")
def test_what_has_a_name_of_its_own_keeps_it(make: Make, executor: Any, tmp_path: Path) -> None:
    @task(target="{x}-target.pickle")
    def targeted(x: int) -> int:
        return x

    @task(result=LocalResult(dir=tmp_path / "named", location="{x}.pickle"))
    def named(x: int) -> int:
        return x

    @task
    def single() -> int:
        return 5

    with Flow("named", result=make()) as flow:
        targeted.map([1, 2]), named.map([1, 2]), single()

    state = flow.run(executor=executor)

    assert state.is_successful(), state.message
    assert [child._result.location.rpartition("/")[2] for child in children(state, flow, "targeted")] == [
        "1-target.pickle",
        "2-target.pickle",
    ]
    assert sorted(os.listdir(tmp_path / "named")) == ["1.pickle", "2.pickle"]
    assert split_place(state.result[flow.get_tasks(name="single")[0]]._result.location) is None
    assert all(child.is_cached() for child in children(flow.run(executor=executor), flow, "targeted"))


def test_a_resumed_run_does_what_failed_and_nothing_else(make: Make, executor: Any, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.mkdir()

    @task
    def first(x: int) -> int:
        (log / f"first-{x}-{context.task_run_id}").touch()
        return x + 1

    @task
    def second(x: int) -> int:
        if x in (3, 17) and not (log / "mended").exists():
            raise ValueError("broken")
        (log / f"second-{x}-{context.task_run_id}").touch()
        return x * 2

    @task
    def add_up(xs: list[int]) -> int:
        return sum(xs)

    with Flow("resumed", result=make()) as flow:
        result = add_up(second.map(first.map(list(range(20)))))

    assert flow.run(executor=executor).is_failed()
    (log / "mended").touch()
    before = sorted(path.name for path in log.iterdir())
    again = flow.run(resume_run=run_id(), executor=executor)

    assert again.is_successful(), again.message
    assert again.result[result].result == sum((x + 1) * 2 for x in range(20))
    new = sorted({path.name for path in log.iterdir()} - set(before))
    assert [name.rsplit("-", 5)[0] for name in new] == ["second-17", "second-3"]
    assert open_run(run_id())["second"].value == [(x + 1) * 2 for x in range(20)]


def test_one_segment_serves_all_tasks_that_share_a_result(tmp_path: Path) -> None:
    with Flow("shared", result=LocalResult(dir=tmp_path, pack=True)) as flow:
        text.map(add.map(list(range(30))))

    state = flow.run()

    (segment,) = segments(children(state, flow, "add") + children(state, flow, "text"))
    (path,) = tmp_path.iterdir()
    assert str(path) == segment
    data = path.read_bytes()
    found = list(frames(len(data), lambda offset, length: data[offset : offset + length]))
    assert sum(frame.kind == VALUE for frame in found) == 60


def test_results_that_go_to_one_folder_share_a_segment_in_each_process(tmp_path: Path) -> None:
    with Flow("many", result=LocalResult(dir=tmp_path)) as flow:
        for number in range(30):
            add.copy(name=f"add{number}", result=LocalResult(dir=tmp_path, pack=True)).map([1, 2, 3, 4])

    for executor, most in ((None, 1), (ProcessExecutor(workers=2), 2)):
        state = flow.run(executor=executor)
        found = segments([child for number in range(30) for child in children(state, flow, f"add{number}")])
        assert len(found) <= most


def test_two_runs_at_once_do_not_share_segments(tmp_path: Path) -> None:
    with Flow("twice", result=LocalResult(dir=tmp_path, pack=True)) as flow:
        add.map(list(range(200)))
    ends: list[Any] = []
    threads = [threading.Thread(target=lambda: ends.append(flow.run())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    one, other = (segments(children(state, flow, "add")) for state in ends)
    assert len(one | other) == 2
    assert all(state.result[flow.get_tasks(name="add")[0]].result == list(range(1, 201)) for state in ends)


def test_an_unrecorded_run_packs_as_well(make: Make, executor: Any) -> None:
    config.record.runs = False
    with Flow("unrecorded", result=make()) as flow:
        add.map(list(range(50)))

    state = flow.run(executor=executor)

    reader = make()
    states = children(state, flow, "add")
    assert [reader.read(child._result.location).value for child in states] == list(range(1, 51))
    segments(states)


def test_without_checkpoints_nothing_is_packed(make: Make) -> None:
    config.flows.checkpointing = False
    with Flow("memory", result=make()) as flow:
        add.map(list(range(5)))

    assert [child._result.location for child in children(flow.run(), flow, "add")] == [None] * 5


def test_a_full_disk_fails_the_children_that_do_not_fit(small_disk: Any) -> None:
    disk = small_disk("256k")

    @task
    def some(x: int) -> bytes:
        return os.urandom(10_000)

    with Flow("full", result=LocalResult(dir=disk.path, pack=True)) as flow:
        some.map(list(range(60)))

    states = children(flow.run(), flow, "some")

    good = [child for child in states if child.is_successful()]
    bad = [child for child in states if child.is_failed()]
    assert len(good) > 10
    assert len(bad) > 10
    assert all(isinstance(child.result, WriteError) for child in bad)
    assert "No space left" in str(bad[0].message)
    reader = LocalResult(dir=disk.path)
    assert [reader.read(child._result.location).value for child in good] == [child.result for child in good]


def test_an_append_that_fails_once_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = os.pwrite, []

    def shaky(descriptor: int, data: bytes, offset: int) -> int:
        calls.append(1)
        if len(calls) % 5 == 3:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", shaky)
    monkeypatch.setattr("resultant.runner.rewriting.PAUSES", (0, 0, 0))
    with Flow("shaky", result=LocalResult(dir=tmp_path, pack=True)) as flow:
        add.map(list(range(20)))

    state = flow.run()

    assert state.is_successful(), state.message
    assert open_run(run_id())["add"].value == list(range(1, 21))


def test_an_object_that_cannot_be_put_fails_the_children_in_it(executor: Any, tmp_path: Path) -> None:
    options = {
        "endpoint": "http://127.0.0.1:9", "region": "x", "access_key_id": "a", "secret_access_key": "b",
        "client_options": {"allow_http": True}, "retry_config": {"max_retries": 0},
    }  # fmt: skip
    with Flow("unreachable", result=URLResult("s3://bucket/x", options=options, pack=True)) as flow:
        add.map(list(range(30)))

    state = flow.run(executor=executor)

    assert state.is_failed()
    states = children(state, flow, "add")
    assert all(isinstance(child.result, WriteError) for child in states)
    assert "packed with" in str(states[0].message)
    assert len({id(child.result) for child in states}) == 30


def test_a_child_whose_bytes_are_lost_is_computed_again(tmp_path: Path) -> None:
    @task
    def stops(xs: list[int]) -> int:
        if len(os.listdir(tmp_path / "results")) == 1:
            raise ValueError("stop")
        return sum(xs)

    with Flow("lost", result=LocalResult(dir=tmp_path / "results", pack=True)) as flow:
        total = stops(add.map(list(range(10))))
    assert flow.run().is_failed()
    (path,) = (tmp_path / "results").iterdir()
    data = path.read_bytes()
    values = [
        frame
        for frame in frames(len(data), lambda offset, length: data[offset : offset + length])
        if frame.kind == VALUE
    ]
    # Cut in the middle of one: it and what follows has to be made again, in a new segment.
    os.truncate(path, values[6].offset + 30)

    run = open_run(run_id())
    with pytest.raises(CorruptResultError):
        _ = run["add"][6].value
    with pytest.raises(CorruptResultError):
        _ = run["add"][9].value
    assert run["add"][5].value == 6
    again = flow.run(resume_run=run.id)

    assert again.is_successful(), again.message
    assert again.result[total].result == sum(range(1, 11))
    states = children(again, flow, "add")
    assert [split_place(child._result.location).segment == str(path) for child in states] == [True] * 6 + [False] * 4  # type: ignore[union-attr]
    path.unlink()
    with pytest.raises(MissingResultError):
        _ = open_run(run.id)["add"][0].value
    assert open_run(run.id)["add"][9].value == 10


def test_a_store_of_files_flushes_for_many_children_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    name = "fdatasync" if hasattr(os, "fdatasync") else "fsync"
    real = getattr(os, name)

    def counted(descriptor: int) -> None:
        calls.append(descriptor)
        real(descriptor)

    monkeypatch.setattr(os, name, counted)
    config.durability = "power"
    with Flow("flushed", result=LocalResult(dir=tmp_path, pack=True)) as flow:
        add.map(list(range(2_500)))

    assert flow.run().is_successful()
    assert 2 <= len(calls) <= 60


FLOW = """
from resultant import Flow, LocalResult, Parameter, task

@task
def own(x):
    return "v" * x

with Flow("packed", result=LocalResult(pack=True)) as flow:
    own.map(Parameter("xs", default=[1, 20, 300]))
"""


def test_the_command_line_shows_reads_and_verifies_packed_results(shell: Shell) -> None:
    shell.write("packed.py", FLOW)
    run = shell.run("packed.py")

    listed = shell("results", "ls", run).out
    assert "resultant-packed-" in listed
    assert shell("results", "read", run, "own[1]").out.strip() == "v" * 20
    shown = shell("results", "show", run, "own[1]")
    assert shown.status == 0, shown
    verified = shell("results", "verify")
    assert verified.status == 0, verified
    (segment,) = (shell.home / "results").glob("resultant-packed-*")
    data = bytearray(segment.read_bytes())
    data[data.index(b"v" * 20) + 3] ^= 1
    segment.write_bytes(data)
    verified = shell("results", "verify")
    assert verified.status == 1
    assert "1 damaged, 2 ok" in verified.out


def test_a_place_that_names_something_else_in_the_segment_is_refused(tmp_path: Path) -> None:
    with Flow("hostile", result=LocalResult(dir=tmp_path, pack=True)) as flow:
        text.map(list(range(3)))
    location = str(children(flow.run(), flow, "text")[1]._result.location)
    place = split_place(location)
    assert place is not None

    reader = LocalResult(dir=tmp_path)
    for offset in range(place.offset - 5, place.offset + 40):
        for length in (place.length - 1, place.length, place.length + 1):
            if (offset, length) != (place.offset, place.length):
                with pytest.raises(CorruptResultError):
                    reader.read(f"{place.segment}/{offset}+{length}")
    assert FileStore(str(tmp_path)).get(location)


def test_names_of_tasks_may_be_anything(tmp_path: Path) -> None:
    names = ["a/b", "../x", "{braces}", "new\nline", "naïve …", "#1+2", "x" * 300, '"q"']
    with Flow("names", result=LocalResult(dir=tmp_path, pack=True)) as flow:
        for name in names:
            task(lambda x: x, name=name).map([1, 2])  # type: ignore[call-overload]

    state = flow.run()

    assert state.is_successful(), state.message
    assert len(list(tmp_path.iterdir())) == 1
    run = open_run(run_id())
    assert all(run[f"{name}-1"].value == [1, 2] for name in names)


def test_a_mapped_parameter_and_a_flow_without_children(make: Make, executor: Any) -> None:
    with Flow("few", result=make()) as flow:
        numbers = Parameter("numbers", default=[])
        text.map(add.map(numbers))

    assert flow.run(executor=executor).is_successful()
    assert flow.run(executor=executor, parameters={"numbers": [1]}).is_successful()
    assert open_run(run_id())["text"].value == ["text 2"]
