"""Cached results that later processes find: each run below is a process of its own, and the home is all they share."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from cache_home import Home, square

from resultant.engine.digests import digest


@pytest.fixture(params=["sqlite", "postgres"])
def home(tmp_path: Path, request: pytest.FixtureRequest) -> Home:
    """An empty home, with its own database or with one on a server."""
    return Home(tmp_path, request.getfixturevalue("postgres") if request.param == "postgres" else None)


class TestHits:
    def test_the_value_is_found_by_a_later_process(self, home: Home) -> None:
        first, second = home.run(square()), home.run(square())
        assert first.ran == [[3]]
        assert second.ran == []
        assert first.states == second.states == ["Cached"]
        assert second.values == ["9"]

    def test_the_second_run_is_on_record_with_the_same_place(self, home: Home) -> None:
        home.run(square())
        home.run(square())
        with_close = home.database()
        rows = [row for run in with_close.flow_runs() for row in with_close.task_runs(run.id, "square-1")]
        entries = [entry for run in with_close.flow_runs() for entry in with_close.cached(run.id)]
        with_close.close()
        assert [row.state for row in rows] == ["Cached", "Cached"]
        assert rows[0].location == rows[1].location
        assert rows[0].digest == rows[1].digest
        assert rows[0].kind == rows[1].kind
        # It keeps the expiry that it had.
        assert len(entries) == 1

    @pytest.mark.parametrize("x", ["'3'", "True", "3.0", "[3]", "4"])
    def test_other_inputs_are_a_miss(self, home: Home, x: str) -> None:
        home.run(square("3" if x != "[3]" else "(3,)", "all_inputs").replace("x * x + y", "1"))
        assert home.run(square(x).replace("x * x + y", "1")).ran

    def test_duration_only_takes_whatever_there_is(self, home: Home) -> None:
        home.run(square(3, "duration_only"))
        assert home.run(square(4, "duration_only")).values == ["9"]

    def test_never_use_does_not(self, home: Home) -> None:
        home.run(square(3, "never_use"))
        assert home.run(square(3, "never_use")).ran

    @pytest.mark.parametrize("validator", ["all_parameters", "partial_parameters_only(['x'])"])
    def test_parameters_are_compared(self, home: Home, validator: str) -> None:
        home.run(square(3, validator))
        assert home.run(square(3, validator)).ran == []
        assert home.run(square(4, validator)).ran == [[4]]
        assert home.run(square("True", validator)).ran == [[True]]

    def test_some_inputs_are_compared(self, home: Home) -> None:
        code = square(3, "partial_inputs_only(['y'])").replace("default=3)", "default=3), {y}")
        home.run(code.format(y=1))
        assert home.run(code.format(y=1).replace("x=3", "x=5")).ran == []
        assert home.run(code.format(y=2)).ran == [[3]]

    @pytest.mark.parametrize("executor", ["LocalExecutor()", "ThreadExecutor(workers=2)", "ProcessExecutor(workers=2)"])
    def test_children_find_their_own_with_every_executor(self, home: Home, executor: str) -> None:
        code = """
@task(cache_for=HOUR, cache_validator=all_inputs)
def double(x):
    note(x)
    return 2 * x

from resultant.executors import *
with Flow("f", result=LocalResult(), executor=%s) as flow:
    many = double.map(%s)
if __name__ == "__main__":
    finish(flow, many)
"""
        home.run(code % (executor, [1, 2, 3]))
        later = home.run(code % (executor, [3, 4, 1]))
        assert later.values == ["[6, 8, 2]"]
        assert later.ran == [[4]]

    def test_a_child_never_takes_the_value_of_another_unseen(self, home: Home) -> None:
        code = """
@task(cache_for=HOUR)
def double(x):
    return 2 * x

with Flow("f", result=LocalResult()) as flow:
    many = double.map([1, 2, 3])
finish(flow, many)
"""
        home.run(code)
        assert home.run(code).values == ["[2, 4, 6]"]

    def test_none_is_a_value(self, home: Home) -> None:
        code = square().replace("return x * x + y", "return None")
        home.run(code)
        later = home.run(code)
        assert later.ran == []
        assert later.values == ["None"]

    def test_a_result_in_line(self, home: Home) -> None:
        code = square().replace("LocalResult", "PrefectResult")
        home.run(code)
        later = home.run(code)
        assert later.ran == []
        assert later.values == ["9"]

    def test_the_row_says_how_its_bytes_are_read(self, home: Home) -> None:
        home.run(square())
        later = home.run(square().replace("LocalResult()", "LocalResult(serializer=JSONSerializer())"))
        assert later.ran == []
        assert later.values == ["9"]
        assert home.run(square()).values == ["9"]

    def test_sets_whatever_the_seed_of_hashes(self, home: Home) -> None:
        code = square("{'a', 'b', 'c', 'd'}").replace("x * x + y", "len(x)").replace("note(x)", "note(len(x))")
        home.run(code, seed="1")
        assert home.run(code, seed="2").ran == []

    def test_an_input_that_has_no_digest_counts_by_its_stored_bytes(self, home: Home) -> None:
        code = """
@task(cache_for=HOUR)
def make():
    note("make")
    return [object()]

@task(cache_for=HOUR, cache_validator=all_inputs)
def use(x):
    note("use")
    return len(x)

@task(cache_for=HOUR, cache_validator=all_inputs)
def each(i, x):
    note("each", i)
    return len(x) + i

with Flow("f", result=LocalResult()) as flow:
    made = make()
    used = use(made)
    many = each.map([1, 2], unmapped(made))
finish(flow, used, many)
"""
        first = home.run(code)
        assert sorted(first.ran) == [["each", 1], ["each", 2], ["make"], ["use"]]
        assert "cannot be compared" not in first.log
        assert home.run(code).ran == []

    def test_what_a_task_does_to_its_input_does_not_count(self, home: Home) -> None:
        changing = square("{x}").replace("x * x + y", "list(x)").replace("note(x)", "note(x); x.append(1)")
        assert home.run(changing.format(x="[]")).values == ["[1]"]
        assert home.run(changing.format(x="[1]")).values == ["[1, 1]"]
        assert home.run(changing.format(x="[]")).ran == []


class TestKeys:
    SHARED = """
@task(cache_for=HOUR, cache_validator=all_inputs{key})
def {name}(x):
    note(x)
    return x + 1

with Flow("{flow}", result=LocalResult()) as flow:
    made = {name}(1)
finish(flow, made)
"""

    def test_a_key_of_its_own_is_shared_by_flows(self, home: Home) -> None:
        key = ", cache_key='numbers'"
        home.run(self.SHARED.format(name="one", flow="f", key=key))
        assert home.run(self.SHARED.format(name="one", flow="g", key=key)).ran == []

    def test_by_tasks_of_another_name_where_code_does_not_count(self, home: Home) -> None:
        key = ", cache_key='numbers', cache_ignores_code=True"
        home.run(self.SHARED.format(name="one", flow="f", key=key))
        assert home.run(self.SHARED.format(name="other", flow="g", key=key)).ran == []

    def test_without_one_each_flow_has_its_own(self, home: Home) -> None:
        home.run(self.SHARED.format(name="one", flow="f", key=""))
        assert home.run(self.SHARED.format(name="one", flow="g", key="")).ran == [[1]]

    def test_so_has_each_task_of_a_flow(self, home: Home) -> None:
        code = self.SHARED.format(name="one", flow="f", key="").replace("all_inputs", "duration_only")
        home.run(code)
        assert home.run(code.replace("made = one(1)", "first, made = one(1), one(5)")).ran == [[5]]


class TestWhatCounts:
    def test_a_failure_never_does(self, home: Home) -> None:
        failing = square().replace("return x * x + y", "raise ValueError('no')")
        assert home.run(failing).states == ["Failed"]
        assert home.run(failing).ran == [[3]]

    def test_nor_does_what_was_skipped(self, home: Home) -> None:
        skipping = square().replace("return x * x + y", "raise signals.SKIP('no')")
        assert home.run(skipping).states == ["Skipped"]
        assert home.run(skipping).ran == [[3]]

    def test_nor_what_was_never_stored(self, home: Home) -> None:
        unstored = square().replace("@task(", "@task(checkpoint=False, ")
        home.run(unstored)
        assert home.run(unstored).ran == [[3]]

    def test_nor_a_run_that_is_not_recorded(self, home: Home) -> None:
        home.run(square(), RESULTANT__RECORD__RUNS="false")
        assert home.run(square()).ran == [[3]]
        assert home.run(square(), RESULTANT__RECORD__RUNS="false").ran == [[3]]
        assert home.run(square()).ran == []

    def test_a_value_that_a_handler_exchanged_is_not_offered(self, home: Home) -> None:
        changed = square().replace("@task(", "@task(state_handlers=[change], ")
        handler = """
def change(task, old, new):
    if new.is_cached():
        new.result = "changed"
    return new
"""
        assert home.run(handler + changed).values == ["'changed'"]
        assert home.run(handler + changed).ran == [[3]]

    def test_what_has_expired(self, home: Home) -> None:
        short = square().replace("cache_for=HOUR", "cache_for=timedelta(0)")
        home.run(short)
        assert home.run(short).ran == [[3]]

    def test_a_hit_does_not_live_longer_for_it(self, home: Home) -> None:
        home.run(square())
        longer = home.run(square().replace("cache_for=HOUR", "cache_for=timedelta(days=9)"))
        assert longer.ran == []
        db = home.database()
        (entry,) = [entry for run in db.flow_runs() for entry in db.cached(run.id)]
        db.close()
        assert entry.expires is not None
        assert entry.expires - entry.created < timedelta(hours=2).total_seconds()


class TestValidators:
    OWN = """
def small(state, inputs, parameters):
    note("asked", state.result, inputs == {{"x": {x}}}, state.hashed_inputs["x"] == digest({x}))
    return state.result < {limit}
"""

    def own(self, x: int, limit: int) -> str:
        head = "from resultant.engine.digests import digest\n"
        return head + self.OWN.format(x=x, limit=limit) + square(x, "small")

    def test_one_of_one_s_own_is_given_the_value(self, home: Home) -> None:
        home.run(self.own(3, 100))
        assert home.run(self.own(3, 100)).ran == [["asked", 9, True, True]]
        assert home.run(self.own(4, 100)).ran == [["asked", 9, True, False]]
        assert home.run(self.own(3, 5)).ran == [["asked", 9, True, True], [3]]

    def test_and_is_not_troubled_with_what_cannot_be_read(self, home: Home) -> None:
        home.run(self.own(3, 100))
        for path in home.results():
            path.unlink()
        later = home.run(self.own(3, 100))
        assert later.ran == [[3]]
        assert "the cached value cannot be used" in later.log

    def test_one_that_raises_fails_the_task(self, home: Home) -> None:
        home.run(square())
        broken = "def broken(state, inputs, parameters): raise ZeroDivisionError\n"
        assert home.run(broken + square(3, "broken")).states == ["Failed"]


def test_nobody_can_guess_a_small_input_from_the_database(home: Home) -> None:
    home.run(square(7351))
    db = home.database()
    (entry,) = [entry for run in db.flow_runs() for entry in db.cached(run.id)]
    db.close()
    texts = [*json.loads(entry.inputs or "").values(), *json.loads(entry.parameters or "").values()]
    plain = {digest(number) for number in range(10_000)}
    assert len(texts) == 2
    assert plain.isdisjoint(texts)
    everything = b"".join(path.read_bytes() for path in home.home.glob("resultant.db*"))
    assert digest(7351).encode() not in everything
    assert bytes.fromhex(digest(7351)) not in everything


def test_another_home_s_key_finds_nothing(home: Home) -> None:
    home.run(square())
    (home.home / "digest.key").write_bytes(bytes(32))
    assert home.run(square()).ran == [[3]]


def test_a_run_that_is_resumed_does_not_feed_on_itself(home: Home) -> None:
    flow = """
@task
def first():
    return open(os.path.join(os.path.dirname(ran), "given")).read()

@task(cache_for=HOUR)
def second(x):
    note(x)
    return x

@task
def third(x):
    if x == "old":
        raise ValueError(x)
    return x

with Flow("f", result=LocalResult()) as flow:
    one = first()
    two = second(one)
    end = third(two)
finish(flow, two, end, {options})
"""
    given = home.home / "given"
    given.write_text("old")
    assert home.run(flow.format(options="flow_run_id='r'")).states == ["Cached", "Failed"]
    given.write_text("new")
    for path in home.results():
        path.unlink()
    later = home.run(flow.format(options="resume_run='r'"))
    assert later.values == ["'new'", "'new'"]
