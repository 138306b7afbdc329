"""SPEC 7.5: operators, indexing, collections, constants."""

from prefect import Flow, Parameter, Task, task
from prefect.tasks.core.constants import Constant
from prefect.tasks.core.operators import GetAttr, GetItem
from prefect.utilities.tasks import as_task


@task
def number(x):
    return x


@task
def show(x):
    return x


def arithmetic():
    with Flow("f") as flow:
        a, b = number(7), number(2)
        for made in (a + b, a - b, a * b, a / b, a // b, a % b, a**b, a & b):
            show(made)
    return flow


def reflected():
    with Flow("f") as flow:
        b = number(2)
        for made in (7 + b, 7 - b, 7 * b, 7 / b, 7 // b, 7 % b, 7**b, True & b):
            show(made)
    return flow


def comparisons():
    with Flow("f") as flow:
        a, b = number(7), number(2)
        for made in (
            a < b,
            a <= b,
            a > b,
            a >= b,
            b > 1,
            a.is_equal(b),
            a.is_not_equal(b),
            a.not_(),
            a.or_(b),
            a.is_equal(7),
        ):
            show(made)
    return flow


def identity(record):
    a = Task()
    record("equal", [a == a, a == Task(), a != Task(), a != a, len({a, a})])


def pipes():
    with Flow("f") as flow:
        a, b, c = Task(name="a"), Task(name="b"), Task(name="c")
        a | b | c
        show(1) | 5
        5 | Task(name="d")
    return flow


def indexing():
    with Flow("f") as flow:
        pair = number([10, 20, 30])
        mapping = number({"k": 1})
        show(pair[1])
        show(mapping["k"])
        show(pair[number(2)])
        show(pair[number(0) + 1])
    return flow


def indexing_names(record):
    with Flow("f"):
        a = number.copy(name="n", checkpoint=False)({"k": 1})
        b = show.copy(name="key")("k")
        record("names", [a["k"].name, a[b].name, a[3].name])
        record("inherits", a["k"].checkpoint)


def missing_item():
    with Flow("f") as flow:
        show(number({"a": 1})["b"])
    return flow


def get_item_and_get_attr():
    with Flow("f") as flow:
        GetItem()(number([1, 2]), 1)
        GetItem(default=9)(number({}), "k")
        GetAttr()(number(3 + 4j), "imag")
        GetAttr(default=5)(number(1), "nothing")
        GetAttr()(number(1), "real.real")
    return flow


def constants(record):
    with Flow("f") as flow:
        a = number(5)
        b = show(a, upstream_tasks=[2])
    record("constants", {flow.slugs[t]: kept for t, kept in flow.constants.items()})
    record("tasks", sorted(t.name for t in flow.tasks))
    record("b", flow.slugs[b])
    record.flow(flow, flow.run())


def constant_collections(record):
    with Flow("f") as flow:
        number([1, [2, (3, {4})], {"a": 5}])
    record("constants", [list(kept.values()) for kept in flow.constants.values()])
    record("tasks", len(flow.tasks))


def collections(record):
    with Flow("f") as flow:
        a = number(1)
        show([a, 2, [a, 3]])
        show((a, 2))
        show({a, 2})
        show({"x": a, "y": [a, {"z": a}]})
    record("tasks", sorted(t.name for t in flow.tasks))
    record.flow(flow, flow.run())


def long_collections():
    with Flow("f") as flow:
        made = [number(i) for i in range(12)]
        show(made)
        show(tuple(made))
    return flow


def dict_of_unequal_lengths(record):
    from prefect.tasks.core.collections import Dict

    with Flow("f") as flow:
        made = Dict().bind(keys=["a", "b"], values=[1])
    state = flow.run().result[made]
    record("state", [type(state).__name__, type(state.result).__name__])


def bound_collections(record):
    from prefect.tasks.core.collections import List, Set, Tuple

    with Flow("f") as flow:
        for kind in (List, Set, Tuple):
            kind().bind(number(1), number(2))
    record("keys", sorted({edge.key for edge in flow.edges if edge.downstream_task.name in ("List", "Set", "Tuple")}))
    record.flow(flow, flow.run())


def constant_names(record):
    record(
        "names",
        [
            Constant(1).name,
            Constant("abcdefgh").name,
            Constant(list(range(20))).name,
            Constant(5, name="x").name,
            Constant("abc").name,
        ],
    )
    record("run", Constant([1]).run())


def made_from_values(record):
    a = Task()
    record("same", as_task(a) is a)
    with Flow("f"):
        for value in (1, [1, 2], [a], (a, 1), {"x": a}, {a}):
            made = as_task(value)
            record("kind", [type(made).__name__, made.auto_generated])


def constants_with_checkpointing(record):
    from prefect.engine.results import LocalResult
    from prefect.utilities.configuration import set_temporary_config

    with Flow("f", result=LocalResult(dir="store", location="{task_slug}.pkl")) as flow:
        show([number(1), 2], upstream_tasks=[7])
    with set_temporary_config({"flows.checkpointing": True}):
        record.flow(flow, flow.run())
    record.files()


def operators_on_parameters():
    with Flow("f") as flow:
        p = Parameter("p", default=4)
        show(p * 2 + 1)
        show(p > 3)
        show(-1 * p)
    return flow


def failing_operator():
    with Flow("f") as flow:
        show(number(1) / number(0))
    return flow
