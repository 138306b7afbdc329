"""Changes to whole flows: putting one into another, putting one task in the place of another, copying."""

from __future__ import annotations

from resultant.core.as_task import as_task
from resultant.core.edge import new_edge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from resultant.core.flow import Flow
    from resultant.core.task import Task

    F = TypeVar("F", bound=Flow)

__all__ = ["copy_flow", "replace", "update"]


def update(flow: Flow, other: Flow, merge_parameters: bool, validate: bool | None, merge_reference_tasks: bool) -> None:
    """Add everything in `other` to `flow`; see ``Flow.update``."""
    references = flow.reference_tasks() if merge_reference_tasks else set()
    if merge_parameters:
        own = {task.name: task for task in flow.slugs if task.is_parameter}
        for task in other.slugs:
            if task.is_parameter and own.get(task.name, task) is not task:
                replace(flow, own[task.name], task)
                references = {task if old is own[task.name] else old for old in references}
    for task in other.slugs:
        flow.add_task(task)
    for edge in other.iter_edges():
        flow.add_edge(
            edge.upstream_task, edge.downstream_task, edge.key, edge.mapped, edge.flattened, validate=validate
        )
    for task, inputs in other.constants.items():
        flow.constants[task].update(inputs)
    if merge_reference_tasks:
        flow.set_reference_tasks(references | other.reference_tasks())


def replace(flow: Flow, old: Task, new: Any) -> None:
    """Put `new` in the place of `old`; see ``Flow.replace``."""
    if old not in flow.slugs:
        raise ValueError(f"Task {old!r} was not found in Flow {flow!r}")
    new = as_task(new, flow=flow)
    if new is old:
        return
    references = flow._references
    slug = flow.slugs.pop(old)
    flow._taken.discard(slug)
    edges = list(flow.iter_edges())
    flow._rebuild(edge for edge in edges if old not in (edge.upstream_task, edge.downstream_task))
    inputs = flow.constants.pop(old, None)
    flow.add_task(new)
    if inputs and not new.is_constant:
        takes = new.run_signature.takes
        flow.constants[new].update({key: value for key, value in inputs.items() if takes(key)})
    # All edges again, so that they keep their order.
    flow._rebuild(())
    for edge in edges:
        ends = [new if task is old else task for task in (edge.upstream_task, edge.downstream_task)]
        if ends[1].is_constant:
            continue
        flow.add_edge(ends[0], ends[1], edge.key, edge.mapped, edge.flattened, validate=False)
    if references and old in references:
        flow._references = {new if task is old else task: None for task in references}


def copy_flow(flow: F) -> F:
    """Return a flow with containers of its own and the same tasks; see ``Flow.copy``."""
    copied = object.__new__(type(flow))
    copied.__dict__.update(flow.__dict__)
    copied.slugs = dict(flow.slugs)
    copied.constants = type(flow.constants)({task: dict(inputs) for task, inputs in flow.constants.items()})
    copied.state_handlers = list(flow.state_handlers)
    copied._taken = set(flow._taken)
    copied._counters = dict(flow._counters)
    copied._references = None if flow._references is None else dict(flow._references)
    copied._unused, copied._blocks, copied._eager, copied.open_resources = None, [], None, []
    copied._rebuild(
        new_edge(edge.upstream_task, edge.downstream_task, edge.key, edge.mapped, edge.flattened)
        for edge in flow.iter_edges()
    )
    return copied
