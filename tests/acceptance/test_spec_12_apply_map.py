"""`apply_map`: a function applied once, its tasks mapped (SPEC 12)."""

from __future__ import annotations

import pytest

from resultant import Flow, Parameter, apply_map, case, flatten, merge, tags, task, unmapped


@task
def inc(x):
    return x + 1


@task
def add(x, y=10):
    return x + y


@task
def give(x):
    return x


@task
def is_even(x):
    return x % 2 == 0


def run(build, **options):
    with Flow("f") as flow:
        made = build()
    state = flow.run(**options)
    return state.result[made].result if not isinstance(made, (list, tuple)) else [state.result[m].result for m in made]


def test_the_function_is_called_once():
    calls = []

    def chain(x):
        calls.append(x)
        return inc(inc(x))

    assert run(lambda: apply_map(chain, [1, 2, 3])) == [3, 4, 5]
    assert len(calls) == 1


@pytest.mark.parametrize("kind", [tuple, list])
def test_several_results(kind):
    assert run(lambda: apply_map(lambda x: kind([inc(x), add(x)]), [1, 2])) == [[2, 3], [11, 12]]


def test_arguments_by_name_unmapped_and_flattened():
    assert run(lambda: apply_map(add, x=flatten([[1], [2, 3]]), y=unmapped(give(5)))) == [6, 7, 8]
    assert run(lambda: apply_map(add, give([1, 2]), y=Parameter("p")), p=[3, 4]) == [4, 6]
    assert run(lambda: apply_map(lambda x, y: give([x, y]), [1, 2], unmapped([7]))) == [[1, [7]], [2, [7]]]


def test_case_and_merge():
    def halve(x):
        with case(is_even(x), True):
            half = task(lambda n: n // 2, name="half")(x)
        with case(is_even(x), False):
            more = inc(x)
        return merge(half, more)

    assert run(lambda: apply_map(halve, [1, 2, 3, 4])) == [2, 1, 4, 2]


def test_nested_use_in_sequence():
    assert run(lambda: apply_map(lambda y: inc(y), apply_map(lambda x: inc(x), [1, 2]))) == [3, 4]
    assert run(lambda: give(apply_map(inc, inc.map([1])))) == [3]


def test_upstream_tasks_inside():
    order = []
    first = task(lambda x: order.append(("first", x)), name="first")
    second = task(lambda x: order.append(("second", x)), name="second")

    def both(x):
        made = first(x)
        return second(x, upstream_tasks=[made])

    with Flow("f") as flow:
        made = apply_map(both, [1, 2])
    assert flow.run().result[made].is_mapped()
    assert order.index(("first", 1)) < order.index(("second", 1))
    assert all(edge.mapped for edge in flow.edges)


def test_tasks_of_before_are_not_mapped():
    with Flow("f") as flow:
        outside = give(3)
        made = apply_map(lambda x, y: add(x, y), [1, 2], unmapped(outside))
    state = flow.run()
    assert state.result[made].result == [4, 5]
    assert state.result[outside].result == 3


def test_tasks_without_a_mapped_argument_depend_on_all():
    seven = task(lambda: 7, name="seven")
    assert run(lambda: apply_map(lambda x, y: (seven(), add(x, y)), [1, 2, 3], [1, 2])) == [[7, 7], [2, 4]]


def test_tags_and_classes():
    with Flow("f") as flow, tags("t"):
        made = apply_map(lambda x: inc(x), [1])
    assert made.tags == {"t"}
    assert flow.run().result[made].result == [2]


def test_imperative_form():
    def chain(x, flow):
        first = inc.copy().bind(x, flow=flow)
        return inc.copy().bind(first, flow=flow)

    flow = Flow("f")
    made = apply_map(chain, [1, 2], flow=flow)
    assert flow.run().result[made].result == [3, 4]


def test_errors():
    with pytest.raises(ValueError, match="flow in the current context"):
        apply_map(inc, [1])
    with Flow("f"):
        for value in (5, {1, 2}):
            with pytest.raises(TypeError, match="non-sequence object"):
                apply_map(inc, value)
        for function in (lambda x: inc.map(x), lambda x: apply_map(inc, x), lambda x: inc(x, mapped=True)):
            with pytest.raises(ValueError, match="running from inside a mapped context"):
                apply_map(function, [[1]])
