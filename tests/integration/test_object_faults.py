"""Object stores behind a network that breaks: every value is right or its error is typed, nothing is torn or done twice."""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import pytest
from faulty_proxy import FAULTS, FaultyProxy

from resultant import Flow, URLResult, config, task
from resultant.errors import (
    DeniedError,
    MissingResultError,
    NoSuchBucketError,
    PlaceTakenError,
    StorageFullError,
    StoreError,
    ThrottledError,
    TooLargeError,
    UnreachableError,
    WriteError,
)
from resultant.stores.object import ObjectStore
from resultant.stores.object_sink import PART
from resultant.testing.streams import payload

pytestmark = pytest.mark.timeout(120)

#: Waits of milliseconds: the tests are about what happens, not about patience.
QUICK = {"backoff": {"init_backoff": 0.005, "max_backoff": 0.2}, "max_retries": 12}


def through(proxy: FaultyProxy, server: Any, **retries: Any) -> ObjectStore:
    """Return an empty store that is reached through a proxy."""
    bucket = server.bucket.at(proxy.port)
    return ObjectStore(f"{bucket.url}/{uuid.uuid4().hex}", {**bucket.options, "retry_config": {**QUICK, **retries}})


@pytest.fixture
def proxy(seaweedfs: Any) -> Iterator[FaultyProxy]:
    with FaultyProxy(seaweedfs.port) as made:
        yield made


@pytest.fixture
def store(proxy: FaultyProxy, seaweedfs: Any) -> ObjectStore:
    return through(proxy, seaweedfs)


def bytes_for(number: int) -> bytes:
    """Return what is written under a number: small, some large, a few in parts."""
    size = 1_000 + number if number % 50 else 300_000 + number if number % 400 else 2 * PART + 5
    return payload(size, number)


@cache
def large() -> bytes:
    """Return bytes that take three parts."""
    return payload(2 * PART + 10)


def upload(store: ObjectStore, key: str, data: bytes) -> None:
    """Write through a sink, and once more where the store says that it could not do that by itself."""
    for last in (False, False, False, True):
        sink = store.sink(key)
        try:
            for start in range(0, len(data), 1 << 20):
                sink.write(data[start : start + (1 << 20)])
            sink.commit()
        except UnreachableError as error:
            sink.abort()
            if last or error.final:
                raise
        else:
            return


def write_and_read(store: ObjectStore, number: int) -> bool:
    """Write in the way that a number asks for, read it again, and return whether it is the same."""
    key, data = f"folder/{number}", bytes_for(number)
    if number % 400 == 0:
        upload(store, key, data)
    elif number % 5:
        store.put(key, data)
    else:
        store.create(key, data)
    if number % 3:
        return store.get(key) == data
    with store.source(key) as source:
        return source.file().read() == data


@pytest.mark.slow
@pytest.mark.parametrize(("name", "number"), [("seaweedfs", 2_000), ("moto", 200), ("gcs", 200), ("azurite", 200)])
def test_with_a_fifth_of_the_requests_broken_every_value_is_right(
    name: str, number: int, request: pytest.FixtureRequest
) -> None:
    server = request.getfixturevalue(name)
    with FaultyProxy(server.port, rate=0.2, seed=1) as proxy:
        store = through(proxy, server)

        with ThreadPoolExecutor(16) as pool:
            right = list(pool.map(lambda each: write_and_read(store, each), range(number)))

        assert all(right)
        made = sum(proxy.faults.values()) / sum(proxy.requests.values())
        assert 0.15 < made < 0.25
        assert set(proxy.faults) == set(FAULTS)
        proxy.rate = 0.0
        assert sorted(store.list()) == sorted(f"folder/{each}" for each in range(number))


def test_where_most_requests_break_each_value_is_right_or_its_error_typed(proxy: FaultyProxy, seaweedfs: Any) -> None:
    store = through(proxy, seaweedfs, max_retries=2)
    old = payload(500, seed=-1)
    for number in range(200):
        store.put(f"folder/{number}", old)
    proxy.rate = 0.7

    def change(number: int) -> str:
        data = bytes_for(number + 1)
        try:
            store.put(f"folder/{number}", data)
            return "written" if store.get(f"folder/{number}") == data else "wrong"
        except (UnreachableError, ThrottledError) as error:
            return type(error).__name__

    with ThreadPoolExecutor(8) as pool:
        outcomes = Counter(pool.map(change, range(200)))
    proxy.rate = 0.0

    assert "wrong" not in outcomes
    assert outcomes["written"]
    assert outcomes["UnreachableError"]
    for number in range(200):
        assert store.get(f"folder/{number}") in (old, bytes_for(number + 1))


def test_of_several_that_create_under_faults_one_succeeds(proxy: FaultyProxy, store: ObjectStore) -> None:
    proxy.rate = 0.3

    def create(number: int) -> int:
        try:
            # The very same bytes: nothing but who wrote them tells them apart.
            store.create(f"lock-{number % 50}", b"taken")
        except PlaceTakenError:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(create, range(200)))

    winners = [sum(outcomes[number::50]) for number in range(50)]
    assert winners == [1] * 50


#: What a store may be asked to do, each with what shows that it was done.
ACTIONS: dict[str, Callable[[ObjectStore], Any]] = {
    "put": lambda store: store.put("new", b"new") and store.get("new") == b"new",
    "create": lambda store: store.create("new", b"new") and store.get("new") == b"new",
    "get": lambda store: store.get("old") == b"old",
    "read_range": lambda store: store.read_range("old", 1, 1) == b"l",
    "source": lambda store: store.source("old").read() == b"old",
    "has": lambda store: store.has("old") and not store.has("none"),
    "stat": lambda store: store.stat("old").size == 3,
    "list": lambda store: list(store.list()) == ["old"],
    "delete": lambda store: store.delete("old") is None and not store.has("old"),
    "set_aside": lambda store: store.get(store.set_aside("old")) == b"old" and not store.has("old"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("action", ACTIONS)
def test_no_single_fault_is_noticed(action: str, fault: str, proxy: FaultyProxy, store: ObjectStore) -> None:
    store.put("old", b"old")
    proxy.break_next = [fault, fault]

    assert ACTIONS[action](store)
    # Some faults are none that one would have to try again for.
    assert len(proxy.break_next) < 2


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("at", range(5))
def test_no_single_fault_in_an_upload_of_parts_is_noticed(
    at: int, fault: str, proxy: FaultyProxy, store: ObjectStore, seaweedfs: Any
) -> None:
    """Requests are: begin, three parts, complete."""
    data = large()
    proxy.break_next = [*[""] * at, fault]

    sink = store.sink("key")
    sink.write(data)
    assert sink.commit() == "key"

    assert store.get("key") == data
    assert list(store.list()) == ["key"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["seaweedfs", "moto", "gcs", "azurite"])
@pytest.mark.parametrize("way", ["sink", "put"])
def test_with_a_fifth_of_the_requests_broken_uploads_of_parts_arrive(
    name: str, way: str, request: pytest.FixtureRequest
) -> None:
    server = request.getfixturevalue(name)
    with FaultyProxy(server.port, rate=0.2, seed=2) as proxy:
        store = through(proxy, server)

        def write(number: int) -> bool:
            key = str(number)
            if way == "put":
                store.put(key, large())
            else:
                upload(store, key, large())
            return store.get(key) == large()

        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(write, range(24)))
        proxy.rate = 0.0
        assert len(list(store.list())) == 24


@pytest.mark.parametrize("fault", ["reset", "truncated", "lost", "broken"])
def test_a_large_object_is_read_on_where_the_connection_broke(
    fault: str, proxy: FaultyProxy, store: ObjectStore
) -> None:
    data = payload(4 * PART + 10)
    store.put("key", data)
    proxy.break_next = ["", fault, "", fault, fault]

    with store.source("key") as source:
        assert source.file().read() == data
    assert proxy.break_next == []


# What is tried again, what is not, and what is said about it


@pytest.mark.parametrize(
    ("answer", "kind", "times"),
    [
        ("403 AccessDenied", DeniedError, 1),
        ("401 ", DeniedError, 1),
        ("400 ExpiredToken", DeniedError, 1),
        ("301 PermanentRedirect", StoreError, 1),
        ("404 NoSuchKey", MissingResultError, 1),
        ("404 NoSuchBucket", NoSuchBucketError, 1),
        ("400 InvalidRequest", StoreError, 1),
        ("507 InsufficientStorage", StorageFullError, 1),
        ("503 SlowDown", ThrottledError, 4),
        ("429 ", ThrottledError, 4),
        ("500 InternalError", UnreachableError, 4),
        ("lost", UnreachableError, 4),
    ],
)
def test_only_what_may_pass_is_tried_again(
    answer: str, kind: type[Exception], times: int, proxy: FaultyProxy, seaweedfs: Any
) -> None:
    store = through(proxy, seaweedfs, max_retries=3)
    proxy.break_next = [answer] * 20

    with pytest.raises(kind) as caught:
        store.get("folder/key")

    assert proxy.requests.total() == times
    assert store.place("folder/key") in str(caught.value)
    assert getattr(caught.value, "final", True)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("answer", ["413 EntityTooLarge", "400 EntityTooLarge"])
def test_what_is_too_large_is_not_tried_again(answer: str, proxy: FaultyProxy, store: ObjectStore) -> None:
    proxy.break_next = [answer] * 20

    with pytest.raises(TooLargeError):
        store.create("key", b"x")
    with pytest.raises(TooLargeError):
        store.put("key", b"x")

    assert proxy.requests.total() == 2


def test_an_upload_of_parts_that_is_denied_is_not_tried_again(proxy: FaultyProxy, store: ObjectStore) -> None:
    proxy.break_next = ["403 AccessDenied"] * 20

    sink = store.sink("key")
    with pytest.raises(DeniedError):
        sink.write(payload(5 * PART))
        sink.commit()
    sink.abort()

    assert proxy.requests["POST"] == 1
    assert proxy.requests["PUT"] == 0


def test_retries_are_in_the_log_with_the_place_and_no_credential(
    proxy: FaultyProxy, store: ObjectStore, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.break_next = ["throttled", "lost"]

    with caplog.at_level(logging.DEBUG):
        store.put("folder/key", b"x")

    said = [record.getMessage() for record in caplog.records if record.name == "resultant.stores"]
    assert [record.levelname for record in caplog.records if record.name == "resultant.stores"] == ["WARNING"] * 2
    assert all(store.place("folder/key") in line for line in said)
    assert "SlowDown" in said[0]
    assert "(2 of 12)" in said[1]
    assert "testtest" not in caplog.text


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with FaultyProxy(1) as gone:
        port = gone.port
    options = {
        "endpoint": f"http://127.0.0.1:{port}",
        "access_key_id": "test",
        "secret_access_key": "testtest",
        "client_options": {"allow_http": True},
        "retry_config": {"max_retries": 1, "backoff": {"init_backoff": 0.01}},
    }

    with pytest.raises(UnreachableError) as caught:
        ObjectStore("s3://bucket", options).put("key", b"x")

    assert isinstance(caught.value, ConnectionError)
    assert "no connection could be made" in str(caught.value)


def test_a_client_gives_up_in_time(proxy: FaultyProxy, seaweedfs: Any) -> None:
    store = through(proxy, seaweedfs, max_retries=1_000, retry_timeout=0.3, backoff={"init_backoff": 0.02})
    proxy.rate, proxy._kinds = 1.0, ("throttled",)

    with pytest.raises(ThrottledError):
        store.put("key", b"x")

    assert 2 < proxy.requests.total() < 200


def test_a_task_does_not_add_tries_to_those_of_the_store(proxy: FaultyProxy, seaweedfs: Any) -> None:
    config.flows.checkpointing = True
    config.record.runs = False
    bucket = seaweedfs.bucket.at(proxy.port)
    ran = []
    retries = {"max_retries": 2, "backoff": {"init_backoff": 0.005}}

    @task
    def value() -> int:
        ran.append(1)
        return 1

    with Flow("denied", result=URLResult(bucket.url, **bucket.options, retry_config=retries)) as flow:
        ref = value()
    proxy.break_next = ["broken"] * 50
    state = flow.run()

    assert state.is_failed()
    error = state.result[ref].result
    assert isinstance(error, WriteError)
    assert "code of task 'value' succeeded" in str(error)
    assert "HTTP 500 InternalError" in str(error)
    assert ran == [1]
    assert proxy.requests["PUT"] == 3


def test_a_flow_whose_store_breaks_runs_each_task_once(proxy: FaultyProxy, seaweedfs: Any) -> None:
    config.flows.checkpointing = True
    bucket = seaweedfs.bucket.at(proxy.port)
    ran: Counter[int] = Counter()

    @task(target="{x}.pickle")
    def double(x: int) -> bytes:
        ran[x] += 1
        return payload(1_000 + x, x)

    result = URLResult(f"{bucket.url}/{uuid.uuid4().hex}", **bucket.options, retry_config=QUICK)
    with Flow("broken network", result=result) as flow:
        ref = double.map(list(range(100)))
    proxy.rate = 0.2
    first = flow.run()
    second = flow.run()
    proxy.rate = 0.0

    assert first.is_successful()
    assert second.is_successful()
    assert ran == Counter(range(100))
    assert second.result[ref].result == [payload(1_000 + x, x) for x in range(100)]
    assert sorted(result.store.list()) == sorted(f"{x}.pickle" for x in range(100))
