"""Bytes in stores that a run which died had written, and that never came on record."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.db import StateDB
    from resultant.runner.intents import Intent, IntentFile

__all__ = ["Orphans"]


class Orphans:
    """Looks at what runs noted that they were about to write, and that no row tells of.

    Bytes count only if they are those that were noted, by size and digest: others are the user's, or another program's. Runs
    that somebody is at work on are left alone.

    Args:
        db: the state database.

    Attributes:
        found: place and size of each; after :meth:`remove`, of those that are gone.
        unsure: places that could not be looked at, and why; they are looked at another time.
    """

    def __init__(self, db: StateDB) -> None:
        from resultant.runner.intents import intent_files
        from resultant.runtime import settings

        self._db = db
        self.found: list[tuple[str, int]] = []
        self.unsure: list[tuple[str, str]] = []
        self._stores: dict[tuple[str, str], Any] = {}
        #: Files, and what is to be deleted before each may go.
        self._files: list[tuple[IntentFile, list[Intent]]] = []
        files = list(intent_files(settings().home_dir, db.url))
        held = db.holders({file.run for file in files})
        for file in files:
            if file.run not in held:
                self._look(file, file.unrecorded(db))
        self.found.sort()

    def _look(self, file: IntentFile, intents: list[Intent]) -> None:
        orphans = []
        sure = True
        for intent in intents:
            try:
                size = self._size_if_ours(intent)
            except Exception as error:  # noqa: BLE001 - a store that does not answer, credentials that are not here
                self.unsure.append((intent.place, str(error) or repr(error)))
                sure = False
                continue
            if size is not None:
                orphans.append(intent)
                self.found.append((intent.place, size))
        if sure:
            self._files.append((file, orphans))

    def _size_if_ours(self, intent: Intent) -> int | None:
        """Return the size of what lies at a place, if it is what was about to be written there."""
        from resultant.errors import MissingResultError
        from resultant.runner.digest_key import digester

        store = self._store(intent)
        try:
            size = int(store.stat(intent.place).size)
            if intent.digest is None or (intent.size is not None and size != intent.size):
                return None
            with store.source(intent.place) as source:
                return size if digester().agrees(intent.digest, source.read()) else None
        except MissingResultError:
            return None

    def _store(self, intent: Intent) -> Any:
        from resultant.reading.task import result_of
        from resultant.records import ResultKind

        store = self._stores.get(intent.kind)
        if store is None:
            kind = ResultKind(0, *intent.kind, '{"name": "pickle", "options": {}}', None, None, None)
            result: Any = result_of(kind)
            store = self._stores[intent.kind] = result.store
        return store

    def remove(self) -> None:
        """Delete them, and forget what was noted; what somebody has put on record, or is about to write, stays."""
        from resultant.runner.intents import intent_files
        from resultant.runtime import settings

        gone = []
        for file, orphans in self._files:
            files = list(intent_files(settings().home_dir, self._db.url))
            held = self._db.holders({each.run for each in files})
            if file.run in held:
                continue
            busy = {place for each in files if each.run in held for place in each.intents}
            left = {intent.place for intent in file.unrecorded(self._db)} - busy
            for intent in orphans:
                if intent.place in left and (size := self._size_if_ours(intent)) is not None:
                    self._store(intent).delete(intent.place)
                    gone.append((intent.place, size))
            file.remove()
        self.found = sorted(gone)
