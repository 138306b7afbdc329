"""SPEC 8.4: looping."""

import datetime

from prefect import Flow, context, task
from prefect.engine.signals import LOOP

NOW = datetime.timedelta(0)


def to_ten(record):
    @task
    def loops():
        total = context.get("task_loop_result", 1)
        record("pass", [context.get("task_loop_count"), context.get("task_loop_result")])
        if total < 10:
            raise LOOP(result=total * 2)
        return total

    with Flow("f") as flow:
        loops()
    record.flow(flow, flow.run())


def handlers(record):
    seen = record.handler()

    def messages(thing, old, new):
        record("message", new.message)

    @task(state_handlers=[seen, messages])
    def loops():
        if context.get("task_loop_count", 1) < 3:
            raise LOOP("pass", result=1)
        return "end"

    with Flow("f") as flow:
        loops()
    record.flow(flow, flow.run())


def message_by_default(record):
    def messages(thing, old, new):
        if new.is_looped():
            record("looping", ["looping" in str(new.message).lower(), new.loop_count, new.result])

    @task(state_handlers=[messages])
    def loops():
        if context.get("task_loop_count", 1) < 2:
            raise LOOP(result=3)
        return "end"

    with Flow("f") as flow:
        loops()
    record.flow(flow, flow.run())


def without_a_result(record):
    @task
    def loops():
        kept = context.get("task_loop_result")
        record("text", ["LOOP" in str(kept), type(kept).__name__])
        if context.get("task_loop_count", 1) < 2:
            raise LOOP
        return "end"

    with Flow("f") as flow:
        loops()
    record.flow(flow, flow.run())


def ends_in_failure(record):
    @task
    def loops():
        if context.get("task_loop_count", 1) < 3:
            raise LOOP(result=1)
        raise ValueError("at the end")

    with Flow("f") as flow:
        loops()
    record.flow(flow, flow.run())


def with_retries(record):
    tries = []

    @task(max_retries=1, retry_delay=NOW)
    def loops():
        count = context.get("task_loop_count", 1)
        record("pass", [count, context.get("task_loop_result"), context.task_run_count])
        if count == 2 and not tries:
            tries.append(1)
            raise ValueError("once")
        if count < 4:
            raise LOOP(result=count * 10)
        return "end"

    with Flow("f") as flow:
        loops()
    record.flow(flow, flow.run())


def starts_where_told(record):
    @task
    def loops():
        count = context.get("task_loop_count", 1)
        record("pass", count)
        if count < 22:
            raise LOOP(result=count)
        return count

    with Flow("f") as flow:
        loops()
    record.flow(flow, flow.run(context={"task_loop_count": 20}))


def with_inputs_and_downstream(record):
    @task
    def loops(x):
        count = context.get("task_loop_count", 1)
        if count < 3:
            raise LOOP(result=count)
        return x + context.task_loop_result

    @task
    def plus(x):
        return x + 1

    with Flow("f") as flow:
        plus(loops(10))
    record.flow(flow, flow.run())


def mapped(record):
    @task
    def loops(x):
        count = context.get("task_loop_count", 1)
        if count < x:
            raise LOOP(result=count)
        return [x, count, context.map_index]

    with Flow("f") as flow:
        loops.map([1, 2, 3])
    record.flow(flow, flow.run())


def logs_once(record):
    @task
    def loops():
        if context.get("task_loop_count", 1) < 4:
            raise LOOP(result=1)

    with Flow("f") as flow:
        loops()
    with record.logs("starting", contains="Starting task run..."):
        flow.run()
    with record.logs("finished", contains="Finished task run for task with final state"):
        flow.run()
