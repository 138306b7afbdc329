"""Runs or resumes one flow with packed results, in a process that may be killed.

``python packed_killed.py <executor> <folder> <run id> <attempt> [<url> <options as JSON>]``
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from resultant import Flow, LocalResult, ProcessExecutor, ThreadExecutor, URLResult, config, context, task

CHILDREN = 300

EXECUTORS: dict[str, Any] = {
    "local": lambda: None,
    "threads": lambda: ThreadExecutor(workers=4),
    "processes": lambda: ProcessExecutor(workers=2),
}


def result_for(folder: str, where: list[str]) -> Any:
    """Return the result of the flow: below an address if there is one, else in the folder."""
    if where:
        return URLResult(where[0], options=json.loads(where[1]), pack=True)
    return LocalResult(dir=f"{folder}/results", pack=True)


def make_flow(folder: str, attempt: str, result: Any) -> tuple[Flow, Any]:
    """Return the flow, and the task that comes last; each call of a child leaves a line in a log."""
    log = f"{folder}/log-{attempt}"

    def note(text: str) -> None:
        file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, f"{text}\n".encode())
        os.close(file)

    @task
    def first(x: int) -> list[int]:
        note(f"first {context.map_index}")
        time.sleep(0.0005)
        return [x] * (x % 50)

    @task
    def second(xs: list[int]) -> int:
        note(f"second {context.map_index}")
        return sum(xs)

    @task
    def total(sums: list[int]) -> int:
        return sum(sums)

    with Flow("killed", result=result) as flow:
        last = total(second.map(first.map(list(range(CHILDREN)))))
    return flow, last


def main() -> None:
    """Run it, and say how it ended."""
    config.flows.checkpointing = True
    executor, folder, run_id, attempt, *where = sys.argv[1:]
    flow, last = make_flow(folder, attempt, result_for(folder, where))
    options = {"flow_run_id": run_id} if attempt == "1" else {"resume_run": run_id}
    state = flow.run(executor=EXECUTORS[executor](), **options)
    print(state.result[last].result if state.is_successful() else state.message, flush=True)


if __name__ == "__main__":
    main()
