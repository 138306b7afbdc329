"""Task runs that wait: for a time, or for somebody's approval."""

from __future__ import annotations

from heapq import heappop, heappush
from time import time

from resultant.engine.state import Mapped, Scheduled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from resultant.engine.state import State

__all__ = ["Waits", "waiting_runs"]


class Waits:
    """Task runs by the time when they are due."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, int, int | None]] = []
        self._number = 0

    def __bool__(self) -> bool:
        return bool(self._heap)

    def add(self, index: int, child: int | None, state: State) -> None:
        """Note a task run whose state has a start time; one that waits for approval has none.

        Args:
            index: its step.
            child: position of a mapped child.
            state: how it stands.
        """
        start = getattr(state, "start_time", None)
        if start is not None:
            self._number += 1
            heappush(self._heap, (start.timestamp(), self._number, index, child))

    def pause(self) -> float:
        """Return how long it is until the next one is due, in seconds."""
        return max(0.0, self._heap[0][0] - time())

    def due(self) -> Iterator[tuple[int, int | None]]:
        """Yield step and child of those whose time has come."""
        # States compare their start with a clock of microseconds: begin a little late rather than in vain.
        moment = time() - 1e-5
        while self._heap and self._heap[0][0] <= moment:
            _, _, index, child = heappop(self._heap)
            yield index, child


def waiting_runs(states: Iterable[State]) -> list[tuple[int, int | None, State]]:
    """Return step, child and state of every task run that waits for a time or for approval.

    Args:
        states: of all steps, in order.
    """
    found: list[tuple[int, int | None, State]] = []
    for index, state in enumerate(states):
        if isinstance(state, Scheduled):
            found.append((index, None, state))
        elif isinstance(state, Mapped):
            for child, inner in enumerate(state.map_states):
                if isinstance(inner, Scheduled):
                    found.append((index, child, inner))
    return found
