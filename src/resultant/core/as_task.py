"""Values turned into tasks."""

from __future__ import annotations

from resultant.core.annotations import EdgeAnnotation
from resultant.core.task import Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from resultant.core.flow import Flow

__all__ = ["as_task"]

#: Types that cannot hold a task, so that a long list of numbers costs one look at each.
_LEAVES = frozenset((int, float, str, bytes, bool, type(None), complex))


def as_task(x: Any, flow: Flow | None = None) -> Task:
    """Return a task that gives `x`.

    Args:
        x: a task; an annotation, which gives the task inside; a list, tuple, set or dictionary with tasks inside, which
            gives a task that collects their values; anything else is a constant.
        flow: the flow in which collecting tasks are placed; the one whose ``with`` block is open if not given.

    Raises:
        ValueError: `x` has tasks inside, no flow is given and none is open.
    """
    if isinstance(x, Task):
        return x
    if isinstance(x, EdgeAnnotation):
        return as_task(x.value, flow)
    made: Task
    if not isinstance(x, (list, tuple, set, dict)) or not _has_task(x):
        from resultant.core.constants import Constant

        made = Constant(x)
        # Constants count as used: whoever asked for one binds it, as a value where that can be.
        _forget(made)
    else:
        from resultant.core import collections

        if isinstance(x, dict):
            made = collections.Dict().bind(keys=list(x), values=list(x.values()), flow=flow)
        else:
            kind = collections.List if isinstance(x, list) else collections.Tuple
            made = (collections.Set if isinstance(x, set) else kind)().bind(*x, flow=flow)
    made.auto_generated = True
    return made


def _forget(task: Task) -> None:
    from resultant import runtime

    flow = runtime.peek("flow")
    if flow is not None:
        flow.forget_unused(task)


def _has_task(x: Iterable[Any]) -> bool:
    for item in x:
        kind = type(item)
        if kind in _LEAVES:
            continue
        if isinstance(item, (Task, EdgeAnnotation)) or (isinstance(item, (list, tuple, set, dict)) and _has_task(item)):
            return True
    return isinstance(x, dict) and _has_task(x.values())
