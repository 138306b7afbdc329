"""Every state database against the contract."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from resultant.db import StateDB, open_db
from resultant.testing import StateDBTests

pytestmark = pytest.mark.timeout(60)


class TestMemory(StateDBTests):
    shared: ClassVar[bool] = False

    @pytest.fixture
    def open_it(self) -> Callable[[], StateDB]:
        return lambda: open_db("memory://", "unused")


class TestSqlite(StateDBTests):
    @pytest.fixture
    def open_it(self, tmp_path: Path) -> Callable[[], StateDB]:
        return lambda: open_db(None, str(tmp_path / "home"))


class TestSqliteThatSurvivesTheLossOfPower(StateDBTests):
    @pytest.fixture
    def open_it(self, tmp_path: Path) -> Callable[[], StateDB]:
        return lambda: open_db(f"sqlite:///{tmp_path}/some where/ü.db", "unused", durability="power")


class TestPostgres(StateDBTests):
    @pytest.fixture
    def open_it(self, postgres: str) -> Callable[[], StateDB]:
        return lambda: open_db(postgres, "unused")
