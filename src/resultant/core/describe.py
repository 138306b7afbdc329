"""Descriptions of tasks and flows that JSON can hold."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.core.flow import Flow
    from resultant.core.task import Task

__all__ = ["describe_flow", "describe_task", "task_inputs", "task_outputs"]


def task_inputs(task: Task) -> dict[str, dict[str, Any]]:
    """Return type, default and need of each argument of ``run``; see ``Task.inputs``."""
    import inspect
    from typing import Any as AnyType

    inputs = {}
    for name, parameter in inspect.signature(task.run).parameters.items():
        required = parameter.default is inspect.Parameter.empty
        inputs[name] = {
            "type": AnyType if parameter.annotation is inspect.Parameter.empty else parameter.annotation,
            "default": None if required else parameter.default,
            "required": required,
        }
    return inputs


def task_outputs(task: Task) -> Any:
    """Return the return annotation of ``run``; see ``Task.outputs``."""
    import inspect
    from typing import Any as AnyType

    annotation = inspect.signature(task.run).return_annotation
    return AnyType if annotation is inspect.Signature.empty else annotation


def describe_task(task: Task, slug: str | None = None) -> dict[str, Any]:
    """Return the options of a task; functions and classes by name, durations in seconds.

    Args:
        task: the task.
        slug: its slug in the flow at hand.
    """
    described: dict[str, Any] = {
        "slug": task.slug if slug is None else slug,
        "name": task.name,
        "type": _dotted(type(task)),
        "tags": sorted(task.tags),
        "inputs": {
            name: {"type": str(found["type"]), "required": found["required"]}
            for name, found in task_inputs(task).items()
        },
        "outputs": str(task_outputs(task)),
        "max_retries": task.max_retries,
        "retry_delay": _seconds(task.retry_delay),
        "timeout": task.timeout,
        "trigger": _dotted(task.trigger),
        "skip_on_upstream_skip": task.skip_on_upstream_skip,
        "cache_for": _seconds(task.cache_for),
        "cache_key": task.cache_key,
        "cache_validator": _dotted(task.cache_validator),
        "auto_generated": task.auto_generated,
    }
    if task.is_parameter:
        described["required"] = task.required  # type: ignore[attr-defined]
        described["default"] = _plain(task.default)  # type: ignore[attr-defined]
    return described


def describe_flow(flow: Flow) -> dict[str, Any]:
    """Return the tasks and edges of a flow by slug; constants are values and are left out."""
    tasks = [describe_task(task, flow.slugs[task]) for task in flow.slugs]
    slug = flow.slugs
    return {
        "name": flow.name,
        "type": _dotted(type(flow)),
        "parameters": [each for each, task in zip(tasks, flow.slugs, strict=True) if task.is_parameter],
        "tasks": tasks,
        "edges": [
            {
                "upstream_task": {"slug": slug[edge.upstream_task]},
                "downstream_task": {"slug": slug[edge.downstream_task]},
                "key": edge.key,
                "mapped": edge.mapped,
                "flattened": edge.flattened,
            }
            for edge in flow.iter_edges()
        ],
        "reference_tasks": [{"slug": slug[task]} for task in flow._references or ()],
    }


def _dotted(thing: Any) -> str:
    named = thing if hasattr(thing, "__qualname__") else type(thing)
    return f"{named.__module__}.{named.__qualname__}"


def _seconds(duration: Any) -> float | None:
    return None if duration is None else duration.total_seconds()


def _plain(value: Any) -> Any:
    import json

    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return repr(value)
    return value
