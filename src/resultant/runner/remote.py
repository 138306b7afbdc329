"""What a worker process needs before its first task: this process's settings, and the alias if it is on."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from resultant.settings import Settings

__all__ = ["pass_context_by_name", "worker_setup"]


def worker_setup() -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Return the function, and its arguments, that makes a worker process like this one."""
    import sys

    from resultant.engine.credentials.secrets import travel_to_workers
    from resultant.runtime import settings

    pass_context_by_name()
    travel_to_workers()
    alias = getattr(sys.modules.get("prefect"), "__resultant_alias__", False)
    return _set_up, (settings(), bool(alias), _output())


def _output() -> tuple[str, tuple[int, ...]] | None:
    import logging

    from resultant.runtime import get_logger

    from .progress import is_shown

    if not is_shown(get_logger().isEnabledFor(logging.INFO)):
        return None
    from .relay import output_for_workers

    return output_for_workers()


def pass_context_by_name() -> None:
    """Let functions of the main script travel with the global ``context`` that they use: it names each process's own."""
    from resultant.executors.pickling import REFERENCES
    from resultant.runtime import Context

    REFERENCES[Context] = lambda _: (_context, ())


def _context() -> Any:
    from resultant.runtime import context

    return context


def _set_up(settings: Settings, alias: bool, output: tuple[str, tuple[int, ...]] | None) -> None:
    from resultant.engine.credentials.secrets import travel_to_workers
    from resultant.settings import replace

    from .log import show_log

    travel_to_workers()

    if alias:
        from importlib import import_module

        # By name, because the alias lies above this layer. Before the settings: they were made with it.
        import_module("resultant.compat.prefect").install()
    replace(settings)
    if output is not None:
        from .relay import divert

        divert(*output)
    show_log(settings.logging)
