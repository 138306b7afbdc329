"""PickleSerializer: the bytes of cloudpickle, faster; and what is said when that cannot be."""

import base64
import collections
import dataclasses
import enum
import functools
import io
import pickle
import socket
import sqlite3
import subprocess
import sys
import textwrap
import threading
import tracemalloc

import cloudpickle
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resultant.engine.serializers import PickleSerializer
from resultant.errors import CorruptResultError, SerializationError, UnpicklableError, UnreadableResultError
from resultant.testing.serializers import TestSource

serializer = PickleSerializer()

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers(), st.text(), st.binary(max_size=300)
)
VALUES = st.recursive(
    st.one_of(SCALARS, st.datetimes(), st.decimals(), st.fractions(), st.uuids(), st.sampled_from([len, int, print])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.one_of(st.text(max_size=5), st.integers()), inner, max_size=5),
        st.sets(st.integers(), max_size=5),
        st.frozensets(st.text(max_size=3), max_size=5),
        inner.map(lambda part: [part, part]),
        inner.map(lambda part: collections.deque([part])),
    ),
    max_leaves=25,
)


class Counter:
    """Stands for what the user's script defines."""

    def __init__(self, count):
        self.count = count

    def __eq__(self, other):
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None


def test_the_example_of_the_documentation():
    assert serializer.serialize(3) == b"\x80\x05K\x03."


@settings(deadline=None, max_examples=400)
@given(VALUES)
def test_bytes_are_those_of_cloudpickle(value):
    assert serializer.serialize(value) == cloudpickle.dumps(value)


@settings(deadline=None, max_examples=100)
@given(VALUES)
def test_streamed_bytes_are_those_of_cloudpickle(value):
    pieces = []
    serializer.dump(value, Collect(pieces))
    assert b"".join(pieces) == cloudpickle.dumps(value)


class Collect:
    def __init__(self, pieces):
        self.pieces = pieces

    def write(self, data):
        self.pieces.append(bytes(data))


class Colour(enum.IntEnum):
    RED = 1


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [
        "x" * 65_535, "x" * 65_536, "x" * 200_000, b"x" * 65_531, b"x" * 65_536, b"x" * 200_000, 1 << 600_000,
        ["y" * 1000] * 100, ["y" * i for i in range(700)], list(range(100_000)), Colour.RED, Text("a"), Counter(1), Counter,
        lambda: 3, test_the_example_of_the_documentation, np.arange(10), np.arange(100_000.0), np.asfortranarray(np.ones((50, 60))),
        np.float64(1), True, collections.OrderedDict(a=1), {"a": Colour.RED}, bytearray(100_000), memoryview(b"abc"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_bytes_are_those_of_cloudpickle_for_listed_values(value):
    assert serializer.serialize(value) == cloudpickle.dumps(value)
    # The pickler that is used again gives the same once more.
    assert serializer.serialize(value) == cloudpickle.dumps(value)
    serializer.deserialize(serializer.serialize(value))


def run_main(code):
    done = subprocess.run(
        [sys.executable, "-"], input=textwrap.dedent(code), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_classes_functions_and_enums_of_the_main_script_are_read_in_a_fresh_process(tmp_path):
    run_main(
        f"""
        import dataclasses, enum, sys
        from resultant.engine.serializers import PickleSerializer

        FACTOR = 3
        class Shape(enum.Enum):
            ROUND = "round"
        class Level(enum.IntEnum):
            HIGH = 2
        @dataclasses.dataclass
        class Point:
            x: int
            def scaled(self):
                return scale(self.x)
        def scale(x):
            return x * FACTOR
        def fact(n):
            return 1 if n < 2 else n * fact(n - 1)
        class MyInt(int):
            def twice(self):
                return MyInt(self * 2)
        def make(n):
            def inner(): return n
            return inner

        value = [Point(2), Shape.ROUND, Level.HIGH, scale, fact, MyInt(4), make(7), Point, {{Shape.ROUND: Point(5)}}]
        s = PickleSerializer()
        for _ in range(3):
            data = s.serialize(value)
        open({str(tmp_path / "value")!r}, "wb").write(data)
        open({str(tmp_path / "enum")!r}, "wb").write(s.serialize(Level.HIGH))
        """
    )
    out = run_main(
        f"""
        from resultant.engine.serializers import PickleSerializer
        s = PickleSerializer()
        point, shape, level, scale, fact, mine, inner, Point, table = s.deserialize(open({str(tmp_path / "value")!r}, "rb").read())
        assert point.scaled() == 6 and Point(1).scaled() == 3 and isinstance(point, Point)
        assert shape.value == "round" and type(shape)("round") is shape and table[shape].x == 5
        assert level == 2 and level.name == "HIGH"
        assert scale(2) == 6 and fact(5) == 120 and mine.twice() == 8 and type(mine.twice()) is type(mine) and inner() == 7
        high = s.deserialize(open({str(tmp_path / "enum")!r}, "rb").read())
        assert high.name == "HIGH"
        print("all read")
        """
    )
    assert out == "all read\n"


def test_functions_that_share_globals_share_them_again():
    namespace = {"__name__": "__main__"}
    exec("count = []\ndef one(): count.append(1)\ndef two(): return len(count)", namespace)
    one, two = serializer.deserialize(serializer.serialize([namespace["one"], namespace["two"]]))
    one()
    assert two() == 1
    # And not with those of the next pickle.
    assert serializer.deserialize(serializer.serialize(namespace["two"]))() == 0


def test_a_value_that_serializes_while_it_is_serialized():
    class Nested:
        def __reduce__(self):
            return bytes, (serializer.serialize([1, {"a": 2}]),)

    found = serializer.deserialize(serializer.serialize([Nested(), Nested()]))
    assert [serializer.deserialize(part) for part in found] == [[1, {"a": 2}]] * 2


def test_after_a_failure_everything_is_as_before():
    serializer.serialize([1])
    for _ in range(3):
        with pytest.raises(UnpicklableError):
            serializer.serialize(["shared", threading.Lock()])
        assert serializer.serialize(["shared", "shared"]) == cloudpickle.dumps(["shared", "shared"])


def test_nothing_of_a_value_is_kept():
    import weakref

    value = Counter([1, 2])
    alive = weakref.ref(value)
    serializer.serialize([value])
    serializer.dump({"a": value}, Collect([]))
    del value
    assert alive() is None


def test_large_arrays_are_written_and_read_without_a_copy(tmp_path):
    array = np.arange(4_000_000.0).reshape(1000, 4000)
    for value in (array, np.asfortranarray(array), {"a": [array]}, b"z" * 32_000_000):
        with open(tmp_path / "value", "wb") as sink:
            tracemalloc.start()
            serializer.dump(value, sink)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < 2_000_000
        tracemalloc.start()
        found = serializer.load(FileSource(tmp_path / "value"))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 34_000_000
        del found


class FileSource:
    def __init__(self, path):
        self.path = path
        self.size = path.stat().st_size

    def read(self):
        return self.path.read_bytes()

    def file(self):
        return open(self.path, "rb")

    def map(self, writable=True):
        return None


# --- reading


def test_a_pickle_in_base64_is_read():
    for encode in (base64.b64encode, base64.encodebytes):
        assert serializer.deserialize(encode(cloudpickle.dumps({"a": [1, 2]}))) == {"a": [1, 2]}


def test_if_base64_fails_too_the_first_error_counts():
    with pytest.raises(UnreadableResultError) as caught:
        serializer.deserialize(base64.b64encode(b"no pickle either"))
    with pytest.raises(pickle.UnpicklingError) as first:
        pickle.loads(base64.b64encode(b"no pickle either"))
    assert type(caught.value.__cause__) is type(first.value)
    assert str(caught.value.__cause__) == str(first.value)


@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol_is_read(protocol):
    value = {"a": [1, 2.5, "é", (None, True)], "b": "x" * 100_000}
    assert serializer.deserialize(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("value", [3, 300, None, True, "", [], {"a": 1}, "x" * 1000, "x" * 100_000, [b"y" * 70_000, 1]])
def test_bytes_after_the_end_are_damage(value):
    data = serializer.serialize(value)
    for more in (b"\0", b".", b"x" * 100, data):
        for read in (serializer.deserialize, lambda data: serializer.load(TestSource(data, size=1 << 40))):
            with pytest.raises(CorruptResultError):
                read(data + more)


@pytest.mark.parametrize("data", [b"\0", b"\0" * 5000, b"\x80", b"\x80\x05", b"\x80\x05."])
def test_damage_is_told_as_such(data):
    with pytest.raises(CorruptResultError):
        serializer.deserialize(data)


def test_a_truncated_pickle_is_damage_even_where_its_class_is_missing_too():
    data = b"\x80\x04\x95\x20\x00\x00\x00\x00\x00\x00\x00\x8c\x06nomod_\x94\x8c\x01X\x94\x93\x94"
    with pytest.raises(CorruptResultError) as caught:
        serializer.deserialize(data)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x80\x05cno_such_module\nX\n.", "no_such_module.*[Ii]nstall"),
        (b"\x80\x05cos\nno_such_name\n.", "no_such_name.*renamed"),
        (b"\x80\x09K\x03.", "protocol 9.*newer Python"),
        (b'{"a": 1}', r"begin with b'\{\"a\": 1\}'.*no pickle"),
        (b"PAR1....", "no pickle"),
        (b"\x80\x05}\x8c\x01a\x52.", "rebuilt"),
    ],
)
def test_what_is_whole_but_cannot_be_read_here(data, message):
    for read in (serializer.deserialize, lambda data: serializer.load(TestSource(data, size=1 << 40))):
        with pytest.raises(UnreadableResultError, match=message) as caught:
            read(data)
        assert caught.value.__cause__ is not None


class Exploding:
    def __setstate__(self, state):
        raise RuntimeError("boom")


def test_what_unpickling_raises_is_kept():
    value = Exploding()
    value.x = 1
    with pytest.raises(UnreadableResultError, match="boom") as caught:
        serializer.deserialize(serializer.serialize(value))
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_interrupts_are_not_swallowed():
    class Interrupt:
        def __reduce__(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        serializer.serialize(Interrupt())
    assert serializer.serialize([1]) == cloudpickle.dumps([1])


# --- what cannot be pickled


class Client:
    def __init__(self):
        self.client = threading.Lock()


class Slots:
    __slots__ = ("a", "b")


@dataclasses.dataclass
class Data:
    name: str
    connection: object


class State:
    def __getstate__(self):
        return [1, threading.Lock()]


class Refuses:
    def __reduce__(self):
        raise RuntimeError("not me")


class BadRepr:
    def __repr__(self):
        raise RuntimeError("no repr")

    def __hash__(self):
        return 1

    def __reduce__(self):
        raise RuntimeError("not me")


def closure():
    client = threading.Lock()
    return lambda: client


def defaults():
    def function(x=threading.Lock()):
        return x

    return function


def slots():
    value = Slots()
    value.a = 1
    value.b = threading.Lock()
    return value


def cycle():
    value = []
    value += [value, {"self": value}, Client()]
    return value


class Dict(dict):
    pass


def exception():
    error = ValueError("x")
    error.client = threading.Lock()
    return error


@pytest.mark.parametrize(
    ("value", "path", "kind", "cure"),
    [
        ({"model": Client()}, "value['model'].client", "lock", "__getstate__"),
        ([1, (x for x in "ab")], "value[1]", "generator", "list(generator)"),
        ((1, {"a": [2, threading.RLock()]}), "value[1]['a'][1]", "RLock", "__getstate__"),
        (Data("x", sqlite3.connect(":memory:")), "value.connection", "sqlite3.Connection", "Open the connection"),
        (slots(), "value.b", "lock", "__getstate__"),
        (State(), "value.__getstate__()[1]", "lock", "__getstate__"),
        ({1: {threading.local()}}, "value[1] (element", "_local", "__getstate__"),
        ([closure()], "value[0] (its closure's 'client')", "lock", "__getstate__"),
        (defaults(), "value.__defaults__[0]", "lock", "__getstate__"),
        (cycle(), "value[2].client", "lock", "__getstate__"),
        (Dict(a=1, b=threading.Lock()), "value['b']", "lock", "__getstate__"),
        (exception(), "value.client", "lock", "__getstate__"),
        (Client().__init__, "value.__self__.client", "lock", "__getstate__"),
        (functools.partial(print, threading.Lock()), "value.__getstate__()[1][0]", "lock", "__getstate__"),
        ({"a": Refuses()}, "value['a']", "Refuses", "checkpoint=False"),
        ({BadRepr(): 1}, "value (key <BadRepr instance", "BadRepr", "checkpoint=False"),
        (threading.Lock(), "value", "lock", "__getstate__"),
        ({"f": io.FileIO("/dev/null")}, "value['f']", "FileIO", "path"),
        ([socket.socket()], "value[0]", "socket", "Open the connection"),
        ([sys._getframe()], "value[0]", "frame", "text"),
        (np.array([1, threading.Lock()], dtype=object), "value", "lock", "__getstate__"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)  # fmt: skip
def test_the_culprit_is_named(value, path, kind, cure):
    with pytest.raises(UnpicklableError) as caught:
        serializer.serialize(value)
    message = str(caught.value)
    assert message.startswith(path)
    assert "cannot be pickled" in message
    assert kind in message
    assert cure in message
    assert caught.value.__cause__ is not None
    assert isinstance(caught.value, SerializationError)
    assert isinstance(caught.value, TypeError)
    for opened in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
        if hasattr(opened, "close"):
            opened.close()
    if isinstance(value, Data):
        value.connection.close()


def test_the_search_is_bounded():
    value = [[i, [i, [i]]] for i in range(50_000)] + [threading.Lock()]
    with pytest.raises(UnpicklableError, match=r"^Something in value cannot be pickled|^value\[50000\]"):
        serializer.serialize(value)


def test_too_deep_a_value():
    value = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(UnpicklableError, match="nested too deeply"):
        serializer.serialize(value)
    while value:  # taken apart by hand: the interpreter would recurse
        value = value[0]


def test_a_value_that_fails_only_once():
    class Once:
        failed = False

        def __reduce__(self):
            if not Once.failed:
                Once.failed = True
                raise RuntimeError("changed size during iteration")
            return int, ()

    with pytest.raises(UnpicklableError, match=r"changed size.*changing it meanwhile"):
        serializer.serialize([Once()])


def test_a_sink_that_fails_is_not_taken_for_an_unpicklable_value():
    class Full:
        def write(self, data):
            raise OSError(28, "No space left on device")

    for value in (3, [1], np.ones(100_000)):
        with pytest.raises(OSError, match="No space left") as caught:
            serializer.dump(value, Full())
        assert not isinstance(caught.value, UnpicklableError)
