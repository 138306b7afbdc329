"""SPEC 12: flatten."""

from prefect import Flow, flatten, task, unmapped
from prefect.engine.signals import SKIP
from prefect.triggers import all_finished


@task
def numbers():
    return [1, 2, 3]


@task
def give(x):
    return x


@task
def double(x):
    return x * 2


@task
def add(x, y=1):
    return x + y


@task
def total(xs):
    return sum(xs)


def flatten_a_mapped_result():
    with Flow("f") as flow:
        nested = give.map([[1], [2, 3], []])
        double.map(flatten(nested))
        total(flatten(nested))
    return flow


def flatten_a_result_and_a_constant():
    with Flow("f") as flow:
        double.map(flatten(give([[1, 2], [3]])))
        double.map(flatten([[1, 2], [3]]))
        total(flatten(give([[1, 2], [3]])))
    return flow


def flatten_what_is_flat():
    with Flow("f") as flow:
        double.map(flatten(give([1, 2])))
        total(flatten(numbers()))
    return flow


def flatten_twice():
    @task
    def nest(x):
        return [[x, x + 1], [x]]

    with Flow("f") as flow:
        made = nest.map([1, 10])
        inner = give.map(flatten(made))
        double.map(flatten(inner))
    return flow


def flatten_failed_and_skipped_children():
    @task
    def several(x):
        if x == 2:
            raise ValueError("two")
        if x == 3:
            raise SKIP("three")
        return [x, x]

    @task(trigger=all_finished, skip_on_upstream_skip=False)
    def show(x):
        return type(x).__name__

    with Flow("f") as flow:
        made = several.map([1, 2, 3])
        show.map(flatten(made))
        double.map(flatten(made))
        show(flatten(made))
    return flow


def flatten_not_iterable_children(record):
    with Flow("f") as flow:
        made = give.map([1, [2, 3]])
        double.map(flatten(made))
    with record.logs("log", contains="`flatten` was used on upstream task that did not return an iterable"):
        record.flow(flow, flow.run())


def flatten_with_unmapped():
    with Flow("f") as flow:
        add.map(flatten(give.map([[1], [2]])), y=unmapped(10))
        add.map(flatten(give([[1], [2]])), y=flatten([[5], [6]]))
    return flow
