"""A state database for the time being: nothing outlives the process."""

from __future__ import annotations

import threading

from resultant.errors import DatabaseError
from resultant.records import ResultKind

from .holding import held
from .memory_survey import MemorySurvey
from .parcels import one_by_one
from .rows import ambiguous, task_run, unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Any

    from resultant.records import CacheEntry, FlowRun, TaskRun

    from .parcels import Make

__all__ = ["MemoryDB"]


class MemoryDB(MemorySurvey):
    """A :class:`~resultant.db.StateDB` of dictionaries."""

    url = "memory://"

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._closed = False
        self._lost: Exception | None = None
        self._flow_runs: dict[str, FlowRun] = {}
        self._task_runs: dict[str, dict[str, dict[int, TaskRun]]] = {}
        self._order: dict[tuple[str, str, int], None] = {}  # of writing
        self._kinds: dict[tuple[str | None, ...], int] = {}
        self._cache: dict[tuple[str, str, int], CacheEntry] = {}
        self._pins: dict[tuple[str, str, int], float | None] = {}
        self._held: set[str] = set()

    def _writable(self) -> None:
        if self._closed:
            raise DatabaseError("The state database is closed; open it again to write to it.")

    def put_flow_run(self, run: FlowRun) -> None:
        """Write a flow run."""
        self._writable()
        with self._lock:
            self._flow_runs[run.id] = run
            self._task_runs.setdefault(run.id, {})

    def task_runs_later(self, rows: list[tuple[Any, ...]]) -> None:
        """Write task runs."""
        self._writable()
        with self._lock:
            for row in rows:
                run, slug, index = key = row[:3]
                if run not in self._flow_runs:
                    self._lost = self._lost or unknown(run)
                    continue
                self._task_runs[run].setdefault(slug, {})[index] = task_run(row)
                self._order.pop(key, None)
                self._order[key] = None

    def successes(self, run_id: str, slug: str | None, attempt: int, kind: int, make: Make) -> Callable[[Any], None]:
        """Return what takes the usual rows; see :class:`~resultant.db.StateDB`."""
        return one_by_one(self.task_runs_later, (run_id, slug, attempt, kind), make)

    def cache_put(self, entries: Sequence[CacheEntry]) -> None:
        """Write cache entries."""
        self._writable()
        with self._lock:
            for entry in entries:
                if entry.run not in self._flow_runs:
                    self._lost = self._lost or unknown(entry.run)
                    continue
                key = (entry.run, entry.slug, entry.index)
                self._cache.pop(key, None)
                self._cache[key] = entry

    def flush(self) -> None:
        """Raise what was wrong with a row since the last time."""
        self._writable()
        lost, self._lost = self._lost, None
        if lost is not None:
            raise lost

    def kind(
        self,
        type: str,
        options: str,
        serializer: str | None,
        python: str | None,
        library: str | None,
        library_version: str | None,
    ) -> int:
        """Return the number of a kind."""
        key = (type, options, serializer, python, library, library_version)
        with self._lock:
            return self._kinds.setdefault(key, len(self._kinds) + 1)

    def result_kind(self, number: int) -> ResultKind:
        """Return a kind by its number."""
        for key, found in self._kinds.items():
            if found == number:
                type, options, *others = key
                return ResultKind(number, str(type), str(options), *others)
        raise LookupError(f"The state database in memory has no kind of result with the number {number}.")

    def result_kinds(self) -> list[ResultKind]:
        """Return all kinds, by their numbers."""
        with self._lock:
            numbers = sorted(self._kinds.values())
        return [self.result_kind(number) for number in numbers]

    def flow_run(self, run_id: str) -> FlowRun:
        """Return a run by its id."""
        try:
            return self._flow_runs[run_id]
        except KeyError:
            raise unknown(run_id) from None

    def find_flow_run(self, text: str) -> FlowRun:
        """Return the run that a text means."""
        if text in self._flow_runs:
            return self._flow_runs[text]
        found = [run for run in self.flow_runs() if text and (run.id.startswith(text) or run.name == text)]
        if not found:
            raise unknown(text)
        if len(found) > 1:
            raise ambiguous(text, found)
        return found[0]

    def flow_runs(
        self,
        flow: str | None = None,
        state: str | None = None,
        since: float | None = None,
        limit: int | None = None,
        before: str | None = None,
    ) -> list[FlowRun]:
        """Return runs, the newest first."""
        with self._lock:
            runs = list(self._flow_runs.values())[::-1]
        runs.sort(key=lambda run: -run.created)
        if before is not None:
            runs = runs[runs.index(self.flow_run(before)) + 1 :]
        found = [
            run
            for run in runs
            if (flow is None or run.flow == flow)
            and (state is None or run.state == state)
            and (since is None or run.created >= since)
        ]
        return found[:limit]

    def _all(self, run_id: str) -> Iterator[TaskRun]:
        for children in self._task_runs.get(run_id, {}).values():
            for index in sorted(children):
                yield children[index]

    def task_runs(
        self,
        run_id: str,
        slug: str | None = None,
        index: int | None = None,
        state: str | None = None,
        limit: int | None = None,
    ) -> list[TaskRun]:
        """Return the task runs of a run."""
        with self._lock:
            found = [
                row
                for row in self._all(run_id)
                if (slug is None or row.slug == slug)
                and (index is None or row.index == index)
                and (state is None or row.state == state)
            ]
        return found[:limit]

    def counts(self, run_id: str) -> dict[str, int]:
        """Return how many task runs there are in each state."""
        counts: dict[str, int] = {}
        for row in self.task_runs(run_id):
            counts[row.state] = counts.get(row.state, 0) + 1
        return counts

    def places(self, location: str) -> list[TaskRun]:
        """Return the task runs of a place, the last to be written first."""
        with self._lock:
            rows = [self._task_runs[run][slug][index] for run, slug, index in reversed(self._order)]
        return [row for row in rows if row.location == location]

    def hold(self, run_id: str) -> _Hold:
        """Hold a run."""
        with self._lock:
            if run_id in self._held:
                import os
                import socket

                raise held(run_id, os.getpid(), socket.gethostname())
            self._held.add(run_id)
        return _Hold(self._held, run_id)

    def holders(self, run_ids: Iterable[str]) -> dict[str, tuple[int | None, str | None]]:
        """Return process and host of those who hold runs."""
        import os
        import socket

        return {run: (os.getpid(), socket.gethostname()) for run in run_ids if run in self._held}

    def cache_find(self, key: str) -> list[CacheEntry]:
        """Return the entries of a key, the last to be written first."""
        with self._lock:
            return [entry for entry in reversed(self._cache.values()) if entry.key == key]

    def cached(self, run_id: str) -> list[CacheEntry]:
        """Return the entries of a run, the last to be written first."""
        with self._lock:
            return [entry for entry in reversed(self._cache.values()) if entry.run == run_id]

    def delete_flow_run(self, run_id: str) -> None:
        """Forget a run."""
        with self.hold(run_id), self._lock:
            self._flow_runs.pop(run_id, None)
            self._task_runs.pop(run_id, None)
            for table in (self._order, self._cache, self._pins):
                for key in [key for key in table if key[0] == run_id]:
                    del table[key]

    def set_pinned(
        self,
        run_id: str,
        slug: str | None = None,
        index: int = -1,
        pinned: bool = True,
        keep_until: float | None = None,
    ) -> None:
        """Pin or unpin."""
        with self._lock:
            run = self.flow_run(run_id)
            if slug is None:
                self._flow_runs[run_id] = run._replace(pinned=pinned)
            elif pinned:
                self._pins[run_id, slug, index] = keep_until
            else:
                self._pins.pop((run_id, slug, index), None)

    def pin_until(self, run_id: str, ends: Mapping[tuple[str, int], float]) -> None:
        """Pin many results."""
        with self._lock:
            self.flow_run(run_id)
            self._pins.update(((run_id, *which), end) for which, end in ends.items())

    def pins(self, run_id: str | None = None) -> list[tuple[str, str, int, float | None]]:
        """Return what is pinned."""
        with self._lock:
            return [(*key, until) for key, until in self._pins.items() if run_id in (None, key[0])]

    def sizes(self) -> dict[str, int]:
        """Return numbers of rows; the bytes are not counted."""
        return {
            "bytes": 0,
            "flow_runs": len(self._flow_runs),
            "task_runs": len(self._order),
            "cache_entries": len(self._cache),
        }

    def version(self) -> int:
        """Return 0: there is no schema."""
        return 0

    def upgrade(self) -> int:
        """Return 0: there is no schema."""
        return 0

    def close(self) -> None:
        """Refuse to write from now on."""
        self._closed = True


class _Hold:
    def __init__(self, held: set[str], run: str) -> None:
        self._held = held
        self._run = run

    def close(self) -> None:
        self._held.discard(self._run)

    def __enter__(self) -> _Hold:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
