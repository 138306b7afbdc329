"""`StreamTests`: the part of a store's contract that is about bytes in pieces; `StoreTests` includes it."""

from __future__ import annotations

import pickle
import random

import pytest

from resultant.stores.base import SPILL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.stores import Store

__all__ = ["SIZES", "StreamTests", "payload"]

#: Sizes at which stores change their way of doing things, and their neighbours.
SIZES = [
    0, 1, 4095, 4096, (1 << 16) - 1, 1 << 16, (1 << 16) + 1, 1 << 18, SPILL - 1, SPILL, SPILL + 1, 3 * SPILL + 7,
]  # fmt: skip


def payload(size: int, seed: int = 0) -> bytes:
    """Return bytes that no other seed has, and in which no two places look alike."""
    return random.Random(seed).randbytes(size)


class StreamTests:
    """Sinks and sources of the store that the fixture ``store`` gives."""

    # Sinks

    @pytest.mark.parametrize("size", SIZES)
    @pytest.mark.parametrize("piece", [10_000, SPILL, 5 * SPILL])
    def test_what_a_sink_took_appears_when_it_is_committed(self, store: Store, size: int, piece: int) -> None:
        data = payload(size)
        sink = store.sink("a/key")

        for start in range(0, size, piece):
            sink.write(data[start : start + piece])
        assert sink.size == size
        assert not store.has("a/key")
        assert list(store.list()) == []
        location = sink.commit()

        assert store.get("a/key") == data
        assert store.get(location) == data
        assert list(store.list()) == ["a/key"]

    @pytest.mark.parametrize("size", [10, 3 * SPILL])
    def test_a_sink_that_is_aborted_leaves_nothing(self, store: Store, size: int) -> None:
        sink = store.sink("key")
        sink.write(payload(size))

        sink.abort()
        sink.abort()

        assert not store.has("key")
        assert list(store.list()) == []

    @pytest.mark.parametrize("size", [10, 3 * SPILL])
    def test_a_sink_that_is_aborted_leaves_what_was_there(self, store: Store, size: int) -> None:
        store.put("key", b"before")
        sink = store.sink("key")
        sink.write(payload(size))
        assert store.get("key") == b"before"

        sink.abort()

        assert store.get("key") == b"before"
        assert list(store.list()) == ["key"]

    @pytest.mark.parametrize("size", [10, 3 * SPILL])
    def test_a_commit_replaces_what_is_there(self, store: Store, size: int) -> None:
        store.put("key", payload(2 * SPILL, seed=1))
        sink = store.sink("key")
        sink.write(payload(size))
        sink.commit()

        assert store.get("key") == payload(size)

    @pytest.mark.parametrize("size", [10, 3 * SPILL])
    def test_a_sink_does_not_keep_the_buffers_it_is_given(self, store: Store, size: int) -> None:
        data = payload(size)
        buffer = bytearray(data)
        sink = store.sink("key")

        sink.write(buffer)
        buffer[:] = bytes(size)
        sink.write(memoryview(b"end"))
        sink.commit()

        assert store.get("key") == data + b"end"

    def test_a_sink_takes_any_contiguous_buffer(self, store: Store) -> None:
        numbers = memoryview(bytearray(range(16))).cast("I", (2, 2))
        sink = store.sink("key")

        assert sink.write(b"ab") == 2
        assert sink.write(numbers) == 16
        assert sink.write(pickle.PickleBuffer(bytearray(b"raw"))) == 3
        assert sink.write(memoryview(b"")) == 0
        assert sink.write(b"") == 0
        sink.commit()

        assert store.get("key") == b"ab" + bytes(range(16)) + b"raw"

    def test_small_bytes_are_finished_before_anything_is_written_and_large_ones_stream(self, store: Store) -> None:
        small, large = store.sink("small"), store.sink("large")
        small.write(b"1")
        small.write(b"2")
        large.write(payload(3 * SPILL))

        assert small.finished() == b"12"
        assert large.finished() is None
        small.abort()
        large.abort()

    def test_two_sinks_of_one_key_do_not_meet(self, store: Store) -> None:
        one, two = store.sink("key"), store.sink("key")
        for _ in range(3):
            one.write(payload(SPILL, seed=1))
            two.write(payload(SPILL, seed=2))

        one.commit()
        assert store.get("key") == payload(SPILL, seed=1) * 3
        two.commit()

        assert store.get("key") == payload(SPILL, seed=2) * 3

    # Sources

    @pytest.mark.parametrize("size", SIZES)
    def test_a_source_gives_the_bytes_as_often_as_it_is_asked(self, store: Store, size: int) -> None:
        data = payload(size)
        store.put("key", data)

        with store.source("key") as source:
            assert source.size == size
            assert source.read() == data
            assert source.read() == data
            file = source.file()
            assert file.read(10) == data[:10]
            assert file.read() == data[10:]
            assert file.read() == b""
            # However far the last one came, and closed or not, each begins at the first byte.
            file.close()
            assert source.file().read() == data
            assert source.read() == data

    def test_the_file_of_a_source_reads_into_buffers_and_looks_ahead(self, store: Store) -> None:
        data = payload(3 * SPILL)
        store.put("key", data)
        with store.source("key") as source:
            file: Any = source.file()
            buffer = bytearray(SPILL)
            assert file.readinto(buffer) == SPILL
            assert buffer == data[:SPILL]
            assert file.read(5) == data[SPILL : SPILL + 5]
            assert file.readline() in data

    @pytest.mark.parametrize("size", [1, 4096, 3 * SPILL + 7])
    @pytest.mark.parametrize("writable", [True, False])
    def test_mapped_bytes_are_private_and_outlive_the_source(self, store: Store, size: int, writable: bool) -> None:
        data = payload(size)
        store.put("key", data)
        with store.source("key") as source:
            mapped = source.map(writable)
            if mapped is None:
                assert source.read() == data
                return
        assert mapped.nbytes == size
        assert bytes(mapped) == data
        if writable:
            mapped[:1] = bytes([data[0] ^ 0xFF])
            assert mapped[0] != data[0]
        assert store.get("key") == data
        store.put("key", b"replaced")
        assert bytes(mapped[1:]) == data[1:]

    def test_a_source_that_is_closed_twice(self, store: Store) -> None:
        store.put("key", payload(3 * SPILL))
        source = store.source("key")

        source.close()
        source.close()

    def test_a_source_never_mixes_old_bytes_and_new_ones(self, store: Store) -> None:
        old, new = payload(3 * SPILL, seed=1), payload(3 * SPILL, seed=2)
        store.put("key", old)
        with store.source("key") as source:
            file = source.file()
            first = file.read(SPILL)
            store.put("key", new)
            rest = file.read()

        assert first + rest in (old, new)
        assert store.get("key") == new
