"""Runs a checkpointing flow again and again, each time in a process of its own that may be killed.

``python faults_killed_run.py`` reads lines ``<executor> <folder>`` and answers each with the id of a process that is about to
write there, and, when that process has ended, with how it ended.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from resultant import Flow, LocalResult, ProcessExecutor, ThreadExecutor, config, task

COUNT = 150

#: From a few bytes to what is streamed; most in between, so that a kill often falls into a write.
SIZES = (8, 900, 40_000, 300_000, 1_500_000)


#: ``None`` runs tasks on the main thread.
EXECUTORS: dict[str, Callable[[], Any]] = {
    "local": lambda: None,
    "threads": lambda: ThreadExecutor(workers=4),
    "processes": lambda: ProcessExecutor(workers=2),
}


def expected(number: int) -> tuple[int, bytes]:
    """Return the value of one child: large enough to be torn, and easy to check."""
    return number, bytes([number]) * SIZES[number % len(SIZES)]


def make_flow(folder: str, called: Callable[[int], Any] = lambda number: None) -> tuple[Flow, Any, Any]:
    """Return a flow that writes into a folder, its mapped task, and the one that sums up.

    Args:
        folder: where its results go.
        called: told of each call of a child's code.
    """

    @task(target="parts/{number:03d}")
    def part(number: int) -> tuple[int, bytes]:
        called(number)
        return expected(number)

    @task(target="total")
    def total(parts: list[tuple[int, bytes]]) -> int:
        return sum(len(data) for _, data in parts)

    with Flow("killed", result=LocalResult(dir=folder)) as flow:
        parts = part.map(list(range(COUNT)))
        whole = total(parts)
    return flow, parts, whole


def main() -> None:
    """Serve until the input ends."""
    config.flows.checkpointing = True
    import cloudpickle  # noqa: F401 - loaded once, not by every child

    for line in sys.stdin:
        name, folder = line.split(maxsplit=1)
        child = os.fork()
        if not child:
            try:
                flow, _, _ = make_flow(folder.strip())
                print(os.getpid(), flush=True)
                flow.run(executor=EXECUTORS[name]())
                # Whoever kills it must not hit somebody else who was given its id.
                signal.alarm(30)
                signal.pause()
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
