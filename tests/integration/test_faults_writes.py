"""A failed write is not a failed computation: the put is tried again, the code is not."""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from resultant import (
    Flow,
    JSONSerializer,
    LocalResult,
    ProcessExecutor,
    Result,
    Serializer,
    ThreadExecutor,
    config,
    task,
)
from resultant.engine.state import State
from resultant.engine.stored import StoredResult
from resultant.errors import (
    DeniedError,
    SerializationError,
    StorageFullError,
    StoreError,
    UnpicklableError,
    UnreachableError,
    WriteError,
)
from resultant.stores import FileStore, MemoryStore
from resultant.stores.file import is_temporary

pytestmark = pytest.mark.usefixtures("checkpointing")


class ShakyStore(MemoryStore):
    """A store whose first writes fail."""

    def __init__(self, *failures: Exception) -> None:
        super().__init__()
        self.failures = list(failures)
        self.puts = 0

    def put(self, key: str, data: bytes) -> str:
        self.puts += 1
        if self.failures:
            raise self.failures.pop(0)
        return super().put(key, data)


class ShakyResult(StoredResult):
    def __init__(self, store: Any, **options: Any) -> None:
        super().__init__(**options)
        self.shaky = store

    @property
    def store(self) -> Any:
        return self.shaky


def run_one(result: Result | None, value: Any = 1, **options: Any) -> tuple[State, list[Any]]:
    """Run a flow of one task that returns a value; return how it ended and the calls of its code."""
    calls: list[Any] = []

    @task(result=result, **options)
    def compute() -> Any:
        calls.append(1)
        return value

    with Flow("one") as flow:
        made = compute()
    state: State = flow.run().result[made]
    return state, calls


def not_written(state: State) -> WriteError:
    assert state.is_failed(), state
    assert isinstance(state.result, WriteError)
    assert state.message == str(state.result)
    return state.result


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resultant.runner.rewriting.PAUSES", (0, 0, 0))


# Transient failures


@pytest.mark.parametrize(
    "failure",
    [StoreError(5, "bad moment"), UnreachableError(111, "no answer"), OSError(5, "raw"), TimeoutError("slow")],
    ids=repr,
)
@pytest.mark.parametrize("value", [1, [1, 2, 3], b"x" * 3_000_000], ids=["scalar", "list", "large"])
def test_a_write_that_fails_for_a_moment_is_tried_again_without_the_code(
    failure: Exception, value: Any, no_pauses: None, caplog: pytest.LogCaptureFixture
) -> None:
    store = ShakyStore(failure, failure, failure)
    caplog.set_level(logging.WARNING)

    state, calls = run_one(ShakyResult(store, location="here"), value, max_retries=3, retry_delay=0)

    assert state.is_successful()
    assert calls == [1]
    assert store.puts == 4
    assert ShakyResult(store).read("here").value == value
    assert len([record for record in caplog.records if "trying again" in record.getMessage()]) == 3


def test_the_first_retries_wait_a_little(monkeypatch: pytest.MonkeyPatch) -> None:
    from resultant.runner.rewriting import PAUSES

    assert sorted(PAUSES) == list(PAUSES)
    assert 0 < PAUSES[0] <= 0.1
    assert sum(PAUSES) <= 5


# Permanent ones


def test_a_store_that_keeps_failing_fails_the_task_with_all_there_is_to_know(no_pauses: None) -> None:
    store = ShakyStore(*[StoreError(5, "the cable is out")] * 100)

    state, calls = run_one(ShakyResult(store, location="place/{task_name}"), [1], max_retries=3, retry_delay=0)

    error = not_written(state)
    assert calls == [1]
    assert store.puts == 4
    assert str(error) == (
        "The code of task 'compute' succeeded, but its result could not be written to 'place/compute': "
        "StoreError: the cable is out"
    )
    assert error.value == [1]
    assert error.location == "place/compute"
    assert isinstance(error.__cause__, StoreError)


@pytest.mark.parametrize("failure", [DeniedError(13, "no"), StorageFullError(28, "full")], ids=repr)
def test_what_waiting_will_not_cure_is_not_tried_again(failure: Exception) -> None:
    store = ShakyStore(*[failure] * 10)

    state, calls = run_one(ShakyResult(store, location="here"), [1], max_retries=3, retry_delay=0)

    assert not_written(state).__cause__ is failure
    assert store.puts == 1
    assert calls == [1]


@pytest.mark.parametrize(
    "location", ["file/below", "folder", "n" * 300], ids=["file in the way", "folder in the way", "too long"]
)
def test_a_name_that_cannot_be_written_is_not_tried_again(
    tmp_path: Path, location: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()

    state, calls = run_one(LocalResult(dir=tmp_path, location=location), [1], max_retries=2, retry_delay=0)

    assert isinstance(not_written(state).__cause__, StoreError)
    assert "trying again" not in caplog.text
    assert calls == [1]


def test_a_store_with_a_bug_of_its_own(no_pauses: None) -> None:
    state, calls = run_one(
        ShakyResult(ShakyStore(ZeroDivisionError("bug")), location="here"), [1], max_retries=2, retry_delay=0
    )

    assert isinstance(not_written(state).__cause__, ZeroDivisionError)
    assert "ZeroDivisionError: bug" in state.message
    assert calls == [1]


def test_an_earlier_failure_of_the_code_is_still_retried(no_pauses: None) -> None:
    store = ShakyStore(StoreError(5, "x"))
    calls = []

    @task(result=ShakyResult(store, location="here"), max_retries=2, retry_delay=0)
    def flaky() -> int:
        calls.append(1)
        if len(calls) < 3:
            raise ValueError("not yet")
        return 7

    with Flow("flaky") as flow:
        made = flaky()

    assert flow.run().result[made].result == 7
    assert len(calls) == 3
    assert ShakyResult(store).read("here").value == 7


@pytest.mark.parametrize("executor", [None, ThreadExecutor(workers=2)], ids=["local", "threads"])
def test_siblings_and_other_children_are_unaffected(executor: Any, tmp_path: Path) -> None:
    class Picky(FileStore):
        def put(self, key: str, data: bytes) -> str:
            if "3" in key:
                raise StorageFullError(28, "no room for threes", key)
            return super().put(key, data)

    @task(result=ShakyResult(Picky(str(tmp_path)), location="child-{map_index}"))
    def child(number: int) -> int:
        return number

    @task(skip_on_upstream_skip=False)
    def below(number: int) -> int:
        return number * 10

    with Flow("siblings") as flow:
        children = child.map(list(range(10)))
        others = below.map(children)
    states = flow.run(executor=executor).result

    assert [state.is_failed() for state in states[children].map_states] == [number == 3 for number in range(10)]
    assert [type(state).__name__ for state in states[others].map_states].count("Success") == 9
    assert type(states[others].map_states[3]).__name__ == "TriggerFailed"
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"child-{n}" for n in range(10) if n != 3]


def test_an_any_failed_trigger_hears_of_it() -> None:
    from resultant.triggers import any_failed

    @task(result=ShakyResult(ShakyStore(StorageFullError(28, "full")), location="here"))
    def lost() -> int:
        return 1

    @task(trigger=any_failed)
    def alarm(error: Any) -> str:
        assert isinstance(error, WriteError)
        return f"value was {error.value}"

    with Flow("alarm") as flow:
        made = alarm(lost())

    assert flow.run().result[made].result == "value was 1"


def test_a_failed_write_can_be_pickled_and_leaves_the_value_behind() -> None:
    state, _ = run_one(ShakyResult(ShakyStore(StorageFullError(28, "full")), location="here"), threading.Lock)

    error = cloudpickle.loads(cloudpickle.dumps(state)).result

    assert isinstance(error, WriteError)
    assert str(error) == str(state.result)
    assert error.location == "here"
    assert error.value is None


def test_raise_on_failure_raises_it() -> None:
    @task(result=ShakyResult(ShakyStore(StorageFullError(28, "full")), location="here"))
    def lost() -> int:
        return 1

    with Flow("raising") as flow:
        lost()

    with pytest.raises(WriteError, match="succeeded, but its result could not be written"):
        flow.run(raise_on_failure=True)


def test_a_handler_that_replaces_the_value_of_a_task_is_held_to_the_same_rules() -> None:
    from resultant.engine.state import Success

    store = ShakyStore()

    def replace(subject: Any, old: State, new: State) -> State | None:
        if new.is_successful():
            store.failures.append(StorageFullError(28, "full"))
            return Success("replaced", result="other")
        return None

    state, calls = run_one(ShakyResult(store, location="here"), "own", state_handlers=[replace])

    assert not_written(state).value == "other"
    assert calls == [1]


# Values that cannot become bytes


class Holder:
    def __init__(self, client: Any) -> None:
        self.client = client


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (threading.Lock(), "value"),
        ({"model": Holder(threading.Lock())}, "value['model'].client"),
        ([1, (2, {"deep": [threading.Lock()]})], "value[1][1]['deep'][0]"),
        ((number for number in range(3)), "value"),
        ([iter(set()), sys._getframe()], "value[1]"),
    ],
    ids=["itself", "attribute", "deep", "generator", "frame"],
)
def test_a_value_that_cannot_be_pickled_names_the_culprit(tmp_path: Path, value: Any, path: str) -> None:
    state, calls = run_one(LocalResult(dir=tmp_path, location="here"), value, max_retries=2, retry_delay=0)

    error = not_written(state)
    assert isinstance(error.__cause__, UnpicklableError)
    assert isinstance(error.__cause__, TypeError)
    assert path in state.message
    assert "'compute'" in state.message
    assert calls == [1]
    assert list(tmp_path.iterdir()) == []


def test_a_large_value_with_a_culprit_at_its_end_leaves_no_file(tmp_path: Path) -> None:
    state, _ = run_one(LocalResult(dir=tmp_path, location="here"), [os.urandom(3_000_000), threading.Lock()])

    assert isinstance(not_written(state).__cause__, UnpicklableError)
    assert list(tmp_path.iterdir()) == []


def test_a_value_that_cannot_be_pickled_leaves_what_was_there(tmp_path: Path) -> None:
    result = LocalResult(dir=tmp_path, location="here")
    result.write("before")

    with pytest.raises(UnpicklableError):
        result.write([os.urandom(3_000_000), threading.Lock()])

    assert result.read("here").value == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_without_checkpointing_the_same_value_is_fine(tmp_path: Path) -> None:
    lock = threading.Lock()

    @task
    def make() -> Any:
        return lock

    with Flow("in memory", result=LocalResult(dir=tmp_path)) as flow:
        made = make()

    assert flow.run(context={"checkpointing": False}).result[made].result is lock


def test_json_refuses_what_would_come_back_changed(tmp_path: Path) -> None:
    result = LocalResult(dir=tmp_path, location="here", serializer=JSONSerializer())
    for value in ({"a": (1, 2)}, {"a": [float("nan")]}, {1: "x"}, {"a": {3}}):
        state, _ = run_one(result, value)
        assert isinstance(not_written(state).__cause__, SerializationError)
    assert list(tmp_path.iterdir()) == []


def test_a_serializer_that_returns_no_bytes(tmp_path: Path) -> None:
    class Texts(Serializer):
        def serialize(self, value: Any) -> Any:
            return str(value)

        def deserialize(self, value: bytes) -> Any:
            return value.decode()

    state, _ = run_one(LocalResult(dir=tmp_path, location="here", serializer=Texts()), 5)

    assert "returned str instead of bytes" in str(not_written(state))


def test_a_serializer_with_a_bug(tmp_path: Path) -> None:
    class Broken(Serializer):
        def serialize(self, value: Any) -> bytes:
            raise RuntimeError("broken today")

    state, calls = run_one(
        LocalResult(dir=tmp_path, location="here", serializer=Broken()), 5, max_retries=2, retry_delay=0
    )

    assert "RuntimeError: broken today" in str(not_written(state))
    assert calls == [1]


# Interruptions


def test_ctrl_c_during_a_write_leaves_no_file_and_is_not_swallowed(tmp_path: Path) -> None:
    class Interrupts:
        def __reduce__(self) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_one(LocalResult(dir=tmp_path, location="here"), [os.urandom(3_000_000), Interrupts()])

    assert list(tmp_path.iterdir()) == []


def test_a_recursive_value_is_stored_and_a_bottomless_one_is_an_error(tmp_path: Path) -> None:
    recursive: list[Any] = [1]
    recursive.append(recursive)
    state, _ = run_one(LocalResult(dir=tmp_path, location="here"), recursive)
    stored = LocalResult(dir=tmp_path).read("here").value
    assert state.is_successful()
    assert stored[1] is stored

    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    state, calls = run_one(LocalResult(dir=tmp_path, location="deep"), deep, max_retries=1, retry_delay=0)

    assert isinstance(not_written(state).__cause__, SerializationError)
    assert "recursion" in state.message.lower()
    assert calls == [1]
    assert not (tmp_path / "deep").exists()
    while deep:
        deep = deep.pop()


# Two writers


WRITER = """
    import os, sys
    from resultant import LocalResult

    folder, me, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    result = LocalResult(dir=folder, location="shared")
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(count):
        size = (10, 5_000, 200_000, 1_500_000)[number % 4]
        result.write((me, number, bytes([me]) * size))
"""


def test_two_processes_that_write_one_place_and_every_read_sees_one_whole_value(tmp_path: Path) -> None:
    count = 150
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WRITER), str(tmp_path), str(me), str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for me in (1, 2)
    ]
    result = LocalResult(dir=tmp_path)
    seen = set()
    try:
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        while any(writer.poll() is None for writer in writers):
            if result.exists("shared"):
                me, number, data = result.read("shared").value
                assert data == bytes([me]) * (10, 5_000, 200_000, 1_500_000)[number % 4]
                seen.add((me, number))
        assert [writer.wait(30) for writer in writers] == [0, 0]
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate(timeout=30)

    assert {me for me, _ in seen} == {1, 2}
    assert [path.name for path in tmp_path.iterdir()] == ["shared"]
    assert result.read("shared").value[1] == count - 1


def test_two_threads_that_write_one_place(tmp_path: Path) -> None:
    result = LocalResult(dir=tmp_path, location="shared")
    failures: list[Exception] = []

    def write(me: int) -> None:
        try:
            for _ in range(200):
                result.write([me] * 1000)
                value = result.read("shared").value
                assert len(set(value)) == 1
                assert len(value) == 1000
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(me,)) for me in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert failures == []
    assert not any(is_temporary(path.name) for path in tmp_path.iterdir())


def test_workers_in_processes_report_what_they_could_not_write(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file")

    @task(result=LocalResult(dir=tmp_path, location="{place}/{map_index}"), max_retries=1, retry_delay=0)
    def child(place: str) -> str:
        return place

    with Flow("processes") as flow:
        made = child.map(["fine", "blocked"])
    fine, blocked = flow.run(executor=ProcessExecutor(workers=1)).result[made].map_states

    assert fine.is_successful()
    assert LocalResult(dir=tmp_path).read("fine/0").value == "fine"
    error = not_written(blocked)
    assert error.location == "blocked/1"
    assert "a file where a folder is needed" in str(error)


def test_durability_against_power_failure_syncs_every_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}") if os.path.isdir("/proc/self/fd") else "")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    state, _ = run_one(LocalResult(dir=tmp_path, location="here"), [1])
    assert state.is_successful()
    assert synced == []

    config.durability = "power"
    state, _ = run_one(LocalResult(dir=tmp_path, location="there"), [1])
    assert state.is_successful()
    assert len(synced) == 2


def test_bytes_are_plain_pickle(tmp_path: Path) -> None:
    run_one(LocalResult(dir=tmp_path, location="here"), {"a": [1, 2]})

    assert pickle.loads((tmp_path / "here").read_bytes()) == {"a": [1, 2]}
