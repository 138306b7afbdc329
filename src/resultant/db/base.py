"""The contract of every state database, in words at the methods."""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import Any

    from resultant.records import CacheEntry, FlowRun, ResultKind, TaskRun

__all__ = ["StateDB"]


class StateDB(Protocol):
    """Rows about runs: where results lie, never the results.

    An object may be used by many threads. Other processes, with objects of their own, may use the same database at the
    same time. What was written by :meth:`put_flow_run`, or before a :meth:`flush`, is seen by whoever reads afterwards;
    what waits to be written may or may not be.

    Every method raises a :class:`~resultant.errors.DatabaseError` where the database fails.
    """

    #: Where the database is, without credentials.
    url: str

    def put_flow_run(self, run: FlowRun) -> None:
        """Write a flow run, in place of the one with the same id; it is durable when this returns.

        So are all task runs that were given before.
        """

    def task_runs_later(self, rows: list[tuple[Any, ...]]) -> None:
        """Take task runs to be written soon: durable within about 10 ms, in the order given.

        It does not wait for the database, except where 100,000 rows wait already. A row replaces that of the same run,
        slug and index.

        Args:
            rows: tuples in the order of :class:`~resultant.records.TaskRun`'s fields, all of them there. The list may
                be used again.

        Raises:
            DatabaseError: earlier rows cannot be written, and there is no room for more.
        """

    def successes(
        self, run_id: str, slug: str | None, attempt: int, kind: int, make: Callable[[list[Any]], list[Any]]
    ) -> Callable[[Any], None]:
        """Return a function that takes one row, as :meth:`task_runs_later` does: that of a first try that succeeded.

        Most rows are of that sort, and a run may write a million of them. No other row of the same run, slug and index may
        be waiting to be written.

        Args:
            run_id: of the flow run.
            slug: of the mapped task whose children they are; ``None`` for tasks that are not mapped.
            attempt: of the flow run.
            kind: what :meth:`kind` gave for their results.
            make: makes rows of several that were taken, one after the other in one list, soon and on any thread. It
                returns a list of six values for each: index, or slug; start; end; a ``bytearray`` of the digests of inputs
                and result, 17 bytes each; location; size in bytes.

        Returns:
            Takes a tuple of five, whose third is the time when it was taken, in seconds since the epoch.
        """

    def cache_put(self, entries: Sequence[CacheEntry]) -> None:
        """Take cache entries to be written soon; one for each run, slug and index.

        An entry whose task run is not there yet, or is of another try, counts for nothing.
        """

    def flush(self) -> None:
        """Return when everything that was given so far is durable.

        Raises:
            DatabaseError: it is not; it is kept, and tried again later and with the next call.
            UnknownRunError: a row's run is not in the database; that row is left out.
        """

    def kind(
        self,
        type: str,
        options: str,
        serializer: str | None,
        python: str | None,
        library: str | None,
        library_version: str | None,
    ) -> int:
        """Return the number of a :class:`~resultant.records.ResultKind`: always the same for the same arguments."""

    def result_kind(self, number: int) -> ResultKind:
        """Return the kind that has a number.

        Raises:
            LookupError: there is none.
        """

    def result_kinds(self) -> list[ResultKind]:
        """Return all kinds, by their numbers."""

    def flow_run(self, run_id: str) -> FlowRun:
        """Return a run by its whole id.

        Raises:
            UnknownRunError: there is none.
        """

    def find_flow_run(self, text: str) -> FlowRun:
        """Return the run whose id starts with a text, or whose name it is.

        Raises:
            UnknownRunError: there is none, or there are several.
        """

    def flow_runs(
        self,
        flow: str | None = None,
        state: str | None = None,
        since: float | None = None,
        limit: int | None = None,
        before: str | None = None,
    ) -> list[FlowRun]:
        """Return runs by the time when they were created, the newest first.

        Args:
            flow: only those of the flow with this name.
            state: only those in this state.
            since: only those created at this time or later.
            limit: at most so many.
            before: only those that come after the run with this id in this order: the next page.

        Raises:
            UnknownRunError: there is no run ``before``.
        """

    def task_runs(
        self,
        run_id: str,
        slug: str | None = None,
        index: int | None = None,
        state: str | None = None,
        limit: int | None = None,
    ) -> list[TaskRun]:
        """Return the task runs of a run, those of one slug together and in the order of their indexes.

        Args:
            run_id: the whole id of the run; of one that is not there nothing is returned.
            slug: only of this task.
            index: only of this child.
            state: only in this state.
            limit: at most so many.
        """

    def counts(self, run_id: str) -> dict[str, int]:
        """Return how many task runs of a run are in each state."""

    def places(self, location: str) -> list[TaskRun]:
        """Return the task runs of any flow run that were written to a place, the last to be written first.

        All but the first are superseded.
        """

    def task_run_batches(self, run_id: str, size: int = ...) -> Iterator[list[TaskRun]]:
        """Yield what :meth:`task_runs` returns in lists of at most so many rows, however many there are.

        What is written meanwhile may be in it or not.
        """

    def stored_batches(self, size: int = ...) -> Iterator[list[TaskRun]]:
        """Yield the task runs of all runs that have a location in lists of at most so many rows.

        Those of one location follow each other, the last to be written last. Values in line that are too long to be looked
        for may be left out. What is written meanwhile may be in it or not.
        """

    def places_of(self, locations: Iterable[str]) -> dict[str, list[TaskRun]]:
        """Return what :meth:`places` returns of many locations; those that are on record nowhere are left out."""

    def folder_batches(self, folder: str, size: int = ...) -> Iterator[list[TaskRun]]:
        """Yield the task runs of all runs whose locations lie in a folder, in lists of at most so many rows.

        Args:
            folder: with a slash at its end. What lies in folders below it is left out.
            size: the most rows at once.
        """

    def local_folders(self) -> list[str]:
        """Return the folders, each with a slash at its end, in which results of the kind ``local`` lie."""

    def hold(self, run_id: str) -> AbstractContextManager[object]:
        """Hold a run, so that nobody else does, until the block is left or this process is gone.

        Raises:
            RunHeldError: somebody has it; at once, not in the block.
        """

    def holders(self, run_ids: Iterable[str]) -> dict[str, tuple[int | None, str | None]]:
        """Return process id and host of those who hold runs, where they are known; runs that nobody holds are left out."""

    def cache_find(self, key: str) -> list[CacheEntry]:
        """Return the entries of a key, the last to be written first, the expired ones too."""

    def cached(self, run_id: str) -> list[CacheEntry]:
        """Return the entries that a run's results stand for, the last to be written first, the expired ones too."""

    def delete_flow_run(self, run_id: str) -> None:
        """Forget a run with its task runs, cache entries and pins; nothing happens if there is none.

        Raises:
            RunHeldError: somebody is at work on it.
        """

    def set_pinned(
        self,
        run_id: str,
        slug: str | None = None,
        index: int = -1,
        pinned: bool = True,
        keep_until: float | None = None,
    ) -> None:
        """Pin a result, or a whole run, or unpin it. A row that is written again stays pinned.

        Args:
            run_id: of the flow run.
            slug: of the task; without it the whole run is meant.
            index: of the child.
            pinned: whether to pin or to unpin.
            keep_until: when the pin of a result falls off by itself; ``None`` for never.

        Raises:
            UnknownRunError: there is no such run.
        """

    def pin_until(self, run_id: str, ends: Mapping[tuple[str, int], float]) -> None:
        """Pin many results of a run, all or none of them.

        Args:
            run_id: of the flow run.
            ends: by slug and index, when the pin falls off by itself.

        Raises:
            UnknownRunError: there is no such run.
        """

    def pins(self, run_id: str | None = None) -> list[tuple[str, str, int, float | None]]:
        """Return run id, slug, index and end of each pinned result, of one run or of all."""

    def sizes(self) -> dict[str, int]:
        """Return ``bytes`` that the database takes, and rows: ``flow_runs``, ``task_runs``, ``cache_entries``."""

    def version(self) -> int:
        """Return the version of the database's schema."""

    def upgrade(self) -> int:
        """Bring the schema to the latest version, and return that. Opening a database has done so already."""

    def close(self) -> None:
        """Write what waits, and let go of everything. Closing twice is fine.

        Raises:
            DatabaseError: what waited could not be written, and is lost.
        """
