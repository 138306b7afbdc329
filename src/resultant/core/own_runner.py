"""Running a flow with a runner class of somebody's own."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from resultant.core.flow import Flow
    from resultant.engine.state import State

__all__ = ["run_with"]


def run_with(flow: Flow, runner_cls: type, parameters: Mapping[str, Any], options: dict[str, Any]) -> State:
    """Let a runner make one pass after another until nothing is left to wait for.

    Args:
        flow: the flow.
        runner_cls: made anew for each pass, as ``runner_cls(flow=flow)``.
        parameters: values of parameters by name.
        options: further keywords of its ``run``.

    Returns:
        The state after the last pass.
    """
    state = options.pop("state", None)
    task_states = options.pop("task_states", None)
    while True:
        runner = runner_cls(flow=flow)
        state = runner.run(
            state=state, task_states=task_states, parameters=parameters, return_tasks=list(flow.slugs), **options
        )
        if state.is_finished() or not isinstance(state.result, dict):
            break
        due = [known.start_time for known in _all(state.result) if getattr(known, "start_time", None) is not None]
        if not due:
            break
        from resultant.engine.moments import now

        time.sleep(max(0.0, (min(due) - now()).total_seconds()))
        task_states = dict(state.result)
    last: State = state
    return last


def _all(states: Mapping[Any, Any]) -> Iterator[Any]:
    for state in states.values():
        yield state
        yield from (child for child in getattr(state, "map_states", ()) if child is not None)
