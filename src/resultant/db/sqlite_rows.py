"""Task runs on their way into SQLite: five hundred with one statement, texts that many share as numbers."""

from __future__ import annotations

import sqlite3
from itertools import chain, repeat

from .parcels import DIGEST, WIDTH, unpacked
from .rows import is_shared, split, unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from .parcels import Head, Parcel

__all__ = ["TaskRunWriter"]

# One statement of many rows gives the interpreter lock away once; a statement per row would do so for each.
_MOST = 512

# From this many rows on, a look for columns that are the same in all of them pays.
_MANY = 32

_COLUMNS = (
    *(
        "idx",
        "task",
        "state",
        "attempt",
        "count",
        "started",
        "ended",
        "due",
        "children",
        "input",
        "kind",
        "folder",
        "leaf",
    ),
    *("size", "digest", "none", "error", "message", "text", "loop"),
)
_RARE = frozenset({"due", "children", "error", "message", "text", "loop"})

# No index of a task run's: what follows is there to fill a statement up.
_FILLING = -9

# The index of a task that is not mapped.
_ALONE = -1


def _insert(same: frozenset[str], rows: int, instead: str) -> str:
    """Return a statement for so many rows whose values are the same in some columns, which come first and once."""
    once = [name for name in _COLUMNS if name in same]
    each = [name for name in _COLUMNS if name not in same]
    chosen = ", ".join(
        [*(f"?{number + 1}" for number in range(len(once))), *(f"column{n + 1}" for n in range(len(each)))]
    )
    values = ",".join(["(" + ",".join("?" * len(each)) + ")"] * rows)
    return (
        f"INSERT OR {instead} INTO task_run ({', '.join([*once, *each])}) "
        f"SELECT {chosen} FROM (VALUES {values}) WHERE column1 <> {_FILLING}"
    )


def _insert_successes(singles: bool, rows: int, instead: str) -> str:
    """Return a statement for so many of the usual rows, after what they have in common: six values each."""
    which = f"column1, {_ALONE}" if singles else "?6, column1"
    values = ",".join(["(?,?,?,?,?,?)"] * rows)
    return (
        f"INSERT OR {instead} INTO task_run (task, idx, state, attempt, count, kind, folder, none, "
        "started, ended, input, digest, leaf, size) "
        f"SELECT {which}, ?1, ?2, 1, ?3, ?4, 0, column2, column3, "
        f"substr(column4, 1, {DIGEST}), substr(column4, {DIGEST + 1}), substr(column5, ?5), column6 "
        f"FROM (VALUES {values}) WHERE column1 <> {_FILLING}"
    )


class TaskRunWriter:
    """Writes through one connection, and remembers the numbers of texts.

    Args:
        connection: in autocommit mode, for this object and its thread alone while it writes.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._statements: dict[tuple[Any, int, str], str] = {}
        self._epoch = 0
        self.forget()

    def forget(self) -> None:
        """Forget the numbers that the database may not know any more."""
        self._states: dict[str, int] = {}
        self._tasks: dict[tuple[str, str], int] = {}
        self._folders: dict[str | None, int | None] = {None: None}

    def look(self) -> None:
        """Learn, at the beginning of a transaction, whether another process has deleted what numbers stood for."""
        (epoch,) = self._connection.execute("SELECT number FROM epoch").fetchone()
        if epoch != self._epoch:
            self.forget()
            self._epoch = epoch

    def write(self, parcels: list[Parcel]) -> None:
        """Write rows within the transaction that the caller has begun.

        Raises:
            UnknownRunError: a row's run is not there.
        """
        whole: list[tuple[Any, ...]] = []
        usual: dict[Head, list[Any]] = {}
        # Tasks without a number, and when they began: numbers are given in the order of the rows, as far as that is known.
        new: dict[tuple[str, str], float] = {}
        known = self._tasks
        for head, rows in parcels:
            if head is None:
                whole += rows
                for row in rows:
                    if row[:2] not in known:
                        new.setdefault(row[:2], row[6])
                continue
            usual.setdefault(head, []).extend(rows)
            run, slug = head[:2]
            if slug is None:
                begun = zip(rows[::WIDTH], rows[1::WIDTH], strict=True)
                new.update(((run, name), began) for name, began in begun if (run, name) not in known)
            elif (run, slug) not in known:
                new.setdefault((run, slug), rows[1])
        order = sorted(new, key=new.__getitem__) if usual else list(new)
        for start in range(0, len(order), _MOST):
            self._task_numbers(order[start : start + _MOST])
        for start in range(0, len(whole), _MOST):
            self._write_some(whole[start : start + _MOST])
        for head, rows in usual.items():
            for start in range(0, len(rows), _MOST * WIDTH):
                self._write_successes(head, rows[start : start + _MOST * WIDTH])

    def _write_successes(self, head: Head, rows: list[Any]) -> None:
        run, slug, attempt, kind = head
        locations = rows[4::WIDTH]
        cut = locations[0].rfind("/") + 1
        folder = locations[0][:cut]
        shared = is_shared(folder) and all(map(str.startswith, locations, repeat(folder)))
        if not shared or "/" in "".join([location[cut:] for location in locations]):
            self._write_some(unpacked([(head, rows)]))
            return
        if slug is None:
            rows[::WIDTH] = self._task_numbers([(run, name) for name in rows[::WIDTH]])
            task = None
        else:
            task = self.task(run, slug)
        states = self._numbers(self._states, ("Success",), self._new_state)
        folders = self._numbers(self._folders, (folder,), self._new_folder)
        many = len(locations)
        room = 1 << (many - 1).bit_length()
        values = [*states, attempt, kind, *folders, cut + 1]
        if task is not None:
            values.append(task)
        values += rows
        values += [_FILLING, None, None, None, None, None] * (room - many)
        self._execute(_insert_successes, task is None, room, values)

    def _write_some(self, rows: list[tuple[Any, ...]]) -> None:
        # By column: most of the work is then done without a step of Python for each row.
        (run, slug, index, state, attempt, count, started, ended, due, children, given, kind, location, size, digest, none,
         error, message, text, loop) = zip(*rows, strict=True)  # fmt: skip
        folders, leaf = _places(location)
        task = self._task_numbers(list(zip(run, slug, strict=True)))
        states = self._numbers(self._states, state, self._new_state)
        folder = self._numbers(self._folders, folders, self._new_folder)
        columns = (
            *(index, task, states, attempt, count, started, ended, due, children, given, kind, folder, leaf),
            *(size, digest, none, error, message, text, loop),
        )
        many = len(rows)
        once, each, names = [], [], []
        for name, column in zip(_COLUMNS, columns, strict=True):
            if (many >= _MANY or name in _RARE) and name != "idx" and _is_the_same(column):
                once.append(column[0])
                names.append(name)
            else:
                each.append(_cheap_to_bind(column))
        # Statements are made for powers of two, so that a few of them, kept prepared, are enough.
        room = 1 << (many - 1).bit_length()
        values = [*once, *chain.from_iterable(zip(*each, strict=True))]
        values += [_FILLING] * (len(each) * (room - many))
        self._execute(_insert, frozenset(names), room, values)

    def _execute(self, make: Callable[[Any, int, str], str], form: Any, rows: int, values: list[Any]) -> None:
        """Run the statement that `make` gives for a form and so many rows."""
        try:
            # Most rows are new ones, which is found out more cheaply than what there may be to replace.
            self._connection.execute(self._statement(make, form, rows, "FAIL"), values)
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_CONSTRAINT_UNIQUE:
                raise
            self._connection.execute(self._statement(make, form, rows, "REPLACE"), values)

    def _statement(self, make: Callable[[Any, int, str], str], form: Any, rows: int, instead: str) -> str:
        try:
            return self._statements[form, rows, instead]
        except KeyError:
            if len(self._statements) >= 64:
                self._statements.clear()
            text = self._statements[form, rows, instead] = make(form, rows, instead)
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
        return self._task_numbers([(run, slug)])[0]

    def _task_numbers(self, keys: list[tuple[str, str]]) -> list[int]:
        known = self._tasks
        try:
            return list(map(known.__getitem__, keys))
        except KeyError:
            new: dict[str, list[str]] = {}
            for key in dict.fromkeys(keys):
                if key not in known:
                    new.setdefault(key[0], []).append(key[1])
            for run, slugs in new.items():
                self._new_tasks(run, slugs)
            return list(map(known.__getitem__, keys))

    def _new_tasks(self, run: str, slugs: list[str]) -> None:
        """Learn the numbers of tasks of one run, with one statement for all: a flow may have as many as it has rows."""
        found = self._connection.execute("SELECT no FROM flow_run WHERE id = ?", (run,)).fetchone()
        if found is None:
            raise unknown(run)
        known = self._connection.execute("SELECT 1 FROM task WHERE run = ? LIMIT 1", found).fetchone()
        if known is None:
            # Of a new run nothing is known: its tasks get the next numbers.
            (last,) = self._connection.execute("SELECT coalesce(max(no), 0) FROM task").fetchone()
            numbers = range(last + 1, last + 1 + len(slugs))
            values = ",".join(["(?,?,?)"] * len(slugs))
            new = [part for number, slug in zip(numbers, slugs, strict=True) for part in (number, found[0], slug)]
            self._connection.execute(f"INSERT INTO task (no, run, slug) VALUES {values}", new)
            self._tasks.update(zip([(run, slug) for slug in slugs], numbers, strict=True))
            return
        values = ",".join(["(?,?)"] * len(slugs))
        given = self._connection.execute(
            # The update that changes nothing is what makes a known task come back too.
            f"INSERT INTO task (run, slug) VALUES {values} ON CONFLICT (run, slug) DO UPDATE SET slug = slug "
            "RETURNING no, slug",
            [part for slug in slugs for part in (found[0], slug)],
        ).fetchall()
        self._tasks.update(((run, slug), number) for number, slug in given)

    def _new_state(self, name: str) -> int:
        self._connection.execute("INSERT OR IGNORE INTO state (name) VALUES (?)", (name,))
        return self._number("SELECT no FROM state WHERE name = ?", name)

    def _new_folder(self, path: str) -> int:
        self._connection.execute("INSERT OR IGNORE INTO folder (path) VALUES (?)", (path,))
        return self._number("SELECT no FROM folder WHERE path = ?", path)

    def _number(self, query: str, *values: Any) -> int:
        (number,) = self._connection.execute(query, values).fetchone()
        return int(number)


def _places(locations: Sequence[Any]) -> tuple[Sequence[str | None], Sequence[str | None]]:
    if None not in locations:
        folder = locations[0][: locations[0].rfind("/") + 1]
        if is_shared(folder) and all(map(str.startswith, locations, repeat(folder))):
            leaf = [location[len(folder) :] for location in locations]
            if "/" not in "".join(leaf):
                return [folder] * len(leaf), leaf
        cuts = [location.rfind("/") + 1 for location in locations]
        folders = [location[:cut] for location, cut in zip(locations, cuts, strict=True)]
        if all(is_shared(folder) for folder in set(folders)):
            return folders, [location[cut:] for location, cut in zip(locations, cuts, strict=True)]
    halves = [split(location) for location in locations]
    return [folder for folder, _ in halves], [leaf for _, leaf in halves]


def _is_the_same(column: Sequence[Any]) -> bool:
    return column[0] == column[-1] and column.count(column[0]) == len(column)


def _cheap_to_bind(column: Sequence[Any]) -> Sequence[Any]:
    # sqlite3 looks for adapters for whatever is not exactly an int, a float, a str or a bytearray: half a microsecond each.
    if None in column:
        return column
    kind = type(column[0])
    return (
        [bytearray(value) for value in column] if kind is bytes else list(map(int, column)) if kind is bool else column
    )
