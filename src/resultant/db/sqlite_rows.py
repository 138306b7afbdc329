"""Task runs on their way into SQLite: five hundred with one statement, texts that many share as numbers."""

from __future__ import annotations

from itertools import chain

from .rows import split, unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from typing import Any

__all__ = ["TaskRunWriter"]

# One statement of many rows gives the interpreter lock away once; a statement per row would do so for each.
_MOST = 512

_PLAIN = "task, idx, state, attempt, count, started, ended, input, kind, folder, leaf, size, digest, none"
_RARE = "due, children, error, message, text, loop"


def _insert(columns: str, rows: int) -> str:
    marks = "(" + ",".join("?" * (columns.count(",") + 1)) + ")"
    values = ",".join([marks] * rows)
    # Statements are made for powers of two, of which a few are worth keeping prepared; the rest is filled with nulls.
    return f"INSERT OR REPLACE INTO task_run ({columns}) SELECT * FROM (VALUES {values}) WHERE column1 IS NOT NULL"


class TaskRunWriter:
    """Writes through one connection, and remembers the numbers of texts.

    Args:
        connection: in autocommit mode, for this object and its thread alone while it writes.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._statements: dict[tuple[bool, int], str] = {}
        self._states: dict[str, int] = {}
        self._epoch = 0
        self.forget()

    def forget(self) -> None:
        """Forget the numbers that the database may not know any more."""
        self._tasks: dict[tuple[str, str], int] = {}
        self._folders: dict[str | None, int | None] = {None: None}

    def write(self, rows: list[tuple[Any, ...]]) -> None:
        """Write rows within the transaction that the caller has begun.

        Raises:
            UnknownRunError: a row's run is not there.
        """
        (epoch,) = self._connection.execute("SELECT number FROM epoch").fetchone()
        if epoch != self._epoch:
            self.forget()
            self._epoch = epoch
        for start in range(0, len(rows), _MOST):
            self._write_some(rows[start : start + _MOST])

    def _write_some(self, rows: list[tuple[Any, ...]]) -> None:
        # By column: most of the work is then done without a step of Python for each row.
        (run, slug, index, state, attempt, count, started, ended, due, children, given, kind, location, size, digest, none,
         error, message, text, loop) = zip(*rows, strict=True)  # fmt: skip
        folder, leaf = zip(*map(split, location), strict=True)
        columns = [
            self._numbers(self._tasks, list(zip(run, slug, strict=True)), self._new_task),
            index,
            self._numbers(self._states, state, self._new_state),
            attempt,
            count,
            started,
            ended,
            given,
            kind,
            self._numbers(self._folders, folder, self._new_folder),
            leaf,
            size,
            digest,
            none,
        ]
        rare = [due, children, error, message, text, loop]
        many = len(rows)
        full = any(column.count(None) != many for column in rare)
        if full:
            columns += rare
        values = list(chain.from_iterable(zip(*columns, strict=True)))
        room = 1 << (many - 1).bit_length()
        values += [None] * (len(columns) * (room - many))
        self._connection.execute(self._statement(full, room), values)

    def _statement(self, full: bool, rows: int) -> str:
        try:
            return self._statements[full, rows]
        except KeyError:
            text = _insert(f"{_PLAIN}, {_RARE}" if full else _PLAIN, rows)
            self._statements[full, rows] = text
            return text

    def _numbers(self, known: dict[Any, Any], texts: Any, make: Any) -> list[Any]:
        try:
            return list(map(known.__getitem__, texts))
        except KeyError:
            for text in texts:
                if text not in known:
                    known[text] = make(text)
            return list(map(known.__getitem__, texts))

    def task(self, run: str, slug: str) -> int:
        """Return the number of a task of a run, made if need be."""
        return self._new_task((run, slug))

    def _new_task(self, key: tuple[str, str]) -> int:
        run, slug = key
        found = self._connection.execute("SELECT no FROM flow_run WHERE id = ?", (run,)).fetchone()
        if found is None:
            raise unknown(run)
        self._connection.execute("INSERT OR IGNORE INTO task (run, slug) VALUES (?, ?)", (found[0], slug))
        return self._number("SELECT no FROM task WHERE run = ? AND slug = ?", found[0], slug)

    def _new_state(self, name: str) -> int:
        self._connection.execute("INSERT OR IGNORE INTO state (name) VALUES (?)", (name,))
        return self._number("SELECT no FROM state WHERE name = ?", name)

    def _new_folder(self, path: str) -> int:
        self._connection.execute("INSERT OR IGNORE INTO folder (path) VALUES (?)", (path,))
        return self._number("SELECT no FROM folder WHERE path = ?", path)

    def _number(self, query: str, *values: Any) -> int:
        (number,) = self._connection.execute(query, values).fetchone()
        return int(number)
