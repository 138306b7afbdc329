"""The decorator and the number of outputs (SPEC 7.2, 7.4)."""

from __future__ import annotations

from typing import Any, Tuple  # noqa: UP035

import pytest

from resultant.core.flow import Flow
from resultant.core.function_task import FunctionTask, task


def plain(x):
    """Say something."""
    return x


class TestDecorator:
    def test_three_forms(self) -> None:
        for made in (task(plain), task()(plain), task(plain, name="n"), task(name="n")(plain)):
            assert isinstance(made, FunctionTask)
            assert made.run is plain
        assert task(plain).name == "plain"
        assert task(plain, name="n").name == "n"

    def test_run_works_outside_a_flow(self) -> None:
        assert task(plain).run(2) == 2

    def test_it_looks_like_the_function(self) -> None:
        made = task(plain)
        assert made.__doc__ == "Say something."
        assert made.__name__ == "plain"
        assert made.__wrapped__ is plain

    def test_missing_attribute(self) -> None:
        with pytest.raises(AttributeError, match="'FunctionTask' object has no attribute 'nope'"):
            task(plain).nope

    def test_not_callable(self) -> None:
        with pytest.raises(TypeError, match="callable"):
            task(3)  # type: ignore[call-overload]

    def test_options_are_handed_on(self) -> None:
        made = task(checkpoint=False, tags=["a"])(plain)
        assert (made.checkpoint, made.tags) == (False, {"a"})


class TestOutputs:
    @pytest.mark.parametrize(
        ("annotation", "nout"),
        [
            (Tuple[int, int], 2),  # noqa: UP006
            (tuple[int, str, float], 3),
            (Tuple[()], 0),  # noqa: UP006
            (tuple[()], 0),
            (Tuple, None),  # noqa: UP006
            (tuple, None),
            (tuple[int, ...], None),
            (list[int], None),
            (int, None),
            ("tuple[int, int]", 2),
            ("Tuple[int, ...]", None),
            ("tuple[Unknown, int]", None),
        ],
    )
    def test_annotation(self, annotation: Any, nout: int | None) -> None:
        def run():
            pass

        run.__annotations__["return"] = annotation
        assert task(run).nout == nout
        assert task(run, nout=7).nout == 7

    def test_iterating(self) -> None:
        two = task(lambda: (1, 2), nout=2, name="two")
        with Flow("f") as flow:
            first, second = two()
        assert (first.name, second.name) == ("two[0]", "two[1]")
        assert flow.constants[second] == {"key": 1}

    def test_iterating_without_nout(self) -> None:
        with Flow("f"), pytest.raises(TypeError, match=r"^Task is not iterable"):
            list(task(plain)(1))

    def test_a_mapped_copy_loses_it(self) -> None:
        two = task(plain, nout=2)
        with Flow("f"):
            assert two.map([1]).nout is None
            assert two(1).nout == 2
        assert two.nout == 2
