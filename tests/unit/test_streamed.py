"""Large values are checked against their digest while they are read, a few bytes at a time."""

from __future__ import annotations

import os
import uuid
from typing import Any

import numpy as np
import pytest

from resultant.engine.integrity import Digester
from resultant.engine.recorded import RecordedValue, load_for_record
from resultant.engine.results import URLResult
from resultant.engine.serializers import PickleSerializer, Serializer
from resultant.engine.stored import load
from resultant.engine.streamed import DigestingSource
from resultant.errors import CorruptResultError, SupersededResultError
from resultant.stores.object import object_store
from resultant.stores.object_source import RANGE

DIGESTER = Digester(b"k" * 32)


@pytest.fixture
def store() -> Any:
    return object_store(f"memory:///{uuid.uuid4().hex}")


def streamed(store: Any, key: str = "key") -> DigestingSource:
    return DigestingSource(store.source(key), DIGESTER.running)


@pytest.mark.parametrize("size", [2 * RANGE + 5, RANGE + 1, 1 << 20])
def test_however_it_is_read_the_digest_is_that_of_all_bytes(store: Any, size: int) -> None:
    data = os.urandom(size)
    store.put("key", data)
    expected = DIGESTER.of(data)

    assert streamed(store).digest() == expected
    whole = streamed(store)
    assert whole.read() == data
    assert whole.digest() == expected
    in_order = streamed(store)
    assert in_order.file().read() == data
    assert in_order.digest() == expected
    in_part = streamed(store)
    assert in_part.file().read(10) == data[:10]
    assert in_part.digest() == expected
    elsewhere = streamed(store)
    file = elsewhere.file()
    assert file.seek(size - 10) == size - 10
    assert file.read() == data[-10:]
    assert file.seek(0) == 0
    assert file.read() == data
    assert elsewhere.digest() == expected


def test_a_large_value_is_read_once_and_is_whole(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    value = np.random.default_rng(0).random(3 * RANGE // 8)
    data = PickleSerializer().serialize(value)
    store.put("key", data)
    asked: list[int] = []
    fetch = store.requests.fetch
    monkeypatch.setattr(
        store.requests, "fetch", lambda name, start, *rest: asked.append(start) or fetch(name, start, *rest)
    )

    found, size, digest = load_for_record(PickleSerializer(), store, "key", DIGESTER)

    assert (found == value).all()
    assert (size, digest) == (len(data), DIGESTER.of(data))
    assert sorted(asked) == [RANGE, 2 * RANGE, 3 * RANGE]


@pytest.mark.parametrize("at", [0, 100, 2 * RANGE, -1])
def test_one_wrong_bit_is_damage_and_not_a_value(at: int) -> None:
    result = URLResult(f"memory:///{uuid.uuid4().hex}").write(np.zeros(3 * RANGE // 8))
    data = bytearray(result.store.get(result.location))
    recorded = RecordedValue(DIGESTER, DIGESTER.of(bytes(data)), len(data), result.store)
    assert (recorded(result) == 0).all()
    recorded.check(result.location)

    data[at] ^= 1
    result.store.put(result.location, bytes(data))

    with pytest.raises(CorruptResultError, match="not those that were recorded"):
        recorded(result)
    with pytest.raises(CorruptResultError, match="not those that were recorded"):
        recorded.check(result.location)


def test_a_value_that_is_replaced_while_it_is_read_is_not_damaged() -> None:
    class Slow(Serializer):
        def load(self, source: Any) -> Any:
            file = source.file()
            file.read(10)
            result.store.put(result.location, bytes(3 * RANGE))
            return file.read()

    result = URLResult(f"memory:///{uuid.uuid4().hex}", serializer=PickleSerializer()).write(b"x" * (3 * RANGE))
    data = result.store.get(result.location)
    result.serializer = Slow()

    with pytest.raises(SupersededResultError, match="replaced"):
        RecordedValue(DIGESTER, DIGESTER.of(data), len(data))(result)


def test_a_value_that_is_replaced_while_it_is_read_is_read_again() -> None:
    times: list[int] = []

    class Slow(Serializer):
        def load(self, source: Any) -> Any:
            file = source.file()
            file.read(10)
            if len(times) < 2:
                store.put("key", bytes([len(times)]) * (3 * RANGE))
                times.append(1)
            return file.read()

    store: Any = object_store(f"memory:///{uuid.uuid4().hex}")
    store.put("key", b"x" * (3 * RANGE))
    assert load(Slow(), store, "key") == b"\x01" * (3 * RANGE - 10)
    times.clear()
    assert load_for_record(Slow(), store, "key", DIGESTER)[0] == b"\x01" * (3 * RANGE - 10)
