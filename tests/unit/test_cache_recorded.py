"""What a state database knows of cached results, within one process whose own cache is emptied between runs."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from resultant import Flow, LocalResult, Parameter, Task, context, task, unmapped
from resultant.core.function_task import FunctionTask
from resultant.engine import moments
from resultant.engine.cache_validators import (
    all_inputs,
    all_parameters,
    compares,
    duration_only,
    partial_inputs_only,
    partial_parameters_only,
)
from resultant.engine.digests import Undigestible, digest
from resultant.engine.inputs import Inputs, SealedDigest, SealedValue, seal
from resultant.engine.integrity import Digester
from resultant.engine.state import Cached
from resultant.runner.code_tree import OPTIONS, code_tree_digest
from resultant.runner.recorded_runs import database
from resultant.settings import set_temporary_config

HOUR = timedelta(hours=1)
ONE, OTHER = Digester(b"1" * 32), Digester(b"2" * 32)


@pytest.fixture(params=["sqlite", "memory"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A home of its own, checkpointing on."""
    given = {"home_dir": str(tmp_path), "flows.checkpointing": True}
    if request.param == "memory":
        given["database.url"] = "memory://"
    with set_temporary_config(given):
        yield tmp_path
    context.caches.clear()


class Clock:
    """Tells the time that it is told."""

    def __init__(self) -> None:
        self.moment = datetime.datetime.now(datetime.UTC)

    def __call__(self) -> datetime.datetime:
        return self.moment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that expiry goes by."""
    found = Clock()
    monkeypatch.setattr(moments, "now", found)
    return found


def run(x: Any, ran: list[Any], forget: bool = True, raises: bool = False, **options: Any) -> Any:
    """Run a flow of one task, whose process has forgotten what it did before."""
    if forget:
        context.caches.clear()

    @task(cache_for=HOUR, cache_validator=all_inputs, cache_ignores_code=True)
    def made(x: Any) -> Any:
        ran.append(x)
        if raises:
            raise ValueError("no")
        return [x]

    with Flow("f", result=LocalResult()) as flow:
        one = made(Parameter("x"))
    return flow.run(x=x, **options).result[one]


def entries() -> list[Any]:
    db = database()
    return [entry for each in db.flow_runs() for entry in db.cached(each.id)]


def test_it_finds_what_the_process_forgot(home: Path) -> None:
    ran: list[Any] = []
    states = [run(x, ran) for x in (1, 1, 2, 1)]
    assert [state.result for state in states] == [[1], [1], [2], [1]]
    assert ran == [1, 2]
    assert len(entries()) == 2


def test_what_the_process_remembers_comes_first(home: Path) -> None:
    ran: list[Any] = []
    first, second = run(1, ran), run(1, ran, forget=False)
    assert second.result is first.result
    assert second.message == "Task run succeeded."


@pytest.mark.parametrize("forget", [True, False])
def test_both_expire_by_one_clock(home: Path, clock: Clock, forget: bool) -> None:
    ran: list[Any] = []
    run(1, ran)
    clock.moment += HOUR - timedelta(microseconds=10)
    run(1, ran, forget)
    assert ran == [1]
    clock.moment += timedelta(microseconds=10)
    run(1, ran, forget)
    assert ran == [1, 1]


def test_the_expiry_is_an_aware_moment(home: Path, clock: Clock) -> None:
    run(1, [])
    found = run(1, []).cached_result_expiration
    assert found.tzinfo is datetime.UTC
    assert abs(found - (clock.moment + HOUR)) < timedelta(milliseconds=1)


def test_an_entry_without_expiry_holds(home: Path, clock: Clock) -> None:
    ran: list[Any] = []
    run(1, ran)
    database().cache_put([entries()[0]._replace(expires=None)])
    database().flush()
    clock.moment += 1000 * HOUR
    assert run(1, ran).result == [1]
    assert ran == [1]


def test_an_entry_whose_row_is_about_something_else_is_none(home: Path) -> None:
    ran: list[Any] = []
    run(1, ran, flow_run_id="r")
    (entry,) = entries()
    database().cache_put([entry._replace(created=entry.created - 1)])
    database().flush()
    run(1, ran)
    assert ran == [1, 1]


def test_the_entry_of_a_run_that_is_forgotten_goes_with_it(home: Path) -> None:
    ran: list[Any] = []
    run(1, ran, flow_run_id="r")
    database().delete_flow_run("r")
    run(1, ran)
    assert ran == [1, 1]


def test_many_children_find_their_own_at_once(home: Path) -> None:
    ran: list[int] = []

    @task(cache_for=HOUR, cache_validator=all_inputs, cache_ignores_code=True)
    def double(x: int) -> int:
        ran.append(x)
        return 2 * x

    with Flow("f", result=LocalResult()) as flow:
        many = double.map(list(range(1500)))
    flow.run()
    context.caches.clear()
    assert flow.run().result[many].result == [2 * x for x in range(1500)]
    assert len(ran) == 1500


@pytest.mark.parametrize("forget", [False, True], ids=["remembered", "found"])
def test_many_children_are_not_compared_with_each_other(
    home: Path, monkeypatch: pytest.MonkeyPatch, forget: bool
) -> None:
    asked: list[Any] = []

    def counted(state: Any, results: Any = None) -> Any:
        asked.append(state)
        return state

    monkeypatch.setattr(Cached, "load_cached_results", counted)
    many, fits = list(range(300)), partial_inputs_only(["x"])

    @task(cache_for=HOUR, cache_validator=fits, cache_ignores_code=True)
    def double(x: int, y: int) -> int:
        return 2 * x + y

    with Flow("f", result=LocalResult()) as flow:
        doubled = double.map(many, unmapped(Parameter("y")))
    flow.run(y=0)
    if forget:
        context.caches.clear()
        # From here on this process remembers what it found on record, with digests that are sealed.
        flow.run(y=1)
    for y in (2, 3):
        assert flow.run(y=y).result[doubled].result == [2 * x for x in many]
    assert len(asked) == 2 * len(many)


class TestSeals:
    def test_a_digest_is_equal_to_what_it_was_made_of(self) -> None:
        sealed = SealedDigest(ONE, seal(ONE, digest(1)))
        assert sealed == digest(1)
        assert digest(1) == sealed
        assert sealed != digest(True)
        assert sealed != 1
        assert sealed == SealedDigest(ONE, sealed.text)
        assert sealed != SealedDigest(OTHER, seal(OTHER, digest(1)))

    def test_a_value_is_equal_to_what_it_was_taken_of(self) -> None:
        sealed = SealedValue(ONE, seal(ONE, digest([1])))
        assert sealed == [1]
        assert sealed != [True]
        assert sealed != (1,)
        assert sealed != object()
        assert sealed != digest([1])

    def test_the_key_decides(self) -> None:
        assert seal(ONE, digest(1)) != seal(OTHER, digest(1))

    def test_inputs_are_digested_once(self) -> None:
        inputs = Inputs({"x": [1], "y": object()}, {"x": "stored", "y": "bytes"})
        assert inputs.digests() == {"x": digest([1]), "y": "bytes"}
        inputs["x"].append(2)
        assert inputs.digest("x") == digest([1])
        assert inputs.digest("z") is None
        assert not inputs.refusals
        assert list(Inputs({"y": object()}).digests().values()) == [None]


def test_what_validators_compare() -> None:
    assert compares(all_inputs) == (True, ())
    assert compares(partial_inputs_only(["x"])) == (True, ("x",))
    assert compares(partial_inputs_only()) == (False, None)
    assert compares(duration_only) == (False, None)
    assert compares(lambda *_: True) == (True, None)


class TestCodeTree:
    def test_it_knows_every_option_of_a_task(self) -> None:
        assert vars(Task()).keys() <= OPTIONS
        assert vars(FunctionTask(lambda: 1)).keys() - OPTIONS == {
            "__doc__", "__module__", "__name__", "__qualname__", "__wrapped__", "_signature",
        }  # fmt: skip

    def test_circles_have_an_end(self) -> None:
        def make() -> Any:
            def even(n: int) -> bool:
                return n == 0 or odd(n - 1)

            def odd(n: int) -> bool:
                return n != 0 and even(n - 1)

            return task(even)

        assert code_tree_digest(make()) == code_tree_digest(make())

    def test_a_list_in_itself_has_an_end(self) -> None:
        around: list[Any] = []
        around.append(around)
        once = task(lambda: around)
        assert code_tree_digest(once) == code_tree_digest(once)

    def test_too_much_has_none(self) -> None:
        table = [[number, object] for number in range(30_000)]
        with pytest.raises(Undigestible, match="more than 20,000 values"):
            code_tree_digest(task(lambda: table))


@pytest.mark.parametrize("validator", [all_parameters, partial_parameters_only(["p"])], ids=["all", "partial"])
def test_a_parameter_without_a_digest_is_not_none(validator: Any, tmp_path: Path) -> None:
    calls = []

    @task(cache_for=timedelta(hours=1), cache_validator=validator, result=LocalResult(dir=str(tmp_path)))
    def first(p: Any) -> int:
        calls.append(p)
        return 0 if p is None else next(p)

    with Flow("untold") as flow:
        p = Parameter("p")
        end = first(p)
    context.caches.clear()
    assert flow.run(p=(number for number in [7])).result[end].result == 7
    context.caches.clear()
    assert flow.run(p=None).result[end].result == 0
    context.caches.clear()
    assert flow.run(p=(number for number in [8])).result[end].result == 8
    assert len(calls) == 3
