"""Operators, indexing, constants and collections (SPEC 7.5)."""

from __future__ import annotations

import operator
from typing import Any

import pytest

from resultant.core import collections, operators
from resultant.core.annotations import flatten, mapped, unmapped
from resultant.core.as_task import as_task
from resultant.core.constants import Constant
from resultant.core.flow import Flow
from resultant.core.function_task import task
from resultant.core.parameter import Parameter
from resultant.engine.results import LocalResult


@task
def give(x):
    return x


OPERATORS = [
    (operator.add, "Add", 10),
    (operator.sub, "Sub", 4),
    (operator.mul, "Mul", 21),
    (operator.truediv, "Div", 7 / 3),
    (operator.floordiv, "FloorDiv", 2),
    (operator.mod, "Mod", 1),
    (operator.pow, "Pow", 343),
    (operator.and_, "And", 3),
]
COMPARISONS = [
    (operator.lt, "LessThan", False),
    (operator.le, "LessThanOrEqual", False),
    (operator.gt, "GreaterThan", True),
    (operator.ge, "GreaterThanOrEqual", True),
]


class TestOperators:
    @pytest.mark.parametrize(("function", "name", "value"), [*OPERATORS, *COMPARISONS])
    def test_with_a_constant_and_with_a_task(self, function: Any, name: str, value: Any) -> None:
        with Flow("f") as flow:
            seven = give(7)
            built = function(seven, 3)
            other = function(seven, give(3))
        assert built.name == name
        assert flow.constants[built] == {"y": 3}
        assert {edge.key for edge in flow.edges_to(other)} == {"x", "y"}
        assert built.run(7, 3) == value

    @pytest.mark.parametrize(("function", "name", "value"), OPERATORS)
    def test_reflected(self, function: Any, name: str, value: Any) -> None:
        with Flow("f") as flow:
            built = function(7, give(3))
        assert (built.name, flow.constants[built]) == (name, {"x": 7})

    def test_equality_means_identity(self) -> None:
        with Flow("f") as flow:
            first, second = give(1), give(1)
            assert first == first
            assert first != second
        assert len({first, second}) == 2
        assert len(flow.tasks) == 2

    def test_named_comparisons(self) -> None:
        with Flow("f"):
            one = give(1)
            built = [one.is_equal(1), one.is_not_equal(1), one.or_(2), one.not_()]
        assert [each.name for each in built] == ["Equal", "NotEqual", "Or", "Not"]
        assert [each.run(1, 2) for each in built[:3]] == [False, True, 1]
        assert built[3].run(1) is False

    def test_bar_adds_an_edge_and_yields_the_right_side(self) -> None:
        with Flow("f") as flow:
            a, b, c = give(1), give(2), give(3)
            assert a | b | c is c
        assert {(edge.upstream_task, edge.downstream_task, edge.key) for edge in flow.edges} == {
            (a, b, None),
            (b, c, None),
        }

    def test_bar_with_constants_on_either_side(self) -> None:
        with Flow("f") as flow:
            a, b = give(1), give(2)
            assert 5 | a is a
            end = a | 6 | b
        assert end is b
        assert {(edge.upstream_task.name, edge.downstream_task.name) for edge in flow.edges} == {
            ("5", "give"),
            ("give", "6"),
            ("6", "give"),
        }


class TestItems:
    def test_names(self) -> None:
        with Flow("f") as flow:
            given = give({})
            by_key, by_task = given["k"], given[give("other")]
            assert by_key[0].name == "give['k'][0]"
        assert by_key.name == "give['k']"
        assert by_task.name == "give[give]"
        assert flow.constants[by_key] == {"key": "k"}
        assert {edge.key for edge in flow.edges_to(by_task)} == {"task_result", "key"}

    def test_they_inherit_checkpoint_and_result(self) -> None:
        result = LocalResult()
        with Flow("f"):
            item = task(lambda: 1, checkpoint=False, result=result)()[0]
        assert item.checkpoint is False
        assert item.result is result

    def test_get_item(self) -> None:
        assert operators.GetItem().run({"a": 1}, "a") == 1
        assert operators.GetItem(default=3).run({}, "a") == 3
        assert operators.GetItem(default=None).run([], 2) is None
        assert operators.GetItem(default=3).run({}, "a", default=4) == 4
        with pytest.raises(KeyError):
            operators.GetItem().run({}, "a")

    def test_get_attr(self) -> None:
        assert operators.GetAttr().run(1 + 2j, "imag") == 2
        assert operators.GetAttr().run(give, "run.__name__") == "give"
        assert operators.GetAttr(default=0).run(1, "nope.nope") == 0
        with pytest.raises(AttributeError):
            operators.GetAttr().run(1, "nope")


class TestConstants:
    def test_bound_by_key_it_is_no_task(self) -> None:
        with Flow("f") as flow:
            called = give([1, {"a": (2, {3})}])
        assert flow.tasks == {called}
        assert flow.constants[called] == {"x": [1, {"a": (2, {3})}]}

    def test_elsewhere_it_is_a_task(self) -> None:
        with Flow("f") as flow:
            give(1, upstream_tasks=[2])
            give.map([3])
            give(flatten([[4]]))
        constants = flow.get_tasks(task_type=Constant)
        assert [each.value for each in constants] == [2, [3], [[4]]]

    @pytest.mark.parametrize(
        ("value", "name"),
        [(1, "1"), ("ab", "'ab'"), ([1, 2], "[1, 2]"), ([1, 2, 3], "Constant[list]"), ("long text", "Constant[str]")],
    )
    def test_names(self, value: Any, name: str) -> None:
        assert Constant(value).name == name
        assert Constant(value, name="own").name == "own"
        assert Constant(value).run() == value

    def test_naming_looks_at_little(self) -> None:
        class Loud:
            def __repr__(self) -> str:
                raise AssertionError("looked at")

        assert Constant([Loud()] * 3).name == "Constant[list]"
        assert Constant([[Loud()] * 3]).name == "Constant[list]"
        assert Constant({1: [Loud()] * 3}).name == "Constant[dict]"
        assert Constant(Loud()).name == "Constant[Loud]"
        assert Constant(10**5000).name == "Constant[int]"

    def test_as_task(self) -> None:
        assert as_task(give) is give
        for annotation in (mapped, unmapped, flatten):
            assert as_task(annotation(give)) is give
        made = as_task([1, [2]])
        assert (made.run(), made.auto_generated) == ([1, [2]], True)
        with Flow("f"):
            listed = as_task([1, give(2)])
        assert listed.auto_generated is True

    def test_none_is_a_constant(self) -> None:
        with Flow("f") as flow:
            called = give(None)
        assert flow.constants[called] == {"x": None}


class TestCollections:
    @pytest.mark.parametrize(
        ("kind", "built", "value"),
        [
            (list, collections.List, list(range(12))),
            (tuple, collections.Tuple, tuple(range(12))),
            (set, collections.Set, set(range(12))),
        ],
    )
    def test_sequences(self, kind: Any, built: Any, value: Any) -> None:
        with Flow("f") as flow:
            inner = give(1)
            called = give(kind([0, inner]))
        (edge,) = flow.edges_to(called)
        assert type(edge.upstream_task) is built
        if kind is not set:
            assert flow.constants[edge.upstream_task] == {"arg_1": 0}
            assert {each.key for each in flow.edges_to(edge.upstream_task)} == {"arg_2"}
        items = {f"arg_{number + 1}": number for number in sorted(range(12), key=str)}
        assert built().run(**items) == value

    def test_dictionary(self) -> None:
        with Flow("f") as flow:
            called = give({"a": give(1), "b": 2})
        (edge,) = flow.edges_to(called)
        made = edge.upstream_task
        assert type(made) is collections.Dict
        assert flow.constants[made] == {"keys": ["a", "b"]}
        (values,) = flow.upstream_tasks(made)
        assert type(values) is collections.List
        assert made.run(["a"], [1]) == {"a": 1}
        with pytest.raises(ValueError, match="2 keys, 1 values"):
            made.run(["a", "b"], [1])

    def test_nesting(self) -> None:
        with Flow("f") as flow:
            give([{"a": (Parameter("p", default=1), 2)}, 3])
        assert {type(each).__name__ for each in flow.tasks} == {"FunctionTask", "List", "Dict", "Tuple", "Parameter"}

    def test_values(self) -> None:
        with Flow("f") as flow:
            called = give([give(1), {"a": give(2), "b": (give(3), 4)}, *(give(number) for number in range(20))])
        assert flow.run().result[called].result == [1, {"a": 2, "b": (3, 4)}, *range(20)]
