"""What notebooks and rich show of results and states."""

from __future__ import annotations

import io
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from resultant import Flow, LocalResult, NoResult, Result, SecretResult, task
from resultant.engine import state as states
from resultant.engine.html import result_html, state_html
from resultant.engine.state import Failed, Mapped, Pending, State, Success


class Balanced(HTMLParser):
    """Fails on tags that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        assert tag != "script"
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def text_of(html: str) -> str:
    parser = Balanced()
    parser.feed(html)
    parser.close()
    assert not parser.open
    return parser.text


class Rude:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


class Ruder:
    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("no attributes")


class RudeFrame(pd.DataFrame):
    def _repr_html_(self) -> str:
        raise RuntimeError("no HTML")


class SecretTask:
    name = "TOKEN"

    def run(self, name: str) -> str:
        return "hunter2"


class TestResults:
    def test_class_location_and_value(self) -> None:
        shown = text_of(LocalResult(dir="/x", location="a/{b}.pkl").from_value([1, 2])._repr_html_())
        assert "LocalResult" in shown
        assert "[1, 2]" in shown
        assert "a/{b}.pkl" in text_of(LocalResult(dir="/x", value=1, location="a/{b}.pkl")._repr_html_())

    def test_everything_is_escaped(self) -> None:
        evil = "<script>alert(1)</script>&\"'"
        html = result_html(Result(evil, location=evil))
        assert "<script>" not in html
        assert text_of(html).count("<script>alert(1)</script>&") == 2

    @pytest.mark.parametrize(
        "value",
        ["x" * 10**6, list(range(10**6)), {"k": ["y" * 10**5] * 100}, 10**4000, np.zeros(10**6), b"z" * 10**6],
        ids=["text", "list", "nested", "number", "array", "bytes"],
    )
    def test_long_values_are_cut(self, value: Any) -> None:
        assert len(result_html(Result(value))) < 3000

    def test_small_frames_show_themselves(self) -> None:
        html = result_html(Result(pd.DataFrame({"column": [1, 2]})))
        assert "<table" in html
        assert "column" in text_of(html)

    def test_large_frames_show_their_shape(self) -> None:
        html = result_html(Result(pd.DataFrame(np.zeros((1000, 7)))))
        assert "(1000, 7)" in html
        assert len(html) < 1000

    def test_large_arrays_show_dtype_and_shape(self) -> None:
        shown = text_of(result_html(Result(np.zeros((1000, 7), "f4"))))
        assert "float32" in shown
        assert "(1000, 7)" in shown

    @pytest.mark.parametrize("make", [Rude, lambda: [Rude()], Ruder, lambda: RudeFrame({"a": [1]})])
    def test_values_that_misbehave(self, make: Any) -> None:
        assert "Result" in text_of(result_html(Result(make())))

    def test_secrets_are_not_shown(self) -> None:
        read = SecretResult(SecretTask()).read("TOKEN")
        assert read.value == "hunter2"
        for shown in (
            read._repr_html_(),
            repr(read),
            Result([read])._repr_html_(),
            Success(result=read)._repr_html_(),
            rich(read),
        ):
            assert "hunter2" not in shown
            assert "TOKEN" in shown

    def test_showing_a_value_does_not_read_it(self) -> None:
        class Unread(Result):
            def __init__(self) -> None:
                self.location = "place"
                self._load = lambda result: 1 / 0

        assert "not read yet" in text_of(Unread()._repr_html_())
        assert "not read yet" in text_of(Success(result=Unread())._repr_html_())
        assert "not read yet" in rich(Success(result=Unread()))

    def test_no_result(self) -> None:
        assert "None" in text_of(NoResult._repr_html_())


class TestStates:
    @pytest.mark.parametrize(
        "cls", [cls for cls in State.children(include_self=True) if not cls.__name__.startswith("_")]
    )
    def test_every_class_has_a_badge(self, cls: type[State]) -> None:
        html = state_html(cls("a <message>"))
        assert cls.color in html
        assert text_of(html).startswith(cls.__name__)
        assert "a <message>" in text_of(html)

    def test_messages_that_are_exceptions(self) -> None:
        assert "boom" in text_of(state_html(Failed(ValueError("boom"), result=ValueError("boom"))))

    def test_long_messages_are_cut(self) -> None:
        assert len(state_html(Success("m" * 10**6))) < 2000

    def test_a_message_that_misbehaves(self) -> None:
        assert "Success" in state_html(Success(Rude()))

    def test_children(self) -> None:
        shown = text_of(state_html(Mapped("done", map_states=[Success(result=1), Failed("no"), None])))
        assert "[1]" in shown
        assert "Failed" in shown

    def test_a_hundred_thousand_children(self) -> None:
        html = state_html(Mapped(map_states=[Success(result=Result(1))] * 100_000))
        assert len(html) < 60_000
        assert "99,900 more" in html

    def test_a_flow_shows_its_tasks(self, tmp_path: Any) -> None:
        @task
        def fine() -> list[int]:
            return [1, 2]

        @task
        def broken(x: int) -> None:
            if x == 2:
                raise ValueError("<no>")

        with Flow("f", result=LocalResult(dir=str(tmp_path))) as flow:
            broken.map(fine())
        state = flow.run(context={"checkpointing": True})
        html = state._repr_html_()
        shown = text_of(html)
        assert shown.startswith("Failed")
        assert "fine" in shown
        assert "broken" in shown
        assert str(tmp_path) in shown
        assert "2 children (1 Success, 1 Failed)" in shown
        assert states.Failed.color in html

    def test_a_flow_of_a_thousand_tasks(self) -> None:
        with Flow("f") as flow:
            for _ in range(300):
                flow.add_task(task(lambda: 1, name="t"))
        html = flow.run()._repr_html_()
        assert "and 200 more" in html
        assert len(html) < 60_000

    def test_a_dictionary_is_no_flow(self) -> None:
        assert "{'a': 1}" in text_of(state_html(Success(result={"a": 1})))


def rich(value: Any) -> str:
    out = io.StringIO()
    Console(file=out, width=120).print(value)
    return out.getvalue()


class TestRich:
    def test_results(self) -> None:
        assert rich(Result([1], location="a")) == "Result(value=[1], location='a')\n"
        assert len(rich(Result(list(range(10**6))))) < 1000

    def test_states(self) -> None:
        assert rich(Success("fine", result=3)) == "Success(message='fine', result=Result(value=3))\n"
        assert rich(Pending()) == "Pending()\n"
        assert "children=2" in rich(Mapped(map_states=[Success()] * 2))
