"""Small public helpers (SPEC 17), and pausing (SPEC 6)."""

from __future__ import annotations

import json
import logging

import pytest

from resultant import Flow, Task, get_logger, task
from resultant.compat.classes import (
    get_default_executor_class,
    get_default_flow_runner_class,
    get_default_task_runner_class,
)
from resultant.compat.dot_dict import DotDict
from resultant.compat.flow_runner import FlowRunner
from resultant.compat.task_runner import TaskRunner
from resultant.core.defaults_from_attrs import defaults_from_attrs
from resultant.core.pause_task import pause_task
from resultant.engine.state import Paused, Resume
from resultant.executors import LocalDaskExecutor, LocalExecutor
from resultant.settings import set_temporary_config


class TestDotDict:
    def test_keys_and_attributes(self):
        made = DotDict({"a": 1, 5: "five"}, b=2)
        assert (made.a, made["b"], made[5]) == (1, 2, "five")
        made.c = 3
        made["d"] = 4
        assert (made["c"], made.d) == (3, 4)
        del made.c
        assert "c" not in made
        assert set(made) == {"a", "b", "d", 5}
        assert len(made) == 4
        assert made.get("nothing", 7) == 7

    def test_what_is_missing(self):
        with pytest.raises(AttributeError):
            DotDict().nothing
        with pytest.raises(KeyError):
            DotDict()["nothing"]

    def test_repr_equality_and_splatting(self):
        made = DotDict({"b": 1, 1: 2, "a": 3})
        assert repr(made) == "<DotDict: 'a', 'b', 1>"
        assert made == {"b": 1, 1: 2, "a": 3}
        assert made != {"b": 1}
        assert dict(**DotDict(a=1, b=2)) == {"a": 1, "b": 2}

    def test_to_dict_is_deep(self):
        plain = DotDict(a=DotDict(b=[DotDict(c=1)])).to_dict()
        assert plain == {"a": {"b": [{"c": 1}]}}
        assert type(plain) is type(plain["a"]) is type(plain["a"]["b"][0]) is dict

    def test_json_refuses_it(self):
        with pytest.raises(TypeError):
            json.dumps(DotDict(a=1))
        assert json.dumps(DotDict(a=1).to_dict()) == '{"a": 1}'


def test_defaults_from_attrs_in_a_run():
    class Multiply(Task):
        def __init__(self, by=None, **options):
            self.by = by
            super().__init__(**options)

        @defaults_from_attrs("by")
        def run(self, x, by=None):
            """Multiply."""
            return (x, by)

    with Flow("f") as flow:
        by_attribute, by_argument, by_none = Multiply(by=2)(1), Multiply(by=2)(1, by=3), Multiply(by=2)(1, by=None)
    state = flow.run()
    assert [state.result[each].result for each in (by_attribute, by_argument, by_none)] == [(1, 2), (1, 3), (1, None)]
    assert Multiply.run.__doc__ == "Multiply."


class TestLoggers:
    def test_one_for_each_name_below_the_root(self, caplog):
        caplog.set_level(logging.INFO)

        def speak():
            from resultant import context

            context.logger.info("from the context")

        class Speaker(Task):
            def run(self):
                self.logger.info("from the task")

        with Flow("the flow") as flow:
            task(speak)()
            Speaker(name="loud")()
        flow.run()
        said = {record.getMessage(): record.name for record in caplog.records}
        assert said["from the context"] == "resultant.speak"
        assert said["from the task"] == "resultant.loud"

    def test_they_are_those_of_the_standard_library(self, caplog):
        logger = get_logger("mine")
        assert logger is logging.getLogger("resultant.mine") is get_logger("mine")
        assert get_logger() is logging.getLogger("resultant")
        logger.error("heard")
        assert [record.getMessage() for record in caplog.records] == ["heard"]


class TestDefaultClasses:
    GET = {
        "executor": (get_default_executor_class, LocalExecutor),
        "flow_runner": (get_default_flow_runner_class, FlowRunner),
        "task_runner": (get_default_task_runner_class, TaskRunner),
    }

    @pytest.mark.parametrize("kind", GET)
    def test_built_in(self, kind):
        get, built_in = self.GET[kind]
        assert get() is built_in

    @pytest.mark.parametrize("kind", GET)
    def test_a_bad_name(self, kind):
        get, built_in = self.GET[kind]
        for name in ("not.there.Class", "resultant.executors.Nothing", "nodots"):
            with set_temporary_config({f"engine.{kind}.default_class": name}):
                with pytest.warns(UserWarning, match=name.rpartition(".")[2]):
                    assert get() is built_in

    def test_a_name_and_a_class(self):
        with set_temporary_config({"engine.executor.default_class": "resultant.executors.LocalDaskExecutor"}):
            assert get_default_executor_class() is LocalDaskExecutor

        class Mine(TaskRunner):
            pass

        with set_temporary_config({"engine.task_runner.default_class": Mine}):
            assert get_default_task_runner_class() is Mine


def test_pause_task_in_a_run():
    @task
    def asks():
        pause_task("May I?")
        return "went on"

    with Flow("f") as flow:
        made = asks()
    paused = flow.run().result[made]
    assert (type(paused), paused.message, paused.start_time) == (Paused, "May I?", None)
    assert flow.run(task_states={made: Resume()}).result[made].result == "went on"
