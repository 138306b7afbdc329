"""``python -m resultant.compat.prefect FILE [ARGUMENT ...]``: runs a script under the alias."""

from __future__ import annotations

import os
import sys

__all__ = ["main"]

_USAGE = """\
usage: python -m resultant.compat.prefect FILE [ARGUMENT ...]

Run a Python script in which `import prefect` leads to resultant. The script sees its own arguments in sys.argv, and its
folder is the first place where it looks for modules, as if Python had been started with it.
"""


def main() -> None:
    """Run the script named on the command line.

    Raises:
        SystemExit: with status 2 and a message when no file, or one that does not exist, was named.
    """
    arguments = sys.argv[1:]
    if arguments[:1] in (["-h"], ["--help"]):
        sys.stdout.write(_USAGE)
        return
    if not arguments:
        sys.stderr.write(_USAGE)
        sys.exit(2)
    file = arguments[0]
    if not os.path.exists(file):
        sys.stderr.write(f"There is no file {file!r}: name the script to run.\n")
        sys.exit(2)
    from resultant.compat.alias import install

    install()
    sys.argv[:] = arguments
    sys.path[0] = os.path.dirname(os.path.abspath(file))
    from runpy import run_path

    run_path(file, run_name="__main__")
