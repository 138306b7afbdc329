"""Every serializer of the library, against the suite that it ships for others."""

import base64
import bz2
import datetime as dt
import zlib
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from resultant.engine.serializers import (
    CompressedSerializer,
    DateTimeSerializer,
    JSONSerializer,
    MappedSerializer,
    PandasSerializer,
    PickleSerializer,
    Serializer,
)
from resultant.errors import CorruptResultError
from resultant.testing.serializers import SerializerTests

PLAIN = [
    None, 0, 3, -1, 255, 256, 10**50, True, 1.5, float("inf"), 2 + 1j, "", "text", "é\ud800", b"", b"bytes.", "x" * 70_000,
    [], [1, [2]], (), (1, (2,)), {}, {"a": {1: (2,)}}, {1, 2}, frozenset({3}), dt.date(2020, 1, 1), range(3), int, len,
]  # fmt: skip


class TestPickle(SerializerTests):
    values = [*PLAIN, b"\x00" * 200_000, [b"y" * 100_000, "z" * 100_000]]

    @pytest.fixture
    def serializer(self):
        return PickleSerializer()


class TestPickleInBase64(SerializerTests):
    values = [3, {"a": 1}]

    @pytest.fixture
    def serializer(self):
        return _Base64()


class _Base64(PickleSerializer):
    """Writes what old releases of other engines wrote, and reads with what is inherited."""

    name = "base64"

    def serialize(self, value):
        return base64.b64encode(super().serialize(value))


class TestJSON(SerializerTests):
    values = [[], {}, [1, 1.5, None, True, "é\ud800 \x00"], {"a": {"b": [{}]}}, "", "text", [10**50, -0.0, 1e-300]]

    @pytest.fixture
    def serializer(self):
        return JSONSerializer()


class TestJSONNumbers(SerializerTests):
    values = [0, 12345, -1.5, True, False, None]
    truncation_goes_unnoticed = "the beginning of a number is a number"

    @pytest.fixture
    def serializer(self):
        return JSONSerializer()


class TestDateTime(SerializerTests):
    values = [
        dt.datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=dt.UTC),
        dt.datetime(2020, 1, 2, tzinfo=dt.UTC),
        dt.datetime(2020, 7, 2, 3, 4, tzinfo=ZoneInfo("America/New_York")),
        dt.datetime(2020, 7, 2, 3, 4, tzinfo=dt.timezone(dt.timedelta(hours=-3, minutes=-30, seconds=-7))),
        dt.datetime.min.replace(tzinfo=dt.timezone(dt.timedelta(hours=1))),
        dt.datetime.max.replace(tzinfo=dt.timezone(dt.timedelta(hours=-1))),
        dt.datetime(2020, 1, 2, 3, 4, 5, 6),
        dt.datetime(2020, 1, 2),
        dt.datetime.min,
        dt.datetime.max,
    ]

    @pytest.fixture
    def serializer(self):
        return DateTimeSerializer()


class Frames(SerializerTests):
    values = [pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": [1.5, 2.5]})]

    def same(self, one, other):
        return one.equals(other) and list(one.columns) == list(other.columns)


class TestPandasPickle(Frames):
    values = [*Frames.values, pd.DataFrame({"t": pd.date_range("2020", periods=3, tz="UTC"), "n": [None, 1, "x"]})]

    @pytest.fixture
    def serializer(self):
        return PandasSerializer("pickle")


class TestPandasCSV(Frames):
    truncation_goes_unnoticed = "the first lines of a CSV file are a CSV file"

    @pytest.fixture
    def serializer(self):
        return PandasSerializer("csv", serialize_kwargs={"index": False})


class TestPandasJSON(Frames):
    @pytest.fixture
    def serializer(self):
        return PandasSerializer("json", serialize_kwargs={"orient": "table"}, deserialize_kwargs={"orient": "table"})


class TestPandasParquet(Frames):
    @pytest.fixture
    def serializer(self):
        pytest.importorskip("pyarrow")
        return PandasSerializer("parquet")


COMPRESSIBLE = [0, {"a": [1, 2, 3]}, "x" * 3000, bytes(range(256)) * 10, b"\0" * 1_200_000]


class TestCompressed(SerializerTests):
    values = COMPRESSIBLE

    @pytest.fixture(params=["bz2", "gzip", "lzma", "zlib"])
    def serializer(self, request):
        return CompressedSerializer(PickleSerializer(), format=request.param)


OPTIONS = [
    ("zlib", {"wbits": -15, "level": 9}, {"wbits": -15}),
    ("gzip", {"compresslevel": 1, "mtime": 7}, None),
    ("bz2", {"compresslevel": 1}, None),
    ("lzma", {"preset": 1, "check": 1}, {"memlimit": 1 << 30}),
]


class TestCompressedWithOptions(SerializerTests):
    values = COMPRESSIBLE

    @pytest.fixture(params=OPTIONS, ids=lambda param: param[0])
    def serializer(self, request):
        name, compress, decompress = request.param
        return CompressedSerializer(
            PickleSerializer(), format=name, compress_kwargs=compress, decompress_kwargs=decompress
        )


class TestCompressedByFunctions(SerializerTests):
    values = COMPRESSIBLE
    not_describable = "a function has no name that a record could keep"

    @pytest.fixture
    def serializer(self):
        return CompressedSerializer(PickleSerializer(), compress=bz2.compress, decompress=bz2.decompress)


class TestCompressedJSON(SerializerTests):
    values = [3, {"a": 1}]

    @pytest.fixture
    def serializer(self):
        return CompressedSerializer(JSONSerializer(), format="zlib")


class TestCompressedTwice(SerializerTests):
    values = [3, {"a": np.arange(10).tolist()}]

    @pytest.fixture
    def serializer(self):
        return CompressedSerializer(CompressedSerializer(PickleSerializer(), format="zlib"), format="gzip")


def arrays():
    fixed = np.ones((20, 30))
    fixed.flags.writeable = False
    return [
        np.arange(1000.0),
        np.arange(100_000, dtype="i2").reshape(100, 1000),
        np.asfortranarray(np.arange(6000.0).reshape(60, 100)),
        np.arange(10_000)[::3],
        np.zeros((0, 5)),
        np.array(["2020-01-01"], "M8[s]"),
        np.array([{"a": 1}, None], dtype=object),
        fixed,
        np.float32(1.5),
    ]


class Arrays(SerializerTests):
    values = arrays()

    def same(self, one, other):
        return (
            type(one) is type(other)
            and one.dtype == other.dtype
            and one.shape == other.shape
            and (one.ndim < 2 or one.flags.f_contiguous == other.flags.f_contiguous)
            and bool((one == other).all())
        )


class TestArraysPickled(Arrays):
    @pytest.fixture
    def serializer(self):
        return PickleSerializer()


class TestArraysMapped(Arrays):
    @pytest.fixture(params=[True, False])
    def serializer(self, request):
        return MappedSerializer(writeable=request.param)


class TestFramesMapped(Frames):
    values = [*Frames.values, pd.DataFrame(np.arange(40_000.0).reshape(1000, 40))]

    @pytest.fixture
    def serializer(self):
        return MappedSerializer()


class TestPlainMapped(SerializerTests):
    values = [*PLAIN, [1, b"x" * 10_000]]

    @pytest.fixture
    def serializer(self):
        return MappedSerializer()


class TestCompressedMapped(Arrays):
    @pytest.fixture
    def serializer(self):
        return CompressedSerializer(MappedSerializer(), format="zlib", compress_kwargs={"level": 1})


class Reversed(Serializer):
    """What a user writes: two methods."""

    name = "reversed"

    def serialize(self, value):
        return zlib.compress(value.encode())[::-1]

    def deserialize(self, value):
        try:
            return zlib.decompress(bytes(value)[::-1]).decode()
        except zlib.error as error:
            raise CorruptResultError(str(error)) from error


class TestOwn(SerializerTests):
    values = ["", "text", "long" * 1000]

    @pytest.fixture
    def serializer(self):
        return Reversed()
