"""``TaskRunner``: one task, given the states above it, by the one runner."""

from __future__ import annotations

from resultant.compat.runner import Runner
from resultant.engine.state import Pending
from resultant.runner.caching import candidates
from resultant.runner.dates import date_keys
from resultant.runner.log import show_log
from resultant.runner.plan import Run, Step, Upstream, prepare
from resultant.runner.task import Unfinished, parent_state, run_task
from resultant.runtime import CACHES, Frame, enter, frame, leave, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, ClassVar

    from resultant.engine.result import Result
    from resultant.engine.state import State

__all__ = ["ForTaskRunner", "TaskRunner"]


class TaskRunner(Runner):
    """Runs one task.

    Args:
        task: the task.
        state_handlers: functions called at each change of state, after the task's own.
        flow_result: the result used where the task has none.

    Raises:
        TypeError: `state_handlers` is no sequence.
    """

    _steps: ClassVar[frozenset[str]] = Runner._steps | {
        "cache_result",
        "check_for_retry",
        "check_target",
        "check_task_is_cached",
        "check_task_is_looping",
        "check_task_is_ready",
        "check_task_ready_to_map",
        "check_task_trigger",
        "check_upstream_finished",
        "check_upstream_skipped",
        "get_task_inputs",
        "get_task_run_state",
        "initialize_run",
        "run_mapped_task",
        "set_task_run_name",
        "set_task_to_running",
    }

    def __init__(
        self,
        task: Any,
        state_handlers: Iterable[Callable[..., Any]] | None = None,
        flow_result: Result | None = None,
    ) -> None:
        super().__init__(state_handlers)
        self.task = task
        self.flow_result = flow_result

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.task.name}>"

    def run(
        self,
        state: State | None = None,
        upstream_states: Mapping[Any, State] | None = None,
        context: Mapping[str, Any] | None = None,
        is_mapped_parent: bool = False,
    ) -> State:
        """Run the task.

        Args:
            state: how the task run stands; ``Pending`` if not given.
            upstream_states: the state above each edge.
            context: keys for the task.
            is_mapped_parent: whether the task is mapped and this is its parent, which only becomes ``Mapped``.

        Returns:
            The state it ends in; `state` itself if nothing could be done.
        """
        keys = {**frame().flat(), **(context or {})}
        outer = enter(Frame(keys))
        try:
            show_log(settings().logging)
            run, step = self._prepared(keys, upstream_states or {})
            above = list((upstream_states or {}).values())
            start = Pending() if state is None else state
            if is_mapped_parent:
                return parent_state(run, step, start, above)[0]
            end = run_task(run, step, start, above, index=keys.get("map_index"))
            return end.finish() if isinstance(end, Unfinished) else end
        finally:
            leave(outer)

    def _prepared(self, keys: dict[str, Any], upstream_states: Mapping[Any, State]) -> tuple[Run, Step]:
        now = settings()
        checkpointing = keys.setdefault("checkpointing", now.flows.checkpointing)
        keys.setdefault("caches", CACHES)
        keys.setdefault("parameters", {})
        date_keys(keys)
        run = Run(
            keys,
            keys["parameters"],
            bool(checkpointing) and now.tasks.checkpointing,
            now.templates.allow_absolute,
            tuple(self._bound()),
        )
        step = Step(self.task, keys.get("task_slug") or self.task.slug or self.task.name, 0)
        step.upstream = [Upstream(edge, number) for number, edge in enumerate(upstream_states)]
        step.cached = candidates(step, keys["caches"])
        prepare(step, run, self.flow_result)
        return run, step


class ForTaskRunner:
    """A handler of task runners, called by the one runner with the task: it is told of a task runner instead.

    Args:
        handler: the handler.
    """

    def __init__(self, handler: Callable[..., Any]) -> None:
        self.handler = handler

    def __call__(self, task: Any, old: State, new: State) -> Any:
        """Call the handler with a task runner, the old and the new state."""
        return self.handler(TaskRunner(task), old, new)
