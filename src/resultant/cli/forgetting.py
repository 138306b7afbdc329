"""Rows that forget their results, and are otherwise left as they are."""

from __future__ import annotations

from itertools import groupby

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from resultant.db import StateDB
    from resultant.records import TaskRun

__all__ = ["forget_results", "without_result"]

#: Rows of one task from which on they are read together.
_TOGETHER = 20


def without_result(row: TaskRun, missed: bool = False) -> TaskRun:
    """Return a row that says that its result is not stored.

    Args:
        row: the row.
        missed: whether nobody meant to lose it: a row that keeps the kind of its result has it made again when the run is resumed.
    """
    return row._replace(location=None, kind=row.kind if missed else None, size=None, digest=None)


def forget_results(
    db: StateDB,
    rows: Iterable[TaskRun],
    still: Callable[[TaskRun], bool] = lambda row: True,
    missed: bool = False,
) -> list[TaskRun]:
    """Let rows of runs that nobody works on forget their results, unless somebody wrote them again meanwhile.

    Args:
        db: the state database.
        rows: as they were read, perhaps long ago.
        still: asked of each once more, when nobody can write it any more.
        missed: whether nobody meant to lose them.

    Returns:
        Those that forgot.
    """
    from resultant.errors import RunHeldError

    done: list[TaskRun] = []
    for run, group in groupby(sorted(rows, key=lambda row: (row.run, row.slug)), key=lambda row: row.run):
        try:
            with db.hold(run):
                same = [row for row in _unchanged(db, list(group)) if still(row)]
                db.task_runs_later([tuple(without_result(row, missed)) for row in same])
                db.flush()
        except RunHeldError:
            continue
        done += same
    return done


def _unchanged(db: StateDB, rows: list[TaskRun]) -> list[TaskRun]:
    """Return those rows of one run that stand in the database as they were read."""
    found = []
    for slug, group in groupby(rows, key=lambda row: row.slug):
        some = list(group)
        if len(some) < _TOGETHER:
            now = {row.index: row for each in some for row in db.task_runs(each.run, slug, each.index)}
        else:
            now = {row.index: row for row in db.task_runs(some[0].run, slug)}
        found += [row for row in some if now.get(row.index) == row]
    return found
