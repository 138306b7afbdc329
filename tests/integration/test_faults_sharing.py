"""Values that change, and tasks that go on, while bytes travel to a slow store."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from resultant import Flow, ThreadExecutor, task
from resultant.engine.state import State
from resultant.engine.stored import StoredResult
from resultant.errors import StorageFullError, StoreError, WriteError
from resultant.stores import MemoryStore

pytestmark = [pytest.mark.usefixtures("checkpointing"), pytest.mark.timeout(60)]

#: Long enough for every wait that ends well; only a broken engine waits so long.
PATIENCE = 10


class SlowStore(MemoryStore):
    """A store whose writes end only when somebody lets them.

    Attributes:
        events: what happened, in order.
        gates: by key, an event that a write of it waits for.
    """

    background_from = 0

    def __init__(self) -> None:
        super().__init__()
        self.events: list[str] = []
        self.gates: dict[str, threading.Event] = {}
        self.failing: dict[str, list[Exception]] = {}

    def put(self, key: str, data: bytes) -> str:
        self.events.append(f"begin {key}")
        gate = self.gates.get(key)
        if gate is not None and not gate.wait(PATIENCE):
            self.events.append(f"nobody let {key} go on")
        if self.failing.get(key):
            self.events.append(f"fail {key}")
            raise self.failing[key].pop(0)
        location = super().put(key, data)
        self.events.append(f"end {key}")
        return location


class SlowResult(StoredResult):
    """A result in a slow store."""

    def __init__(self, store: SlowStore, **options: Any) -> None:
        super().__init__(**options)
        self.slow = store

    @property
    def store(self) -> Any:
        return self.slow


@pytest.fixture
def store() -> SlowStore:
    return SlowStore()


def where(events: list[str], event: str) -> int:
    assert event in events, events
    return events.index(event)


def test_what_is_stored_is_the_value_of_the_moment_the_task_returned(store: SlowStore) -> None:
    shared: list[Any] = [1, {"inner": [2]}]
    gate = store.gates["keep"] = threading.Event()

    @task
    def keep() -> list[Any]:
        return shared

    @task
    def mutate() -> str:
        store.events.append("mutate")
        shared.append("later")
        shared[1]["inner"].append("later")
        gate.set()
        return "mutated"

    with Flow("mutating", result=SlowResult(store, location="{task_name}")) as flow:
        kept = keep()
        mutate()
    state = flow.run()

    assert state.is_successful()
    assert "nobody let keep go on" not in store.events
    # The sibling ran while the bytes were under way, and did not reach them.
    assert where(store.events, "begin keep") < where(store.events, "mutate") < where(store.events, "end keep")
    assert SlowResult(store).read("keep").value == [1, {"inner": [2]}]
    # In this process the flow sees the object itself.
    assert state.result[kept].result is shared


def test_independent_tasks_run_while_bytes_travel_and_dependents_wait(store: SlowStore) -> None:
    gate = store.gates["slow"] = threading.Event()

    @task
    def slow() -> int:
        return 1

    @task
    def independent(number: int) -> int:
        store.events.append(f"independent {number}")
        if number == 4:
            gate.set()
        return number

    @task
    def dependent(value: int) -> int:
        store.events.append("dependent")
        return value + 1

    with Flow("independent", result=SlowResult(store, location="{task_name}")) as flow:
        made = dependent(slow())
        for number in range(5):
            independent(number, task_args={"name": f"independent-{number}"})
    state = flow.run()

    assert state.is_successful()
    assert state.result[made].result == 2
    end = where(store.events, "end slow")
    for number in range(5):
        assert where(store.events, "begin slow") < where(store.events, f"independent {number}") < end
    assert end < where(store.events, "dependent")
    assert "nobody let slow go on" not in store.events


def test_handlers_hear_of_a_success_when_the_bytes_are_there(store: SlowStore) -> None:
    gate = store.gates["slow"] = threading.Event()

    def handler(subject: Any, old: State, new: State) -> None:
        if subject.name == "slow":
            store.events.append(type(new).__name__)
            if new.is_successful():
                assert store.has("slow")
                assert new._result.location == "slow"

    @task(state_handlers=[handler])
    def slow() -> int:
        return 1

    @task
    def other() -> None:
        store.events.append("other")
        gate.set()

    with Flow("handled", result=SlowResult(store, location="{task_name}")) as flow:
        slow()
        other()
    assert flow.run().is_successful()

    assert [event for event in store.events if event != "begin other"] == [
        "Running",
        "begin slow",
        "other",
        "end slow",
        "Success",
    ]


def test_order_is_kept_per_task_across_retries(store: SlowStore) -> None:
    def handler(subject: Any, old: State, new: State) -> None:
        store.events.append(f"{subject.name} {type(old).__name__}-{type(new).__name__}")

    tries = []

    @task(state_handlers=[handler], max_retries=1, retry_delay=0)
    def flaky() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("first")
        return 1

    with Flow("ordered", result=SlowResult(store, location="{task_name}")) as flow:
        flaky()
    assert flow.run().is_successful()

    assert store.events == [
        "flaky Pending-Running",
        "flaky Running-Failed",
        "flaky Failed-Retrying",
        "flaky Retrying-Running",
        "begin flaky",
        "end flaky",
        "flaky Running-Success",
    ]


def test_mapped_children_travel_at_once_and_the_next_child_follows_its_own(store: SlowStore) -> None:
    gates = {number: store.gates.setdefault(f"first-{number}", threading.Event()) for number in range(4)}

    @task(result=SlowResult(store, location="first-{map_index}"))
    def first(number: int) -> int:
        store.events.append(f"first {number}")
        if number == 3:
            gates[3].set()
        return number

    @task(result=SlowResult(store, location="second-{map_index}"))
    def second(number: int) -> int:
        store.events.append(f"second {number}")
        if number:
            gates[number - 1].set()
        return number

    with Flow("mapped") as flow:
        made = second.map(first.map(list(range(4))))
    state = flow.run()

    assert state.result[made].result == [0, 1, 2, 3]
    assert not any(event.startswith("nobody") for event in store.events)
    # The last child's bytes came first, so its follower ran first: no child waits for its siblings.
    assert [event for event in store.events if event.startswith("second ")] == [f"second {n}" for n in (3, 2, 1, 0)]


def test_a_write_that_fails_behind_the_tasks_back_fails_that_task_alone(store: SlowStore) -> None:
    gate = store.gates["lost"] = threading.Event()
    store.failing["lost"] = [StorageFullError(28, "no space in this store", "lost")]
    calls = []

    def handler(subject: Any, old: State, new: State) -> None:
        store.events.append(type(new).__name__)

    @task(max_retries=3, retry_delay=0, state_handlers=[handler])
    def lost() -> int:
        calls.append(1)
        return 1

    @task
    def other() -> int:
        gate.set()
        return 2

    @task
    def dependent(value: int) -> int:
        raise AssertionError("what it depends on was not stored")

    with Flow("failing", result=SlowResult(store, location="{task_name}")) as flow:
        below = dependent(lost())
        others = other()
    state = flow.run()

    states = state.result
    failed = states[flow.get_tasks("lost")[0]]
    assert failed.is_failed()
    assert isinstance(failed.result, WriteError)
    assert isinstance(failed.result.__cause__, StorageFullError)
    assert "succeeded" in failed.message
    assert "'lost'" in failed.message
    assert "no space in this store" in failed.message
    assert calls == [1]
    assert states[others].is_successful()
    assert type(states[below]).__name__ == "TriggerFailed"
    # The handlers never heard of a success.
    assert [event for event in store.events if event[0].isupper()] == ["Running", "Failed"]


def test_a_background_write_is_tried_again_without_the_code(store: SlowStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.failing["flaky"] = [StoreError(5, "a bad moment"), StoreError(5, "another")]
    calls = []

    @task
    def flaky() -> int:
        calls.append(1)
        return 1

    with Flow("failing", result=SlowResult(store, location="{task_name}")) as flow:
        made = flaky()
    state = flow.run().result[made]

    assert state.is_successful()
    assert calls == [1]
    assert store.events.count("begin flaky") == 3
    assert SlowResult(store).read("flaky").value == 1


def test_everything_is_stored_before_the_flow_is_done(store: SlowStore) -> None:
    for number in range(5):
        store.gates[f"late-{number}"] = threading.Event()
    timer = threading.Timer(0.05, lambda: [gate.set() for gate in store.gates.values()])

    @task(result=SlowResult(store, location="late-{map_index}"))
    def late(number: int) -> int:
        return number

    with Flow("late") as flow:
        late.map(list(range(5)))
    timer.start()
    state = flow.run()
    timer.join()

    assert state.is_successful()
    assert all(store.has(f"late-{number}") for number in range(5))


def test_ctrl_c_keeps_what_was_on_its_way(store: SlowStore) -> None:
    gate = store.gates["slow"] = threading.Event()
    timer = threading.Timer(0.05, gate.set)

    @task
    def slow() -> int:
        return 5

    @task
    def interrupted() -> None:
        timer.start()
        raise KeyboardInterrupt

    with Flow("interrupted", result=SlowResult(store, location="{task_name}")) as flow:
        slow()
        interrupted()
    with pytest.raises(KeyboardInterrupt):
        flow.run()
    timer.join()

    assert SlowResult(store).read("slow").value == 5


def test_every_pass_of_a_loop_is_stored_in_its_order(store: SlowStore) -> None:
    from resultant import context
    from resultant.engine.signals import LOOP

    @task(result=SlowResult(store, location="pass-{task_loop_count}"))
    def loop() -> int:
        count = context.get("task_loop_count", 1)
        store.events.append(f"pass {count}")
        if count < 3:
            raise LOOP(result=count * 10)
        return count * 10

    with Flow("looping") as flow:
        loop()
    assert flow.run().is_successful()

    assert store.events == [
        f"{word} {count}" if word == "pass" else f"{word} pass-{count}"
        for count in (1, 2, 3)
        for word in ("pass", "begin", "end")
    ]
    assert [SlowResult(store).read(f"pass-{count}").value for count in (1, 2, 3)] == [10, 20, 30]


def test_threads_that_share_a_value_store_what_their_task_returned(tmp_path: Path) -> None:
    """A value is pickled before its own task run ends; what other threads do meanwhile is the flow's own affair."""
    store = SlowStore()

    @task(result=SlowResult(store, location="v-{map_index}"))
    def make(number: int) -> list[int]:
        return [number] * 1000

    @task
    def spoil(values: list[int]) -> None:
        values.clear()

    with Flow("threads") as flow:
        spoil.map(make.map(list(range(30))))
    assert flow.run(executor=ThreadExecutor(workers=4)).is_successful()

    for number in range(30):
        assert SlowResult(store).read(f"v-{number}").value == [number] * 1000


def test_what_waits_to_be_written_is_bounded() -> None:
    from resultant.runner.writers import Writers

    writers = Writers(budget=100)
    gate = threading.Event()
    most = []

    def write() -> None:
        gate.wait(PATIENCE)

    writers.submit(60, write)
    writers.submit(40, write)
    begun = threading.Thread(target=lambda: most.append(writers.submit(1, write)))
    begun.start()
    begun.join(0.1)
    assert begun.is_alive(), "there was no room for it"
    gate.set()
    begun.join(PATIENCE)
    writers.close()

    assert len(most) == 1
    assert writers.waiting == 0
    # More than everything may go alone, or it could never be written.
    alone = Writers(budget=100)
    alone.submit(1000, lambda: None).result(PATIENCE)
    alone.close()
