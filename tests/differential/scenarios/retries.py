"""SPEC 8.3: retries."""

import datetime

import prefect
from prefect import Flow, context, task
from prefect.engine.flow_runner import FlowRunner
from prefect.engine.results import LocalResult
from prefect.engine.signals import FAIL, RETRY
from prefect.engine.state import Retrying
from prefect.engine.task_runner import TaskRunner

NOW = datetime.timedelta(0)
LATER = datetime.timedelta(minutes=10)


def succeeds_at_last(record):
    @task(max_retries=2, retry_delay=NOW)
    def flaky():
        record("ran", context.task_run_count)
        if context.task_run_count < 3:
            raise ValueError("not yet")
        return context.task_run_count

    @task
    def plus(x):
        return x + 1

    with Flow("f") as flow:
        plus(flaky())
    record.flow(flow, flow.run())


def gives_up(record):
    @task(max_retries=2, retry_delay=NOW, state_handlers=[record.handler()])
    def bad():
        record("ran", context.task_run_count)
        raise ValueError("never")

    with Flow("f") as flow:
        bad()
    record.flow(flow, flow.run())


def retrying_state(record):
    @task(max_retries=2, retry_delay=LATER)
    def bad():
        raise ValueError("never")

    first = TaskRunner(bad).run()
    record.state("first", first)
    record.state("not yet", TaskRunner(bad).run(state=first))
    second = TaskRunner(bad).run(state=Retrying(run_count=1))
    record.state("second", second)
    record.state("third", TaskRunner(bad).run(state=Retrying(run_count=2)))


def retry_caches_inputs(record):
    @task(result=LocalResult(dir="store", location="{task_name}.pkl"))
    def one():
        return 1

    @task(max_retries=1, retry_delay=LATER)
    def bad(x, y):
        raise ValueError("never")

    with Flow("f") as flow:
        made = bad(one(), 5)
    state = FlowRunner(flow).run(return_tasks=[made])
    record.flow(flow, state)


def fail_signal_is_retried(record):
    @task(max_retries=1, retry_delay=NOW)
    def bad():
        record("ran", context.task_run_count)
        raise FAIL("no", result=3)

    with Flow("f") as flow:
        bad()
    record.flow(flow, flow.run())


def retry_signal(record):
    @task
    def again():
        record("ran", context.task_run_count)
        if context.task_run_count < 3:
            raise RETRY("again please")
        return "done"

    with Flow("f") as flow:
        again()
    record.flow(flow, flow.run())


def retry_signal_later(record):
    @task
    def again():
        raise RETRY("later", start_time=datetime.datetime.now(datetime.UTC) + LATER)

    with Flow("f") as flow:
        made = again()
    record.flow(flow, FlowRunner(flow).run(return_tasks=[made]))


def retry_on(record):
    for kinds, error in (
        (ValueError, ValueError("x")),
        ([KeyError], ValueError("x")),
        ((OSError, KeyError), FileNotFoundError("x")),
    ):

        @task(max_retries=1, retry_delay=NOW, retry_on=kinds)
        def bad(error):
            record("ran", context.task_run_count)
            raise error

        with Flow("f") as flow:
            bad(error)
        record.flow(flow, flow.run())


def trigger_failures_are_not_retried(record):
    @task
    def bad():
        raise ValueError("x")

    @task(max_retries=3, retry_delay=NOW, state_handlers=[record.handler()])
    def after(x):
        record("ran", True)

    with Flow("f") as flow:
        after(bad())
    record.flow(flow, flow.run())


def handler_raises_retry(record):
    def again(thing, old, new):
        if new.is_failed() and context.task_run_count < 2:
            raise RETRY("from the handler")

    @task(state_handlers=[again])
    def bad():
        record("ran", context.task_run_count)
        raise ValueError("x")

    with Flow("f") as flow:
        bad()
    record.flow(flow, flow.run())


def mapped_children_retry_alone(record):
    @task(max_retries=1, retry_delay=NOW)
    def flaky(x):
        record("ran", [x, context.task_run_count])
        if x == 2 and context.task_run_count == 1:
            raise ValueError("not yet")
        return x * 10

    @task
    def total(xs):
        return sum(xs)

    with Flow("f") as flow:
        total(flaky.map([1, 2, 3]))
    record.flow(flow, flow.run())


def inputs_survive(record):
    calls = []

    @task
    def one():
        calls.append(1)
        return 7

    @task(max_retries=1, retry_delay=NOW)
    def flaky(x, y):
        record("inputs", [x, y])
        if context.task_run_count == 1:
            raise ValueError("not yet")
        return x

    with Flow("f") as flow:
        flaky(one(), y=[3])
    record.flow(flow, flow.run())
    record("calls", len(calls))


def logs_of_a_retry(record):
    @task(max_retries=1, retry_delay=NOW)
    def bad():
        raise ValueError("x")

    with Flow("f") as flow:
        bad()
    with record.logs("log", contains="Finished task run for task with final state: 'Retrying'"):
        flow.run()
    with record.logs("log", contains="Finished task run for task with final state: 'Failed'"):
        flow.run()


def restart_from_states(record):
    @task
    def one():
        record("one ran", True)
        return 1

    @task(max_retries=1, retry_delay=NOW)
    def flaky(x):
        record("flaky ran", context.task_run_count)
        return x + 1

    with Flow("f") as flow:
        a = one()
        b = flaky(a)
    state = flow.run(task_states={a: prefect.engine.state.Success(result=5), b: Retrying(run_count=1)})
    record.flow(flow, state)
