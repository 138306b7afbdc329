"""Which finished runs have had their time."""

from __future__ import annotations

import re
from collections import Counter
from time import time

from resultant.cli import output
from resultant.cli.failure import Failure
from resultant.cli.removal import Removal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.cli.survey import Survey
    from resultant.records import FlowRun

__all__ = ["Budget", "parsed_size"]

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def parsed_size(text: str) -> int:
    """Return a size such as ``500M`` or ``10GiB`` in bytes.

    Raises:
        Failure: it is no size.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", text.strip().lower())
    if match is None:
        raise Failure(f"{text!r} is no size: write 500M, 10G or a number of bytes.")
    return int(float(match[1]) * _UNITS[match[2]])


class Budget:
    """Chooses runs by age, number and bytes; a run that any of them chooses is chosen.

    Args:
        age: seconds since their end beyond which runs are chosen.
        count: how many of the last runs of each flow are not chosen.
        size: bytes that the results of runs that are not chosen may take.
        flow: only runs of this flow are looked at.

    Attributes:
        excess: by how many bytes what is left takes more than `size`, once runs were chosen.
    """

    def __init__(self, age: float | None, count: int | None, size: int | None, flow: str | None) -> None:
        self._age = age
        self._count = count
        self._size = size
        self._flow = flow
        self.excess = 0

    def choose(self, survey: Survey) -> list[tuple[FlowRun, str]]:
        """Return the chosen runs and why, the oldest first."""
        now = time()
        chosen: list[tuple[FlowRun, str]] = []
        candidates = []
        seen: Counter[str] = Counter()
        runs = survey.db.flow_runs(self._flow)
        for run in runs:
            if run.ended is None or run.state in ("Running", "Paused") or run.pinned:
                continue
            seen[run.flow] += 1
            why = self._why(run, now, seen[run.flow])
            if why is not None:
                chosen.append((run, why))
            else:
                candidates.append(run)
        chosen.reverse()
        return chosen + self._by_size(survey, runs, {run.id for run, _ in chosen}, candidates[::-1])

    def _why(self, run: FlowRun, now: float, number: int) -> str | None:
        if self._age is not None and run.ended is not None and now - run.ended > self._age:
            return f"ended {output.local(run.ended)}"
        if self._count is not None and number > self._count:
            return f"not among the last {self._count} of {run.flow!r}"
        return None

    def _by_size(
        self, survey: Survey, runs: list[FlowRun], gone: set[str], candidates: list[FlowRun]
    ) -> list[tuple[FlowRun, str]]:
        """Choose the oldest candidates until what the others refer to is small enough."""
        if self._size is None:
            return []
        ours = {run.id for run in runs}
        turns = {run.id: turn for turn, run in enumerate(candidates)} | dict.fromkeys(gone, -1)
        never = len(candidates)
        removal = Removal(survey.db, candidates, forget=False)
        # A place is freed in the turn of the last run that refers to it, unless something keeps it there.
        freed = [0] * (never + 1)
        for _, rows in survey.on_record():
            users = [row for row in rows if row.run in ours]
            turn = max((never if removal.has_kept(row) else turns.get(row.run, never) for row in users), default=-1)
            if turn >= 0:
                freed[turn] += max(row.size or 0 for row in users)
        total = sum(freed)
        chosen = []
        for run, size in zip(candidates, freed, strict=False):
            if total <= self._size:
                break
            chosen.append((run, f"results take {output.size(total)} in all"))
            total -= size
        self.excess = max(0, total - self._size)
        return chosen
