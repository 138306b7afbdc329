"""``resultant fsck``."""

from __future__ import annotations

import os

import click

from resultant.cli import output
from resultant.cli.command import Command, as_json, database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.cli.survey import Survey
    from resultant.db import StateDB
    from resultant.records import FlowRun, TaskRun

__all__ = ["command"]

#: So many files without a row are named in text; all of them are with --json.
_NAMED = 20


@click.command("fsck", cls=Command)
@click.option("--repair", is_flag=True, help="Repair it. Without this, it is only said what is found.")
def command(repair: bool) -> int:
    """Compare the database with the storage.

    Found are rows whose bytes are gone, bytes of another size than on record, temporary files of writes that never
    finished, and removals that were interrupted. Repaired means: such rows forget their result, so that a resume makes it
    again; such files are deleted; such removals are finished. Everything else, files without a row above all, is listed and
    never touched. `resultant results verify` compares the bytes themselves.

    Exit status 1: there is damage that was not repaired.
    """
    from resultant.cli.removal import finish_notes, notes_of
    from resultant.cli.survey import Survey

    db = database()
    interrupted = len(notes_of(db))
    if repair:
        finish_notes(db)
    survey = Survey(db)
    damage, known = [], set()
    for run in db.flow_runs():
        lost = []
        for row, place in survey.rows(run):
            known.add(place)
            verdict, reason = _compare(survey, row, place)
            if verdict == "missing":
                lost.append(row)
            if verdict != "ok":
                damage.append(_finding(row, verdict, place, reason))
        if lost and repair and _forget_results(db, run, lost):
            for each in damage:
                if each["run"] == run.id and each["verdict"] == "missing":
                    each["repaired"] = True
    leftovers = survey.leftovers()
    if repair:
        for path, _ in leftovers:
            _unlink(path)
    unknown = _unknown_files(survey, known)
    bad = [each for each in damage if each["verdict"] in ("missing", "damaged") and not each["repaired"]]
    if as_json():
        output.print_json(
            {
                "repaired": repair,
                "damage": damage,
                "leftovers": [{"path": path, "bytes": size} for path, size in leftovers],
                "interrupted_removals": interrupted,
                "unknown": [{"path": path, "bytes": size} for path, size in unknown],
            }
        )
    else:
        _print(damage, leftovers, interrupted, unknown, repair)
    return 1 if bad else 0


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


def _compare(survey: Survey, row: TaskRun, place: str) -> tuple[str, str]:
    from resultant.errors import MissingResultError, ResultError
    from resultant.reading.task import result_of

    kind = survey.places.kind(row)
    newer = survey.places.newer_writer(row)
    if newer is not None:
        return "ok", ""
    try:
        if kind is None:
            return "unknown", "Nothing is on record of how its bytes were made."
        result: Any = result_of(kind)
        store = getattr(result, "store", None)
        if store is None:
            return ("ok", "") if result.exists(place) else ("missing", f"Nothing is stored at {place!r}.")
        size = store.stat(place).size
    except MissingResultError:
        folder = getattr(result, "dir", None)
        if isinstance(folder, str) and not os.path.isdir(folder):
            # A disk that is not mounted is no reason to forget what lies on it.
            return "unknown", f"The folder {folder!r} is not there. If it is on a disk of its own, mount that."
        return "missing", f"Nothing is stored at {place!r} any more."
    except (ResultError, ValueError) as error:
        return "unknown", str(error)
    if row.size is not None and size != row.size:
        return "damaged", f"It has {size} bytes, and its record says {row.size}."
    return "ok", ""


def _forget_results(db: StateDB, run: FlowRun, lost: list[TaskRun]) -> bool:
    """Let rows forget results that are gone; return whether nobody was at work on the run."""
    from msgspec.structs import astuple, replace

    from resultant.errors import RunHeldError

    try:
        with db.hold(run.id):
            db.task_runs_later(
                [astuple(replace(row, location=None, kind=None, size=None, digest=None)) for row in lost]
            )
            db.flush()
    except RunHeldError:
        return False
    return True


def _unknown_files(survey: Survey, known: set[str]) -> list[tuple[str, int]]:
    from resultant.stores.file import is_temporary

    return [
        (path, size)
        for path, size, _ in survey.files()
        if path not in known and not is_temporary(os.path.basename(path))
    ]


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _print(
    damage: list[dict[str, Any]],
    leftovers: list[tuple[str, int]],
    interrupted: int,
    unknown: list[tuple[str, int]],
    repair: bool,
) -> None:
    for each in damage:
        child = "" if each["index"] is None else f"[{each['index']}]"
        done = " (repaired: the row forgets it)" if each["repaired"] else ""
        print(f"{each['verdict']}: run {each['run']} {each['task']}{child}: {each['reason']}{done}")
    for path, size in leftovers:
        done = " (deleted)" if repair else ""
        print(f"unfinished write: {path} ({output.size(size)}){done}")
    if interrupted:
        print(f"interrupted removals: {interrupted}{' (finished)' if repair else ''}")
    for path, size in unknown[:_NAMED]:
        print(f"no row: {path} ({output.size(size)}); left alone")
    if len(unknown) > _NAMED:
        print(f"no row: {len(unknown) - _NAMED:,} more files; left alone")
    open_ones = [each for each in damage if not each["repaired"] and each["verdict"] == "missing"]
    if not repair and (open_ones or leftovers or interrupted):
        print("Nothing was changed: add --repair to repair it.")
    elif not damage and not leftovers and not interrupted:
        print("Database and storage agree.")
