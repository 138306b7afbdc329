"""What a worker process needs before its first task: this process's settings, and the alias if it is on."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from resultant.settings import Settings

__all__ = ["worker_setup"]


def worker_setup() -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Return the function, and its arguments, that makes a worker process like this one."""
    import sys

    from resultant.runtime import settings

    alias = getattr(sys.modules.get("prefect"), "__resultant_alias__", False)
    return _set_up, (settings(), bool(alias))


def _set_up(settings: Settings, alias: bool) -> None:
    from resultant.settings import replace

    replace(settings)
    if alias:
        from importlib import import_module

        # By name, because the alias lies above this layer.
        import_module("resultant.compat.prefect").install()
