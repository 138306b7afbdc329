"""Time limits: by an alarm, or in a process of its own (SPEC 8.1)."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta

import pytest

from resultant import Flow, LocalExecutor, Parameter, ProcessExecutor, ThreadExecutor, task
from resultant.engine import signals
from resultant.engine.signals import TaskTimeoutSignal
from resultant.engine.state import Failed, Skipped, Success, TimedOut

EXECUTORS = {"alarm": LocalExecutor, "thread": lambda: ThreadExecutor(1), "process": lambda: ProcessExecutor(1)}


@pytest.fixture(params=list(EXECUTORS))
def executor(request):
    return EXECUTORS[request.param]()


@task(timeout=1)
def sleeps(x=10):
    import time

    try:
        time.sleep(x)
    except Exception:  # what ends a task at its limit is no ordinary exception
        return "swallowed"


@task(timeout=30, log_stdout=True)
def look(x):
    from resultant import context

    context.logger.info("logged")
    print("printed")
    return context.task_name, context.map_index, context.parameters, context.mine, context.task_run_count, x


@task(timeout=30)
def skips():
    raise signals.SKIP("no")


@task(timeout=30)
def fails():
    raise KeyError("mine")


def test_too_long(executor):
    with Flow("f") as flow:
        made = sleeps(task_args={"timeout": 0.1})
        below = sleeps(made)
    began = time.monotonic()
    result = flow.run(executor=executor).result
    assert time.monotonic() - began < 5
    state = result[made]
    assert (type(state), state.message) == (TimedOut, "Task timed out during execution.")
    assert isinstance(state.result, TaskTimeoutSignal)
    assert result[below].message == 'Trigger was "all_successful" but some of the upstream tasks failed.'


def test_context_logging_and_outcomes_are_as_usual(executor):
    with Flow("f") as flow:
        looked, mapped, skipped, failed = look(Parameter("p")), look.map([1, 2]), skips(), fails()
    result = flow.run(executor=executor, p=5, context={"mine": "m"}).result
    assert result[looked].result == ("look", None, {"p": 5}, "m", 1, 5)
    assert [(each[1], each[5]) for each in result[mapped].result] == [(0, 1), (1, 2)]
    assert (type(result[skipped]), result[skipped].message) == (Skipped, "no")
    assert type(result[failed]) is Failed
    assert repr(result[failed].result) == "KeyError('mine')"


def test_what_is_logged_and_printed(caplog):
    caplog.set_level(logging.INFO)
    with Flow("f") as flow:
        look(Parameter("p", default=1))
    assert flow.run(context={"mine": "m"}).is_successful()
    said = [record.getMessage() for record in caplog.records if record.name == "resultant.look"]
    assert [line for line in said if line in ("logged", "printed")] == ["logged", "printed"]


def test_it_is_retried_like_any_failure():
    calls = []

    @task(timeout=1, max_retries=1, retry_delay=timedelta(0))
    def slow():
        calls.append(1)
        time.sleep(0 if len(calls) > 1 else 10)

    with Flow("f") as flow:
        made = slow(task_args={"timeout": 0.05})
    assert type(flow.run().result[made]) is Success
    assert len(calls) == 2


def test_in_a_thread_of_the_programs_own():
    states = []

    def run():
        with Flow("f") as flow:
            made = sleeps(task_args={"timeout": 0.1})
        states.append(flow.run().result[made])

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert [type(state) for state in states] == [TimedOut]


def test_an_alarm_that_was_there_before_is_put_back():
    import signal

    def ring(*_):
        """Never called."""

    before = signal.signal(signal.SIGALRM, ring)
    timer = signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        with Flow("f") as flow:
            fails()
        flow.run()
        assert signal.getsignal(signal.SIGALRM) is ring
        assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
        signal.setitimer(signal.ITIMER_REAL, 500)
        flow.run()
        assert 400 < signal.getitimer(signal.ITIMER_REAL)[0] <= 500
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, before)
