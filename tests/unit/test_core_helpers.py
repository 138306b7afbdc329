"""Small helpers: pausing, defaults from attributes, files and drawings of flows (SPEC 6, 10.2, 10.7, 17)."""

from __future__ import annotations

import inspect
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from resultant.core.defaults_from_attrs import defaults_from_attrs
from resultant.core.flow import Flow
from resultant.core.function_task import task
from resultant.core.pause_task import pause_task
from resultant.core.task import Task
from resultant.engine.signals import PAUSE
from resultant.runtime import context


@task
def inc(x):
    return x + 1


class TestPauseTask:
    def test_default_message(self) -> None:
        with pytest.raises(PAUSE) as caught:
            pause_task()
        assert caught.value.state.message == "Pause signal raised during task execution."
        assert caught.value.state.start_time is None

    def test_message_and_duration(self) -> None:
        begin = datetime.now(UTC)
        with pytest.raises(PAUSE) as caught:
            pause_task("wait", duration=timedelta(hours=1))
        assert caught.value.state.message == "wait"
        waits = caught.value.state.start_time - begin
        assert timedelta(hours=1) <= waits < timedelta(hours=2)

    def test_resumed(self) -> None:
        with context(resume=True):
            assert pause_task() is None


class TestDefaultsFromAttrs:
    class Both(Task):
        def __init__(self, x=None, y=None):
            self.x, self.y = x, y
            super().__init__()

        @defaults_from_attrs("x", "y", "never")
        def run(self, x=None, y=None, never=3):
            """Return both."""
            return x, y

    def test_missing_arguments_come_from_the_attributes(self) -> None:
        made = self.Both(1, 2)
        assert made.run(never=0) == (1, 2)
        assert made.run(5, never=0) == (5, 2)
        assert made.run(y=6, never=0) == (1, 6)

    def test_none_stays(self) -> None:
        assert self.Both(1, 2).run(x=None, never=0) == (None, 2)
        assert self.Both(1, 2).run(None, never=0) == (None, 2)

    def test_an_attribute_that_was_never_set(self) -> None:
        with pytest.raises(AttributeError, match="never"):
            self.Both(1, 2).run()

    def test_docstring_and_signature(self) -> None:
        assert self.Both.run.__doc__ == "Return both."
        assert list(inspect.signature(self.Both(1, 2)).parameters)[:3] == ["x", "y", "never"]
        assert self.Both(1, 2).run_signature.required == ()


class TestFlowFile:
    def test_default_place(self, home: Path) -> None:
        with Flow("My flow: (2)") as flow:
            called = inc(1)
        path = Path(flow.save())
        assert path == home / ".resultant" / "flows" / "my-flow-2.resultant"
        for name in (str(path), "My flow: (2)", "my-flow-2"):
            loaded = Flow.load(name)
            assert loaded.name == flow.name
            assert list(loaded.slugs.values()) == ["inc-1"]
        (again,) = loaded.slugs
        assert again is not called
        assert loaded.run().result[again].result == 2

    def test_a_path_of_ones_own(self, tmp_path: Path) -> None:
        path = tmp_path / "folder" / "f.pickle"
        assert Flow("f").save(str(path)) == str(path)
        assert Flow.load(str(path)).name == "f"
        assert [each.name for each in path.parent.iterdir()] == ["f.pickle"]

    def test_nothing_there(self) -> None:
        with pytest.raises(FileNotFoundError, match="no saved flow"):
            Flow.load("nope")

    def test_a_flow_that_cannot_be_pickled_leaves_the_file_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "f"
        Flow("before").save(str(path))
        with Flow("after") as flow:
            inc(each for each in [1])
        with pytest.raises(TypeError):
            flow.save(str(path))
        assert Flow.load(str(path)).name == "before"


class TestVisualize:
    @pytest.fixture(autouse=True)
    def no_viewer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Pretend to be in a notebook, so that nothing is rendered or opened."""

        class Shell:
            config = {"IPKernelApp": {}}

        class IPython:
            get_ipython = staticmethod(Shell)

        monkeypatch.setitem(sys.modules, "IPython", IPython)

    def test_without_the_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "graphviz", None)
        with pytest.raises(ImportError, match="pip install graphviz"):
            Flow("f").visualize()

    def test_nodes_and_edges(self) -> None:
        pytest.importorskip("graphviz")
        with Flow("f") as flow:
            inc.map(inc(inc(1)))
        source = flow.visualize(horizontal=True).source
        assert "rankdir=LR" in source
        assert source.count("label=inc shape=ellipse") + source.count("inc shape=ellipse") >= 2
        assert '"inc <map>" shape=box' in source
        assert "label=x" in source
        assert source.count("dashed") == 1

    def test_states(self) -> None:
        pytest.importorskip("graphviz")
        with Flow("f") as flow:
            first = inc.map([1, "a"])
            second = inc.map(first)
            inc(second)
        state = flow.run()
        source = flow.visualize(state).source
        failed = state.result[second].map_states[1]
        assert source.count("#28a74580") == 3
        assert source.count("#eb000080") >= 1
        assert source.count(f"{failed.color}80") >= 1
        nodes = [line for line in source.splitlines() if "shape=" in line]
        assert len(nodes) == 6
        assert source.count("->") == 2 + 2 + 2

    def test_a_file_without_the_program(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        graphviz = pytest.importorskip("graphviz")
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(graphviz.ExecutableNotFound):
            Flow("f").visualize(filename=str(tmp_path / "drawing.png"))

    def test_a_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """With a program called `dot` that says what it was asked for."""
        pytest.importorskip("graphviz")
        program = tmp_path / "dot"
        program.write_text('#!/bin/sh\nwhile [ "$1" ]; do case "$1" in -T*) echo "$1" > "$OUT";; esac; shift; done\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        for filename, format, asked in (("a.png", None, "-Tpng"), ("a", None, "-Tpdf"), ("a.b", "svg", "-Tsvg")):
            monkeypatch.setenv("OUT", str(tmp_path / "out"))
            Flow("f").visualize(filename=str(tmp_path / filename), format=format)
            assert (tmp_path / "out").read_text().strip() == asked
        assert sorted(path.name for path in tmp_path.iterdir()) == ["dot", "out"]
