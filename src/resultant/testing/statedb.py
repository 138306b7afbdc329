"""`StateDBTests`: what every state database must do, as a class of tests to inherit."""

from __future__ import annotations

import threading

import pytest

from resultant.errors import DatabaseError, RunHeldError, UnknownRunError
from resultant.records import CacheEntry

from .statedb_base import flow_run_row, task_run_row
from .statedb_rows import StateDBRowTests
from .statedb_survey import StateDBSurveyTests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from resultant.db import StateDB

__all__ = ["StateDBTests", "flow_run_row", "task_run_row"]


class StateDBTests(StateDBRowTests, StateDBSurveyTests):
    """Inherit, and give the fixture ``open_it``: a function that opens the same empty database each time it is called.

    Example::

        class TestMyDatabase(StateDBTests):
            @pytest.fixture
            def open_it(self, tmp_path):
                return lambda: MyDatabase(tmp_path / "file")
    """

    # ------------------------------------------------------------------------------------------------ kinds, caches

    def test_equal_kinds_have_one_number(self, db: StateDB, open_it: Callable[[], StateDB]) -> None:
        """Also where fields are empty, and in another process."""
        keys: list[Any] = [
            ("local", "{}", None, "3.11.2", None, None),
            ("local", "{}", '{"name": "pickle"}', "3.11.2", None, None),
            ("local", "{}", None, "3.11.2", "numpy", "2.0"),
            ("", "{}", None, None, None, None),
        ]
        numbers = [db.kind(*key) for key in keys]
        assert len(set(numbers)) == 4
        assert [db.kind(*key) for key in keys] == numbers
        for key, number in zip(keys, numbers, strict=True):
            assert db.result_kind(number) == (number, *key)
        assert db.result_kinds() == [db.result_kind(number) for number in sorted(numbers)]
        with pytest.raises(LookupError):
            db.result_kind(max(numbers) + 1)
        if self.shared:
            other = open_it()
            assert [other.kind(*key) for key in reversed(keys)] == numbers[::-1]
            other.close()

    def test_cache_entries_come_back_the_last_first(self, db: StateDB) -> None:
        """One for each task run, of any run."""
        for run in "ab":
            db.put_flow_run(flow_run_row(run))
        full = CacheEntry("key", "a", "task-1", 3, 1.5, 2.5, b"code", '{"x": "ab"}', '{"p": "cd"}')
        bare = CacheEntry("key", "b", "task-1", -1, 1.0)
        other = CacheEntry("other", "a", "task-2", -1, 1.0)
        db.cache_put([full, other])
        db.cache_put([bare])
        db.flush()
        assert db.cache_find("key") == [bare, full]
        assert db.cache_find("other") == [other]
        assert db.cache_find("nothing") == []
        assert db.cached("a") == [other, full]
        assert db.cached("nobody") == []
        again = full._replace(created=9.0)
        db.cache_put([again])
        db.flush()
        assert db.cache_find("key") == [again, bare]

    # ------------------------------------------------------------------------------------------------- the rest

    def test_many_cache_entries_are_written_and_those_of_an_unknown_run_left_out(self, db: StateDB) -> None:
        """One by one or together, from several threads; whoever flushes is told of what was left out."""
        db.put_flow_run(flow_run_row("a"))

        def put(first: int) -> None:
            for index in range(first, first + 50):
                db.cache_put([CacheEntry("key", "a", "task-1", index, 1000.0)])

        threads = [threading.Thread(target=put, args=(first,)) for first in (0, 50, 100)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        db.flush()
        assert {entry.index for entry in db.cache_find("key")} == set(range(150))
        db.cache_put([CacheEntry("other", run, "task-1", 7, 1000.0) for run in ("a", "unknown", "a")])
        with pytest.raises(UnknownRunError):
            db.flush()
        assert [entry.run for entry in db.cache_find("other")] == ["a"]
        db.flush()

    def test_a_run_has_one_holder(self, db: StateDB) -> None:
        """Who is told apart, and who is named in the error."""
        import os

        with db.hold("a"):
            with pytest.raises(RunHeldError, match="Run a is at work") as caught:
                db.hold("a")
            assert caught.value.pid == os.getpid()
            with db.hold("b"):
                pass
        with db.hold("a"):
            pass

    def test_a_run_has_one_holder_among_processes(self, db: StateDB, other: StateDB) -> None:
        """And the next one can have it at once."""
        with db.hold("a"), pytest.raises(RunHeldError):
            other.hold("a")
        with other.hold("a"), pytest.raises(RunHeldError):
            db.hold("a")

    def test_a_deleted_run_is_gone(self, db: StateDB) -> None:
        """With all that belongs to it, and nothing else."""
        for run in "ab":
            db.put_flow_run(flow_run_row(run))
            db.task_runs_later([task_run_row(run, location="/place"), task_run_row(run, "x", location=f"/only/{run}")])
            db.cache_put([CacheEntry("key", run, "x", -1, 1.0)])
            db.set_pinned(run, "x")
        db.delete_flow_run("a")
        db.delete_flow_run("a")
        assert [run.id for run in db.flow_runs()] == ["b"]
        assert db.task_runs("a") == []
        assert len(db.task_runs("b")) == 2
        assert [entry.run for entry in db.cache_find("key")] == ["b"]
        assert [run.run for run in db.places("/place")] == ["b"]
        assert db.pins() == [("b", "x", -1, None)]
        assert db.places("/only/a") == []

    def test_a_run_at_work_is_not_deleted(self, db: StateDB) -> None:
        """Its holder would be surprised."""
        db.put_flow_run(flow_run_row("a"))
        with db.hold("a"), pytest.raises(RunHeldError):
            db.delete_flow_run("a")
        assert db.flow_run("a").id == "a"

    def test_what_another_process_deleted_is_not_remembered(self, db: StateDB, other: StateDB) -> None:
        """A run of the same id, and places in folders of the same name, are new ones."""
        for _ in range(3):
            for one, two in ((db, other), (other, db)):
                one.put_flow_run(flow_run_row("a"))
                one.task_runs_later([task_run_row("a", location="/folder/leaf")])
                one.flush()
                assert [run.location for run in two.task_runs("a")] == ["/folder/leaf"]
                two.delete_flow_run("a")
                assert one.task_runs("a") == []

    def test_a_run_that_another_process_deleted_has_no_pins_and_no_entries(self, db: StateDB, other: StateDB) -> None:
        """Those of the run that came after it are left alone."""
        db.put_flow_run(flow_run_row("a"))
        db.task_runs_later([task_run_row("a")])
        db.flush()
        other.delete_flow_run("a")
        other.put_flow_run(flow_run_row("b"))
        other.set_pinned("b", "task-1")
        other.cache_put([CacheEntry("key", "b", "task-1", -1, 1.0)])
        other.flush()
        with pytest.raises(UnknownRunError):
            db.set_pinned("a", "task-1", pinned=False)
        db.cache_put([CacheEntry("other", "a", "task-1", -1, 1.0)])
        with pytest.raises(UnknownRunError):
            db.flush()
        assert db.pins() == [("b", "task-1", -1, None)]
        assert [entry.key for entry in db.cached("b")] == ["key"]

    def test_results_and_runs_are_pinned(self, db: StateDB) -> None:
        """For ever or for some time, also where they are written again."""
        db.put_flow_run(flow_run_row("a"))
        db.task_runs_later([task_run_row("a", "x", 1), task_run_row("a", "x", 2)])
        db.set_pinned("a", "x", 1)
        db.set_pinned("a", "x", 2, keep_until=5.5)
        db.task_runs_later([task_run_row("a", "x", 1, attempt=2)])
        db.flush()
        assert sorted(db.pins("a")) == [("a", "x", 1, None), ("a", "x", 2, 5.5)]
        db.set_pinned("a", "x", 1, pinned=False)
        assert db.pins() == [("a", "x", 2, 5.5)]
        assert db.pins("b") == []
        db.set_pinned("a")
        assert db.flow_run("a").pinned is True
        db.set_pinned("a", pinned=False)
        assert db.flow_run("a").pinned is False
        with pytest.raises(UnknownRunError):
            db.set_pinned("b")
        with pytest.raises(UnknownRunError):
            db.set_pinned("b", "x")

    def test_many_results_are_pinned_at_once(self, db: StateDB) -> None:
        """Each until a time of its own, in place of the pin that it had."""
        db.put_flow_run(flow_run_row("a"))
        db.set_pinned("a", "x", 1)
        db.pin_until("a", {("x", index): 1000.0 + index for index in range(600)} | {("y", -1): 2.5})
        expected = {("x", index): 1000.0 + index for index in range(600)} | {("y", -1): 2.5}
        assert {(slug, index): end for _, slug, index, end in db.pins("a")} == expected
        with pytest.raises(UnknownRunError):
            db.pin_until("b", {("x", 1): 1.0})

    def test_threads_share_it(self, db: StateDB) -> None:
        """Each with a run of its own, and all reading."""
        failures: list[BaseException] = []

        def work(run: str) -> None:
            try:
                db.put_flow_run(flow_run_row(run))
                for index in range(50):
                    db.task_runs_later([task_run_row(run, "x", index, location=f"/{run}/{index}")])
                    db.kind("local", "{}", None, f"3.11.{index}", None, None)
                    db.flow_runs(limit=2)
                db.flush()
                assert len(db.task_runs(run)) == 50
                assert [found.run for found in db.places(f"/{run}/7")] == [run]
            except BaseException as error:  # noqa: BLE001 - raised by the test below
                failures.append(error)

        threads = [threading.Thread(target=work, args=(f"run-{number}",)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        assert len(db.flow_runs()) == 8

    def test_sizes(self, db: StateDB) -> None:
        """Rows are counted."""
        db.put_flow_run(flow_run_row("a"))
        db.task_runs_later([task_run_row("a", index=index) for index in range(3)])
        db.cache_put([CacheEntry("key", "a", "task-1", 1, 1.0)])
        db.flush()
        sizes = db.sizes()
        assert sizes.pop("bytes") >= 0
        assert sizes == {"flow_runs": 1, "task_runs": 3, "cache_entries": 1}

    def test_it_is_there_when_it_is_opened_again(self, db: StateDB, open_it: Callable[[], StateDB]) -> None:
        """Closing writes what waits."""
        if not self.shared:
            pytest.skip("nothing of this database outlives it")
        db.put_flow_run(flow_run_row("a"))
        db.task_runs_later([task_run_row("a", index=index) for index in range(1000)])
        db.close()
        again = open_it()
        assert len(again.task_runs("a")) == 1000
        assert again.upgrade() == again.version() == db.version()
        again.close()

    def test_nothing_is_written_after_closing(self, db: StateDB) -> None:
        """It is an error, not a loss."""
        db.put_flow_run(flow_run_row("a"))
        db.close()
        db.close()
        with pytest.raises(DatabaseError, match="closed"):
            db.put_flow_run(flow_run_row("b"))
        with pytest.raises(DatabaseError, match="closed"):
            db.task_runs_later([task_run_row("a")])
