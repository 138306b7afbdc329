"""``resultant results``: the results on record, and their values."""

from __future__ import annotations

import re
import sys
from itertools import islice

import click

from resultant.cli import output
from resultant.cli.command import Group, as_json, database, option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from resultant.reading import RecordedRun, RecordedTask
    from resultant.records import TaskRun

__all__ = ["command"]

_INLINE = ("inline", "constant", "secret")


@click.group("results", cls=Group)
def command() -> None:
    """List, show, read, verify and compare stored results.

    TASK is a task's slug as `resultant runs show` has it, or its name where only one task has that; TASK[3] is the fourth
    child of a mapped task.
    """


def opened(run_id: str) -> RecordedRun:
    """Return a run by its id, the beginning of it, or its name."""
    from resultant.reading import RecordedRun

    db = database()
    return RecordedRun(db, db.find_flow_run(run_id))


def found(run: RecordedRun, task: str) -> RecordedTask:
    """Return a task of a run.

    Args:
        run: the run.
        task: ``TASK`` or ``TASK[INDEX]``.
    """
    try:
        return run[task]
    except KeyError:
        match = re.fullmatch(r"(.+)\[(-?\d+)\]", task)
        if match is None:
            raise
        return run[match[1]][int(match[2])]


def place(run: RecordedRun, row: TaskRun) -> str | None:
    """Return where a result is; the value that an inline result has in that place is not shown unasked."""
    if row.location is None or row.kind is None or run.db.result_kind(row.kind).type not in _INLINE:
        return row.location
    return f"in the row, {len(row.location.encode())} bytes"


def fields_of(run: RecordedRun, row: TaskRun) -> dict[str, Any]:
    """Return what every document says of a result."""
    kind = None if row.kind is None else run.db.result_kind(row.kind)
    return {
        "run": row.run,
        "flow": run.flow,
        "task": row.slug,
        "index": None if row.index < 0 else row.index,
        "state": row.state,
        "type": None if kind is None else kind.type,
        "location": place(run, row),
        "size": row.size,
        "none": row.none,
        "ended": output.iso(row.ended),
    }


def _results(runs: list[RecordedRun], task: str | None, limit: int) -> Iterator[tuple[RecordedRun, TaskRun]]:
    for run in runs:
        named = None if task is None else found(run, task)
        if named is not None and named.row.index >= 0:
            yield run, named.row
            continue
        for row in _first_results(run, None if named is None else named.slug, limit):
            yield run, row


def _first_results(run: RecordedRun, slug: str | None, limit: int) -> list[TaskRun]:
    """Return the rows of a run that have a result, at least `limit` of them if there are so many; 0 for all."""
    from resultant.cli.comparing import has_result

    asked = 2 * limit or None
    while True:
        rows = run.db.task_runs(run.id, slug, limit=asked)
        found = [row for row in rows if has_result(row)]
        if asked is None or len(rows) < asked or len(found) >= limit:
            return found
        asked *= 4


@command.command("ls")
@click.argument("run_id", metavar="[RUN]", required=False)
@click.argument("task", metavar="[TASK]", required=False)
@option("--limit", type=click.IntRange(min=0), default=50, show_default=True, help="At most so many; 0 for all.")
def ls(run_id: str | None, task: str | None, limit: int) -> None:
    """List results, those of the newest run first."""
    from resultant.reading import RecordedRun

    db = database()
    if run_id is None:
        # Every run has at least a row or two: more runs than rows are never needed.
        runs = [RecordedRun(db, row) for row in db.flow_runs(limit=limit + 1 if limit else None)]
    else:
        runs = [opened(run_id)]
    shown = list(islice(_results(runs, task, limit + 1 if limit else 0), limit + 1 if limit else None))
    more = bool(limit) and len(shown) > limit
    shown = shown[: limit or None]
    if as_json():
        output.print_json([fields_of(run, row) for run, row in shown])
        if more:
            output.say_more("results", limit)
        return
    if not shown:
        print("No results are on record.")
        return
    output.print_table(
        ("run", "task", "type", "size", "where"),
        [
            (
                row.run[:8],
                _name(row),
                fields_of(run, row)["type"],
                output.size(row.size),
                "returned None" if row.none else place(run, row),
            )
            for run, row in shown
        ],
    )
    if more:
        output.say_more("results", limit)


@command.command("show")
@click.argument("run_id", metavar="RUN")
@click.argument("task", metavar="TASK")
def show(run_id: str, task: str) -> None:
    """Show what is on record of a result, without its value."""
    import json

    run = opened(run_id)
    result = found(run, task)
    row, kind = result.row, result.kind
    newer = result.superseded_by()
    pins = run.pins()
    # A pin on a mapped task is one on all its children, and one on a run is one on everything.
    ends = [pins[key] for key in {(row.slug, row.index), (row.slug, -1)} if key in pins]
    ends += [None] if run.row.pinned else []
    document = fields_of(run, row) | {
        "children": row.children,
        "digest": None if row.digest is None else row.digest.hex(),
        "serializer": None if kind is None or kind.serializer is None else json.loads(kind.serializer),
        "options": None if kind is None else json.loads(kind.options),
        "python": None if kind is None else kind.python,
        "library": None if kind is None else kind.library,
        "library_version": None if kind is None else kind.library_version,
        "superseded_by": None if newer is None else newer.run,
        "pinned": bool(ends),
        "keep_until": output.iso(max((end for end in ends if end is not None), default=None))
        if None not in ends
        else None,
    }
    if as_json():
        output.print_json(document)
        return
    output.fields(
        (name.replace("_", " "), json.dumps(value) if isinstance(value, (dict, bool)) else value)
        for name, value in document.items()
        if name != "none" or value
    )


@command.command("read")
@click.argument("run_id", metavar="RUN")
@click.argument("task", metavar="TASK")
@option("--out", type=click.Path(dir_okay=False, allow_dash=True), metavar="FILE",
              help="Write the stored bytes to a file instead; - is standard output.")  # fmt: skip
def read(run_id: str, task: str, out: str | None) -> int:
    """Print the value of a result, checked against what was recorded.

    Reading a pickle runs code that is in it: read only what you trust. With --json the document has the value's repr, and
    the value itself where JSON brings it back equal. Exit status 1: the bytes are gone, damaged, or superseded.
    """
    from resultant.cli.failure import Failure, one_line
    from resultant.cli.values import as_document, pretty
    from resultant.errors import ReadError

    run = opened(run_id)
    result = found(run, task)
    try:
        if out == "-":
            if as_json():
                raise Failure(
                    "--out - leads the bytes to standard output, where --json has its document. Leave one of them out."
                )
            result.save(sys.stdout.buffer)
            return 0
        if out is not None:
            number = result.save(out)
            print(output.size(number)) if not as_json() else output.print_json({"file": out, "bytes": number})
            return 0
        value = result.value
    except ReadError as error:
        raise Failure(one_line(error), 1) from error
    if as_json():
        output.print_json({**fields_of(run, result.row), **as_document(value)})
    else:
        print(value if isinstance(value, str) else pretty(value))
    return 0


@command.command("verify")
@click.argument("run_id", metavar="[RUN]", required=False)
@click.argument("task", metavar="[TASK]", required=False)
def verify(run_id: str | None, task: str | None) -> int:
    """Check stored bytes against their recorded sizes and digests.

    Without RUN, everything that is recorded is checked. Exit status 1: something is missing or damaged.
    """
    from resultant.cli.progress import Progress
    from resultant.cli.verification import Verification

    db = database()
    with Progress("Checking", db) as progress:
        check = Verification(progress)
        if run_id is None:
            check.look_at_everything(db)
        elif task is None:
            check.look_at_all(opened(run_id))
        else:
            run = opened(run_id)
            named = found(run, task)
            for each in [named] if named.row.children is None else named:
                check.look(run, each)
    return check.conclude()


@command.command("diff")
@click.argument("one", metavar="RUN")
@click.argument("other", metavar="OTHER")
@click.argument("task", metavar="[TASK]", required=False)
@option("--values", is_flag=True, help="Read both values, and show where they differ.")
def diff(one: str, other: str, task: str | None, values: bool) -> None:
    """Compare the results of two runs, by their digests or by their values.

    What cannot be compared, because one of the two is gone, damaged or superseded, is unknown, and it is said why.
    """
    from resultant.cli.comparing import compare_results

    first, second = opened(one), opened(other)
    pairs = compare_results(first, second, None if task is None else _found_in_either(first, second, task), values)
    if as_json():
        output.print_json(
            [
                {
                    "task": pair.row.slug,
                    "index": None if pair.row.index < 0 else pair.row.index,
                    "verdict": pair.verdict,
                    "reason": pair.reason,
                    "sizes": pair.sizes,
                    **({} if pair.lines is None else {"diff": pair.lines}),
                }
                for pair in pairs
            ]
        )
        return
    output.print_table(
        ("task", "verdict", first.id[:8], second.id[:8], "why"),
        [(_name(pair.row), pair.verdict, *map(output.size, pair.sizes), pair.reason) for pair in pairs],
    )
    for pair in pairs:
        if pair.lines is not None:
            print(f"\n{output.plain(_name(pair.row))}")
            print("\n".join(pair.lines))


def _found_in_either(first: RecordedRun, second: RecordedRun, task: str) -> RecordedTask:
    try:
        return found(first, task)
    except (LookupError, TypeError):
        try:
            return found(second, task)
        except (LookupError, TypeError):
            pass
        raise


def _name(row: TaskRun) -> str:
    return row.slug if row.index < 0 else f"{row.slug}[{row.index}]"
