"""The way in: help without loading anything, and one clear line for whatever goes wrong."""

from __future__ import annotations

import sys

from resultant.cli.commands import COMMANDS
from resultant.cli.streams import prepare

__all__ = ["main"]

_HELP = """\
Usage: resultant [OPTIONS] COMMAND [ARGS]...

  Run flows, look at what they did, and clean up after them.

Options:
  --version   Show the version and exit.
  -h, --help  Show this message and exit.

  Every command also takes:
  --json      Print one JSON document instead of text.
  --debug     Show where an error comes from.

Commands:
{}

  resultant COMMAND --help says more about each.
"""


def main() -> None:
    """Run the command that the process was started with.

    Raises:
        SystemExit: always; 0 done, 1 the flow failed or a check found damage, 2 wrong usage or input, 3 the flow waits
            for somebody, 130 interrupted.
    """
    output = prepare()
    if output is None:
        sys.stderr.write("resultant: Standard output is closed. Lead it to a file, or to /dev/null.\n")
        sys.exit(2)
    sys.exit(output.end(_answer(sys.argv[1:])))


def _answer(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        # Answered before anything is imported.
        width = max(map(len, COMMANDS)) + 2
        lines = (f"  {name:<{width}}{text}" for name, text in COMMANDS.items())
        sys.stdout.write(_HELP.format("\n".join(lines)))
        return 0
    if arguments == ["--version"]:
        from resultant import __version__

        print(f"resultant {__version__}")
        return 0
    from resultant.cli.later import load_later

    # Click loads them at once, and needs them for the help of a command or not at all: a tenth of what a command takes.
    load_later("inspect", "platform")
    from resultant.cli.root import call

    return call(arguments)
