"""Flows that tasks run, limits within limits, and prints of several tasks at once."""

from __future__ import annotations

import signal
import sys
import threading
import time
from datetime import timedelta

import pytest

from resultant import Flow, LocalExecutor, LocalResult, ThreadExecutor, config, context, get_logger, task
from resultant.engine.signals import LOOP
from resultant.engine.state import TimedOut
from resultant.runner.capture import printed_to


@task
def keys():
    names = ("task_loop_count", "task_loop_result", "task_run_count", "flow_run_id", "flow_run_name", "flow_name")
    return {name: context.get(name) for name in names} | {"began": context.scheduled_start_time}


@pytest.mark.parametrize("executor", [LocalExecutor(), ThreadExecutor(2)], ids=repr)
def test_a_run_that_a_task_starts_is_a_run_of_its_own(executor):
    tried = []

    @task(max_retries=1, retry_delay=timedelta(0))
    def outer():
        if context.get("task_loop_count", 1) < 3:
            raise LOOP(result=1)
        if not tried:
            tried.append(1)
            raise ValueError
        with Flow("inner") as inner:
            seen = keys()
        return inner.run().result[seen].result, context.flow_run_id, context.flow_run_name, context.scheduled_start_time

    with Flow("outer") as flow:
        told = outer()
    inner, run_id, run_name, began = flow.run(executor=executor).result[told].result
    assert (inner["task_loop_count"], inner["task_loop_result"], inner["task_run_count"]) == (None, None, 1)
    assert inner["flow_name"] == "inner"
    assert inner["flow_run_id"] != run_id
    assert inner["flow_run_name"] != run_name
    assert inner["began"] > began


def test_a_loop_in_a_flow_that_a_looping_task_runs_counts_for_itself():
    @task
    def passes():
        count = context.get("task_loop_count", 1)
        if count < 3:
            raise LOOP(result=count)
        return count, context.task_loop_result

    @task
    def outer():
        if context.get("task_loop_count", 1) < 5:
            raise LOOP(result="outer")
        with Flow("inner") as inner:
            counted = passes()
        return inner.run().result[counted].result

    with Flow("outer") as flow:
        told = outer()
    assert flow.run().result[told].result == (3, 2)


def test_a_recorded_run_may_be_started_by_a_handler_of_a_recorded_run(tmp_path):
    config.flows.checkpointing = True
    result = LocalResult(dir=tmp_path)
    with Flow("second", result=result) as second:
        keys()
    ends = []

    def then(flow, old, new):
        if new.is_finished():
            ends.append(second.run())

    with Flow("first", result=result, state_handlers=[then]) as first:
        keys()
    assert first.run().is_successful()
    assert [end.is_successful() for end in ends] == [True]


def waits_within(inner_limit):
    @task(timeout=inner_limit)
    def waits():
        time.sleep(5)

    @task(timeout=1)
    def outer():
        with Flow("inner") as inner:
            ended = waits()
        ended = inner.run().result[ended]
        time.sleep(5)
        return ended

    with Flow("outer") as flow:
        told = outer()
    return flow.run().result[told]


@pytest.mark.parametrize("inner_limit", [3, 1])
def test_the_limit_of_a_task_outlasts_those_in_the_flow_that_it_runs(inner_limit):
    began = time.monotonic()
    assert type(waits_within(inner_limit)) is TimedOut
    assert time.monotonic() - began < 4


def test_an_alarm_of_the_program_rings_in_a_task_with_a_limit():
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(time.monotonic()))
    timer = signal.getitimer(signal.ITIMER_REAL)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)

        @task(timeout=5)
        def waits():
            time.sleep(0.1)
            return len(rung)

        with Flow("f") as flow:
            counted = waits()
        assert flow.run().result[counted].result == 1
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, before)


def test_prints_of_tasks_in_several_threads_go_to_the_log_of_each(caplog, capsys):
    everybody = threading.Barrier(3)

    def prints(name, log):
        @task(name=name, log_stdout=log)
        def prints():
            everybody.wait()
            print("one of", name)
            everybody.wait()
            print("two of", name)

        return prints

    with Flow("printing") as flow:
        prints("a", True)()
        prints("b", True)()
        prints("quiet", False)()
    stdout = sys.stdout
    with caplog.at_level("INFO", "resultant"):
        assert flow.run(executor=ThreadExecutor(3)).is_successful()
    assert sys.stdout is stdout
    said = {(record.name, record.getMessage()) for record in caplog.records if " of " in record.getMessage()}
    assert said == {(f"resultant.{name}", f"{word} of {name}") for name in "ab" for word in ("one", "two")}
    assert capsys.readouterr().out == "one of quiet\ntwo of quiet\n"


def test_standard_output_is_put_back_whoever_leaves_first(capsys):
    stdout = sys.stdout
    inside, leave = threading.Event(), threading.Event()

    def other():
        with printed_to(get_logger("other")):
            inside.set()
            leave.wait()

    thread = threading.Thread(target=other)
    with printed_to(get_logger("one")):
        thread.start()
        inside.wait()
    leave.set()
    thread.join()
    assert sys.stdout is stdout
    print("seen")
    assert capsys.readouterr().out == "seen\n"


def test_a_thread_that_a_task_starts_prints_for_it(caplog):
    @task(log_stdout=True)
    def prints():
        thread = threading.Thread(target=print, args=("from a thread",))
        thread.start()
        thread.join()

    with Flow("printing") as flow:
        prints()
    with caplog.at_level("INFO", "resultant"):
        flow.run()
    assert ("resultant.prints", "from a thread") in {(record.name, record.getMessage()) for record in caplog.records}
