"""File systems of a test's own: small, full, read-only."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from resultant import config

sys.path.insert(0, str(Path(__file__).parent))
from command_line import Shell


@pytest.fixture
def checkpointing() -> None:
    """Results are written."""
    config.flows.checkpointing = True


class SmallDisk:
    """A file system in memory that is mounted for one test.

    Args:
        path: where it is mounted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def remount(self, option: str) -> None:
        """Mount it again with another option, such as ``ro`` or ``rw``."""
        subprocess.run(["mount", "-o", f"remount,{option}", str(self.path)], check=True, timeout=20)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], SmallDisk]]:
    """Mounts file systems of a given size, such as ``256k``; skips the test where that is not allowed."""
    mounted: list[Path] = []

    def mount(size: str) -> SmallDisk:
        if os.geteuid() != 0:
            pytest.skip("only root may mount a small file system")
        path = tmp_path / f"disk-{len(mounted)}"
        path.mkdir()
        options = f"size={size},mode=755"
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "resultant-test", str(path)],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip()}")
        mounted.append(path)
        return SmallDisk(path)

    yield mount
    for path in reversed(mounted):
        subprocess.run(["umount", "-l", str(path)], check=True, timeout=20)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Runs the `resultant` command in an empty folder, with a home of its own."""
    return Shell(tmp_path)
