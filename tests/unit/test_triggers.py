"""SPEC 11: triggers."""

from __future__ import annotations

from typing import Any

import cloudpickle
import pytest

from resultant import Flow, context, task, triggers
from resultant.engine.signals import FAIL, PAUSE, SKIP, TRIGGERFAIL
from resultant.engine.state import (
    Cached,
    Failed,
    Finished,
    Mapped,
    Paused,
    Pending,
    Resume,
    Skipped,
    State,
    Success,
    TriggerFailed,
)

GOOD, BAD, OMITTED = Success(), Failed(), Skipped()


def upstream(*states: State) -> dict[Any, State]:
    return {f"edge {number}": state for number, state in enumerate(states)}


def refused(trigger: Any, *states: State) -> str:
    with pytest.raises(TRIGGERFAIL) as caught:
        trigger(upstream(*states))
    assert type(caught.value) is TRIGGERFAIL
    return str(caught.value.state.message)


@pytest.mark.parametrize(
    ("trigger", "runs", "refuses"),
    [
        (
            triggers.all_successful,
            [[GOOD], [GOOD, OMITTED], [Cached(), Mapped()]],
            [[BAD], [GOOD, BAD], [TriggerFailed()]],
        ),
        (triggers.all_failed, [[BAD], [BAD, TriggerFailed()]], [[GOOD], [GOOD, BAD], [OMITTED]]),
        (triggers.any_successful, [[GOOD, BAD], [OMITTED, BAD]], [[BAD], [BAD, BAD]]),
        (triggers.any_failed, [[GOOD, BAD], [BAD]], [[GOOD], [GOOD, OMITTED]]),
        (triggers.all_finished, [[GOOD, BAD, OMITTED], [Finished()]], [[GOOD, Pending()]]),
        (triggers.not_all_skipped, [[GOOD], [GOOD, OMITTED]], [[GOOD, BAD], [OMITTED, BAD]]),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_when_a_trigger_runs(trigger: Any, runs: list[list[State]], refuses: list[list[State]]) -> None:
    for states in runs:
        assert trigger(upstream(*states)) is True
    for states in refuses:
        assert trigger.__name__ in refused(trigger, *states)


def test_always_run_is_all_finished() -> None:
    assert triggers.always_run is triggers.all_finished


def test_the_text_of_a_refusal() -> None:
    text = refused(triggers.all_successful, BAD)

    assert text == 'Trigger was "all_successful" but some of the upstream tasks failed.'


@pytest.mark.parametrize(
    "trigger",
    [
        triggers.all_successful, triggers.all_failed, triggers.any_successful, triggers.any_failed, triggers.all_finished,
        triggers.not_all_skipped, triggers.some_failed(), triggers.some_successful(at_least=1),
    ],
    ids=lambda trigger: trigger.__name__,
)  # fmt: skip
def test_without_anything_upstream_every_trigger_runs(trigger: Any) -> None:
    assert trigger({}) is True


def test_not_all_skipped_skips_when_all_are() -> None:
    with pytest.raises(SKIP):
        triggers.not_all_skipped(upstream(OMITTED, OMITTED))


def test_a_mapped_upstream_counts_as_its_children() -> None:
    mixed = Mapped(map_states=[GOOD, BAD])

    assert triggers.any_failed(upstream(mixed))
    assert triggers.any_successful(upstream(mixed))
    assert refused(triggers.all_successful, mixed)
    assert refused(triggers.all_failed, mixed)
    assert triggers.some_failed(at_least=1, at_most=1)(upstream(mixed))
    with pytest.raises(SKIP):
        triggers.not_all_skipped(upstream(Mapped(map_states=[OMITTED, OMITTED])))


def test_manual_only_pauses_until_it_is_resumed() -> None:
    for states in ((), (GOOD,), (BAD,)):
        with pytest.raises(PAUSE) as caught:
            triggers.manual_only(upstream(*states))
        assert "manual_only" in caught.value.state.message
        with context(resume=True):
            assert triggers.manual_only(upstream(*states)) is True


@pytest.mark.parametrize(
    ("bounds", "failed", "total", "runs"),
    [
        ({}, 0, 3, True),
        ({}, 3, 3, True),
        ({"at_least": 2}, 1, 3, False),
        ({"at_least": 2}, 2, 3, True),
        ({"at_most": 1}, 1, 3, True),
        ({"at_most": 1}, 2, 3, False),
        ({"at_least": 1, "at_most": 2}, 3, 3, False),
        ({"at_least": 0.5}, 2, 4, True),
        ({"at_least": 0.5}, 1, 4, False),
        ({"at_most": 0.25}, 1, 4, True),
        ({"at_most": 0.25}, 2, 4, False),
        ({"at_least": 1}, 1, 4, True),
        ({"at_most": 0}, 0, 4, True),
        ({"at_most": 0}, 1, 4, False),
    ],
)
def test_counts_within_bounds(bounds: dict[str, float], failed: int, total: int, runs: bool) -> None:
    pairs = (
        (triggers.some_failed(**bounds), [BAD] * failed + [GOOD] * (total - failed)),
        (triggers.some_successful(**bounds), [GOOD] * failed + [BAD] * (total - failed)),
    )
    for trigger, states in pairs:
        if runs:
            assert trigger(upstream(*states)) is True
        else:
            assert trigger.__name__ in refused(trigger, *states)


def test_a_skipped_one_counts_as_successful() -> None:
    assert triggers.some_successful(at_least=2)(upstream(GOOD, OMITTED))


@pytest.mark.parametrize(
    "trigger",
    [
        triggers.all_successful,
        triggers.manual_only,
        triggers.some_failed(at_least=2),
        triggers.some_successful(at_most=0.5),
    ],
)
def test_triggers_survive_cloudpickle(trigger: Any) -> None:
    other = cloudpickle.loads(cloudpickle.dumps(trigger))

    assert other.__name__ == trigger.__name__
    if trigger.__name__ == "some_failed":
        assert refused(other, BAD, GOOD)
        assert other(upstream(BAD, BAD))


# In a run


def run_below(trigger: Any, *raises: BaseException | None) -> State:
    """Run a task below several others that raise, or not."""

    @task
    def above(index: int) -> int:
        if raises[index] is not None:
            raise raises[index]  # type: ignore[misc]
        return index

    @task(trigger=trigger, skip_on_upstream_skip=False)
    def below() -> str:
        return "ran"

    with Flow("below") as flow:
        tasks = [above(index, task_args={"name": f"above-{index}"}) for index in range(len(raises))]
        made = below(upstream_tasks=tasks)
    state: State = flow.run().result[made]
    return state


def test_a_task_whose_trigger_refuses_is_trigger_failed() -> None:
    state = run_below(triggers.all_successful, None, ValueError())

    assert type(state) is TriggerFailed
    assert state.message == 'Trigger was "all_successful" but some of the upstream tasks failed.'
    assert isinstance(state.result, TRIGGERFAIL)


def test_other_triggers_run_it() -> None:
    assert run_below(triggers.any_failed, None, ValueError()).result == "ran"
    assert run_below(triggers.all_failed, FAIL(), ValueError()).result == "ran"
    assert run_below(triggers.always_run, None, ValueError()).result == "ran"
    assert run_below(triggers.some_successful(at_least=0.5), None, ValueError()).result == "ran"
    assert run_below(triggers.not_all_skipped, SKIP(), SKIP()).is_skipped()


def test_a_trigger_that_returns_something_falsy() -> None:
    """SPEC 8, step 7."""
    for answer in (False, None, 0):
        state = run_below(lambda states: answer, None)
        assert type(state) is TriggerFailed
        assert state.message == "Trigger failed"


def test_a_trigger_with_a_bug() -> None:
    def buggy(states: Any) -> bool:
        raise ZeroDivisionError("bug")

    state = run_below(buggy, None)

    assert type(state) is TriggerFailed
    assert state.message == "Unexpected error while checking task trigger: ZeroDivisionError('bug')"
    assert isinstance(state.result, ZeroDivisionError)


def test_a_trigger_may_raise_any_signal() -> None:
    def skips(states: Any) -> bool:
        raise SKIP("not now")

    def pauses(states: Any) -> bool:
        raise PAUSE("wait")

    assert run_below(skips, None).is_skipped()
    assert type(run_below(pauses, None)) is Paused


def test_a_trigger_failure_is_not_retried() -> None:
    calls = []

    def never(states: Any) -> bool:
        calls.append(1)
        return False

    @task(trigger=never, max_retries=3, retry_delay=0)
    def below() -> None: ...

    with Flow("never") as flow:
        made = below()

    assert type(flow.run().result[made]) is TriggerFailed
    assert calls == [1]


def test_a_trigger_is_given_edges_and_states() -> None:
    seen: dict[Any, State] = {}

    def look(states: dict[Any, State]) -> bool:
        seen.update(states)
        return True

    @task
    def above() -> int:
        return 5

    @task(trigger=look)
    def below(value: int) -> int:
        return value

    with Flow("edges") as flow:
        made = above()
        below(made)
    flow.run()

    ((edge, state),) = seen.items()
    assert edge.key == "value"
    assert edge.upstream_task is made
    assert state.result == 5


def test_manual_only_in_a_run() -> None:
    @task(trigger=triggers.manual_only)
    def approved() -> str:
        return "ran"

    with Flow("manual") as flow:
        made = approved()
    first = flow.run()
    assert first.is_running()
    assert type(first.result[made]) is Paused
    assert first.result[made].start_time is None

    second = flow.run(task_states={made: Resume()})

    assert second.result[made].result == "ran"
