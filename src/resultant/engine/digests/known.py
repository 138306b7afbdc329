"""Types of the standard library that say more by name than by how they pickle, and which handler a class has."""

from __future__ import annotations

import datetime
import enum
import sys
from collections import OrderedDict
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePath
from uuid import UUID

from . import arrays, frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .encoder import Encoder

    Handler = Callable[[Encoder, Any], bytes]

__all__ = ["HANDLERS", "handler_for"]


def _datetime(encoder: Encoder, value: datetime.datetime) -> bytes:
    naive = value.replace(tzinfo=None, fold=0).isoformat()
    return encoder.node(b"datetime", naive, value.fold, value.tzinfo)


def _time(encoder: Encoder, value: datetime.time) -> bytes:
    naive = value.replace(tzinfo=None, fold=0).isoformat()
    return encoder.node(b"time", naive, value.fold, value.tzinfo)


def _timedelta(encoder: Encoder, value: datetime.timedelta) -> bytes:
    return encoder.node(b"timedelta", value.days, value.seconds, value.microseconds)


def _timezone(encoder: Encoder, value: datetime.timezone) -> bytes:
    return encoder.node(b"timezone", value.utcoffset(None), value.tzname(None))


def _path(encoder: Encoder, value: PurePath) -> bytes:
    return encoder.node(b"path", type(value), str(value))


def _enum(encoder: Encoder, value: enum.Enum) -> bytes:
    return encoder.node(b"enum", type(value), value._name_, value._value_)


def _set(encoder: Encoder, value: Any) -> bytes:
    # How a set pickles depends on the order that the hash seed gave it.
    plain = frozenset(value) if isinstance(value, frozenset) else set(value)
    return encoder.node(b"set of", type(value), plain, getattr(value, "__dict__", None))


HANDLERS: dict[type, Handler] = {
    datetime.datetime: _datetime,
    datetime.date: lambda encoder, value: encoder.node(b"date", value.isoformat()),
    datetime.time: _time,
    datetime.timedelta: _timedelta,
    datetime.timezone: _timezone,
    Decimal: lambda encoder, value: encoder.node(b"decimal", str(value)),
    Fraction: lambda encoder, value: encoder.node(b"fraction", value.numerator, value.denominator),
    UUID: lambda encoder, value: encoder.node(b"uuid", value.int),
    OrderedDict: lambda encoder, value: encoder.sequence(b"ordered", value.items()),
}

_BASES: tuple[tuple[type, Handler], ...] = (
    (enum.Enum, _enum),
    (PurePath, _path),
    (set, _set),
    (frozenset, _set),
)


def handler_for(cls: type) -> Handler | None:
    """Return what encodes the instances of a class, if something better is known than how they pickle.

    Args:
        cls: the class.
    """
    for base, handler in _BASES:
        if issubclass(cls, base):
            return handler
    # A value of a library's type exists only where the library has been imported.
    if "numpy" in sys.modules:
        found = arrays.handler_for(cls)
        if found is not None:
            return found
    if "pandas" in sys.modules:
        found = frames.handler_for(cls)
        if found is not None:
            return found
    return None
