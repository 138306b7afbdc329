"""Frames, series and indexes of pandas: names, dtypes and values, whatever lies beneath them in memory."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .encoder import Encoder

__all__ = ["handler_for"]


def handler_for(cls: type) -> Callable[[Encoder, Any], bytes] | None:
    """Return what encodes instances of a class of pandas', or ``None`` for other classes.

    Args:
        cls: the class.
    """
    pandas = sys.modules["pandas"]
    if not hasattr(pandas, "api"):
        # Still being imported: there is no value of its types yet.
        return None
    if issubclass(cls, pandas.DataFrame):
        return _frame
    if issubclass(cls, pandas.Series):
        return _series
    if issubclass(cls, pandas.RangeIndex):
        return lambda encoder, index: encoder.node(b"range index", index.start, index.stop, index.step, index.name)
    if issubclass(cls, pandas.MultiIndex):
        return _multi_index
    if issubclass(cls, pandas.Index):
        return _index
    if issubclass(cls, pandas.api.extensions.ExtensionArray):
        return _values
    return None


def _frame(encoder: Encoder, frame: Any) -> bytes:
    columns = [frame.iloc[:, position].array for position in range(frame.shape[1])]
    return encoder.node(
        b"frame", type(frame), frame.shape, frame.columns, frame.index, columns, frame.attrs, _metadata(frame)
    )


def _series(encoder: Encoder, series: Any) -> bytes:
    return encoder.node(
        b"series", type(series), series.name, series.index, series.array, series.attrs, _metadata(series)
    )


def _metadata(value: Any) -> dict[str, Any]:
    """Return what a subclass carries besides its values."""
    return {name: getattr(value, name, None) for name in value._metadata if name != "_name"}


def _index(encoder: Encoder, index: Any) -> bytes:
    return encoder.node(b"index", type(index), index.name, index.array, getattr(index, "freqstr", None))


def _multi_index(encoder: Encoder, index: Any) -> bytes:
    # Equal indexes may keep levels that nothing uses, in any order.
    levels = [index.get_level_values(position).array for position in range(index.nlevels)]
    return encoder.node(b"multi index", list(index.names), len(index), levels)


def _values(encoder: Encoder, values: Any) -> bytes:
    import numpy
    import pandas

    dtype = values.dtype
    if isinstance(dtype, numpy.dtype):
        return encoder.node(b"values", values.to_numpy())
    name = (type(dtype), str(dtype))
    if isinstance(dtype, pandas.CategoricalDtype):
        return encoder.node(b"categorical", pandas.Index(dtype.categories), dtype.ordered, values.codes)
    if isinstance(dtype, pandas.IntervalDtype):
        return encoder.node(b"intervals", name, values.left, values.right)
    if isinstance(dtype, pandas.SparseDtype):
        return encoder.node(b"sparse", name, values.to_numpy())
    if isinstance(dtype, pandas.DatetimeTZDtype | pandas.PeriodDtype):
        return encoder.node(b"moments", name, numpy.asarray(values.astype("int64")))
    if isinstance(dtype, pandas.BooleanDtype) or (
        type(dtype).__module__.startswith("pandas.core.arrays.") and dtype.kind in "iuf" and dtype.na_value is pandas.NA
    ):
        # What lies under the mask is anybody's.
        missing = numpy.asarray(values.isna())
        return encoder.node(b"nullable", name, missing, values.to_numpy(dtype=dtype.numpy_dtype, na_value=0))
    na_value = getattr(dtype, "na_value", None)
    return encoder.node(b"extension", name, repr(na_value), numpy.asarray(values, dtype=object))
