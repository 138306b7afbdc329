"""SPEC 8, 8.1: how a task run ends."""

import datetime
import time

import prefect
from prefect import Flow, Task, task
from prefect.engine.signals import SKIP
from prefect.engine.state import Failed, Paused, Pending, Running, Scheduled, Skipped, Success
from prefect.engine.task_runner import TaskRunner


@task
def one():
    return 1


@task
def bad():
    raise ValueError("the text")


@task
def plus(x):
    return x + 1


def success():
    with Flow("f") as flow:
        plus(one())
    return flow


def failure():
    with Flow("f") as flow:
        plus(bad())
    return flow


def none_is_a_value():
    @task
    def nothing():
        pass

    @task
    def show(x):
        return repr(x)

    with Flow("f") as flow:
        show(nothing())
    return flow


def exception_object(record):
    error = KeyError("mine")

    @task
    def raises():
        raise error

    with Flow("f") as flow:
        made = raises()
    state = flow.run()
    record("same", state.result[made].result is error)
    record("message", state.result[made].message)


def base_exceptions(record):
    @task
    def leaves():
        raise SystemExit(3)

    with Flow("f") as flow:
        leaves()
    with record.error("exit", SystemExit):
        record.flow(flow, flow.run())


def keyboard_interrupt(record):
    @task
    def interrupted():
        raise KeyboardInterrupt

    with Flow("f") as flow:
        interrupted()
    try:
        record.flow(flow, flow.run())
    except KeyboardInterrupt:
        record("raised", True)


def skipped_upstream():
    @task
    def skips():
        raise SKIP("no")

    @task(skip_on_upstream_skip=False)
    def runs(x):
        return repr(type(x).__name__)

    with Flow("f") as flow:
        s = skips()
        plus(plus(s))
        runs(s)
    return flow


def skip_of_a_plain_dependency():
    @task
    def skips():
        raise SKIP("no")

    with Flow("f") as flow:
        one(upstream_tasks=[skips()])
    return flow


def timeout(record):
    @task(timeout=1)
    def slow():
        time.sleep(5)

    with Flow("f") as flow:
        slow()
        one()
    record.flow(flow, flow.run())


def timeout_not_reached():
    @task(timeout=30)
    def quick():
        return prefect.context.task_name

    with Flow("f") as flow:
        quick()
    return flow


def timeout_in_a_thread(record):
    from prefect.executors import LocalDaskExecutor

    @task(timeout=1)
    def slow():
        time.sleep(5)

    @task(timeout=10)
    def quick():
        return 1

    with Flow("f") as flow:
        slow()
        quick()
    record.flow(flow, flow.run(executor=LocalDaskExecutor(scheduler="threads", num_workers=2)))


def finished_states_stand(record):
    for state in (Success("mine", result=3), Failed("mine"), Skipped(), Running()):
        record("same", TaskRunner(one).run(state=state) is state)


def waiting_states_stand(record):
    later = Scheduled(start_time=datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=5))
    earlier = Scheduled(start_time=datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5))
    record("later", TaskRunner(one).run(state=later) is later)
    record.state("earlier", TaskRunner(one).run(state=earlier))
    paused = Paused()
    record("paused", TaskRunner(one).run(state=paused) is paused)
    record.state("paused until", TaskRunner(one).run(state=Paused(start_time=earlier.start_time)))


def unfinished_upstream(record):
    from prefect.core.edge import Edge

    state = Pending("as it was")
    result = TaskRunner(plus).run(state=state, upstream_states={Edge(one, plus, key="x"): Running()})
    record("same", result is state)


def trigger_that_answers(record):
    def no(states):
        return False

    def broken(states):
        raise ZeroDivisionError("in the trigger")

    for trigger in (no, broken):
        with Flow("f") as flow:
            Task(name="t", trigger=trigger)()
        record.flow(flow, flow.run())


def trigger_messages():
    with Flow("f") as flow:
        plus(plus(bad()))
    return flow


def errors_are_logged(record):
    with Flow("f") as flow:
        bad()
    with record.logs("log", contains="Task 'bad': Exception encountered during task execution!"):
        flow.run()


def printing(record):
    @task(log_stdout=True)
    def prints():
        print("first")
        print("second", "part")
        return 1

    @task
    def silent():
        print("not logged")

    with Flow("f") as flow:
        prints()
        silent()
    for words in ("first", "second", "not logged"):
        with record.logs(words, contains=words):
            flow.run()
    record.flow(flow, flow.run())


def own_logger(record):
    @task(name="talks")
    def talks():
        prefect.context.logger.info("from the context")
        prefect.context.get("logger").warning("a warning")

    class Talker(Task):
        def run(self):
            self.logger.info("from the task")

    with Flow("f") as flow:
        talks()
        Talker()()
    for words in ("from the context", "a warning", "from the task"):
        with record.logs("log", contains=words):
            flow.run()


def unhashable_and_odd_values():
    @task
    def odd():
        return {1: [2], "f": float("nan"), "t": (1,), "type": int}

    with Flow("f") as flow:
        odd()
    return flow


def task_that_returns_a_state():
    @task
    def returns():
        return Success("inner", result=4)

    @task
    def show(x):
        return type(x).__name__

    with Flow("f") as flow:
        show(returns())
    return flow


def diamond(record):
    order = []

    @task
    def step(name, *, a=None, b=None):
        order.append(name)
        return name

    with Flow("f") as flow:
        top = step("top")
        left, right = step("left", a=top), step("right", a=top)
        step("bottom", a=left, b=right)
    record.flow(flow, flow.run())
    record("ends", [order[0], order[-1], sorted(order)])
