"""The executor that chooses by the name of one of dask's local schedulers. Dask itself is not needed."""

from __future__ import annotations

from resultant.executors.base import Executor, check_workers, cpus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_CANONICAL = {
    "threads": "threads",
    "threading": "threads",
    "processes": "processes",
    "multiprocessing": "processes",
    "sync": "synchronous",
    "synchronous": "synchronous",
    "single-threaded": "synchronous",
}


class LocalDaskExecutor(Executor):
    """Runs jobs in threads, in processes, or one after another, as its scheduler says.

    Args:
        scheduler: ``threads``, ``processes`` or ``synchronous``, or another name that dask has for them
            (``threading``, ``multiprocessing``, ``sync``, ``single-threaded``), in any case.
        num_workers: how many jobs run at the same moment; one per processor when it is left out.
        **dask_config: kept as `dask_config` and otherwise not used: no dask runs here.

    Raises:
        ValueError: an unknown scheduler, or less than one worker.
        TypeError: a scheduler that is no text, or a number of workers that is none.
    """

    def __init__(self, scheduler: str = "threads", num_workers: int | None = None, **dask_config: Any) -> None:
        if not isinstance(scheduler, str):
            raise TypeError(f"LocalDaskExecutor(scheduler={scheduler!r}): the name of a scheduler is text")
        canonical = _CANONICAL.get(scheduler.lower())
        if canonical is None:
            raise ValueError(f"Unknown scheduler {scheduler!r}: there are {', '.join(sorted(_CANONICAL))}")
        workers = check_workers("LocalDaskExecutor", num_workers, cpus(), "num_workers")
        self.scheduler = canonical
        self.num_workers = num_workers
        self.dask_config = dask_config
        self._inner: Executor
        if canonical == "threads":
            from resultant.executors.threads import ThreadExecutor

            self._inner = ThreadExecutor(workers)
        elif canonical == "processes":
            from resultant.executors.processes import ProcessExecutor

            self._inner = ProcessExecutor(workers)
        else:
            from resultant.executors.local import LocalExecutor

            self._inner = LocalExecutor()
        self.inline = self._inner.inline
        self.in_process = self._inner.in_process
        self.workers = self._inner.workers

    def submit(
        self, fn: Callable[..., Any], /, *args: Any, extra_context: dict[str, Any] | None = None, **kwargs: Any
    ) -> Any:
        """Have the function called as the scheduler says. See `Executor.submit`."""
        return self._inner.submit(fn, *args, extra_context=extra_context, **kwargs)

    def wait(self, futures: Any) -> Any:
        """Wait for results as the scheduler says. See `Executor.wait`."""
        return self._inner.wait(futures)

    def shared(self, obj: Any) -> Any:
        """Wrap an argument of many jobs as the scheduler needs it. See `Executor.shared`."""
        return self._inner.shared(obj)

    def _enter(self, setup: tuple[Callable[..., Any], tuple[Any, ...]] | None) -> None:
        self._inner._enter(setup)

    def _exit(self, failed: bool) -> None:
        self._inner._exit(failed)

    def _options(self) -> dict[str, Any]:
        workers = {} if self.num_workers is None else {"num_workers": self.num_workers}
        return {"scheduler": self.scheduler, **workers, **self.dask_config}
