"""What two runs have in common, and what not."""

from __future__ import annotations

import json
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.db import StateDB
    from resultant.reading import RecordedRun, RecordedTask
    from resultant.records import FlowRun, TaskRun

__all__ = ["Pair", "compare", "compare_results", "has_result"]


def compare(db: StateDB, one: FlowRun, other: FlowRun) -> list[dict[str, Any]]:
    """Return the differences of two runs, each with ``what``, ``where``, ``one`` and ``other``.

    Args:
        db: the state database.
        one: a run.
        other: another.
    """
    found: list[dict[str, Any]] = []

    def differ(what: str, where: str, first: Any, second: Any) -> None:
        found.append({"what": what, "where": where, "one": first, "other": second})

    if one.flow != other.flow:
        differ("flow", "", one.flow, other.flow)
    if one.state != other.state:
        differ("state", "", one.state, other.state)
    left, right = json.loads(one.parameters or "{}"), json.loads(other.parameters or "{}")
    changed = [name for name in {**left, **right} if _as_text(left, name) != _as_text(right, name)]
    for name in changed:
        differ("parameter", name, _parameter(left, name), _parameter(right, name))
    left, right = json.loads(one.code or "{}"), json.loads(other.code or "{}")
    for name in left:
        # A name that is missing is shown below, as a task that only one of the runs has.
        if name in right and left[name] != right[name]:
            differ("code", name, _short(left[name]), _short(right[name]))
    mine, yours = _rows(db, one), _rows(db, other)
    for key in (*mine, *(key for key in yours if key not in mine)):
        left_row, right_row = mine.get(key), yours.get(key)
        where = key[0] if key[1] < 0 else f"{key[0]}[{key[1]}]"
        if left_row is None or right_row is None:
            differ("task", where, left_row and left_row.state, right_row and right_row.state)
        elif left_row.state != right_row.state:
            differ("state", where, left_row.state, right_row.state)
        elif left_row.children != right_row.children:
            differ("children", where, left_row.children, right_row.children)
        elif where not in changed and _same_result(left_row, right_row) is False:
            differ("result", where, _digest(left_row), _digest(right_row))
    return found


def _rows(db: StateDB, run: FlowRun) -> dict[tuple[str, int], TaskRun]:
    return {(row.slug, row.index): row for row in db.task_runs(run.id)}


def _digest(row: TaskRun) -> str | None:
    if row.none:
        return "None"
    if row.digest is None:
        return None if row.location is None else f"in the row, {len(row.location.encode())} bytes"
    return row.digest[1:].hex()[:12]


def _as_text(parameters: dict[str, Any], name: str) -> str | None:
    """Return what is on record of a parameter; as text, because Python takes ``1`` and ``True`` for equal."""
    return json.dumps(parameters[name], sort_keys=True) if name in parameters else None


def _parameter(parameters: dict[str, Any], name: str) -> str | None:
    from resultant.engine.tagged import NOT_RECORDED, untagged

    if name not in parameters:
        return None
    return "not recorded" if parameters[name] == NOT_RECORDED else _short(repr(untagged(parameters[name])))


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


class Pair(NamedTuple):
    """The results that a task, or one child of it, has in two runs.

    Attributes:
        row: of one of them.
        sizes: in bytes, where there is one and it is known.
        verdict: ``same``, ``different``, ``only in one`` or ``unknown``.
        reason: why it is unknown.
        lines: in which the values differ, where they were read.
    """

    row: TaskRun
    sizes: tuple[int | None, int | None]
    verdict: str
    reason: str | None = None
    lines: list[str] | None = None


def has_result(row: TaskRun) -> bool:
    """Return whether a task run left a result."""
    return row.location is not None or row.none


def compare_results(
    first: RecordedRun, second: RecordedRun, task: RecordedTask | None, values: bool = False
) -> list[Pair]:
    """Return what is to be said of each result that at least one of two runs has.

    Args:
        first: a run.
        second: another.
        task: of one of them; only its results, or that of this child, are looked at.
        values: read the values and compare them, and not the digests on record.
    """
    mine, yours = _results(first, task), _results(second, task)
    found = []
    for key in (*mine, *(key for key in yours if key not in mine)):
        left, right = mine.get(key), yours.get(key)
        sizes = None if left is None else left.row.size, None if right is None else right.row.size
        if left is None or right is None:
            found.append(Pair((left or right).row, sizes, "only in one"))  # type: ignore[union-attr]
        elif values:
            found.append(Pair(left.row, sizes, *_by_value(left, right)))
        else:
            found.append(Pair(left.row, sizes, *_by_digest(left, right)))
    return found


def _results(run: RecordedRun, task: RecordedTask | None) -> dict[tuple[str, int], RecordedTask]:
    from resultant.reading import RecordedTask

    slug, index = (None, None) if task is None else (task.slug, task.row.index if task.row.index >= 0 else None)
    rows = run.db.task_runs(run.id, slug, index)
    return {(row.slug, row.index): RecordedTask(run, row) for row in rows if has_result(row)}


def _by_digest(left: RecordedTask, right: RecordedTask) -> tuple[str, str | None]:
    same = _same_result(left.row, right.row)
    if same is None:
        return "unknown", "No digests that could be compared are on record; --values reads both values."
    return "same" if same else "different", None


def _by_value(left: RecordedTask, right: RecordedTask) -> tuple[str, str | None, list[str] | None]:
    from resultant.cli.failure import one_line
    from resultant.cli.values import difference
    from resultant.engine.result import same

    try:
        mine, yours = left.value, right.value
        if same(mine, yours):
            return "same", None, None
    except Exception as error:  # noqa: BLE001 - it cannot be read, or the value's own code fails when it is compared
        return "unknown", one_line(error), None
    return "different", None, difference(mine, yours, (left.row.run[:8], right.row.run[:8]))


def _same_result(one: TaskRun, other: TaskRun) -> bool | None:
    """Return whether two task runs have equal bytes; ``None`` where that is not on record."""
    if one.none or other.none:
        return one.none and other.none
    if one.digest is None or other.digest is None:
        inline = one.location is not None and one.digest is None and one.size is None
        return one.location == other.location if inline and other.location is not None else None
    # Each hash has its own first byte: digests of different ones say nothing about each other.
    return one.digest == other.digest if one.digest[:1] == other.digest[:1] else None
