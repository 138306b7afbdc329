"""The executor of a run that names none."""

from __future__ import annotations

from resultant.runtime import settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["default_executor"]


def default_executor() -> Any:
    """Return a new executor of the configured class; one that cannot be imported is warned about and replaced."""
    from resultant.executors import LocalExecutor

    chosen = settings().engine.executor.default_class
    if isinstance(chosen, str):
        if not chosen:
            return LocalExecutor()
        from importlib import import_module

        module, _, name = chosen.rpartition(".")
        try:
            chosen = getattr(import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            from warnings import warn

            warn(
                f"The executor {chosen!r} cannot be imported ({error}); using LocalExecutor instead.",
                UserWarning,
                stacklevel=2,
            )
            return LocalExecutor()
    return chosen()
