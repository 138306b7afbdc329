"""Runs and resumes one checkpointed flow, each time in a process of its own that may be killed.

``python resume_killed.py`` reads lines ``<executor> <folder> <run id> <attempt>``, and answers each with the id of a process
that is about to work on that run, and, when that process has ended, with how it ended.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from resultant import Flow, LocalResult, ProcessExecutor, ThreadExecutor, config, context, task, unmapped
from resultant.engine import signals
from resultant.triggers import any_failed

#: ``None`` runs tasks on the main thread.
EXECUTORS: dict[str, Callable[[], Any]] = {
    "local": lambda: None,
    "threads": lambda: ThreadExecutor(workers=4),
    "processes": lambda: ProcessExecutor(workers=2),
}

CHILDREN = 90


def note(log: str, text: str) -> None:
    """Write a line with the time: with one call, so that lines of several processes do not mix, and none is lost."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{text} {time.monotonic():.6f}\n".encode())
    os.close(file)


def note_ends(log: str) -> None:
    """Have it noted when the run hears of a task run's end, and gives away its row."""
    from resultant.records import TaskRun
    from resultant.runner import recorded_runs

    db = recorded_runs.database()
    later = db.task_runs_later

    def noted(rows: list[tuple[Any, ...]]) -> None:
        for row in map(TaskRun, *zip(*rows, strict=True)):
            if row.state in ("Success", "Cached", "Skipped") and (row.location or row.none):
                note(log, f"ended {row.slug} {row.index}")
        later(rows)

    def successes(run: str, slug: str | None, *rest: Any) -> Any:
        take = usual(run, slug, *rest)

        def noted_too(row: tuple[Any, ...]) -> None:
            # Of a mapped task it is the index that comes first, of another one the slug.
            note(log, f"ended {row[0]} -1" if slug is None else f"ended {slug} {row[0]}")
            take(row)

        return noted_too

    usual = db.successes
    db.task_runs_later = noted  # type: ignore[method-assign]
    db.successes = successes  # type: ignore[method-assign]


def make_flow(folder: str, attempt: int) -> tuple[Flow, Any]:
    """Return a flow of about 300 task runs, and the task that sums them up.

    Args:
        folder: where its results go, and the log of what is called.
        attempt: is noted with each call.
    """
    log = f"{folder}/log-{attempt}"

    def say(what: str) -> None:
        index = context.get("map_index")
        note(log, f"{what} {context.task_slug} {-1 if index is None else index}")

    def work(value: Any) -> Any:
        say("began")
        time.sleep(0.0003)
        return value

    @task
    def numbers() -> list[int]:
        return list(work(list(range(CHILDREN))))

    @task
    def square(x: int) -> int:
        return int(work(x * x))

    @task
    def data(x: int, factor: int) -> bytes:
        return bytes(work(bytes([x % 256]) * (factor, 5000, 70_000)[x % 3]))

    @task(max_retries=3, retry_delay=timedelta(milliseconds=5))
    def unsteady(x: int) -> int:
        if x % 3 == 0 and context.task_run_count == 1:
            say("began")
            raise ValueError("the first try")
        return int(work(x + 1))

    @task
    def broken(x: int) -> int:
        say("began")
        raise ValueError("always")

    @task(trigger=any_failed)
    def repair(x: Any) -> str:
        return str(work(repr(x)))

    @task
    def maybe(x: int) -> int | None:
        if x % 4 == 1:
            say("began")
            raise signals.SKIP("not this one")
        return work(None if x % 4 == 2 else x)

    @task
    def loop(x: int) -> int:
        value = context.get("task_loop_result", x)
        if context.get("task_loop_count", 1) < 3:
            raise signals.LOOP(result=value * 2)
        return int(work(value))

    @task(checkpoint=False)
    def loose(x: int) -> int:
        say("began")
        return x + 5

    @task
    def add_up(
        squares: list[int], sizes: list[bytes], others: list[int], *, mended: str, chain: int
    ) -> tuple[Any, ...]:
        return tuple(work((sum(squares), sum(map(len, sizes)), sum(others), mended, chain)))

    with Flow("killed and resumed", result=LocalResult(dir=f"{folder}/results")) as flow:
        squares = square.map(numbers())
        sizes = data.map(squares, unmapped(50))
        others = unsteady.map(list(range(20)))
        maybe.map(list(range(20)))
        chain = loop(1)
        for number in range(40):
            chain = square(loose(chain)) if number % 20 == 0 else unsteady(chain)
        mended = repair(broken(5))
        end = add_up(squares, sizes, others, mended=mended, chain=chain)
    flow.set_reference_tasks([end])
    return flow, end


def main() -> None:
    """Serve until the input ends."""
    import logging

    logging.disable(logging.CRITICAL)
    config.flows.checkpointing = True
    import sqlite3  # noqa: F401

    import cloudpickle  # noqa: F401 - loaded once, not by every child

    import resultant.runner.recorded_runs
    import resultant.runner.resuming  # noqa: F401

    for line in sys.stdin:
        name, folder, run_id, attempt = line.split()
        child = os.fork()
        if not child:
            try:
                flow, _ = make_flow(folder, int(attempt))
                note_ends(f"{folder}/log-{attempt}")
                print(os.getpid(), flush=True)
                options = {"flow_run_id": run_id} if attempt == "1" else {"resume_run": run_id}
                flow.run(executor=EXECUTORS[name](), **options)
                # Whoever kills it must not hit somebody else who was given its id.
                signal.alarm(30)
                signal.pause()
            except Exception:
                import traceback

                traceback.print_exc()
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
