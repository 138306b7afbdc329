"""Writes that are finished together, and what is kept of segments that were just read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from resultant import Flow, URLResult, config, task
from resultant.errors import MissingResultError, UnreachableError, WriteError
from resultant.runner import together as module
from resultant.runner.together import Together
from resultant.runner.writers import Writers
from resultant.stores import MemoryStore
from resultant.stores.base import Stat
from resultant.stores.framing import Framer
from resultant.stores.object import ObjectStore
from resultant.stores.packed import new_name
from resultant.stores.segment_cache import EAGER, KEPT, SegmentCache


@pytest.fixture
def writers() -> Iterator[Writers]:
    made = Writers()
    yield made
    made.close()


@pytest.fixture
def batches(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> tuple[Together, list[list[int]]]:
    """Collects numbers, each of as many bytes as it says; the clock plays no part."""
    monkeypatch.setattr(module, "SECONDS", 3600.0)
    written: list[list[int]] = []
    made = Together(writers, list, written.append)
    writers.closing.append(made.close)
    return made, written


def entering(number: int) -> Callable[[list[int]], int]:
    def enter(batch: list[int]) -> int:
        batch.append(number)
        return number

    return enter


def test_a_batch_goes_when_it_has_enough_members(batches: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MEMBERS", 3)
    together, written = batches
    futures = [together.join(entering(number)) for number in range(7)]

    assert [future.result(20) for future in futures[:6]] == [None] * 6
    assert sorted(written) == [[0, 1, 2], [3, 4, 5]]
    assert not futures[6].done()
    assert together.waiting == 1
    together.seal()
    futures[6].result(20)
    assert together.waiting == 0


def test_a_batch_goes_when_it_has_enough_bytes(batches: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BYTES", 100)
    together, written = batches
    for number in (60, 39):
        together.join(entering(number))
    assert written == []
    together.join(entering(1)).result(20)

    assert written == [[60, 39, 1]]


def test_a_batch_goes_after_a_while(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.01)
    written: list[list[int]] = []
    together = Together(writers, list, written.append)
    together.join(entering(1)).result(20)
    together.join(entering(2)).result(20)
    together.close()

    assert written == [[1], [2]]


def test_what_comes_after_the_end_is_written_at_once(batches: Any) -> None:
    together, written = batches
    first = together.join(entering(1))
    together.close()
    together.close()
    first.result(20)
    together.join(entering(2)).result(20)

    assert written == [[1], [2]]
    together.seal()


def test_nothing_is_written_where_nobody_joined(batches: Any) -> None:
    together, written = batches

    def fails(batch: list[int]) -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        together.join(fails)
    together.seal()

    assert written == []
    assert together.waiting == 0


def test_every_member_is_told_of_a_failure_by_an_error_of_its_own(writers: Writers) -> None:
    def write(batch: list[int]) -> None:
        error = WriteError("not written")
        error.location = "there"
        raise error from OSError("why")

    together = Together(writers, list, write)
    futures = [together.join(entering(number)) for number in range(3)]
    together.seal()
    errors = []
    for future in futures:
        with pytest.raises(WriteError, match="not written") as caught:
            future.result(20)
        errors.append(caught.value)

    assert len({id(error) for error in errors}) == 3
    assert {error.location for error in errors} == {"there"}
    assert {str(error.__cause__) for error in errors} == {"why"}
    assert together.waiting == 0


def test_many_threads_join(writers: Writers) -> None:
    written: list[list[int]] = []
    together = Together(writers, list, written.append)

    def join(start: int) -> None:
        for number in range(start, start + 1500):
            together.join(entering(number))

    threads = [threading.Thread(target=join, args=(number * 1500,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together.close()
    writers.close()

    assert sorted(number for batch in written for number in batch) == list(range(6000))


def test_a_put_that_fails_is_tried_again_for_the_whole_segment(monkeypatch: pytest.MonkeyPatch) -> None:
    config.flows.checkpointing = True
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    real, failures = ObjectStore.put, [1, 1]

    def shaky(self: Any, key: str, data: bytes) -> str:
        if failures:
            failures.pop()
            raise UnreachableError(5, "no answer", key)
        return real(self, key, data)

    @task
    def add(x: int) -> int:
        return x + 1

    result = URLResult(f"memory:///{new_name()[-10:]}", pack=True)
    with Flow("shaky", result=result) as flow:
        added = add.map(list(range(10)))
    monkeypatch.setattr(ObjectStore, "put", shaky)

    state = flow.run()

    assert state.is_successful(), state.message
    children = state.result[added].map_states
    assert [result.read(child._result.location).value for child in children] == list(range(1, 11))


# What is kept of segments


class Counted:
    """A store in memory that counts what it is asked."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.asked: list[str] = []
        self.cache = SegmentCache(self.stat, self.read_range)

    def stat(self, key: str) -> Stat:
        self.asked.append("stat")
        return self.store.stat(key)

    def read_range(self, key: str, offset: int, length: int) -> bytes:
        self.asked.append("read")
        return self.store.read_range(key, offset, length)

    def segment(self, count: int) -> list[str]:
        framer = Framer("run")
        parts = [framer.value("task", index, b"%d" % index, 1.0) for index in range(count)]
        key = self.store.put(new_name(), b"".join(frame for frame, _ in parts))
        return [f"{key}/{offset}+{len(b'%d' % index)}" for index, (_, offset) in enumerate(parts)]

    def read(self, key: str) -> bytes:
        source = self.cache.source(key)
        assert source is not None
        return source.read()


def test_a_segment_is_fetched_whole_once_several_of_its_results_were_asked_for() -> None:
    counted = Counted()
    places = counted.segment(100)

    assert [counted.read(place) for place in places] == [b"%d" % index for index in range(100)]
    assert counted.asked == ["read"] * EAGER


def test_sizes_and_times_are_asked_for_once() -> None:
    counted = Counted()
    places = counted.segment(100)

    assert all(counted.cache.has(place) for place in places)
    sizes = [found.size for found in map(counted.cache.stat, places) if found is not None]
    assert sizes == [len(str(index)) for index in range(100)]
    assert counted.asked == ["stat"]


def test_few_segments_are_kept() -> None:
    counted = Counted()
    segments = [counted.segment(EAGER + 1) for _ in range(KEPT + 1)]
    for places in segments:
        for place in places:
            counted.read(place)
    before = len(counted.asked)

    counted.read(segments[-1][0])
    assert len(counted.asked) == before
    counted.read(segments[0][0])
    assert len(counted.asked) == before + 1


def test_what_this_process_removes_is_not_remembered() -> None:
    counted = Counted()
    places = counted.segment(EAGER + 1)
    for place in places:
        counted.read(place)
        counted.cache.stat(place)
    segment = places[0].rpartition("/")[0]
    counted.cache.forget(segment)
    counted.store.delete(segment)

    assert counted.cache.has(places[0]) is False
    with pytest.raises(MissingResultError):
        counted.read(places[0])
    with pytest.raises(MissingResultError):
        counted.cache.stat(places[0])


def test_what_others_removed_is_noticed_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted()
    places = counted.segment(EAGER + 1)
    for place in places:
        counted.read(place)
        counted.cache.stat(place)
    counted.store.delete(places[0].rpartition("/")[0])
    monkeypatch.setattr("resultant.stores.segment_cache.SECONDS", 0.0)
    monkeypatch.setattr("resultant.stores.segment_cache.LASTING", 0.0)

    assert counted.cache.has(places[0]) is False
    with pytest.raises(MissingResultError):
        counted.read(places[0])


def test_other_keys_are_none_of_its_business() -> None:
    counted = Counted()

    assert counted.cache.source("a/b") is None
    assert counted.cache.stat("a/b") is None
    assert counted.cache.has("a/b") is None
    counted.cache.forget("a/b")
    assert counted.asked == []
