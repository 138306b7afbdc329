"""Help, versions and wrong commands; and what help may load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import COMMAND, Shell

from resultant.cli.commands import COMMANDS

GROUPS = {
    "runs": ["diff", "ls", "rm", "show"],
    "results": ["diff", "ls", "read", "show", "verify"],
    "db": ["status", "upgrade"],
    "config": ["show"],
}
EVERY = [[name] for name in COMMANDS if name not in GROUPS] + [[name, each] for name in GROUPS for each in GROUPS[name]]


def test_help_names_every_command(shell: Shell) -> None:
    for words in ([], ["--help"], ["-h"]):
        answer = shell(*words)
        assert answer.status == 0
        assert all(name in answer.out for name in COMMANDS)


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_command_has_help_and_json(shell: Shell, words: list[str]) -> None:
    answer = shell(*words, "--help")
    assert answer.status == 0, answer
    assert "--json" in answer.out
    assert "--debug" in answer.out
    assert answer.out.count("\n") > 6
    assert answer.err == ""


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_lists_its_commands(shell: Shell, group: str) -> None:
    answer = shell(group)
    assert answer.status == 0
    assert all(f"  {name} " in answer.out for name in GROUPS[group])


def test_help_loads_next_to_nothing() -> None:
    script = (
        "import sys; before = set(sys.modules); sys.argv = ['resultant', '--help']\n"
        "from resultant.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(*sorted(set(sys.modules) - before), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {str(_source())!r})\n{script}"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    loaded = set(done.stderr.split())
    ours = {"", ".cli", ".cli.commands", ".cli.main", ".cli.streams"}
    assert loaded <= {"__future__", *(f"resultant{name}" for name in ours)}


def _source() -> Path:
    import resultant

    return Path(resultant.__file__).parents[1]


def test_the_version(shell: Shell) -> None:
    import resultant

    assert shell("--version").out == f"resultant {resultant.__version__}\n"


def test_an_unknown_command_is_one_line(shell: Shell) -> None:
    for words in (["frob"], ["runs", "frob"]):
        answer = shell(*words)
        assert answer.status == 2
        assert "No such command 'frob'" in answer.err
        assert answer.err.count("\n") == 1


def test_a_reader_that_has_seen_enough_is_no_error(shell: Shell) -> None:
    shell.write("one.py", "from resultant import Flow, task\n@task\ndef a(): return 1\nwith Flow('one') as f: a()\n")
    shell.run("one.py")
    done = subprocess.run(
        f"{COMMAND} runs show {shell.newest()} | true",
        shell=True, cwd=shell.folder, env=shell.environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""
