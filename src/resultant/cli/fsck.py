"""``resultant fsck``."""

from __future__ import annotations

from collections import Counter

import click

from resultant.cli import output
from resultant.cli.command import Command, as_json, database, option, say_if_absent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from resultant.cli.stored import Stored
    from resultant.cli.survey import Survey
    from resultant.db import StateDB
    from resultant.records import TaskRun

__all__ = ["command"]

#: So many files without a row are named in text; all of them are with --json.
_NAMED = 20

#: So many rows are repaired together.
_AT_ONCE = 5000


@click.command("fsck", cls=Command)
@option("--repair", is_flag=True, help="Repair it. Without this, it is only said what is found.")
@option("--emptied", is_flag=True, help="Folders that are gone or empty were emptied; no disk of theirs is missing.")
def command(repair: bool, emptied: bool) -> int:
    """Compare the database with the storage.

    Found are rows whose bytes are gone, bytes of another size than on record, temporary files of writes that never
    finished, objects that a run wrote and did not live to put on record, and removals that were interrupted. Repaired
    means: such rows forget their result, so that a resume makes it again; such files and objects are deleted; such removals
    are finished. Everything else, files without a row above all, is listed and never touched. `resultant results verify`
    compares the bytes themselves.

    Exit status 1: there is damage that was not repaired.
    """
    from resultant.cli.notes import notes_of
    from resultant.cli.orphans import Orphans
    from resultant.cli.progress import Progress
    from resultant.cli.removal import finish_notes
    from resultant.cli.stored import NOT_MOUNTED
    from resultant.cli.survey import Survey, unlinked

    db = database()
    say_if_absent(db)
    interrupted = len(notes_of(db))
    if repair:
        finish_notes(db)
    with Progress("Comparing", db) as progress:
        survey = Survey(db, progress)
        damage: list[dict[str, Any]] = []
        absent = 0
        counts: Counter[tuple[str, bool]] = Counter()
        for some in _damage(survey, repair, emptied):
            counts.update((each["verdict"], each["repaired"]) for each in some)
            absent += sum(each["reason"].endswith(NOT_MOUNTED) for each in some)
            if as_json():
                damage += some
            else:
                progress.end()
                _print_damage(some)
        leftovers = survey.leftovers()
        refused: list[tuple[str, str]] = []
        if repair:
            leftovers = unlinked(leftovers, refused)
        orphans = Orphans(db)
        if repair:
            orphans.remove()
        leftovers += orphans.found
        known = {path for path, _ in orphans.found}
        unknown, more = _listed(each for each in survey.unknown() if each[0] not in known)
    if as_json():
        output.print_json(
            {
                "repaired": repair,
                "damage": damage,
                "leftovers": [{"path": path, "bytes": size} for path, size in leftovers],
                "refused": [{"path": path, "reason": reason} for path, reason in refused],
                "unsure": [{"path": path, "reason": reason} for path, reason in orphans.unsure],
                "interrupted_removals": interrupted,
                "unknown": [{"path": path, "bytes": size} for path, size in unknown],
            }
        )
    else:
        for path, reason in orphans.unsure:
            print(f"perhaps an unfinished write: {path} cannot be looked at: {reason}")
        for path, reason in refused:
            print(f"unfinished write: {path} cannot be deleted: {reason}")
        _print(counts, leftovers, interrupted, unknown, more, absent, repair)
    return 1 if counts["missing", False] or counts["damaged", False] or refused else 0


def _finding(row: TaskRun, verdict: str, place: str, reason: str) -> dict[str, Any]:
    return {
        "run": row.run,
        "task": row.slug,
        "index": None if row.index < 0 else row.index,
        "verdict": verdict,
        "location": place,
        "reason": reason,
        "repaired": False,
    }


def _damage(survey: Survey, repair: bool, emptied: bool) -> Iterator[list[dict[str, Any]]]:
    """Compare every place with the rows that say what is there; yield what is wrong, some thousands at a time."""
    from resultant.cli.stored import Stored
    from resultant.reading.places import newer_writer

    stored = Stored(survey.places, emptied)
    found: list[tuple[TaskRun, dict[str, Any]]] = []
    for place, rows in survey.on_record():
        for row in rows:
            if newer_writer(row, rows) is not None:
                continue
            verdict, reason = stored.compare(row, place)
            if verdict != "ok":
                found.append((row, _finding(row, verdict, place, reason)))
        if len(found) >= _AT_ONCE:
            yield _dealt_with(survey.db, stored, found, repair)
            found = []
    yield _dealt_with(survey.db, stored, found, repair)


def _dealt_with(
    db: StateDB, stored: Stored, found: list[tuple[TaskRun, dict[str, Any]]], repair: bool
) -> list[dict[str, Any]]:
    if repair:
        _repair(db, stored, found)
    return sorted((finding for _, finding in found), key=lambda each: (each["run"], each["task"], each["index"] or 0))


def _repair(db: StateDB, stored: Stored, found: list[tuple[TaskRun, dict[str, Any]]]) -> None:
    """Let rows forget results that are gone, except those of runs that somebody is at work on."""
    from resultant.cli.forgetting import forget_results

    missing = {id(row): finding for row, finding in found if finding["verdict"] == "missing"}
    lost = [row for row, _ in found if id(row) in missing]

    def still(row: TaskRun) -> bool:
        return stored.compare(row, missing[id(row)]["location"])[0] == "missing"

    for row in forget_results(db, lost, still, missed=True):
        missing[id(row)]["repaired"] = True


def _listed(files: Iterator[tuple[str, int]]) -> tuple[list[tuple[str, int]], int]:
    """Return files to be named, and how many more there are: a folder of the user's may hold any number."""
    if as_json():
        return sorted(files), 0
    from heapq import nsmallest

    many = 0

    def counted() -> Iterator[tuple[str, int]]:
        nonlocal many
        for each in files:
            many += 1
            yield each

    named = nsmallest(_NAMED, counted())
    return named, many - len(named)


def _print_damage(damage: list[dict[str, Any]]) -> None:
    for each in damage:
        child = "" if each["index"] is None else f"[{each['index']}]"
        done = " (repaired: the row forgets it)" if each["repaired"] else ""
        print(f"{each['verdict']}: run {each['run']} {each['task']}{child}: {each['reason']}{done}")


def _print(
    counts: Counter[tuple[str, bool]],
    leftovers: list[tuple[str, int]],
    interrupted: int,
    unknown: list[tuple[str, int]],
    more: int,
    absent: int,
    repair: bool,
) -> None:
    for path, size in leftovers:
        done = " (deleted)" if repair else ""
        print(f"left behind: {path} ({output.size(size)}){done}")
    if interrupted:
        print(f"interrupted removals: {interrupted}{' (finished)' if repair else ''}")
    for path, size in unknown:
        print(f"no row: {path} ({output.size(size)}); left alone")
    if more:
        print(f"no row: {more:,} more files; left alone")
    if absent:
        print(
            f"{absent:,} results are in folders that are not there, or empty. If no disk is missing and they were emptied on "
            "purpose, say so: --emptied."
        )
    if not repair and (counts["missing", False] or leftovers or interrupted):
        print("Nothing was changed: add --repair to repair it.")
    elif not counts and not leftovers and not interrupted:
        print("Everything on record is there." if unknown else "Database and storage agree.")
