"""Google's XML interface in front of moto's S3: what tests of the client for Google Cloud Storage talk to.

    python gcs_server.py PORT

It proves how the client is used here, not how Google's own server answers. Every object has a generation, a new one with
every write; `x-goog-if-generation-match` is honoured (0: there must be no object yet).
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs, unquote

os.environ.setdefault("AWS_ACCESS_KEY_ID", "test")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "test")

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, run_simple


class GoogleXml:
    """A WSGI application that translates for moto's."""

    def __init__(self, s3: Callable[..., Iterable[bytes]]) -> None:
        self._s3 = s3
        self._lock = threading.RLock()
        self._numbers = itertools.count(1000)
        self._generations: dict[str, int] = {}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        expected = environ.pop("HTTP_X_GOOG_IF_GENERATION_MATCH", None)
        for name in [name for name in environ if name.startswith("HTTP_X_GOOG_")]:
            environ[name.replace("_X_GOOG_", "_X_AMZ_", 1)] = environ[name]
        environ["HTTP_HOST"] = "s3.amazonaws.com"
        for name in ("RAW_URI", "REQUEST_URI"):
            # The client writes the bucket's name with escapes, which moto does not look behind.
            _, bucket, *rest = environ.get(name, "/").split("/")
            environ[name] = "/".join(["", unquote(bucket), *rest])
        part = "uploadId" in query and method == "PUT"
        writes = (method == "PUT" and not part) or (method == "POST" and "uploadId" in query)
        if not writes and method != "DELETE":
            return self._pass_on(environ, start_response, path, None)
        # What a request brings is read before the others have to wait for it.
        environ["wsgi.input"] = _Body(environ)
        with self._lock:
            there = self._generations.get(path, 0)
            if expected is not None and int(expected) != there:
                start_response("412 Precondition Failed", [("Content-Length", "0")])
                return [b""]
            return self._pass_on(environ, start_response, path, "DELETE" if method == "DELETE" else "WRITE")

    def _pass_on(
        self, environ: dict[str, Any], start_response: Callable[..., Any], path: str, change: str | None
    ) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            if status[:1] == "2":
                if change == "WRITE":
                    self._generations[path] = next(self._numbers)
                elif change == "DELETE":
                    self._generations.pop(path, None)
            renamed = [(name.lower().replace("x-amz-", "x-goog-"), value) for name, value in headers]
            generation = self._generations.get(path)
            if generation is not None:
                renamed.append(("x-goog-generation", str(generation)))
            return start_response(status, renamed, exc_info)

        return self._s3(environ, start)


class _Body:
    def __init__(self, environ: dict[str, Any]) -> None:
        from io import BytesIO

        length = int(environ.get("CONTENT_LENGTH") or 0)
        self._data = BytesIO(environ["wsgi.input"].read(length))
        self.read, self.readline, self.close = self._data.read, self._data.readline, self._data.close

    def __iter__(self) -> Any:
        return iter(self._data)


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        pass


if __name__ == "__main__":
    application = GoogleXml(DomainDispatcherApplication(create_backend_app))
    run_simple("127.0.0.1", int(sys.argv[1]), application, threaded=True, request_handler=_Quiet)
