"""Failures, as text beside the results of a run."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.engine.state import Failed

    from .frame import TaskFrame

__all__ = ["keep_failure"]


def keep_failure(frame: TaskFrame, failed: Failed) -> None:
    """Write a failure's message and traceback as text into the home, beside the default place of results.

    Rows hold neither, and a folder of results holds results alone.

    Args:
        frame: the task run.
        failed: its state, which learns the text's location.
    """
    from traceback import format_exception

    from resultant.runtime import settings
    from resultant.stores import file_store

    error = failed._result.value
    lines = [str(failed.message), ""]
    if isinstance(error, BaseException):
        lines += format_exception(error)
    step = frame.step
    name = step.slug if frame.index is None else f"{step.slug}-{frame.index}"
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)[:150]
    key = f"failures/{frame.lookup('flow_run_id')}/{safe}-{frame.run_count}.txt"
    try:
        text = "\n".join(lines).encode("utf-8", "backslashreplace")
        failed._text = file_store(settings().home_dir).put(key, text)  # type: ignore[attr-defined]
    except Exception as cause:  # noqa: BLE001 - a failure that cannot be written down is still a failure
        from resultant.runtime import get_logger

        get_logger("results").warning("The text of a failure could not be kept at %r: %s", key, cause)
