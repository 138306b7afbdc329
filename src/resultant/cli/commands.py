"""The names of the commands."""

from __future__ import annotations

__all__ = ["COMMANDS"]

#: Name of each command, and what it is for. The module of the same name holds it.
COMMANDS = {
    "run": "Run a flow from a file; results are kept and the run is recorded.",
    "resume": "Go on with a run that died, failed or was paused.",
    "runs": "List, show, compare and remove recorded runs.",
    "results": "List, show, read, verify and compare stored results.",
    "why": "Say why a task ran, or why it did not.",
    "plan": "Say what a flow would run and what it would take as it is.",
    "gc": "Free the space of results that nobody needs any more.",
    "fsck": "Compare the database with the storage, and repair what can be repaired.",
    "db": "Look after the state database.",
    "config": "Show the settings in force.",
    "doctor": "Try the database and every storage, and say what is wrong.",
}
