"""How a flow runs: order, mapping and submission; the ladder of one task run; values to places and back."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .run import run_flow

__all__ = ["run_flow"]


def __getattr__(name: str) -> object:
    if name == "run_flow":
        from .run import run_flow

        return run_flow
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
