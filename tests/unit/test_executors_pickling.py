"""Calls and values on their way to another process."""

from __future__ import annotations

import os.path
import pickle
import threading
from typing import Any

import pytest

from resultant.errors import UnpicklableError
from resultant.executors import Shared, shared
from resultant.executors.job import make_job
from resultant.executors.pickling import decode, encode, encode_call, load_call


def _again(value: Any) -> Any:
    chunks, buffers = encode(value)
    return decode(b"".join(chunks), [memoryview(bytearray(buffer)) for buffer in buffers])


@pytest.mark.parametrize(
    "value", [1, "a", None, 1.5, b"x" * 200_000, bytearray(b"y" * 200_000), [1, {"a": (2,)}], {1, 2}]
)
def test_values_survive(value: Any) -> None:
    assert _again(value) == value
    assert type(_again(value)) is type(value)


def test_large_arrays_go_beside_the_pickle_and_small_ones_inside() -> None:
    numpy = pytest.importorskip("numpy")
    large, small = numpy.arange(100_000.0), numpy.arange(10.0)
    chunks, buffers = encode([large, small])

    assert [buffer.nbytes for buffer in buffers] == [large.nbytes]
    assert sum(map(len, chunks)) < 2000
    assert numpy.shares_memory(numpy.asarray(buffers[0]), large.view(numpy.uint8))
    back = _again([large, small])
    assert (back[0] == large).all()
    assert (back[1] == small).all()


def test_arrays_that_are_not_contiguous_survive() -> None:
    numpy = pytest.importorskip("numpy")
    array = numpy.arange(200_000.0).reshape(400, 500)[::2, ::3]

    assert (_again(array) == array).all()


def test_large_bytes_are_not_copied() -> None:
    value = b"x" * 1_000_000
    chunks, _ = encode(["a", value])

    assert any(chunk is value for chunk in chunks)


def test_a_failure_leaves_no_trace_in_the_next_pickle() -> None:
    lock = threading.Lock()
    with pytest.raises(TypeError):
        encode(["so far so good", lock])

    assert _again(["next"]) == ["next"]


def test_pickling_may_pickle() -> None:
    assert _again([_Nested("deep"), 1]) == [_Nested("deep"), 1]


class _Nested:
    def __init__(self, text: str) -> None:
        self.text = text

    def __reduce__(self) -> tuple[Any, ...]:
        assert _again([self.text]) == [self.text]
        return _Nested, (self.text,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Nested) and other.text == self.text

    __hash__ = None  # type: ignore[assignment]


def _call(fn: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any, Any]:
    chunks, buffers, _ = encode_call(fn, args, kwargs)
    return load_call(b"".join(chunks), buffers)


def test_calls_survive() -> None:
    assert _call(os.path.basename, "a/b") == (os.path.basename, ("a/b",), {})
    assert _call(os.path.join, "a", b=[1]) == (os.path.join, ("a",), {"b": [1]})
    assert _call(print, 1) == (print, (1,), {})
    offset = 4
    fn, args, kwargs = _call(lambda value: value + offset, 5)
    assert fn(*args, **kwargs) == 9


def test_a_bound_method_of_a_builtin_takes_its_object_along_each_time() -> None:
    values = [1]
    assert _call(values.index, 1)[0].__self__ == [1]
    values.append(2)
    assert _call(values.index, 1)[0].__self__ == [1, 2]


def test_a_function_of_the_same_name_is_not_mistaken() -> None:
    def make(number: int) -> Any:
        def fn() -> int:
            return number

        return fn

    assert _call(make(1))[0]() == 1
    assert _call(make(2))[0]() == 2


@pytest.fixture
def worker() -> Any:
    yield shared
    shared._received.clear()


def test_shared_arguments_become_what_they_stand_for(worker: Any) -> None:
    table = Shared({"a": 1})
    chunks, buffers, needed = encode_call(os.path.join, (table, [table], 3), {"x": table})
    assert set(map(id, needed)) == {id(table)}
    job = make_job(os.path.join, (table,), {}, None)
    assert job.shared == [table]
    assert table.packed is not None
    frame = b"".join(bytes(part) for part in table.packed[0])
    worker.receive(frame[16:], [])

    _, args, kwargs = load_call(b"".join(chunks), buffers)
    assert args == ({"a": 1}, [{"a": 1}], 3)
    assert args[0] is args[1][0] is kwargs["x"]


def test_shared_arguments_are_pickled_once() -> None:
    counted = _Counted()
    handle = Shared(counted)
    for _ in range(5):
        make_job(os.path.join, (handle,), {}, None)

    assert counted.times == 1


class _Counted:
    times = 0

    def __reduce__(self) -> tuple[Any, ...]:
        self.times += 1
        return _Counted, ()


def test_a_shared_argument_pickled_by_anybody_else_takes_its_object_along() -> None:
    copy = pickle.loads(pickle.dumps(Shared([1, 2])))

    assert copy.obj == [1, 2]


def test_forgotten_is_forgotten(worker: Any) -> None:
    worker.receive((7).to_bytes(8, "little") + pickle.dumps("x"), [])
    assert worker.resolve(7) == "x"
    worker.forget([7, 8])
    with pytest.raises(KeyError):
        worker.resolve(7)


@pytest.mark.parametrize(
    ("args", "kwargs", "said"),
    [
        (("fine", threading.Lock()), {}, "argument 1, of type _thread.lock,"),
        ((), {"lock": threading.Lock()}, "argument 'lock', of type _thread.lock,"),
        ((Shared(threading.Lock()),), {}, "argument 0, of type _thread.lock,"),
    ],
)
def test_the_argument_that_cannot_be_pickled_is_named(args: Any, kwargs: Any, said: str) -> None:
    with pytest.raises(UnpicklableError, match=f"posixpath.join cannot be sent to a worker process: {said}") as caught:
        make_job(os.path.join, args, kwargs, None)
    assert caught.value.__cause__ is not None
