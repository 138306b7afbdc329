"""What the cache offered to a task that no earlier run of its flow has: tasks of other flows may share its key."""

from __future__ import annotations

from resultant.cli import output
from resultant.cli.differences import changed_inputs
from resultant.cli.origins import own_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.cli.origins import Origins
    from resultant.reading.run import RecordedRun
    from resultant.records import TaskRun

__all__ = ["among_offers"]


def among_offers(run: RecordedRun, row: TaskRun, origins: Origins) -> str | None:
    """Return why a task did not take what others left in the cache under its key; ``None`` where there was nothing.

    Args:
        run: the run.
        row: the task's row.
        origins: finds out who computed what.
    """
    mine = origins.entry(row)
    if mine is None or mine.key == own_key(run.flow, row.slug):
        return None
    left = [each for each in run.db.cache_find(mine.key) if each.run != run.id and each.created < row.started]
    if not left:
        return None
    newest = left[0]
    flow = run.db.flow_run(newest.run).flow
    found = f"what run {newest.run} of flow {flow!r} left in the cache under the same key"
    if newest.expires is not None and newest.expires <= row.started:
        return f"{found} had expired ({output.local(newest.expires)})"
    changed = changed_inputs(mine, newest)
    # A task may ignore the code, or an input, and which one does is not on record.
    others = ["code"] if newest.code != mine.code else []
    others += [f"inputs ({', '.join(changed)})"] if changed else []
    if others:
        return f"{found} was computed with other {' and other '.join(others)}"
    return f"{found} was not accepted by the task's cache validator, or could not be read"
