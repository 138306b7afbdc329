"""CompressedSerializer: construction, formats, streams."""

import bz2
import gzip
import lzma
import tracemalloc
import zlib

import cloudpickle
import numpy as np
import pytest

from resultant.engine.serializers import CompressedSerializer, JSONSerializer, MappedSerializer, PickleSerializer
from resultant.errors import CorruptResultError, UnpicklableError, UnreadableResultError
from resultant.testing.serializers import TestSource

FORMATS = {"bz2": bz2, "gzip": gzip, "lzma": lzma, "zlib": zlib}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compress": zlib.compress},
        {"decompress": zlib.decompress},
        {"format": "zlib", "compress": zlib.compress},
        {"format": "zlib", "decompress": zlib.decompress},
        {"format": "zlib", "compress": zlib.compress, "decompress": zlib.decompress},
    ],
)
def test_either_a_format_or_both_functions(options):
    with pytest.raises(ValueError, match="either a format, or both"):
        CompressedSerializer(PickleSerializer(), **options)


def test_a_format_that_is_not_installed():
    with pytest.raises(ImportError, match=r"'no_such_format'.*bz2, gzip, lzma, zlib"):
        CompressedSerializer(PickleSerializer(), format="no_such_format")


def test_a_module_that_compresses_nothing():
    with pytest.raises(ValueError, match="'json' module does not have 'compress' and 'decompress'"):
        CompressedSerializer(PickleSerializer(), format="json")


@pytest.mark.parametrize("name", FORMATS)
def test_the_module_reads_what_is_written(name):
    value = {"a": list(range(1000)), "b": b"x" * 100_000}
    data = CompressedSerializer(PickleSerializer(), format=name).serialize(value)
    assert FORMATS[name].decompress(data) == cloudpickle.dumps(value)
    assert len(data) < 10_000


@pytest.mark.parametrize("name", FORMATS)
def test_what_the_module_wrote_is_read(name):
    value = {"a": list(range(1000))}
    serializer = CompressedSerializer(PickleSerializer(), format=name)
    data = FORMATS[name].compress(cloudpickle.dumps(value))
    assert serializer.deserialize(data) == value
    assert serializer.load(TestSource(data, size=1 << 40)) == value


@pytest.mark.parametrize("name", ["bz2", "gzip", "lzma"])
def test_bytes_in_several_members_are_read(name):
    data = cloudpickle.dumps({"a": list(range(1000))})
    parts = b"".join(FORMATS[name].compress(part) for part in (data[:10], data[10:11], data[11:]))
    serializer = CompressedSerializer(PickleSerializer(), format=name)
    assert serializer.load(TestSource(parts)) == {"a": list(range(1000))}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("inner", [PickleSerializer(), JSONSerializer(), MappedSerializer()])
def test_more_than_one_value_is_damage(name, inner):
    serializer = CompressedSerializer(inner, format=name)
    data = serializer.serialize([1])
    for more in (data, b"x", b"x" * 5000):
        for source in (TestSource(data + more), TestSource(data + more, size=1 << 40)):
            with pytest.raises(CorruptResultError):
                serializer.load(source)


@pytest.mark.parametrize("name", FORMATS)
def test_flipped_bits_are_damage(name):
    serializer = CompressedSerializer(PickleSerializer(), format=name)
    value = "text" * 100
    data = serializer.serialize(value)
    # Headers and the last byte hold bits that nothing checks; everything between is covered by a checksum.
    for at in range(12, len(data) - 1):
        broken = data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]
        with pytest.raises(CorruptResultError):
            pytest.fail(f"byte {at} may be flipped: {serializer.deserialize(broken)!r}")


@pytest.mark.parametrize("name", FORMATS)
def test_bytes_of_something_else(name):
    serializer = CompressedSerializer(PickleSerializer(), format=name)
    for data in (cloudpickle.dumps(3), b'{"a": 1}'):
        with pytest.raises(UnreadableResultError, match=f"not compressed with {name}"):
            serializer.deserialize(data)
    with pytest.raises(UnreadableResultError, match="no pickle"):
        serializer.deserialize(FORMATS[name].compress(b'{"a": 1}'))


def test_options_reach_the_functions():
    seen = {}

    def compress(data, level):
        seen["level"] = level
        return zlib.compress(data, level)

    def decompress(data, more):
        seen["more"] = more
        return zlib.decompress(data)

    serializer = CompressedSerializer(
        JSONSerializer(),
        compress=compress,
        decompress=decompress,
        compress_kwargs={"level": 3},
        decompress_kwargs={"more": True},
    )
    assert serializer.deserialize(serializer.serialize([1])) == [1]
    assert seen == {"level": 3, "more": True}


@pytest.mark.parametrize(("name", "options"), [("gzip", {"compresslevel": 1}), ("bz2", {"compresslevel": 1}), ("zlib", {"level": 1}), ("lzma", {"preset": 0})])  # fmt: skip
def test_options_reach_the_formats(name, options):
    value = np.random.default_rng(1).integers(0, 9, 100_000).tolist()
    plain = CompressedSerializer(PickleSerializer(), format=name).serialize(value)
    assert len(CompressedSerializer(PickleSerializer(), format=name, compress_kwargs=options).serialize(value)) > len(
        plain
    )


def test_unknown_options_are_errors():
    for name in FORMATS:
        with pytest.raises(TypeError):
            CompressedSerializer(PickleSerializer(), format=name, compress_kwargs={"nope": 1}).serialize(1)


def test_equal_values_have_equal_bytes():
    serializer = CompressedSerializer(PickleSerializer(), format="gzip")
    assert serializer.serialize([1]) == serializer.serialize([1])
    assert serializer.serialize([1])[4:8] == b"\0\0\0\0"
    timed = CompressedSerializer(PickleSerializer(), format="gzip", compress_kwargs={"mtime": 258})
    assert timed.serialize([1])[4:8] == b"\x02\x01\0\0"


def test_equality_is_over_all_parts():
    def make(inner=None, **options):
        return CompressedSerializer(inner or PickleSerializer(), **{"format": "zlib", **options})

    assert make() == make()
    assert make() != make(format="gzip")
    assert make() != make(JSONSerializer())
    assert make() != make(compress_kwargs={"level": 1})
    assert make() != make(decompress_kwargs={"bufsize": 1})
    assert make() != PickleSerializer()


@pytest.mark.parametrize("name", ["gzip", "zlib", "bz2"])
def test_large_values_are_streamed(name, tmp_path):
    value = np.zeros(4_000_000)
    options = {"level": 1} if name == "zlib" else {"compresslevel": 1}
    serializer = CompressedSerializer(PickleSerializer(), format=name, compress_kwargs=options)
    with open(tmp_path / "value", "wb") as sink:
        tracemalloc.start()
        serializer.dump(value, sink)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 8_000_000
    data = (tmp_path / "value").read_bytes()
    tracemalloc.start()
    found = serializer.load(TestSource(data, size=1 << 40))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found == value).all()
    assert peak < 32_000_000 + 12_000_000


def test_a_refused_value_writes_no_end():
    class Sink:
        data = b""

        def write(self, data):
            self.data += bytes(data)

    for name in FORMATS:
        sink = Sink()
        serializer = CompressedSerializer(PickleSerializer(), format=name)
        with pytest.raises(UnpicklableError):
            serializer.dump(["x" * 100_000, (x for x in "ab")], sink)
        with pytest.raises(CorruptResultError):
            serializer.deserialize(sink.data)


def test_an_error_of_the_storage_is_no_damage():
    class Broken(TestSource):
        def file(self):
            raise ConnectionError("gone")

        read = file

    for name in FORMATS:
        with pytest.raises(ConnectionError):
            CompressedSerializer(PickleSerializer(), format=name).load(Broken(b"x"))
