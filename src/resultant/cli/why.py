"""``resultant why``."""

from __future__ import annotations

import click

from resultant.cli import output
from resultant.cli.command import Command, as_json, database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.reading.run import RecordedRun

__all__ = ["command"]


@click.command("why", cls=Command)
@click.argument("run_id", metavar="RUN")
@click.argument("task", metavar="TASK")
def command(run_id: str, task: str) -> None:
    """Say why a task ran in a run, or why it did not.

    A task that ran is compared with the nearest earlier run of the same flow, and the first thing that differs is named: its
    code, its inputs, or what became of the earlier result. TASK is a slug, a name, or TASK[3] for a child of a mapped task.
    """
    from resultant.reading.run import RecordedRun

    db = database()
    run = RecordedRun(db, db.find_flow_run(run_id))
    told = _told(run, task)
    if as_json():
        output.print_json({"run": run.id, "flow": run.flow, **told})
        return
    print(f"{told['task']}: {told['verdict']}. {told['reason']}")
    if told["compared_with"] is not None:
        print(f"Compared with run {told['compared_with']}.")


def _told(run: RecordedRun, task: str) -> dict[str, Any]:
    """Return what happened to a task, of which there may be no row."""
    from resultant.cli.blame import never_reached
    from resultant.cli.explanation import explain
    from resultant.cli.results import found

    try:
        return explain(run, found(run, task).row)
    except KeyError:
        slug = _planned(run.row.code, task)
        if slug is None:
            raise
        # Its code is on record, and no row is: the run never came to it.
        told = {"task": slug, "state": None, "compared_with": None, "verdict": "did not run"}
        return told | {"reason": never_reached(run)}


def _planned(code: str | None, task: str) -> str | None:
    """Return the slug of a task that was to be part of a run, given its slug or its name."""
    import json

    from resultant.reading.run import name_in

    slugs = json.loads(code or "{}")
    named = [task] if task in slugs else [slug for slug in slugs if name_in(slug) == task]
    return named[0] if len(named) == 1 else None
