"""SPEC 8.6, 10.6: TaskRunner and FlowRunner, used directly."""

import datetime

import prefect
from prefect import Flow, Parameter, Task, task
from prefect.core.edge import Edge
from prefect.engine import get_default_executor_class, get_default_flow_runner_class, get_default_task_runner_class
from prefect.engine.flow_runner import ENDRUN, FlowRunner
from prefect.engine.results import LocalResult
from prefect.engine.state import Failed, Pending, Retrying, Running, Success
from prefect.engine.task_runner import TaskRunner
from prefect.utilities.configuration import set_temporary_config
from prefect.utilities.debug import raise_on_exception


@task
def one():
    return 1


@task
def plus(x, y=0):
    return x + y + 1


def task_runner(record):
    record.state("plain", TaskRunner(one).run())
    record.state(
        "inputs",
        TaskRunner(plus).run(
            upstream_states={
                Edge(one, plus, key="x"): Success(result=4),
                Edge(Task(), plus, key="y"): Success(result=10),
            }
        ),
    )
    record.state("missing input", TaskRunner(plus).run())


def task_runner_context(record):
    @task
    def look():
        return [prefect.context.get("mine"), prefect.context.get("outer")]

    with prefect.context(outer=1):
        runner = TaskRunner(look)
        record("context", runner.context.get("outer"))
    record.state("state", runner.run(context={"mine": 2}))


def task_runner_result(record):
    with set_temporary_config({"flows.checkpointing": True}):
        record.state("flow result", TaskRunner(one, flow_result=LocalResult(dir="store", location="x.pkl")).run())
        record.state("context", TaskRunner(one).run(context={"checkpointing": True}))
    record.files()


def task_runner_upstream_failure(record):
    record.state("failed", TaskRunner(plus).run(upstream_states={Edge(one, plus, key="x"): Failed("m")}))
    record.state("unfinished", TaskRunner(plus).run(upstream_states={Edge(one, plus, key="x"): Running("m")}))


def task_runner_mapped_parent(record):
    upstream = {Edge(one, plus, key="x", mapped=True): Success(result=[1, 2])}
    state = TaskRunner(plus).run(upstream_states=upstream, is_mapped_parent=True)
    record("parent", [type(state).__name__, state.message])


def flow_runner(record):
    with Flow("f") as flow:
        a = one()
        b = plus(a)
    state = FlowRunner(flow).run()
    record("nothing returned", [type(state).__name__, state.message, state.result])
    record.flow(flow, FlowRunner(flow).run(return_tasks=[b]))
    record.flow(flow, FlowRunner(flow).run(return_tasks=[a, b]))


def unknown_return_task(record):
    with Flow("f") as flow:
        one()
    state = FlowRunner(flow).run(return_tasks=[Task()])
    record("state", type(state).__name__)


def one_pass_only(record):
    @task(max_retries=3, retry_delay=datetime.timedelta(0))
    def bad():
        record("ran", prefect.context.task_run_count)
        raise ValueError("x")

    with Flow("f") as flow:
        made = bad()
    state = FlowRunner(flow).run(return_tasks=[made])
    record.flow(flow, state)
    again = FlowRunner(flow).run(return_tasks=[made], state=state, task_states=state.result)
    record.flow(flow, again)


def unfinished_terminal_tasks(record):
    @task(max_retries=1, retry_delay=datetime.timedelta(minutes=1))
    def bad():
        raise ValueError("x")

    with Flow("f") as flow:
        first = one()
        last = bad(upstream_tasks=[first])
        flow.set_reference_tasks([first])
    record.flow(flow, FlowRunner(flow).run(return_tasks=[first, last]))


def finished_state_is_returned(record):
    with Flow("f") as flow:
        one()
    done = Success("mine", result={"x": 1})
    state = FlowRunner(flow).run(state=done)
    record("state", [type(state).__name__, state.message, state.result])


def task_states(record):
    with Flow("f") as flow:
        a = one()
        b = plus(a)
    given = {a: Success("given", result=10)}
    record.flow(flow, FlowRunner(flow).run(task_states=given, return_tasks=[a, b]))
    record("unchanged", [type(s).__name__ for s in given.values()])


def parameters(record):
    with Flow("f") as flow:
        p = Parameter("p")
        made = plus(p, Parameter("q", default=5))
    record.flow(flow, FlowRunner(flow).run(parameters={"p": 1}, return_tasks=[made]))
    record.flow(flow, FlowRunner(flow).run(context={"parameters": {"p": 2, "q": 3}}, return_tasks=[made]))
    record.flow(flow, FlowRunner(flow).run(context={"parameters": {"p": 2}}, parameters={"p": 4}, return_tasks=[made]))
    state = FlowRunner(flow).run(return_tasks=[p, made])
    record(
        "missing",
        [
            type(state).__name__,
            type(state.result[p]).__name__,
            "required but not provided" in str(state.result[p].message),
        ],
    )


def context_and_task_contexts(record):
    @task
    def look():
        return [prefect.context.get("a"), prefect.context.get("b")]

    with Flow("f") as flow:
        first, second = look(), look()
    state = FlowRunner(flow).run(
        context={"a": 1, "b": 1}, task_contexts={second: {"b": 2}}, return_tasks=[first, second]
    )
    record.flow(flow, state)


def executors(record):
    from prefect.executors import LocalDaskExecutor, LocalExecutor

    with Flow("f") as flow:
        made = plus(one())
    for executor in (LocalExecutor(), LocalDaskExecutor(scheduler="synchronous"), LocalDaskExecutor(num_workers=2)):
        record.flow(flow, FlowRunner(flow).run(executor=executor, return_tasks=[made]))


def stores_no_cache(record):
    calls = []

    @task(cache_for=datetime.timedelta(hours=1))
    def counted():
        calls.append(1)
        return 1

    with Flow("f") as flow:
        counted()
    FlowRunner(flow).run()
    FlowRunner(flow).run()
    record("calls", len(calls))


def default_classes(record):
    record(
        "names",
        [
            made().__name__
            for made in (get_default_executor_class, get_default_flow_runner_class, get_default_task_runner_class)
        ],
    )
    with set_temporary_config({"engine.executor.default_class": "prefect.executors.LocalDaskExecutor"}):
        record("configured", get_default_executor_class().__name__)
    with record.warning("unknown"), set_temporary_config({"engine.executor.default_class": "not.there.Class"}):
        record("fallback", get_default_executor_class().__name__)

    class Mine(TaskRunner):
        pass

    with set_temporary_config({"engine.task_runner.default_class": Mine}):
        record("class", get_default_task_runner_class().__name__)


def raising(record):
    @task(name="bad")
    def bad():
        raise ZeroDivisionError("from the task")

    with Flow("f") as flow:
        bad()
    with record.error("task", ZeroDivisionError), raise_on_exception():
        TaskRunner(bad).run()
    with record.error("flow", ZeroDivisionError), raise_on_exception():
        flow.run()
    record("outside", type(flow.run()).__name__)


def raising_leaves_signals_alone(record):
    from prefect.engine.signals import FAIL, SKIP

    for signal in (FAIL("f"), SKIP("s")):

        @task
        def raises(signal=signal):
            raise signal

        with Flow("f") as flow:
            raises()
        try:
            with raise_on_exception():
                record.flow(flow, flow.run())
        except BaseException as error:
            record("raised", error)


def endrun_name(record):
    record("state", ENDRUN(Failed("x")).state)
    record("pending", Pending("m"))
    record("retrying", Retrying(run_count=2).run_count)


def own_runner_class(record):
    class Mine(FlowRunner):
        pass

    with Flow("f") as flow:
        one()
    record.flow(flow, flow.run(runner_cls=Mine))


def task_runner_repr(record):
    record("repr", repr(TaskRunner(one)))
    with Flow("x") as flow:
        one()
    record("flow repr", repr(FlowRunner(flow)))


def own_runner_class_waits_for_retries(record):
    class Mine(FlowRunner):
        pass

    @task(max_retries=2, retry_delay=datetime.timedelta(0))
    def flaky(x):
        record("ran", [x, prefect.context.task_run_count])
        if prefect.context.task_run_count < x:
            raise ValueError("not yet")
        return x

    with Flow("f") as flow:
        flaky(2)
        flaky.map([1, 3])
    record.flow(flow, flow.run(runner_cls=Mine))
