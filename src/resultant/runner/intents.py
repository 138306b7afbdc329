"""What a run is about to write where no temporary name would tell it: a line in a file before the bytes go.

A store of objects shows a write only once it is whole, under its final name. If a run dies after that and before the row is
there, nothing in the store tells those bytes from the user's own. The line does: it names the place, the size and the digest,
so that whoever cleans up deletes these bytes and no others. Each process has a file of its own, in the home beside the state
database, whose lines are gone once the rows are there.
"""

from __future__ import annotations

import json
import os

from resultant.records import location_of, location_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from resultant.db import StateDB
    from resultant.engine.integrity import Digester
    from resultant.engine.result import Result

__all__ = ["Intent", "IntentFile", "Intents", "intent_files"]


class Intent:
    """One write that was about to happen.

    Attributes:
        place: where.
        size: of the bytes; ``None`` where they had not been counted yet.
        digest: of the bytes; ``None`` where it had not been taken yet.
        kind: type and options of the result, as a record has them.
    """

    __slots__ = ("digest", "kind", "place", "size")

    def __init__(self, place: str, size: int | None, digest: bytes | None, kind: tuple[str, str]) -> None:
        self.place = place
        self.size = size
        self.digest = digest
        self.kind = kind


class Intents:
    """Notes what the processes of one run are about to write; it travels to workers.

    Args:
        home: where the notes are.
        database: the address of the database that the rows will be in.
        run_id: the run.
        digester: takes the digests.
        power: whether a note survives the loss of power.
    """

    def __init__(self, home: str, database: str, run_id: str, digester: Digester, power: bool = False) -> None:
        self._folder = _folder(home)
        self._head = {"database": database, "run": run_id}
        self._digester = digester
        self._power = power
        self._open()

    def _open(self) -> None:
        from threading import Lock

        self._file = -1
        self._process = 0
        self._lock = Lock()

    def __getstate__(self) -> Any:
        return self._folder, self._head, self._digester, self._power

    def __setstate__(self, state: Any) -> None:
        self._folder, self._head, self._digester, self._power = state
        self._open()

    def around(self, store: Any, result: Result) -> Any:
        """Return a store that notes each write before it happens.

        Args:
            store: the store.
            result: the configured result whose store it is.
        """
        from resultant.engine.description import kind_of

        kind, options, *_ = kind_of(result.from_value(None))
        return _NotingStore(store, self, (kind, options))

    def note(self, place: str, size: int | None, digest: bytes | None, kind: tuple[str, str]) -> None:
        """Note one write; the note survives the end of this process when this returns.

        Raises:
            OSError: it could not be noted.
        """
        line = json.dumps([location_text(place), size, None if digest is None else digest.hex(), *kind])
        with self._lock:
            if self._file < 0 or self._process != os.getpid():
                self._begin()
            os.write(self._file, f"{line}\n".encode())
            if self._power:
                os.fsync(self._file)

    def digest(self, data: Any) -> bytes:
        """Return the digest of bytes that are about to be written."""
        return self._digester.of(data)

    def _begin(self) -> None:
        os.makedirs(self._folder, exist_ok=True)
        path = os.path.join(self._folder, f"{os.getpid()}-{os.urandom(6).hex()}.intents")
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._process = os.getpid()
        os.write(self._file, f"{json.dumps(self._head)}\n".encode())

    def settle(self, db: StateDB) -> None:
        """Forget what is on record by now, at the end of the run; what is not is left to whoever cleans up.

        Args:
            db: the state database; everything that was given to it is durable.
        """
        with self._lock:
            if self._file >= 0 and self._process == os.getpid():
                os.close(self._file)
            self._file = -1
        for file in intent_files(os.path.dirname(self._folder), self._head["database"]):
            if file.run == self._head["run"]:
                file.settle(db)


class _NotingStore:
    """A store whose writes are noted before they happen; everything else is the store's own."""

    def __init__(self, store: Any, intents: Intents, kind: tuple[str, str]) -> None:
        self._store = store
        self._intents = intents
        self._kind = kind

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def _note(self, key: str, data: bytes) -> None:
        self._intents.note(self._store.place(key), len(data), self._intents.digest(data), self._kind)

    def put(self, key: str, data: bytes) -> Any:
        """Note, and store."""
        self._note(key, data)
        return self._store.put(key, data)

    def create(self, key: str, data: bytes) -> Any:
        """Note, and store unless something is there."""
        self._note(key, data)
        return self._store.create(key, data)

    def sink(self, key: str) -> Any:
        """Return a sink that notes its bytes before they are committed."""
        return _NotingSink(self._store.sink(key), self, key)

    def about_to_commit(self, key: str, size: int, digest: bytes | None) -> None:
        """Note what a sink commits."""
        self._intents.note(self._store.place(key), size, digest, self._kind)


class _NotingSink:
    def __init__(self, sink: Any, store: _NotingStore, key: str) -> None:
        self._sink = sink
        self._store = store
        self._key = key
        self.write = sink.write
        #: Told by whoever took it while the bytes went by.
        self.digest: bytes | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sink, name)

    def commit(self) -> Any:
        self._store.about_to_commit(self._key, self._sink.size, self.digest)
        return self._sink.commit()


class IntentFile:
    """What one process of a run was about to write.

    Attributes:
        path: the file.
        run: the run.
        intents: the writes, each place once.
    """

    def __init__(self, path: str, run: str, intents: dict[str, Intent]) -> None:
        self.path = path
        self.run = run
        self.intents = intents

    def unrecorded(self, db: StateDB) -> list[Intent]:
        """Return the writes that no row tells of."""
        known = db.places_of(self.intents)
        return [each for place, each in self.intents.items() if place not in known and not _holds_packed(db, place)]

    def settle(self, db: StateDB) -> None:
        """Keep only what no row tells of; the file goes where that is nothing."""
        left = self.unrecorded(db)
        if not left:
            _unlink(self.path)
        elif len(left) < len(self.intents):
            with open(self.path, encoding="utf-8") as file:
                head = file.readline()
            lines = [
                json.dumps([location_text(each.place), each.size, each.digest and each.digest.hex(), *each.kind])
                for each in left
            ]
            with open(f"{self.path}.new", "w", encoding="utf-8") as file:
                file.write(head + "".join(f"{line}\n" for line in lines))
            os.replace(f"{self.path}.new", self.path)

    def remove(self) -> None:
        """Remove the file: everything in it has been dealt with."""
        _unlink(self.path)


def intent_files(home: str, database: str) -> Iterator[IntentFile]:
    """Yield the files of writes whose rows would be in a database.

    Args:
        home: where they are.
        database: the database's address.
    """
    folder = _folder(home)
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        if name.endswith(".intents"):
            found = _read(os.path.join(folder, name), database)
            if found is not None:
                yield found


def _read(path: str, database: str) -> IntentFile | None:
    try:
        with open(path, encoding="utf-8") as file:
            head = json.loads(file.readline())
            if head["database"] != database:
                return None
            intents = {}
            for line in file:
                if not line.endswith("\n"):
                    break  # the process died in the middle of it, and so before the write
                text, size, digest, *kind = json.loads(line)
                place = location_of(text)
                intents[place] = Intent(place, size, None if digest is None else bytes.fromhex(digest), tuple(kind))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return IntentFile(path, str(head["run"]), intents)


def _holds_packed(db: StateDB, place: str) -> bool:
    """Return whether a row tells of a result inside of a segment at a place."""
    from resultant.stores.packed import is_segment

    return is_segment(place) and next(iter(db.folder_batches(f"{place}/", 1)), None) is not None


def _folder(home: str) -> str:
    return os.path.join(home, "intents")


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
