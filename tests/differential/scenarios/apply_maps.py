"""SPEC 12: apply_map."""

from prefect import Flow, Parameter, Task, apply_map, case, flatten, task, unmapped
from prefect.tasks.control_flow import merge


@task
def add(x, y=1):
    return x + y


@task
def is_even(x):
    return x % 2 == 0


@task
def give(x):
    return x


@task
def total(xs):
    return sum(x for x in xs if x is not None)


def simple():
    def func(x, y):
        return add(add(x, 1, task_args={"name": "inner"}), y)

    with Flow("f") as flow:
        total(apply_map(func, [1, 2], y=unmapped(10)))
    return flow


def with_case():
    def func(x):
        with case(is_even(x), True):
            even = add(x, 100, task_args={"name": "even"})
        with case(is_even(x), False):
            odd = add(x, 200, task_args={"name": "odd"})
        return merge(even, odd)

    with Flow("f") as flow:
        total(apply_map(func, range(4)))
    return flow


def several_results(record):
    def func(x):
        return add(x), add(x, 2, task_args={"name": "other"})

    with Flow("f") as flow:
        a, b = apply_map(func, give([1, 2]))
        total(a)
        total(b)
    record("kinds", isinstance(a, Task))
    record.flow(flow, flow.run())


def imperative(record):
    flow = Flow("f")

    def func(x, flow):
        return add(x, flow=flow)

    made = apply_map(func, [1, 2], flow=flow)
    record("made", made in flow.tasks)
    record.flow(flow, flow.run())


def with_flatten_and_parameters():
    def func(x, p):
        return add(x, p)

    with Flow("f") as flow:
        p = Parameter("p", default=5)
        apply_map(func, flatten(give([[1], [2, 3]])), p=unmapped(p))
    return flow


def tasks_without_mapped_arguments():
    def func(x):
        a = add(x, task_args={"name": "a"})
        b = give(7)
        return add(a, b)

    with Flow("f") as flow:
        apply_map(func, [1, 2])
    return flow


def nested():
    def inner(x):
        return add(x)

    def func(x):
        return inner(add(x, task_args={"name": "outer"}))

    with Flow("f") as flow:
        apply_map(func, apply_map(lambda x: add(x, task_args={"name": "first"}), [1, 2]))
    return flow


def errors(record):
    with record.error("no flow", ValueError, "flow in the current context"):
        apply_map(add, [1])
    with Flow("f"):
        with record.error("not a sequence", TypeError, "non-sequence object"):
            apply_map(lambda x: add(x), 5)
        with record.error("mapped inside", ValueError, "running from inside a mapped context"):
            apply_map(lambda x: add.map([1]), [1, 2])


def edges(record):
    def func(x):
        return add(x, 1)

    with Flow("f") as flow:
        made = give([1])
        apply_map(func, made)
    record("edges", sorted([e.upstream_task.name, e.downstream_task.name, str(e.key), e.mapped] for e in flow.edges))
