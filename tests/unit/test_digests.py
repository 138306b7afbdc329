"""Digests of values: what must differ, what must agree, what has none, and the same in every process."""

from __future__ import annotations

import collections
import copy
import dataclasses
import datetime
import enum
import functools
import io
import operator
import os
import pickle
import re
import socket
import subprocess
import sys
import textwrap
import threading
import types
import uuid
import zoneinfo
from array import array
from decimal import Decimal
from fractions import Fraction
from ipaddress import ip_address
from pathlib import Path, PurePosixPath
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest

from resultant.engine.digests import Undigestible, digest, digest_value


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Size(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    ONE = 1


class Flags(enum.Flag):
    A = 1
    B = 2


class Pair(collections.namedtuple("Pair", "left right")):
    __slots__ = ()


class Other(collections.namedtuple("Other", "left right")):
    __slots__ = ()


@dataclasses.dataclass
class Point:
    x: Any
    y: Any = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Spot:
    x: Any
    y: Any = 0


class Plain:
    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def method(self) -> None:
        """Do nothing."""


class Same:
    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a: Any) -> None:
        self.a = a


class Words(list):  # type: ignore[type-arg]
    pass


class Table(dict):  # type: ignore[type-arg]
    pass


class Bag(set):  # type: ignore[type-arg]
    pass


class Number(int):
    pass


class Grid(np.ndarray):  # type: ignore[type-arg]
    pass


class Guarded:
    """Leaves its lock at home when it is pickled."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.lock = threading.Lock()

    def __getstate__(self) -> Any:
        return {"value": self.value}


def named(x: int) -> int:
    return x


def adder(n: Any) -> Any:
    return lambda x: x + n


def with_default(n: Any) -> Any:
    def inner(x: int = n) -> int:
        return x

    return inner


def with_keyword(n: Any) -> Any:
    def inner(*, x: int = n) -> int:
        return x

    return inner


def local_class(body: Any, base: type = object) -> type:
    return type("Local", (base,), {"value": body})


def cyclic(*values: Any) -> Any:
    items: list[Any] = list(values)
    items.append(items)
    return items


def mutual() -> Any:
    one: dict[str, Any] = {"name": "one"}
    other = {"name": "other", "back": one}
    one["forth"] = other
    return one


def recursive(stop: int) -> Any:
    def inner(n: int) -> int:
        return stop if n == 0 else inner(n - 1)

    return inner


def frame(**changes: Any) -> pd.DataFrame:
    columns = {"a": np.arange(4), "b": np.linspace(0, 1, 4), "c": list("wxyz")}
    columns.update(changes)
    return pd.DataFrame(columns)


def with_attrs(made: pd.DataFrame) -> pd.DataFrame:
    made.attrs["unit"] = "m"
    return made


RNG = np.random.default_rng(7)
GRID = RNG.random((7, 5))
NAN_PAYLOAD = np.array([0x7FF8000000000001], dtype=np.uint64).view(np.float64)
UTC = datetime.UTC
NOON = datetime.datetime(2024, 1, 2, 12)
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")

MUST_DIFFER: list[tuple[str, Any, Any]] = [
    ("int text", 1, "1"),
    ("int bool", 1, True),
    ("int float", 1, 1.0),
    ("zero false", 0, False),
    ("float complex", 1.0, 1 + 0j),
    ("none text", None, "None"),
    ("none nothing", None, ()),
    ("none false", None, False),
    ("sign", 1, -1),
    ("large int", 2**64, 2**64 + 1),
    ("signed zero", 0.0, -0.0),
    ("nan inf", float("nan"), float("inf")),
    ("nan payload", float("nan"), float(NAN_PAYLOAD[0])),
    ("complex parts", 1 + 2j, 2 + 1j),
    ("bytes text", b"a", "a"),
    ("bytes bytearray", b"a", bytearray(b"a")),
    ("bytes memoryview", b"a", memoryview(b"a")),
    ("long bytes", b"a" * 1000, b"a" * 999 + b"b"),
    ("long bytes bytearray", b"a" * 1000, bytearray(b"a" * 1000)),
    ("view shape", memoryview(bytes(4)), memoryview(bytes(4)).cast("B", (2, 2))),
    ("view format", memoryview(bytes(4)), memoryview(bytes(4)).cast("i")),
    ("empty text bytes", "", b""),
    ("normal forms", "\u00e9", "e\u0301"),
    ("surrogate", "\ud800", "?"),
    ("list tuple", [1], (1,)),
    ("nesting", [1], [[1]]),
    ("empty list tuple", [], ()),
    ("empty list dict", [], {}),
    ("empty set frozenset", set(), frozenset()),
    ("empty set dict", set(), {}),
    ("brackets", [[1], 2], [1, [2]]),
    ("running together", ["ab", "c"], ["a", "bc"]),
    ("running together bytes", [b"ab", b"c"], [b"a", b"bc"]),
    ("digits together", [1, 23], [12, 3]),
    ("text that looks encoded", ["s1:a"], ["a"]),
    ("order of a list", [1, 2], [2, 1]),
    ("repetition", [1, 1], [1]),
    ("long lists", list(range(10_000)), [*range(9_999), -1]),
    ("key types", {1: "a"}, {"1": "a"}),
    ("key bool", {1: "a"}, {True: "a"}),
    ("keys and values", {"a": "b"}, {"b": "a"}),
    ("values swapped", {"a": 1, "b": 2}, {"a": 2, "b": 1}),
    ("dict pairs", {"a": 1}, [("a", 1)]),
    ("dict ordered", {"a": 1}, collections.OrderedDict(a=1)),
    ("ordered order", collections.OrderedDict(a=1, b=2), collections.OrderedDict(b=2, a=1)),
    ("defaultdict", {"a": 1}, collections.defaultdict(int, a=1)),
    ("default factory", collections.defaultdict(int), collections.defaultdict(list)),
    ("counter", collections.Counter("ab"), collections.Counter("abb")),
    ("counter dict", collections.Counter("ab"), {"a": 1, "b": 1}),
    ("proxy", {"a": 1}, types.MappingProxyType({"a": 1})),
    ("set frozenset", {1}, frozenset({1})),
    ("set list", {1}, [1]),
    ("set members", {"a", "b"}, {"a", "c"}),
    ("nested sets", {frozenset({1, 2}), frozenset({3})}, {frozenset({1}), frozenset({2, 3})}),
    ("deque list", collections.deque([1]), [1]),
    ("deque length", collections.deque([1], 3), collections.deque([1], 4)),
    ("array module", array("i", [1]), array("l", [1])),
    ("range list", range(3), [0, 1, 2]),
    ("range step", range(0, 4, 2), range(0, 3, 2)),
    ("slice", slice(1), slice(0, 1)),
    ("slice tuple", slice(1, 2, 3), (1, 2, 3)),
    ("ellipsis", Ellipsis, NotImplemented),
    ("namedtuple tuple", Pair(1, 2), (1, 2)),
    ("namedtuple class", Pair(1, 2), Other(1, 2)),
    ("list class", Words([1]), [1]),
    ("dict class", Table(a=1), {"a": 1}),
    ("set class", Bag([1]), {1}),
    ("int class", Number(1), 1),
    ("enum class", Colour.RED, Size.RED),
    ("enum member", Colour.RED, Colour.BLUE),
    ("enum value", Level.ONE, 1),
    ("flags", Flags.A, Flags.A | Flags.B),
    ("dataclass", Point(1), Point(2)),
    ("dataclass slots", Spot(1), Spot(2)),
    ("dataclass class", Point(1), Spot(1)),
    ("dataclass dict", Point(1), {"x": 1, "y": 0}),
    ("instances of two classes", Plain(a=1), Same(a=1)),
    ("state", Plain(a=1), Plain(a=2)),
    ("attribute name", Plain(a=1), Plain(b=1)),
    ("slots", Slotted(1), Slotted("1")),
    ("instance class", Plain(), Plain),
    ("opaque in a list", [Plain(a=1)], [Same(a=1)]),
    ("exception", ValueError("a"), ValueError("b")),
    ("exception class", ValueError("a"), TypeError("a")),
    ("date datetime", datetime.date(2024, 1, 2), datetime.datetime(2024, 1, 2)),
    ("naive aware", NOON, NOON.replace(tzinfo=UTC)),
    ("zones of one offset", NOON.replace(tzinfo=BERLIN), NOON.replace(tzinfo=zoneinfo.ZoneInfo("Europe/Paris"))),
    ("one moment in two zones", NOON.replace(tzinfo=UTC), NOON.replace(tzinfo=UTC).astimezone(BERLIN)),
    ("microsecond", NOON, NOON.replace(microsecond=1)),
    ("fold", NOON, NOON.replace(fold=1)),
    ("time", datetime.time(1), datetime.time(1, tzinfo=UTC)),
    ("timedelta", datetime.timedelta(1), datetime.timedelta(seconds=86_401)),
    ("timedelta number", datetime.timedelta(seconds=1), 1),
    ("decimal float", Decimal(1), 1.0),
    ("decimal digits", Decimal("1.0"), Decimal("1.00")),
    ("fraction", Fraction(1, 2), Fraction(1, 3)),
    ("fraction float", Fraction(1, 2), 0.5),
    ("path text", Path("a"), "a"),
    ("path class", Path("a"), PurePosixPath("a")),
    ("path", Path("a/b"), Path("a/c")),
    ("uuid text", uuid.UUID(int=1), str(uuid.UUID(int=1))),
    ("uuid", uuid.UUID(int=1), uuid.UUID(int=2)),
    ("address", ip_address("10.0.0.1"), ip_address("10.0.0.2")),
    ("pattern", re.compile("a"), re.compile("a", re.IGNORECASE)),
    ("zone", zoneinfo.ZoneInfo("UTC"), UTC),
    ("numpy scalar", np.int64(1), 1),
    ("numpy scalar dtype", np.int64(1), np.int32(1)),
    ("numpy scalar array", np.int64(1), np.array(1)),
    ("numpy bool", np.True_, True),
    ("array list", np.array([1, 2]), [1, 2]),
    ("array dtype", np.arange(4), np.arange(4, dtype=np.int32)),
    ("array bytes", np.zeros(2, np.int32), np.zeros(1, np.int64)),
    ("array shape", np.arange(4), np.arange(4).reshape(2, 2)),
    ("array transposed", np.arange(4).reshape(2, 2), np.arange(4).reshape(2, 2).T),
    ("array of one", np.array(1), np.array([1])),
    ("zero size", np.zeros((0, 3)), np.zeros((3, 0))),
    ("byte order", np.arange(3, dtype="<i4"), np.arange(3, dtype=">i4")),
    ("array signed zero", np.array([0.0]), np.array([-0.0])),
    ("array value", GRID, np.where(np.arange(35).reshape(7, 5) == 34, 0, GRID)),
    ("object array", np.array([1, "1"], object), np.array(["1", 1], object)),
    ("object float", np.array([1.0, None], object), np.array([1, None], object)),
    ("object array shape", np.array([[1, 2]], object), np.array([[1], [2]], object)),
    ("structured names", np.zeros(2, [("a", "i4")]), np.zeros(2, [("b", "i4")])),
    ("structured types", np.zeros(2, [("a", "i4")]), np.zeros(2, [("a", "f4")])),
    (
        "structured offsets",
        np.zeros(2, [("a", "i1"), ("b", "i4")]),
        np.zeros(2, np.dtype([("a", "i1"), ("b", "i4")], align=True)),
    ),
    ("datetime64 unit", np.array(["2024"], "M8[s]"), np.array(["2024"], "M8[ms]")),
    ("timedelta64", np.array([1], "m8[s]"), np.array([1], "M8[s]")),
    ("array text width", np.array(["a"], "U1"), np.array(["a"], "U2")),
    ("array of bytes", np.array([b"a"]), np.array(["a"])),
    ("array class", np.arange(2).view(Grid), np.arange(2)),
    ("mask", np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[1, 0])),
    ("masked plain", np.ma.array([1, 2]), np.array([1, 2])),
    ("dtype", np.dtype("i4"), np.dtype("i8")),
    ("dtype type", np.dtype("i8"), np.int64),
    ("long double", np.array([1], np.longdouble), np.array([2], np.longdouble)),
    ("frame renamed column", frame(), frame().rename(columns={"a": "A"})),
    ("frame column order", frame(), frame()[["b", "a", "c"]]),
    ("frame column type", frame(), frame(a=np.arange(4.0))),
    ("frame narrow", frame(), frame(a=np.arange(4, dtype="i4"))),
    ("frame index", frame(), frame().set_index(pd.Index([3, 2, 1, 0]))),
    ("frame index type", frame(), frame().set_index(pd.Index([0.0, 1, 2, 3]))),
    ("frame index name", frame(), frame().rename_axis("i")),
    ("frame columns name", frame(), frame().rename_axis("i", axis=1)),
    ("frame rows", frame(), frame().iloc[::-1]),
    ("frame head", frame(), frame().head(3)),
    ("frame cell", frame(), frame(c=list("wxyZ"))),
    ("frame series", frame()[["a"]], frame()["a"]),
    ("frame records", frame(), frame().to_dict()),
    ("frame object", frame(), frame(c=np.array(list("wxyz"), object)).astype({"c": object})),
    ("frame category", frame(), frame().astype({"c": "category"})),
    ("frame attrs", frame(), with_attrs(frame())),
    ("frame empty", frame().head(0), frame()[[]]),
    ("series name", pd.Series([1], name="a"), pd.Series([1], name="b")),
    ("series array", pd.Series([1]), np.array([1])),
    ("series dtype", pd.Series([1]), pd.Series([1.0])),
    ("nullable", pd.Series([1], dtype="Int64"), pd.Series([1], dtype="int64")),
    ("nullable mask", pd.Series([0, None], dtype="Int64"), pd.Series([0, 0], dtype="Int64")),
    ("nullable float", pd.Series([1], dtype="Float64"), pd.Series([1], dtype="Float32")),
    ("boolean", pd.Series([True, None], dtype="boolean"), pd.Series([True, False], dtype="boolean")),
    ("text missing", pd.Series(["a", None]), pd.Series(["a", "nan"])),
    ("text na", pd.Series(["a"], dtype="string"), pd.Series(["a"], dtype="str")),
    ("index index", pd.Index([1]), pd.Index(["1"])),
    ("index series", pd.Index([1]), pd.Series([1])),
    ("index name", pd.Index([1], name="a"), pd.Index([1], name="b")),
    ("range index", pd.RangeIndex(3), pd.RangeIndex(4)),
    ("multi index", pd.MultiIndex.from_tuples([(1, 2)]), pd.MultiIndex.from_tuples([(2, 1)])),
    (
        "multi index names",
        pd.MultiIndex.from_tuples([(1, 2)], names=["a", "b"]),
        pd.MultiIndex.from_tuples([(1, 2)], names=["a", "c"]),
    ),
    ("categories", pd.Categorical(["a"], ["a", "b"]), pd.Categorical(["a"], ["a", "c"])),
    ("categories order", pd.Categorical(["a"], ["a", "b"]), pd.Categorical(["a"], ["b", "a"])),
    ("ordered", pd.Categorical(["a"]), pd.Categorical(["a"], ordered=True)),
    ("time zone", pd.Series(pd.to_datetime(["2024"], utc=True)), pd.Series(pd.to_datetime(["2024"]))),
    ("frame zone", pd.date_range("2024", periods=2, tz="UTC"), pd.date_range("2024", periods=2, tz="Europe/Paris")),
    ("period", pd.period_range("2024", periods=2, freq="D"), pd.period_range("2024", periods=2, freq="h")),
    ("interval", pd.interval_range(0, 2), pd.interval_range(0, 2, closed="both")),
    ("timestamp", pd.Timestamp("2024"), pd.Timestamp("2024").to_pydatetime()),
    ("timestamp zone", pd.Timestamp("2024"), pd.Timestamp("2024", tz="UTC")),
    ("nat na", pd.NaT, pd.NA),
    ("functions", named, adder),
    ("function name", named, "named"),
    ("builtins", len, sum),
    ("classes", Plain, Same),
    ("class instance", int, 0),
    ("closure", adder(1), adder(2)),
    ("closure type", adder(1), adder(True)),
    ("default", with_default(1), with_default(2)),
    ("keyword default", with_keyword(1), with_keyword(2)),
    ("lambda body", lambda x: x + 1, lambda x: x + 2),
    ("lambda constant type", lambda x: (x, 1), lambda x: (x, 1.0)),
    ("lambda attribute", lambda x: x.a, lambda x: x.b),
    ("lambda argument", lambda x: 1, lambda *x: 1),
    ("inner lambda", lambda: lambda: 1, lambda: lambda: 2),
    ("recursion", recursive(1), recursive(2)),
    ("partial", functools.partial(named, 1), functools.partial(named, 2)),
    ("partial function", functools.partial(len), functools.partial(sum)),
    ("itemgetter", operator.itemgetter(1), operator.itemgetter(2)),
    ("getters", operator.itemgetter("a"), operator.attrgetter("a")),
    ("bound", Plain(a=1).method, Plain(a=2).method),
    ("bound builtin", "a".join, "b".join),
    ("bound function", Plain(a=1).method, Plain.method),
    ("methods of types", str.upper, bytes.upper),
    ("local classes", local_class(1), local_class(2)),
    ("local class bases", local_class(1), local_class(1, Plain)),
    ("instances of local classes", local_class(1)(), local_class(2)()),
    ("modules", os, sys),
    ("alias", list[int], list[str]),
    ("cycles", cyclic(1), cyclic(2)),
    ("cycle and copy", cyclic(1), [1, [1]]),
    ("cycle depth", cyclic(1), [1, cyclic(1)]),
    ("mutual", mutual(), mutual()["forth"]),
    ("guarded", Guarded(1), Guarded(2)),
    ("random", np.random.default_rng(1), np.random.default_rng(2)),
]


def again(value: Any) -> Any:
    return pickle.loads(cloudpickle.dumps(value))


MUST_MATCH: list[tuple[str, Any, Any]] = [
    ("int", 10**40, int("1" + "0" * 40)),
    ("float", 0.1 + 0.2, 0.30000000000000004),
    ("nan", float("nan"), float("nan")),
    ("nan computed", float("nan"), -float("-nan")),
    ("text", "a" * 3, "aaa"),
    ("long bytes", b"a" * 1000, bytes([97] * 1000)),
    ("bytearray", bytearray(b"ab"), bytearray([97, 98])),
    ("view of either", memoryview(b"ab"), memoryview(bytearray(b"ab"))),
    ("strided view", memoryview(b"abcd")[::2], memoryview(b"ac")),
    ("list", [1, [2]], [1, *[[2]]]),
    ("shared and copied", (lambda part: [part, part])([1]), [[1], [1]]),
    ("dict order", {"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ("nested dict order", {"x": {1: 2, "a": 3}}, {"x": {"a": 3, 1: 2}}),
    ("mixed keys", {1: 1, "1": 2, (1,): 3}, {(1,): 3, "1": 2, 1: 1}),
    ("set order", set("abcdefgh"), set("hgfedcba")),
    ("set grown and shrunk", {1, 9}, {*range(1000)} - {*range(2, 9)} - {0} - {*range(10, 1000)}),
    ("frozenset in list", [frozenset("abc")], [frozenset("cab")]),
    ("mixed set", {1, "a", None, (2,)}, {(2,), None, "a", 1}),
    ("set of sets", {frozenset("ab"), frozenset("c")}, {frozenset("c"), frozenset("ba")}),
    ("object with a set", Plain(s={"a", "b", "c"}), Plain(s={"c", "b", "a"})),
    ("attribute order", Plain(a=1, b=2), Plain(b=2, a=1)),
    ("counter", collections.Counter("ab"), collections.Counter("ba")),
    ("defaultdict", collections.defaultdict(int, a=1, b=2), collections.defaultdict(int, b=2, a=1)),
    ("proxy", types.MappingProxyType({"a": 1}), types.MappingProxyType({"a": 1})),
    ("set class", Bag("ab"), Bag("ba")),
    ("dict class", Table(a=1, b=2), Table(b=2, a=1)),
    ("namespace", types.SimpleNamespace(a=1), types.SimpleNamespace(a=1)),
    ("moment", NOON.replace(tzinfo=UTC), datetime.datetime.fromisoformat("2024-01-02T12:00:00+00:00")),
    ("decimal", Decimal("1.50"), Decimal((0, (1, 5, 0), -2))),
    ("fraction", Fraction(2, 4), Fraction(1, 2)),
    ("path", Path("a") / "b", Path("a/b")),
    ("uuid", uuid.UUID(int=5), uuid.UUID(str(uuid.UUID(int=5)))),
    ("pattern", re.compile("a+"), re.compile("a" "+")),
    ("C and F order", GRID, np.asfortranarray(GRID)),
    ("transposed twice", GRID, GRID.T.copy().T),
    ("strided", np.arange(10)[::2], np.array([0, 2, 4, 6, 8])),
    ("reversed", np.arange(5)[::-1], np.array([4, 3, 2, 1, 0])),
    ("read-only", GRID, np.frombuffer(GRID.tobytes()).reshape(GRID.shape)),
    ("unaligned", np.frombuffer(b"x" + np.arange(3).tobytes(), np.int64, offset=1), np.arange(3)),
    ("broadcast", np.broadcast_to(np.int64(1), (3,)), np.ones(3, np.int64)),
    ("large F order", np.arange(3_000_000.0).reshape(3, -1), np.asfortranarray(np.arange(3_000_000.0).reshape(3, -1))),
    ("large strided", np.arange(4_000_000)[::2], np.arange(0, 4_000_000, 2)),
    ("zero size", np.zeros((0, 3)), np.ones((5, 3))[:0]),
    ("zero dimensions", np.array(5), np.arange(6).reshape(2, 3)[1, 2:3].reshape(())),
    ("array nan", np.array([np.nan]), np.array([float("nan")])),
    ("array of objects", np.array([1, "a", None], object), np.array([1, "a", None], object)),
    ("objects F order", np.array([[1, "a"], [None, 2]], object), np.asfortranarray(np.array([[1, "a"], [None, 2]], object))),
    ("padding", np.zeros(2, np.dtype([("a", "i1"), ("b", "i4")], align=True)), np.frombuffer(b"\0\1\2\3\0\0\0\0" * 2, np.dtype([("a", "i1"), ("b", "i4")], align=True))),
    ("structured strided", np.zeros(4, [("a", "i4"), ("b", "O")])[::2], np.zeros(2, [("a", "i4"), ("b", "O")])),
    ("hidden by a mask", np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 9], mask=[0, 1])),
    ("long double", np.array([1], np.longdouble), np.array([3], np.longdouble) / 3),
    ("frame blocks", frame(), pd.concat([frame()[["a"]], frame()[["b"]], frame()[["c"]]], axis=1)),
    ("frame copy", frame(), frame().copy(deep=True)),
    ("frame of a 2d array", pd.DataFrame(GRID), pd.DataFrame(np.asfortranarray(GRID))),
    ("frame filtered", frame().iloc[1:3], frame().iloc[1:].iloc[:2]),
    ("multi index levels", pd.MultiIndex.from_product([[1, 2], ["a", "b"]])[:2], pd.MultiIndex.from_tuples([(1, "a"), (1, "b")])),
    ("under the null", pd.array([1, 2], dtype="Int64")[:1].copy(), pd.array([1], dtype="Int64")),
    ("nulls", pd.Series([1, None], dtype="Int64"), pd.Series([1, 2], dtype="Int64").where([True, False])),
    ("index", pd.Index(["a", "b"]), pd.Index(list("ab"))),
    ("categorical", pd.Categorical(list("ab")), pd.Categorical(list("ab"))),
    ("closures", adder(1), adder(1)),
    ("lambdas", lambda x: x + 1, lambda x: x + 1),
    ("recursion", recursive(1), recursive(1)),
    ("local classes", local_class(1), local_class(1)),
    ("instances of local classes", local_class(1)(), local_class(1)()),
    ("partial", functools.partial(named, 1, y=2, z=3), functools.partial(named, 1, z=3, y=2)),
    ("cycles", cyclic(1, 2), cyclic(1, 2)),
    ("mutual", mutual(), mutual()),
    ("guarded", Guarded(1), Guarded(1)),
    ("random", np.random.default_rng(1), np.random.default_rng(1)),
    ("exception", ValueError("a", 1), ValueError("a", 1)),
    *((f"pickled {kind}", value, again(value)) for kind, value in {
        "namedtuple": Pair(1, 2), "enum": Colour.RED, "flags": Flags.A | Flags.B, "dataclass": Point(1), "slots": Slotted(1),
        "frozen": Spot(1), "list class": Words([1]), "int class": Number(3), "deque": collections.deque([1], 3),
        "ordered": collections.OrderedDict(a=1), "array": array("d", [1.5]), "slice": slice(1, 2), "range": range(9),
        "timedelta": datetime.timedelta(1.5), "time": datetime.time(1, tzinfo=UTC), "zone": BERLIN, "address": ip_address("::1"),
        "numpy scalar": np.float32(0.1), "array of numpy": [np.int64(1), np.arange(3)], "object array": np.array([1, "a"], object),
        "datetime64": np.array(["2024", "NaT"], "M8[ns]"), "structured": np.zeros(2, [("a", "i4"), ("b", "U3")]), "array class": np.arange(2).view(Grid),
        "masked": np.ma.array([1, 2], mask=[0, 1]), "frame": frame(), "frame category": frame().astype({"c": "category"}),
        "frame objects": frame(c=[1, "a", None, 2.5]), "frame slice": frame().iloc[::2], "series": frame()["c"], "string": pd.Series(["a", None], dtype="string"),
        "zone series": pd.Series(pd.to_datetime(["2024", None], utc=True)), "multi index": pd.MultiIndex.from_product([[1, 2], ["a", "b"]])[:3],
        "date range": pd.date_range("2024", periods=3), "period": pd.period_range("2024", periods=2, freq="D"), "interval": pd.interval_range(0, 3),
        "sparse": pd.Series(pd.arrays.SparseArray([0, 0, 1])), "timestamp": pd.Timestamp("2024-01-02 03:04", tz="Europe/Berlin"), "na": [pd.NA, pd.NaT],
        "closure": adder(3), "local class": local_class(3), "instance of a local class": local_class(3)(), "cycle": cyclic(1), "function": named,
        "method": Plain(a=1).method, "builtin": len, "alias": dict[str, int],
    }.items()),
]  # fmt: skip

HAVE_NONE: dict[str, Any] = {
    "open file": lambda: open(os.devnull),  # noqa: SIM115
    "binary file": lambda: open(os.devnull, "rb"),  # noqa: SIM115
    "lock": threading.Lock,
    "rlock": threading.RLock,
    "event": threading.Event,
    "generator": lambda: (x for x in ()),
    "socket": socket.socket,
    "thread": threading.current_thread,
    "bare object": object,
    "frame": lambda: sys._getframe(),
    "weak reference": lambda: __import__("weakref").ref(Plain),
    "closure over a lock": lambda: adder(threading.Lock()),
    "deep": lambda: functools.reduce(lambda inner, _: [inner], range(100_000), []),
    "broken reduce": lambda: type("Broken", (), {"__reduce__": lambda self: 1 / 0})(),
    "unending reduce": lambda: type("Endless", (), {"__reduce__": lambda self: (list, (type(self)(),))})(),
}


def test_there_are_enough_pairs() -> None:
    assert len(MUST_DIFFER) >= 100
    assert len(MUST_MATCH) >= 100


@pytest.mark.parametrize(("one", "other"), [pair[1:] for pair in MUST_DIFFER], ids=[pair[0] for pair in MUST_DIFFER])
def test_different_values_have_different_digests(one: Any, other: Any) -> None:
    assert digest(one) != digest(other)
    assert digest([one]) != digest([other])


@pytest.mark.parametrize(("one", "other"), [pair[1:] for pair in MUST_MATCH], ids=[pair[0] for pair in MUST_MATCH])
def test_equal_values_have_equal_digests(one: Any, other: Any) -> None:
    assert digest(one) == digest(other)
    assert digest({"value": (one, 1)}) == digest({"value": (other, 1)})


def test_no_two_kinds_of_value_share_a_digest() -> None:
    # Every left side with every other, but for those that occur twice or were made equal on purpose.
    seen: dict[str, str] = {}
    texts: dict[str, str] = {}
    for label, one, _ in MUST_DIFFER:
        found = digest(one)
        text = f"{type(one)} {one!r}"
        if found in seen and texts[found] != text:
            assert re.sub(r"0x\w+", "", text) == re.sub(r"0x\w+", "", texts[found]), (label, seen[found])
        seen[found], texts[found] = label, text


@pytest.mark.parametrize("make", HAVE_NONE.values(), ids=HAVE_NONE)
def test_what_has_no_canonical_form_has_no_digest(make: Any) -> None:
    value = make()
    try:
        assert digest_value(value) is None
        assert digest_value({"inner": [value, 1]}) is None
    finally:
        if hasattr(value, "close"):
            value.close()


def test_a_refusal_names_the_type() -> None:
    with pytest.raises(Undigestible, match=r"_thread.lock"):
        digest({"a": [threading.Lock()]})


def test_a_digest_is_short_text() -> None:
    assert re.fullmatch("[0-9a-f]{32}", digest(io))


def test_shared_parts_are_walked_once() -> None:
    value: Any = []
    for _ in range(200):
        value = [value, value]
    assert digest(value) == digest(copy.deepcopy(value))


def test_parts_of_circles_agree_whichever_comes_first() -> None:
    one = mutual()
    shade = enum.Enum("Shade", "DARK LIGHT", module="__main__")
    together = {"a": one, "b": one["forth"], "c": shade, "d": shade.DARK, "e": [one, shade]}
    assert digest(together) == digest(dict(reversed(together.items())))
    assert digest(together["e"]) == digest([mutual(), shade])


def test_many_instances_of_a_local_class_share_its_digest() -> None:
    local = local_class(adder(1))
    assert digest([local() for _ in range(3000)]) == digest([local_class(adder(1))() for _ in range(3000)])


def test_what_is_too_entangled_has_no_digest() -> None:
    nodes: list[list[Any]] = [[] for _ in range(40)]
    for node in nodes:
        node.extend(nodes)
    assert digest_value(nodes) is None


def test_a_value_is_not_changed() -> None:
    value = {"a": Plain(x=[1]), "f": adder(1), "c": local_class(1)}
    before = cloudpickle.dumps(value)
    digest(value)
    assert cloudpickle.dumps(value) == before


SCRIPT = textwrap.dedent(
    """
    import collections, dataclasses, enum, sys
    import cloudpickle
    from resultant.engine.digests import digest

    FACTOR = {"one", "two", "three"}

    def helper(x):
        return x in FACTOR or x in {"a", "b", "c"}

    def outer(n):
        def inner(x):
            return helper(x) and inner(x) + n
        return inner

    class Shade(enum.Enum):
        DARK = "dark"
        LIGHT = "light"

    @dataclasses.dataclass
    class Thing:
        names: frozenset
        shade: Shade = Shade.DARK

        def upper(self):
            return super().__repr__(), {name.upper() for name in self.names}

    class Row(collections.namedtuple("Row", "a b")):
        pass

    class Base:
        __slots__ = ("tags",)

        @property
        def first(self):
            return sorted(self.tags)[0]

        @classmethod
        def make(cls):
            made = cls()
            made.tags = {"x", "y", "z"}
            return made

        @staticmethod
        def other():
            return Thing

    values = [
        set("abcdefgh"), frozenset("xyz"), [frozenset("ab"), {"k": {"s", "t"}}], {1, "a", None, (2, "b")},
        helper, outer(1), outer({"p", "q"}), Shade.LIGHT, Shade, Thing(frozenset("abc")), Thing, Row(1, 2), Row, Base.make(), Base,
        Base.make, lambda x: x in {"u", "v"}, [helper, Base, Thing], {"A": Thing, "B": Base},
        collections.Counter("hello"), collections.defaultdict(set, a={"x", "y"}),
    ]
    if len(sys.argv) > 1:
        blob = bytes.fromhex(sys.stdin.read())
        values = cloudpickle.loads(blob)
    else:
        print(cloudpickle.dumps(values).hex(), file=sys.stderr)
    for value in values:
        print(digest(value))
    """
)


def _run(script: Path, seed: int, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    return subprocess.run(
        [sys.executable, str(script), *arguments],
        input=given,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )


def test_digests_are_the_same_in_every_process(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    runs = [_run(script, seed) for seed in (1, 2, 3)]
    first = runs[0].stdout.splitlines()
    assert len(first) == 21
    assert len(set(first)) == 21
    assert runs[1].stdout == runs[0].stdout
    assert runs[2].stdout == runs[0].stdout


def test_what_another_process_sent_has_the_digest_it_had_there(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    sender = _run(script, 1)
    other = tmp_path / "other.py"
    other.write_text(SCRIPT.split("FACTOR")[0] + "if len(sys.argv) > 1:" + SCRIPT.split("if len(sys.argv) > 1:")[1])
    receiver = _run(other, 2, "receive", given=sender.stderr)
    assert receiver.stdout.splitlines() == sender.stdout.splitlines()


def test_a_function_of_main_counts_the_globals_that_it_uses(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    body = "from resultant.engine.digests import digest\nK = {}\nUNUSED = {}\ndef f(x): return x.UNUSED * K\nprint(digest(f))\n"
    outputs = []
    for k, unused in ((1, 1), (2, 1), (1, 2)):
        script.write_text(body.replace("K = {}", f"K = {k}").replace("UNUSED = {}", f"UNUSED = {unused}"))
        outputs.append(_run(script, 1).stdout)
    assert outputs[0] != outputs[1]
    assert outputs[0] == outputs[2]


def test_heavy_libraries_are_never_imported() -> None:
    code = "import sys; from resultant.engine.digests import digest; digest({'a': [1, 2.5, b'x']}); print(any(m in sys.modules for m in ('numpy', 'pandas')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
