"""``resultant runs``: the runs on record."""

from __future__ import annotations

import click

from resultant.cli import output
from resultant.cli.command import Group, as_json, database, option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from resultant.cli.removal import Freed
    from resultant.db import StateDB
    from resultant.records import FlowRun, TaskRun

__all__ = ["command", "run_fields"]

#: States of task runs that ended badly.
FAILED = ("Failed", "TimedOut", "ValidationFailed", "TriggerFailed")

#: How runs that have ended stand.
_ENDED = ("Success", "Failed", "Cancelled")


@click.group("runs", cls=Group)
def command() -> None:
    """List, show, compare and remove recorded runs."""


def run_fields(row: FlowRun, idle: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return what every document says of a run.

    Args:
        row: the run's.
        idle: how runs stand that no process works on although they have not ended, by id.
    """
    how = (idle or {}).get(row.id)
    return {
        "id": row.id,
        "flow": row.flow,
        "name": row.name,
        "state": "Paused" if how == "Paused" else row.state,
        "attempt": row.attempt,
        "created": output.iso(row.created),
        "started": output.iso(row.started),
        "ended": output.iso(row.ended),
        "pinned": row.pinned,
        "abandoned": how == "abandoned",
    }


@command.command("ls")
@option("--flow", metavar="NAME", help="Only runs of this flow.")
@option("--state", metavar="STATE", help="Only runs in this state, for example Failed.")
@option("--since", metavar="WHEN", help="Only runs begun since: 7d, 12h, 2026-01-31.")
@option("--limit", type=click.IntRange(min=0), default=20, show_default=True, help="At most so many; 0 for all.")
def ls(flow: str | None, state: str | None, since: str | None, limit: int) -> None:
    """List recorded runs, the newest first.

    A run that has not ended and that no process works on is "Paused" where it waits for approval, and "abandoned" anywhere
    else; `resultant resume` goes on with either.
    """
    from resultant.cli.times import moment
    from resultant.reading.standing import rows_of_runs

    db = database()
    state = None if state is None else _known(db, state)
    rows, idle = rows_of_runs(db, flow, state, None if since is None else moment(since), limit + 1 if limit else None)
    more = bool(limit) and len(rows) > limit
    rows = rows[: limit or None]
    if as_json():
        output.print_json([run_fields(row, idle) for row in rows])
        if more:
            output.say_more("runs", limit)
        return
    if not rows:
        print("None of the runs on record is like that." if db.flow_runs(limit=1) else "No runs are on record.")
        return
    output.print_table(
        ("run", "flow", "state", "attempt", "started", "took"),
        [
            (
                row.id,
                row.flow,
                idle.get(row.id, row.state),
                row.attempt,
                output.local(row.started),
                output.duration(row.started, row.ended),
            )
            for row in rows
        ],
    )
    if more:
        output.say_more("runs", limit)


def _known(db: StateDB, state: str) -> str:
    from resultant.cli.failure import Failure
    from resultant.reading.standing import UNFINISHED

    states = (*UNFINISHED, *_ENDED)
    known = next((each for each in states if each.lower() == state.lower()), None)
    if known is None and not db.flow_runs(state=state, limit=1):  # which may be a class of the user's own
        raise Failure(f"{state!r} is no state of a run on record. Take one of {', '.join(states)}.")
    return known or state


@command.command("show")
@click.argument("run_id", metavar="RUN")
@option("--all", "everything", is_flag=True, help="Every task run, each child of a mapped task too.")
@option("--limit", type=click.IntRange(min=0), default=20, show_default=True,
              help="Say of at most so many failures what went wrong; 0 for all.")  # fmt: skip
def show(run_id: str, everything: bool, limit: int) -> None:
    """Show a run: its tasks, and what went wrong.

    What went wrong is read from where the run's results are; on a machine that cannot read them, only the type of each
    failure and its place in the code are known.
    """
    import json

    from resultant.cli.running import approval, how_to_resume
    from resultant.reading.run import RecordedRun
    from resultant.reading.standing import standing
    from resultant.reading.task import RecordedTask

    db = database()
    row = db.find_flow_run(run_id)
    run = RecordedRun(db, row)
    tasks = db.task_runs(row.id, index=None if everything else -1)
    failures = []
    for state in FAILED[:-1]:
        failures += db.task_runs(row.id, state=state, limit=limit + 1 if limit else None)
    more = bool(limit) and len(failures) > limit
    told = [(failed, RecordedTask(run, failed).failure) for failed in failures[: limit or None]]
    counts = db.counts(row.id)
    pins = run.pins()
    done = {each.slug for each in tasks}
    unfinished = [] if row.state == "Success" else [slug for slug in json.loads(row.code or "{}") if slug not in done]
    idle = standing(db, [row])
    if as_json():
        document = run_fields(row, idle)
        document |= {
            "file": row.file,
            "attribute": row.attribute,
            "cwd": row.cwd,
            "executor": row.executor,
            "alias": row.alias,
            "parameters": json.loads(row.parameters or "{}"),
            "error": row.error,
            "counts": counts,
            "unfinished": unfinished,
            "tasks": [task_fields(each) for each in tasks],
            "failures": [{**task_fields(failed), "text": text} for failed, text in told],
            "pins": [{"task": slug, "index": index, "until": output.iso(end)} for (slug, index), end in pins.items()],
        }
        output.print_json(document)
        if more:
            output.say_more("failures", limit)
        return
    _print_head(row, idle, run.parameters, counts, pins)
    if tasks:
        print()
        output.print_table(("task", "state", "children", "tries", "took", "attempt", "error"), map(_task_cells, tasks))
    for failed, text in told:
        print(f"\n{output.plain(_name(failed))}: {failed.state}")
        body = text or failed.error or "The reason is not on record."
        print("\n".join(f"  {output.plain(line.expandtabs())}" for line in body.rstrip().splitlines()))
    if more:
        output.say_more("failures", limit)
    if unfinished:
        print(f"\nNot finished: {output.plain(', '.join(unfinished))}")
    if idle.get(row.id) == "Paused":
        waiting = dict.fromkeys(each.slug for each in db.task_runs(row.id, state="Paused"))
        print(f"\n{output.plain(approval(row.id, waiting))}")
    elif idle:
        print(f"\nNo process works on this run. {how_to_resume(row)}")
    if row.state not in ("Success", "Running") and not failures and row.error:
        print(f"\nThe run ended with {row.error}.")


def task_fields(row: TaskRun) -> dict[str, Any]:
    """Return what every document says of a task run."""
    return {
        "task": row.slug,
        "index": None if row.index < 0 else row.index,
        "state": row.state,
        "attempt": row.attempt,
        "tries": row.count,
        "children": row.children,
        "started": output.iso(row.started),
        "ended": output.iso(row.ended),
        "due": output.iso(row.due),
        "error": row.error,
    }


def _name(row: TaskRun) -> str:
    return _child(row.slug, row.index)


def _child(slug: str, index: int) -> str:
    return slug if index < 0 else f"{slug}[{index}]"


def _task_cells(row: TaskRun) -> tuple[Any, ...]:
    took = output.duration(row.started, row.ended)
    return _name(row), row.state, row.children, row.count if row.count > 1 else None, took, row.attempt, row.error


def _print_head(
    row: FlowRun,
    idle: Mapping[str, str],
    parameters: dict[str, Any],
    counts: dict[str, int],
    pins: Mapping[tuple[str, int], float | None],
) -> None:
    pinned = [
        _child(*key) if end is None else f"{_child(*key)} (until {output.local(end)})" for key, end in pins.items()
    ]
    place = None if row.file is None else f"{row.file}{f':{row.attribute}' if row.attribute else ''}"
    output.fields(
        [
            ("run", row.id),
            ("flow", row.flow),
            ("name", row.name),
            ("state", run_fields(row, idle)["state"]),
            ("attempt", row.attempt),
            ("started", output.local(row.started)),
            ("ended", output.local(row.ended)),
            ("took", output.duration(row.started, row.ended)),
            ("file", place),
            ("folder", row.cwd),
            ("executor", row.executor),
            ("parameters", ", ".join(f"{name}={value!r}" for name, value in parameters.items())),
            ("task runs", ", ".join(f"{number:,} {name}" for name, number in sorted(counts.items()))),
            ("pinned", ", ".join(["yes"] * row.pinned + pinned)),
        ]
    )


@command.command("diff")
@click.argument("one", metavar="RUN")
@click.argument("other", metavar="OTHER")
def diff(one: str, other: str) -> None:
    """Compare two runs: parameters, code, states and results.

    Results are compared by the digests on record; no value is read.
    """
    from resultant.cli.comparing import compare
    from resultant.reading.standing import standing

    db = database()
    first, second = db.find_flow_run(one), db.find_flow_run(other)
    differences = compare(db, first, second)
    if as_json():
        idle = standing(db, (first, second))
        output.print_json(
            {
                "runs": [run_fields(row, idle) for row in (first, second)],
                "same": not differences,
                "differences": differences,
            }
        )
        return
    if not differences:
        print("The runs do not differ: same parameters, code, states and results.")
        return
    output.print_table(
        ("what", "where", first.id[:8], second.id[:8]),
        [(each["what"], each["where"], each["one"], each["other"]) for each in differences],
    )


@command.command("rm")
@click.argument("run_ids", metavar="RUN...", nargs=-1, required=True)
@option("--keep-results", is_flag=True, help="Forget the rows only; the bytes stay where they are.")
@option("--force", is_flag=True, help="Remove pinned runs and results too.")
def rm(run_ids: tuple[str, ...], keep_results: bool, force: bool) -> None:
    """Remove runs, with the results that no other run refers to.

    What later runs could have taken from the cache goes too. Runs that are pinned, or have pinned results, are refused, and
    so are runs that somebody is at work on.
    """
    from resultant.cli.failure import Failure
    from resultant.cli.removal import Removal, finish_notes

    db = database()
    finish_notes(db)
    rows = list({row.id: row for row in map(db.find_flow_run, run_ids)}.values())
    removed: list[tuple[FlowRun, Freed]] = []
    refused: list[tuple[FlowRun, Freed]] = []
    for row in rows:
        Removal(db, [row], forget=True, force=force).refuse_pinned()
        with db.hold(row.id):
            pass  # somebody who is at work on it has a use for its results
    for row in rows:
        freed = Removal(db, [row], forget=True, force=force, keep_results=keep_results).carry_out()
        (refused if freed.refused else removed).append((row, freed))
    if as_json():
        output.print_json([{**run_fields(row), "deleted": freed.places, "bytes": freed.size} for row, freed in removed])
    else:
        for row, freed in removed:
            print(
                f"Removed run {row.id} of flow {row.flow!r}, with {freed.places:,} results ({output.size(freed.size)})."
            )
    for row, freed in refused:
        place, reason = freed.refused[0]
        raise Failure(
            f"Run {row.id} is still on record, because {len(freed.refused)} of its results cannot be deleted, {place} for "
            f"example: {reason} `resultant runs rm --keep-results` forgets the run and leaves them where they are."
        )
