"""MappedSerializer: what is on disk, and what a reader gets."""

import mmap
import struct
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resultant.engine.serializers import MappedSerializer, PickleSerializer
from resultant.errors import CorruptResultError, UnpicklableError, UnreadableResultError
from resultant.testing.serializers import TestSource

serializer = MappedSerializer()
HEADER = struct.Struct("<8sIIQQQ")


class FileSource:
    def __init__(self, path):
        self.path = path
        self.size = path.stat().st_size

    def read(self):
        return self.path.read_bytes()

    def file(self):
        return open(self.path, "rb")

    def map(self, writable=True):
        with open(self.path, "rb") as file:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY if writable else mmap.ACCESS_READ))


@pytest.fixture
def stored(tmp_path):
    value = {"x": np.arange(1_000_000.0), "y": np.asfortranarray(np.ones((200, 300))), "z": "text"}
    with open(tmp_path / "value", "wb") as sink:
        serializer.dump(value, sink)
    return value, FileSource(tmp_path / "value")


def test_the_layout_is_as_documented():
    data = serializer.serialize([np.arange(1000, dtype="u1"), np.arange(10_000, dtype="<u2"), np.ones(600)])
    magic, version, count, total, offset, length = HEADER.unpack_from(data)
    assert (magic, version, count, total, offset) == (b"\x93RSLTMAP", 1, 2, len(data), 64 + 2 * 16)
    (first, first_size), (second, second_size) = struct.iter_unpack("<QQ", data[64:96])
    assert (first_size, second_size) == (20_000, 4800)
    assert first % 64 == second % 64 == 0
    assert offset + length <= first < offset + length + 64
    assert np.frombuffer(data, "<u2", 10_000, first).tolist() == list(range(10_000))
    assert not data[first + first_size : second].strip(b"\0")
    assert second + second_size == total


def test_small_buffers_stay_inside():
    data = serializer.serialize([np.ones(511) for _ in range(100)])
    assert HEADER.unpack_from(data)[2] == 0


def test_bytes_do_not_depend_on_the_process():
    value = {"a": np.arange(5000), "b": [1, "x"]}
    assert serializer.serialize(value) == serializer.serialize({"a": np.arange(5000), "b": [1, "x"]})


def test_arrays_are_aligned_lazy_and_writeable(stored):
    value, source = stored
    before = source.read()
    tracemalloc.start()
    found = serializer.load(source)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000
    assert (found["x"] == value["x"]).all()
    assert (found["y"] == value["y"]).all()
    assert found["y"].flags.f_contiguous
    assert found["x"].ctypes.data % 64 == 0
    found["x"][0] = -1
    found["y"] += 1
    assert found["x"][0] == -1
    assert source.read() == before
    assert serializer.load(source)["x"][0] == 0


def test_read_only_where_it_is_asked_for(stored):
    value, source = stored
    reader = MappedSerializer(writeable=False)
    for found in (reader.load(source), reader.deserialize(source.read())):
        assert (found["x"] == value["x"]).all()
        with pytest.raises(ValueError, match="read-only"):
            found["x"][0] = 1


def test_arrays_that_were_read_only_stay_so():
    value = np.arange(100_000)
    value.flags.writeable = False
    assert not serializer.deserialize(serializer.serialize(value)).flags.writeable


def test_arrays_outlive_their_file(stored):
    value, source = stored
    found = serializer.load(source)
    source.path.unlink()
    assert (found["x"] == value["x"]).all()


def test_writing_copies_nothing(tmp_path):
    value = np.arange(4_000_000.0)
    with open(tmp_path / "value", "wb") as sink:
        tracemalloc.start()
        serializer.dump({"a": value, "b": [value[:2_000_000]]}, sink)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 1_000_000


def test_frames_can_be_edited(stored, tmp_path):
    frame = pd.DataFrame(np.arange(100_000.0).reshape(10_000, 10), columns=[f"c{i}" for i in range(10)])
    with open(tmp_path / "frame", "wb") as sink:
        serializer.dump(frame, sink)
    found = serializer.load(FileSource(tmp_path / "frame"))
    assert found.equals(frame)
    found["c0"] += 1
    found.loc[0, "c1"] = -1
    found["new"] = 1
    assert found["c0"].iloc[0] == 1
    assert serializer.load(FileSource(tmp_path / "frame")).equals(frame)


def test_many_buffers():
    value = [np.full(600, i) for i in range(3000)]
    found = serializer.deserialize(serializer.serialize(value))
    assert all((one == other).all() for one, other in zip(found, value, strict=True))


def test_an_array_twice_is_one_array_again():
    array = np.arange(10_000)
    one, other = serializer.deserialize(serializer.serialize([array, array]))
    assert one is other


def test_what_cannot_be_pickled_is_named():
    with pytest.raises(UnpicklableError, match=r"value\['g'\]"):
        serializer.serialize({"a": np.arange(10_000), "g": (x for x in "ab")})


def test_every_truncation_of_a_small_container_is_damage():
    data = serializer.serialize([np.arange(600), "x"])
    for length in range(len(data)):
        for source in (TestSource(data[:length]), TestSource(data[:length], size=1 << 40, mapped=True)):
            with pytest.raises(CorruptResultError):
                serializer.load(source)
    with pytest.raises(CorruptResultError):
        serializer.deserialize(data + b"\0")


def test_flips_in_header_and_table_are_found():
    data = serializer.serialize([np.arange(600), np.arange(700)])
    for at in [*range(8, 44), *range(64, 96)]:
        broken = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises((CorruptResultError, UnreadableResultError)):
            serializer.deserialize(broken)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_no_flip_crashes_the_reader(data):
    whole = serializer.serialize([np.arange(600), {"a": "text"}])
    at = data.draw(st.integers(0, len(whole) - 1))
    broken = whole[:at] + bytes([data.draw(st.integers(0, 255))]) + whole[at + 1 :]
    try:
        serializer.deserialize(broken)
    except (CorruptResultError, UnreadableResultError):
        pass


@pytest.mark.parametrize("data", [b"\x80\x05K\x03.", b"\x93NUMPY\x01\x00" + b"\0" * 100, b"{}" * 100])
def test_bytes_of_something_else(data):
    with pytest.raises(UnreadableResultError, match="not written by MappedSerializer"):
        serializer.deserialize(data)


def test_a_later_version_is_said():
    data = bytearray(serializer.serialize(1))
    data[8] = 2
    with pytest.raises(UnreadableResultError, match=r"version 2.*newer"):
        serializer.deserialize(bytes(data))


def test_other_serializers_do_not_take_it_for_theirs():
    with pytest.raises(UnreadableResultError):
        PickleSerializer().deserialize(serializer.serialize(np.arange(10_000)))
