"""Databases and rows that the tests of state databases start from."""

from __future__ import annotations

import pytest

from resultant.records import FlowRun, TaskRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, ClassVar

    from resultant.db import StateDB

__all__ = ["StateDBFixtures", "flow_run_row", "task_run_row"]


def flow_run_row(run_id: str, **changes: Any) -> FlowRun:
    """Return a flow run of little content."""
    row = FlowRun(run_id, "flow", f"name of {run_id}", "Running", 1, None, None, 1000.25, 1000.5)
    return row._replace(**changes)


def task_run_row(run_id: str, slug: str = "task-1", index: int = -1, **changes: Any) -> tuple[Any, ...]:
    """Return a task run of little content as :meth:`~resultant.db.StateDB.task_runs_later` takes it."""
    return tuple(TaskRun(run_id, slug, index, "Success", 1, 1, 1000.75, 1001.0)._replace(**changes))


class StateDBFixtures:
    """The database under test, once and twice."""

    #: Whether several objects, in this process or in others, can have the same database.
    shared: ClassVar[bool] = True

    @pytest.fixture
    def open_it(self) -> Callable[[], StateDB]:
        """Opens the database under test; override."""
        raise NotImplementedError("give a fixture named open_it")

    @pytest.fixture
    def db(self, open_it: Callable[[], StateDB]) -> Iterator[StateDB]:
        """The database, empty."""
        db = open_it()
        yield db
        db.close()

    @pytest.fixture
    def other(self, db: StateDB, open_it: Callable[[], StateDB]) -> Iterator[StateDB]:
        """The same database, as another process has it."""
        if not self.shared:
            pytest.skip("nobody else can have this database")
        other = open_it()
        yield other
        other.close()
