"""A call that is to run in a worker process, and the future of its result."""

from __future__ import annotations

from concurrent.futures import Future

from resultant.errors import ExecutorError, UnpicklableError
from resultant.executors.wire import CALL, ERROR, SETUP, pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from resultant.executors.shared import Shared
    from resultant.executors.wire import Bytes, Frame


class RemoteTraceback(Exception):
    """The cause of an exception that was raised in a worker: its traceback there, as text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text}"""'


class JobFuture(Future["Any"]):
    """A future that unpickles its result in the thread that asks for it.

    Unpickling runs the user's code: it may take long, and it may import modules, which a thread of the executor could wait
    for as long as the thread that imports them waits for the executor.
    """

    _answer: tuple[str, Frame] | None = None

    def answer(self, name: str, frame: Frame) -> None:
        """Take what the worker sent as the outcome."""
        self._answer = name, frame
        if frame[0] == ERROR:
            self.set_exception(_UNREAD)
        else:
            self.set_result(None)

    def result(self, timeout: float | None = None) -> Any:
        """Return what the job returned, or raise what it raised; see `concurrent.futures.Future.result`."""
        if not self.done():
            Future.exception(self, timeout)
        if self._answer is not None:
            self._read()
        return Future.result(self)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Return what the job raised, or ``None``; see `concurrent.futures.Future.exception`."""
        error = Future.exception(self, timeout)
        if self._answer is None:
            return error
        self._read()
        return Future.exception(self)

    def _read(self) -> None:
        with self._condition:
            if self._answer is None:
                return
            name, frame = self._answer
            self._result, self._exception = read(name, frame)
            self._answer = None


_SENDS_NOTHING = "or use an executor that sends nothing: a ThreadExecutor or, with a timeout, a LocalExecutor."
_UNREAD = ExecutorError("The job failed; its future was asked for more than it can tell yet.")


class Job:
    """A call, pickled."""

    __slots__ = ("again", "begun", "future", "name", "parts", "shared")

    def __init__(self, name: str, parts: list[Bytes], shared: list[Shared]) -> None:
        self.begun = False
        # Its worker was dead before it had the job; that is not held against it, once.
        self.again = False
        self.future = JobFuture()
        self.name = name
        self.parts = parts
        self.shared = shared

    def begin(self) -> bool:
        """Whether to run it; false when its future has been cancelled."""
        if not self.begun:
            self.begun = self.future.set_running_or_notify_cancel()
        return self.begun


def make_job(
    fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], context: dict[str, Any] | None
) -> Job:
    """Pickle a call.

    Raises:
        UnpicklableError: the function or one of its arguments cannot be pickled.
    """
    from resultant.executors.pickling import encode_call, pack_shared

    name = name_of(fn, context)
    try:
        chunks, buffers, shared = encode_call(fn, args, kwargs)
        for each in shared:
            pack_shared(each)
    except Exception as error:
        raise _unpicklable(name, fn, args, kwargs, error) from error
    return Job(name, pack(CALL, chunks, buffers), shared)


def name_of(fn: Callable[..., Any], context: dict[str, Any] | None) -> str:
    """What errors call a job."""
    if context:
        task = context.get("task_name")
        if task is not None:
            return f"task {task!r}"
    module = getattr(fn, "__module__", None)
    name = getattr(fn, "__qualname__", None)
    if not isinstance(name, str):
        return repr(type(fn).__qualname__)
    return f"{module}.{name}" if isinstance(module, str) else name


def _unpicklable(
    name: str, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], error: Exception
) -> UnpicklableError:
    """The error that says which part of a call does not pickle."""
    from resultant.executors.pickling import encode
    from resultant.executors.shared import Shared

    parts: list[tuple[str, Any]] = [("the function itself", fn)]
    parts += [(f"argument {index}", arg) for index, arg in enumerate(args)]
    parts += [(f"argument {key!r}", arg) for key, arg in kwargs.items()]
    culprit = "it"
    for label, part in parts:
        value = part.obj if isinstance(part, Shared) else part
        try:
            encode(value)
        except Exception:  # noqa: BLE001 - whatever fails is the culprit
            culprit = f"{label}, of type {type(value).__module__}.{type(value).__qualname__},"
            break
    return UnpicklableError(
        f"{name} cannot be sent to a worker process: {culprit} cannot be pickled ({type(error).__name__}: {error}). "
        f"Make such objects inside the function, {_SENDS_NOTHING}"
    )


def read(name: str, frame: Frame) -> tuple[Any, BaseException | None]:
    """The value or the exception that a worker sent."""
    from resultant.executors.pickling import decode

    kind, payload, buffers = frame
    if kind != ERROR:
        try:
            return decode(payload, buffers), None
        except Exception as error:  # noqa: BLE001 - unpickling runs code of the user's classes
            broken = ExecutorError(
                f"The result of {name} came back from its worker process, but cannot be unpickled here: "
                f"{type(error).__name__}: {error}. Classes and modules of results must be the same on both sides."
            )
            broken.__cause__ = error
            return None, broken
    return None, _failure(name, decode(payload, []))


def _failure(name: str, told: tuple[str, str, str, str, bytes | None]) -> BaseException:
    from resultant.executors.pickling import decode
    from resultant.executors.worker import NOT_LOADED, NOT_SENT, NOT_SET_UP

    stage, kind, said, text, body = told
    what = f"{kind}: {said}"
    error: BaseException
    if stage == NOT_SET_UP:
        error = ExecutorError(f"{name} was not run: the setup of its worker process failed with {what}")
    elif stage == NOT_LOADED:
        error = ExecutorError(
            f"{name} was not run: its worker process cannot unpickle the function or its arguments ({what}). "
            "Modules that they come from must be importable there too."
        )
    elif stage == NOT_SENT:
        error = UnpicklableError(
            f"{name} has run, but what it returned cannot be sent back from its worker process ({what}). "
            f"Return something that can be pickled, {_SENDS_NOTHING}"
        )
    elif body is None:
        error = ExecutorError(f"{name} raised {what}; that exception cannot be pickled, its traceback is below")
    else:
        try:
            error = decode(body, [])
            if not isinstance(error, BaseException):
                raise TypeError(f"it became {type(error).__name__}")
        except Exception as broken:  # noqa: BLE001 - unpickling runs code of the user's classes
            error = ExecutorError(
                f"{name} raised {what}; that exception cannot be unpickled here "
                f"({type(broken).__name__}: {broken}): give it a __reduce__, or pass all its arguments to super().__init__"
            )
    error.__cause__ = RemoteTraceback(text)
    return error


def make_setup(fn: Callable[..., Any], args: tuple[Any, ...]) -> list[Bytes]:
    """The frame that has a worker call a function before its next job.

    Raises:
        UnpicklableError: the function or one of its arguments cannot be pickled.
    """
    from resultant.executors.pickling import encode_call, pack_shared

    try:
        chunks, buffers, shared = encode_call(fn, args, {})
        first = [part for each in shared for part in pack_shared(each)[0]]
    except Exception as error:
        raise _unpicklable(f"The setup {name_of(fn, None)}", fn, args, {}, error) from error
    return first + pack(SETUP, chunks, buffers)
