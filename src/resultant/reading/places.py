"""Who wrote to a place, whatever the place is called in each row."""

from __future__ import annotations

import os

from resultant.records import location_of, location_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from resultant.db import StateDB
    from resultant.records import ResultKind, TaskRun

__all__ = ["Places", "newer_writer", "wrote"]


class Places:
    """Finds the task runs of a place.

    What a run found at its target is on record with the place's short name, below the folder of its result; what wrote it,
    with the full one.

    Args:
        db: the state database.
    """

    def __init__(self, db: StateDB) -> None:
        self._db = db
        self._kinds: dict[int, tuple[ResultKind, str | None]] = {}
        self._ahead: dict[str, list[TaskRun]] = {}
        self._real: dict[str, str] = {}
        #: Folders on record, by what each really is.
        self._linked: dict[str, set[str]] = {}

    def kind(self, row: TaskRun) -> ResultKind | None:
        """Return how the bytes of a row were made."""
        return None if row.kind is None else self._known(row.kind)[0]

    def full(self, row: TaskRun) -> str | None:
        """Return the full name of a row's place; ``None`` where it has none outside of the database."""
        location = None if row.location is None else location_of(row.location)
        if location is None or row.kind is None:
            return location
        kind, folder = self._known(row.kind)
        if kind.type in ("inline", "constant", "secret"):
            return None
        return f"{folder}/{location}" if folder is not None and location[:1] != "/" else location

    def rows(self, full: str) -> list[TaskRun]:
        """Return the task runs that wrote to a place or found something there, the last first.

        Args:
            full: the place's full name.
        """
        known = self._ahead.get(full)
        return self.rows_of([full]).get(full, []) if known is None else known

    def rows_of(self, places: Iterable[str]) -> dict[str, list[TaskRun]]:
        """Return what :meth:`rows` returns of many places; those that are on record nowhere are left out."""
        asked = set(places)
        names: dict[str, set[str]] = {}
        folders = self._folders()
        for full in asked:
            for same in (full, *self._spellings(full, folders)):
                names.setdefault(location_text(same), set()).add(full)
                for folder in folders:
                    if same.startswith(f"{folder}/"):
                        names.setdefault(location_text(same[len(folder) + 1 :]), set()).add(full)
        found: dict[str, list[TaskRun]] = {}
        for name, rows in self._db.places_of(names).items():
            for row in rows:
                # A short name is one of a place in the folder of its own row alone.
                whole = None if name[:1] == "/" else self.full(row) or name
                for full in names[name]:
                    if whole is None or whole == full or whole in self._spellings(full, folders):
                        found.setdefault(full, []).append(row)
        for rows in found.values():
            rows.sort(key=_newest_first)
        return found

    def look_ahead(self, rows: Iterable[TaskRun]) -> None:
        """Ask at once what will be asked of each of some rows; what was asked before is forgotten.

        Args:
            rows: what is dealt with next, before anything that is on record of their places changes.
        """
        places = {full for row in rows if (full := self.full(row)) is not None}
        found = self.rows_of(places)
        self._ahead = {place: found.get(place, []) for place in places}

    def forget(self) -> None:
        """Forget what was asked ahead."""
        self._ahead = {}

    def newer_writer(self, row: TaskRun) -> TaskRun | None:
        """Return the row of the last task run that wrote other bytes to the place of a row, if there is one.

        The same bytes again, or a look at what is there, supersede nothing.
        """
        full = self.full(row)
        return None if full is None else newer_writer(row, self.rows(full))

    def _folders(self) -> list[str]:
        """Return the folders that local results were configured with."""
        for kind in self._db.result_kinds():
            self._known(kind.id)
        return list({folder for _, folder in self._kinds.values() if folder is not None})

    def know_folders(self) -> None:
        """Find places by every folder that results lie in, which takes a look at each.

        A place that is reached through a link below its result's folder is found by its other names only then.
        """
        for folder in self._db.local_folders():
            if folder[:1] == "/":
                self._linked.setdefault(self._really(folder.rstrip("/") or "/"), set()).add(folder.rstrip("/") or "/")

    def _really(self, folder: str) -> str:
        """Return the folder that a folder really is, links followed."""
        found = self._real.get(folder)
        if found is None:
            found = self._real[folder] = os.path.realpath(folder)
        return found

    def _spellings(self, full: str, folders: Iterable[str]) -> set[str]:
        """Return what else a local place may be called on record.

        Args:
            full: the place's full name.
            folders: those that results were configured with.
        """
        if full[:1] != "/":
            return set()
        folder, _, name = full.rpartition("/")
        real = self._really(folder or "/")
        found = {f"{other}/{name}" for other in self._linked.get(real, ())}
        for other in folders:
            below = self._really(other)
            if real == below or real.startswith(f"{below}/"):
                found.add(f"{other}{real[len(below) :]}/{name}")
        return found - {full}

    def _known(self, number: int) -> tuple[ResultKind, str | None]:
        found = self._kinds.get(number)
        if found is None:
            import json

            kind = self._db.result_kind(number)
            folder = json.loads(kind.options).get("dir") if kind.type == "local" else None
            found = self._kinds[number] = kind, folder.rstrip("/") if isinstance(folder, str) else None
        return found


def newer_writer(row: TaskRun, rows: Iterable[TaskRun]) -> TaskRun | None:
    """Return the row of the last task run that wrote other bytes to the place of a row, if there is one.

    Args:
        row: the row.
        rows: those of its place, the last first.
    """
    for other in rows:
        if (other.run, other.slug, other.index) == (row.run, row.slug, row.index):
            return None
        if wrote(other):
            # What was there before this one is gone, whatever it was.
            return None if other.digest is not None and other.digest == row.digest else other
    return None


def _newest_first(row: TaskRun) -> float:
    return -(row.ended or row.started)


def wrote(row: TaskRun) -> bool:
    """Return whether a task run wrote the bytes that its row names, and did not find them there."""
    return row.location is not None and (row.digest is not None or row.state == "Success")
