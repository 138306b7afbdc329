"""Every test has an empty home of its own, settings as they are out of the box, and no network but this machine's.

Tests that ask for it have a PostgreSQL server, or object stores (`servers/object_servers.py`).
"""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "servers"))
from object_servers import azurite, gcs, moto, seaweedfs  # noqa: E402, F401 - fixtures

FOREIGN_SETTINGS = ("RESULTANT__", "PREFECT__")
#: Whoever runs the tests may have credentials for object stores; machines of a cloud are given some.
CLOUDS = ("AWS_", "AZURE_", "GOOGLE_")
NO_METADATA = {"AWS_EC2_METADATA_DISABLED": "true", "NO_GCE_CHECK": "true", "AZURE_TOKEN_CREDENTIALS": "dev"}


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell lets what it starts in the background ignore Ctrl-C, and so would every process of every test.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty HOME, and the folder `.resultant` in it that does not exist yet; settings are read anew."""
    folder = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith((*FOREIGN_SETTINGS, *CLOUDS)):
            monkeypatch.delenv(name)
    for name, value in NO_METADATA.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("RESULTANT__HOME_DIR", str(folder / ".resultant"))
    _forget_settings()
    yield folder
    # Each test has a home of its own, and so a database.
    recorded = sys.modules.get("resultant.runner.recorded_runs")
    if recorded is not None:
        recorded.close_databases()
    _forget_settings()


def _forget_settings() -> None:
    try:
        from resultant import settings
    except ImportError:
        return
    settings.reload()


def _is_local(address: object) -> bool:
    if not isinstance(address, tuple):
        return True  # a path: a Unix socket
    host = address[0]
    if host in ("localhost", ""):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Connections that leave this machine are an error."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            original = getattr(socket.socket, name)

            def guarded(self: socket.socket, address: object, _original: object = original) -> object:
                if not _is_local(address):
                    raise AssertionError(f"a test tried to reach {address!r}; tests talk to this machine only")
                return _original(self, address)  # type: ignore[operator]

            patch.setattr(socket.socket, name, guarded)
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What compares with prefect 1 is marked so, and needs the interpreter that has it; in CI, its absence is a failure."""
    lacking = pytest.mark.skip(reason="needs prefect 1.4.1: run `make diff`")
    for item in items:
        if HERE / "differential" in item.path.parents:
            item.add_marker(pytest.mark.differential)
            if not os.environ.get("RESULTANT_PREFECT_PYTHON") and os.environ.get("CI") != "true":
                item.add_marker(lacking)


# ---------------------------------------------------------------------------------------------------------- PostgreSQL


class PostgresServer:
    """A PostgreSQL server of the tests' own, in a folder of its own, reached through a socket in there."""

    def __init__(self, programs: Path) -> None:
        # The path of a socket may have about a hundred characters.
        self.folder = Path(tempfile.mkdtemp(prefix="rpg", dir="/tmp"))
        self._programs = programs
        self._as_user: list[str] = []
        if os.geteuid() == 0:  # the server refuses to run as root
            shutil.chown(self.folder, "postgres", "postgres")
            self._as_user = ["runuser", "-u", "postgres", "--"]
        options = ["-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"]
        self._run("initdb", "-D", f"{self.folder}/data", *options)
        self.start()

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as_user, str(self._programs / program), *arguments]
        # The server inherits its output: a pipe would never end.
        with (self.folder / f"{program}.out").open("w") as output:
            done = subprocess.run(command, stdout=output, stderr=output, timeout=60, check=False, cwd=self.folder)
        assert done.returncode == 0, (self.folder / f"{program}.out").read_text()

    def start(self) -> None:
        """Start it, and return when it answers."""
        options = (
            f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c fsync=off -c full_page_writes=off"
        )
        self._run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-l", f"{self.folder}/log", "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it as if it had crashed."""
        self._run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-m", mode, "stop")

    def url(self, database: str = "postgres") -> str:
        """Return the address of a database."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def new_database(self) -> str:
        """Make an empty database, and return its address."""
        import psycopg

        name = f"test_{uuid.uuid4().hex}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server; tests are skipped where its programs are missing, and fail in continuous integration."""
    found = shutil.which("initdb")
    places = [
        *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),
        *([Path(found).parent] if found else []),
    ]
    programs = next((place for place in places if (place / "initdb").exists() and (place / "pg_ctl").exists()), None)
    lacking = None
    if programs is None:
        lacking = "PostgreSQL's initdb and pg_ctl are not installed (on Debian: apt-get install postgresql)"
    elif importlib.util.find_spec("psycopg") is None:
        lacking = "psycopg is not installed (pip install 'resultant[postgres]')"
    if lacking is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(lacking)
        pytest.skip(lacking)
    assert programs is not None
    server = PostgresServer(programs)
    yield server
    server.stop()
    shutil.rmtree(server.folder)


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> str:
    """The address of an empty database."""
    return postgres_server.new_database()
