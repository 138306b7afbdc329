"""Edges and annotations (SPEC 15)."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from resultant.core.annotations import EdgeAnnotation, flatten, mapped, unmapped
from resultant.core.constants import Constant
from resultant.core.edge import Edge
from resultant.core.task import Task


class TestEdge:
    def test_defaults(self) -> None:
        up, down = Task("up"), Task("down")
        edge = Edge(up, down)
        assert (edge.upstream_task, edge.downstream_task, edge.key) == (up, down, None)
        assert edge.mapped is False
        assert edge.flattened is False
        assert edge.tasks == {up, down}

    def test_values_become_tasks(self) -> None:
        edge = Edge(1, Task())
        assert isinstance(edge.upstream_task, Constant)

    def test_annotations_win_over_arguments(self) -> None:
        assert Edge(mapped(Task()), Task(), mapped=False).mapped is True
        assert Edge(unmapped(Task()), Task(), mapped=True).mapped is False
        assert Edge(flatten(Task()), Task(), flattened=False).flattened is True

    @pytest.mark.parametrize("key", ["1a", "a b", "class", "", "a-b"])
    def test_key_must_be_an_identifier(self, key: str) -> None:
        with pytest.raises(ValueError, match="Key must be a valid identifier"):
            Edge(Task(), Task(), key=key)

    def test_one_task_twice(self) -> None:
        made = Task()
        with pytest.raises(ValueError, match="Edges can not connect a task to itself"):
            Edge(made, made)

    def test_equality_counts_all_five_parts(self) -> None:
        up, down = Task(), Task()
        edge = Edge(up, down, "a", True, True)
        same = Edge(up, down, "a", True, True)
        assert edge == same
        assert hash(edge) == hash(same)
        for other in (
            Edge(Task(), down, "a", True, True),
            Edge(up, Task(), "a", True, True),
            Edge(up, down, "b", True, True),
            Edge(up, down, "a", False, True),
            Edge(up, down, "a", True, False),
        ):
            assert edge != other

    def test_pickling(self) -> None:
        edge = pickle.loads(pickle.dumps(Edge(Task("a"), Task("b"), "k", mapped=True)))
        assert (edge.upstream_task.name, edge.key, edge.mapped) == ("a", "k", True)

    def test_repr(self) -> None:
        text = "<Edge(key=k, mapped=False, flattened=False): a to b>"
        assert repr(Edge(Task("a"), Task("b"), "k")) == text


class TestAnnotations:
    @pytest.mark.parametrize(
        ("kind", "marks"), [(mapped, {"mapped": True}), (unmapped, {"mapped": False}), (flatten, {"flattened": True})]
    )
    def test_marks(self, kind: Any, marks: dict[str, bool]) -> None:
        annotation = kind(3)
        assert isinstance(annotation, EdgeAnnotation)
        assert (annotation.value, annotation.annotations) == (3, marks)

    def test_inner_marks_win(self) -> None:
        assert mapped(unmapped(3)).annotations == {"mapped": False}
        assert unmapped(mapped(3)).annotations == {"mapped": True}

    def test_nesting_merges(self) -> None:
        annotation = mapped(flatten(unmapped(3)))
        assert annotation.value == 3
        assert annotation.annotations == {"mapped": False, "flattened": True}
