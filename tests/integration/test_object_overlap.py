"""Checkpoints in an object store overlap: while some are on their way, tasks that do not need them run."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from resultant import Flow, LocalExecutor, ProcessExecutor, S3Result, ThreadExecutor, config, task, unmapped

KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "testtest", "region_name": "us-east-1"}


class SlowRoad(ThreadingHTTPServer):
    """A server that passes requests on, writes late, and counts how many of those are on their way at once."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        self.target = port
        self.lock = threading.Lock()
        self.now = self.most = self.writes = 0
        super().__init__(("127.0.0.1", 0), Traveller)


class Traveller(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: SlowRoad

    def do_PUT(self) -> None:
        road = self.server
        with road.lock:
            road.now += 1
            road.writes += 1
            road.most = max(road.most, road.now)
        time.sleep(0.1)
        try:
            self.do_GET()
        finally:
            with road.lock:
                road.now -= 1

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        onward = http.client.HTTPConnection("127.0.0.1", self.server.target)
        onward.request(self.command, self.path, body, dict(self.headers))
        answer = onward.getresponse()
        data = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", answer.getheader("Content-Length") or str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        onward.close()

    do_HEAD = do_POST = do_DELETE = do_GET

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def road(moto: Any) -> Iterator[SlowRoad]:
    server = SlowRoad(moto.port)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@task
def square(number: int) -> int:
    return number * number


@task
def repeat(number: int, times: int) -> bytes:
    return bytes([number]) * times


@task
def add(squares: list[int], texts: list[bytes]) -> int:
    return sum(squares) + sum(map(len, texts))


@pytest.mark.parametrize("executor", [LocalExecutor(), ThreadExecutor(workers=2), ProcessExecutor(workers=2)], ids=repr)
def test_many_writes_are_on_their_way_at_once(moto: Any, road: SlowRoad, executor: Any) -> None:
    bucket = moto.new_bucket().name
    result = S3Result(bucket, {**KEYS, "endpoint_url": f"http://127.0.0.1:{road.server_address[1]}"})
    with Flow("overlapping", result=result) as flow:
        squares = square.map(list(range(40)))
        texts = [repeat(number, 3000) for number in range(40)]
        # Of some bytes the driver never sees anything but the place: they are too many.
        large = repeat.map([1, 2], unmapped(1 << 20))
        total = add(squares, texts)
    config.flows.checkpointing = True
    state = flow.run(executor=executor)

    assert state.is_successful()
    assert state.result[total].result == sum(number * number for number in range(40)) + 40 * 3000
    assert road.most >= 10
    stored = [each for mapped in (squares, large) for each in state.result[mapped].map_states]
    stored += [state.result[each] for each in texts]
    for each in stored:
        assert each._result.read(each._result.location).value == each.result


@pytest.mark.parametrize("executor", [LocalExecutor(), ProcessExecutor(workers=2)], ids=repr)
def test_what_needs_a_result_begins_when_it_is_stored(moto: Any, road: SlowRoad, executor: Any) -> None:
    bucket = moto.new_bucket().name
    result = S3Result(
        bucket, {**KEYS, "endpoint_url": f"http://127.0.0.1:{road.server_address[1]}"}, location="{task_slug}"
    )
    seen: list[int] = []

    def look(task: Any, old: Any, new: Any) -> None:
        # Called in this process, or in that of a worker: both find at the place what the task above has stored.
        if new.is_running():
            seen.append(result.read("square-1").value)

    second = square.copy(name="second", state_handlers=[look])
    with Flow("in order", result=result) as flow:
        last = second(square(3))
    config.flows.checkpointing = True
    state = flow.run(executor=executor)

    assert state.is_successful(), state.result[last].message
    assert state.result[last].result == 81
    assert road.writes == 2
