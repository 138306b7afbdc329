"""Result records: rows that alone can lead back to a value."""

import collections
import json
import pickle
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resultant.errors import CorruptResultError, UnreadableResultError
from resultant.records import ResultRecord, python_version, value_library

FULL = ResultRecord(
    type="local",
    options={"dir": "/data", "nested": {"b": [1, None, True], "a": 2.5}},
    location="/data/x",
    serializer={"name": "pickle", "options": {}},
    size=3,
    digest="sha256:00",
    python="3.11.7",
    library="numpy",
    library_version="2.0",
    returned_none=True,
)

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(), st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=8,
)  # fmt: skip


def test_a_record_comes_back():
    for record in (FULL, ResultRecord(type="local"), ResultRecord(type="", location="")):
        assert ResultRecord.from_json(record.to_json()) == record
        assert ResultRecord.from_json(record.to_json().encode()) == record
        assert pickle.loads(pickle.dumps(record)) == record


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=4), st.one_of(st.none(), st.text()))
def test_any_options_come_back(options, location):
    record = ResultRecord(type="x", options=options, location=location)
    assert ResultRecord.from_json(record.to_json()) == record


def test_the_text_is_stable():
    assert ResultRecord(type="local", location="a").to_json() == '{"location":"a","type":"local","version":1}'
    one = ResultRecord(type="x", options={"b": 1, "a": 2})
    other = ResultRecord(type="x", options={"a": 2, "b": 1})
    assert one.to_json() == other.to_json()
    assert json.loads(FULL.to_json())["serializer"] == {"name": "pickle", "options": {}}


def test_a_record_is_frozen():
    with pytest.raises(AttributeError):
        FULL.location = "elsewhere"


def test_fields_of_later_releases_are_left_out():
    text = json.dumps({"version": 1, "type": "local", "location": "a", "later": {"x": 1}})
    assert ResultRecord.from_json(text) == ResultRecord(type="local", location="a")


def test_a_later_version_is_said():
    with pytest.raises(UnreadableResultError, match=r"version 2.*newer"):
        ResultRecord.from_json('{"version": 2, "type": "local"}')


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", "{}", '{"type": "x"}', '{"version": 1}', '{"version": 1, "type": 3}', '{"version": "1", "type": "x"}',
     '{"version": 1, "type": "x", "size": "many"}', '{"version": 1, "type": "x", "options": []}', b"\xff"],
)  # fmt: skip
def test_damage(text):
    with pytest.raises(CorruptResultError, match="record of the result is damaged"):
        ResultRecord.from_json(text)


def test_every_truncation_is_damage():
    text = FULL.to_json()
    for length in range(len(text)):
        with pytest.raises(CorruptResultError):
            ResultRecord.from_json(text[:length])


def test_the_library_that_owns_a_type():
    assert value_library(np.arange(3)) == ("numpy", np.__version__)
    assert value_library(pd.DataFrame()) == ("pandas", pd.__version__)
    assert value_library(pd.DataFrame) == ("pandas", pd.__version__)
    assert value_library(FULL) == ("resultant", sys.modules["importlib.metadata"].version("resultant"))
    for value in (None, 3, "x", [1], collections.OrderedDict(), len, int):
        assert value_library(value) == (None, None)


def test_types_of_the_script_and_of_nobody_have_no_library():
    own = type("Own", (), {"__module__": "__main__"})
    assert value_library(own()) == (None, None)
    assert value_library(type("Own", (), {"__module__": "no_such_module_at_all"})()) == (None, None)
    assert value_library(type("Own", (), {"__module__": None})()) == (None, None)


def test_the_version_of_python():
    assert python_version() == ".".join(map(str, sys.version_info[:3]))
