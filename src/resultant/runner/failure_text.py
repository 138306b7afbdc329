"""Failures, and what skipped tasks say, as text where whoever reads the run can read it."""

from __future__ import annotations

import os

from resultant.engine.signals import SKIP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from resultant.engine.state import Failed, Skipped
    from resultant.stores import Store

    from .frame import TaskFrame

__all__ = ["FOLDER", "keep_failure", "keep_signal", "read_text", "texts_of", "users_trace", "where_raised"]

#: Where the texts lie in a store of results.
FOLDER = ".resultant"

_LIBRARY = os.path.dirname(os.path.dirname(__file__)) + os.sep


def keep_failure(frame: TaskFrame, failed: Failed) -> None:
    """Write a failure's message and traceback as text; rows hold neither.

    A database in the home has the texts beside it, and folders of results hold results alone. Where the database is
    elsewhere, others read it: the texts lie beside the results, which they may read too.

    Args:
        frame: the task run.
        failed: its state, which learns the text's place.
    """
    from traceback import format_exception

    error = failed._result.value
    text = f"{failed.message}\n"
    if isinstance(error, BaseException):
        text += "\n" + "".join(format_exception(type(error), error, users_trace(error)))
    failed._text = _put(frame, text, error)  # type: ignore[attr-defined]
    # Where a worker process runs, its driver gets the exception without its traceback.
    failed._where = where_raised(error)  # type: ignore[attr-defined]


def keep_signal(frame: TaskFrame, skipped: Skipped) -> None:
    """Write what a task said that skipped itself: a resume says it again without the task.

    Args:
        frame: the task run.
        skipped: its state, which learns the text's place.
    """
    value = skipped._result.value
    if type(value) is SKIP:
        skipped._text = _put(frame, str(value), value)  # type: ignore[attr-defined]


def _put(frame: TaskFrame, text: str, value: Any) -> str | None:
    child = "" if frame.index is None else f"[{frame.index}]"
    key = f"{texts_of(str(frame.lookup('flow_run_id')))}/{_safe(frame.step.slug)}{child}-{frame.run_count}.txt"
    data = text.encode("utf-8", "backslashreplace")
    store = _beside(frame, value)
    return _put_at_home(key, data) if store is None else _put_beside(frame, store, key, data)


def read_text(place: str, store: Any = None) -> str:
    """Return a text that was kept.

    Args:
        place: as a row has it.
        store: of the results beside which it lies; ``None`` where it is a file.

    Raises:
        OSError: it cannot be read.
        ResultError: the store does not give it.
    """
    if store is not None:
        return str(store.get(place), "utf-8", "replace")
    with open(place, encoding="utf-8", errors="replace", newline="") as file:
        return file.read()


def users_trace(error: BaseException) -> TracebackType | None:
    """Return an exception's traceback from the user's own code on: what this library does around it says nothing.

    Args:
        error: the exception.

    Returns:
        The whole traceback, if there is nothing else in it.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_LIBRARY):
        trace = trace.tb_next
    return trace or error.__traceback__


def where_raised(error: Any) -> str | None:
    """Return an exception's type, and the last line of code outside of this library that it came from; never its message.

    Args:
        error: the exception, or something else that a failed state holds.
    """
    if not isinstance(error, BaseException):
        return None
    found, trace = type(error).__name__, error.__traceback__
    line = None
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith(_LIBRARY):
            line = f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found if line is None else f"{found} at {line}"


def texts_of(run_id: str) -> str:
    """Return the folder, below the home or :data:`FOLDER` of a store, that holds the texts of a run and nothing else."""
    return f"failures/{_safe(run_id)}"


def _safe(name: str) -> str:
    """Return a file name that no other name has, and that leads nowhere else."""
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)[:150]
    if safe != name or not safe.strip("."):
        from hashlib import blake2b

        safe += "~" + blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return safe


def _beside(frame: TaskFrame, error: Any) -> Store | None:
    """Return the store of a task's results, if the text of its failure goes there."""
    from resultant.engine.stored import StoredResult
    from resultant.errors import AccessError, StoreError, WriteError
    from resultant.runtime import settings

    url = settings().database.url
    if url is None or url.startswith("memory:") or isinstance(error, (AccessError, StoreError, WriteError)):
        return None
    result = frame.step.result
    return result.store if isinstance(result, StoredResult) else None


def _put_beside(frame: TaskFrame, store: Store, key: str, data: bytes) -> str | None:
    """Put a text into a store, on another thread where the store is far away; a text that is refused goes home."""
    place = store.place(f"{FOLDER}/{key}")

    def put() -> str | None:
        try:
            return store.put(f"{FOLDER}/{key}", data)
        except Exception as cause:  # noqa: BLE001 - whatever a store raises, there is another place
            home = _put_at_home(key, data)
            _warn(f"{place} (it is at {home} instead)" if home is not None else place, cause)
            return home

    if store.background_from or frame.run.writers is None:
        return put()
    frame.run.writers.submit(len(data), put, getattr(store, "concurrency", 1))
    return place


def _put_at_home(key: str, data: bytes) -> str | None:
    from resultant.runtime import settings
    from resultant.stores import file_store

    try:
        return file_store(settings().home_dir).put(key, data)
    except Exception as cause:  # noqa: BLE001 - a failure that cannot be written down is still a failure
        _warn(os.path.join(settings().home_dir, key), cause)
        return None


def _warn(place: str, cause: Exception) -> None:
    from resultant.runtime import get_logger

    get_logger("results").warning("The text of a failure could not be kept at %s: %s", place, cause)
