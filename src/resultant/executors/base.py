"""What every executor promises."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Any


class Executor:
    """A place where functions are run. This class is the contract; it runs nothing itself.

    An executor is a small value: it holds its options, can be compared, and can be pickled at any time, also while it is
    started; what it has running (threads, processes) never travels. It may be started again after it has stopped, and
    several runs may have one executor started at once: what it runs lasts until the last of them leaves.

    Attributes:
        inline: the function is called by the very thread that submits it. A runner may then call it itself.
        in_process: functions run in this process, so arguments and results are the same objects on both sides. Where
            this is false they are pickled, and must survive cloudpickle.
        workers: how many functions can run at the same moment.
    """

    inline: bool = False
    in_process: bool = True
    workers: int = 1

    def start(
        self, setup: tuple[Callable[..., Any], tuple[Any, ...]] | None = None
    ) -> AbstractContextManager[Executor]:
        """Get ready to run functions.

        The context manager that comes back starts on entry. On a normal exit it waits for the jobs there are, then lets
        its workers go; when the block ends by an exception, such as Ctrl-C, jobs that have not begun are cancelled, and
        worker processes are ended in the middle of those that have.

        Args:
            setup: a function and its arguments, to be called once in each worker process before its first job, also in
                those that replace a dead one. Executors of this process do not call it: they are set up already.

        Returns:
            A context manager whose value is the executor.

        Raises:
            UnpicklableError: the setup cannot be sent to another process.
        """
        return Started(self, setup)

    def submit(
        self, fn: Callable[..., Any], /, *args: Any, extra_context: dict[str, Any] | None = None, **kwargs: Any
    ) -> Any:
        """Have a function called with these arguments.

        Args:
            fn: the function.
            *args: its arguments.
            extra_context: what an executor may want to know about the job; ``task_name`` is the name by which errors
                speak of it. It is never given to the function.
            **kwargs: its keyword arguments.

        Returns:
            A `concurrent.futures.Future`, or, from an executor that is `inline`, the value itself.

        Raises:
            ExecutorError: the executor is not started.
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement submit()")

    def wait(self, futures: Any) -> Any:
        """Wait until jobs have ended.

        Args:
            futures: what `submit` gave: one, or a list, a tuple or a dictionary of them, to any depth.

        Returns:
            The same structure with results in the place of futures. What is no future stays as it is.

        Raises:
            BaseException: the first exception, in the order of the structure, that a job ended with.
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement wait()")

    def shared(self, obj: Any) -> Any:
        """Wrap an argument that many jobs have in common, so that it travels to each worker once, not with each job.

        The functions receive the object itself. All jobs of one worker receive the same copy: do not change it.

        Args:
            obj: the argument.

        Returns:
            What to pass to `submit` in its place; in an executor of this process, the object itself.
        """
        return obj

    def _enter(self, setup: tuple[Callable[..., Any], tuple[Any, ...]] | None) -> None:
        """Start, or note that one more user has."""

    def _exit(self, failed: bool) -> None:
        """Stop, if this was the last user; `failed` says that its block ended by an exception."""

    def _options(self) -> dict[str, Any]:
        """The keyword arguments that make an equal executor."""
        return {}

    def __repr__(self) -> str:
        options = ", ".join(f"{key}={value!r}" for key, value in self._options().items())
        return f"{type(self).__name__}({options})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._options() == other._options()

    def __hash__(self) -> int:
        return hash((type(self), repr(self)))


class Started:
    """One start of an executor."""

    def __init__(self, executor: Executor, setup: tuple[Callable[..., Any], tuple[Any, ...]] | None) -> None:
        self._executor = executor
        self._setup = setup

    def __enter__(self) -> Executor:
        self._executor._enter(self._setup)
        return self._executor

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor._exit(failed=kind is not None)


def gather(futures: Any) -> Any:
    """The results of futures in the structure they are in; the work behind `Executor.wait`."""
    from concurrent.futures import Future, wait

    if isinstance(futures, Future):
        return futures.result()
    kind = type(futures)
    if kind is list or kind is tuple:
        # Waiting for each in turn would wake this thread once per job; waiting for each 64th first hardly ever does.
        for future in futures[63::64]:
            if isinstance(future, Future) and not future.done():
                wait((future,))
        results = [future.result() if isinstance(future, Future) else gather(future) for future in futures]
        return results if kind is list else tuple(results)
    if kind is dict:
        return dict(zip(futures, gather(list(futures.values())), strict=True))
    return futures


def check_workers(owner: str, workers: Any, default: int, argument: str = "workers") -> int:
    """The number of workers asked for, or the default for ``None``.

    Raises:
        TypeError: it is not a whole number.
        ValueError: it is less than one.
    """
    if workers is None:
        return default
    if isinstance(workers, bool) or not isinstance(workers, int):
        raise TypeError(
            f"{owner}({argument}={workers!r}): {argument} is a whole number, or None for as many as suit this machine"
        )
    if workers < 1:
        raise ValueError(
            f"{owner}({argument}={workers}): at least one is needed; None takes as many as suit this machine"
        )
    return workers


def cpus() -> int:
    """How many processors this process may use."""
    import os

    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1
