"""Why a pickle could not be read: is it damaged, or does this process lack something?"""

from __future__ import annotations

from _pickle import UnpicklingError

from resultant.errors import CorruptResultError, UnreadableResultError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.errors import ReadError

__all__ = ["explain_unpickling", "from_base64", "is_whole_pickle"]

_PROTO = 0x80
_HIGHEST = 5


def from_base64(value: bytes) -> bytes | None:
    """Return what the bytes hold if they are base64, else ``None``."""
    import binascii

    try:
        return binascii.a2b_base64(bytes(value).strip(), strict_mode=True) or None
    except binascii.Error:
        return None


def is_whole_pickle(value: bytes) -> bool:
    """Return whether the bytes are one pickle from beginning to end. Nothing of it is executed."""
    from pickletools import genops

    position = -1
    try:
        for _, _, at in genops(value):
            position = -1 if at is None else at
    except Exception:  # noqa: BLE001 - damaged bytes raise whatever their arguments happen to cause
        return False
    return position + 1 == len(value)


def explain_unpickling(value: bytes, error: Exception) -> ReadError | MemoryError:
    """Return the error that says why these bytes could not be unpickled.

    Args:
        value: the bytes.
        error: what unpickling raised.
    """
    if not len(value):
        return CorruptResultError("There are no bytes: the result is empty, and even None has a few.")
    if not bytes(value[:4096]).strip(b"\0"):
        return CorruptResultError("The bytes are zeros: the result was damaged, as happens when a machine loses power.")
    if value[0] != _PROTO and not is_whole_pickle(value):
        return UnreadableResultError(
            f"The bytes begin with {bytes(value[:8])!r} and are no pickle. Read them with the serializer that wrote them."
        )
    if len(value) > 1 and value[0] == _PROTO and value[1] > _HIGHEST:
        return UnreadableResultError(
            f"The pickle has protocol {value[1]}, and this Python reads up to {_HIGHEST}. Read it with a newer Python."
        )
    if not is_whole_pickle(value):
        return CorruptResultError(f"The pickle is truncated or damaged ({len(value)} bytes; {_said(error)}).")
    if isinstance(error, MemoryError):
        return error
    if type(error) is UnpicklingError and value[0] == _PROTO and "persistent" not in str(error):
        return CorruptResultError(f"The pickle is damaged ({len(value)} bytes; {_said(error)}).")
    return UnreadableResultError(
        f"The pickle is whole, but it cannot be rebuilt in this process: {_said(error)}. {_cure(error)}"
    )


def _said(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _cure(error: Exception) -> str:
    if isinstance(error, ImportError):
        name = (error.name or "").partition(".")[0]
        return (
            f"Install the package that has {name!r}, in the version that wrote the result."
            if name
            else ("Install the package that is missing, in the version that wrote the result.")
        )
    if isinstance(error, AttributeError):
        return "What it refers to was renamed, moved or removed since; put an alias at the old name to read it."
    return "Compare the versions of Python and of the libraries with those that wrote the result."
