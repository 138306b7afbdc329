"""Classes and functions that the corpus of keys speaks of, and the names under which its expressions know libraries."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import ipaddress
import itertools
import operator
import pathlib
import re
import types
import uuid
import zoneinfo
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

try:
    import pyarrow as pa
except ImportError:
    pa = None

from resultant import Task, task

HERE = (
    array,
    collections,
    datetime,
    decimal,
    fractions,
    functools,
    ipaddress,
    itertools,
    operator,
    pathlib,
    re,
    uuid,
    zoneinfo,
)


class Colour(enum.Enum):
    RED = 1
    BLUE = 2
    CRIMSON = 1  # noqa: PIE796 - another name for the same


class Shade(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    ONE = 1


class Word(enum.StrEnum):
    A = "a"


class Access(enum.Flag):
    READ = 1
    WRITE = 2


@dataclasses.dataclass
class Point:
    x: Any
    y: Any = 0


@dataclasses.dataclass
class Vector:
    x: Any
    y: Any = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Spot:
    x: Any
    y: Any = 0


@dataclasses.dataclass
class Sub(Point):
    pass


class Pair(NamedTuple):
    left: Any
    right: Any


class Couple(NamedTuple):
    left: Any
    right: Any


class Plain:
    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def method(self) -> Any:
        return vars(self)

    def other(self) -> Any:
        return vars(self)


class Same(Plain):
    pass


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, **fields: Any) -> None:
        for name, value in fields.items():
            setattr(self, name, value)


class Words(list[Any]):
    pass


class Table(dict[Any, Any]):
    pass


class Bag(set[Any]):
    pass


class Number(int):
    pass


class Name(str):
    __slots__ = ()


class Holder:
    """Keeps its state as it likes."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.cache: Any = None

    def __getstate__(self) -> Any:
        return self.value

    def __setstate__(self, state: Any) -> None:
        self.value, self.cache = state, None


def one(x: Any) -> Any:
    return x


def two(x: Any) -> Any:
    return x


def adder(n: Any) -> Any:
    """Return a function that closes over a value."""

    def add(x: Any) -> Any:
        return x + n

    return add


def subtracter(n: Any) -> Any:
    """The same, with other code."""

    def add(x: Any) -> Any:
        return x - n

    return add


def with_default(n: Any) -> Any:
    """Return a function with a default."""

    def add(x: Any, y: Any = n) -> Any:
        return x + y

    return add


def with_keyword(n: Any) -> Any:
    """Return a function with a default that is given by name."""

    def add(x: Any, *, y: Any = n) -> Any:
        return x + y

    return add


def nested(n: Any) -> Any:
    """Return a function whose inner function closes over a value."""

    def outer(x: Any) -> Any:
        def inner() -> Any:
            return x + n

        return inner()

    return outer


def local(n: Any) -> Any:
    """Return a class that nobody can import, with an attribute."""

    class Local:
        kept = n

        def method(self) -> Any:
            return 1

    return Local


def local_otherwise() -> Any:
    """The same with another method."""

    class Local:
        kept = 1

        def method(self) -> Any:
            return 2

    return Local


def attributed(function: Any, **fields: Any) -> Any:
    """Return a function with attributes."""
    function.__dict__.update(fields)
    return function


def around(value: Any) -> list[Any]:
    """Return a list that holds itself."""
    found = [value]
    found.append(found)
    return found


def pushed(*values: Any) -> collections.deque[Any]:
    """Return a deque that was filled from the other end."""
    found: collections.deque[Any] = collections.deque()
    for value in reversed(values):
        found.appendleft(value)
    return found


def grown(values: Any) -> dict[Any, Any]:
    """Return a dictionary that other keys have gone through."""
    found = {n: n for n in range(-100, -1)}
    found.clear()
    for key in reversed(list(values)):
        found[key] = values[key]
    return found


def shared(value: Any) -> list[Any]:
    """Return a list whose items are one object."""
    return [value, value]


def strided(values: Any) -> Any:
    """Return an array that lies in every other place of another one."""
    wide = np.repeat(np.asarray(values), 2)
    return wide[::2]


def dirty(mask: list[bool]) -> Any:
    """Return a nullable array whose hidden values are anything."""
    return pd.arrays.IntegerArray(np.array([1, 999, 3]), np.array(mask))


def add_method(cls: Any, function: Any) -> Any:
    """Return a task class with a method."""
    return types.new_class("Own", (cls,), {}, lambda body: body.update(run=function, __module__="somewhere"))


class Scale(Task):
    """A task with an attribute."""

    def __init__(self, factor: Any, **options: Any) -> None:
        super().__init__(**options)
        self.factor = factor

    def run(self, x: Any) -> Any:
        return x * self.factor


class Shrink(Scale):
    """The same, and computes something else."""

    def run(self, x: Any) -> Any:
        return x / self.factor


def task_of(source: str, name: str = "f", **known: Any) -> Any:
    """Return a task of a function that is written as text, in a module of its own."""
    module = types.ModuleType("of_its_own")
    module.__dict__.update(known)
    exec(compile(source, "of_its_own.py", "exec"), module.__dict__)
    return task(module.__dict__[name])
