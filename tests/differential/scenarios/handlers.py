"""SPEC 8.5: state handlers of tasks, flows and runners."""

import datetime

from prefect import Flow, Task, task
from prefect.engine.flow_runner import FlowRunner
from prefect.engine.results import LocalResult
from prefect.engine.signals import FAIL, SKIP, SUCCESS
from prefect.engine.state import Failed, Finished, Skipped, Success
from prefect.engine.task_runner import TaskRunner
from prefect.utilities.configuration import set_temporary_config


@task
def plus(x):
    return x + 1


def calls(record):
    seen = record.handler()

    @task(state_handlers=[seen])
    def good():
        return 1

    @task(state_handlers=[seen])
    def bad():
        raise ValueError("x")

    @task(state_handlers=[seen], max_retries=1, retry_delay=datetime.timedelta(0))
    def flaky():
        raise ValueError("x")

    for made in (good, bad, flaky):
        with Flow("f", state_handlers=[seen]) as flow:
            made()
        record.flow(flow, flow.run())


def order_and_old_states(record):
    def make(name):
        def handler(thing, old, new):
            record("call", [name, repr(old), repr(new)])
            return Success(f"from {name}", result=name) if new.is_successful() else new

        return handler

    @task(state_handlers=[make("a"), make("b")])
    def one():
        return 1

    with Flow("f") as flow:
        plus.copy(name="after")
        one()
    record.flow(flow, flow.run())


def none_keeps_the_state(record):
    @task(state_handlers=[lambda *args: None])
    def one():
        return 1

    with Flow("f") as flow:
        one()
    record.flow(flow, flow.run())


def replaces(record):
    def swap(thing, old, new):
        if new.is_failed():
            return Success("swapped", result=5)
        return new

    @task(state_handlers=[swap])
    def bad():
        raise ValueError("x")

    with Flow("f") as flow:
        plus(bad())
    record.flow(flow, flow.run())


def turns_success_into_failure(record):
    def swap(thing, old, new):
        return Failed("swapped", result=KeyError("k")) if new.is_successful() else new

    @task(state_handlers=[swap], result=LocalResult(dir="store", location="x.pkl"))
    def one():
        return 1

    with Flow("f") as flow:
        plus(one())
    with set_temporary_config({"flows.checkpointing": True}):
        record.flow(flow, flow.run())


def replaces_a_stored_value(record):
    def swap(thing, old, new):
        if new.is_successful():
            new.result = 5
        return new

    @task(state_handlers=[swap], result=LocalResult(dir="store", location="x.pkl"))
    def one():
        return 1

    with Flow("f") as flow:
        plus(one())
    with set_temporary_config({"flows.checkpointing": True}):
        record.flow(flow, flow.run())
    record.files()


def raises_an_error(record):
    def broken(thing, old, new):
        raise ZeroDivisionError("in the handler")

    @task(state_handlers=[broken])
    def one():
        return 1

    with Flow("f") as flow:
        plus(one())
    record.flow(flow, flow.run())


def errors_of_handlers_are_logged(record):
    def broken(thing, old, new):
        raise ZeroDivisionError("in the handler")

    @task(state_handlers=[broken])
    def one():
        return 1

    with Flow("f") as flow:
        one()
    with record.logs("log", contains="state handler"):
        flow.run()


def raises_an_error_at_the_end(record):
    def broken(thing, old, new):
        if new.is_finished():
            raise ZeroDivisionError("in the handler")

    @task(state_handlers=[broken])
    def one():
        record("ran", True)
        return 1

    with Flow("f") as flow:
        one()
    record.flow(flow, flow.run())


def raises_signals(record):
    for signal in (SKIP("s"), SUCCESS("s", result=4), FAIL("s")):

        def raises(thing, old, new, signal=signal):
            if new.is_running():
                raise signal

        @task(state_handlers=[raises])
        def one():
            record("ran", True)
            return 1

        with Flow("f") as flow:
            one()
        record.flow(flow, flow.run())


def on_failure(record):
    def note(thing, state):
        record("failed", [thing.name, type(state).__name__, state.message])

    class Bad(Task):
        def run(self):
            raise ValueError("x")

    with Flow("f", on_failure=note) as flow:
        Bad(on_failure=note)()
        task(lambda: 1, name="good", on_failure=note)()
    record("handlers", len(Task(on_failure=note, state_handlers=[note]).state_handlers))
    record.flow(flow, flow.run())


def on_failure_and_triggers(record):
    def note(thing, state):
        record("failed", [thing.name, type(state).__name__])

    @task(on_failure=note)
    def bad():
        raise ValueError("x")

    with Flow("f") as flow:
        plus.copy(name="after", on_failure=note) if False else None
        task(lambda x: x, name="after", on_failure=note)(bad())
    flow.run()


def runner_handlers(record):
    def make(name):
        def handler(thing, old, new):
            record("call", [name, type(thing).__name__, type(old).__name__, type(new).__name__])

        return handler

    made = task(lambda: 1, name="one", state_handlers=[make("task")])
    record.state("task", TaskRunner(made, state_handlers=[make("runner")]).run())
    with Flow("f", state_handlers=[make("flow")]) as flow:
        made()
    state = FlowRunner(flow, state_handlers=[make("flow runner")]).run(task_runner_state_handlers=[make("task runner")])
    record("flow", type(state).__name__)
    with record.error("not a sequence", TypeError):
        TaskRunner(made, state_handlers=make("x"))
    with record.error("not a sequence", TypeError):
        Flow("f", state_handlers=make("x"))


def flow_handlers(record):
    def replace(thing, old, new):
        record("call", [thing.name, type(old).__name__, type(new).__name__, new.message])
        if new.is_failed():
            return Success("all is well", result=new.result)
        return None

    with Flow("f", state_handlers=[replace]) as flow:
        task(lambda: 1 / 0, name="bad")()
    state = flow.run()
    record("state", [type(state).__name__, state.message])


def flow_handler_raises(record):
    def broken(thing, old, new):
        raise ZeroDivisionError("in the handler")

    with Flow("f", state_handlers=[broken]) as flow:
        task(lambda: 1, name="good")()
    state = flow.run()
    record("state", [type(state).__name__, state.message, state.result])


def mapped_handlers(record):
    @task(state_handlers=[record.handler()])
    def twice(x):
        if x == 2:
            raise ValueError("x")
        return x * 2

    with Flow("f") as flow:
        twice.map([1, 2])
    flow.run()


def skipped_tasks(record):
    @task
    def skips():
        raise SKIP("no")

    @task(state_handlers=[record.handler()])
    def after(x):
        return 1

    with Flow("f") as flow:
        after(skips())
    record.flow(flow, flow.run())


def terminal_state_handler(record):
    def replace(flow, state, reference_task_states):
        record("call", [flow.name, type(state).__name__, sorted(type(s).__name__ for s in reference_task_states)])
        return Skipped("by the handler", result=state.result)

    def keep(flow, state, reference_task_states):
        state.message = "changed in place"

    def broken(flow, state, reference_task_states):
        raise ZeroDivisionError("in the handler")

    for handler in (replace, keep, broken):
        with Flow("f", terminal_state_handler=handler) as flow:
            task(lambda: 1, name="good")()
        state = flow.run()
        record("state", [type(state).__name__, state.message])


def terminal_state_handler_with_failures(record):
    def look(flow, state, reference_task_states):
        failed = [s for s in reference_task_states if s.is_failed()]
        record("failed", len(failed))
        return Success("replaced", result=state.result) if state.is_failed() else None

    with Flow("f", terminal_state_handler=look) as flow:
        task(lambda: 1 / 0, name="bad")()
        task(lambda: 1, name="good")()
    record.flow(flow, flow.run())


def finished_state_of_another_kind(record):
    def swap(thing, old, new):
        return Finished("just finished", result=3) if new.is_successful() else new

    @task(state_handlers=[swap])
    def one():
        return 1

    with Flow("f") as flow:
        plus(one())
    record.flow(flow, flow.run())
