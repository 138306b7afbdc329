"""``resultant why``."""

from __future__ import annotations

import re

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
    from resultant.cli.explanation import explain
    from resultant.cli.results import found

    try:
        return explain(run, found(run, task).row)
    except (KeyError, IndexError, TypeError):
        told = _without_row(run, task)
        if told is None:
            raise
        return told


def _without_row(run: RecordedRun, task: str) -> dict[str, Any] | None:
    """Return what is known of a task that the run has and did not come to, or of such a child; ``None`` for any other."""
    from resultant.cli.blame import never_reached
    from resultant.cli.explanation import explain

    child = re.fullmatch(r"(.+)\[(-?\d+)\]", task)
    name = task if child is None else child[1]
    slug = _planned(run.row.code, name)
    if slug is None:
        return None
    label = slug if child is None else f"{slug}[{child[2]}]"
    told = {"task": label, "state": None, "compared_with": None, "verdict": "did not run"}
    try:
        row = run[slug].row
    except KeyError:
        # Its code is on record, and no row is.
        return told | {"reason": never_reached(run)}
    if child is None:
        return None
    if row.children is not None:
        index = int(child[2]) + (row.children if int(child[2]) < 0 else 0)
        if not 0 <= index < row.children:
            return None
        return told | {"task": f"{slug}[{index}]", "reason": never_reached(run)}
    if row.state in ("Success", "Cached"):
        return None
    # It ended before it had children, if it is a mapped task at all.
    above = explain(run, row)
    why = "" if above["verdict"].startswith("ran") else f" {above['reason']}"
    return told | {"reason": f"Task {row.slug} is {row.state}, and has no children.{why}"}


def _planned(code: str | None, task: str) -> str | None:
    """Return the slug of a task that was to be part of a run, given its slug or its name."""
    import json

    from resultant.reading.standing import name_in

    slugs = json.loads(code or "{}")
    named = [task] if task in slugs else [slug for slug in slugs if name_in(slug) == task]
    return named[0] if len(named) == 1 else None
