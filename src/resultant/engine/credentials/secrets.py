"""Credentials in the memory of one process."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["Secrets", "travel_to_workers"]


class Secrets:
    """Values by name that do not show and do not travel: a pickle of it is empty.

    The engine's own messages to its workers are the one exception; see :func:`travel_to_workers`.

    Args:
        values: the values.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._values = dict(values or {})

    def reveal(self) -> dict[str, Any]:
        """Return the values."""
        return dict(self._values)

    def __bool__(self) -> bool:
        return bool(self._values)

    def __repr__(self) -> str:
        return "<Secrets>"

    def __copy__(self) -> Secrets:
        return self

    def __deepcopy__(self, memo: Any) -> Secrets:
        return self

    def __reduce__(self) -> Any:
        # The same for all: neither a file nor a digest of somebody's result tells anything of them.
        return Secrets, ()


def travel_to_workers() -> None:
    """Let credentials travel in the engine's messages between this process and its workers, and nowhere else."""
    from resultant.executors.pickling import CARRIED
    from resultant.settings.schema import Settings, whole

    CARRIED[Secrets] = _carried
    CARRIED[Settings] = whole


def _carried(secrets: Secrets) -> Any:
    return Secrets, (secrets._values,)
