"""Notes of removals under way: what a crash interrupts, the next removal finishes."""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.db import StateDB
    from resultant.records import FlowRun

__all__ = ["Note", "notes_of", "write_note"]


class Note:
    """What is being removed from a database.

    Args:
        path: the note's file; ``None`` for a database that no crash leaves behind.
        document: what the file holds.
    """

    def __init__(self, path: str | None, document: dict[str, Any]) -> None:
        self.path = path
        self.forget = bool(document["forget"])
        self.force = bool(document["force"])
        self.keep_results = bool(document["keep_results"])
        self._runs: dict[str, Any] = document["runs"]

    def runs(self, db: StateDB) -> list[FlowRun]:
        """Return the runs that are still to be removed: somebody who resumed one since has changed what it is about.

        Args:
            db: the state database.
        """
        from resultant.errors import UnknownRunError

        found = []
        for run_id, attempt in self._runs.items():
            try:
                run = db.flow_run(run_id)
            except UnknownRunError:
                continue
            if run.attempt == attempt:
                found.append(run)
        return found

    def drop(self) -> None:
        """Remove the note: what it says is done, or shall not be done any more."""
        if self.path is not None:
            try:
                os.unlink(self.path)
            except FileNotFoundError:
                pass  # two finished it at once


def write_note(db: StateDB, runs: list[FlowRun], *, forget: bool, force: bool, keep_results: bool) -> Note:
    """Write down what is about to be removed.

    Args:
        db: the state database.
        runs: the runs that lose their results.
        forget: whether their rows go too.
        force: whether pins count for nothing.
        keep_results: whether the bytes stay.
    """
    document: dict[str, Any] = {
        "database": db.url,
        "runs": {run.id: run.attempt for run in runs},
        "forget": forget,
        "force": force,
        "keep_results": keep_results,
    }
    if db.url.startswith("memory:"):
        return Note(None, document)
    from resultant.stores import file_store

    path = file_store(_folder(), True).put(f"{os.urandom(8).hex()}.json", json.dumps(document).encode())
    return Note(path, document)


def notes_of(db: StateDB) -> list[Note]:
    """Return the notes of removals from a database that were not finished."""
    found = []
    for path in _files():
        try:
            with open(path, encoding="utf-8") as file:
                document = json.load(file)
            if document["database"] == db.url:
                found.append(Note(path, document))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def _folder() -> str:
    from resultant.runtime import settings

    return os.path.join(settings().home_dir, "removals")


def _files() -> list[str]:
    try:
        names = sorted(os.listdir(_folder()))
    except FileNotFoundError:
        return []
    return [os.path.join(_folder(), name) for name in names if name.endswith(".json")]
