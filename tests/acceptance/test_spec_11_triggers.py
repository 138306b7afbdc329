"""Triggers, asked by hand and in flows (SPEC 11)."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta

import cloudpickle
import pytest

from resultant import Flow, Task, context, task, triggers
from resultant.core.edge import Edge
from resultant.engine import signals
from resultant.engine.state import Failed, Mapped, Paused, Pending, Resume, Retrying, Skipped, Success, TriggerFailed

S, F, K, P = Success, Failed, Skipped, Pending


def above(*kinds):
    down = Task("down")
    return {Edge(Task("up"), down): kind() for kind in kinds}


RUNS = [
    (triggers.all_successful, [(S,), (S, S), (S, K), (K, K)], [(F,), (S, F), (K, F), (S, P)]),
    (triggers.all_failed, [(F,), (F, TriggerFailed)], [(S,), (S, F), (K, F), (F, P)]),
    (triggers.any_successful, [(S,), (S, F), (K, F), (F, F, S)], [(F,), (F, F)]),
    (triggers.any_failed, [(F,), (S, F), (K, TriggerFailed)], [(S,), (S, K)]),
    (triggers.all_finished, [(S,), (F,), (S, F, K)], [(P,), (S, P), (F, Retrying)]),
    (triggers.always_run, [(S, F, K)], [(S, P)]),
    (triggers.not_all_skipped, [(S,), (S, K)], [(S, F), (F,), (K, F)]),
    (triggers.some_failed(at_least=1), [(F,), (S, F)], [(S,), (S, S)]),
    (triggers.some_failed(at_least=2, at_most=3), [(F, F), (F, F, F, S)], [(F, S), (F, F, F, F)]),
    (triggers.some_failed(at_most=1), [(S, S), (S, F)], [(F, F)]),
    (triggers.some_failed(at_least=0.5), [(S, F), (F, F, S)], [(S, S, F)]),
    (triggers.some_failed(at_most=0.5), [(S, F), (S, S, F)], [(F, F, S)]),
    (triggers.some_failed(at_least=0.25, at_most=0.75), [(S, F), (S, S, S, F)], [(S, S), (F, F)]),
    (triggers.some_successful(at_least=1), [(S,), (F, S)], [(F,), (F, F)]),
    (triggers.some_successful(at_least=0.5, at_most=2), [(S, F), (K, S, F)], [(F, F, S), (S, S, S)]),
    (triggers.some_successful(), [(S,), (F,)], []),
]
CASES = [
    (trigger, kinds, runs)
    for trigger, yes, no in RUNS
    for runs, combinations in ((True, yes), (False, no))
    for kinds in combinations
]


def name_of(value):
    if isinstance(value, tuple):
        return "+".join(kind.__name__ for kind in value)
    return getattr(value, "__name__", repr(value))


class TestByHand:
    @pytest.mark.parametrize(("trigger", "kinds", "runs"), CASES, ids=name_of)
    def test_one(self, trigger, kinds, runs):
        if runs:
            assert trigger(above(*kinds)) is True
        else:
            with pytest.raises(signals.TRIGGERFAIL) as caught:
                trigger(above(*kinds))
            name = "all_finished" if trigger is triggers.always_run else trigger.__name__
            assert name in str(caught.value.state.message)

    @pytest.mark.parametrize(("trigger", "kinds", "runs"), CASES, ids=name_of)
    def test_a_mapped_upstream_counts_as_its_children(self, trigger, kinds, runs):
        mapped = {Edge(Task(), Task()): Mapped(map_states=[kind() for kind in kinds])}
        if runs:
            assert trigger(mapped) is True
        else:
            with pytest.raises(signals.TRIGGERFAIL):
                trigger(mapped)

    @pytest.mark.parametrize("trigger", [trigger for trigger, *_ in RUNS], ids=name_of)
    def test_no_upstream_at_all(self, trigger):
        assert trigger({}) is True

    def test_not_all_skipped_skips(self):
        with pytest.raises(signals.SKIP):
            triggers.not_all_skipped(above(K, K))

    def test_always_run_is_all_finished(self):
        assert triggers.always_run is triggers.all_finished

    def test_manual_only(self):
        for states in ({}, above(S), above(F)):
            with pytest.raises(signals.PAUSE, match="manual_only"):
                triggers.manual_only(states)
            with context(resume=True):
                assert triggers.manual_only(states) is True
        with context(resume=False), pytest.raises(signals.PAUSE):
            triggers.manual_only({})

    @pytest.mark.parametrize("module", [pickle, cloudpickle])
    @pytest.mark.parametrize("trigger", [trigger for trigger, *_ in RUNS] + [triggers.manual_only], ids=name_of)
    def test_pickling(self, module, trigger):
        again = module.loads(module.dumps(trigger))
        assert again.__name__ == trigger.__name__
        if trigger is not triggers.manual_only:
            assert again({}) is True

    def test_pickled_bounds(self):
        again = pickle.loads(pickle.dumps(triggers.some_failed(at_least=2)))
        assert again(above(F, F)) is True
        with pytest.raises(signals.TRIGGERFAIL, match="some_failed"):
            again(above(F))


@task
def good():
    return 1


@task
def bad():
    raise ValueError


def run(trigger, *upstream, **options):
    calls = []
    with Flow("f") as flow:
        made = task(lambda: calls.append(1), name="made", trigger=trigger)(upstream_tasks=[each() for each in upstream])
    return flow.run(**options).result[made], len(calls)


class TestInFlows:
    def test_the_default_is_all_successful(self):
        state, calls = run(None, good, bad)
        assert (type(state), calls) == (TriggerFailed, 0)
        assert state.message == 'Trigger was "all_successful" but some of the upstream tasks failed.'
        assert isinstance(state.result, signals.TRIGGERFAIL)

    @pytest.mark.parametrize(
        ("trigger", "upstream", "kind"),
        [
            (triggers.all_failed, (bad, bad), Success),
            (triggers.all_failed, (bad, good), TriggerFailed),
            (triggers.any_failed, (bad, good), Success),
            (triggers.any_successful, (bad, good), Success),
            (triggers.any_successful, (bad, bad), TriggerFailed),
            (triggers.all_finished, (bad, good), Success),
            (triggers.always_run, (bad, bad), Success),
            (triggers.some_failed(at_least=2), (bad, good), TriggerFailed),
        ],
        ids=name_of,
    )
    def test_others(self, trigger, upstream, kind):
        state, calls = run(trigger, *upstream)
        assert (type(state), calls) == (kind, int(kind is Success))

    def test_something_falsy(self):
        for answer in (False, None, 0):
            state, calls = run(lambda states, answer=answer: answer, good)
            assert (type(state), state.message, calls) == (TriggerFailed, "Trigger failed", 0)

    def test_another_error(self):
        error = KeyError("mine")

        def broken(states):
            raise error

        state, calls = run(broken, good)
        assert type(state) is TriggerFailed
        assert state.result is error
        assert state.message == f"Unexpected error while checking task trigger: {error!r}"
        assert calls == 0

    @pytest.mark.parametrize(
        ("signal", "kind"), [(signals.SKIP, Skipped), (signals.FAIL, Failed), (signals.SUCCESS, Success)]
    )
    def test_a_signal_gives_its_state(self, signal, kind):
        def raises(states):
            raise signal("mine")

        state, calls = run(raises, good)
        assert (type(state), state.message, calls) == (kind, "mine", 0)

    def test_it_is_given_edges_and_states(self):
        given = []

        def look(states):
            given.append({(edge.upstream_task.name, edge.key): state.result for edge, state in states.items()})
            return True

        run(look, good, bad)
        assert set(given[0]) == {("good", None), ("bad", None)}
        assert given[0]["good", None] == 1

    def test_it_is_asked_once_all_upstream_tasks_are_finished(self):
        kinds = []

        def look(states):
            kinds.append([type(state).__name__ for state in states.values()])
            return True

        calls = []

        @task(max_retries=1, retry_delay=timedelta(0))
        def flaky():
            calls.append(1)
            if len(calls) == 1:
                raise OSError

        state, _ = run(look, flaky)
        assert state.is_successful()
        assert kinds == [["Success"]]

    def test_unfinished_upstream_tasks_are_waited_for(self):
        @task
        def pauses():
            raise signals.PAUSE

        state, calls = run(triggers.all_finished, pauses)
        assert (type(state), calls) == (Pending, 0)


class TestManualOnly:
    def flow(self):
        with Flow("f") as flow:
            made = task(lambda: "ran", name="made", trigger=triggers.manual_only)(upstream_tasks=[good()])
        return flow, made

    def test_it_pauses(self):
        flow, made = self.flow()
        state = flow.run().result[made]
        assert type(state) is Paused
        assert "manual_only" in state.message
        assert state.start_time is None

    def test_without_upstream_tasks_too(self):
        with Flow("f") as flow:
            made = task(lambda: 1, name="made", trigger=triggers.manual_only)()
        assert type(flow.run().result[made]) is Paused

    @pytest.mark.parametrize(
        "approved", [Resume(), Paused(start_time=datetime(2020, 1, 1, tzinfo=UTC))], ids=["Resume", "due"]
    )
    def test_it_goes_on_when_it_may(self, approved):
        flow, made = self.flow()
        assert flow.run(task_states={made: approved}).result[made].result == "ran"

    def test_it_stays_paused_otherwise(self):
        flow, made = self.flow()
        given = Paused("mine")
        assert flow.run(task_states={made: given}).result[made] is given

    def test_in_the_context_of_the_run(self):
        flow, made = self.flow()
        assert flow.run(context={"resume": True}).result[made].result == "ran"
