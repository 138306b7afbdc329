"""Jobs in processes of their own."""

from __future__ import annotations

from resultant.executors.base import Executor, check_workers, cpus, gather

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from typing import Any

    from resultant.executors.pool import Pool


class ProcessExecutor(Executor):
    """Runs jobs in worker processes. Suits work that computes.

    Workers are started afresh, never forked, when jobs come; they never import the program's ``__main__``, so a script
    needs no ``if __name__ == "__main__":``. What `__main__` defines travels by value. A worker that dies costs the job it
    ran, and is replaced. Large buffers, such as arrays, travel uncopied: leave arguments unchanged until the job runs.

    Args:
        workers: how many processes; by default as many as there are processors.

    Raises:
        TypeError: `workers` is not a whole number.
        ValueError: `workers` is less than one.
    """

    in_process = False

    def __init__(self, workers: int | None = None) -> None:
        self.workers = check_workers("ProcessExecutor", workers, cpus())
        self._asked = workers
        self._idle()

    def _idle(self) -> None:
        from threading import Lock

        self._lock = Lock()
        self._users = 0
        self._pool: Pool | None = None

    def submit(
        self, fn: Callable[..., Any], /, *args: Any, extra_context: dict[str, Any] | None = None, **kwargs: Any
    ) -> Future[Any]:
        """Have the function called in one of the processes.

        Args:
            fn: the function.
            *args: its arguments.
            extra_context: ``task_name`` is what errors call the job.
            **kwargs: its keyword arguments.

        Returns:
            The future of what it returns. It ends with `UnpicklableError` when the call or its result cannot be sent,
            with `WorkerDiedError` when the process died while it ran the job, and with the job's own exception when it
            raised one; the cause of that is the traceback in the worker, as text.

        Raises:
            ExecutorError: the executor is not started, or its workers cannot be started.
        """
        pool = self._pool
        if pool is None:
            from resultant.errors import ExecutorError

            raise ExecutorError(f"{self!r} is not started: submit inside `with executor.start():`")
        from resultant.executors.job import JobFuture, make_job

        try:
            job = make_job(fn, args, kwargs, extra_context)
        except Exception as error:  # noqa: BLE001 - whoever waits for the job is to hear of it
            future = JobFuture()
            future.set_exception(error)
            return future
        pool.submit(job)
        return job.future

    def wait(self, futures: Any) -> Any:
        """Wait for results. See `Executor.wait`."""
        return gather(futures)

    def shared(self, obj: Any) -> Any:
        """Wrap an argument that many jobs have in common, so that it is pickled once and sent once to each worker.

        Args:
            obj: the argument.

        Returns:
            A `Shared`, whose place the object takes in the worker.
        """
        from resultant.executors.shared import Shared

        return Shared(obj)

    def _enter(self, setup: tuple[Callable[..., Any], tuple[Any, ...]] | None) -> None:
        frame = None
        if setup is not None:
            from resultant.executors.job import make_setup

            frame = make_setup(*setup)
        with self._lock:
            if self._pool is None:
                from resultant.executors.pool import Pool

                self._pool = Pool(self.workers)
            self._pool.prepare(frame)
            self._users += 1

    def _exit(self, failed: bool) -> None:
        with self._lock:
            self._users -= 1
            if self._users:
                return
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop(now=failed)

    def _options(self) -> dict[str, Any]:
        return {} if self._asked is None else {"workers": self._asked}

    def __getstate__(self) -> dict[str, Any]:
        return {"workers": self._asked}

    def __setstate__(self, state: dict[str, Any]) -> None:
        ProcessExecutor.__init__(self, state["workers"])
