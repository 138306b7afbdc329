"""A proxy for HTTP/1.1 that breaks a share of the requests, in every way that networks and busy servers know.

Which request breaks, and how, comes from a seed and the order in which requests arrive.
"""

from __future__ import annotations

import http.client
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

__all__ = ["FAULTS", "FaultyProxy"]

#: latency: an answer that is late. throttled, busy, broken: 503, 429 and 500, the request not carried out. half_request:
#: the connection breaks while the request is read. unsent: it breaks before the request is carried out. lost: after it was.
#: truncated, reset: the answer breaks off, with a clean end and without. doubled: carried out twice. late_error: carried out,
#: and yet 500.
FAULTS = (
    "latency", "throttled", "busy", "broken", "half_request", "unsent", "lost", "truncated", "reset", "doubled", "late_error",
)  # fmt: skip

_SLOW_DOWN = (
    b'<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>'
)
_INTERNAL = b'<?xml version="1.0"?><Error><Code>InternalError</Code><Message>Try again.</Message></Error>'


class FaultyProxy:
    """Passes requests on to a port of this machine.

    Args:
        port: where to.
        rate: the share of requests that break.
        seed: of the choice.
        faults: the ways in which they do.

    Attributes:
        port: where it listens.
        requests: how many it got, by method.
        faults: how many of each kind it made.
        rate: as above; may be changed at any time.
        break_next: kinds of faults for the very next requests, whatever the rate; an empty one lets a request pass, and one
            like ``"413 EntityTooLarge"`` is answered with that status and code.
    """

    def __init__(self, port: int, rate: float = 0.0, seed: int = 0, faults: Sequence[str] = FAULTS) -> None:
        self._target = port
        self._random = random.Random(seed)
        self._kinds = tuple(faults)
        self._lock = threading.Lock()
        self.rate = rate
        self.requests: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.break_next: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Listen no more, and break what is under way."""
        self._listener.close()
        with self._lock:
            sockets, self._open = self._open, set()
        for each in sockets:
            each.close()

    def __enter__(self) -> FaultyProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection.makefile("rb") as incoming:
                while self._request(connection, incoming):
                    pass
        except (OSError, ValueError, http.client.HTTPException):
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _choose(self, method: str) -> str:
        with self._lock:
            self.requests[method] += 1
            if self.break_next:
                kind = self.break_next.pop(0)
                if not kind:
                    return ""
            elif self._random.random() < self.rate:
                kind = self._random.choice(self._kinds)
            else:
                return ""
            self.faults[kind] += 1
            return kind

    def _request(self, connection: socket.socket, incoming: Any) -> bool:
        line = incoming.readline()
        if not line.strip():
            return False
        method, path, _ = line.decode("latin-1").split(" ", 2)
        headers = []
        while (header := incoming.readline()).strip():
            name, _, value = header.decode("latin-1").partition(":")
            headers.append((name, value.strip()))
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        fault = self._choose(method)
        if fault == "half_request":
            incoming.read(length // 2)
            return _reset(connection)
        body = incoming.read(length)
        if len(body) < length:
            return False
        if fault == "latency":
            time.sleep(0.05)
        elif fault == "unsent":
            return _reset(connection)
        elif fault in ("throttled", "busy", "broken"):
            status = {"throttled": "503 Slow Down", "busy": "429 Too Many Requests"}.get(
                fault, "500 Internal Server Error"
            )
            return _answer(connection, method, status, _INTERNAL if fault == "broken" else _SLOW_DOWN)
        elif fault[:1].isdigit():
            status, _, code = fault.partition(" ")
            text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>" if code else ""
            return _answer(connection, method, f"{status} Fault", text.encode())
        if fault == "doubled":
            self._forward(method, path, headers, body)
        number, reason, answered, data = self._forward(method, path, headers, body)
        if fault == "lost":
            return _reset(connection)
        if fault == "late_error":
            return _answer(connection, method, "500 Internal Server Error", _INTERNAL)
        lines = [f"HTTP/1.1 {number} {reason}"]
        names = {name.lower() for name, _ in answered}
        lines += [
            f"{name}: {value}" for name, value in answered if name.lower() not in ("connection", "transfer-encoding")
        ]
        if "content-length" not in names and number != 204:
            lines.append(f"Content-Length: {len(data)}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        if fault in ("truncated", "reset"):
            # Without a body, the head itself breaks off.
            whole = head + data
            connection.sendall(whole[: len(head) + len(data) // 2] if data else whole[: len(head) // 2])
            return _reset(connection) if fault == "reset" else False
        connection.sendall(head + data)
        return True

    def _forward(
        self, method: str, path: str, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, str, list[tuple[str, str]], bytes]:
        upstream = http.client.HTTPConnection("127.0.0.1", self._target, timeout=30)
        try:
            upstream.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                if name.lower() != "connection":
                    upstream.putheader(name, value)
            upstream.endheaders(body or None)
            got = upstream.getresponse()
            return got.status, got.reason, got.getheaders(), got.read()
        finally:
            upstream.close()


def _answer(connection: socket.socket, method: str, status: str, body: bytes) -> bool:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + (b"" if method == "HEAD" else body))
    return True


def _reset(connection: socket.socket) -> bool:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False
