"""Which recorded values a resumed run is going to need, looked for before anything runs."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from resultant.records import TaskRun

    from .history import History
    from .plan import Step

__all__ = ["look_for_needed"]

#: Stands for every child of a task.
_ALL = None


def look_for_needed(history: History, steps: list[Step], finished: bool = False) -> None:
    """Find out which recorded results are gone, as far as something that is going to run needs them.

    What is gone has to be made again, and so needs values itself: going from the last step to the first, one look at each
    result that is needed settles it. Damage that leaves the size as it was shows when the value is read.

    Args:
        history: what is recorded; learns what is lost.
        steps: the plan's steps, in topological order.
        finished: whether the run had come to its end: then everything that was stored is looked at, needed or not, because
            nothing else is left to be done.
    """
    #: Children whose values are needed, by step; all of them where it says so.
    needed: dict[int, set[int] | None] = {}
    first = []
    for step in reversed(steps):
        rows = history.rows(step)
        if step.index in needed or not step.dependents:
            wanted = needed.get(step.index, _ALL)
        else:
            wanted = set()
        present = rows.values() if not step.mapped else history.present(step)
        found = [row for row in present if wanted is _ALL or row.index in wanted or (finished and _had(step, row))]
        if not step.mapped and not step.upstream:
            # One of thousands, perhaps: what is pending needs nothing, and what stands is looked at if somebody needs it.
            first += [(step, row) for row in found if row.index < 0]
            continue
        if found:
            history.look_each([(step, row) for row in found])
        pending = _pending(history, step, rows)
        if pending is not _ALL and not pending:
            continue
        for edge in step.upstream:
            if edge.key is None:
                continue
            above = steps[edge.index]
            by_child = edge.mapped and not edge.flattened and above.mapped and step.mapped
            _add(needed, edge.index, pending if by_child else _ALL)
    # Nothing is above these, so that nothing depends on what is found out.
    history.look_each(first)


def _had(step: Step, row: TaskRun) -> bool:
    """Return whether a task run had a result that was stored, and that nobody has released since."""
    return row.kind is not None and not (step.task.is_parameter or step.task.rerun_always)


def _pending(history: History, step: Step, rows: Iterable[int]) -> set[int] | None:
    """Return the children of a step that do not stand; all of them where their number is not known."""
    if step.task.rerun_always:
        return _ALL
    if not step.mapped:
        return set() if history.stood(step, -1) else _ALL
    parent = history.row(step)
    if parent is None or parent.children is None:
        return _ALL
    return {index for index in range(parent.children) if not history.stood(step, index)}


def _add(needed: dict[int, set[int] | None], index: int, children: set[int] | None) -> None:
    known = needed.get(index, set())
    needed[index] = _ALL if children is _ALL or known is _ALL else known | children
