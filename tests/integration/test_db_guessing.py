"""Whoever has the database, and not the home's secret, cannot tell what small values were: not even a four-digit PIN."""

from __future__ import annotations

import hashlib
import pickle
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from resultant import Flow, LocalResult, Parameter, config, task
from resultant.engine.digests import digest as plain_digest
from resultant.engine.integrity import Digester
from resultant.runner.recorded_runs import close_databases

PIN = 4729
CANDIDATES = range(10_000)


@task
def chosen() -> int:
    return PIN


@task(cache_for=timedelta(hours=1))
def given(pin: int, text: str) -> str:
    return text * 2


@task
def each(pin: int) -> int:
    return pin


def blobs(database: Path) -> list[bytes]:
    """Return every value of every row, as bytes, with the texts that are digests in hexadecimal also as what they stand for."""
    connection = sqlite3.connect(database)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = []
    for table in tables:
        for row in connection.execute(f"SELECT * FROM {table}"):
            for value in row:
                data = value if isinstance(value, bytes) else str(value).encode()
                found.append(data)
    connection.close()
    return found


def forms(candidate: int) -> Iterator[bytes]:
    """Yield what a candidate, or something that is made of it, might have been hashed as."""
    for value in (candidate, str(candidate), [candidate], (candidate,), {"pin": candidate}):
        yield pickle.dumps(value, 5)
        yield repr(value).encode()
        taken = plain_digest(value)
        yield taken.encode()
        yield bytes.fromhex(taken)


HASHES: tuple[Callable[[bytes], bytes], ...] = (
    lambda data: hashlib.blake2b(data, digest_size=16).digest(),
    lambda data: hashlib.blake2b(data, digest_size=32).digest()[:16],
    lambda data: hashlib.blake2b(data).digest()[:16],
    lambda data: hashlib.blake2s(data).digest()[:16],
    lambda data: hashlib.sha256(data).digest()[:16],
    lambda data: hashlib.sha1(data, usedforsecurity=False).digest()[:16],
    lambda data: hashlib.md5(data, usedforsecurity=False).digest(),
    lambda data: Digester(bytes(32)).small(data)[1:],
    lambda data: data[:16],
)


def record(tmp_path: Path) -> None:
    config.flows.checkpointing = True
    with Flow("secretive", result=LocalResult(dir=str(tmp_path / "results"))) as flow:
        pin = chosen()
        given(pin, str(PIN))
        each.map([PIN, PIN + 1])
        each(Parameter("other", default=1))
    assert flow.run(flow_run_id="run").is_successful()
    close_databases()


def test_no_digest_on_record_is_that_of_a_small_value(tmp_path: Path, home: Path) -> None:
    record(tmp_path)
    everything = b"\n".join(blobs(home / ".resultant" / "resultant.db"))
    assert len(everything) > 500
    for candidate in (PIN, PIN + 1):
        for data in forms(candidate):
            for take in HASHES:
                taken = take(data)
                if len(taken) < 8:
                    continue  # of so few bytes the same may be anywhere
                assert taken not in everything, (candidate, data)
                assert taken.hex().encode() not in everything, (candidate, data)


def test_with_the_secret_it_is_found_at_once(tmp_path: Path, home: Path) -> None:
    """Which shows that the test above looks in the right place."""
    record(tmp_path)
    digester = Digester((home / ".resultant" / "digest.key").read_bytes())
    everything = set(blobs(home / ".resultant" / "resultant.db"))
    hits = [candidate for candidate in CANDIDATES if digester.small(pickle.dumps(candidate, 5)) in everything]
    assert hits == [1, PIN, PIN + 1]


def test_the_secret_is_the_owners_alone_and_in_no_row(tmp_path: Path, home: Path) -> None:
    record(tmp_path)
    key = home / ".resultant" / "digest.key"
    assert key.stat().st_mode & 0o777 == 0o600
    secret = key.read_bytes()
    assert len(secret) == 32
    for path in (home / ".resultant").rglob("*"):
        if path.is_file() and path != key:
            data = path.read_bytes()
            assert secret not in data
            assert secret.hex().encode() not in data
