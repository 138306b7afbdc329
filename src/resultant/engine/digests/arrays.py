"""Arrays and scalars of numpy: dtype, shape and the bytes in C order, read where they lie."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from .encoder import Encoder

__all__ = ["handler_for"]

#: Bytes of an array in another order that are brought into C order at a time.
_SLAB = 8 << 20


def handler_for(cls: type) -> Callable[[Encoder, Any], bytes] | None:
    """Return what encodes instances of a class of numpy's, or ``None`` for other classes.

    Args:
        cls: the class.
    """
    numpy = sys.modules["numpy"]
    if issubclass(cls, numpy.ma.MaskedArray):
        return _masked
    if cls is numpy.ndarray:
        return _array
    if issubclass(cls, numpy.ndarray):
        return _subclass
    if issubclass(cls, numpy.generic):
        return _scalar
    if issubclass(cls, numpy.dtype):
        return lambda encoder, dtype: encoder.node(b"dtype", describe(dtype))
    return None


def describe(dtype: Any) -> Any:
    """Return everything that tells a dtype from others, as plain values."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return ("subarray", describe(base), shape)
    if dtype.names is not None:
        fields = [(name, describe(dtype.fields[name][0]), dtype.fields[name][1:]) for name in dtype.names]
        return ("fields", fields, dtype.itemsize, dtype.isalignedstruct)
    # Strings of variable length all have the same code; their options are in the text.
    return (dtype.str, str(dtype)) if dtype.kind == "T" else dtype.str


def _array(encoder: Encoder, array: Any) -> bytes:
    dtype = array.dtype
    if dtype.names is not None:
        # Field by field: what lies between fields is anybody's bytes.
        return encoder.node(b"records", describe(dtype), array.shape, [array[name] for name in dtype.names])
    if dtype.hasobject or dtype.kind == "T":
        return encoder.node(b"objects", describe(dtype), array.shape, array.ravel(order="C").tolist())
    return encoder.buffer(b"array", (describe(dtype), array.shape), _chunks(array))


def _chunks(array: Any) -> Iterator[Any]:
    """Yield the bytes of an array in C order."""
    import numpy

    if array.flags.c_contiguous or array.nbytes <= _SLAB or array.ndim == 0:
        yield _raw(numpy.ascontiguousarray(array))
        return
    rows = max(1, _SLAB * len(array) // array.nbytes)
    for start in range(0, len(array), rows):
        yield _raw(numpy.ascontiguousarray(array[start : start + rows]))


def _raw(array: Any) -> Any:
    import numpy

    data = array.reshape(-1).view(numpy.uint8)
    if array.dtype.char in "gG" and numpy.finfo(numpy.longdouble).nmant == 63:
        # Ten bytes of number and six of padding that nobody sets.
        width = numpy.dtype(numpy.longdouble).itemsize
        data = numpy.ascontiguousarray(data.reshape(-1, width)[:, :10]).reshape(-1)
    return data.data


def _subclass(encoder: Encoder, array: Any) -> bytes:
    import numpy

    # A map of a file is an array like any other, wherever the file lies.
    own = None if isinstance(array, numpy.memmap) else getattr(array, "__dict__", None)
    return encoder.node(b"array of", type(array), array.view(numpy.ndarray), own)


def _masked(encoder: Encoder, array: Any) -> bytes:
    import numpy

    mask = numpy.ma.getmaskarray(array)
    visible = array.filled(array.dtype.type()) if array.dtype.names is None else array.filled()
    return encoder.node(b"masked", type(array), numpy.asarray(visible), mask, array.fill_value)


def _scalar(encoder: Encoder, scalar: Any) -> bytes:
    import numpy

    return encoder.node(b"scalar", type(scalar), numpy.asarray(scalar))
