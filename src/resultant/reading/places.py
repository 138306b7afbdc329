"""Who wrote to a place, whatever the place is called in each row."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.db import StateDB
    from resultant.records import ResultKind, TaskRun

__all__ = ["Places", "wrote"]


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

    def kind(self, row: TaskRun) -> ResultKind | None:
        """Return how the bytes of a row were made."""
        return None if row.kind is None else self._known(row.kind)[0]

    def full(self, row: TaskRun) -> str | None:
        """Return the full name of a row's place; ``None`` where it has none outside of the database."""
        location = row.location
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
        found = self._db.places(full)
        for folder in self._folders():
            if full.startswith(f"{folder}/"):
                short = self._db.places(full[len(folder) + 1 :])
                found += [row for row in short if self.full(row) == full]
        found.sort(key=lambda row: -(row.ended or row.started))
        return found

    def newer_writer(self, row: TaskRun) -> TaskRun | None:
        """Return the row of the last task run that wrote other bytes to the place of a row, if there is one.

        The same bytes again, or a look at what is there, supersede nothing.
        """
        full = self.full(row)
        if full is None:
            return None
        for other in self.rows(full):
            if (other.run, other.slug, other.index) == (row.run, row.slug, row.index):
                return None
            if wrote(other) and (other.digest is None or other.digest != row.digest):
                return other
        return None

    def _folders(self) -> set[str]:
        for kind in self._db.result_kinds():
            self._known(kind.id)
        return {folder for _, folder in self._kinds.values() if folder is not None}

    def _known(self, number: int) -> tuple[ResultKind, str | None]:
        found = self._kinds.get(number)
        if found is None:
            import json

            kind = self._db.result_kind(number)
            folder = json.loads(kind.options).get("dir") if kind.type == "local" else None
            found = self._kinds[number] = kind, folder.rstrip("/") if isinstance(folder, str) else None
        return found


def wrote(row: TaskRun) -> bool:
    """Return whether a task run wrote the bytes that its row names, and did not find them there."""
    return row.location is not None and (row.digest is not None or row.state == "Success")
