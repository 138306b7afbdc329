"""Tasks as they run: values through operators and indices, several outputs, names of runs, options (SPEC 7)."""

from __future__ import annotations

import logging
import operator
import warnings
from datetime import timedelta

import pytest

from resultant import (
    Flow,
    LocalResult,
    Parameter,
    Task,
    config,
    context,
    flatten,
    mapped,
    set_temporary_config,
    tags,
    task,
    unmapped,
)
from resultant.core.as_task import as_task
from resultant.core.constants import Constant
from resultant.core.operators import GetAttr, GetItem
from resultant.triggers import all_successful


@task
def give(x):
    return x


def value(build, **options):
    """Run a flow and return the value of the task that `build` returned."""
    with Flow("f") as flow:
        made = build()
    state = flow.run(**options).result[made]
    assert state.is_successful(), state
    return state.result


class TestOperators:
    @pytest.mark.parametrize(
        "function",
        [
            getattr(operator, name)
            for name in ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "lt", "le", "gt", "ge"]
        ],
    )
    def test_on_either_side(self, function):
        expected = function(7, 3)
        assert value(lambda: function(give(7), give(3))) == expected
        assert value(lambda: function(give(7), 3)) == expected
        assert value(lambda: function(7, give(3))) == expected
        assert value(lambda: function(Parameter("p"), 3), p=7) == expected

    def test_named_ones(self):
        assert value(lambda: give(1).is_equal(1)) is True
        assert value(lambda: give(1).is_not_equal(give(1))) is False
        assert value(lambda: give(0).not_()) is True
        assert value(lambda: give(0).or_(give("b"))) == "b"

    def test_a_failing_one_fails_its_own_task(self):
        with Flow("f") as flow:
            bad = give(1) / 0
        state = flow.run().result[bad]
        assert state.is_failed()
        assert isinstance(state.result, ZeroDivisionError)

    def test_bar_orders(self):
        order = []
        note = task(lambda x: order.append(x), name="note")

        def build():
            last, first = note("last"), note("first")
            return first | 5 | last

        value(build)
        assert order == ["first", "last"]


class TestIndexing:
    def test_keys_are_constants_or_tasks(self):
        assert value(lambda: give({"a": [1, 2]})["a"][1]) == 2
        assert value(lambda: give({"a": 1})[give("a")]) == 1
        assert value(lambda: give([1, 2, 3])[Parameter("p")], p=-1) == 3
        assert value(lambda: give([1, 2, 3])[1:]) == [2, 3]
        assert value(lambda: give({("a", 1): 5})["a", 1]) == 5

    def test_a_missing_key_fails(self):
        with Flow("f") as flow:
            made = give({})["a"]
        assert isinstance(flow.run().result[made].result, KeyError)

    def test_defaults_and_attributes(self):
        assert value(lambda: GetItem(default=5)(give({}), "a")) == 5
        assert value(lambda: GetAttr()(give(1 + 2j), "imag")) == 2.0
        assert value(lambda: GetAttr()(give(1), "__class__.__name__")) == "int"
        assert value(lambda: GetAttr(default=None)(give(1), "nothing")) is None

    def test_checkpoint_and_result_are_inherited(self, tmp_path):
        stored = task(lambda: {"a": 1}, name="stored", result=LocalResult(dir=tmp_path))
        with Flow("f") as flow:
            item = stored()["a"]
            kept = task(lambda: {"a": 1}, name="kept", result=LocalResult(dir=tmp_path), checkpoint=False)()["a"]
        with set_temporary_config({"flows.checkpointing": True}):
            state = flow.run()
        assert state.result[item]._result.location.startswith(str(tmp_path))
        assert state.result[kept]._result.location is None


class TestOutputs:
    def test_unpacking(self):
        @task(nout=2)
        def pair():
            return 1, 2

        with Flow("f") as flow:
            first, second = pair()
            total = first + second
        assert flow.run().result[total].result == 3

    def test_by_annotation(self):
        @task
        def triple() -> tuple[int, int, int]:
            return 1, 2, 3

        @task
        def none() -> tuple[()]:
            return ()

        with Flow("f") as flow:
            a, b, c = triple()
            assert list(none()) == []
        state = flow.run()
        assert [state.result[each].result for each in (a, b, c)] == [1, 2, 3]

    def test_classes(self):
        class Pair(Task):
            def run(self) -> tuple[int, int]:
                return 1, 2

        assert Pair().nout == 2
        assert Pair(nout=3).nout == 3
        with Flow("f") as flow:
            _, second = Pair()()
        assert flow.run().result[second].result == 2

    def test_without_a_number_it_is_no_iterable(self):
        with Flow("f"):
            made = give(1)
            with pytest.raises(TypeError, match=r"^Task is not iterable"):
                iter(made)
            with pytest.raises(TypeError, match=r"^Task is not iterable"):
                _first, _second = made


class TestRunNames:
    def names(self, template, *, children=0, **options):
        seen = []

        def note(x):
            seen.append(context.task_run_name)

        named = task(note, name="note", task_run_name=template)
        value(lambda: named.map(list(range(children))) if children else named(7), **options)
        return seen

    def test_a_template(self):
        assert self.names("{task_name}-{x}-{today}", context={"date": "2020-02-03"}) == ["note-7-2020-02-03"]

    def test_a_callable_taking_keywords(self):
        assert self.names(lambda **names: f"{names['task_name']}-{names['x']}") == ["note-7"]
        assert self.names(lambda x, flow_name, **_: f"{flow_name}{x}") == ["f7"]

    def test_each_child_has_its_own(self):
        assert self.names("{x}/{map_index}", children=2) == ["0/0", "1/1"]

    def test_a_missing_name_fails_the_task(self):
        with Flow("f") as flow:
            made = task(lambda: 1, name="one", task_run_name="{nothing}")()
        assert flow.run().result[made].is_failed()


class TestOptions:
    def test_tags_are_a_set_of_its_own(self):
        given = ["a", "b"]
        made = Task(tags=given)
        made.tags.add("c")
        assert given == ["a", "b"]
        assert isinstance(made.tags, set)

    def test_configured_defaults_reach_runs(self):
        counts = []

        with set_temporary_config({"tasks.defaults.max_retries": 2, "tasks.defaults.retry_delay": 0}):

            @task
            def flaky():
                counts.append(context.task_run_count)
                raise OSError

            @task(max_retries=0)
            def once():
                counts.append("once")
                raise OSError

        with Flow("f") as flow:
            flaky()
            once()
        flow.run()
        assert sorted(counts, key=str) == [1, 2, 3, "once"]

    def test_retry_on_decides(self):
        counts = []

        @task(max_retries=2, retry_delay=timedelta(0), retry_on=(OSError, KeyError))
        def flaky():
            counts.append(context.task_run_count)
            raise (FileNotFoundError if len(counts) == 1 else ValueError)

        with Flow("f") as flow:
            made = flaky()
        assert isinstance(flow.run().result[made].result, ValueError)
        assert counts == [1, 2]

    def test_skip_on_upstream_skip(self):
        from resultant.engine.signals import SKIP

        @task
        def skips():
            raise SKIP("no", result=5)

        with Flow("f") as flow:
            above = skips()
            heeds = give(above)
            heedless = task(lambda x: x, name="heedless", skip_on_upstream_skip=False)(above)
        state = flow.run()
        assert state.result[heeds].is_skipped()
        assert "skip_on_upstream_skip" in state.result[heeds].message
        assert state.result[heedless].result == 5

    def test_on_failure(self):
        seen = []
        with Flow("f") as flow:
            made = task(lambda: 1 / 0, name="bad", on_failure=lambda t, s: seen.append((t, type(s).__name__)))()
            task(lambda: 1, name="good", on_failure=lambda t, s: seen.append("good"))()
        flow.run()
        assert seen == [(made, "Failed")]

    def test_log_stdout(self, caplog, capsys):
        caplog.set_level(logging.INFO)

        @task(log_stdout=True)
        def prints():
            print("first\nsecond", end=" ")
            print("line")

        with Flow("f") as flow:
            prints()
        flow.run()
        lines = [record.getMessage() for record in caplog.records if record.name == "resultant.prints"]
        assert [line.strip() for line in lines if line.strip() in ("first", "second line")] == ["first", "second line"]
        assert "first" not in capsys.readouterr().out

    def test_the_default_trigger(self):
        assert Task().trigger is all_successful


class TestCalls:
    def test_a_called_copy_is_of_the_same_class_and_runs(self):
        class Adder(Task):
            def __init__(self, more, **options):
                self.more = more
                super().__init__(**options)

            def run(self, x, *, y=0):
                return x + y + self.more

        made = Adder(10, name="mine")
        assert made.run(1, y=2) == 13
        with Flow("f") as flow:
            first, second = made(1), made(2, y=give(3))
        assert {type(first), type(second)} == {Adder}
        assert len({made, first, second}) == 3
        state = flow.run()
        assert [state.result[each].result for each in (first, second)] == [11, 15]

    def test_a_class_can_be_mapped(self):
        class Adder(Task):
            def __init__(self, more, **options):
                self.more = more
                super().__init__(**options)

            def run(self, x):
                return x + self.more

        assert value(lambda: Adder(5).map([1, 2])) == [6, 7]

    def test_defaults_of_run_are_used(self):
        assert value(lambda: task(lambda x, y=2, **more: (x, y, more), name="t")(1, z=give(3))) == (1, 2, {"z": 3})

    def test_pipe(self):
        assert value(lambda: give(1).pipe(task(lambda x, y: (x, y), name="pair"), y=2)) == (1, 2)
        assert value(lambda: give([[1], [2]]).pipe(flatten).pipe(give)) == [1, 2]
        assert value(lambda: give([1, 2]).pipe(mapped).pipe(give)) == [1, 2]
        assert value(lambda: give([1, 2]).pipe(unmapped).pipe(give)) == [1, 2]
        assert value(lambda: give([1, 2]).pipe(give.map)) == [1, 2]

    def test_upstream_tasks_run_before(self):
        order = []
        note = task(lambda x: order.append(x), name="note")

        def build():
            second = note("second", upstream_tasks=[note("first")])
            return note("third").set_upstream(second)

        value(build)
        assert order == ["first", "second", "third"]

    def test_constants_are_tasks_where_they_have_no_key(self):
        with Flow("f") as flow:
            made = give(1, upstream_tasks=[2])
        constant = next(each for each in flow.tasks if isinstance(each, Constant))
        assert flow.constants[made] == {"x": 1}
        assert flow.run().result[constant].result == 2

    def test_what_as_task_makes_is_auto_generated(self):
        for given in (1, [1, 2], {"a": 1}):
            made = as_task(given)
            assert made.auto_generated is True
            assert made.run() == given
        with Flow("f") as flow:
            listed = as_task([give(1), 2])
            assert listed.auto_generated is True
            assert as_task(flatten(listed)) is listed
        assert flow.run().result[listed].result == [1, 2]

    def test_docstring_example_of_the_error(self):
        """The text names the call to use instead."""
        with pytest.raises(
            ValueError, match=r"^Could not infer an active Flow context while creating edge to <Task: give>"
        ):
            give(1)
        with pytest.raises(ValueError, match=r"`give\.run\(\.\.\.\)`"):
            give(1)
        assert give.run(2) == 2


class TestTags:
    def test_children_and_retries_carry_them(self):
        with tags("b"), Flow("f") as flow:
            made = task(lambda x: x, name="t", tags=["a"]).map([1])
            bad = task(lambda: 1 / 0, name="bad")()
        state = flow.run()
        assert sorted(state.result[made].map_states[0].context["tags"]) == ["a", "b"]
        assert state.result[bad].context["tags"] == ["b"]

    def test_blocks_end_with_an_error_too(self):
        with pytest.raises(KeyError), tags("a"):
            raise KeyError
        assert Task().tags == set()
        assert "tags" not in context


def test_no_warning_for_an_ordinary_flow():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Flow("f") as flow:
            total = give(1) + give([give(2), 3])[0]
        assert flow.run().result[total].result == 3
    assert config.flows.checkpointing is False
