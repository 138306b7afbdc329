"""Mapped tasks as they run: lengths, failures, places of their own, states that are given (SPEC 12)."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from resultant import (
    Flow,
    LocalDaskExecutor,
    LocalResult,
    Parameter,
    Result,
    context,
    flatten,
    mapped,
    tags,
    task,
    unmapped,
)
from resultant.engine import signals
from resultant.engine.cache_validators import all_inputs
from resultant.engine.state import Failed, Mapped, Paused, Pending, Retrying, Scheduled, Skipped, Success, TriggerFailed
from resultant.settings import set_temporary_config
from resultant.triggers import all_finished, any_successful


@task
def inc(x):
    return x + 1


@task
def add(x, y=10):
    return x + y


@task
def give(x):
    return x


@task
def picky(x):
    if x == 2:
        raise ValueError("two")
    if x == 3:
        raise signals.SKIP("three")
    return x


def kinds(state):
    return [type(child).__name__ for child in state.map_states]


def both(build, **options):
    """Run a flow; return the states of what `build` returned."""
    with Flow("f") as flow:
        made = build()
    state = flow.run(**options)
    return [state.result[each] for each in made]


class TestParent:
    @pytest.mark.parametrize("scheduler", ["synchronous", "threads", "processes"])
    def test_parent_and_children(self, tmp_path, scheduler):
        store = LocalResult(dir=tmp_path, location="{map_index}.pkl")
        with set_temporary_config({"flows.checkpointing": True}):
            (state,) = both(
                lambda: [task(inc.run, name="inc", result=store).map([1, 2, 3])],
                executor=LocalDaskExecutor(scheduler, num_workers=2),
            )
        assert (type(state), state.message) == (Mapped, "Ready to proceed with mapping.")
        assert state.result == [2, 3, 4]
        assert (type(state._result), state._result.location) == (Result, None)
        assert [child._result.location for child in state.map_states] == [str(tmp_path / f"{n}.pkl") for n in range(3)]
        assert [child.message for child in state.map_states] == ["Task run succeeded."] * 3
        assert state.n_map_states == 3

    def test_handlers_are_called_for_the_parent_and_each_child(self):
        seen = []

        def handler(obj, old, new):
            seen.append((context.get("map_index"), type(old).__name__, type(new).__name__))

        both(lambda: [task(inc.run, name="inc", state_handlers=[handler]).map([1, 2])])
        assert seen[0] == (None, "Pending", "Mapped")
        assert sorted(seen[1:]) == sorted(
            (index, old, new) for index in (0, 1) for old, new in (("Pending", "Running"), ("Running", "Success"))
        )

    def test_tags_are_in_the_childrens_states(self):
        with tags("t"):
            (state,) = both(lambda: [inc.map([1, 2])])
        assert [child.context["tags"] for child in state.map_states] == [["t"], ["t"]]

    def test_every_object_runs_once_per_child(self):
        calls = []
        both(lambda: [task(lambda x: calls.append(x), name="call").map([1, 1, 1])])
        assert calls == [1, 1, 1]

    def test_children_see_the_context_of_the_run(self):
        look = task(lambda x: (context.map_index, context.k, x), name="look")
        (state,) = both(lambda: [look.map("ab")], context={"k": 1})
        assert state.result == [(0, 1, "a"), (1, 1, "b")]


class TestLength:
    @pytest.mark.parametrize(
        ("build", "expected"),
        [
            (lambda: add.map([1, 2, 3], [10, 20]), [11, 22]),
            (lambda: add.map(give([1, 2]), [10, 20, 30]), [11, 22]),
            (lambda: add.map([1, 2], unmapped(5)), [6, 7]),
            (lambda: add.map(give([1, 2]), y=unmapped(give(5))), [6, 7]),
            (lambda: add(mapped([1, 2]), y=mapped([3, 4])), [4, 6]),
            (lambda: add(x=mapped(give([1, 2])), y=1), [2, 3]),
            (lambda: inc.map([]), []),
            (lambda: add.map([1, 2], []), []),
            (lambda: inc.map(give([])), []),
            (lambda: inc.map(inc.map([])), []),
            (lambda: inc.map((1, 2)), [2, 3]),
            (lambda: give.map("ab"), ["a", "b"]),
            (lambda: task(lambda: 7, name="seven").map(upstream_tasks=[give([1, 2, 3])]), [7, 7, 7]),
            (lambda: inc.map([1, 2, 3], upstream_tasks=[give([1, 2])]), [2, 3]),
            (lambda: inc.map([1, 2, 3], upstream_tasks=[unmapped(give([1, 2]))]), [2, 3, 4]),
            (
                lambda: task(lambda **kw: kw, name="kw").map(a=[1, 2], b=unmapped(3)),
                [{"a": 1, "b": 3}, {"a": 2, "b": 3}],
            ),
        ],
    )
    def test_lengths(self, build, expected):
        with Flow("f") as flow:
            made = build()
        state = flow.run()
        assert state.is_successful()
        assert isinstance(state.result[made], Mapped)
        assert state.result[made].result == expected
        assert len(state.result[made].map_states) == len(expected)

    def test_the_inner_mark_wins(self):
        pair = both(lambda: [give(mapped(unmapped([1, 2]))), give.map(unmapped(mapped([1, 2])))])
        assert type(pair[0]) is Success
        assert pair[0].result == [1, 2]
        assert type(pair[1]) is Mapped
        assert pair[1].result == [1, 2]

    def test_an_index_of_a_mapped_result(self):
        (state,) = both(lambda: [inc.map([1, 2, 3])[1]])
        assert state.result == 3


class TestChains:
    def test_child_feeds_child_without_gathering(self):
        below_began = threading.Event()

        @task
        def above(x):
            return x if x == 1 else below_began.wait(5)

        @task
        def below(x):
            below_began.set()
            return x

        first, second, total = both(
            lambda: [a := above.map([1, 2]), b := below.map(a), give(b)],
            executor=LocalDaskExecutor("threads", num_workers=2),
        )
        assert total.result == second.result == first.result == [1, True]

    def test_a_failed_child_leaves_the_others_alone(self):
        first, second, total, any_, heedless = both(
            lambda: [
                a := picky.map([1, 2, 4]),
                b := inc.map(a),
                give(b),
                task(give.run, name="any", trigger=any_successful)(b),
                task(give.run, name="heedless", trigger=all_finished)(a),
            ]
        )
        assert kinds(first) == ["Success", "Failed", "Success"]
        assert kinds(second) == ["Success", "TriggerFailed", "Success"]
        assert type(total) is TriggerFailed
        assert [any_.result[0], type(any_.result[1]), any_.result[2]] == [2, signals.TRIGGERFAIL, 5]
        assert [heedless.result[0], repr(heedless.result[1]), heedless.result[2]] == [1, "ValueError('two')", 4]

    def test_a_skipped_child_skips_the_child_below(self):
        first, second, total = both(lambda: [a := picky.map([1, 3]), b := inc.map(a), give(b)])
        assert kinds(first) == kinds(second) == ["Success", "Skipped"]
        assert isinstance(first.result[1], signals.SKIP)
        assert second.result == [2, None]
        assert type(total) is Skipped

    def test_skips_are_heeded_unless_told_otherwise(self):
        first, total = both(
            lambda: [a := picky.map([1, 3]), task(lambda x: len(x), name="len", skip_on_upstream_skip=False)(a)]
        )
        assert kinds(first) == ["Success", "Skipped"]
        assert total.result == 2

    def test_a_skipped_upstream_of_the_map(self):
        above, state = both(lambda: [a := picky(3), inc.map(a)])
        assert type(above) is type(state) is Skipped
        assert "skip_on_upstream_skip" in state.message
        assert state.result is None

    def test_nothing_to_map_over(self):
        _, state = both(lambda: [a := picky(2), task(give.run, name="g", trigger=all_finished).map(a)])
        assert (type(state), state.message) == (Failed, "No upstream states can be mapped over.")
        (state,) = both(lambda: [inc.map(give(5))])
        assert (type(state), state.message) == (Failed, "At least one upstream state has an unmappable result.")

    def test_what_has_no_first_item_fails_its_own_task_alone(self):
        bad, good = both(lambda: [give.map(give({"a": 1})), give(1)])
        assert (type(bad), bad.message) == (Failed, "At least one upstream state has an unmappable result.")
        assert isinstance(bad.result, KeyError)
        assert good.result == 1

    def test_a_failed_upstream_that_is_not_mapped_over(self):
        _, state = both(lambda: [a := picky(2), add.map([1, 2], unmapped(a))])
        assert kinds(state) == ["TriggerFailed", "TriggerFailed"]

    def test_a_parameter(self):
        (state,) = both(lambda: [inc.map(Parameter("p"))], p=[1, 2])
        assert state.result == [2, 3]


class TestChildrenAreSingle:
    def test_retries(self):
        counts = []

        @task(max_retries=2, retry_delay=timedelta(0))
        def flaky(x):
            counts.append((x, context.task_run_count))
            if x == 2 and context.task_run_count < 3:
                raise OSError
            return x

        state, below = both(lambda: [a := flaky.map([1, 2, 3]), inc.map(a)])
        assert sorted(counts) == [(1, 1), (2, 1), (2, 2), (2, 3), (3, 1)]
        assert below.result == [2, 3, 4]
        assert kinds(state) == ["Success"] * 3

    def test_retries_that_never_help(self):
        @task(max_retries=1, retry_delay=timedelta(0))
        def flaky(x):
            if x == 2:
                raise OSError
            return x

        state, below = both(lambda: [a := flaky.map([1, 2]), inc.map(a)])
        assert kinds(state) == ["Success", "Failed"]
        assert kinds(below) == ["Success", "TriggerFailed"]

    def test_pauses(self):
        @task
        def pauses(x):
            if x == 2 and not context.get("resume"):
                raise signals.PAUSE("wait")
            return x

        with Flow("f") as flow:
            made = pauses.map([1, 2])
            below = give(made)
        state = flow.run()
        assert kinds(state.result[made]) == ["Success", "Paused"]
        assert type(state.result[below]) is Pending
        assert state.is_running()

    def test_loops(self):
        @task
        def loops(x):
            count = context.get("task_loop_count", 1)
            if count < x:
                raise signals.LOOP(result=count)
            return (x, count, context.get("task_loop_result"))

        (state,) = both(lambda: [loops.map([1, 2, 3])])
        assert state.result == [(1, 1, None), (2, 2, 1), (3, 3, 2)]

    def test_caches(self):
        calls = []

        @task(cache_for=timedelta(hours=1), cache_validator=all_inputs)
        def cached(x):
            calls.append(x)
            return x

        with context(caches={}):
            (state,) = both(lambda: [cached.map([1, 2])])
            assert kinds(state) == ["Cached", "Cached"]
            (state,) = both(lambda: [cached.map([2, 3])])
        assert state.result == [2, 3]
        assert calls == [1, 2, 3]


class TestFlatten:
    def test_order_and_repetition(self):
        lists = [[[1], [2, 3]], [[4]], []]
        once, twice, reduced, back = both(
            lambda: [
                give.map(flatten(give(lists))),
                give.map(flatten(give.map(flatten(give(lists))))),
                give(flatten(give.map(give(lists)))),
                give.map(flatten(lists)),
            ]
        )
        assert once.result == back.result == reduced.result == [[1], [2, 3], [4]]
        assert twice.result == [1, 2, 3, 4]

    def test_what_is_flat_passes_unchanged(self):
        one, two = both(lambda: [give.map(flatten([1, 2])), give(flatten(give([1, 2])))])
        assert one.result == two.result == [1, 2]

    @pytest.mark.parametrize("trigger", [None, all_finished])
    def test_a_failed_or_skipped_child_passes_as_one_item(self, trigger):
        @task
        def lists(x):
            return [picky.run(x)] * 2

        def build():
            a = lists.map([1, 2, 3])
            return [a, task(give.run, name="g", trigger=trigger, skip_on_upstream_skip=trigger is None).map(flatten(a))]

        _, state = both(build)
        if trigger is None:
            assert kinds(state) == ["Success", "Success", "TriggerFailed", "Skipped"]
        else:
            assert [type(each).__name__ for each in state.result] == ["int", "int", "ValueError", "SKIP"]

    def test_unmapped_and_flattened(self):
        pair = task(lambda x, y: (x, y), name="pair")
        lists = [[3], [4]]
        for states in both(
            lambda: [
                pair.map([1, 2], unmapped(flatten(lists))),
                pair.map([1, 2], unmapped(flatten(give(lists)))),
                pair.map([1, 2], unmapped(flatten(give.map(lists)))),
            ]
        ):
            assert states.result == [(1, [3, 4]), (2, [3, 4])]


class TestGivenStates:
    def flow(self):
        calls = []
        with Flow("f") as flow:
            made = task(lambda x: calls.append(x) or x * 10, name="times").map([1, 2, 3])
        return flow, made, calls

    def test_finished_children_stand_and_the_others_run(self):
        flow, made, calls = self.flow()
        done = Success(result="kept")
        given = Mapped(map_states=[done, None, Pending()])
        state = flow.run(task_states={made: given}).result[made]
        assert state.result == ["kept", 20, 30]
        assert state.map_states[0] is done
        assert calls == [2, 3]

    def test_with_their_number_alone_they_are_made_again(self):
        flow, made, calls = self.flow()
        state = flow.run(task_states={made: Mapped(n_map_states=3)}).result[made]
        assert state.result == [10, 20, 30]
        assert calls == [1, 2, 3]

    def test_a_retrying_child_counts_on(self):
        counts = []
        with Flow("f") as flow:
            made = task(lambda x: counts.append((x, context.task_run_count)), name="count").map([1, 2])
        due = Retrying(start_time=datetime.now(UTC), run_count=3)
        flow.run(task_states={made: Mapped(map_states=[due, Success()])})
        assert counts == [(1, 4)]

    def test_a_scheduled_parent_waits_for_its_time(self):
        flow, made, _ = self.flow()
        due = datetime.now(UTC) + timedelta(milliseconds=50)
        state = flow.run(task_states={made: Scheduled(start_time=due)})
        assert datetime.now(UTC) >= due
        assert state.result[made].result == [10, 20, 30]

    def test_a_paused_parent_stays(self):
        flow, made, calls = self.flow()
        given = Paused()
        assert flow.run(task_states={made: given}).result[made] is given
        assert calls == []
