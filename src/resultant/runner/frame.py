"""The context of one task run: its keys are computed when somebody asks for them."""

from __future__ import annotations

from resultant.runtime import Frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from resultant.engine.inputs import Inputs
    from resultant.engine.result import Result
    from resultant.engine.state import State

    from .plan import Run, Step

__all__ = ["OF_ONE_TASK_RUN", "TaskFrame", "fresh_id"]

_ABSENT = object()


class TaskFrame(Frame):
    """What the code of one task run sees as its context.

    Look-ups go through what the task itself or ``task_contexts`` set, the keys of the task run, and the run's keys.

    Args:
        run: what is common to the whole run.
        step: what is common to all runs of the task.
        index: position of a mapped child, else ``None``.
    """

    __slots__ = (
        "index",
        "inputs",
        "known",
        "location",
        "loop_count",
        "loop_result",
        "own",
        "resume",
        "run",
        "run_count",
        "run_id",
        "run_name",
        "step",
        "upstream",
    )

    # Set on the way to a cache, and nowhere else: the inputs with their digests, and the states above.
    known: Inputs
    upstream: list[State] | None

    def __init__(self, run: Run, step: Step, index: int | None) -> None:
        self.run = run
        self.step = step
        self.index = index
        self.keys = run.keys
        self.own: dict[str, Any] | None = step.context
        self.inputs: dict[str, Any] = _EMPTY
        self.run_count = 1
        self.loop_count = 1
        self.loop_result: Result | None = None
        self.run_name: str | None = None
        self.run_id: str | None = None
        self.resume = False
        self.location: str | None = None

    def lookup(self, key: str) -> Any:
        own = self.own
        if own is not None and key in own:
            return own[key]
        compute = _COMPUTED.get(key)
        if compute is not None:
            value = compute(self)
            if value is not _ABSENT:
                return value
        return self.keys[key]

    def assign(self, key: str, value: Any) -> None:
        # The dictionary given with the step serves every child: the first change makes one of this run's own.
        if self.own is None or self.own is self.step.context:
            self.own = dict(self.own or ())
        self.own[key] = value

    def flat(self) -> dict[str, Any]:
        keys = dict(self.keys)
        for key, compute in _COMPUTED.items():
            value = compute(self)
            if value is not _ABSENT:
                keys[key] = value
        if self.own:
            keys.update(self.own)
        return keys

    def name(self, key: str) -> Any:
        """Return what a template means by `key`: an input, else a key of the context, else a parameter.

        Raises:
            LocationError: nothing provides it, or it is a secret.
        """
        inputs = self.inputs
        if key in inputs:
            return inputs[key]
        if key == "map_index":
            return self.index
        if key == "task_loop_count":
            return self.loop_count
        if key != "secrets":
            try:
                return self.lookup(key)
            except KeyError:
                pass
            if key == "config":
                from resultant.runtime import config

                return config()
            parameters = self.run.parameters
            if key in parameters:
                return parameters[key]
        from resultant.engine.location import missing_name

        template = self.step.location or self.step.target or key
        raise missing_name(str(getattr(template, "text", template)), key, self.names())

    def names(self) -> dict[str, Any]:
        """Return everything that a template or a location callable may use."""
        names = {**self.run.parameters, **self.flat(), "task_loop_count": self.loop_count}
        names.pop("secrets", None)
        names.update(self.inputs)
        return names


_EMPTY: dict[str, Any] = {}


def fresh_id() -> str:
    """Return a random UUID (version 4) as text; the ``uuid`` module would cost 2 ms at the first run of a process."""
    from os import urandom

    number = urandom(16).hex()
    variant = "89ab"[int(number[16], 16) & 3]
    return f"{number[:8]}-{number[8:12]}-4{number[13:16]}-{variant}{number[17:20]}-{number[20:]}"


def _logger(frame: TaskFrame) -> Any:
    from resultant.runtime import get_logger

    return get_logger(frame.step.name)


def _task_run_id(frame: TaskFrame) -> str:
    if frame.run_id is None:
        frame.run_id = fresh_id()
    return frame.run_id


def _full_name(frame: TaskFrame) -> str:
    return frame.step.name if frame.index is None else f"{frame.step.name}[{frame.index}]"


def _loop_count(frame: TaskFrame) -> Any:
    return frame.loop_count if frame.loop_result is not None else _ABSENT


def _loop_result(frame: TaskFrame) -> Any:
    return frame.loop_result.value if frame.loop_result is not None else _ABSENT


_COMPUTED: dict[str, Callable[[TaskFrame], Any]] = {
    "task_name": lambda frame: frame.step.name,
    "task_slug": lambda frame: frame.step.slug,
    "task_id": lambda frame: frame.step.slug,
    "task_full_name": _full_name,
    "task_tags": lambda frame: frame.step.tags,
    "map_index": lambda frame: frame.index,
    "task_run_count": lambda frame: frame.run_count,
    "task_run_id": _task_run_id,
    "task_run_name": lambda frame: _ABSENT if frame.run_name is None else frame.run_name,
    "task_loop_count": _loop_count,
    "task_loop_result": _loop_result,
    "resume": lambda frame: True if frame.resume else _ABSENT,
    "logger": _logger,
}

#: Keys that a run which a task starts must not take over from it.
OF_ONE_TASK_RUN = tuple(_COMPUTED)
