"""``resultant why``."""

from __future__ import annotations

import click

from resultant.cli import output
from resultant.cli.command import Command, as_json, database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["command"]


@click.command("why", cls=Command)
@click.argument("run_id", metavar="RUN")
@click.argument("task", metavar="TASK")
def command(run_id: str, task: str) -> None:
    """Say why a task ran in a run, or why it did not.

    A task that ran is compared with the nearest earlier run of the same flow, and the first thing that differs is named: its
    code, its inputs, or what became of the earlier result. TASK is a slug, a name, or TASK[3] for a child of a mapped task.
    """
    from resultant.cli.explanation import explain
    from resultant.cli.results import found
    from resultant.reading.run import RecordedRun

    db = database()
    run = RecordedRun(db, db.find_flow_run(run_id))
    try:
        row = found(run, task).row
    except KeyError:
        if not _is_planned(run.row.code, task):
            raise
        # Its code is on record, and no row is: the run never came to it.
        row = None
    told = explain(run, task, row)
    if as_json():
        output.print_json({"run": run.id, "flow": run.flow, **told})
        return
    _print(told)


def _is_planned(code: str | None, task: str) -> bool:
    import json

    from resultant.reading.run import name_in

    slugs = json.loads(code or "{}")
    return task in slugs or [name_in(slug) for slug in slugs].count(task) == 1


def _print(told: dict[str, Any]) -> None:
    print(f"{told['task']}: {told['verdict']}. {told['reason']}")
    if told["compared_with"] is not None:
        print(f"Compared with run {told['compared_with']}.")
