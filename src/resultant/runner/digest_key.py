"""The secret that digests are taken with: one for a home, or for a team whose homes share a database."""

from __future__ import annotations

import os

from resultant.engine.integrity import Digester
from resultant.errors import ConfigurationError, UnreadableResultError
from resultant.runtime import settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.records import FlowRun

__all__ = ["digester", "digester_of", "is_ours", "key_file"]

_LENGTH = 32

_digesters: dict[str, Digester] = {}


def digester() -> Digester:
    """Return what takes digests with the secret of this home, which is made when it is first asked for.

    Raises:
        ConfigurationError: the file that should hold the secret does not.
        OSError: it cannot be read, or made.
    """
    path = key_file()
    found = _digesters.get(path)
    if found is None:
        found = _digesters[path] = Digester(_secret(path))
    return found


def digester_of(run: FlowRun) -> Digester:
    """Return what checks the digests of a recorded run.

    Args:
        run: its row.

    Raises:
        UnreadableResultError: they were taken with a secret that this home does not have.
    """
    found = digester()
    if run.digest_key not in (None, found.name):
        raise UnreadableResultError(
            f"The digests of run {run.id} were taken with another secret than {key_file()}, so that nothing can be checked against "
            "them here. Copy digest.key from the home that recorded the run, or name that file in "
            "RESULTANT__RECORD__DIGEST_KEY_FILE."
        )
    return found


def is_ours(run: FlowRun) -> bool:
    """Return whether the digests of a recorded run can be compared with those that are taken here."""
    return run.digest_key in (None, digester().name)


def key_file() -> str:
    """Return the path of the file that holds the secret."""
    now = settings()
    named = now.record.digest_key_file
    return os.path.join(now.home_dir, "digest.key") if named is None else os.path.abspath(os.path.expanduser(named))


def _secret(path: str) -> bytes:
    if not os.path.exists(path):
        # A team's secret is handed out, and not made anew on each machine.
        if settings().record.digest_key_file is not None:
            raise ConfigurationError(
                f"record.digest_key_file names {path}, and there is no such file. Copy it from another machine of your team; the "
                f"first one makes it with: head -c {_LENGTH} /dev/urandom > {path}"
            )
        _make_secret(path)
    with open(path, "rb") as file:
        key = file.read()
    if len(key) != _LENGTH:
        raise ConfigurationError(
            f"The secret for digests, {path}, should be {_LENGTH} bytes and has {len(key)}. Put back the file, or remove it: "
            "results that are on record can then not be checked any more."
        )
    return key


def _make_secret(path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    fresh = f"{path}.{os.getpid()}-{os.urandom(4).hex()}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, os.urandom(_LENGTH))
    finally:
        os.close(descriptor)
    try:
        # Two processes may get here at once: the first link wins, and both read what it made.
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(fresh)
