"""What a state database must do for those who go through everything: clean up, check, compare."""

from __future__ import annotations

from .statedb_base import StateDBFixtures, flow_run_row, task_run_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.db import StateDB

__all__ = ["StateDBSurveyTests"]


class StateDBSurveyTests(StateDBFixtures):
    """Inherited by :class:`~resultant.testing.StateDBTests`."""

    def _filled(self, db: StateDB) -> None:
        kinds = [
            db.kind(name, "{}", '{"name": "pickle"}', None, None, None) for name in ("local", "elsewhere", "inline")
        ]
        for number, run in enumerate("abc"):
            db.put_flow_run(flow_run_row(run, created=1000.0 + number))
            rows: list[tuple[Any, ...]] = [
                task_run_row(run, "mapped", index, location=f"/{run}/{index}", kind=kinds[0]) for index in range(12)
            ]
            rows += [
                task_run_row(run, "mapped", children=12),
                task_run_row(run, "shared", location="/all/of them", kind=kinds[0]),
                task_run_row(run, "elsewhere", location=f"bucket/{number}", kind=kinds[1]),
                task_run_row(run, "inline", location='["a/b"]', kind=kinds[2]),
                task_run_row(run, "nothing", state="Failed"),
            ]
            db.task_runs_later(rows)
        db.flush()

    def test_task_runs_come_in_batches(self, db: StateDB) -> None:
        """All of them once, in the same order, whatever the size of a batch."""
        self._filled(db)
        for size in (1, 4, 5, 1000):
            batches = list(db.task_run_batches("b", size))
            assert [row for batch in batches for row in batch] == db.task_runs("b")
            assert all(0 < len(batch) <= size for batch in batches)
        assert list(db.task_run_batches("nobody")) == []

    def test_task_runs_of_a_folder_come_in_batches(self, db: StateDB) -> None:
        """All whose places lie right in it, once."""
        self._filled(db)
        for size in (1, 5, 1000):
            batches = list(db.folder_batches("/b/", size))
            assert all(0 < len(batch) <= size for batch in batches)
            rows = [row for batch in batches for row in batch]
            assert sorted(row.index for row in rows) == list(range(12))
            assert {row.run for row in rows} == {"b"}
        assert [row.location for batch in db.folder_batches("/all/") for row in batch] == ["/all/of them"] * 3
        for folder in ("/", "/b", "b/", "/B/", "/b/1", "nothing/", '["a/'):
            assert list(db.folder_batches(folder)) == []

    def test_stored_task_runs_come_by_place(self, db: StateDB) -> None:
        """All of them once; those of one place follow each other, the last to be written last."""
        self._filled(db)
        expected = {(row.run, row.slug, row.index) for run in "abc" for row in db.task_runs(run) if row.location}
        for size in (1, 4, 5, 1000):
            batches = list(db.stored_batches(size))
            assert all(0 < len(batch) <= size for batch in batches)
            rows = [row for batch in batches for row in batch]
            assert len(rows) == len(expected)
            assert {(row.run, row.slug, row.index) for row in rows} == expected
            places = [row.location for number, row in enumerate(rows) if rows[number - 1].location != row.location]
            assert len(places) == len(set(places)), "a place occurs twice"
            shared = [row for row in rows if row.location == "/all/of them"]
            assert shared == db.places("/all/of them")[::-1]

    def test_many_places_are_looked_up_at_once(self, db: StateDB) -> None:
        """As one by one."""
        self._filled(db)
        asked = [f"/{run}/{index}" for run in "abcd" for index in range(12)]
        asked += ["/all/of them", "/all/of them", "bucket/1", "bucket/9", '["a/b"]', "it's"] * 300
        found = db.places_of(asked)
        assert found == {place: rows for place in asked if (rows := db.places(place))}
        assert db.places_of([]) == {}

    def test_local_folders_are_known(self, db: StateDB) -> None:
        """Those of other kinds of results, and values in line, are none."""
        assert db.local_folders() == []
        self._filled(db)
        assert sorted(db.local_folders()) == ["/a/", "/all/", "/b/", "/c/"]

    def test_holders_are_known(self, db: StateDB) -> None:
        """Of those runs that are asked for; looking keeps nobody out."""
        import os

        for run in ("a", "b", "c"):
            db.put_flow_run(flow_run_row(run))
        assert db.holders(["a", "b", "nobody"]) == {}
        with db.hold("a"), db.hold("c"):
            found = db.holders(["a", "b"])
            assert list(found) == ["a"]
            assert found["a"][0] == os.getpid()
        assert db.holders(["a", "c"]) == {}
        with db.hold("a"):
            pass

    def test_holders_among_processes_are_known(self, db: StateDB, other: StateDB) -> None:
        """Whoever looks needs no lock of its own."""
        db.put_flow_run(flow_run_row("a"))
        for _ in range(20):
            with other.hold("a"):
                assert "a" in db.holders(["a"])
            assert db.holders(["a"]) == {}
