"""Modules that are loaded at the first look at what is in them, and what a command does without."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest


def _said(script: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_loaded_when_somebody_looks() -> None:
    said = _said(
        """
        import sys
        from resultant.cli.later import load_later

        load_later("fractions", "sys")
        import fractions
        assert "decimal" not in sys.modules, "it is loaded already"
        from fractions import Fraction
        assert Fraction(1, 2) + 1 == fractions.Fraction(3, 2)
        assert type(fractions) is type(sys) and fractions.__file__.endswith("fractions.py")
        assert not hasattr(fractions, "no_such_name")
        print("fine")
        """
    )
    assert said == "fine\n"


def test_several_threads_may_look_first() -> None:
    said = _said(
        """
        import sys, threading
        from resultant.cli.later import load_later

        load_later("statistics")
        import statistics
        sys.setswitchinterval(1e-6)
        found, together = [], threading.Barrier(8)

        def look():
            together.wait()
            found.append(statistics.NormalDist)

        threads = [threading.Thread(target=look) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        print(len(found), len(set(found)))
        """
    )
    assert said == "8 1\n"


def test_what_cannot_be_loaded_says_so_each_time(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("x = 1\nraise ImportError('it is broken')\n")
    said = _said(
        """
        from resultant.cli.later import load_later

        load_later("broken", "no_such_module")
        import broken
        for _ in range(2):
            try:
                broken.y
            except ImportError as error:
                print(error)
        try:
            import no_such_module
        except ModuleNotFoundError:
            print("none")
        """,
        PYTHONPATH=str(tmp_path),
    )
    assert said == "it is broken\nit is broken\nnone\n"


@pytest.mark.parametrize(
    "words", [["runs", "ls"], ["results", "ls", "--limit", "3"], ["db", "status"], ["runs", "ls", "--json"]]
)
def test_looking_up_loads_nothing_that_takes_long(tmp_path: Path, words: list[str]) -> None:
    script = f"""
        import sys
        from resultant.cli.main import main

        sys.argv = ["resultant", *{words!r}]
        try:
            main()
        except SystemExit as end:
            assert not end.code, end.code
        heavy = {{"ast", "asyncio", "cloudpickle", "concurrent.futures", "dataclasses", "dis", "logging", "msgspec",
                  "multiprocessing", "numpy", "obstore", "pandas", "rich", "subprocess", "typing_extensions"}}
        print("loaded:", *sorted(heavy & set(sys.modules)), file=sys.stderr)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "RESULTANT__HOME_DIR": str(tmp_path), "RESULTANT__FLOWS__CHECKPOINTING": "true"},
    )
    assert done.stderr == "loaded:\n"
