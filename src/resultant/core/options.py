"""The rules for the options of a task, applied when it is made and when a copy is changed."""

from __future__ import annotations

from resultant import runtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta
    from typing import Any

    from resultant.engine.result import Result

__all__ = [
    "failure_handler",
    "handler_list",
    "instance",
    "result_for_target",
    "retry_rules",
    "retry_types",
    "tag_set",
    "warn",
    "whole_seconds",
]


def warn(message: str) -> None:
    """Warn, pointing at the line of the user's code that led here."""
    import sys
    import warnings

    level = 2
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("resultant."):
        frame = frame.f_back
        level += 1
    warnings.warn(message, UserWarning, stacklevel=level)


def instance(option: str, value: Any, example: str) -> Any:
    """Return the value of an option that takes an object.

    Args:
        option: its name.
        value: as given.
        example: an object that it takes.

    Raises:
        TypeError: `value` is a class or a name, which would be found out much later and told by much else.
    """
    if isinstance(value, (type, str)):
        given = value.__name__ if isinstance(value, type) else repr(value)
        raise TypeError(
            f"{option}={given} is {'a class' if isinstance(value, type) else 'text'}; it takes an object: {option}={example}."
        )
    return value


def tag_set(tags: Iterable[str] | None) -> set[str]:
    """Return the given tags together with those of the enclosing ``tags(...)`` blocks.

    Raises:
        TypeError: `tags` is one text, which would be read as a set of letters.
    """
    if isinstance(tags, str):
        raise TypeError(f"Tags should be a set of tags, not a string. Write tags=[{tags!r}].")
    enclosing = runtime.peek("tags")
    if tags is None:
        return set(enclosing) if enclosing else set()
    return {*tags, *enclosing} if enclosing else set(tags)


def retry_rules(max_retries: int | None, retry_delay: Any, retry_on: Any) -> tuple[int, timedelta | None]:
    """Return how often and after which delay a task is retried.

    Args:
        max_retries: as given; ``None`` takes the configured number.
        retry_delay: as given, a timedelta or seconds; ``None`` takes the configured one, if retries are on.
        retry_on: as given.

    Raises:
        ValueError: retries without a delay, or a delay or types of errors without retries.
    """
    defaults = runtime.settings().tasks.defaults
    retries = defaults.max_retries if max_retries is None else max_retries
    if retries and retry_delay is None:
        retry_delay = defaults.retry_delay
        if retry_delay is None:
            raise ValueError(
                "A datetime.timedelta `retry_delay` must be provided if max_retries > 0 "
                "(or set `tasks.defaults.retry_delay`)."
            )
    if not retries:
        if retry_delay is not None:
            raise ValueError("A `max_retries` argument greater than 0 must be provided if specifying a retry delay.")
        if retry_on is not None:
            raise ValueError("A number of `max_retries` must be provided if `retry_on` is set.")
        return 0, None
    if isinstance(retry_delay, (int, float)):
        from datetime import timedelta

        retry_delay = timedelta(seconds=retry_delay)
    return retries, retry_delay


def retry_types(retry_on: Any) -> set[type[BaseException]] | None:
    """Return the types of errors that are retried as a set; ``None`` stands for all.

    Raises:
        TypeError: something that is not a type of exception.
    """
    if retry_on is None:
        return None
    types: set[Any] = {retry_on} if isinstance(retry_on, (type, BaseException)) else set(retry_on)
    for kind in types:
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise TypeError(
                f"`retry_on` takes types of errors: expected an exception type but got an instance of {type(kind)}."
            )
    return types


def whole_seconds(timeout: Any) -> int | None:
    """Return a timeout as whole seconds.

    Args:
        timeout: seconds, a timedelta, or ``None``.

    Raises:
        TypeError: neither.
    """
    if timeout is None:
        return None
    if isinstance(timeout, int):
        return timeout
    from datetime import timedelta

    if not isinstance(timeout, timedelta):
        raise TypeError(f"Only integer timeouts (representing seconds) are supported, not {timeout!r}.")
    if timeout.microseconds:
        warn(f"A timeout counts whole seconds: the fraction of {timeout!r} is dropped.")
    return int(timeout.total_seconds())


def handler_list(handlers: Any) -> list[Any]:
    """Return state handlers as a new list.

    Raises:
        TypeError: they are not a sequence.
    """
    if handlers is None:
        return []
    if not isinstance(handlers, (list, tuple)):
        from collections.abc import Sequence

        if not isinstance(handlers, Sequence):
            raise TypeError(f"state_handlers should be iterable: a list of functions, not {handlers!r}.")
    return list(handlers)


class failure_handler:
    """A state handler that calls a function when the new state is a failure.

    Args:
        function: called with the task or flow, and the failed state.
    """

    def __init__(self, function: Any) -> None:
        self.function = function

    def __call__(self, owner: Any, old_state: Any, new_state: Any) -> Any:
        if new_state.is_failed():
            self.function(owner, new_state)
        return new_state


def result_for_target(result: Result | None, target: Any) -> Result | None:
    """Return the result that stores what a task with a target returns.

    Args:
        result: the task's own result.
        target: the task's target, a template or a callable.

    Returns:
        `result` itself without a target; otherwise a copy of it whose location is the target.
    """
    if result is None or target is None or result.location == target or result._formatter is target:
        return result
    if result.location is not None or result._formatter is not None:
        warn("Both `result.location` and `target` were provided. The `target` value will be used.")
    copied = result.copy()
    if isinstance(target, str):
        copied.location = target
    else:
        copied.location = None
        copied._formatter = target
    return copied
