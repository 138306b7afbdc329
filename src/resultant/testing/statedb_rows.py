"""What every state database must do with flow runs and task runs."""

from __future__ import annotations

import time

import pytest

from resultant.errors import UnknownRunError
from resultant.records import FlowRun, TaskRun

from .statedb_base import StateDBFixtures, flow_run_row, task_run_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.db import StateDB

__all__ = ["StateDBRowTests"]


class StateDBRowTests(StateDBFixtures):
    """Written, found again, replaced."""

    # --------------------------------------------------------------------------------------------------- flow runs

    def test_a_flow_run_comes_back(self, db: StateDB) -> None:
        """Every field, full or empty."""
        full = FlowRun(
            *(
                "id-1",
                "flow é",
                "name",
                "Failed",
                3,
                '{"x": 1}',
                '{"c": "…"}',
                1.5,
                2.000001,
                3.25,
                4.125,
                "/f.py",
                "flow",
            ),
            *("/cwd", "LocalExecutor()", True, '{"task-1": "ab"}', "ValueError f.py:3", "message", "/place", True),
        )
        bare = flow_run_row("id-2")
        for run in (full, bare):
            db.put_flow_run(run)
            assert db.flow_run(run.id) == run
            assert type(db.flow_run(run.id).alias) is bool

    def test_a_flow_run_replaces_the_one_with_its_id(self, db: StateDB) -> None:
        """Its task runs stay."""
        db.put_flow_run(flow_run_row("a"))
        db.task_runs_later([task_run_row("a")])
        db.put_flow_run(flow_run_row("a", state="Success", ended=1002.0))
        assert db.flow_run("a").state == "Success"
        assert len(db.flow_runs()) == 1
        assert len(db.task_runs("a")) == 1

    def test_an_unknown_run_is_an_error(self, db: StateDB) -> None:
        """With its id in the message."""
        with pytest.raises(UnknownRunError, match="nowhere"):
            db.flow_run("nowhere")
        with pytest.raises(LookupError):
            db.find_flow_run("")

    def test_a_run_is_found_by_prefix_or_name(self, db: StateDB) -> None:
        """As long as there is one alone that is meant."""
        for run_id, name in (("abc-1", "red-fox"), ("abc-2", "red-hen"), ("b%_", "red-hen"), ("abc-12", "x")):
            db.put_flow_run(flow_run_row(run_id, name=name))
        assert db.find_flow_run("abc-2").id == "abc-2"
        assert db.find_flow_run("abc-1").id == "abc-1"  # whole, though another begins with it
        assert db.find_flow_run("b").id == "b%_"
        assert db.find_flow_run("red-fox").id == "abc-1"
        for several in ("abc", "red-hen"):
            with pytest.raises(UnknownRunError, match="abc-2"):
                db.find_flow_run(several)
        for nothing in ("%", "_", "red", "abc-3", "ABC-2"):
            with pytest.raises(UnknownRunError):
                db.find_flow_run(nothing)

    def test_flow_runs_are_the_newest_first(self, db: StateDB) -> None:
        """By the time when they were created, then by the order of writing."""
        for run_id, created in (("a", 3.0), ("b", 1.0), ("c", 2.0), ("d", 2.0)):
            db.put_flow_run(flow_run_row(run_id, created=created, flow="f" if run_id in "bc" else "g"))
        db.put_flow_run(db.flow_run("d")._replace(state="Failed"))

        def ids(**which: Any) -> str:
            return "".join(run.id for run in db.flow_runs(**which))

        assert ids() == "adcb"
        assert ids(flow="f") == "cb"
        assert ids(state="Failed") == "d"
        assert ids(since=2.0) == "adc"
        assert ids(limit=2) == "ad"
        assert ids(limit=0) == ""
        assert ids(before="d") == "cb"
        assert ids(before="d", limit=1) == "c"
        assert ids(before="a", flow="g", state="Failed", since=2.0) == "d"
        assert ids(flow="nothing") == ""
        with pytest.raises(UnknownRunError):
            db.flow_runs(before="nowhere")

    # --------------------------------------------------------------------------------------------------- task runs

    def test_a_task_run_comes_back(self, db: StateDB) -> None:
        """Every field, full or empty, among others or alone."""
        db.put_flow_run(flow_run_row("a"))
        kind = db.kind("local", "{}", None, "3.11.2", None, None)
        full = TaskRun(
            *("a", "full", 7, "Retrying", 2, 3, 1.000001, 2.5, 3.75, 4, b"\0\xff" * 8, kind, "/dir/é/7.pickle"),
            *(1 << 40, b"digest", True, "ValueError f.py:3", "a\nmessage '\"\\ \t", "/text", 5),
        )
        bare = TaskRun("a", "bare", -1, "Success", 1, 1, 1.0)
        for rows in ([full], [bare], [full, bare], [bare] * 3 + [full]):
            db.task_runs_later([tuple(row) for row in rows])
            db.flush()
            assert set(db.task_runs("a")) <= {full, bare}
        assert db.task_runs("a", "full") == [full]
        assert db.task_runs("a", "bare") == [bare]
        assert type(db.task_runs("a", "full")[0].none) is bool

    @pytest.mark.parametrize(
        "location",
        [
            *("/a/b.pickle", "/b", "b", "", "s3://bucket/key/x.pickle", "a//b/", "/", "with space/é 字", "C:\\x\\y"),
            *('{"a": "b/c"}', '"/text/"', "[1, 2]", "12", "null", '"' + "long/" * 10_000 + '"', "x/" * 2000 + "y"),
        ],
    )
    def test_locations_come_back_and_are_found(self, db: StateDB, location: str) -> None:
        """Paths, keys, addresses, and values in line."""
        db.put_flow_run(flow_run_row("a"))
        rows = [task_run_row("a", index=index, location=text) for index, text in enumerate([location, "/other", None])]
        db.task_runs_later(rows)
        db.flush()
        assert [run.location for run in db.task_runs("a")] == [location, "/other", None]
        assert [run.index for run in db.places(location)] == [0]
        assert db.places(location + "x") == []

    def test_many_task_runs_at_once(self, db: StateDB) -> None:
        """Whatever groups they are written in."""
        db.put_flow_run(flow_run_row("a"))
        for many in (1, 2, 3, 511, 512, 513, 1500):
            rows = [task_run_row("a", f"task-{many}", index, location=f"/{many}/{index}") for index in range(many)]
            db.task_runs_later(rows)
            rows.clear()
            db.flush()
            found = db.task_runs("a", f"task-{many}")
            assert [run.location for run in found] == [f"/{many}/{index}" for index in range(many)]
        assert db.counts("a") == {"Success": 3042}

    def test_task_runs_are_chosen(self, db: StateDB) -> None:
        """By slug, index and state, in order."""
        for run in "ab":
            db.put_flow_run(flow_run_row(run))
        db.task_runs_later([task_run_row("b"), task_run_row("a", "y", 2), task_run_row("a", "x", 10)])
        db.task_runs_later(
            [task_run_row("a", "x", index, state="Failed" if index == 1 else "Success") for index in (9, 1)]
        )
        db.task_runs_later([task_run_row("a", "x", -1, state="Mapped", children=3)])
        db.flush()

        def places(run_id: str = "a", **which: Any) -> list[tuple[str, int]]:
            return [(run.slug, run.index) for run in db.task_runs(run_id, **which)]

        assert places() == [("y", 2), ("x", -1), ("x", 1), ("x", 9), ("x", 10)]
        assert places(slug="x", index=9) == [("x", 9)]
        assert places(index=2) == [("y", 2)]
        assert places(state="Failed") == [("x", 1)]
        assert places(state="Unheard") == []
        assert places(limit=2) == [("y", 2), ("x", -1)]
        assert places("b") == [("task-1", -1)]
        assert places("nowhere") == []
        assert db.counts("a") == {"Mapped": 1, "Failed": 1, "Success": 3}
        assert db.counts("nowhere") == {}

    def test_the_last_row_stands(self, db: StateDB) -> None:
        """Of one run, slug and index, also where both are in one group."""
        db.put_flow_run(flow_run_row("a"))
        db.task_runs_later([task_run_row("a", state="Retrying", due=5.0), task_run_row("a", error="first")])
        db.flush()
        (found,) = db.task_runs("a")
        assert (found.state, found.due, found.error) == ("Success", None, "first")
        db.task_runs_later([task_run_row("a", state="Failed")])
        db.flush()
        (found,) = db.task_runs("a")
        assert (found.state, found.error) == ("Failed", None)

    def test_a_row_of_an_unknown_run_is_left_out_and_reported_once(self, db: StateDB) -> None:
        """The others are written."""
        db.put_flow_run(flow_run_row("a"))
        rows = [task_run_row("a", index=index) for index in range(20)]
        db.task_runs_later([*rows[:7], task_run_row("nowhere"), *rows[7:]])
        with pytest.raises(UnknownRunError, match="nowhere"):
            db.flush()
        db.flush()
        assert [run.index for run in db.task_runs("a")] == list(range(20))

    def test_rows_are_durable_soon_without_a_flush(self, db: StateDB, other: StateDB) -> None:
        """Another process sees them."""
        db.put_flow_run(flow_run_row("a"))
        db.task_runs_later([task_run_row("a")])
        deadline = time.monotonic() + 5
        while not other.task_runs("a"):
            assert time.monotonic() < deadline, "nobody wrote the row"
            time.sleep(0.002)

    def test_task_runs_are_durable_before_the_flow_run_that_says_so(self, db: StateDB, other: StateDB) -> None:
        """What was reported finished is there."""
        db.put_flow_run(flow_run_row("a"))
        for index in range(20):
            db.task_runs_later([task_run_row("a", index=index)])
            db.put_flow_run(flow_run_row("a", attempt=index))
            assert other.flow_run("a").attempt == index
            assert len(other.task_runs("a")) == index + 1

    def test_places_name_the_last_to_be_written_first(self, db: StateDB) -> None:
        """Across runs; writing a row again counts."""
        for run in "abc":
            db.put_flow_run(flow_run_row(run))
            db.task_runs_later(
                [task_run_row(run, location="/same/place"), task_run_row(run, "x", location=f"/same/{run}")]
            )
        db.flush()
        assert [run.run for run in db.places("/same/place")] == ["c", "b", "a"]
        db.task_runs_later([task_run_row("b", location="/same/place", attempt=2)])
        db.flush()
        assert [run.run for run in db.places("/same/place")] == ["b", "c", "a"]
        db.task_runs_later([task_run_row("b")])
        db.flush()
        assert [run.run for run in db.places("/same/place")] == ["c", "a"]
