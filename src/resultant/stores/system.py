"""Paths, and errors of the operating system → errors of this library, each with its cure."""

from __future__ import annotations

import errno

from resultant.errors import (
    DeniedError,
    MissingResultError,
    PlaceTakenError,
    StorageFullError,
    StoreError,
)

__all__ = ["plain", "taken", "translate"]

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_CURES = {
    errno.ENOSPC: "free some space, or choose another folder with `dir=`",
    errno.EDQUOT: "the quota is used up: free some space, or choose another folder with `dir=`",
    errno.EFBIG: "the file system takes no file of this size: choose another folder with `dir=`",
    errno.ENOENT: "the folder cannot be made: choose another one with `dir=`",
    errno.EROFS: "the file system is mounted read-only: choose another folder with `dir=`",
    errno.EACCES: "check the folder's permissions, or choose another one with `dir=`",
    errno.EPERM: "check the folder's permissions, or choose another one with `dir=`",
    errno.ENAMETOOLONG: "a part of the location is longer than the file system allows: shorten its template",
    errno.ENOTDIR: "a part of the path is a file where a folder is needed: choose another location",
    errno.EEXIST: "a part of the path is a file where a folder is needed: choose another location",
    errno.EISDIR: "a folder has this name: choose another location",
}


def plain(path: str) -> str:
    """Return a path without the detours that lead nowhere else, so that rows of one place have one name for it.

    Args:
        path: an absolute path. Its ``..`` stay: behind a link they lead elsewhere than their text says.
    """
    while "/./" in path:
        path = path.replace("/./", "/")
    while "//" in path:
        path = path.replace("//", "/")
    return path


def translate(error: OSError, path: str, action: str) -> StoreError | MissingResultError:
    """Return this library's error for one of the operating system.

    Args:
        error: what the system raised.
        path: the file it was about.
        action: what was tried, as a verb.
    """
    number = error.errno or 0
    reason = error.strerror or str(error)
    if number == errno.ENOENT and action not in ("write", "create"):
        return MissingResultError(number, f"Nothing is stored there, so it cannot {action} it", path)
    cure = _CURES.get(number, "")
    text = f"Cannot {action} this result: {reason}{'; ' if cure else ''}{cure}"
    kind = StorageFullError if number in _FULL else DeniedError if number in _DENIED else StoreError
    return kind(number, text, path)


def taken(place: str) -> PlaceTakenError:
    """Return the error for a place where something is that must not be replaced."""
    text = "Cannot create this result: something is stored there already, and must not be replaced"
    return PlaceTakenError(errno.EEXIST, text, place)
