"""`StoreTests`: what every store must do, as a class of tests to inherit.

Give the class a ``store`` fixture::

    class TestMyStore(StoreTests):
        @pytest.fixture
        def store(self):
            return MyStore("somewhere empty")
"""

from __future__ import annotations

import threading
import time

import pytest

from resultant.errors import CorruptResultError, MissingResultError, PlaceTakenError, ReadError, StoreError
from resultant.stores.base import SPILL, Stat
from resultant.stores.framing import Framer
from resultant.stores.packed import new_name

from .streams import SIZES, StreamTests, payload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.stores import Store

__all__ = ["StoreTests"]

KEYS = [
    "key", "a/b", "a/b/c/d/e/f", "with space", "é/日本", "😀", ".hidden", "two..dots", "a.b.c", "#%&+=,;@!~$'\"()",
    "-rf", "new\nline", "back\\slash", "{braces}", "x" * 200, "UPPER/lower", "2026-01-01T00:00:00+00:00", "resultant-result",
]  # fmt: skip


class StoreTests(StreamTests):
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

    def test_the_place_of_a_key_is_a_key_too_and_says_where_it_is(self, store: Store) -> None:
        # Where names are those of files, there is no folder of the same name.
        keys = [key for key in KEYS if key != "a/b"]
        for key in keys:
            store.put(key, key.encode())

        places = {key: store.place(key) for key in keys}

        assert len(set(places.values())) == len(keys)
        for key, place in places.items():
            assert store.get(place) == key.encode()
            assert store.place(place) == place
            assert store.has(place)

    # Create

    def test_what_is_created_is_never_replaced(self, store: Store) -> None:
        location = store.create("a/key", b"first")

        for data in (b"second", b"first"):
            with pytest.raises(PlaceTakenError) as caught:
                store.create("a/key", data)
            assert isinstance(caught.value, FileExistsError)
            assert "key" in str(caught.value)
        assert store.get(location) == b"first"
        store.put("other", b"1")
        with pytest.raises(PlaceTakenError):
            store.create("other", b"2")
        assert store.get("other") == b"1"
        store.delete("a/key")
        store.create("a/key", b"third")
        assert store.get("a/key") == b"third"
        assert sorted(store.list()) == ["a/key", "other"]

    @pytest.mark.parametrize("size", [5, 3 * SPILL])
    def test_of_several_that_create_at_once_one_succeeds(self, store: Store, size: int) -> None:
        made: list[int] = []
        wrong: list[BaseException] = []

        def create(number: int) -> None:
            try:
                store.create("key", bytes([number]) * size)
                made.append(number)
            except PlaceTakenError:
                pass
            except BaseException as error:  # noqa: BLE001 - told by the test's own thread
                wrong.append(error)

        threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert wrong == []
        assert len(made) == 1
        assert store.get("key") == bytes(made) * size

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

    # Ranges

    def test_a_range_is_read_by_itself_and_ends_where_the_bytes_end(self, store: Store) -> None:
        data = payload(100_000)
        store.put("a/key", data)

        assert store.read_range("a/key", 0, 10) == data[:10]
        assert store.read_range("a/key", 99_990, 100) == data[99_990:]
        assert store.read_range("a/key", 70_001, 20_002) == data[70_001:90_003]
        assert store.read_range("a/key", 5, 0) == b""
        assert store.read_range("a/key", 200_000, 5) == b""
        with pytest.raises(MissingResultError):
            store.read_range("nothing", 0, 1)

    # Packed results

    def test_results_in_a_segment_are_read_one_by_one(self, store: Store) -> None:
        values, places = self._pack(store)

        for value, place in zip(values, places, strict=True):
            assert store.get(place) == value
            with store.source(place) as source:
                assert source.size == len(value)
                assert source.read() == value
            assert store.stat(place).size == len(value)
            assert time.time() - 3600 < store.stat(place).modified < time.time() + 3600
            assert store.has(place)

    @pytest.mark.parametrize("method", ["get", "source", "stat"])
    def test_results_in_a_segment_are_missing_once_it_is_gone(self, store: Store, method: str) -> None:
        _, places = self._pack(store)
        store.delete(places[0].rpartition("/")[0])

        with pytest.raises(MissingResultError):
            getattr(store, method)(places[1])
        assert not store.has(places[1])

    def test_a_result_in_a_segment_is_only_ever_read(self, store: Store) -> None:
        values, places = self._pack(store)

        for change in (store.delete, store.set_aside, lambda place: store.put(place, b"other")):
            with pytest.raises(StoreError):
                change(places[1])
        assert store.get(places[1]) == values[1]

    def test_damage_in_a_segment_is_an_error(self, store: Store) -> None:
        values, places = self._pack(store)
        segment, _, part = places[-1].rpartition("/")
        offset, length = (int(number) for number in part.split("+"))
        whole = store.get(segment)
        wrong = [
            f"{segment}/{offset + 1}+{length}",
            f"{segment}/{offset}+{length - 1}",
            f"{segment}/{offset}+{length + 1}",
        ]

        for place in wrong:
            with pytest.raises(CorruptResultError):
                store.get(place)
        store.put(segment, whole[:-1])
        assert not store.has(places[-1])
        assert store.stat(places[-1]).size == len(values[-1]) - 1
        with pytest.raises(CorruptResultError, match="truncated"):
            store.get(places[-1])
        assert store.get(places[0]) == values[0]
        store.put(segment, whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(CorruptResultError, match="checksum"):
            store.get(places[-1])

    @staticmethod
    def _pack(store: Store) -> tuple[list[bytes], list[str]]:
        values = [b"a", payload(70_000), b"\x00" * 40, payload(333)]
        framer = Framer("run")
        parts = [framer.value("task", index, value, time.time()) for index, value in enumerate(values)]
        segment = store.put(f"folder/{new_name()}", b"".join(frame for frame, _ in parts))
        return values, [f"{segment}/{offset}+{len(value)}" for (_, offset), value in zip(parts, values, strict=True)]

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
