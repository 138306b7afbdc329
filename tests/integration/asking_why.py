"""What `resultant why` says, as a document and as text."""

from __future__ import annotations

from command_line import Shell


def why(shell: Shell, run: str, task: str) -> dict[str, str]:
    """Return the answer to why a task of a run ran or did not, which is the same in both forms."""
    answer = shell("why", run, task, "--json")
    assert answer.status == 0, answer
    told: dict[str, str] = answer.json
    text = shell("why", run, task)
    assert text.out.startswith(f"{told['task']}: {told['verdict']}. {told['reason']}")
    return told
