"""Digests of stored bytes, keyed with a secret of the home or team.

The key keeps a reader of rows from guessing small values: four digits have ten thousand plain digests, and no keyed one
without the key. Small payloads take BLAKE2b, large ones BLAKE3 where it is installed, because BLAKE2b would take longer
than the disk. The first byte of a digest says which.
"""

from __future__ import annotations

from _blake2 import blake2b

from resultant.stores.base import SPILL, flat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from resultant.stores import Sink

__all__ = ["LARGE", "Digester", "DigestingSink", "side_by_side"]

#: Payloads of at least this many bytes take the hash that keeps up with memory.
LARGE = 1 << 16

_BLAKE2B = b"\x01"
_BLAKE3 = b"\x02"
_SIZE = 16
_CHUNK = 1 << 20

#: Buffers of at least this many bytes are hashed while they are written.
_WORTH_A_THREAD = 16 << 20


class Digester:
    """Takes and checks digests with one key.

    Args:
        key: the secret, 32 bytes.
    """

    __slots__ = ("_base", "key")

    def __init__(self, key: bytes) -> None:
        self.key = key
        # Copying a state takes half as long as making one.
        self._base = _keyed(key)

    def __reduce__(self) -> Any:
        return Digester, (self.key,)

    @property
    def name(self) -> str:
        """What tells this secret from others, and gives nothing of it away."""
        return blake2b(self.key, digest_size=8, person=b"resultant secret").hexdigest()

    def small(self, data: bytes) -> bytes:
        """Return the digest of a few bytes."""
        state = self._base.copy()
        state.update(data)
        digest: bytes = _BLAKE2B + state.digest()
        return digest

    def each(self, payloads: Iterable[bytes]) -> list[bytes]:
        """Return the digests of several payloads of a few bytes."""
        copy, tag = self._base.copy, _BLAKE2B
        digests: list[bytes] = []
        add = digests.append
        for data in payloads:
            state = copy()
            state.update(data)
            add(tag + state.digest())
        return digests

    def of(self, data: bytes | memoryview) -> bytes:
        """Return the digest of bytes of any length."""
        if len(data) < LARGE:
            return self.small(data)  # type: ignore[arg-type]
        running = self.running()
        running.update(data)
        return running.digest()

    def running(self, like: bytes | None = None) -> Running:
        """Return a digest that is taken while bytes stream by; only for payloads of at least ``LARGE`` bytes.

        Args:
            like: a digest that it is to be compared with.
        """
        return Running(self.key, _preferred() if like is None else like[:1])

    def agrees(self, digest: bytes, data: bytes | memoryview) -> bool:
        """Return whether bytes are those of which `digest` was taken.

        Raises:
            UnreadableResultError: the digest was taken with a hash that is not installed here.
        """
        if digest[:1] == _BLAKE2B:
            state = self._base.copy()
            view = memoryview(data)
            for start in range(0, len(view), _CHUNK):
                state.update(view[start : start + _CHUNK])
            return bool(_BLAKE2B + state.digest() == digest)
        running = Running(self.key, digest[:1])
        running.update(data)
        return running.digest() == digest


class Running:
    """A digest under way."""

    __slots__ = ("_state", "_tag")

    def __init__(self, key: bytes, tag: bytes) -> None:
        self._tag = tag
        if tag == _BLAKE2B:
            self._state: Any = _keyed(key)
        elif tag == _BLAKE3:
            self._state = _blake3()(key=key)
        else:
            from resultant.errors import UnreadableResultError

            raise UnreadableResultError(f"The digest was taken with an unknown hash ({tag!r}) by a newer release.")

    def update(self, data: Any) -> None:
        """Take more bytes."""
        self._state.update(data)

    def digest(self) -> bytes:
        """Return the digest of everything taken."""
        state = self._state
        taken: bytes = state.digest() if self._tag == _BLAKE2B else state.digest(_SIZE)
        return self._tag + taken


class DigestingSink:
    """A sink that takes the digest of what passes through it, in slices that are still warm when they are written.

    Args:
        sink: where the bytes go.
        digester: holds the key.
    """

    __slots__ = ("_digester", "_running", "_sink")

    def __init__(self, sink: Sink, digester: Digester) -> None:
        self._sink = sink
        self._digester = digester
        self._running: Running | None = None

    def write(self, data: Any) -> int:
        """Take a bytes-like object; it may change or vanish after the call."""
        sink = self._sink
        view = data if type(data) is bytes else flat(data)
        length = len(view)
        if not length:
            return 0
        if self._running is None:
            if sink.size + length <= SPILL:
                return sink.write(view)
            # From here on the bytes stream: what is still in memory comes first.
            self._running = self._digester.running()
            self._running.update(sink.finished())
        update, write = self._running.update, sink.write
        view = memoryview(view)
        if length >= _WORTH_A_THREAD:
            side_by_side(lambda: update(view), lambda: write(view))
            return length
        for start in range(0, length, _CHUNK):
            piece = view[start : start + _CHUNK]
            update(piece)
            write(piece)
        return length

    def digest(self) -> bytes:
        """Return the digest of everything that was written."""
        if self._running is not None:
            return self._running.digest()
        data = self._sink.finished()
        assert data is not None
        return self._digester.of(data)


def side_by_side(first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Any]:
    """Return what both return; the first is called on another thread.

    Hashing and decoding both let go of the interpreter for large buffers: side by side they cost as much as one.
    """
    from threading import Thread

    results: list[Any] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            results.append(first())
        except Exception as error:  # noqa: BLE001 - carried to the caller's thread
            failure.append(error)

    thread = Thread(target=run, name="resultant-digest")
    thread.start()
    try:
        value = second()
    finally:
        thread.join()
    if failure:
        raise failure[0]
    return results[0], value


def _keyed(key: bytes) -> Any:
    # BLAKE2's own key fills a block of 128 bytes, which takes as long as the few bytes of a payload; put in front of them
    # it is as good a key, because BLAKE2 cannot be extended (RFC 7693; "BLAKE2: simpler, smaller, fast as MD5", section 2).
    return blake2b(key, digest_size=_SIZE, person=b"resultant digest")


def _preferred() -> bytes:
    try:
        _blake3()
    except ImportError:
        return _BLAKE2B
    return _BLAKE3


def _blake3() -> Any:
    try:
        from blake3 import blake3
    except ImportError:
        from resultant.errors import UnreadableResultError

        class _Missing(UnreadableResultError, ImportError):
            pass

        raise _Missing(
            "The digest of this result was taken with BLAKE3, which is not installed: pip install 'resultant[fast]'."
        ) from None
    return blake3
