"""What users write on the command line, and the line that they get where it is not right."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from command_line import Shell

ECHO = "from resultant import Flow, Parameter\nwith Flow('echo') as f:\n    Parameter('x')()\n"


def test_a_file_that_is_no_text_is_on_no_line(shell: Shell) -> None:
    path = shell.folder / "bin.py"
    path.write_bytes(b"a = 1\0\n")
    told = shell("run", "bin.py")
    assert told.status == 2
    assert f"{path}: source code" in told.err
    assert "None" not in told.err


def test_text_that_looks_like_json_is_text(shell: Shell) -> None:
    shell.write("echo.py", ECHO)
    text = "[" * 60_000
    run = shell.run("echo.py", "-p", f"x={text}")
    assert shell("results", "read", run, "x").out == f"{text}\n"


def test_a_number_of_workers_is_a_number(shell: Shell) -> None:
    shell.write("echo.py", ECHO)
    for text in ("threads:", "threads:0", "threads:two", "threads:²"):
        told = shell("run", "echo.py", "-p", "x=1", "--executor", text)
        assert told.status == 2, told
        assert "is no number of workers" in told.err


def test_flows_that_share_a_name_are_told_apart(shell: Shell) -> None:
    shell.write("several.py", "from resultant import Flow\na, b = Flow('same'), Flow('same')\nc = Flow('other')\n")
    told = shell("run", "several.py:same")
    assert told.status == 2
    assert "several flows named 'same'" in told.err
    assert "several.py:a" in told.err
    assert shell("run", "several.py:b").status == 0
    assert shell("run", "several.py:other").status == 0


def test_no_line_begins_with_the_number_of_an_error(shell: Shell) -> None:
    shell.write(
        "echo.py", ECHO.replace("Parameter('x')()", "task(lambda: [1], name='one')()").replace("Para", "task, Para")
    )
    run = shell.run("echo.py")
    place = shell("results", "show", run, "one", "--json").json["location"]
    Path(place).unlink()
    for answer in (
        shell("results", "read", run, "one"),
        shell("results", "verify", run),
        shell("results", "read", run, "one", "--out", "absent/file"),
        shell("results", "diff", run, run, "--values"),
    ):
        assert "[Errno" not in answer.out + answer.err
        assert place in answer.out + answer.err or "absent" in answer.err
