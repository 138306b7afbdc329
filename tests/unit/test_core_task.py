"""Options of tasks, calling, binding and copying (SPEC 7.1, 7.3)."""

from __future__ import annotations

import inspect
import pickle
from datetime import timedelta

import cloudpickle
import pytest

from resultant.core.annotations import flatten, mapped, unmapped
from resultant.core.flow import Flow
from resultant.core.function_task import task
from resultant.core.tags import tags
from resultant.core.task import Task
from resultant.engine.cache_validators import all_inputs, duration_only, never_use
from resultant.engine.results import LocalResult
from resultant.errors import UnsupportedError
from resultant.settings import set_temporary_config
from resultant.triggers import all_failed, all_successful

MINUTE = timedelta(minutes=1)


class Adder(Task):
    """Adds."""

    def run(self, x: int, y: int = 1) -> int:
        return x + y


@task
def add(x, y=1):
    """Add two numbers."""
    return x + y


@task
def nothing():
    pass


class TestOptions:
    def test_defaults(self) -> None:
        made = Adder()
        assert made.name == "Adder"
        assert made.slug is None
        assert made.tags == set()
        assert made.max_retries == 0
        assert made.trigger is all_successful
        assert made.cache_validator is never_use
        assert made.state_handlers == []
        assert made.skip_on_upstream_skip is True
        assert made.log_stdout is False
        assert made.auto_generated is False
        for name in (
            "retry_delay",
            "retry_on",
            "checkpoint",
            "result",
            "target",
            "task_run_name",
            "cache_for",
            "cache_key",
            "timeout",
            "nout",
        ):
            assert getattr(made, name) is None, name

    def test_given_options_are_kept(self) -> None:
        result = LocalResult()
        made = Task("n", slug="s", tags=["a"], trigger=all_failed, checkpoint=False, result=result, cache_key="k")
        assert (made.name, made.slug, made.tags, made.trigger) == ("n", "s", {"a"}, all_failed)
        assert (made.checkpoint, made.result, made.cache_key) == (False, result, "k")

    def test_text_as_tags_is_refused(self) -> None:
        with pytest.raises(TypeError, match="set of tags, not a string"):
            Task(tags="abc")

    def test_validator_is_duration_only_once_cache_for_is_set(self) -> None:
        assert Task(cache_for=MINUTE).cache_validator is duration_only
        assert Task(cache_for=MINUTE, cache_validator=all_inputs).cache_validator is all_inputs

    def test_validator_without_cache_for_warns(self) -> None:
        with pytest.warns(UserWarning, match="Task will not be cached"):
            Task(cache_validator=all_inputs)
        assert Task(cache_validator=never_use).cache_validator is never_use

    def test_retries_need_a_delay(self) -> None:
        with pytest.raises(ValueError, match="retry_delay"):
            Task(max_retries=1)

    def test_a_delay_needs_retries(self) -> None:
        text = "A `max_retries` argument greater than 0 must be provided if specifying a retry delay"
        with pytest.raises(ValueError, match=text):
            Task(retry_delay=MINUTE)

    def test_retry_delay_in_seconds_becomes_a_timedelta(self) -> None:
        assert Task(max_retries=1, retry_delay=60).retry_delay == MINUTE

    def test_configured_retries(self) -> None:
        with set_temporary_config({"tasks.defaults.max_retries": 3, "tasks.defaults.retry_delay": 5}):
            made = Task()
            assert (made.max_retries, made.retry_delay) == (3, timedelta(seconds=5))
            explicit = Task(max_retries=0)
            assert (explicit.max_retries, explicit.retry_delay) == (0, None)

    def test_configured_delay_counts_only_with_retries(self) -> None:
        with set_temporary_config({"tasks.defaults.retry_delay": 5}):
            assert Task().retry_delay is None
            assert Task(max_retries=1).retry_delay == timedelta(seconds=5)

    def test_retry_on(self) -> None:
        assert Task(max_retries=1, retry_delay=MINUTE, retry_on=OSError).retry_on == {OSError}
        assert Task(max_retries=1, retry_delay=MINUTE, retry_on=[OSError, KeyError]).retry_on == {OSError, KeyError}
        with pytest.raises(ValueError, match="`max_retries` must be provided"):
            Task(retry_on=OSError)
        with pytest.raises(TypeError, match=r"exception type but got an instance of <class 'str'>"):
            Task(max_retries=1, retry_delay=MINUTE, retry_on=["OSError"])  # type: ignore[list-item]
        with pytest.raises(TypeError, match="exception type but got an instance of"):
            Task(max_retries=1, retry_delay=MINUTE, retry_on=OSError("x"))  # type: ignore[arg-type]

    def test_timeout(self) -> None:
        assert Task(timeout=3).timeout == 3
        assert Task(timeout=timedelta(minutes=2)).timeout == 120
        with pytest.raises(TypeError, match="integer timeouts"):
            Task(timeout=1.5)  # type: ignore[arg-type]
        with pytest.warns(UserWarning, match="whole seconds"):
            assert Task(timeout=timedelta(seconds=2, milliseconds=500)).timeout == 2

    def test_configured_timeout(self) -> None:
        with set_temporary_config({"tasks.defaults.timeout": 7}):
            assert Task().timeout == 7
            assert Task(timeout=1).timeout == 1

    def test_state_handlers_must_be_a_sequence(self) -> None:
        def handler(*_):
            return None

        handlers = [handler]
        made = Task(state_handlers=handlers)
        assert made.state_handlers == handlers
        assert made.state_handlers is not handlers
        with pytest.raises(TypeError, match="state_handlers"):
            Task(state_handlers=handler)  # type: ignore[arg-type]

    def test_on_failure_is_called_with_failed_states_only(self) -> None:
        from resultant.engine.state import Failed, Running, Success

        seen = []
        made = Task(on_failure=lambda task, state: seen.append((task, state)))
        failed = Failed()
        for state in (Running(), Success(), failed):
            assert made.state_handlers[0](made, None, state) is state
        assert seen == [(made, failed)]

    def test_task_among_the_arguments_of_a_constructor_warns(self) -> None:
        class Static(Task):
            def __init__(self, value):
                self.value = value
                super().__init__()

        with pytest.warns(UserWarning, match="A Task was passed as an argument to Static") as caught:
            Static(add)
        assert caught[0].filename == __file__

    def test_setting_an_option_before_the_base_constructor_warns(self) -> None:
        class Early(Task):
            def __init__(self):
                self.tags = {"lost"}
                self.mine = 1
                super().__init__()

        with pytest.warns(UserWarning, match="`Early` sets a `tags` attribute"):
            assert Early().tags == set()

    def test_target_and_result(self) -> None:
        result = LocalResult()
        made = Task(target="t", result=result)
        assert made.result is not result
        assert (made.result.location, result.location) == ("t", None)
        with pytest.warns(UserWarning, match="target"):
            assert Task(target="t", result=LocalResult(location="other")).result.location == "t"

    def test_target_in_copy_and_task_args(self) -> None:
        original = Task(result=LocalResult())
        assert original.copy(target="t").result.location == "t"
        assert original.result.location is None
        with Flow("f"):
            assert original(task_args={"target": "u"}).result.location == "u"

    def test_callable_target_becomes_the_location(self) -> None:
        made = Task(target=lambda **names: f"{names['x']}.bin", result=LocalResult())
        assert made.result.format(x=3).location == "3.bin"


class TestSignatureRules:
    def test_star_args(self) -> None:
        with pytest.raises(ValueError, match=r"\*args"):
            task(lambda *args: None)
        with pytest.raises(ValueError, match=r"\*args"):

            class Bad(Task):
                def run(self, *args):
                    pass

    @pytest.mark.parametrize("name", ["upstream_tasks", "mapped", "task_args", "flow"])
    def test_reserved_names(self, name: str) -> None:
        namespace: dict = {}
        exec(f"def run(a, {name}): pass\ndef kw(*, {name}=1): pass\ndef method(self, {name}): pass", namespace)
        for function in ("run", "kw"):
            with pytest.raises(ValueError, match=name):
                task(namespace[function])
        with pytest.raises(ValueError, match=name):
            type("Bad", (Task,), {"run": namespace["method"]})

    def test_positional_only(self) -> None:
        def run(a, /, b):
            pass

        with pytest.raises(TypeError, match="positional-only"):
            task(run)
        with pytest.raises(TypeError, match="positional-only"):
            task(len)

    def test_not_inspectable(self) -> None:
        with pytest.raises(ValueError, match="This function can not be inspected"):
            task(zip)

    def test_decorated_functions_are_looked_through(self) -> None:
        import functools

        def logged(function):
            @functools.wraps(function)
            def wrapper(*args, **kwargs):
                return function(*args, **kwargs)

            return wrapper

        class Decorated(Task):
            @logged
            def run(self, x, y=2):
                return x, y

        made = task(logged(lambda x, y=2: (x, y)))
        for checked in (made, Decorated()):
            assert checked.run_signature.names == ("x", "y")
            assert checked.run_signature.required == ("x",)
            assert checked.run(1) == (1, 2)
        with pytest.raises(ValueError, match=r"\*args"):
            task(logged(lambda *args: args))

    def test_partials_and_callable_objects(self) -> None:
        import functools

        class Callable:
            def __call__(self, x, *, y):
                return x, y

        assert task(functools.partial(lambda a, b: a + b, b=1), name="p").run(2) == 3
        made = task(Callable())
        assert made.name == "FunctionTask"
        assert made.run_signature.required == ("x", "y")

    def test_static_and_class_methods(self) -> None:
        class Static(Task):
            @staticmethod
            def run(x):
                return x

        class OfClass(Task):
            @classmethod
            def run(cls, x):
                return cls, x

        assert Static().run_signature.names == OfClass().run_signature.names == ("x",)

    def test_async_is_refused_with_the_alternative(self) -> None:
        """Departures: `async def` tasks."""

        async def run():
            pass

        with pytest.raises(UnsupportedError, match=r"asyncio\.run"):
            task(run)

    def test_async_is_accepted_where_the_switch_is_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def run():
            pass

        monkeypatch.setattr("resultant.core.signature.accept_async", True)
        assert task(run).run is run

    def test_signature_of_a_task(self) -> None:
        signature = inspect.signature(add)
        assert list(signature.parameters)[:2] == ["x", "y"]
        reserved = {"upstream_tasks", "mapped", "task_args", "flow"}
        assert set(signature.parameters) == {"x", "y"} | reserved
        for name in reserved:
            assert signature.parameters[name].kind is inspect.Parameter.KEYWORD_ONLY
        assert signature.return_annotation == "Task"
        assert list(inspect.signature(Adder()).parameters)[:2] == ["x", "y"]

    def test_signature_of_a_class_is_its_own(self) -> None:
        class Own(Task):
            def __init__(self, a, b=1, **options):
                super().__init__(**options)

        assert list(inspect.signature(Own).parameters) == ["a", "b", "options"]
        assert next(iter(inspect.signature(Task).parameters)) == "name"

    def test_keyword_arguments_stay_last_in_the_signature(self) -> None:
        made = task(lambda x, **more: None)
        assert list(inspect.signature(made).parameters)[-1] == "more"


class TestCalling:
    def test_a_call_adds_a_copy(self) -> None:
        with Flow("f") as flow:
            called = add(1)
        assert called is not add
        assert flow.tasks == {called}
        assert flow.constants[called] == {"x": 1}

    def test_outside_a_flow(self) -> None:
        start = "Could not infer an active Flow context while creating edge to "
        with pytest.raises(ValueError, match=start + r"<Task: add>(?s:.*)`add\.run\(\.\.\.\)`"):
            add(1)
        with pytest.raises(ValueError, match=start + r"<Task: Adder>(?s:.*)`Adder\(\.\.\.\)\.run\(\.\.\.\)`"):
            Adder()(1)
        with pytest.raises(ValueError, match=start):
            add.bind(1)
        with pytest.raises(ValueError, match=start):
            add.map([1])

    def test_a_flow_can_be_given(self) -> None:
        flow = Flow("f")
        assert add(1, flow=flow) in flow.tasks
        assert add.map([1], flow=flow) in flow.tasks

    @pytest.mark.parametrize(
        ("args", "kwargs", "text"),
        [
            ((), {}, "missing a required argument: 'x'"),
            ((1, 2, 3), {}, "too many positional arguments"),
            ((1,), {"z": 1}, "got an unexpected keyword argument 'z'"),
            ((1,), {"x": 1}, "multiple values for argument 'x'"),
        ],
    )
    def test_wrong_arguments(self, args: tuple, kwargs: dict, text: str) -> None:
        with Flow("f"), pytest.raises(TypeError, match=text):
            add(*args, **kwargs)

    def test_missing_keyword_only_argument(self) -> None:
        made = task(lambda *, a, b=1: None)
        with Flow("f"):
            assert made(a=1)
            with pytest.raises(TypeError, match="missing a required argument: 'a'"):
                made()

    def test_task_args(self) -> None:
        tagged = task(lambda: None, tags=["own"])
        with Flow("f"), tags("around"):
            called = tagged(task_args={"name": "new", "tags": ["given"], "checkpoint": False})
        assert (called.name, called.checkpoint) == ("new", False)
        assert called.tags == {"own", "given", "around"}
        assert tagged.tags == {"own"}

    def test_unknown_task_args(self) -> None:
        with Flow("f"), pytest.raises(AttributeError, match="colour"):
            add(1, task_args={"colour": "red"})

    def test_upstream_tasks(self) -> None:
        with Flow("f") as flow:
            first = nothing()
            second = add(1, upstream_tasks=[first, 2])
        keys = {(edge.upstream_task.name, edge.key) for edge in flow.edges_to(second)}
        assert keys == {("nothing", None), ("2", None)}

    def test_bind_returns_the_task_itself(self) -> None:
        with Flow("f") as flow:
            made = Adder()
            assert made.bind(1, y=2) is made
        assert flow.constants[made] == {"x": 1, "y": 2}

    def test_keyword_arguments_are_spread_into_edges(self) -> None:
        spread = task(lambda a, **more: None)
        with Flow("f") as flow:
            called = spread(1, b=nothing(), c=3)
        assert {edge.key for edge in flow.edges_to(called)} == {"b"}
        assert flow.constants[called] == {"a": 1, "c": 3}


class TestCopying:
    def test_tags_are_not_shared(self) -> None:
        original = Task(tags=["a"])
        copied = original.copy()
        copied.tags.add("b")
        assert original.tags == {"a"}

    def test_slugs(self) -> None:
        assert Task(slug="s").copy().slug == "s-copy"
        assert Task(slug="s").copy(slug="t").slug == "t"
        assert Task().copy().slug is None

    def test_attributes_are_shallow(self) -> None:
        result = LocalResult()
        original = Task(result=result)
        copied = original.copy(name="other")
        assert copied.result is result
        assert (original.name, copied.name) == ("Task", "other")

    def test_class_with_slots(self) -> None:
        class Slotted(Task):
            __slots__ = ("extra",)

            def __init__(self, extra):
                self.extra = extra
                super().__init__()

        assert Slotted(3).copy().extra == 3

    def test_copy_of_a_task_with_edges_warns(self) -> None:
        with Flow("f"):
            first = nothing()
            second = add(first)
            with pytest.warns(UserWarning, match="You are making a copy"):
                third = second.copy()
            with pytest.warns(UserWarning, match="You are making a copy"):
                second(1)
            third.bind(1)

    def test_copy_of_a_task_without_edges_is_silent(self) -> None:
        with Flow("f"):
            called = add(1)
            called(2)

    def test_pickling(self) -> None:
        made = Adder(name="n", tags=["t"])
        again = pickle.loads(pickle.dumps(made))
        assert (again.name, again.tags, again.run(1, 2)) == ("n", {"t"}, 3)
        function = cloudpickle.loads(cloudpickle.dumps(add))
        assert (function.name, function.run(1)) == ("add", 2)


class TestDependencies:
    def test_without_a_flow(self) -> None:
        for call in (
            lambda: add.set_dependencies(upstream_tasks=[1]),
            lambda: add.set_upstream(nothing),
            lambda: add.set_downstream(nothing),
        ):
            with pytest.raises(ValueError, match="No Flow was passed"):
                call()

    def test_they_return_the_task(self) -> None:
        flow = Flow("f")
        first, second, third = nothing.copy(), add.copy(), nothing.copy()
        assert second.set_upstream(first, key="x", flow=flow) is second
        assert second.set_downstream(third, flow=flow) is second
        assert second.set_dependencies(flow, keyword_tasks={"y": 3}) is second
        assert {(edge.upstream_task, edge.downstream_task, edge.key) for edge in flow.edges} == {
            (first, second, "x"),
            (second, third, None),
        }
        assert flow.constants[second] == {"y": 3}

    def test_mapped(self) -> None:
        with Flow("f") as flow:
            made = add.copy().set_upstream([1, 2], key="x", mapped=True)
        (edge,) = flow.edges_to(made)
        assert edge.mapped is True


class TestPipe:
    def test_it_calls_the_other(self) -> None:
        with Flow("f") as flow:
            piped = nothing().pipe(add, y=3)
        (edge,) = flow.edges_to(piped)
        assert (edge.key, flow.constants[piped]) == ("x", {"y": 3})

    def test_annotations_can_be_piped_through(self) -> None:
        with Flow("f"):
            first = nothing()
            for kind in (flatten, mapped, unmapped):
                assert isinstance(first.pipe(kind), kind)

    def test_extra_positional_arguments(self) -> None:
        with pytest.raises(TypeError):
            add.pipe(nothing, 1)  # type: ignore[call-arg]

    def test_keyword_self(self) -> None:
        with pytest.raises(ValueError, match='keyword argument "self"'):
            add.pipe(nothing, self=1)

    def test_keyword_task_is_fine(self) -> None:
        takes_task = task(lambda value, task: None)
        with Flow("f") as flow:
            piped = nothing().pipe(takes_task, task=3)
        assert flow.constants[piped] == {"task": 3}


class TestDescriptions:
    def test_inputs_and_outputs(self) -> None:
        from typing import Any

        assert add.inputs() == {
            "x": {"type": Any, "default": None, "required": True},
            "y": {"type": Any, "default": 1, "required": False},
        }
        assert add.outputs() is Any
        assert Adder().inputs()["x"]["type"] in (int, "int")
        assert Adder().outputs() in (int, "int")

    def test_repr(self) -> None:
        assert repr(add) == "<Task: add>"

    def test_logger_is_named_after_the_task(self) -> None:
        assert add.logger.name.endswith("add")
        assert "logger" not in vars(add)

    def test_logger_can_be_replaced(self) -> None:
        class Own(Task):
            def __init__(self):
                super().__init__()
                self.logger = "mine"

        assert Own().logger == "mine"
