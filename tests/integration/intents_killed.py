"""A run in a process that dies right after the bytes of one result are in the store, and before its row can be anywhere.

``python intents_killed.py EXECUTOR RESULT-JSON LAST``: the run's id is ``killed``; the process is gone after LAST writes.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from resultant import Flow, config, task
from resultant.engine.results import URLResult
from resultant.executors import LocalExecutor, ProcessExecutor, ThreadExecutor

EXECUTORS = {
    "local": LocalExecutor,
    "threads": lambda: ThreadExecutor(2),
    "processes": lambda: ProcessExecutor(1),
    "workers": lambda: ProcessExecutor(1),
}


@task
def number(x: int) -> int:
    return x * 1000


def build(described: dict[str, Any]) -> Flow:
    result = URLResult(described["url"], options=described.get("options"), pack=described.get("pack", False))
    with Flow("killed", result=result) as flow:
        number.map(list(range(6)))
    return flow


def die_after(last: int, driver: int) -> None:
    """Have the process, and the one that drives it, killed when so many writes have been made."""
    from resultant.stores.fsspec import FsspecStore
    from resultant.stores.object import ObjectStore

    lock, written = threading.Lock(), [0]

    def write(really: Callable[[], str]) -> str:
        with lock:
            location = really()
            written[0] += 1
            if written[0] == last:
                # In this order: whoever comes second is not there any more to kill the first.
                os.kill(driver, signal.SIGKILL)
                os.kill(os.getpid(), signal.SIGKILL)
            return location

    class Dying:
        """A sink whose bytes are in the store when the process is not there any more."""

        def __init__(self, sink: Any) -> None:
            self._sink = sink

        def __getattr__(self, name: str) -> Any:
            return getattr(self._sink, name)

        def commit(self) -> str:
            return write(self._sink.commit)

    for cls in (FsspecStore, ObjectStore):
        put, sink = cls.put, cls.sink
        cls.put = lambda self, key, data, put=put: write(lambda: put(self, key, data))  # type: ignore[misc, method-assign]
        cls.sink = lambda self, key, sink=sink: Dying(sink(self, key))  # type: ignore[misc, method-assign, assignment, return-value]


if __name__ == "__main__":
    kind, text, last = sys.argv[1:]
    config.flows.checkpointing = True
    flow = build(json.loads(text))
    # Worker processes leave small results to the driver, and write large ones themselves.
    die_after(int(last), os.getpid())
    if kind == "workers":
        driver = os.getpid()
        for each in flow.tasks:
            each.run = lambda x, driver=driver, last=int(last): (
                os.environ.get("DYING") or (os.environ.update(DYING="1"), die_after(last, driver)),
                [x] * 2_000_000,
            )[1]
    flow.executor = EXECUTORS[kind]()
    flow.run(flow_run_id="killed")
