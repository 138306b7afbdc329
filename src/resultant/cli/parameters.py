"""Parameters of a run on record, as text."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.records import FlowRun, TaskRun

__all__ = ["changed_parameters", "is_parameter", "parameter"]

_UNKNOWN = "a value that is not on record"

#: So many characters of a value are shown.
_SHOWN = 60


def is_parameter(run: FlowRun, row: TaskRun) -> bool:
    """Return whether a task is a parameter of its flow.

    Args:
        run: its run.
        row: the task's row.
    """
    from resultant.reading.standing import name_in

    # The slugs of all other tasks have a number; a default that cannot be recorded is not among the parameters.
    return row.slug in json.loads(run.parameters or "{}") or name_in(row.slug) == row.slug


def parameter(run: FlowRun, name: str, other: FlowRun | None) -> str:
    """Return what a parameter was, and what it was before.

    Args:
        run: its run.
        name: the parameter's.
        other: the earlier run that it is compared with, if there is one.
    """
    value, before = _value(run, name), None if other is None else _value(other, name)
    if before is None:
        return f"It is a parameter: {_short(value)}."
    if value == before == _UNKNOWN:
        return f"It is a parameter: {value}, and neither is the one before."
    if value == before:
        return f"It is a parameter: {_short(value)}, as before; every run looks its parameters up."
    return f"It is a parameter: {_short(before)} before, {_short(value)} now."


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def changed_parameters(one: FlowRun, other: FlowRun) -> str:
    """Return which parameters of two runs differ, as the end of a sentence.

    Args:
        one: a run.
        other: another.
    """
    mine, yours = _texts(one), _texts(other)
    changed = sorted(name for name in {*mine, *yours} if mine.get(name) != yours.get(name))
    return f"; parameters that differ: {', '.join(changed)}" if changed else ""


def _texts(run: FlowRun) -> dict[str, str]:
    # As text: 1, 1.0 and True are not the same, and Python says that they are equal.
    return {name: json.dumps(value, sort_keys=True) for name, value in json.loads(run.parameters or "{}").items()}


def _value(run: FlowRun, name: str) -> str:
    from resultant.engine.tagged import untagged

    recorded = json.loads(run.parameters or "{}")
    if name not in recorded:
        return _UNKNOWN
    try:
        return repr(untagged(recorded[name]))
    except ValueError:
        return _UNKNOWN
