"""Resources that are set up before the tasks of a block and cleaned up after them."""

from __future__ import annotations

from resultant.core.connections import active_flow
from resultant.core.signature import RunSignature
from resultant.core.task import Task
from resultant.engine.signals import SKIP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Any, ClassVar

    from resultant.core.flow import Flow

__all__ = ["ResourceManager", "resource_manager"]


class ResourceInitTask(Task):
    """Makes the manager.

    Args:
        resource_class: the manager's class.
        **task_options: options of :class:`~resultant.core.task.Task`.
    """

    rerun_always: ClassVar[bool] = True

    def __init__(self, resource_class: Callable[..., Any], **task_options: Any) -> None:
        self.run = resource_class  # type: ignore[method-assign]
        self._signature = RunSignature(resource_class, False, getattr(resource_class, "__name__", "the manager"))
        super().__init__(**task_options)

    @property
    def run_signature(self) -> RunSignature:
        """The arguments that the manager's class takes."""
        return self._signature


class ResourceSetupTask(Task):
    """Sets the resource up."""

    rerun_always: ClassVar[bool] = True

    def run(self, mgr: Any) -> Any:  # type: ignore[override]
        """Return what the manager's ``setup`` returns."""
        return mgr.setup()


class ResourceCleanupTask(Task):
    """Cleans the resource up."""

    reference_by_default: ClassVar[bool] = False
    rerun_always: ClassVar[bool] = True

    def run(self, mgr: Any, resource: Any = None) -> None:  # type: ignore[override]
        """Call the manager's ``cleanup``."""
        mgr.cleanup(resource)


def cleanup_trigger(upstream_states: Mapping[Any, Any]) -> bool:
    """Run whatever became of the tasks in the block, if there is something to clean up.

    Raises:
        SKIP: the manager was not made, or the resource not set up.
    """
    for edge, state in upstream_states.items():
        if edge.key in ("mgr", "resource"):
            if state.is_skipped():
                raise SKIP(f"Nothing to clean up: {edge.upstream_task.name!r} was skipped")
            if state.is_failed():
                raise SKIP(f"Nothing to clean up: {edge.upstream_task.name!r} failed")
    return True


class ResourceBlock:
    """A ``with`` block whose tasks run between set-up and clean-up of a resource.

    Args:
        init_task: makes the manager.
        setup_task: sets the resource up; ``None`` if the manager has no ``setup``.
        cleanup_task: cleans it up.
        flow: the flow of all three.
    """

    def __init__(self, init_task: Task, setup_task: Task | None, cleanup_task: Task, flow: Flow) -> None:
        self.init_task = init_task
        self.setup_task = setup_task
        self.cleanup_task = cleanup_task
        self._flow = flow
        self._tasks: dict[Task, None] = {}

    def add_task(self, task: Task, flow: Flow) -> None:
        """Take note of a task that was added to the flow while the block is open."""
        if not (task.is_constant or task.is_parameter):
            self._tasks[task] = None

    def __enter__(self) -> Task | None:
        self._flow.open_resources.append(self)
        return self.setup_task

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        flow = self._flow
        flow.open_resources.remove(self)
        if error is not None:
            return
        for task in self._tasks:
            if self.setup_task is not None:
                upstream = flow.upstream_tasks(task)
                if self.setup_task not in upstream and not any(other in self._tasks for other in upstream):
                    flow.add_edge(self.setup_task, task)
            if not any(other in self._tasks for other in flow.downstream_tasks(task)):
                flow.add_edge(task, self.cleanup_task)


class ResourceManager:
    """A class with ``setup`` and ``cleanup``, made usable in a flow; called, it gives a ``with`` block.

    Args:
        resource_class: has ``cleanup(resource)``, and ``setup()`` where something has to be set up.
        name: what its tasks are called; the class name if not given.
        init_task_kwargs: options of the task that makes the manager.
        setup_task_kwargs: options of the task that sets the resource up.
        cleanup_task_kwargs: options of the task that cleans it up.
    """

    def __init__(
        self,
        resource_class: Callable[..., Any],
        name: str | None = None,
        init_task_kwargs: Mapping[str, Any] | None = None,
        setup_task_kwargs: Mapping[str, Any] | None = None,
        cleanup_task_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        self.resource_class = resource_class
        self.name = getattr(resource_class, "__name__", type(resource_class).__name__) if name is None else name
        unstored: dict[str, Any] = {"checkpoint": False}
        self.init_task_kwargs = {"name": self.name, **(init_task_kwargs or {})}
        self.setup_task_kwargs = {"name": f"{self.name}.setup", **unstored, **(setup_task_kwargs or {})}
        self.cleanup_task_kwargs = {
            "name": f"{self.name}.cleanup",
            "trigger": cleanup_trigger,
            "skip_on_upstream_skip": False,
            **unstored,
            **(cleanup_task_kwargs or {}),
        }

    def __call__(self, *args: Any, flow: Flow | None = None, **kwargs: Any) -> ResourceBlock:
        """Add the manager's tasks to a flow and return the block for the tasks that use the resource.

        Args:
            *args: arguments of the class, tasks or values.
            flow: the flow; the one whose ``with`` block is open if not given.
            **kwargs: the same by name.

        Raises:
            ValueError: no flow is given and none is open.
        """
        try:
            flow = active_flow(flow)
        except ValueError:
            raise ValueError(
                f"Could not infer an active Flow context. Use `with {self.name}(...)` inside a `with Flow(...)` block."
            ) from None
        init = ResourceInitTask(self.resource_class, **self.init_task_kwargs).bind(*args, flow=flow, **kwargs)
        setup: Task | None = None
        resource: dict[str, Any] = {}
        if hasattr(self.resource_class, "setup"):
            setup = ResourceSetupTask(**self.setup_task_kwargs).bind(mgr=init, flow=flow)
            resource = {"resource": setup}
        cleanup = ResourceCleanupTask(**self.cleanup_task_kwargs).bind(mgr=init, **resource, flow=flow)
        return ResourceBlock(init, setup, cleanup, flow)


def resource_manager(resource_class: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Decorate a class with ``setup`` and ``cleanup``, so that ``with TheClass(...) as resource:`` works in a flow.

    Args:
        resource_class: the class.
        **options: `name`, `init_task_kwargs`, `setup_task_kwargs`, `cleanup_task_kwargs` of :class:`ResourceManager`.

    Returns:
        A :class:`ResourceManager`; a decorator if `resource_class` is not given.
    """
    if resource_class is None:
        return lambda decorated: ResourceManager(decorated, **options)
    return ResourceManager(resource_class, **options)
