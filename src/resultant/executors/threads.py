"""Jobs in threads of this process."""

from __future__ import annotations

from resultant.executors.base import Executor, check_workers, cpus, gather

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from typing import Any

    from resultant.executors.crew import Crew


class ThreadExecutor(Executor):
    """Runs jobs in threads of this process. Suits work that waits: for files, networks, or code that frees the lock.

    Args:
        workers: how many threads; by default four more than there are processors, and at most 32.

    Raises:
        TypeError: `workers` is not a whole number.
        ValueError: `workers` is less than one.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = check_workers("ThreadExecutor", workers, min(32, cpus() + 4))
        self._asked = workers
        self._idle()

    def _idle(self) -> None:
        from threading import Lock

        self._lock = Lock()
        self._users = 0
        self._crew: Crew | None = None

    def submit(
        self, fn: Callable[..., Any], /, *args: Any, extra_context: dict[str, Any] | None = None, **kwargs: Any
    ) -> Future[Any]:
        """Have the function called by one of the threads.

        Args:
            fn: the function.
            *args: its arguments.
            extra_context: ignored.
            **kwargs: its keyword arguments.

        Returns:
            The future of what it returns.

        Raises:
            ExecutorError: the executor is not started.
        """
        crew = self._crew
        if crew is None:
            raise _not_started(self)
        return crew.submit(fn, args, kwargs)

    def wait(self, futures: Any) -> Any:
        """Wait for results. See `Executor.wait`."""
        return gather(futures)

    def _enter(self, setup: tuple[Callable[..., Any], tuple[Any, ...]] | None) -> None:
        with self._lock:
            if self._crew is None:
                from resultant.executors.crew import Crew

                self._crew = Crew(self.workers)
            self._users += 1

    def _exit(self, failed: bool) -> None:
        with self._lock:
            self._users -= 1
            if self._users:
                return
            crew, self._crew = self._crew, None
        if crew is not None:
            crew.stop(cancel=failed)

    def _options(self) -> dict[str, Any]:
        return {} if self._asked is None else {"workers": self._asked}

    def __getstate__(self) -> dict[str, Any]:
        return {"workers": self._asked}

    def __setstate__(self, state: dict[str, Any]) -> None:
        ThreadExecutor.__init__(self, state["workers"])


def _not_started(executor: Executor) -> Exception:
    from resultant.errors import ExecutorError

    return ExecutorError(f"{executor!r} is not started: submit inside `with executor.start():`")
