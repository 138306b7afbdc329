"""DateTimeSerializer: points in time that come back equal."""

import datetime as dt
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resultant.engine.serializers import DateTimeSerializer
from resultant.engine.serializers import datetime as module
from resultant.errors import CorruptResultError, SerializationError, UnreadableResultError

serializer = DateTimeSerializer()


@settings(deadline=None)
@given(st.datetimes(timezones=st.one_of(st.none(), st.just(dt.UTC), st.timezones())))
def test_a_round_trip_compares_equal(value):
    try:
        found = serializer.deserialize(serializer.serialize(value))
    except SerializationError:
        assert value.year in (1, 9999)
        return
    if value.tzinfo is None:
        assert found == value
        assert found.tzinfo is None
    else:
        # Times that a change of clocks repeats are unequal to every other zone's, by definition; the instant is the same.
        assert found.replace(tzinfo=None) - found.utcoffset() == value.replace(tzinfo=None) - value.utcoffset()
        assert found.tzinfo is dt.UTC or found.year in (1, 9999)


def test_text_and_zone():
    value = dt.datetime(2020, 7, 1, 12, tzinfo=ZoneInfo("America/New_York"))
    assert serializer.serialize(value) == b"2020-07-01T16:00:00.000000+00:00"
    found = serializer.deserialize(b"2020-07-01T16:00:00.000000+00:00")
    assert type(found) is dt.datetime
    assert found == value
    assert found.tzinfo is dt.UTC


def test_pendulum_values_are_taken():
    pendulum = pytest.importorskip("pendulum")
    value = pendulum.datetime(2020, 7, 1, 12, 30, 15, 17, tz="Europe/Berlin")
    found = serializer.deserialize(serializer.serialize(value))
    assert found == value
    assert type(found) is dt.datetime


def test_what_is_read_can_be_converted(monkeypatch):
    pendulum = pytest.importorskip("pendulum")
    monkeypatch.setattr(module, "convert", pendulum.instance)
    value = pendulum.now("UTC")
    found = serializer.deserialize(serializer.serialize(value))
    assert found == value
    assert isinstance(found, pendulum.DateTime)


@pytest.mark.parametrize(
    "text",
    ["2020-07-01T16:00:00Z", "2020-07-01T16:00:00.000000Z", "2020-07-01T16:00:00+00:00", "2020-07-01T12:00:00-0400"],
)
def test_what_others_wrote_is_read(text):
    assert serializer.deserialize(text.encode()) == dt.datetime(2020, 7, 1, 16, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "data", [b"", b"2", b"2020-07-01", b"2020-07-01T16:00:00", b"2020-07-01T16:00:00.000000", b"2020-07-01T16:00:00+00",
             b"2020-07-01T16:00:00,00000", b"2020-13-01T16:00:00Z", b"2020-07-01T16:00:00\xff"]
)  # fmt: skip
def test_damage(data):
    with pytest.raises(CorruptResultError):
        serializer.deserialize(data)


@pytest.mark.parametrize("data", [b"\x80\x05K\x03.", b'"2020-07-01T16:00:00Z"', b"now", b"1" * 100])
def test_bytes_of_something_else(data):
    with pytest.raises(UnreadableResultError):
        serializer.deserialize(data)


@pytest.mark.parametrize("value", [3, "2020-01-01", None, dt.date(2020, 1, 1), dt.time(1), dt.timedelta(1)])
def test_only_datetimes_are_taken(value):
    with pytest.raises(SerializationError, match=type(value).__name__):
        serializer.serialize(value)


def test_nanoseconds_are_refused_rather_than_dropped():
    assert serializer.deserialize(serializer.serialize(pd.Timestamp("2020-01-01", tz="UTC"))) == pd.Timestamp(
        "2020-01-01", tz="UTC"
    )
    with pytest.raises(SerializationError, match="nanoseconds"):
        serializer.serialize(pd.Timestamp("2020-01-01T00:00:00.000000001", tz="UTC"))


def test_an_offset_with_seconds_at_the_end_of_the_calendar_is_refused():
    value = dt.datetime.max.replace(tzinfo=dt.timezone(dt.timedelta(hours=-1, seconds=-5)))
    with pytest.raises(SerializationError, match="UTC"):
        serializer.serialize(value)
