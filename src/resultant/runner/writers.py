"""Finished bytes on their way to a store while other tasks run."""

from __future__ import annotations

from threading import Condition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future, ThreadPoolExecutor
    from typing import Any

__all__ = ["BYTES", "Writers"]

#: Under this name a result has finished bytes that a worker process leaves to the driver to write.
BYTES = "_bytes"

#: Bytes that may wait to be written; a task that brings more waits for room, so that memory stays bounded.
BUDGET = 256 << 20


#: Writes to a disk that may be in flight at once.
THREADS = 8


class Writers:
    """Threads that call functions which write.

    Args:
        budget: how many bytes may wait to be written.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self.budget = budget
        self.waiting = 0
        #: Called first when this is closed: what still has something to write.
        self.closing: list[Callable[[], None]] = []
        self._room = Condition()
        #: By how many threads they have: a disk wants few, a store on the other side of a network many.
        self._pools: dict[int, ThreadPoolExecutor] = {}

    def submit(self, size: int, write: Callable[[], Any], threads: int = THREADS) -> Future[Any]:
        """Call `write` on one of the threads, once there is room for its bytes.

        Args:
            size: the bytes that it holds.
            write: the call.
            threads: how many such writes may be in flight at once.

        Returns:
            Its future.
        """
        with self._room:
            # Tasks in several threads may come here first at once; only the pool that is kept is waited for.
            pool = self._pools.get(threads)
            if pool is None:
                from concurrent.futures import ThreadPoolExecutor

                pool = self._pools[threads] = ThreadPoolExecutor(threads, thread_name_prefix="resultant-write")
            # A payload beyond the whole budget may go alone.
            self._room.wait_for(lambda: not self.waiting or self.waiting + size <= self.budget)
            self.waiting += size
        future = pool.submit(write)
        future.add_done_callback(lambda _: self._release(size))
        return future

    def close(self) -> None:
        """Wait for every write in flight."""
        for close in self.closing:
            close()
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.shutdown(wait=True)

    def _release(self, size: int) -> None:
        with self._room:
            self.waiting -= size
            self._room.notify_all()
