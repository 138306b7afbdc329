"""An argument that many jobs have in common: it travels to each worker once."""

from __future__ import annotations

from itertools import count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from resultant.executors.wire import Bytes

_tokens = count(1)


class Shared:
    """Stands for an object in the arguments of jobs. In the worker the object itself takes its place.

    It is pickled when the first job that needs it is submitted, and as it is then.

    Args:
        obj: the object.

    Attributes:
        obj: the object.
        token: its number, which no other has in this process.
    """

    __slots__ = ("_packed", "obj", "token")

    def __init__(self, obj: Any) -> None:
        self.obj = obj
        self.token = next(_tokens)
        self._packed: tuple[list[Bytes], int] | None = None

    def packed(self) -> tuple[list[Bytes], int]:
        """The frame that brings the object to a worker, and its size in bytes.

        Raises:
            Exception: whatever pickling raises.
        """
        if self._packed is None:
            from resultant.executors.pickling import encode
            from resultant.executors.wire import SHARE, pack

            chunks, buffers = encode(self.obj)
            parts = pack(SHARE, [self.token.to_bytes(8, "little"), *chunks], buffers)
            self._packed = parts, sum(memoryview(part).nbytes for part in parts)
        return self._packed

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        from resultant.executors import pickling

        needed = pickling.needed()
        if needed is None:
            # Pickled by somebody else than an executor: there is no worker that could have the object.
            return Shared, (self.obj,)
        needed.append(self)
        return resolve, (self.token,)

    def __repr__(self) -> str:
        return f"<Shared {self.token}: {type(self.obj).__name__}>"


# In a worker: objects by token, as bytes until a job asks for them.
_received: dict[int, tuple[bool, Any]] = {}


def receive(payload: Bytes, buffers: list[memoryview]) -> None:
    """Keep the bytes of an object until `resolve` asks for it."""
    _received[int.from_bytes(payload[:8], "little")] = False, (payload, buffers)


def forget(tokens: list[int]) -> None:
    """Drop objects that the driver will not refer to again before it has sent them anew."""
    for token in tokens:
        _received.pop(token, None)


def resolve(token: int) -> Any:
    """The object behind a token, in a worker."""
    loaded, value = _received[token]
    if not loaded:
        from resultant.executors.pickling import decode

        payload, buffers = value
        value = decode(memoryview(payload)[8:], buffers)
        _received[token] = True, value
    return value
