"""`SerializerTests`: what every serializer must do, as a class of tests to inherit."""

from __future__ import annotations

import copy
import io
import pickle
import threading
from typing import Any, ClassVar

import cloudpickle
import pytest

from resultant.engine.serializers import Serializer, from_description
from resultant.errors import ReadError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SerializerTests", "TestSource"]


class TestSource:
    """A source over bytes in memory that can pretend to be large or to be mapped.

    Args:
        data: the bytes.
        size: what to claim their number is, so that a serializer takes the way it has for large values.
        mapped: also give them as memory, as a store on a local disk does.
    """

    __test__ = False

    def __init__(self, data: bytes, size: int | None = None, mapped: bool = False) -> None:
        self.data = data
        self.size = len(data) if size is None else size
        self.mapped = mapped

    def read(self) -> bytes:
        """Return the bytes."""
        return self.data

    def file(self) -> Any:
        """Return a buffered file over the bytes."""
        return io.BufferedReader(io.BytesIO(self.data))

    def map(self, writable: bool = True) -> memoryview | None:
        """Return the bytes as memory, or ``None``."""
        if not self.mapped or not self.data:
            return None
        return memoryview(bytearray(self.data)) if writable else memoryview(self.data)


class _Sink:
    """Copies what it is given, as a store does, and refuses what a store would."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, buffer: Any) -> int:
        view = memoryview(buffer)
        assert view.c_contiguous, "a sink was handed a buffer that is not C-contiguous"
        self.pieces.append(view.tobytes())
        return view.nbytes

    def getvalue(self) -> bytes:
        return b"".join(self.pieces)


class SerializerTests:
    """Inherit, and give the fixture ``serializer`` and the attribute ``values``.

    Example::

        class TestMySerializer(SerializerTests):
            values = [1, "text"]

            @pytest.fixture
            def serializer(self):
                return MySerializer()
    """

    #: Values that the serializer takes, at least one. They are never changed.
    values: ClassVar[list[Any]] = []

    #: A reason, where some prefixes of valid bytes are valid bytes too, so that a cut can only be found by a digest.
    truncation_goes_unnoticed: ClassVar[str | None] = None

    #: A reason, where the serializer cannot be named in a record.
    not_describable: ClassVar[str | None] = None

    #: A reason, where equal values may give different bytes.
    not_deterministic: ClassVar[str | None] = None

    @pytest.fixture
    def serializer(self) -> Serializer:
        """The serializer under test; override."""
        raise NotImplementedError("give a fixture named serializer")

    def same(self, one: Any, other: Any) -> bool:
        """Return whether a value came back as it was; override for values that ``==`` does not compare."""
        return type(one) is type(other) and bool(one == other)

    def truncations(self, data: bytes) -> list[bytes]:
        """Return the prefixes that must be refused: all of them, or of long bytes a spread."""
        if len(data) <= 1000:
            return [data[:length] for length in range(len(data))]
        lengths = {*range(100), *range(0, len(data), len(data) // 50), *range(len(data) - 50, len(data))}
        return [data[:length] for length in sorted(lengths)]

    def test_there_are_values(self) -> None:
        """The suite proves nothing without values."""
        assert self.values, "give the class some values"

    def test_a_value_comes_back(self, serializer: Serializer) -> None:
        """Serialize, then deserialize."""
        for value in self.values:
            assert self.same(serializer.deserialize(serializer.serialize(value)), value)

    def test_bytes_are_bytes(self, serializer: Serializer) -> None:
        """What serialize returns can be written."""
        for value in self.values:
            assert isinstance(serializer.serialize(value), bytes | bytearray | memoryview)

    def test_any_buffer_can_be_read(self, serializer: Serializer) -> None:
        """Stores may hand out other buffers than bytes."""
        data = serializer.serialize(self.values[0])
        for kind in (bytearray, memoryview):
            assert self.same(serializer.deserialize(kind(data)), self.values[0])  # type: ignore[arg-type]

    def test_streams_agree_with_bytes(self, serializer: Serializer) -> None:
        """Dump writes what serialize returns, and load reads what deserialize reads."""
        for value in self.values:
            sink = _Sink()
            serializer.dump(value, sink)
            data = bytes(serializer.serialize(value))
            if self.not_deterministic is None:
                assert sink.getvalue() == data
            for written in (sink.getvalue(), data):
                assert self.same(serializer.deserialize(written), value)
                for claimed in (None, 1 << 40):
                    for mapped in (False, True):
                        assert self.same(serializer.load(TestSource(written, claimed, mapped)), value)

    def test_a_sink_that_fails_is_heard(self, serializer: Serializer) -> None:
        """An error of the storage is not taken for an error of the value."""

        class Full:
            def write(self, buffer: Any) -> None:
                raise BrokenPipeError("the storage is gone")

        with pytest.raises(BrokenPipeError):
            serializer.dump(self.values[0], Full())
        assert self.same(serializer.deserialize(serializer.serialize(self.values[0])), self.values[0])

    def test_truncated_bytes_are_refused(self, serializer: Serializer) -> None:
        """No prefix of valid bytes gives a value, whichever way it is read."""
        if self.truncation_goes_unnoticed is not None:
            pytest.skip(self.truncation_goes_unnoticed)
        for value in self.values:
            for part in self.truncations(bytes(serializer.serialize(value))):
                self._refuses(serializer, part)

    def test_empty_bytes_are_refused(self, serializer: Serializer) -> None:
        """Nothing is not a value, nor ``None``."""
        self._refuses(serializer, b"")

    def _refuses(self, serializer: Serializer, part: bytes) -> None:
        ways: list[Callable[[], Any]] = [
            lambda: serializer.deserialize(part),
            lambda: serializer.load(TestSource(part)),
            lambda: serializer.load(TestSource(part, 1 << 40, mapped=True)),
        ]
        for read in ways:
            try:
                found = read()
            except ReadError:
                continue
            pytest.fail(f"{len(part)} bytes of a value were read as {found!r}")

    def test_equal_to_its_like(self, serializer: Serializer) -> None:
        """A copy is equal, with an equal hash; another class is not."""
        twin = copy.deepcopy(serializer)
        assert serializer == twin
        assert hash(serializer) == hash(twin)
        assert serializer != Serializer()
        assert serializer != object()

    def test_it_can_be_pickled(self, serializer: Serializer) -> None:
        """Serializers travel to workers."""
        twin = pickle.loads(cloudpickle.dumps(serializer))
        assert twin == serializer
        assert self.same(twin.deserialize(serializer.serialize(self.values[0])), self.values[0])

    def test_it_can_be_rebuilt_from_its_description(self, serializer: Serializer) -> None:
        """A record names the serializer, and the name leads back to an equal one."""
        description = serializer.describe()
        if self.not_describable is not None:
            assert description is None, "it can be described; remove not_describable"
            pytest.skip(self.not_describable)
        assert description is not None
        twin = from_description(pickle.loads(pickle.dumps(description)), types=[type(serializer)])
        assert twin == serializer
        for value in self.values:
            assert self.same(twin.deserialize(serializer.serialize(value)), value)

    def test_values_are_left_alone(self, serializer: Serializer) -> None:
        """Serializing changes nothing."""
        for value in self.values:
            before = copy.deepcopy(value)
            serializer.serialize(value)
            serializer.dump(value, _Sink())
            assert self.same(value, before)

    def test_one_object_serves_many_threads(self, serializer: Serializer) -> None:
        """Tasks on threads share the serializer of their flow."""
        failures: list[Any] = []

        def work() -> None:
            for value in self.values * 3:
                found = serializer.deserialize(serializer.serialize(value))
                if not self.same(found, value):
                    failures.append((value, found))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
