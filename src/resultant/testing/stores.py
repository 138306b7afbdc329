"""`StoreTests`: what every store must do, as a class of tests to inherit.

Give the class a ``store`` fixture::

    class TestMyStore(StoreTests):
        @pytest.fixture
        def store(self):
            return MyStore("somewhere empty")
"""

from __future__ import annotations

import pickle
import random
import threading
import time

import pytest

from resultant.errors import MissingResultError, ReadError
from resultant.stores.base import SPILL, Stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.stores import Store

__all__ = ["StoreTests"]

#: Sizes at which stores change their way of doing things, and their neighbours.
SIZES = [
    0, 1, 4095, 4096, (1 << 16) - 1, 1 << 16, (1 << 16) + 1, 1 << 18, SPILL - 1, SPILL, SPILL + 1, 3 * SPILL + 7,
]  # fmt: skip

KEYS = [
    "key", "a/b", "a/b/c/d/e/f", "with space", "é/日本", "😀", ".hidden", "two..dots", "a.b.c", "#%&+=,;@!~$'\"()",
    "-rf", "new\nline", "back\\slash", "{braces}", "x" * 200, "UPPER/lower", "2026-01-01T00:00:00+00:00", "resultant-result",
]  # fmt: skip


def payload(size: int, seed: int = 0) -> bytes:
    """Return bytes that no other seed has, and in which no two places look alike."""
    return random.Random(seed).randbytes(size)


class StoreTests:
    """The contract of `resultant.stores.Store`. The fixture ``store`` gives an empty one."""

    @pytest.fixture
    def store(self) -> Store:
        """The store under test; to be overridden."""
        raise NotImplementedError("give the class a `store` fixture that returns the store to test, empty")

    # Put and get

    @pytest.mark.parametrize("size", SIZES)
    def test_what_was_put_is_what_one_gets(self, store: Store, size: int) -> None:
        data = payload(size)

        store.put("key", data)

        assert store.get("key") == data
        assert type(store.get("key")) is bytes

    @pytest.mark.parametrize("key", KEYS)
    def test_any_reasonable_name_is_a_key(self, store: Store, key: str) -> None:
        store.put(key, b"value")

        assert store.get(key) == b"value"
        assert store.has(key)
        assert store.stat(key).size == 5
        store.delete(key)
        assert not store.has(key)

    def test_the_location_that_put_returns_is_a_key_too(self, store: Store) -> None:
        location = store.put("folder/key", b"value")

        assert isinstance(location, str)
        assert location.endswith("key")
        assert store.get(location) == b"value"
        assert store.has(location)
        assert store.put(location, b"other") == location
        assert store.get("folder/key") == b"other"

    def test_a_put_replaces_what_is_there(self, store: Store) -> None:
        for data in (payload(100_000), b"shorter", b"", payload(3 * SPILL), b"x"):
            store.put("key", data)
            assert store.get("key") == data
            assert store.stat("key").size == len(data)

    def test_keys_do_not_meet(self, store: Store) -> None:
        keys = ["a", "b/a", "b/c", "b.a", "ab", "A b"]
        for key in keys:
            store.put(key, key.encode())

        assert [store.get(key) for key in keys] == [key.encode() for key in keys]

    # Missing

    @pytest.mark.parametrize("key", ["nothing", "no/such/folder/key"])
    @pytest.mark.parametrize("method", ["get", "source", "stat", "set_aside"])
    def test_what_is_not_there_is_missing(self, store: Store, key: str, method: str) -> None:
        with pytest.raises(MissingResultError) as caught:
            getattr(store, method)(key)

        assert isinstance(caught.value, FileNotFoundError)
        assert isinstance(caught.value, ReadError)
        assert key in str(caught.value)

    def test_has_says_no_and_makes_nothing(self, store: Store) -> None:
        assert store.has("nothing") is False
        assert store.has("no/such/folder/key") is False
        assert list(store.list()) == []

    def test_has_says_yes_for_empty_bytes_too(self, store: Store) -> None:
        store.put("empty", b"")

        assert store.has("empty") is True

    # Delete

    def test_what_is_deleted_is_gone_and_may_be_put_again(self, store: Store) -> None:
        store.put("a/key", b"1")
        store.put("a/other", b"2")

        store.delete("a/key")

        assert not store.has("a/key")
        assert store.get("a/other") == b"2"
        with pytest.raises(MissingResultError):
            store.get("a/key")
        store.put("a/key", b"3")
        assert store.get("a/key") == b"3"

    def test_to_delete_what_is_not_there_is_no_error(self, store: Store) -> None:
        store.delete("nothing")
        store.delete("no/such/folder/key")
        store.put("key", b"1")
        store.delete("key")
        store.delete("key")

    # Stat

    def test_stat_knows_size_and_time_without_a_digest(self, store: Store) -> None:
        before = time.time()
        store.put("key", payload(12_345))

        found = store.stat("key")

        assert isinstance(found, Stat)
        assert found.size == 12_345
        # A store's clock may be another machine's, and coarse.
        assert before - 3600 < found.modified < time.time() + 3600
        assert found.digest is None

    # Set aside

    def test_what_is_set_aside_keeps_its_bytes_under_another_name(self, store: Store) -> None:
        store.put("a/key", b"damaged")

        name = store.set_aside("a/key")

        assert not store.has("a/key")
        assert store.get(name) == b"damaged"
        assert "key" in name

    def test_setting_aside_never_replaces_what_was_set_aside_before(self, store: Store) -> None:
        names = []
        for number in range(4):
            store.put("key", b"%d" % number)
            names.append(store.set_aside("key"))

        assert len(set(names)) == 4
        assert [store.get(name) for name in names] == [b"0", b"1", b"2", b"3"]

    # List

    def test_list_gives_the_keys_that_begin_with_a_prefix(self, store: Store) -> None:
        assert list(store.list()) == []
        for key in ("a/1", "a/2", "ab", "b/c/d"):
            store.put(key, b"x")

        assert sorted(store.list()) == ["a/1", "a/2", "ab", "b/c/d"]
        assert sorted(store.list("a")) == ["a/1", "a/2", "ab"]
        assert sorted(store.list("a/")) == ["a/1", "a/2"]
        assert list(store.list("b/c/d")) == ["b/c/d"]
        assert list(store.list("nothing")) == []
        assert all(store.get(key) == b"x" for key in store.list())

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

    # At once

    def test_readers_see_whole_values_while_several_writers_replace_them(self, store: Store) -> None:
        values = [bytes([number]) * size for number, size in enumerate((5, 70_000, 2 * SPILL))]
        store.put("key", values[0])
        stop = threading.Event()
        wrong: list[Any] = []

        def write(value: bytes) -> None:
            try:
                for _ in range(15):
                    sink = store.sink("key")
                    sink.write(value)
                    sink.commit()
            except BaseException as error:  # noqa: BLE001 - told by the test's own thread
                wrong.append(error)

        def read() -> None:
            try:
                while not stop.is_set():
                    if store.get("key") not in values or not store.has("key"):
                        wrong.append("neither the one nor the other")
            except BaseException as error:  # noqa: BLE001 - told by the test's own thread
                wrong.append(error)

        reader = threading.Thread(target=read)
        writers = [threading.Thread(target=write, args=(value,)) for value in values]
        reader.start()
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        stop.set()
        reader.join()

        assert wrong == []
        assert store.get("key") in values
        assert list(store.list()) == ["key"]

    def test_many_threads_make_the_same_folders(self, store: Store) -> None:
        wrong: list[BaseException] = []

        def write(number: int) -> None:
            try:
                for part in range(10):
                    store.put(f"new/{part}/folders/{number}", b"x")
            except BaseException as error:  # noqa: BLE001 - told by the test's own thread
                wrong.append(error)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert wrong == []
        assert len(list(store.list("new/"))) == 40

    # What the engine asks besides

    def test_it_says_from_which_size_on_bytes_may_travel_in_the_background(self, store: Store) -> None:
        assert isinstance(store.background_from, int)
        assert store.background_from >= 0
