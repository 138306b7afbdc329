"""A run from the command line: its settings, its output, and the status that it ends with."""

from __future__ import annotations

import os
import sys
from collections import Counter
from contextlib import contextmanager, suppress

from resultant.cli import output
from resultant.cli.command import as_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from resultant.core.flow import Flow
    from resultant.engine.state import State
    from resultant.records import FlowRun

__all__ = ["WAITING", "approval", "quiet_stdout", "report", "switch_on"]

#: The exit status of a run that waits for somebody's approval.
WAITING = 3


def switch_on() -> None:
    """Keep results and record runs, as the command line does unless a flow's file says otherwise."""
    from resultant.settings import config, current

    config.flows.checkpointing = True
    if current().flows.default_result is None:
        config.flows.default_result = "LocalResult"


@contextmanager
def quiet_stdout() -> Iterator[None]:
    """With ``--json``, lead what flows print to standard error, so that standard output is one document."""
    if not as_json():
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        # What was written to the stream that Python began with.
        if sys.__stdout__ is not None:
            with suppress(OSError, ValueError):
                sys.__stdout__.flush()
        os.dup2(kept, 1)
        os.close(kept)


def report(flow: Flow, run_id: str, run: Callable[[], State]) -> int:
    """Run a flow and print how it ended.

    Args:
        flow: the flow.
        run_id: the id of its run.
        run: runs it.

    Returns:
        The exit status.
    """
    _open_database()
    try:
        with quiet_stdout():
            final = run()
    except KeyboardInterrupt:
        if _row(run_id) is not None:
            sys.stderr.write(f"resultant: Interrupted. Go on with: resultant resume {run_id}\n")
        raise
    row = _row(run_id)
    tasks = {flow.slugs[task]: state for task, state in (final.result or {}).items()} if _is_table(final) else {}
    if as_json():
        _print_json(flow, run_id, row, final, tasks)
    else:
        _print_text(flow, run_id, row, final, tasks)
    if not final.is_finished():
        return WAITING
    return 0 if final.is_successful() else 1


def _open_database() -> None:
    """A database that cannot be used is better said before anything has run than as a failure of the flow."""
    from resultant.runner.recorded_runs import database
    from resultant.runtime import settings

    if settings().record.runs:
        database()


def _is_table(final: State) -> bool:
    return isinstance(final.result, dict)


def _row(run_id: str) -> FlowRun | None:
    from resultant.errors import UnknownRunError
    from resultant.runner.recorded_runs import database
    from resultant.runtime import settings

    if not settings().record.runs:
        return None
    try:
        return database().flow_run(run_id)
    except UnknownRunError:
        return None


def _counts(tasks: dict[str, State]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for state in tasks.values():
        counts.update(type(each).__name__ for each in _each(state))
    return dict(sorted(counts.items()))


def _taken(tasks: dict[str, State]) -> tuple[int, int]:
    """Return how many task runs stood from earlier attempts, and how many values were found at targets and in caches."""
    from resultant.runner.history import STOOD
    from resultant.runner.shelf import FOUND_IN_CACHE
    from resultant.runner.task import FOUND_AT_TARGET

    states = [each for state in tasks.values() for each in _each(state)]
    found = (FOUND_AT_TARGET, FOUND_IN_CACHE)
    messages = [str(state.message or "") for state in states]
    return messages.count(STOOD), sum(
        state.is_cached() and message.startswith(found) for state, message in zip(states, messages, strict=True)
    )


def _print_json(flow: Flow, run_id: str, row: FlowRun | None, final: State, tasks: dict[str, State]) -> None:
    stood, found = _taken(tasks)
    output.print_json(
        {
            "id": run_id,
            "flow": flow.name,
            "name": None if row is None else row.name,
            "state": "Paused" if _paused(final, tasks) else type(final).__name__,
            "attempt": None if row is None else row.attempt,
            "started": None if row is None else output.iso(row.started),
            "ended": None if row is None else output.iso(row.ended),
            "recorded": row is not None,
            "counts": _counts(tasks),
            "stood": stood,
            "found": found,
            "tasks": {slug: type(state).__name__ for slug, state in tasks.items()},
        }
    )


def _print_text(flow: Flow, run_id: str, row: FlowRun | None, final: State, tasks: dict[str, State]) -> None:
    waits = not final.is_finished()
    took = None if row is None else output.duration(row.started, row.ended)
    counts = ", ".join(f"{number:,} {name}" for name, number in _counts(tasks).items())
    head = "Waiting" if waits else type(final).__name__
    print(f"{head}: flow {flow.name!r}, run {run_id}{'' if took is None else f', {took}'}")
    if counts:
        stood, found = _taken(tasks)
        taken = [f"{stood:,} stood from earlier attempts"] * bool(stood) + [f"{found:,} found"] * bool(found)
        print(f"  {counts} ({', '.join(taken)})" if taken else f"  {counts}")
    paused = _paused(final, tasks)
    if row is not None and not final.is_successful():
        if not waits or any(each.is_failed() for state in tasks.values() for each in _each(state)):
            print(f"  What went wrong: resultant runs show {run_id}")
        if not paused:
            print(f"  Go on with it:   resultant resume {run_id}")
    if paused:
        print(f"  {output.plain(approval(run_id, paused))}")


def how_to_resume(row: FlowRun) -> str:
    """Return how to go on with a run, as a sentence.

    Args:
        row: the run's.
    """
    command = f"resultant resume {row.id}"
    if row.file is not None:
        return f"Go on with it: {command}"
    # A flow that a function made is in no variable of the program, where the command could find it.
    return (
        f"Go on with it where its flow is made: flow.run(resume_run={row.id!r}); or, with a file that holds the flow at its top "
        f"level: {command} FILE:FLOW"
    )


def approval(run_id: str, slugs: Iterable[str]) -> str:
    """Return what to do about a run that waits for approval.

    Args:
        run_id: its id.
        slugs: of the tasks that wait.
    """
    from shlex import quote

    words = " ".join(f"--approve {quote(slug)}" for slug in slugs)
    return f"It waits for approval. Go on with: resultant resume {run_id} {words}"


def _paused(final: State, tasks: dict[str, State]) -> list[str]:
    if final.is_finished():
        return []
    return [slug for slug, state in tasks.items() if any(type(each).__name__ == "Paused" for each in _each(state))]


def _each(state: State) -> list[State]:
    """Return the states of a mapped task's children, or that of any other task."""
    children = getattr(state, "map_states", None)
    return [each for each in children if each is not None] if children else [state]
