"""Whether a task may run, given how its upstream tasks ended.

A trigger is a function of ``{edge: state}`` that returns whether the task runs, or raises a signal. A mapped upstream
counts as its children. Triggers are asked only when every upstream task is finished.
"""

from __future__ import annotations

from resultant.engine import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from resultant.engine.state import State

    UpstreamStates = dict[Any, State]

__all__ = [
    "all_failed",
    "all_finished",
    "all_successful",
    "always_run",
    "any_failed",
    "any_successful",
    "manual_only",
    "not_all_skipped",
    "some_failed",
    "some_successful",
]


def _flat(upstream_states: UpstreamStates) -> list[State]:
    states: list[State] = []
    for state in upstream_states.values():
        if state.is_mapped():
            states.extend(state.map_states)  # type: ignore[attr-defined]
        else:
            states.append(state)
    return states


def _failed_message(name: str, reason: str) -> str:
    return f'Trigger was "{name}" but {reason}.'


def all_successful(upstream_states: UpstreamStates) -> bool:
    """Run when every upstream task succeeded; a skipped one did.

    Raises:
        TRIGGERFAIL: one did not.
    """
    if not all(state.is_successful() for state in _flat(upstream_states)):
        raise signals.TRIGGERFAIL(_failed_message("all_successful", "some of the upstream tasks failed"))
    return True


def all_failed(upstream_states: UpstreamStates) -> bool:
    """Run when every upstream task failed.

    Raises:
        TRIGGERFAIL: one succeeded.
    """
    if not all(state.is_failed() for state in _flat(upstream_states)):
        raise signals.TRIGGERFAIL(_failed_message("all_failed", "some of the upstream tasks succeeded"))
    return True


def any_successful(upstream_states: UpstreamStates) -> bool:
    """Run when at least one upstream task succeeded.

    Raises:
        TRIGGERFAIL: none did.
    """
    states = _flat(upstream_states)
    if states and not any(state.is_successful() for state in states):
        raise signals.TRIGGERFAIL(_failed_message("any_successful", "none of the upstream tasks succeeded"))
    return True


def any_failed(upstream_states: UpstreamStates) -> bool:
    """Run when at least one upstream task failed.

    Raises:
        TRIGGERFAIL: none did.
    """
    states = _flat(upstream_states)
    if states and not any(state.is_failed() for state in states):
        raise signals.TRIGGERFAIL(_failed_message("any_failed", "none of the upstream tasks failed"))
    return True


def all_finished(upstream_states: UpstreamStates) -> bool:
    """Run when every upstream task finished, however.

    Raises:
        TRIGGERFAIL: one did not finish.
    """
    if not all(state.is_finished() for state in _flat(upstream_states)):
        raise signals.TRIGGERFAIL(_failed_message("all_finished", "some of the upstream tasks were not finished"))
    return True


always_run = all_finished


def manual_only(upstream_states: UpstreamStates) -> bool:
    """Run when somebody approved it.

    Raises:
        PAUSE: nobody did yet.
    """
    from resultant.runtime import context

    if context.get("resume"):
        return True
    raise signals.PAUSE('Trigger function is "manual_only": the task waits for approval.')


def not_all_skipped(upstream_states: UpstreamStates) -> bool:
    """Run when every upstream task succeeded and not all were skipped.

    Raises:
        SKIP: all were skipped.
        TRIGGERFAIL: one failed.
    """
    states = _flat(upstream_states)
    if states and all(state.is_skipped() for state in states):
        raise signals.SKIP("All upstreams were skipped", result=None)
    if not all(state.is_successful() for state in states):
        raise signals.TRIGGERFAIL(_failed_message("not_all_skipped", "some of the upstream tasks failed"))
    return True


def some_failed(at_least: float | None = None, at_most: float | None = None) -> Callable[[UpstreamStates], bool]:
    """Return a trigger that runs when the number of failed upstream tasks lies within bounds.

    Args:
        at_least: lowest number; below 1 it is a share of all.
        at_most: highest number; below 1 it is a share of all.
    """
    return _Some("some_failed", at_least, at_most)


def some_successful(at_least: float | None = None, at_most: float | None = None) -> Callable[[UpstreamStates], bool]:
    """Return a trigger that runs when the number of successful upstream tasks lies within bounds.

    Args:
        at_least: lowest number; below 1 it is a share of all.
        at_most: highest number; below 1 it is a share of all.
    """
    return _Some("some_successful", at_least, at_most)


class _Some:
    def __init__(self, name: str, at_least: float | None, at_most: float | None) -> None:
        self.__name__ = name
        self.at_least = at_least
        self.at_most = at_most

    def __call__(self, upstream_states: UpstreamStates) -> bool:
        states = _flat(upstream_states)
        if not states:
            return True
        failed = self.__name__ == "some_failed"
        count = sum(state.is_failed() if failed else state.is_successful() for state in states)
        low = _bound(self.at_least, len(states), 0)
        high = _bound(self.at_most, len(states), len(states))
        if low <= count <= high:
            return True
        word = "failed" if failed else "succeeded"
        raise signals.TRIGGERFAIL(
            _failed_message(self.__name__, f"{count} of {len(states)} upstream tasks {word}, not {low:g} to {high:g}")
        )

    def __repr__(self) -> str:
        return f"<trigger {self.__name__}(at_least={self.at_least}, at_most={self.at_most})>"


def _bound(bound: float | None, total: int, default: float) -> float:
    if bound is None:
        return default
    return bound * total if 0 < bound < 1 else bound
