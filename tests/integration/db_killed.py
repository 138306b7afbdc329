"""Processes that use a state database and end with kill -9."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from resultant.db.sqlite import SqliteDB
from resultant.testing.statedb import flow_run_row

HEAD = """
import os, sqlite3, threading, time
from resultant.db.sqlite import SqliteDB
from resultant.errors import DatabaseFullError
from resultant.records import CacheEntry
from resultant.testing.statedb import flow_run_row, task_run_row

db = SqliteDB({file!r})

def lock():
    other = sqlite3.connect({file!r}, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other

def dies():
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A database with two runs."""
    path = str(tmp_path / "home" / "resultant.db")
    db = SqliteDB(path)
    db.put_flow_run(flow_run_row("a"))
    db.put_flow_run(flow_run_row("b"))
    db.close()
    return path


def killed(file: str, code: str) -> None:
    """Run code that uses the database, and ends with kill -9."""
    script = HEAD.format(file=file) + code + "\ndies()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGKILL, "")
