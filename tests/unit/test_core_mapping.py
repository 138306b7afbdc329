"""Mapping, as it is built and as it runs (SPEC 12)."""

from __future__ import annotations

from typing import Any

import pytest

from resultant.core.annotations import flatten, mapped, unmapped
from resultant.core.apply_map import apply_map
from resultant.core.flow import Flow
from resultant.core.function_task import task
from resultant.core.parameter import Parameter
from resultant.core.task import Task
from resultant.engine import signals
from resultant.runtime import context
from resultant.tasks.control_flow import case, ifelse, merge, switch


@task
def inc(x):
    return x + 1


@task
def add(x, y=1):
    return x + y


@task
def give(x):
    return x


@task
def nothing():
    return 0


def run(flow: Flow, called: Task, **kwargs: Any) -> Any:
    return flow.run(**kwargs).result[called]


class TestBuilding:
    def test_map_returns_a_copy_with_mapped_edges(self) -> None:
        with Flow("f") as flow:
            called = add.map([1, 2], y=unmapped(3), upstream_tasks=[[4, 5]])
        assert called is not add
        assert {(edge.key, edge.mapped) for edge in flow.edges_to(called)} == {("x", True), (None, True)}
        assert flow.constants[called] == {"y": 3}

    def test_task_args(self) -> None:
        with Flow("f"):
            assert inc.map([1], task_args={"name": "n"}).name == "n"

    @pytest.mark.parametrize("value", [{1, 2}, 5])
    def test_positional_argument_without_indexing(self, value: Any) -> None:
        with Flow("f"), pytest.raises(TypeError, match="Cannot map over unsubscriptable object of type"):
            inc.map(value)

    def test_annotations_win_over_mapped(self) -> None:
        with Flow("f") as flow:
            first, second = nothing(), nothing()
            called = add(x=mapped(first), y=unmapped(second), mapped=True)
            other = add(mapped(unmapped(first)), mapped(second))
        assert {edge.key: edge.mapped for edge in flow.edges_to(called)} == {"x": True, "y": False}
        assert {edge.key: edge.mapped for edge in flow.edges_to(other)} == {"x": False, "y": True}

    def test_flatten_marks_the_edge(self) -> None:
        with Flow("f") as flow:
            called = add.map(flatten([[1]]), unmapped(flatten([[2]])))
        marks = {edge.key: (edge.mapped, edge.flattened) for edge in flow.edges_to(called)}
        assert marks == {"x": (True, True), "y": (False, True)}


class TestRunning:
    def test_values_in_order(self) -> None:
        with Flow("f") as flow:
            called = inc.map(list(range(15)))
        state = run(flow, called)
        assert state.is_mapped()
        assert state.message == "Ready to proceed with mapping."
        assert state.result == [number + 1 for number in range(15)]
        assert [child.result for child in state.map_states] == state.result

    def test_a_call_maps_as_well(self) -> None:
        with Flow("f") as flow:
            called = add(x=mapped([1, 2]), y=10)
        assert run(flow, called).result == [11, 12]

    def test_the_shortest_input_counts(self) -> None:
        with Flow("f") as flow:
            called = add.map([1, 2, 3], y=[10, 20])
        assert run(flow, called).result == [11, 22]

    def test_empty(self) -> None:
        with Flow("f") as flow:
            called = inc.map([])
            total = give(called)
        state = flow.run()
        assert state.is_successful()
        assert (state.result[called].map_states, state.result[called].result, state.result[total].result) == (
            [],
            [],
            [],
        )

    def test_mapped_upstream_tasks_set_the_length(self) -> None:
        with Flow("f") as flow:
            called = nothing.map(upstream_tasks=[[1, 2, 3]])
        assert run(flow, called).result == [0, 0, 0]

    def test_mapped_over_mapped_and_reduced(self) -> None:
        with Flow("f") as flow:
            total = task(lambda values: sum(values))(inc.map(inc.map([1, 2, 3])))
        assert run(flow, total).result == 12

    def test_parameter(self) -> None:
        with Flow("f") as flow:
            called = inc.map(Parameter("p"))
        assert run(flow, called, p=[1, 2]).result == [2, 3]

    def test_a_failed_child_leaves_the_others_alone(self) -> None:
        with Flow("f") as flow:
            first = task(lambda x: 1 / x).map([1, 0, 2])
            second = inc.map(first)
        state = flow.run()
        assert state.is_failed()
        assert isinstance(state.result[first].result[1], ZeroDivisionError)
        assert [type(child).__name__ for child in state.result[second].map_states] == [
            "Success",
            "TriggerFailed",
            "Success",
        ]

    def test_a_skipped_child_skips_its_downstream_child(self) -> None:
        @task
        def odd(x):
            if x % 2 == 0:
                raise signals.SKIP("even")
            return x

        with Flow("f") as flow:
            called = inc.map(odd.map([1, 2, 3]))
        assert run(flow, called).result == [2, None, 4]

    def test_skipped_upstream(self) -> None:
        @task
        def skipped():
            raise signals.SKIP("no")

        with Flow("f") as flow:
            called = inc.map(skipped())
        assert run(flow, called).is_skipped()

    def test_nothing_to_map_over(self) -> None:
        @task
        def fails():
            raise RuntimeError

        with Flow("f") as flow:
            called = task(lambda x: x, trigger=lambda states: True).map(fails())
            number = inc.map(nothing())
        state = flow.run()
        assert state.result[called].message == "No upstream states can be mapped over."
        assert state.result[number].message == "At least one upstream state has an unmappable result."

    def test_children_see_index_and_context(self) -> None:
        with Flow("f") as flow:
            called = task(lambda x: (context.map_index, context.k)).map([5, 6])
            single = task(lambda: context.map_index)()
        state = flow.run(context={"k": 1})
        assert state.result[called].result == [(0, 1), (1, 1)]
        assert state.result[single].result is None

    def test_only_the_failed_child_is_retried(self) -> None:
        calls = []

        @task(max_retries=1, retry_delay=0)
        def flaky(x):
            calls.append(x)
            if calls.count(x) == 1 and x == 2:
                raise OSError
            return x

        with Flow("f") as flow:
            called = flaky.map([1, 2, 3])
        assert run(flow, called).result == [1, 2, 3]
        assert sorted(calls) == [1, 2, 2, 3]


class TestFlatten:
    @pytest.mark.parametrize(
        ("value", "flat"), [([[1, 2], [3]], [1, 2, 3]), ([[1], []], [1]), ([1, 2], [1, 2]), ([], [])]
    )
    def test_constants_results_and_reduce(self, value: list, flat: list) -> None:
        with Flow("f") as flow:
            constant = give.map(flatten(value))
            result = give.map(flatten(give(value)))
            reduced = give(flatten(give(value)))
        state = flow.run()
        assert [state.result[each].result for each in (constant, result, reduced)] == [flat, flat, flat]

    def test_mapped_results(self) -> None:
        with Flow("f") as flow:
            lists = task(lambda n: list(range(n))).map([1, 2, 3])
            mapped_again = give.map(flatten(lists))
            reduced = give(flatten(lists))
            repeated = give(flatten(give.map(flatten(lists))))
        state = flow.run()
        for each in (mapped_again, reduced, repeated):
            assert state.result[each].result == [0, 0, 1, 0, 1, 2]

    def test_a_child_that_is_not_iterable_passes_with_a_warning(self, caplog: pytest.LogCaptureFixture) -> None:
        with Flow("f") as flow:
            called = give.map(flatten(give.map([[1, 2], 3])))
        assert run(flow, called).result == [1, 2, 3]
        start = "`flatten` was used on upstream task that did not return an iterable"
        assert any(record.getMessage().startswith(start) for record in caplog.records)


class TestApplyMap:
    def test_everything_added_is_mapped(self) -> None:
        def both(x, y):
            total = add(x, y)
            return inc(total), total

        with Flow("f") as flow:
            more, total = apply_map(both, [1, 2], [10, 20])
        state = flow.run()
        assert state.result[total].result == [11, 22]
        assert state.result[more].result == [12, 23]
        assert all(edge.mapped for edge in flow.edges)

    def test_unmapped_and_flatten(self) -> None:
        with Flow("f") as flow:
            called = apply_map(add, flatten([[1], [2, 3]]), y=unmapped(10))
        assert run(flow, called).result == [11, 12, 13]

    def test_unmapped_lists_stay_whole(self) -> None:
        with Flow("f") as flow:
            called = apply_map(lambda x, many: give([x, many]), [1, 2], unmapped([7, 8]))
        assert run(flow, called).result == [[1, [7, 8]], [2, [7, 8]]]

    def test_tasks_and_parameters(self) -> None:
        with Flow("f") as flow:
            called = apply_map(lambda x, y: add(x, y), give([1, 2]), unmapped(Parameter("p")))
        assert run(flow, called, p=5).result == [6, 7]

    def test_case_and_merge(self) -> None:
        def branches(x):
            with case(x, 1):
                one = give("one")
            with case(x, 2):
                two = inc(x)
            return merge(one, two)

        with Flow("f") as flow:
            called = apply_map(branches, [1, 2, 3])
        state = run(flow, called)
        assert state.result[:2] == ["one", 3]
        assert state.map_states[2].is_skipped()

    def test_applied_twice(self) -> None:
        with Flow("f") as flow:
            called = apply_map(lambda x: inc(x), apply_map(lambda x: inc(x), [1, 2]))
        assert run(flow, called).result == [3, 4]

    def test_inside_a_case(self) -> None:
        with Flow("f") as flow:
            condition = Parameter("go")
            with case(condition, True):
                called = apply_map(lambda x: inc(inc(x)), [1, 2])
        assert run(flow, called, go=True).result == [3, 4]
        assert run(flow, called, go=False).is_skipped()

    def test_imperative(self) -> None:
        def build(x, flow):
            return inc.copy().bind(x, flow=flow)

        flow = Flow("f")
        called = apply_map(build, [1, 2], flow=flow)
        assert run(flow, called).result == [2, 3]

    def test_tasks_without_a_mapped_argument_depend_on_all(self) -> None:
        with Flow("f") as flow:
            called = apply_map(lambda x, y: nothing(), [1, 2, 3], [1, 2])
        assert {(edge.key, edge.mapped) for edge in flow.edges_to(called)} == {(None, True)}
        assert run(flow, called).result == [0, 0]

    def test_constants_inside_are_no_inputs_to_map_over(self) -> None:
        with Flow("f") as flow:
            called = apply_map(lambda x: add(x, 5), [1, 2])
            listed = apply_map(lambda x: give([x, 9]), [1, 2])
        state = flow.run()
        assert (state.result[called].result, state.result[listed].result) == ([6, 7], [[1, 9], [2, 9]])

    def test_no_flow(self) -> None:
        with pytest.raises(ValueError, match="flow in the current context"):
            apply_map(lambda x: x, [1])

    @pytest.mark.parametrize("value", [5, {1}, {"a": 1}])
    def test_no_sequence(self, value: Any) -> None:
        with Flow("f"), pytest.raises(TypeError, match="non-sequence object"):
            apply_map(lambda x: inc(x), value)

    def test_mapping_inside(self) -> None:
        with Flow("f"):
            with pytest.raises(ValueError, match="running from inside a mapped context"):
                apply_map(lambda x: inc.map(x), [[1]])
            with pytest.raises(ValueError, match="running from inside a mapped context"):
                apply_map(lambda x: apply_map(inc, x), [[1]])

    def test_a_constant_argument_is_a_constant_again_afterwards(self) -> None:
        with Flow("f") as flow:
            apply_map(inc, [1])
        (constant,) = flow.get_tasks(name="[1]")
        assert constant.is_constant is True


class TestMappedControlFlow:
    def test_switch(self) -> None:
        with Flow("f") as flow:
            condition = give.map(["a", "b", "c"])
            a, b = give.map(["A", "A", "A"]), give.map(["B", "B", "B"])
            switch(condition, {"a": a, "b": b}, mapped=True)
            called = merge(a, b, mapped=True)
        state = run(flow, called)
        assert state.result[:2] == ["A", "B"]
        assert state.map_states[2].is_skipped()

    def test_ifelse(self) -> None:
        with Flow("f") as flow:
            condition = give.map([1, 0])
            yes, no = give.map(["yes", "yes"]), give.map(["no", "no"])
            ifelse(condition, yes, no, mapped=True)
            called = merge(yes, no, mapped=True)
        assert run(flow, called).result == ["yes", "no"]
