"""Requests to an object store: tried again while that may help, and translated when it does not."""

from __future__ import annotations

from errno import ENOENT
from threading import Lock

from resultant.errors import DeniedError, MissingResultError, ResultantError, ResultError

from .interruptible import interruptible
from .object_errors import Failure, permission

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from concurrent.futures import ThreadPoolExecutor
    from typing import Any, NoReturn

    from .object_client import Clients

__all__ = ["WRITER", "Requests", "missing", "new_writer"]

#: Whose write it was, in the metadata of an object; no provider minds this name.
WRITER = "resultantwriter"

#: Parts of an upload that travel at the same time.
AT_ONCE = 7
#: Threads that read large objects ahead, for all readers of a store.
READERS = 8

_lock = Lock()


class Requests:
    """What may be asked of the objects of one bucket, by their names.

    Args:
        clients: make the requests.
    """

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        self._root = ""
        self._bucket_seen = False
        self._readers: ThreadPoolExecutor | None = None

    def base(self) -> str:
        """Return what the places of this bucket's objects begin with."""
        if not self._root:
            self._root = f"{self.clients.root()}/"
        return self._root

    def place(self, name: str) -> str:
        """Return the place of an object."""
        return self.base() + name

    def request(
        self,
        action: str,
        name: str,
        call: Callable[[Any], Any],
        settled: Callable[[Failure], bool] | None = None,
    ) -> Any:
        """Return what a request gives; it is tried again while that may help.

        Args:
            action: what it does, as a verb.
            name: of the object.
            call: makes the request with a client.
            settled: says of a failure whether the request is done all the same.
        """
        try:
            found = interruptible(call, self.clients.single())
        except Exception as error:  # noqa: BLE001 - each one is translated
            raised = error
        else:
            self._bucket_seen = True
            return found
        return self._again(action, name, call, settled, raised)

    def _again(self, action: str, name: str, call: Any, settled: Any, raised: Exception) -> Any:
        from time import monotonic

        policy = self.clients.policy
        until = monotonic() + policy.seconds
        retry = 0
        while True:
            failure = Failure(raised)
            if settled is not None and not failure.no_bucket and settled(failure):
                return None
            retry += 1
            pause = policy.pause(retry)
            if not failure.passing or retry > policy.retries or monotonic() + pause > until:
                self.fail(action, name, failure, raised)
            self._wait(action, name, failure, retry, pause)
            try:
                return interruptible(call, self.clients.single())
            except Exception as error:  # noqa: BLE001 - each one is translated
                raised = error

    def _wait(self, action: str, name: str, failure: Failure, retry: int, pause: float) -> None:
        """Say that a request is tried again, and wait for that."""
        from logging import getLogger
        from time import sleep

        getLogger("resultant.stores").warning(
            "%s: cannot %s this result for now (%s); trying again in %.2f s (%d of %d).",
            self.place(name),
            action,
            failure.reason,
            pause,
            retry,
            self.clients.policy.retries,
        )
        sleep(pause)

    def fail(self, action: str, name: str, failure: Failure, raised: Exception) -> NoReturn:
        """Raise the error that a failed request comes to."""
        if isinstance(raised, ResultantError):
            raise raised
        provider = self.clients.provider
        if failure.denied and provider is not None and isinstance(provider.failure, ResultantError):
            raise provider.failure
        raise failure.error(action, self.place(name), self.base().rstrip("/"), permission(self.clients.scheme, action))

    def first(self, name: str, start: int, stop: int) -> tuple[Any, Any]:
        """Return a range, shorter at the object's end, and what is known of the whole."""

        def request(client: Any) -> tuple[Any, Any]:
            from obstore import get

            found = get(client, name, options={"range": (start, stop)})
            data = found.bytes()
            expected = min(stop, found.meta["size"]) - start
            if len(data) != expected:
                raise ConnectionError(f"{len(data)} bytes came instead of {expected}; kind: Body")
            return data, found.meta

        # A range that begins behind the last byte is an error; an empty object has no other.
        found = self.request("read", name, request, _past_the_end)
        return found if found is not None else (b"", None)

    def fetch(self, name: str, start: int, stop: int, version: dict[str, Any]) -> Any:
        """Return a range of a certain object."""

        def request(client: Any) -> Any:
            from obstore import get

            options: Any = {"range": (start, stop), **version}
            data = get(client, name, options=options).bytes()
            if len(data) != stop - start:
                raise ConnectionError(f"{len(data)} bytes came instead of {stop - start}; kind: Body")
            return data

        return self.request("read", name, request)

    def readers(self) -> ThreadPoolExecutor:
        """Return the threads that read ahead."""
        if self._readers is None:
            from concurrent.futures import ThreadPoolExecutor

            with _lock:
                if self._readers is None:
                    self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="resultant-read")
        return self._readers

    def head(self, name: str) -> Any:
        from obstore import head

        found = self.request("look at", name, lambda client: head(client, name), lambda failure: failure.missing)
        if found is None and not self._bucket_seen:
            self._look_for_bucket(name)
        return found

    def attributes(self, name: str) -> Mapping[str, Any]:
        from obstore import get

        found = self.request("look at", name, lambda client: get(client, name, options={"head": True}))
        return dict(found.attributes)

    def _look_for_bucket(self, name: str) -> None:
        """Tell a missing object from a missing bucket, which look alike where an answer has no body."""
        try:
            for _ in self.names(f"{name}/"):
                break
        except DeniedError as error:
            text = (
                f"Cannot look at this result: there is either no such object or no such bucket, and the store denies the "
                f"list that would tell; grant {permission(self.clients.scheme, 'list')}"
            )
            denied = DeniedError(error.errno, text, self.place(name))
            denied.final = True
            raise denied from None
        self._bucket_seen = True

    def names(self, below: str) -> Iterator[str]:
        from obstore import list as list_objects

        last: str | None = None
        stream: Any = None

        def more(client: Any) -> Any:
            nonlocal stream
            if stream is None:
                stream = list_objects(client, below or None, offset=last, chunk_size=1000)
            try:
                return next(stream, None)
            except Exception:
                stream = None
                raise

        while (found := self.request("list", below, more)) is not None:
            for entry in found:
                last = entry["path"]
                yield last

    def upload(self, name: str, parts: Any, part: int, writer: dict[str, str], replay: bool) -> None:
        """Put bytes in parts, each of which is tried again by the client.

        Args:
            name: of the object.
            parts: the bytes, or an iterator over pieces of them.
            part: the bytes of a part.
            writer: metadata that tells this write from others.
            replay: whether `parts` can be sent once more.

        Raises:
            Exception: what the client raised; :meth:`finish_upload` translates it.
        """
        from time import monotonic

        from obstore import put

        def send(client: Any) -> None:
            put(
                client,
                name,
                parts,
                attributes={**(self.clients.attributes or {}), **writer},
                tags=self.clients.tags,
                use_multipart=True,
                chunk_size=part,
                max_concurrency=AT_ONCE,
            )

        policy = self.clients.policy
        until = monotonic() + policy.seconds
        retry = 0
        while True:
            try:
                interruptible(send, self.clients.trying())
            except Exception as error:  # noqa: BLE001 - told below, outside of this clause
                raised = error
            else:
                self._bucket_seen = True
                return
            failure = Failure(raised)
            retry += 1
            if replay and self._arrived(name, writer, failure):
                return
            if not (failure.unbegun or (replay and failure.untried)) or retry > policy.retries or monotonic() > until:
                raise raised
            # The client does not try this again: what it lost are answers, or the very beginning of an upload.
            self._wait("write", name, failure, retry, policy.pause(retry))

    def finish_upload(self, name: str, ended: bool, writer: dict[str, str], error: BaseException) -> None:
        """Return if an upload that failed is there all the same, its last answer lost; else raise its error.

        Args:
            name: of the object.
            ended: whether all of its bytes were handed over.
            writer: metadata that tells this write from others.
            error: what the upload came to.
        """
        if not isinstance(error, Exception):
            raise error
        failure = Failure(error)
        if not (ended and self._arrived(name, writer, failure)):
            self.fail("write", name, failure, error)

    def _arrived(self, name: str, writer: dict[str, str], failure: Failure) -> bool:
        """Return whether an object is there that this writer has written."""
        if failure.no_bucket or not (failure.passing or failure.lost_upload):
            return False
        try:
            return bool(self.attributes(name).get(WRITER) == writer[WRITER])
        except ResultError:
            return False


def missing(action: str, place: str) -> MissingResultError:
    """Return the error for an object that is not there."""
    return MissingResultError(ENOENT, f"Nothing is stored there, so it cannot {action} it", place)


def new_writer() -> dict[str, str]:
    """Return metadata that no other write has."""
    from secrets import token_hex

    return {WRITER: token_hex(16)}


def _past_the_end(failure: Failure) -> bool:
    return failure.past_the_end
