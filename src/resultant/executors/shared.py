"""An argument that many jobs have in common: it travels to each worker once."""

from __future__ import annotations

import pickle
import threading
from itertools import count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from resultant.executors.wire import Bytes

_tokens = count(1)


class _Collecting(threading.local):
    needed: list[Shared] | None = None


# Where this thread collects the shared arguments of the job it is pickling, while it does.
collecting = _Collecting()


class Shared:
    """Stands for an object in the arguments of jobs. In the worker the object itself takes its place.

    It is pickled when the first job that needs it is submitted, and as it is then.

    Args:
        obj: the object.

    Attributes:
        obj: the object.
        token: its number, which no other has in this process.
        packed: the frame that brings it to a worker, and its size in bytes, once it is pickled.
    """

    __slots__ = ("obj", "packed", "token")

    def __init__(self, obj: Any) -> None:
        self.obj = obj
        self.token = next(_tokens)
        self.packed: tuple[list[Bytes], int] | None = None

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        if collecting.needed is None:
            # Pickled by somebody else than an executor: there is no worker that could have the object.
            return Shared, (self.obj,)
        collecting.needed.append(self)
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
        payload, buffers = value
        value = pickle.loads(memoryview(payload)[8:], buffers=buffers)
        _received[token] = True, value
    return value
