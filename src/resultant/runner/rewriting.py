"""Another try for bytes that could not be written; the task's code never runs again for it."""

from __future__ import annotations

import errno

from resultant.engine.stored import place_in
from resultant.errors import (
    DeniedError,
    LocationError,
    MissingResultError,
    SerializationError,
    StorageFullError,
    WriteError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .frame import TaskFrame

__all__ = ["again"]

#: Seconds to wait before a failed write is tried again; what will not get better by waiting is not tried again.
PAUSES = (0.05, 0.25, 1.0)
_HOPELESS = (DeniedError, StorageFullError, LocationError, SerializationError, MissingResultError)

#: The name itself is at fault: a file where a folder is needed, a folder of that name, a name that is too long, a device.
_LASTING = (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL)


def again(frame: TaskFrame, value: Any, location: str | None, error: Exception, write: Callable[[], Any]) -> Any:
    """Return what `write` returns, called again while waiting may help; the task's code never runs again for it.

    Args:
        frame: the task run.
        value: what its code returned.
        location: where it goes, as far as that is known.
        error: what the first try raised.
        write: the next try.

    Raises:
        WriteError: waiting does not help.
    """
    from time import sleep

    for pause in PAUSES:
        if not isinstance(error, OSError) or isinstance(error, _HOPELESS) or error.errno in _LASTING:
            break
        if getattr(error, "final", False):
            # The store has waited and tried again by itself.
            break
        from resultant.runtime import get_logger

        get_logger("results").warning(
            "Task '%s': writing its result failed (%s); trying again in %g s.", frame.step.name, error, pause
        )
        sleep(pause)
        try:
            return write()
        except Exception as again:  # noqa: BLE001 - serializers and stores may be the user's own
            error = again
    raise _not_written(frame, value, location, error) from error


def _not_written(frame: TaskFrame, value: Any, location: str | None, cause: BaseException) -> WriteError:
    place = ""
    if location is not None:
        store = frame.step.store
        path = location if store is None else place_in(store, location)
        place = f" to {path!r}"
    reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
    error = WriteError(
        f"The code of task {frame.step.name!r} succeeded, but its result could not be written{place}: "
        f"{type(cause).__name__}: {reason}"
    )
    error.value = value
    error.location = location
    return error
