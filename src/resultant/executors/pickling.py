"""Objects to bytes and back, for the way between the driver and its workers. Nothing here is ever stored."""

from __future__ import annotations

import pickle
import threading
from types import FunctionType

import cloudpickle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from resultant.executors.shared import Shared
    from resultant.executors.wire import Bytes

# The plain pickler does with these what cloudpickle does, and takes a tenth of the time.
_PLAIN = frozenset({int, float, bool, str, type(None), complex})
_OUT_OF_BAND_FROM = 1 << 16
_MOST_BUFFERS = 1000
_MOST_REFERENCES = 1024

_local = threading.local()
_references: dict[Callable[..., Any], bytes] = {}


class _Encoder:
    """A pickler that is used again. What it writes is kept in pieces, so that large bytes are not copied."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.buffers: list[memoryview] = []
        self._pickler: Any = cloudpickle.Pickler(self, 5, buffer_callback=self._out_of_band)

    def write(self, data: Bytes) -> int:
        # Only bytes can be kept by reference; what else comes here may change before it is sent.
        self.chunks.append(data if type(data) is bytes else bytes(data))
        return len(data)

    def _out_of_band(self, buffer: pickle.PickleBuffer) -> bool:
        try:
            raw = buffer.raw()
        except BufferError:
            return True
        if raw.nbytes < _OUT_OF_BAND_FROM or len(self.buffers) >= _MOST_BUFFERS:
            return True
        self.buffers.append(raw)
        return False

    def encode(self, value: Any) -> tuple[list[bytes], list[memoryview]]:
        self._pickler.dump(value)
        chunks, buffers = self.chunks, self.buffers
        self.chunks, self.buffers = [], []
        self._pickler.clear_memo()
        self._pickler.globals_ref.clear()
        return chunks, buffers


def encode(value: Any) -> tuple[list[bytes], list[memoryview]]:
    """Pickle a value, what `__main__` defines by value.

    Args:
        value: anything that cloudpickle takes.

    Returns:
        The pickle in pieces, and the large buffers that go beside it uncopied.

    Raises:
        Exception: whatever pickling raises.
    """
    if type(value) in _PLAIN:
        return [pickle.dumps(value, 5)], []
    # Out of its slot while in use: pickling may call code that pickles. Not put back after an exception.
    encoder: _Encoder = getattr(_local, "encoder", None) or _Encoder()
    _local.encoder = None
    pieces = encoder.encode(value)
    _local.encoder = encoder
    return pieces


def decode(payload: Bytes, buffers: list[memoryview]) -> Any:
    """The value of what `encode` made.

    Raises:
        Exception: whatever unpickling raises.
    """
    return pickle.loads(payload, buffers=buffers)


def needed() -> list[Shared] | None:
    """The list that collects the shared arguments of the job that this thread is pickling, if it is."""
    return getattr(_local, "needed", None)


def encode_call(
    fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[list[bytes], list[memoryview], list[Shared]]:
    """Pickle a call for `load_call`.

    Returns:
        The payload in pieces, its buffers, and the shared arguments it refers to.

    Raises:
        Exception: whatever pickling raises.
    """
    reference = _reference(fn)
    call = (args, kwargs) if reference else (fn, args, kwargs)
    head = len(reference).to_bytes(4, "little") + reference
    if reference and not kwargs:
        for arg in args:
            if type(arg) not in _PLAIN:
                break
        else:
            return [head, pickle.dumps(call, 5)], [], []
    shared: list[Shared] = []
    outer = needed()
    _local.needed = shared
    try:
        chunks, buffers = encode(call)
    finally:
        _local.needed = outer
    return [head, *chunks], buffers, shared


def _reference(fn: Callable[..., Any]) -> bytes:
    """The pickle of a function that travels as its name alone; empty for one that does not."""
    if type(fn) is not FunctionType:
        return b""
    known = _references.get(fn)
    if known is not None:
        return known
    if fn.__module__ == "__main__" or "<" in fn.__qualname__:
        return b""
    try:
        plain = pickle.dumps(fn, 5)
    except Exception:  # noqa: BLE001 - it has no name to be found by; cloudpickle takes it by value
        return b""
    if plain != cloudpickle.dumps(fn, 5):
        return b""
    if len(_references) >= _MOST_REFERENCES:
        _references.clear()
    _references[fn] = plain
    return plain


_functions: dict[bytes, Callable[..., Any]] = {}


def load_call(payload: Bytes, buffers: list[memoryview]) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
    """The call that `encode_call` pickled.

    Raises:
        Exception: whatever unpickling raises.
    """
    view = memoryview(payload)
    size = 4 + int.from_bytes(view[:4], "little")
    call = pickle.loads(view[size:], buffers=buffers)
    if size == 4:
        return call  # type: ignore[no-any-return]
    reference = bytes(view[4:size])
    fn = _functions.get(reference)
    if fn is None:
        fn = _functions[reference] = pickle.loads(reference)
        if len(_functions) > _MOST_REFERENCES:
            _functions.clear()
    return fn, *call
