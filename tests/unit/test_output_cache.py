"""Output caching: what a run leaves behind, and when it stands for a later one."""

from __future__ import annotations

import datetime
import logging
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from resultant import Flow, Parameter, Task, context, task, unmapped
from resultant.engine import cache_validators, signals
from resultant.engine.cache_validators import (
    all_inputs,
    all_parameters,
    duration_only,
    never_use,
    partial_inputs_only,
    partial_parameters_only,
)
from resultant.engine.digests import digest
from resultant.engine.result import Result
from resultant.engine.state import Cached, Failed, Mapped, Pending, Skipped, Success
from resultant.executors import ProcessExecutor, ThreadExecutor

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def caches() -> Iterator[dict[str, list[Any]]]:
    """The caches of this process, empty before and after."""
    found: dict[str, list[Any]] = context.caches
    found.clear()
    yield found
    found.clear()


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def cached(**options: Any) -> Cached:
    options.setdefault("cached_result_expiration", now() + HOUR)
    return Cached(result=options.pop("result", 1), **options)


def expired(**options: Any) -> Cached:
    return cached(cached_result_expiration=now() - HOUR, **options)


class Counting(Task):
    """Counts how often it runs."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.calls: list[Any] = []

    def run(self, x: Any = None, y: Any = None) -> Any:
        self.calls.append((x, y))
        return (x, len(self.calls))


def run_once(counting: Counting, **inputs: Any) -> Any:
    with Flow("f") as flow:
        counting.bind(**inputs)
    return flow.run().result[counting]


class TestFirstRun:
    def test_it_ends_cached_with_the_message_and_value_of_the_success(self) -> None:
        state = run_once(Counting(name="c", cache_for=HOUR), x=5)
        assert type(state) is Cached
        assert state.is_successful()
        assert state.message == "Task run succeeded."
        assert state.result == (5, 1)

    def test_it_expires_cache_for_later(self) -> None:
        before = now()
        state = run_once(Counting(cache_for=HOUR))
        assert before + HOUR <= state.cached_result_expiration <= now() + HOUR
        assert state.cached_result_expiration.tzinfo is not None

    def test_it_keeps_the_parameters_of_the_run(self) -> None:
        counting = Counting(cache_for=HOUR)
        with Flow("f") as flow:
            p = Parameter("p", default=3)
            counting.bind(x=p)
            flow.add_task(Parameter("r", default=5))
        state = flow.run(p=7).result[counting]
        assert state.cached_parameters == {"p": 7, "r": 5}

    def test_it_keeps_a_digest_for_each_input(self) -> None:
        one = run_once(Counting(cache_for=HOUR), x=1, y=1).hashed_inputs
        other = run_once(Counting(cache_for=HOUR, name="other"), x=1, y=2).hashed_inputs
        assert one.keys() == {"x", "y"}
        assert one["x"] == one["y"] == other["x"] != other["y"]

    def test_without_cache_for_it_ends_in_success(self, caches: dict[str, list[Any]]) -> None:
        assert type(run_once(Counting())) is Success
        assert not caches

    def test_skips_are_not_cached(self, caches: dict[str, list[Any]]) -> None:
        @task(cache_for=HOUR)
        def skips() -> None:
            raise signals.SKIP("not today")

        with Flow("f") as flow:
            made = skips()
        assert type(flow.run().result[made]) is Skipped
        assert not caches.get("skips")

    def test_failures_are_not_cached(self, caches: dict[str, list[Any]]) -> None:
        @task(cache_for=HOUR)
        def fails() -> None:
            raise ValueError("no")

        with Flow("f") as flow:
            made = fails()
        assert type(flow.run().result[made]) is Failed
        assert not caches.get("fails")

    def test_handlers_see_success_before_cached(self) -> None:
        seen: list[tuple[str, str]] = []

        def handler(task: Any, old: Any, new: Any) -> None:
            seen.append((type(old).__name__, type(new).__name__))

        run_once(Counting(cache_for=HOUR, state_handlers=[handler]))
        assert seen == [("Pending", "Running"), ("Running", "Success"), ("Success", "Cached")]


class TestWhereItIsKept:
    def test_under_the_name_of_the_task(self, caches: dict[str, list[Any]]) -> None:
        state = run_once(Counting(name="c", cache_for=HOUR))
        assert caches == {"c": [state]}
        assert context.caches is caches

    def test_under_the_cache_key(self, caches: dict[str, list[Any]]) -> None:
        run_once(Counting(name="c", cache_for=HOUR, cache_key="k"))
        assert list(caches) == ["k"]

    def test_expired_entries_are_dropped_after_the_run(self, caches: dict[str, list[Any]]) -> None:
        caches["c"] = [expired(), cached(), cached(cached_result_expiration=None)]
        known = caches["c"][1:]
        state = run_once(Counting(name="c", cache_for=HOUR, cache_validator=never_use))
        assert caches["c"][0] is state
        assert {id(entry) for entry in caches["c"][1:]} == {id(entry) for entry in known}

    def test_what_expires_before_the_run_ends_is_not_kept(self, caches: dict[str, list[Any]]) -> None:
        run_once(Counting(name="c", cache_for=timedelta(0)))
        assert not caches["c"]

    def test_children_of_mapped_tasks_are_kept(self, caches: dict[str, list[Any]]) -> None:
        counting = Counting(name="c", cache_for=HOUR, cache_validator=all_inputs)
        with Flow("f") as flow:
            mapped = counting.map(x=[1, 2, 3])
        state = flow.run().result[mapped]
        assert type(state) is Mapped
        assert [type(child) for child in state.map_states] == [Cached] * 3
        assert {child.result[0] for child in caches["c"]} == {1, 2, 3}

    def test_a_run_with_caches_of_its_own(self, caches: dict[str, list[Any]]) -> None:
        own: dict[str, list[Any]] = {}
        counting = Counting(name="c", cache_for=HOUR)
        with Flow("f") as flow:
            counting.bind()
        flow.run(context={"caches": own})
        assert list(own) == ["c"]
        assert not caches


class TestLaterRuns:
    def test_the_value_is_used_without_running(self) -> None:
        counting = Counting(name="c", cache_for=HOUR)
        first = run_once(counting, x=1)
        again = run_once(counting, x=2)
        assert counting.calls == [(1, None)]
        assert again.result == (1, 1)
        assert type(again) is Cached
        assert again.cached_result_expiration == first.cached_result_expiration

    def test_another_flow_uses_it_for_a_task_of_the_same_name(self) -> None:
        run_once(Counting(name="c", cache_for=HOUR))
        other = Counting(name="c", cache_for=HOUR)
        run_once(other)
        assert not other.calls

    def test_two_functions_of_one_name_keep_apart(self) -> None:
        options: dict[str, Any] = {"name": "f", "cache_for": HOUR, "cache_validator": all_inputs}
        with Flow("apart") as flow:
            one = task(lambda x: x + 1, **options)(5)
            other = task(lambda x: x * 10, **options)(5)
        for _ in range(3):
            state = flow.run()
            assert (state.result[one].result, state.result[other].result) == (6, 50)

    def test_a_function_that_was_defined_again_runs(self) -> None:
        def made(number: int) -> Any:
            if number == 1:
                return lambda x: x + 1
            return lambda x: x + 100

        def closed(number: int) -> Any:
            return lambda x: x * number

        for make, results in ((made, (6, 105)), (closed, (5, 10))):
            for number, expected in zip((1, 2), results, strict=True):
                with Flow("again") as flow:
                    end = task(make(number), name=make.__name__, cache_for=HOUR)(5)
                assert flow.run().result[end].result == expected

    def test_tasks_of_other_names_do_not(self) -> None:
        run_once(Counting(name="c", cache_for=HOUR))
        other = Counting(name="d", cache_for=HOUR)
        run_once(other)
        assert len(other.calls) == 1

    def test_a_cache_key_is_shared_by_tasks_and_flows(self) -> None:
        run_once(Counting(name="c", cache_for=HOUR, cache_key="k"), x=9)
        other = Counting(name="d", cache_for=HOUR, cache_key="k")
        assert run_once(other).result == (9, 1)
        assert not other.calls

    def test_a_task_without_cache_for_does_not_look(self) -> None:
        run_once(Counting(name="c", cache_for=HOUR))
        other = Counting(name="c")
        assert type(run_once(other)) is Success
        assert len(other.calls) == 1

    def test_two_tasks_of_one_run_do_not_see_each_other(self) -> None:
        one = Counting(name="one", cache_for=HOUR, cache_key="k")
        other = Counting(name="other", cache_for=HOUR, cache_key="k")
        with Flow("f") as flow:
            one.bind()
            other.bind(upstream_tasks=[one])
        flow.run()
        assert len(one.calls) == len(other.calls) == 1

    def test_the_first_that_the_validator_accepts_is_used(self, caches: dict[str, list[Any]]) -> None:
        entries = [cached(result=n) for n in range(4)]
        caches["c"] = list(entries)
        asked: list[Any] = []

        def validator(state: Cached, inputs: Any, parameters: Any) -> bool:
            asked.append(state.result)
            return state.result >= 2

        state = run_once(Counting(name="c", cache_for=HOUR, cache_validator=validator))
        assert state.result == 2
        assert asked == [0, 1, 2]

    def test_an_expired_one_is_not_used(self, caches: dict[str, list[Any]]) -> None:
        caches["c"] = [expired(result="old")]
        counting = Counting(name="c", cache_for=HOUR)
        assert run_once(counting).result == (None, 1)

    def test_children_find_their_own(self) -> None:
        counting = Counting(name="c", cache_for=HOUR, cache_validator=all_inputs)

        def run(values: list[Any]) -> Any:
            with Flow("f") as flow:
                mapped = counting.map(x=values)
            mapped.calls = counting.calls
            return flow.run().result[mapped]

        run([1, 2, 3])
        state = run([3, 4, 1])
        assert sorted(x for x, _ in counting.calls) == [1, 2, 3, 4]
        assert [value[0] for value in state.result] == [3, 4, 1]

    @pytest.mark.parametrize("make", [ThreadExecutor, ProcessExecutor])
    def test_other_executors_find_them_too(self, make: Any) -> None:
        executor = make(workers=2)

        @task(cache_for=HOUR, cache_validator=all_inputs)
        def stamp(x: int, s: str) -> tuple[int, float]:
            import time

            return x, time.perf_counter()

        with Flow("f") as flow:
            stamps = stamp.map([1, 2, 3], s=unmapped("s"))
        first = flow.run(executor=executor).result[stamps]
        second = flow.run(executor=executor).result[stamps]
        assert first.result == second.result
        assert [type(child) for child in second.map_states] == [Cached] * 3

    def test_values_that_only_lie_in_storage_are_read(self, caches: dict[str, list[Any]], tmp_path: Any) -> None:
        from resultant import LocalResult

        stored = LocalResult(dir=str(tmp_path)).write("kept")
        stored.value = None
        caches["c"] = [cached(result=stored)]
        counting = Counting(name="c", cache_for=HOUR)
        assert run_once(counting).result == "kept"
        assert not counting.calls

    def test_bytes_that_are_gone_make_it_a_miss(self, caches: dict[str, list[Any]], tmp_path: Any) -> None:
        from resultant import LocalResult

        stored = LocalResult(dir=str(tmp_path)).write("kept")
        stored.value = None
        stored.delete(stored.location)
        caches["c"] = [cached(result=stored)]
        counting = Counting(name="c", cache_for=HOUR)
        state = run_once(counting)
        assert state.is_successful()
        assert len(counting.calls) == 1

    def test_the_first_that_fits_is_taken_whatever_it_knows_of_its_inputs(self, caches: dict[str, list[Any]]) -> None:
        hashed = cached(result="hashed", hashed_inputs={"x": digest(5)})
        held = cached(result="held", cached_inputs={"x": Result(5)})
        others = [cached(hashed_inputs={"x": digest(6)}), cached(hashed_inputs={"x": None}), cached()]
        for fitting in ([hashed, held], [held, hashed]):
            caches["c"] = [others[0], fitting[0], others[1], fitting[1], others[2]]
            state = run_once(Counting(name="c", cache_for=HOUR, cache_validator=all_inputs), x=5)
            assert state.result == fitting[0].result


class TestGivenStates:
    def test_a_valid_one_stands(self) -> None:
        counting = Counting(name="c", cache_for=HOUR)
        with Flow("f") as flow:
            counting.bind()
        given = cached(result="given")
        assert flow.run(task_states={counting: given}).result[counting] is given
        assert not counting.calls

    def test_it_comes_before_those_that_are_kept(self, caches: dict[str, list[Any]]) -> None:
        caches["c"] = [cached(result="kept")]
        counting = Counting(name="c", cache_for=HOUR)
        with Flow("f") as flow:
            counting.bind()
        assert flow.run(task_states={counting: cached(result="given")}).result[counting].result == "given"

    def test_one_that_has_expired_is_run_again(self) -> None:
        counting = Counting(name="c", cache_for=HOUR)
        with Flow("f") as flow:
            counting.bind()
        state = flow.run(task_states={counting: expired(result="given")}).result[counting]
        assert type(state) is Cached
        assert state.result == (None, 1)

    def test_one_whose_inputs_differ_is_run_again(self) -> None:
        counting = Counting(name="c", cache_for=HOUR, cache_validator=all_inputs)
        given = run_once(counting, x=1)
        with Flow("f") as flow:
            counting.bind(x=2)
        assert flow.run(task_states={counting: given}).result[counting].result == (2, 2)

    def test_it_is_validated_where_the_task_is_not_cached_itself(self) -> None:
        counting = Counting(name="c")
        with Flow("f") as flow:
            counting.bind()
        state = flow.run(task_states={counting: cached(result="given")}).result[counting]
        assert type(state) is Success
        assert state.result == (None, 1)


class TestOnePass:
    def test_a_bare_pass_stores_nothing(self, caches: dict[str, list[Any]]) -> None:
        from resultant.runner import run_flow

        counting = Counting(name="c", cache_for=HOUR)
        with Flow("f") as flow:
            counting.bind()
        assert type(run_flow(flow, one_pass=True).result[counting]) is Cached
        assert not caches


class TestCustomValidators:
    def test_they_are_given_raw_inputs_and_parameters(self, caches: dict[str, list[Any]]) -> None:
        seen: list[Any] = []

        def validator(state: Cached, inputs: Any, parameters: Any) -> bool:
            seen.append((state.result, inputs, parameters))
            return True

        caches["c"] = [cached(result="kept")]
        counting = Counting(name="c", cache_for=HOUR, cache_validator=validator)
        with Flow("f") as flow:
            counting.bind(x=Parameter("p", default=[1, 2]), y="constant")
        assert flow.run().result[counting].result == "kept"
        assert seen == [("kept", {"x": [1, 2], "y": "constant"}, {"p": [1, 2]})]

    def test_they_run_with_the_context_of_the_task(self, caches: dict[str, list[Any]]) -> None:
        seen: list[Any] = []

        def validator(state: Cached, inputs: Any, parameters: Any) -> bool:
            seen.append((context.task_name, context.map_index, context.flow_name, context.parameters))
            return True

        caches["c"] = [cached()]
        counting = Counting(name="c", cache_for=HOUR, cache_validator=validator)
        with Flow("f") as flow:
            counting.map(x=[5, 6])
        flow.run()
        assert seen == [("c", 0, "f", {}), ("c", 1, "f", {})]

    def test_one_that_raises_fails_the_task(self, caches: dict[str, list[Any]]) -> None:
        def validator(state: Cached, inputs: Any, parameters: Any) -> bool:
            raise ZeroDivisionError("broken validator")

        caches["c"] = [cached()]
        counting = Counting(name="c", cache_for=HOUR, cache_validator=validator)
        state = run_once(counting)
        assert state.is_failed()
        assert isinstance(state.result, ZeroDivisionError)
        assert not counting.calls


VALIDATORS = {
    "never_use": never_use,
    "duration_only": duration_only,
    "all_inputs": all_inputs,
    "all_parameters": all_parameters,
    "partial_inputs_only": partial_inputs_only(),
    "partial_inputs_only of x": partial_inputs_only(["x"]),
    "partial_parameters_only": partial_parameters_only(),
    "partial_parameters_only of x": partial_parameters_only(["x"]),
}
PARTIAL = [name for name in VALIDATORS if name.startswith("partial")]


def hashes(**inputs: Any) -> dict[str, str]:
    counting = Counting(name="hashes", cache_for=HOUR, cache_validator=never_use)
    found: dict[str, str] = run_once(counting, **inputs).hashed_inputs
    return found


class TestValidators:
    def test_the_module_names_them(self) -> None:
        assert {name.split()[0] for name in VALIDATORS} == set(cache_validators.__all__)

    @pytest.mark.parametrize("name", VALIDATORS)
    def test_an_expired_cache_is_of_no_use(self, name: str) -> None:
        assert not VALIDATORS[name](expired(cached_parameters={"x": 1}), {"x": 1}, {"x": 1})

    @pytest.mark.parametrize("state", [cached(), Cached(result=1)])
    def test_never_use(self, state: Cached) -> None:
        assert not never_use(state, None, None)

    def test_duration_only(self) -> None:
        assert duration_only(cached(), None, None)
        assert duration_only(cached(), {"x": 1}, {"p": 1})
        assert duration_only(Cached(result=1), None, None)
        assert not duration_only(expired(), None, None)

    def test_all_inputs_compares_digests(self) -> None:
        state = cached(hashed_inputs=hashes(x=1, y="a"))
        assert all_inputs(state, {"x": 1, "y": "a"}, None)
        assert all_inputs(state, {"x": 1, "y": "a"}, {"p": 1})
        assert not all_inputs(state, {"x": 2, "y": "a"}, None)
        assert not all_inputs(state, {"x": 1}, None)
        assert not all_inputs(state, {"x": 1, "y": "a", "z": 0}, None)
        assert not all_inputs(state, {}, None)
        assert not all_inputs(state, None, None)

    def test_all_inputs_prefers_digests_to_values(self) -> None:
        state = cached(hashed_inputs=hashes(x=1), cached_inputs={"x": Result(2)})
        assert all_inputs(state, {"x": 1}, None)
        assert not all_inputs(state, {"x": 2}, None)

    def test_all_inputs_compares_values_where_there_are_no_digests(self) -> None:
        state = cached(cached_inputs={"x": Result(1), "y": Result(np.arange(3))})
        assert all_inputs(state, {"x": 1, "y": np.arange(3)}, None)
        assert not all_inputs(state, {"x": 1, "y": np.arange(4)}, None)
        assert not all_inputs(state, {"x": 1, "y": np.zeros(1)}, None)
        assert not all_inputs(cached(cached_inputs={"x": Result(np.zeros(3))}), {"x": np.zeros(1)}, None)
        assert not all_inputs(state, {"x": 1}, None)
        assert not all_inputs(state, {"x": 1, "y": np.arange(3), "z": 1}, None)

    def test_all_inputs_compares_arrays_inside_of_values(self) -> None:
        state = cached(cached_inputs={"x": Result({"a": [np.arange(3)]})})
        assert all_inputs(state, {"x": {"a": [np.arange(3)]}}, None)
        assert not all_inputs(state, {"x": {"a": [np.arange(3.0)]}}, None)

    def test_all_inputs_of_none(self) -> None:
        assert all_inputs(cached(), {}, None)
        assert all_inputs(cached(), None, None)
        assert not all_inputs(cached(), {"x": 1}, None)

    @pytest.mark.parametrize(
        ("stored", "given"),
        [
            (1, "1"),
            (1, True),
            (1, 1.0),
            ([1], (1,)),
            (b"a", "a"),
            ({1: "a"}, {"1": "a"}),
            (np.zeros(4), np.zeros((2, 2))),
        ],
    )
    def test_inputs_of_another_type_do_not_agree(self, stored: Any, given: Any) -> None:
        assert not all_inputs(cached(hashed_inputs=hashes(x=stored)), {"x": given}, None)
        assert not partial_inputs_only(["x"])(cached(hashed_inputs=hashes(x=stored)), {"x": given}, None)

    def test_frames_agree_when_they_are_equal(self) -> None:
        state = cached(hashed_inputs=hashes(x=pd.DataFrame({"a": [1, 2]})))
        assert all_inputs(state, {"x": pd.DataFrame({"a": [1, 2]})}, None)
        assert not all_inputs(state, {"x": pd.DataFrame({"b": [1, 2]})}, None)

    def test_all_parameters(self) -> None:
        state = cached(cached_parameters={"p": 1, "q": [2]})
        assert all_parameters(state, None, {"p": 1, "q": [2]})
        assert all_parameters(state, {"x": 1}, {"p": 1, "q": [2]})
        assert not all_parameters(state, None, {"p": 1, "q": [3]})
        assert not all_parameters(state, None, {"p": 1})
        assert not all_parameters(state, None, {"p": 1, "q": [2], "r": 3})
        assert not all_parameters(state, None, None)
        assert all_parameters(cached(), None, {})

    def test_partial_inputs(self) -> None:
        state = cached(hashed_inputs=hashes(x=1, y=2))
        assert partial_inputs_only()(state, {"anything": 1}, None)
        assert partial_inputs_only(None)(cached(), None, None)
        assert partial_inputs_only(["x"])(state, {"x": 1, "y": 99}, None)
        assert partial_inputs_only(["x"])(state, {"x": 1}, None)
        assert not partial_inputs_only(["x", "y"])(state, {"x": 1}, None)
        assert not partial_inputs_only(["x", "y"])(state, {"x": 1, "y": 99}, None)
        assert not partial_inputs_only(["z"])(state, {"x": 1, "y": 2, "z": 3}, None)
        assert partial_inputs_only(["z"])(state, {"x": 1}, None)

    def test_partial_inputs_of_values(self) -> None:
        state = cached(cached_inputs={"x": Result(1), "y": Result(2)})
        assert partial_inputs_only(["x"])(state, {"x": 1, "y": 99}, None)
        assert not partial_inputs_only(["y"])(state, {"x": 1, "y": 99}, None)

    def test_partial_parameters(self) -> None:
        state = cached(cached_parameters={"p": 1, "q": 2})
        assert partial_parameters_only()(state, None, {"anything": 1})
        assert partial_parameters_only(["p"])(state, None, {"p": 1, "q": 99})
        assert not partial_parameters_only(["q"])(state, None, {"p": 1, "q": 99})
        assert not partial_parameters_only(["q"])(state, None, {"p": 1})
        assert not partial_parameters_only(["r"])(state, None, {"p": 1, "r": 1})
        assert partial_parameters_only(["r"])(state, None, {"p": 1})

    @pytest.mark.parametrize("name", PARTIAL)
    def test_partial_ones_take_none_for_empty(self, name: str) -> None:
        assert VALIDATORS[name](cached(), None, None)

    def test_partial_ones_of_none_miss_what_is_stored(self) -> None:
        state = cached(cached_parameters={"x": 1}, hashed_inputs=hashes(x=1))
        assert not partial_inputs_only(["x"])(state, None, None)
        assert not partial_parameters_only(["x"])(state, None, None)


class TestEndToEnd:
    def test_all_inputs_runs_again_for_other_inputs(self) -> None:
        counting = Counting(name="c", cache_for=HOUR, cache_validator=all_inputs)
        for x in (1, 1, 2, "1", True, 1):
            run_once(counting, x=x)
        assert [x for x, _ in counting.calls] == [1, 2, "1", True]
        assert [type(x) for x, _ in counting.calls] == [int, int, str, bool]

    def test_all_inputs_of_a_task_without_inputs(self) -> None:
        counting = Counting(name="c", cache_for=HOUR, cache_validator=all_inputs)
        run_once(counting)
        run_once(counting)
        assert len(counting.calls) == 1

    def test_partial_inputs_disregard_the_others(self) -> None:
        counting = Counting(name="c", cache_for=HOUR, cache_validator=partial_inputs_only(["x"]))
        for x, y in ((1, 1), (1, 2), (2, 1)):
            run_once(counting, x=x, y=y)
        assert counting.calls == [(1, 1), (2, 1)]

    def test_parameters(self) -> None:
        counting = Counting(name="c", cache_for=HOUR, cache_validator=all_parameters)
        partial = Counting(name="p", cache_for=HOUR, cache_validator=partial_parameters_only(["p"]))
        with Flow("f") as flow:
            p, q = Parameter("p", default=1), Parameter("q", default=1)
            counting.bind(x=p, y=q)
            partial.bind(x=p, y=q)
        flow.run()
        flow.run(q=2)
        flow.run()
        flow.run(p=2)
        assert counting.calls == [(1, 1), (1, 2), (2, 1)]
        assert partial.calls == [(1, 1), (2, 1)]

    def test_what_cannot_be_digested_is_never_a_hit_and_says_so(self, caplog: pytest.LogCaptureFixture) -> None:
        counting = Counting(name="c", cache_for=HOUR, cache_validator=all_inputs)
        lock = threading.Lock()
        with caplog.at_level(logging.WARNING):
            first = run_once(counting, x=lock, y=1)
            run_once(counting, x=lock, y=1)
        assert len(counting.calls) == 2
        assert first.hashed_inputs["x"] is None
        assert "lock" in caplog.text
        assert "'x'" in caplog.text

    def test_nobody_is_told_where_no_input_is_compared(self, caplog: pytest.LogCaptureFixture) -> None:
        counting = Counting(name="c", cache_for=HOUR)
        with caplog.at_level(logging.WARNING):
            run_once(counting, x=threading.Lock())
            run_once(counting, x=threading.Lock())
        assert len(counting.calls) == 1
        assert not caplog.records

    def test_a_retry_that_succeeds_is_cached(self, caches: dict[str, list[Any]]) -> None:
        tries: list[int] = []

        @task(cache_for=HOUR, max_retries=1, retry_delay=timedelta(0))
        def second_try() -> str:
            tries.append(1)
            if len(tries) == 1:
                raise ValueError("not yet")
            return "done"

        with Flow("f") as flow:
            made = second_try()
        assert type(flow.run().result[made]) is Cached
        assert flow.run().result[made].result == "done"
        assert len(tries) == 2

    def test_a_task_below_gets_the_cached_value(self) -> None:
        counting = Counting(name="c", cache_for=HOUR)
        below = Counting(name="below")
        for _ in range(2):
            with Flow("f") as flow:
                below.bind(x=counting.bind(x=1))
            flow.run()
        assert len(counting.calls) == 1
        assert below.calls == [((1, 1), None)] * 2

    def test_pending_states_do_not_count_as_cached(self) -> None:
        counting = Counting(name="c", cache_for=HOUR)
        with Flow("f") as flow:
            counting.bind()
        assert flow.run(task_states={counting: Pending()}).result[counting].result == (None, 1)
