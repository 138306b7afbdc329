"""SPEC 8.2: targets."""

import os

from prefect import Flow, Parameter, context, task
from prefect.engine.result import Result
from prefect.engine.results import LocalResult
from prefect.utilities.configuration import set_temporary_config

ON = {"flows.checkpointing": True}


def _twice(record, flow, **options):
    with set_temporary_config(ON):
        for _ in range(2):
            record.flow(flow, flow.run(**options))
    record.files()


def second_run_reads(record):
    @task(result=LocalResult(dir="store"), target="x.pkl")
    def one():
        record("ran", True)
        return 1

    @task
    def plus(x):
        return x + 1

    with Flow("f") as flow:
        plus(one())
    _twice(record, flow)


def template(record):
    @task(result=LocalResult(dir="store"), target="{p}/{x}-{task_name}.pkl")
    def one(x):
        record("ran", x)
        return x

    with Flow("f") as flow:
        one(Parameter("p", default="P"))
    _twice(record, flow)
    _twice(record, flow, parameters={"p": "Q"})


def day_of_the_week(record):
    @task(result=LocalResult(dir="store"), target="{date:%A}.pkl")
    def one():
        return 1

    with Flow("f") as flow:
        one()
    _twice(record, flow, context={"date": "2020-02-24"})


def callable_target(record):
    def place(task_name, **kwargs):
        return f"{task_name}.pkl"

    @task(result=LocalResult(dir="store"), target=place)
    def one():
        record("ran", True)
        return 1

    with Flow("f") as flow:
        one()
    _twice(record, flow)


def callable_target_that_returns_a_template(record):
    def place(**kwargs):
        return "{task_name}.pkl"

    @task(result=LocalResult(dir="store"), target=place)
    def one():
        record("ran", True)
        return 1

    with Flow("f") as flow:
        one()
    _twice(record, flow)


def flow_result_stores(record):
    @task(target="x.pkl")
    def one():
        record("ran", True)
        return 1

    with Flow("f", result=LocalResult(dir="store")) as flow:
        one()
    _twice(record, flow)


def no_storage_at_all(record):
    @task(target="x.pkl")
    def one():
        return 1

    with Flow("f") as flow:
        one()
    state = flow.run()
    record("class", type(state).__name__)
    record(
        "error",
        isinstance(state.result, NotImplementedError)
        if isinstance(state.result, Exception)
        else [isinstance(s.result, NotImplementedError) for s in state.result.values()],
    )


def read_without_checkpointing(record):
    @task(result=LocalResult(dir="store"), target="x.pkl", checkpoint=False)
    def one():
        record("ran", True)
        return 1

    with Flow("f") as flow:
        one()
    record.flow(flow, flow.run())
    LocalResult(dir="store", location="x.pkl").write(5)
    record.flow(flow, flow.run())


def across_flows(record):
    @task(result=LocalResult(dir="store"), target="x.pkl")
    def one():
        return 1

    @task(result=LocalResult(dir="store"), target="x.pkl")
    def two():
        record("ran", True)
        return 2

    for made in (one, two):
        with Flow("f") as flow:
            made()
        with set_temporary_config(ON):
            record.flow(flow, flow.run())


def mapped_targets(record):
    @task(result=LocalResult(dir="store"), target="{task_name}-{map_index}.pkl")
    def give(x):
        record("ran", x)
        return x * 10

    with Flow("f") as flow:
        give.map([1, 2])
    _twice(record, flow)


def mapped_constant_target(record):
    @task(result=LocalResult(dir="store"), target="same.pkl")
    def give(x):
        return x * 10

    with Flow("f") as flow:
        give.map([1, 2])
    with set_temporary_config(ON):
        record.flow(flow, flow.run())


def handlers_are_called(record):
    @task(result=LocalResult(dir="store"), target="x.pkl", state_handlers=[record.handler()])
    def one():
        return 1

    with Flow("f") as flow:
        one()
    _twice(record, flow)


def trigger_of_a_task_with_a_target(record):
    @task
    def bad():
        raise ValueError("x")

    @task(result=LocalResult(dir="store"), target="x.pkl")
    def one(x):
        return 1

    LocalResult(dir="store", location="x.pkl").write(5)
    with Flow("f") as flow:
        one(bad())
    _twice(record, flow)


def none_at_a_target(record):
    @task(result=LocalResult(dir="store"), target="x.pkl")
    def nothing():
        record("ran", True)

    with Flow("f") as flow:
        nothing()
    _twice(record, flow)


def damaged_file(record):
    @task(result=LocalResult(dir="store"), target="x.pkl")
    def one():
        record("ran", True)
        return 1

    os.makedirs("store", exist_ok=True)
    with open("store/x.pkl", "wb"):
        pass
    with Flow("f") as flow:
        one()
    with set_temporary_config(ON):
        record.flow(flow, flow.run())


def target_and_loop(record):
    from prefect.engine.signals import LOOP

    @task(result=LocalResult(dir="store"), target="{x}.pkl")
    def loops(x):
        count = context.get("task_loop_count", 1)
        if count < 3:
            raise LOOP(result=count)
        return "end"

    with Flow("f") as flow:
        loops("x")
    with set_temporary_config(ON):
        record.flow(flow, flow.run())
    record.files()


def own_class(record):
    kept = {}

    class Memory(Result):
        def read(self, location):
            new = self.copy()
            new.location, new.value = location, kept[location]
            return new

        def write(self, value_, **kwargs):
            new = self.format(**kwargs)
            new.value = kept[new.location] = value_
            return new

        def exists(self, location, **kwargs):
            return location.format(**kwargs) in kept

    @task(result=Memory(), target="{task_name}!")
    def one():
        record("ran", True)
        return 1

    with Flow("f") as flow:
        one()
    _twice(record, flow)
    record("kept", kept)


def task_run_names(record):
    @task(task_run_name="{task_name} of {x}", result=LocalResult(dir="store", location="{task_run_name}.pkl"))
    def one(x):
        return context.task_run_name

    def name_it(x, flow_name, **kwargs):
        return f"{flow_name}: {x}"

    @task(task_run_name=name_it)
    def two(x):
        return context.task_run_name

    with Flow("f") as flow:
        one(1)
        one.map([2, 3])
        two.map(["a"])
    with set_temporary_config(ON):
        record.flow(flow, flow.run())
    record.files()
