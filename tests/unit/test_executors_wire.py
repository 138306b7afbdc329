"""Frames over a socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resultant.executors.wire import Inbox, pack, send_some

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def _through(frames: list[tuple[int, list[bytes], list[bytes]]]) -> list[tuple[int, bytes, list[bytes]]]:
    ours, theirs = socket.socketpair()
    got: list[tuple[int, bytes, list[bytes]]] = []

    def read() -> None:
        inbox = Inbox(theirs)
        while (arrived := inbox.receive()) is not None:
            got.extend(
                (kind, bytes(payload), [bytes(buffer) for buffer in buffers]) for kind, payload, buffers in arrived
            )

    reader = threading.Thread(target=read)
    reader.start()
    parts = []
    for kind, chunks, buffers in frames:
        parts += pack(kind, chunks, [memoryview(buffer) for buffer in buffers])
    assert send_some(ours, parts) == []
    ours.close()
    reader.join(30)
    theirs.close()
    return got


SIZES = st.one_of(st.integers(0, 100), st.sampled_from([0, 65519, 65520, 65521, 65536, 70_000, 1 << 20, (1 << 20) + 1]))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 200), st.lists(SIZES, max_size=3), st.lists(SIZES, max_size=4)), max_size=6))
def test_whatever_is_sent_arrives(shapes: list[tuple[int, list[int], list[int]]]) -> None:
    frames = [
        (kind, [bytes([index % 251]) * size for index, size in enumerate(chunks)], [b"b" * size for size in buffers])
        for kind, chunks, buffers in shapes
    ]

    assert _through(frames) == [(kind, b"".join(chunks), buffers) for kind, chunks, buffers in frames]


def test_more_pieces_than_one_call_takes() -> None:
    chunks = [b"%05d" % index for index in range(20_000)]

    assert _through([(1, chunks, [b"x"] * 1000)]) == [(1, b"".join(chunks), [b"x"] * 1000)]


def test_what_does_not_fit_is_left_to_send_later(pair: Pair) -> None:
    ours, theirs = pair
    ours.setblocking(False)
    theirs.setblocking(False)
    parts = pack(1, [b"a" * 3_000_000, b"b"])
    inbox = Inbox(theirs)
    frames = []
    rounds = 0
    while not frames:
        parts = send_some(ours, parts)
        rounds += 1
        try:
            while not frames:
                frames = inbox.receive() or []
        except BlockingIOError:
            pass

    assert rounds > 1
    assert bytes(frames[0][1]) == b"a" * 3_000_000 + b"b"


def test_the_end_in_the_middle_of_a_frame_is_an_end(pair: Pair) -> None:
    ours, theirs = pair
    ours.sendall(b"".join(bytes(part) for part in pack(1, [b"abc"]))[:-1])
    ours.close()
    inbox = Inbox(theirs)

    assert inbox.receive() == []
    assert inbox.receive() is None


def test_large_pieces_can_be_written_to(pair: Pair) -> None:
    [(_, payload, [buffer])] = _frames(pair, pack(1, [b"a"], [memoryview(b"b" * 100_000)]))
    buffer[0] = 7

    assert (bytes(payload), buffer[0], buffer[1]) == (b"a", 7, ord("b"))


def _frames(pair: Pair, parts: list[bytes | bytearray | memoryview]) -> list[tuple[int, memoryview, list[memoryview]]]:
    ours, theirs = pair
    send_some(ours, parts)
    inbox = Inbox(theirs)
    frames: list[tuple[int, memoryview, list[memoryview]]] = []
    while not frames:
        frames = inbox.receive()  # type: ignore[assignment]
    return frames
