"""SPEC 8.1: tasks that run out of time, on the main thread and elsewhere."""

from __future__ import annotations

import time
from typing import Any

import pytest

from resultant import Flow, LocalResult, ThreadExecutor, context, task
from resultant.engine.signals import TaskTimeoutSignal
from resultant.engine.state import State, TimedOut

pytestmark = [pytest.mark.usefixtures("checkpointing"), pytest.mark.timeout(60)]

EXECUTORS = pytest.mark.parametrize("executor", [None, ThreadExecutor(workers=2)], ids=["local", "threads"])


@EXECUTORS
def test_a_task_that_is_too_slow_times_out_and_nothing_is_written(tmp_path: Any, executor: Any) -> None:
    @task(timeout=1, result=LocalResult(dir=tmp_path, location="slow"))
    def slow() -> int:
        time.sleep(30)
        return 1

    @task
    def sibling() -> int:
        return 2

    with Flow("slow") as flow:
        made, other = slow(), sibling()
    begun = time.monotonic()
    states = flow.run(executor=executor).result

    assert type(states[made]) is TimedOut
    assert states[made].message == "Task timed out during execution."
    assert isinstance(states[made].result, TaskTimeoutSignal)
    assert states[other].is_successful()
    assert time.monotonic() - begun < 20
    assert list(tmp_path.iterdir()) == []


@EXECUTORS
def test_a_task_in_time_sees_its_context_and_its_value_is_stored(tmp_path: Any, executor: Any) -> None:
    @task(timeout=30, result=LocalResult(dir=tmp_path, location="{task_name}"))
    def quick(value: int) -> tuple[int, str, Any]:
        return value, context.task_name, context.parameters

    with Flow("quick") as flow:
        made = quick(5)
    state: State = flow.run(executor=executor).result[made]

    assert state.result == (5, "quick", {})
    assert LocalResult(dir=tmp_path).read("quick").value == (5, "quick", {})


@EXECUTORS
def test_an_exception_and_a_signal_of_a_task_in_time(executor: Any) -> None:
    from resultant.engine.signals import SKIP

    @task(timeout=30)
    def fails() -> None:
        raise ValueError("reason")

    @task(timeout=30)
    def skips() -> None:
        raise SKIP("not today")

    with Flow("others") as flow:
        failed, skipped = fails(), skips()
    states = flow.run(executor=executor).result

    assert isinstance(states[failed].result, ValueError)
    assert states[failed].message == "Error during execution of task: ValueError('reason')"
    assert states[skipped].is_skipped()
    assert states[skipped].message == "not today"


def test_a_timeout_is_retried_like_a_failure() -> None:
    calls = []

    @task(timeout=1, max_retries=1, retry_delay=0)
    def slow() -> int:
        calls.append(1)
        if len(calls) == 1:
            time.sleep(30)
        return 7

    with Flow("retried") as flow:
        made = slow()

    assert flow.run().result[made].result == 7
    assert len(calls) == 2


def test_the_clock_is_off_after_the_task() -> None:
    import signal

    @task(timeout=1)
    def quick() -> int:
        return 1

    with Flow("clock") as flow:
        quick()
    flow.run()

    assert signal.getitimer(signal.ITIMER_REAL)[0] > 2 or signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
