"""A run in a process that dies right after the bytes of one result are in the store, and before its row can be anywhere.

``python intents_killed.py EXECUTOR RESULT-JSON LAST``: the run's id is ``killed``; the process is gone after LAST writes.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from typing import Any

from resultant import Flow, config, task
from resultant.engine.results import URLResult
from resultant.executors import LocalExecutor, ProcessExecutor, ThreadExecutor

EXECUTORS = {"local": LocalExecutor, "threads": lambda: ThreadExecutor(2), "processes": lambda: ProcessExecutor(1)}


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
    for cls in (FsspecStore, ObjectStore):
        put = cls.put

        def dying(self: Any, key: str, data: bytes, put: Any = put) -> str:
            with lock:
                location: str = put(self, key, data)
                written[0] += 1
                if written[0] == last:
                    for process in {driver, os.getpid()}:
                        os.kill(process, signal.SIGKILL)
                return location

        cls.put = dying  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    kind, text, last = sys.argv[1:]
    config.flows.checkpointing = True
    flow = build(json.loads(text))
    if kind == "processes":
        # What a worker does before its first task is to load this.
        driver = os.getpid()
        for each in flow.tasks:
            run = each.run
            each.run = lambda x, run=run, driver=driver, last=int(last): (
                os.environ.get("DYING") or (os.environ.update(DYING="1"), die_after(last, driver)),
                run(x),
            )[1]
    else:
        die_after(int(last), os.getpid())
    flow.executor = EXECUTORS[kind]()
    flow.run(flow_run_id="killed")
