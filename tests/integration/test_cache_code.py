"""Which changes of code a cached result outlives; each run is a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from cache_home import Home, code


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home."""
    return Home(tmp_path)


class TestCode:
    CHANGES = {
        "its own": (code("return x + 1"), code("return x + 2")),
        "a name that it uses": (code("return abs(x)"), code("return bool(x)")),
        "a default": (code("return x + y", default=", y=1"), code("return x + y", default=", y=2")),
        "a keyword's default": (code("return x + y", default=", *, y=1"), code("return x + y", default=", *, y=2")),
        "a helper": (
            code("return help(x)", "def help(x): return x"),
            code("return help(x)", "def help(x): return -x"),
        ),
        "a helper's helper": (
            code("return help(x)", "def help(x): return more(x)\ndef more(x): return x"),
            code("return help(x)", "def help(x): return more(x)\ndef more(x): return -x"),
        ),
        "a constant": (code("return x * RATE", "RATE = 2"), code("return x * RATE", "RATE = 3")),
        "a table": (code("return T['a']", "T = {'a': 1}"), code("return T['a']", "T = {'a': 2}")),
        "a helper in a table": (
            code("return T['a'](x)", "T = {'a': lambda x: x}"),
            code("return T['a'](x)", "T = {'a': lambda x: -x}"),
        ),
        "a closure": (
            code("return help(x)", "def make(n):\n    return lambda x: x + n\nhelp = make(1)"),
            code("return help(x)", "def make(n):\n    return lambda x: x + n\nhelp = make(2)"),
        ),
        "a method": (
            code("return C().m(x)", "class C:\n    def m(self, x): return x"),
            code("return C().m(x)", "class C:\n    def m(self, x): return -x"),
        ),
        "a base's method": (
            code("return C().m(x)", "class B:\n    def m(self, x): return x\nclass C(B): pass"),
            code("return C().m(x)", "class B:\n    def m(self, x): return -x\nclass C(B): pass"),
        ),
        "a partial": (
            code("return p(x)", "import functools\np = functools.partial(max, 5)"),
            code("return p(x)", "import functools\np = functools.partial(max, 6)"),
        ),
        "what a decorator holds": (
            code("return help(x)", "import functools\n@functools.cache\ndef help(x): return x"),
            code("return help(x)", "import functools\n@functools.cache\ndef help(x): return -x"),
        ),
        "another task": (
            code("return help.run(x)", "@task\ndef help(x): return x"),
            code("return help.run(x)", "@task\ndef help(x): return -x"),
        ),
    }

    @pytest.mark.parametrize("change", CHANGES)
    def test_other_code_is_a_miss_and_the_log_says_so(self, home: Home, change: str) -> None:
        old, new = self.CHANGES[change]
        home.run(old)
        assert home.run(old).ran == []
        later = home.run(new)
        assert later.ran == [[2]]
        assert "computed with other code" in later.log
        assert home.run(new).ran == []
        # Nothing was lost by the change.
        assert home.run(old).ran == []

    def test_a_helper_in_another_file(self, home: Home) -> None:
        helpers = home.folder / "helpers.py"
        for statement, call in (("import helpers", "helpers.help(x)"), ("from helpers import help", "help(x)")):
            helpers.write_text("def help(x):\n    return x\n")
            home.run(code(f"return {call}", statement))
            assert home.run(code(f"return {call}", statement)).ran == []
            helpers.write_text("def help(x):\n    return -x\n")
            later = home.run(code(f"return {call}", statement))
            assert later.values == ["-2"]

    @pytest.mark.parametrize(
        "other",
        [
            code("return x + 1", before="# A comment.\n\n\nimport json"),
            code("return (x + 1)  # another comment"),
            code("return x + 1", before="def unused(): return 1"),
            code("return x + 1", options=", max_retries=2, retry_delay=HOUR, log_stdout=True"),
        ],
    )
    def test_what_does_not_compute_does_not_count(self, home: Home, other: str) -> None:
        home.run(code("return x + 1"))
        assert home.run(other).ran == []

    def test_unless_the_task_says_that_code_does_not_count(self, home: Home) -> None:
        home.run(code("return x + 1"))
        later = home.run(code("return x + 2", options=", cache_ignores_code=True"))
        assert later.ran == []
        assert later.values == ["3"]

    def test_attributes_of_a_task_count(self, home: Home) -> None:
        own = """
class Add(Task):
    def __init__(self, amount, **options):
        super().__init__(**options)
        self.amount = amount

    def run(self, x):
        note(x)
        return x + self.amount

with Flow("f", result=LocalResult()) as flow:
    one = Add({amount}, name="add", cache_for=HOUR, cache_validator=all_inputs)(2)
finish(flow, one)
"""
        home.run(own.format(amount=1))
        assert home.run(own.format(amount=1)).ran == []
        assert home.run(own.format(amount=2)).values == ["4"]

    CLIENT = """
import threading

def build(client):
    @task(cache_for=HOUR, cache_validator=all_inputs{options})
    def ask(x):
        note(x)
        return (client is not None) + x
    return ask

with Flow("f", result=LocalResult()) as flow:
    one = build(threading.Lock())(1)
finish(flow, one)
"""

    def test_what_cannot_be_compared_is_not_offered_and_says_so(self, home: Home) -> None:
        first = home.run(self.CLIENT.format(options=""))
        assert "'client'" in first.log
        assert "cache_ignores_code=True" in first.log
        assert home.run(self.CLIENT.format(options="")).ran == [[1]]

    def test_unless_nobody_wants_to_compare_it(self, home: Home) -> None:
        free = self.CLIENT.format(options=", cache_ignores_code=True")
        first = home.run(free)
        assert "'client'" not in first.log
        assert home.run(free).ran == []

    def test_a_client_of_the_whole_module_is_no_hindrance(self, home: Home) -> None:
        own = code("return x + (lock is not None)", "import threading\nlock = threading.Lock()")
        assert "cannot be compared" not in home.run(own).log
        assert home.run(own).ran == []
