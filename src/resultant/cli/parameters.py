"""Parameters of a run on record, as text."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.records import FlowRun

__all__ = ["changed_parameters"]


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
