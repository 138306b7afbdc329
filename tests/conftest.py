"""Every test has an empty home of its own, settings as they are out of the box, and no network but this machine's."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FOREIGN_SETTINGS = ("RESULTANT__", "PREFECT__")


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty HOME, and the folder `.resultant` in it that does not exist yet; settings are read anew."""
    folder = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(FOREIGN_SETTINGS):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("RESULTANT__HOME_DIR", str(folder / ".resultant"))
    _forget_settings()
    yield folder
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
