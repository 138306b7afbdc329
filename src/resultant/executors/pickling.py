"""Objects to bytes and back, for the way between the driver and its workers. Nothing here is ever stored."""

from __future__ import annotations

import pickle
import threading
from collections import ChainMap
from types import CodeType, FunctionType

import cloudpickle

from resultant.executors.shared import Shared, collecting, resolve
from resultant.executors.wire import SHARE, pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from resultant.executors.wire import Bytes

# The plain pickler does with these what cloudpickle does, and takes a tenth of the time.
_PLAIN = frozenset({int, float, bool, str, type(None), complex})
_OUT_OF_BAND_FROM = 1 << 16
_MOST_BUFFERS = 1000
_MOST_REFERENCES = 1024

#: How objects travel that name something which each process has for itself, by class; filled in by higher layers.
REFERENCES: dict[type, Callable[[Any], Any]] = {}


def _code(code: CodeType) -> tuple[Any, ...]:
    make, arguments = cloudpickle.Pickler.dispatch_table[CodeType](code)[:2]
    return _code_of, (make, arguments, code.co_filename)


def _code_of(make: Callable[..., CodeType], arguments: tuple[Any, ...], file: str) -> CodeType:
    # cloudpickle leaves the file out, so that equal functions have equal bytes; here a traceback is to show its lines.
    return make(*arguments).replace(co_filename=file)


#: How objects travel, by class, that are to reach workers and no file; higher layers add theirs.
CARRIED: dict[type, Callable[[Any], Any]] = {CodeType: _code}

_local = threading.local()
_references: dict[Callable[..., Any], bytes] = {}


class MessagePickler(cloudpickle.Pickler):  # type: ignore[misc]
    """cloudpickle, but for objects that stand for something of each process's own."""

    dispatch_table = ChainMap(REFERENCES, cloudpickle.Pickler.dispatch_table)


class _WorkerPickler(MessagePickler):
    """The pickler of messages between the driver and its workers, which nothing but a process's memory ever holds."""

    dispatch_table = ChainMap(CARRIED, MessagePickler.dispatch_table)


class _Encoder:
    """A pickler that is used again. What it writes is kept in pieces, so that large bytes are not copied."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.buffers: list[memoryview] = []
        self._pickler: Any = _WorkerPickler(self, 5, buffer_callback=self._out_of_band)

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


def pack_shared(shared: Shared) -> tuple[list[Bytes], int]:
    """The frame that brings a shared argument to a worker, and its size in bytes.

    Raises:
        Exception: whatever pickling raises.
    """
    if shared.packed is None:
        chunks, buffers = encode(shared.obj)
        parts = pack(SHARE, [shared.token.to_bytes(8, "little"), *chunks], buffers)
        shared.packed = parts, sum(memoryview(part).nbytes for part in parts)
    return shared.packed


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
    head = len(reference).to_bytes(4, "little") + reference
    shared: list[Shared] = []
    plain = not kwargs
    places: list[tuple[int, int]] = []
    for index, arg in enumerate(args):
        if type(arg) not in _PLAIN:
            if type(arg) is Shared:
                # Its number goes beside the arguments: cheaper than a pickle that refers to it.
                places.append((index, arg.token))
                shared.append(arg)
            else:
                plain = False
    if places:
        bare = list(args)
        for index, _ in places:
            bare[index] = None
        args = tuple(bare)
    call = (args, kwargs, places) if reference else (args, kwargs, places, fn)
    if plain and reference:
        return [head, pickle.dumps(call, 5)], [], shared
    outer = collecting.needed
    collecting.needed = shared
    try:
        chunks, buffers = encode(call)
    finally:
        collecting.needed = outer
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
    args, kwargs, places, *by_value = pickle.loads(view[size:], buffers=buffers)
    if places:
        bare = list(args)
        for index, token in places:
            bare[index] = resolve(token)
        args = tuple(bare)
    if by_value:
        return by_value[0], args, kwargs
    reference = bytes(view[4:size])
    fn = _functions.get(reference)
    if fn is None:
        if len(_functions) >= _MOST_REFERENCES:
            _functions.clear()
        fn = _functions[reference] = pickle.loads(reference)
    return fn, args, kwargs
