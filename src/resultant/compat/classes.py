"""The classes that the configuration names for executor and runners."""

from __future__ import annotations

from importlib import import_module
from warnings import warn

from resultant.runtime import settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["get_default_executor_class", "get_default_flow_runner_class", "get_default_task_runner_class"]


def get_default_executor_class() -> Any:
    """Return the class that ``engine.executor.default_class`` names; ``LocalExecutor`` if it cannot be imported."""
    return _named(settings().engine.executor.default_class, "resultant.executors.LocalExecutor")


def get_default_flow_runner_class() -> Any:
    """Return the class that ``engine.flow_runner.default_class`` names; ``FlowRunner`` if it cannot be imported."""
    return _named(settings().engine.flow_runner.default_class, "resultant.compat.flow_runner.FlowRunner")


def get_default_task_runner_class() -> Any:
    """Return the class that ``engine.task_runner.default_class`` names; ``TaskRunner`` if it cannot be imported."""
    return _named(settings().engine.task_runner.default_class, "resultant.compat.task_runner.TaskRunner")


def _named(chosen: Any, built_in: str) -> Any:
    if not chosen:
        chosen = built_in
    if not isinstance(chosen, str):
        return chosen
    try:
        return _imported(chosen)
    except (ImportError, AttributeError, ValueError) as error:
        warn(f"{chosen!r} cannot be imported ({error}); using {built_in!r} instead.", UserWarning, stacklevel=3)
        return _imported(built_in)


def _imported(dotted: str) -> Any:
    module, _, name = dotted.rpartition(".")
    return getattr(import_module(module), name)
