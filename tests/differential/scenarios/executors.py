"""SPEC 16: executors."""

import datetime
import os

import cloudpickle
import prefect
from prefect import Flow, Parameter, task, unmapped
from prefect.engine.results import LocalResult
from prefect.engine.signals import LOOP, SKIP, SUCCESS
from prefect.executors import Executor, LocalDaskExecutor, LocalExecutor
from prefect.utilities.configuration import set_temporary_config


@task
def give(x):
    return x


@task
def double(x):
    return x * 2


@task
def total(xs):
    return sum(xs)


@task
def picky(x):
    if x == 2:
        raise ValueError("two")
    if x == 3:
        raise SKIP("three")
    return x


@task(max_retries=1, retry_delay=datetime.timedelta(0))
def flaky(x):
    if prefect.context.task_run_count == 1:
        raise ValueError("not yet")
    return x


def _all():
    return [
        LocalExecutor(),
        LocalDaskExecutor(scheduler="threads", num_workers=2),
        LocalDaskExecutor(scheduler="processes", num_workers=2),
        LocalDaskExecutor(scheduler="synchronous"),
    ]


def base_class(record):
    executor = Executor()
    with record.error("submit", NotImplementedError):
        executor.submit(lambda: 1)
    with record.error("wait", NotImplementedError):
        executor.wait([])
    with executor.start():
        record("started", True)


def local(record):
    executor = LocalExecutor()
    with executor.start():
        record("submit", executor.submit(lambda x, y=0: x + y, 1, y=2))
        record("wait", executor.wait([1, {"a": 2}]))


def dask_schedulers(record):
    for name in (
        "threads",
        "Threads",
        "threading",
        "processes",
        "multiprocessing",
        "sync",
        "synchronous",
        "single-threaded",
    ):
        record("scheduler", LocalDaskExecutor(scheduler=name).scheduler)
    record("default", LocalDaskExecutor().scheduler)
    with record.error("unknown", ValueError):
        LocalDaskExecutor(scheduler="nothing")


def dask_runs(record):
    for scheduler in ("threads", "synchronous"):
        executor = LocalDaskExecutor(scheduler=scheduler, num_workers=2)
        calls = []

        def work(x, calls=calls):
            calls.append(x)
            return x + 1

        with executor.start():
            futures = [executor.submit(work, i) for i in range(3)]
            record("values", executor.wait(futures))
            record("structure", executor.wait({"a": executor.submit(work, 10)}))
        record("calls", len(calls) >= 4)


def pickled(record):
    for executor in _all():
        again = cloudpickle.loads(cloudpickle.dumps(executor))
        record("class", type(again).__name__)
        with executor.start():
            record("started", type(cloudpickle.loads(cloudpickle.dumps(executor))).__name__)


def dask_executor_arguments(record):
    from prefect.executors import DaskExecutor

    with record.error("both", ValueError):
        DaskExecutor(address="tcp://x:1", cluster_class="x.y")
    with record.error("kwargs", ValueError):
        DaskExecutor(address="tcp://x:1", cluster_kwargs={"n": 1})


def same_states_everywhere(record):
    with Flow("f") as flow:
        made = double.map(give([1, 2, 3]))
        total(made)
        picky.map([1, 2, 3])
        double.map(picky.map([1, 2, 3]))
        flaky(5)
        flaky.map([6, 7])
    for executor in _all():
        record.flow(flow, flow.run(executor=executor), key=type(executor).__name__)


def context_travels(record):
    @task
    def look():
        return [
            prefect.context.get("mine"),
            prefect.context.parameters,
            prefect.context.flow_name,
            prefect.context.task_name,
            prefect.context.get("outer"),
        ]

    with Flow("f") as flow:
        Parameter("p", default=3)()
        look()
    for executor in _all():
        with prefect.context(outer="o"):
            record.flow(flow, flow.run(executor=executor, context={"mine": {"x": 1}}))


def results_in_processes(record):
    @task(result=LocalResult(dir=str(record.dir / "store"), location="{task_name}-{map_index}.pkl"))
    def kept(x):
        return x * 10

    with Flow("f") as flow:
        kept.map([1, 2])
    with set_temporary_config({"flows.checkpointing": True}):
        record.flow(flow, flow.run(executor=LocalDaskExecutor(scheduler="processes", num_workers=2)))
    record.files()


def handlers_everywhere(record):
    for executor in _all()[:2]:

        @task(state_handlers=[record.handler(type(executor).__name__)])
        def one():
            return 1

        with Flow("f") as flow:
            one()
        flow.run(executor=executor)


def signals_and_loops_in_processes(record):
    @task
    def loops():
        count = prefect.context.get("task_loop_count", 1)
        if count < 3:
            raise LOOP(result=count)
        return count

    @task
    def early():
        raise SUCCESS("early", result=3)

    with Flow("f") as flow:
        loops()
        early()
        picky(3)
    record.flow(flow, flow.run(executor=LocalDaskExecutor(scheduler="processes", num_workers=2)))


def timeouts_in_processes(record):
    import time

    @task(timeout=1)
    def slow():
        time.sleep(3)

    @task(timeout=20)
    def quick():
        return 1

    with Flow("f") as flow:
        quick()
    record.flow(flow, flow.run(executor=LocalDaskExecutor(scheduler="processes", num_workers=1)))
    with Flow("g") as other:
        slow()
    state = other.run(executor=LocalDaskExecutor(scheduler="threads", num_workers=1))
    record("slow", [type(s).__name__ for s in state.result.values()])


def flow_executor(record):
    with Flow("f", executor=LocalDaskExecutor(scheduler="threads")) as flow:
        made = total(double.map([1, 2], upstream_tasks=[unmapped(give(1))]))
    record.flow(flow, flow.run())
    record("made", flow.slugs[made])


def other_processes(record):
    @task
    def which(x):
        return os.getpid()

    with Flow("f") as flow:
        made = which.map([1, 2])
    state = flow.run(executor=LocalDaskExecutor(scheduler="processes", num_workers=2))
    record("elsewhere", all(pid != os.getpid() for pid in state.result[made].result))


def exceptions_that_do_not_pickle(record):
    class Odd(Exception):
        def __init__(self, a, b):
            super().__init__("odd")

        def __reduce__(self):
            raise TypeError("never")

    @task
    def bad():
        raise Odd(1, 2)

    with Flow("f") as flow:
        made = bad()
    state = flow.run(executor=LocalDaskExecutor(scheduler="processes", num_workers=1))
    record("class", type(state.result[made]).__name__ if isinstance(state.result, dict) else "flow failed")
