"""The context by hand: blocks, keys, what it does like a dictionary and what it does not (SPEC 4.1)."""

from __future__ import annotations

import pickle
import threading

import cloudpickle
import pytest

from resultant import Flow, LocalDaskExecutor, config, context, task
from resultant.settings import reload, set_temporary_config


class TestKeys:
    def test_a_missing_attribute_and_a_missing_key(self):
        with pytest.raises(AttributeError, match="nothing"):
            context.nothing
        with pytest.raises(KeyError, match="nothing"):
            context["nothing"]
        assert context.get("nothing") is None
        assert context.get("nothing", 5) == 5
        assert "nothing" not in context
        assert not hasattr(context, "nothing")

    def test_attributes_and_keys_are_the_same(self):
        with context(a=1):
            assert (context.a, context["a"], context.get("a")) == (1, 1, 1)
            context.b = 2
            context["c"] = 3
            assert (context["b"], context.c) == (2, 3)

    def test_blocks_take_keywords_and_mappings(self):
        with context({"a": 1}, b=2) as inside:
            assert inside is context
            assert (context.a, context.b) == (1, 2)
        with context({"a key": 1}):
            assert context["a key"] == 1

    def test_the_old_content_comes_back_whole(self):
        with context(a=1, kept=[0]):
            with context(a=2):
                context.b = 3
                context.update(c=4)
                context.update({"d": 5})
                del context["kept"]
                context.pop("a")
                assert (context.b, context.c, context.d) == (3, 4, 5)
                assert "kept" not in context
            assert context.a == 1
            assert context.kept == [0]
            assert not {"b", "c", "d"} & set(context)
        assert "a" not in context

    def test_blocks_nest(self):
        with context(a=1):
            with context(b=2):
                with context(a=3):
                    assert (context.a, context.b) == (3, 2)
                assert (context.a, context.b) == (1, 2)
            assert "b" not in context

    def test_an_error_ends_the_block_too(self):
        with pytest.raises(RuntimeError), context(a=1):
            raise RuntimeError
        assert "a" not in context

    def test_a_block_object_can_be_used_again(self):
        block = context(a=1)
        for _ in range(2):
            with block:
                assert context.a == 1
            assert "a" not in context

    def test_other_dictionaries_stay_plain(self):
        given = {"b": {"c": 1}}
        with context(a=given):
            assert context.a is given
            with pytest.raises(AttributeError):
                context.a.b

    def test_threads_do_not_see_each_others_values(self):
        seen = []

        def look():
            seen.append(context.get("a"))
            context.a = 2
            seen.append(context.a)

        with context(a=1):
            thread = threading.Thread(target=look)
            thread.start()
            thread.join()
            assert context.a == 1
        assert seen == [None, 2]

    def test_it_does_what_dictionaries_do(self):
        with context(a=1):
            assert context.setdefault("a", 5) == 1
            assert context.setdefault("b", 5) == 5
            assert context.b == 5
            assert context.pop("b") == 5
            assert context.pop("b", None) is None
            with pytest.raises(KeyError):
                context.pop("b")
            copies = (context.copy(), context.to_dict())
            for each in copies:
                assert type(each) is dict
                assert each["a"] == 1
                each["a"] = 9
            assert context.a == 1
            assert "a" in context
            assert "a" in list(context)
            assert "a" in context.keys()  # noqa: SIM118
            assert ("a", 1) in context.items()
            assert len(context) == len(context.to_dict())
            del context["a"]
            assert "a" not in context
            context.a = 2
            del context.a
            with pytest.raises(AttributeError):
                del context.a
            with pytest.raises(KeyError):
                del context["a"]

    @pytest.mark.parametrize("module", [pickle, cloudpickle])
    def test_it_refuses_pickling(self, module):
        with pytest.raises(TypeError, match="cannot be pickled"):
            module.dumps(context)


class TestConfig:
    def test_what_is_given_is_merged(self):
        before = config.logging.level
        with context(config={"flows": {"checkpointing": True}}):
            assert context.config.flows.checkpointing is True
            assert context.config.logging.level == before
            assert context.config.flows.eager_edge_validation is False
            with context(config={"logging": {"level": "ERROR"}}):
                assert (context.config.flows.checkpointing, context.config.logging.level) == (True, "ERROR")
            assert context.config.logging.level == before
        assert context.config.flows.checkpointing is False
        assert config.flows.checkpointing is False

    def test_it_is_there_without_being_set(self):
        assert context.config.flows.checkpointing is False
        assert context["config"].home_dir == config.home_dir

    def test_a_merged_switch_counts_for_a_run(self, tmp_path):
        from resultant import LocalResult

        with Flow("f") as flow:
            called = task(lambda: 1, name="one", result=LocalResult(dir=tmp_path))()
        with context(config={"flows": {"checkpointing": True}}):
            state = flow.run()
        assert state.result[called]._result.location is not None

    def test_temporary_settings_show_in_the_context(self):
        with context(a=1):
            with set_temporary_config({"flows.checkpointing": True}):
                assert context.config.flows.checkpointing is True
                assert context.a == 1
            assert context.config.flows.checkpointing is False

    def test_the_section_context_supplies_keys(self, monkeypatch):
        monkeypatch.setenv("RESULTANT__CONTEXT__FIRST", "1")
        monkeypatch.setenv("RESULTANT__CONTEXT__SECRETS__MyKey", "hidden")
        reload()
        seen = {}

        def look():
            seen.update(first=context.first, secret=context.secrets["MyKey"])

        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        assert seen == {"first": 1, "secret": "hidden"}

    @pytest.mark.parametrize("scheduler", ["synchronous", "threads", "processes"])
    def test_configured_keys_reach_tasks(self, monkeypatch, scheduler):
        monkeypatch.setenv("RESULTANT__CONTEXT__FIRST", "1")
        reload()

        @task
        def look():
            from resultant import context

            return context.first

        with Flow("f") as flow:
            called = look()
        assert flow.run(executor=LocalDaskExecutor(scheduler, num_workers=1)).result[called].result == 1
