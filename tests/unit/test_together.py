"""Requests to a store that is far away are made together: by a resume, by a reader."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from resultant import Flow, config, open_run, runs, task
from resultant.engine.stored import StoredResult
from resultant.engine.together import at_once, each
from resultant.stores import MemoryStore

CHILDREN = 8


class FarStore(MemoryStore):
    """Answers when as many ask as it can answer at once; somebody who asks alone waits in vain."""

    concurrency = 4
    meeting: threading.Barrier | None = None

    def stat(self, key: str) -> Any:
        self._meet()
        return super().stat(key)

    def source(self, key: str) -> Any:
        self._meet()
        return super().source(key)

    def _meet(self) -> None:
        if self.meeting is not None:
            self.meeting.wait(5)


STORE = FarStore()


class FarResult(StoredResult):
    @property
    def store(self) -> Any:
        return STORE


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    config.flows.checkpointing = True
    monkeypatch.setattr(STORE, "meeting", None, raising=False)
    return [True]


def flow_of(broken: list[bool], ran: list[int]) -> Flow:
    @task
    def double(x: int) -> int:
        ran.append(x)
        return 2 * x

    @task
    def total(xs: list[int]) -> int:
        if broken[0]:
            raise ValueError("broken")
        return sum(xs)

    with Flow("far", result=FarResult()) as flow:
        total(double.map(list(range(CHILDREN))))
    return flow


def test_a_resume_looks_and_reads_together(broken: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []
    flow = flow_of(broken, ran)
    assert flow.run().is_failed()
    broken[0] = False
    ran.clear()
    monkeypatch.setattr(STORE, "meeting", threading.Barrier(4))
    state = flow.run(resume_run=runs()[0].id)
    assert state.is_successful(), state.message
    assert ran == []
    monkeypatch.setattr(STORE, "meeting", None)
    assert open_run(runs()[0].id, flow=flow)["total"].value == sum(range(0, 2 * CHILDREN, 2))


def test_what_is_lost_is_found_all_the_same(broken: list[bool]) -> None:
    ran: list[int] = []
    flow = flow_of(broken, ran)
    first = flow.run()
    children = next(state for state in first.result.values() if state.is_mapped())
    STORE.delete(children.map_states[3]._result.location)
    STORE.put(children.map_states[5]._result.location, b"something else")
    broken[0] = False
    ran.clear()
    assert flow.run(resume_run=runs()[0].id).is_successful()
    assert sorted(ran) == [3, 5]


def test_readers_read_children_together(broken: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    broken[0] = False
    flow = flow_of(broken, [])
    assert flow.run().is_successful()
    children = open_run(runs()[0].id, flow=flow)["double"]
    monkeypatch.setattr(STORE, "meeting", threading.Barrier(4))
    assert children.value == list(range(0, 2 * CHILDREN, 2))


def test_order_and_errors_are_kept() -> None:
    assert each(lambda x: x * x, list(range(50)), 8) == [x * x for x in range(50)]

    def picky(x: int) -> int:
        if x in (3, 30):
            raise ValueError(str(x))
        return x

    with pytest.raises(ValueError, match=r"^3$"):
        each(picky, list(range(50)), 8)
    assert each(lambda x: x, [1, 2], 8) == [1, 2]


def test_what_is_near_is_asked_one_by_one(tmp_path: Any) -> None:
    from resultant import LocalResult

    assert at_once(LocalResult(tmp_path).store, "x") == 1
    assert at_once(STORE, "x") == 4
    assert at_once(STORE, None) == 1
    assert at_once(STORE, "resultant-packed-1/2+3") == 1
    assert at_once(None, "x") == 1
