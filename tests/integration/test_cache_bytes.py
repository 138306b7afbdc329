"""A hit is proven by its bytes: what is gone, damaged or overwritten is a miss with a reason."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from cache_home import Home, code, square


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home."""
    return Home(tmp_path)


class TestBytes:
    @pytest.mark.parametrize("harm", ["gone", "damaged", "truncated", "empty", "folder gone"])
    def test_what_cannot_be_read_is_a_miss_with_a_reason(self, home: Home, harm: str) -> None:
        home.run(square().replace("x * x + y", "'text' * 100"))
        (path,) = [path for path in home.results() if path.stat().st_size > 100]
        data = path.read_bytes()
        if harm == "gone":
            path.unlink()
        elif harm == "folder gone":
            for each in home.results():
                each.unlink()
        else:
            path.write_bytes({"damaged": data[:-20] + b"X" + data[-19:], "truncated": data[:-9], "empty": b""}[harm])
        later = home.run(square().replace("x * x + y", "'text' * 100"))
        assert later.ran == [[3]]
        assert later.states == ["Cached"]
        assert "the cached value cannot be used" in later.log
        assert home.run(square().replace("x * x + y", "'text' * 100")).ran == []

    def test_a_class_that_is_gone_is_one_too(self, home: Home) -> None:
        helpers = home.folder / "helpers.py"
        helpers.write_text("class Thing:\n    pass\n")
        own = code("import helpers; return helpers.%s()")
        home.run(own % "Thing")
        helpers.write_text("class Other:\n    pass\n")
        later = home.run(own.replace("cache_validator=all_inputs", "cache_ignores_code=True") % "Other")
        assert later.ran == [[2]]
        assert "cannot be read" in later.log

    def test_a_place_that_somebody_wrote_to_since(self, home: Home) -> None:
        fixed = (
            square("{x}")
            .replace("LocalResult()", "LocalResult()")
            .replace("@task(", "@task(result=LocalResult(location='same'), ")
        )
        home.run(fixed.format(x=3))
        home.run(fixed.format(x=4))
        later = home.run(fixed.format(x=3))
        assert later.ran == [[3]]
        assert "something else was written there" in later.log
        # Now the place holds what the newest entry says.
        assert home.run(fixed.format(x=3)).ran == []

    def test_even_where_a_class_of_one_s_own_takes_no_digests(self, home: Home) -> None:
        own = """
class Mine(LocalResult):
    def write(self, value_, **names):
        return super().write(value_, **names)
"""
        fixed = own + square("{x}").replace("@task(", "@task(result=Mine(location='same'), ")
        home.run(fixed.format(x=3))
        assert home.run(fixed.format(x=3)).ran == []
        home.run(fixed.format(x=4))
        later = home.run(fixed.format(x=3))
        assert later.ran == [[3]]
        assert "another task run wrote there since" in later.log

    def test_a_folder_that_may_not_be_read(self, home: Home) -> None:
        if os.geteuid() == 0:
            pytest.skip("root may read everything")
        home.run(square())
        (home.home / "results").chmod(0)
        try:
            code_of_another = square().replace("LocalResult()", f"LocalResult(dir={str(home.folder / 'other')!r})")
            assert home.run(code_of_another).ran == [[3]]
        finally:
            (home.home / "results").chmod(0o700)
