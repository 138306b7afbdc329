"""A lock per run that is gone when its process is, however that ends."""

from __future__ import annotations

import os

from resultant.errors import DatabaseDeniedError, RunHeldError

from .forks import watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

__all__ = ["FileHold", "file_holders", "held", "is_at"]

# Somebody who only looks whether a run is held has the lock for microseconds.
_TRIES = 5
_PAUSE = 0.002


def held(run: str, pid: int | None, host: str | None) -> RunHeldError:
    """Return the error that says who is at work on a run."""
    who = "another process" if pid is None else f"process {pid}"
    where = f" on {host}" if host else ""
    error = RunHeldError(
        f"Run {run} is at work in {who}{where}. Wait until it has ended, or end it; then try again. "
        "A process that is gone holds nothing."
    )
    error.pid, error.host = pid, host
    return error


class FileHold:
    """A run, held by a lock on a file; let go with :meth:`close` or by leaving a ``with`` block.

    Args:
        folder: where the locks are; made if it is not there.
        run: the id of the run.

    Raises:
        RunHeldError: somebody else has it.
        DatabaseDeniedError: the file cannot be made.
    """

    def __init__(self, folder: str, run: str) -> None:
        self._path = _path(folder, run)
        try:
            os.makedirs(folder, exist_ok=True)
            self._file: int | None = self._locked(run)
            watch(self)
        except OSError as error:
            if isinstance(error, RunHeldError):
                raise
            raise DatabaseDeniedError(
                f"Run {run} cannot be held: {error}. Give the folder {folder} to the user that runs flows."
            ) from error

    def _locked(self, run: str) -> int:
        import fcntl
        import socket
        from time import sleep

        tries = 0
        while True:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    tries += 1
                    if tries > _TRIES:
                        raise held(run, *_owner(file)) from None
                    os.close(file)
                    sleep(_PAUSE)
                    continue
                # Whoever let go of it meanwhile has also removed it: a lock on that file keeps nobody out.
                if not is_at(file, self._path):
                    os.close(file)
                    continue
                os.ftruncate(file, 0)
                os.pwrite(file, f"{os.getpid()} {socket.gethostname()}\n".encode(), 0)
            except BaseException:
                _close(file)
                raise
            return file

    def close(self) -> None:
        """Let go of it."""
        file, self._file = self._file, None
        if file is not None:
            try:
                os.unlink(self._path)
            except OSError:
                pass  # it is only a name
            os.close(file)

    def forked(self) -> None:
        """Leave the run to the process that this one was forked from, even if this one outlives that."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def __enter__(self) -> FileHold:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def file_holders(folder: str, runs: Iterable[str]) -> dict[str, tuple[int | None, str | None]]:
    """Return process and host of those who hold runs by locks on files; runs that nobody holds are left out.

    Args:
        folder: where the locks are.
        runs: ids of runs.
    """
    import fcntl

    found: dict[str, tuple[int | None, str | None]] = {}
    for run in runs:
        try:
            file = os.open(_path(folder, run), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue  # nobody has held it since it was let go of
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            found[run] = _owner(file)
        finally:
            os.close(file)
    return found


def _path(folder: str, run: str) -> str:
    return os.path.join(folder, run.replace("/", "%2F") + ".lock")


def _owner(file: int) -> tuple[int | None, str | None]:
    pid, _, host = os.pread(file, 300, 0).decode("utf-8", "replace").strip().partition(" ")
    return (int(pid), host) if pid.isdigit() else (None, None)


def is_at(file: int, path: str) -> bool:
    """Return whether an open file is the one that has a name now.

    Args:
        file: its descriptor.
        path: the name.
    """
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return False
    here = os.fstat(file)
    return (here.st_ino, here.st_dev) == (there.st_ino, there.st_dev)


def _close(file: int) -> None:
    try:
        os.close(file)
    except OSError:
        pass
