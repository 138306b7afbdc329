"""JSONSerializer: plain JSON, and never another value than was given."""

import collections
import datetime as dt
import decimal
import enum
import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resultant.engine.serializers import JSONSerializer
from resultant.errors import CorruptResultError, SerializationError, UnreadableResultError

serializer = JSONSerializer()

ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(st.text(max_size=3), st.integers(), st.none()), inner, max_size=4),
    ),
    max_leaves=15,
)


def typed(value):
    """The value with its types spelled out, so that 1, 1.0 and True differ."""
    if isinstance(value, dict):
        return dict, [(typed(key), typed(each)) for key, each in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [typed(each) for each in value]
    return type(value), repr(value)


@settings(deadline=None, max_examples=400)
@given(ANYTHING)
def test_what_is_taken_comes_back_and_what_would_not_is_refused(value):
    try:
        comes_back = typed(json.loads(json.dumps(value, allow_nan=False))) == typed(value)
    except (TypeError, ValueError):
        comes_back = False
    if comes_back:
        data = serializer.serialize(value)
        assert data == json.dumps(value).encode()
        assert typed(serializer.deserialize(data)) == typed(value)
    else:
        with pytest.raises(SerializationError, match="value"):
            serializer.serialize(value)


@pytest.mark.parametrize("value", [3, None, "é", {"a": [1, 2.5, {"b": None}]}, [], [[]], True, 10**100, -0.0])
def test_bytes_are_those_of_json(value):
    assert serializer.serialize(value) == json.dumps(value).encode()


class Level(enum.IntEnum):
    HIGH = 1


class Word(enum.StrEnum):
    A = "a"


class Number(float):
    __slots__ = ()


Pair = collections.namedtuple("Pair", "a b")


def circle():
    value = {"a": []}
    value["a"].append(value)
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "value is nan"),
        (json.decoder.NaN, "value is nan"),
        ({"a": [1, {"b": float("inf")}]}, r"value\['a'\]\[1\]\['b'\] is inf"),
        ([float("-inf")], r"value\[0\] is -inf"),
        ((1, 2), "value is a tuple.* as a list"),
        ({"a": [(1,)]}, r"value\['a'\]\[0\] is a tuple"),
        (Pair(1, 2), "value is a .*Pair.* as a list"),
        ({1: "a"}, r"value has the key 1 \(int\)"),
        ({"a": {None: 1}}, r"value\['a'\] has the key None"),
        ({True: 1}, "key True"),
        ({1.5: 1}, r"key 1\.5"),
        ({(1,): 1}, r"key \(1,\)"),
        ({Word.A: 1}, "key <Word"),
        ([Level.HIGH], r"value\[0\] is a .*Level.* as a int"),
        ({"x": Word.A}, r"value\['x'\] is a .*Word.* as a str"),
        (Number(1), "value is a .*Number.* as a float"),
        ([np.float64(1)], r"value\[0\] is a numpy\.float64"),
        ([np.int64(1)], r"value\[0\] is a numpy\.int64, which JSON cannot carry"),
        (collections.OrderedDict(a=1), "OrderedDict.* as a dict"),
        ([collections.defaultdict(list)], "defaultdict"),
        ({"d": dt.datetime(2020, 1, 1)}, r"value\['d'\] is a datetime\.datetime, which JSON cannot carry"),
        ([decimal.Decimal(1)], "Decimal"),
        ({1, 2}, "value is a set"),
        (b"x", "value is a bytes"),
        (object(), "value is a object"),
        (circle(), r"value\['a'\]\[0\] contains itself"),
        (10**5000, "cannot be written as JSON"),
        ([[1] * 10_000, [(1,)]], r"value\[1\]\[0\] is a tuple"),
    ],
    ids=lambda part: type(part).__name__,
)
def test_what_is_refused_is_named_with_its_place(value, message):
    with pytest.raises(SerializationError, match=message) as caught:
        serializer.serialize(value)
    assert isinstance(caught.value, TypeError)


def test_an_object_twice_in_a_value_is_no_circle():
    shared = [1]
    assert serializer.deserialize(serializer.serialize({"a": shared, "b": shared})) == {"a": [1], "b": [1]}
    with pytest.raises(SerializationError, match=r"value\['c'\] is a tuple"):
        serializer.serialize({"a": shared, "b": shared, "c": ()})


def test_too_deep():
    value = []
    for _ in range(50_000):
        value = [value]
    with pytest.raises(SerializationError, match="nested too deeply"):
        serializer.serialize(value)
    with pytest.raises(UnreadableResultError, match="nested too deeply"):
        serializer.deserialize(b"[" * 100_000 + b"]" * 100_000)
    while value:
        value = value[0]


@pytest.mark.parametrize(
    "data", [b"", b" \n", b"{", b'{"a": 1', b"[1, 2", b"nul", b'"abc', b"1 2", b'{"a": 1}]', b"\0\0"]
)
def test_damage(data):
    with pytest.raises(CorruptResultError):
        serializer.deserialize(data)


@pytest.mark.parametrize("data", [pickle.dumps(3), b"PAR1xxxx", b"\x1f\x8b\x08", b"hello"])
def test_bytes_of_something_else(data):
    with pytest.raises(UnreadableResultError, match="no JSON"):
        serializer.deserialize(data)


@pytest.mark.parametrize(("data", "value"), [('{"é": 1}', {"é": 1}), ("[NaN]", None), (" 3\n", 3)])
def test_what_others_wrote_is_read(data, value):
    for encoding in ("utf-8", "utf-16", "utf-32", "utf-8-sig"):
        found = serializer.deserialize(data.encode(encoding))
        assert found == value or (value is None and found[0] != found[0])
