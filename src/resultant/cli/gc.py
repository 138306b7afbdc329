"""``resultant gc``."""

from __future__ import annotations

from contextlib import ExitStack

import click

from resultant.cli import output
from resultant.cli.command import Command, as_json, database, option, say_if_absent
from resultant.cli.failure import Failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.cli.progress import Progress
    from resultant.cli.removal import Freed
    from resultant.db import StateDB
    from resultant.records import FlowRun

__all__ = ["command"]

#: Runs that are released together: each is held by an open file meanwhile.
_BATCH = 200


@click.command("gc", cls=Command)
@option("--older-than", metavar="SPAN", help="Release the results of runs that ended longer ago: 30d, 12h.")
@option("--keep-last", type=click.IntRange(min=0), metavar="N", help="... of all but the last N runs of each flow.")
@option("--max-size", metavar="SIZE", help="... of the oldest runs, until the rest takes at most so much: 10G, 500M.")
@option("--flow", metavar="NAME", help="Only of runs of this flow.")
@option("--delete", is_flag=True, help="Do it. Without this, it is only said what would be done.")
def command(
    older_than: str | None, keep_last: int | None, max_size: str | None, flow: str | None, delete: bool
) -> None:
    """Free the space of results that nobody needs any more.

    Temporary files of writes that never finished go in any case, and so does what a run wrote and replaced, or did not live to put
    on record; results go with runs that a budget chooses. The rows of such runs stay, and say that the results are gone.
    Results that are packed into one segment go together, once none of them is needed.

    Kept is what is pinned, stands in the cache for later runs, or is referred to by a run that was not chosen; and so are
    the results of runs that have not ended. Files that this database has no row for are never touched.
    """
    from resultant.cli.budget import Budget, parsed_size
    from resultant.cli.orphans import Orphans
    from resultant.cli.progress import Progress
    from resultant.cli.removal import Freed, finish_notes
    from resultant.cli.survey import Survey, unlinked
    from resultant.cli.times import span

    budget = Budget(
        None if older_than is None else span(older_than),
        keep_last,
        None if max_size is None else parsed_size(max_size),
        flow,
    )
    db = database()
    say_if_absent(db)
    finished = finish_notes(db) if delete else Freed()
    with Progress("Looking", db) as progress:
        survey = Survey(db, progress)
        chosen = budget.choose(survey)
        leftovers = survey.leftovers()
        orphans = Orphans(db)
    with Progress("Freeing" if delete else "Counting", db) as progress:
        told = _release(db, chosen, delete, progress)
    skipped = [each["id"] for each in told if each["held"]]
    refused = finished.refused + [each for found in told for each in found.pop("refused")]
    told = [each for each in told if each["results"] and not each["held"]]
    if delete:
        leftovers = unlinked(leftovers, refused)
        orphans.remove()
    leftovers += orphans.found
    freed = finished.size + sum(each["bytes"] for each in told) + sum(size for _, size in leftovers)
    if as_json():
        output.print_json(
            {
                "dry_run": not delete,
                "bytes": freed,
                "runs": told,
                "leftovers": [{"path": path, "bytes": size} for path, size in leftovers],
                "held": skipped,
                "excess": budget.excess,
                "finished": {"results": finished.places, "bytes": finished.size},
                "refused": [{"location": place, "reason": reason} for place, reason in refused],
            }
        )
    else:
        _print(told, leftovers, skipped, finished, freed, delete)
        if budget.excess:
            print(
                f"What is left takes {output.size(budget.excess)} more than that: it is pinned, stands in the cache, or is needed by "
                "runs that were not chosen."
            )
    if refused:
        place, reason = refused[0]
        raise Failure(f"{len(refused)} places could not be freed, {place} for example: {reason}", 1)


def _release(db: StateDB, chosen: list[tuple[FlowRun, str]], delete: bool, progress: Progress) -> list[dict[str, Any]]:
    """Release the results of runs, or say what that would free."""
    from resultant.cli.removal import Freed, Removal, is_as_it_was
    from resultant.errors import RunHeldError

    everyone = {run.id: run for run, _ in chosen}
    for held_now in db.holders(everyone):
        del everyone[held_now]
    told = []
    settled: dict[str, bool] = {}
    for start in range(0, len(chosen), _BATCH):
        batch = chosen[start : start + _BATCH]
        with ExitStack() as stack:
            ours: set[str] = set()
            # Whoever only asks holds nothing.
            held = set() if delete else set(db.holders([run.id for run, _ in batch]))
            for run, _ in batch if delete else ():
                try:
                    stack.enter_context(db.hold(run.id))
                except RunHeldError:
                    held.add(run.id)
                    continue
                (ours if is_as_it_was(db, run) else held).add(run.id)
            if held:
                # Their results are kept now, and what they share with others too.
                for taken in held:
                    everyone.pop(taken, None)
                settled.clear()
            for run, why in batch:
                removal = Removal(
                    db, [run], forget=False, among=everyone.values(), held=ours, settled=settled, progress=progress
                )
                if run.id in held:
                    freed = Freed()
                else:
                    freed = removal.carry_out() if delete else removal.estimate()
                told.append(
                    {
                        "id": run.id,
                        "flow": run.flow,
                        "state": run.state,
                        "ended": output.iso(run.ended),
                        "why": why,
                        "results": freed.places,
                        "bytes": freed.size,
                        "held": run.id in held,
                        "refused": freed.refused,
                    }
                )
    return told


def _print(
    told: list[dict[str, Any]],
    leftovers: list[tuple[str, int]],
    skipped: list[str],
    finished: Freed,
    freed: int,
    delete: bool,
) -> None:
    if finished.places:
        print(f"Finished a removal that was interrupted: {finished.places:,} results ({output.size(finished.size)}).")
    if told:
        output.print_table(
            ("run", "flow", "state", "results", "size", "why"),
            [
                (each["id"], each["flow"], each["state"], each["results"], output.size(each["bytes"]), each["why"])
                for each in told
            ],
        )
    for path, size in leftovers:
        print(
            f"{path} ({output.size(size)}): left behind by a write that never finished, or by a run that died or made it anew"
        )
    for run in skipped:
        print(f"Run {run} is at work and was left alone.")
    if not told and not leftovers and not finished.places:
        print("There is nothing to free.")
    elif delete:
        print(f"Freed {output.size(freed)}.")
    else:
        print(f"This would free {output.size(freed)}. Nothing was deleted: add --delete to do it.")
