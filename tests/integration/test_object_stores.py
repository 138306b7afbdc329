"""Object stores on real servers: what others see there, what is said when something is wrong, and what is left behind."""

from __future__ import annotations

import logging
import os
import pickle
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import traceback
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from faulty_proxy import FaultyProxy

from resultant.errors import (
    AccessError,
    ConfigurationError,
    DeniedError,
    MissingResultError,
    NoSuchBucketError,
    PlaceTakenError,
    ResultError,
    SupersededResultError,
    TooLargeError,
    UnreachableError,
)
from resultant.stores import object_sink
from resultant.stores.object import ObjectStore
from resultant.stores.object_source import RANGE
from resultant.testing.streams import payload

pytestmark = pytest.mark.timeout(120)

SERVERS = ["moto", "seaweedfs", "gcs", "azurite"]
#: One that checks everything that a client of S3 sends, and three that know a missing bucket when they see one.
STRICT = ["moto", "gcs", "azurite"]
ONCE = {"retry_config": {"max_retries": 0}}


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def store_of(bucket: Any, prefix: str = "", **options: Any) -> ObjectStore:
    return ObjectStore(f"{bucket.url}/{prefix or uuid.uuid4().hex}", {**bucket.options, **options})


# What others see


@pytest.mark.parametrize("server", ["moto", "seaweedfs"], indirect=True)
@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("flights/UA 1.pickle", "flights/UA 1.pickle"),
        ("100%/é日本😀#1?x=&+{y}", "100%/é日本😀#1?x=&+{y}"),
        ("2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00"),
        ("a\\b\n", "a%5Cb%0A"),
        ("../up//x", "%2E%2E/up/%2F/x"),
    ],
)
def test_other_clients_find_an_object_by_its_key(server: Any, key: str, name: str) -> None:
    bucket = server.new_bucket()
    store = ObjectStore(f"{bucket.url}/some/prefix", bucket.options)

    store.put(key, b"value")

    client = server.client()
    assert [each["Key"] for each in client.list_objects_v2(Bucket=bucket.name)["Contents"]] == [f"some/prefix/{name}"]
    assert client.get_object(Bucket=bucket.name, Key=f"some/prefix/{name}")["Body"].read() == b"value"
    assert store.place(key) == f"http://127.0.0.1:{server.port}/{bucket.name}/some/prefix/{name}"
    assert store.get(store.place(key)) == b"value"


@pytest.mark.parametrize("server", ["moto", "seaweedfs"], indirect=True)
def test_an_upload_that_is_aborted_leaves_no_parts(server: Any) -> None:
    bucket = server.new_bucket()
    store = ObjectStore(bucket.url, bucket.options)
    script = """
        import sys
        from resultant.stores.object import object_store

        store = object_store(sys.argv[1], eval(sys.argv[2]))
        sink = store.sink("forgotten")
        sink.write(bytes(30_000_000))
    """
    for _ in range(2):
        sink = store.sink("key")
        sink.write(bytes(30_000_000))
        sink.abort()
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), bucket.url, repr(bucket.options)],
        timeout=60,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")

    assert list(store.list()) == []
    assert not server.client().list_multipart_uploads(Bucket=bucket.name).get("Uploads")


@pytest.mark.parametrize("server", SERVERS, indirect=True)
@pytest.mark.parametrize("way", ["file", "read"])
def test_a_large_object_that_is_replaced_while_it_is_read_is_never_mixed(server: Any, way: str) -> None:
    store = store_of(server.bucket)
    old, new = payload(3 * RANGE, seed=1), payload(3 * RANGE, seed=2)
    store.put("key", old)

    with store.source("key") as source:
        file = source.file()
        first = file.read(100)
        store.put("key", new)
        with pytest.raises(SupersededResultError, match="read it again"):
            file.read() if way == "file" else source.read()

    assert first == old[:100]
    assert store.get("key") == new


def test_a_large_object_is_read_in_any_order(seaweedfs: Any) -> None:
    store = store_of(seaweedfs.bucket)
    data = payload(3 * RANGE + 77)
    store.put("key", data)

    with store.source("key") as source:
        file = source.file()
        for position in (2 * RANGE + 5, 3, RANGE - 1, 3 * RANGE + 70, 0):
            file.seek(position)
            assert file.read(50) == data[position : position + 50]
        assert file.seek(-10, os.SEEK_END) == len(data) - 10
        assert file.read() == data[-10:]
        file.seek(0)
        buffer = bytearray(len(data) - 1)
        assert file.readinto(buffer) == len(buffer)
        assert buffer == data[:-1]
        assert file.read() == data[-1:]


# What is said when something is wrong


@pytest.mark.parametrize("server", STRICT, indirect=True)
@pytest.mark.parametrize(
    "act",
    [
        lambda store: store.put("key", b"x"),
        lambda store: store.create("key", b"x"),
        lambda store: store.get("key"),
        lambda store: store.source("key"),
        lambda store: store.stat("key"),
        lambda store: store.has("key"),
        lambda store: store.delete("key"),
        lambda store: store.set_aside("key"),
        lambda store: list(store.list()),
        lambda store: store.put("key", bytes(20_000_000)),
    ],
    ids=["put", "create", "get", "source", "stat", "has", "delete", "set_aside", "list", "large put"],
)
def test_a_missing_bucket_is_an_error_of_its_own(server: Any, act: Any) -> None:
    bucket = server.bucket
    store = ObjectStore("://".join([bucket.url.partition(":")[0], "no-such-bucket"]), bucket.options)

    with pytest.raises(NoSuchBucketError, match="no-such-bucket") as caught:
        act(store)

    assert isinstance(caught.value, LookupError)
    assert not isinstance(caught.value, MissingResultError)
    assert "create it" in str(caught.value)


@pytest.mark.parametrize("server", SERVERS, indirect=True)
def test_what_exists_is_asked_without_reading_and_a_bucket_is_looked_for_once(server: Any) -> None:
    store_of(server.bucket, "asked").put("there", payload(100_000))
    with FaultyProxy(server.port) as proxy:
        store = store_of(server.bucket.at(proxy.port), "asked")

        assert not store.has("missing")
        assert proxy.requests == {"HEAD": 1, "GET": 1}
        for _ in range(3):
            assert not store.has("missing")
        assert store.has("there")
        assert store.stat("there").size == 100_000
        assert proxy.requests == {"HEAD": 6, "GET": 1}
        seen = store_of(server.bucket.at(proxy.port), "asked")
        seen.get("there")
        assert not seen.has("missing")
        assert proxy.requests == {"HEAD": 7, "GET": 2}


def reader(seaweedfs: Any) -> ObjectStore:
    store_of(seaweedfs.bucket, "read").put("there", b"x")
    return store_of(seaweedfs.bucket, "read", access_key_id="reader", secret_access_key="readread", **ONCE)


def test_who_may_not_write_is_denied(seaweedfs: Any) -> None:
    store = reader(seaweedfs)

    assert store.get("there") == b"x"
    assert store.has("there")
    for act in (store.put, store.create):
        with pytest.raises(DeniedError) as caught:
            act("new", b"x")
        assert isinstance(caught.value, PermissionError)
        assert store.place("new") in str(caught.value)
        assert "readread" not in str(caught.value)


def test_who_may_not_list_is_told_which_permission_is_missing(seaweedfs: Any) -> None:
    store = reader(seaweedfs)

    with pytest.raises(DeniedError, match=r"grant s3:ListBucket"):
        store.has("missing")
    with pytest.raises(DeniedError):
        list(store.list())
    with pytest.raises(MissingResultError):
        store.get("missing")


def test_a_wrong_key_is_denied(seaweedfs: Any, azurite: Any) -> None:
    for bucket, wrong in (
        (seaweedfs.bucket, {"secret_access_key": "CANARY"}),
        (azurite.bucket, {"account_key": "Q0FOQVJZ"}),
    ):
        store = store_of(bucket, **wrong)
        for act in (store.get, store.has, store.stat):
            with pytest.raises(DeniedError, match="check the credentials") as caught:
                act("key")
            assert "CANARY" not in str(caught.value)


def test_a_machine_without_credentials_is_told_so(moto: Any) -> None:
    options = {key: value for key, value in moto.bucket.options.items() if "key" not in key}
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        options["metadata_endpoint"] = f"http://127.0.0.1:{nobody.getsockname()[1]}/latest"
        store = ObjectStore(
            moto.bucket.url, {**options, "client_options": {"allow_http": True, "timeout": "1s"}, **ONCE}
        )

        with pytest.raises((DeniedError, UnreachableError)):
            store.put("key", b"x")


# Credentials


@pytest.mark.parametrize("method", ["put", "get", "has", "sink", "list"])
def test_nothing_that_is_said_holds_a_credential(method: str, azurite: Any, caplog: pytest.LogCaptureFixture) -> None:
    canary = "sv=2024-01-01&sig=CANARY%2BCANARY"
    options = {key: value for key, value in azurite.bucket.options.items() if key != "account_key"}
    said = []
    with FaultyProxy(azurite.port) as proxy, caplog.at_level(logging.DEBUG):
        options["endpoint"] = f"http://127.0.0.1:{proxy.port}/devstoreaccount1"
        store = (
            store_of(azurite.bucket, **options, account_key=None)
            if False
            else ObjectStore(
                f"{azurite.bucket.url}/x",
                {**options, "sas_key": canary, "retry_config": {"max_retries": 1, "backoff": {"init_backoff": 0.01}}},
            )
        )
        for answer in (
            "403 AuthenticationFailed",
            "500 InternalError",
            "lost",
            "404 ContainerNotFound",
            "400 ",
            "409 x",
        ):
            proxy.break_next = [answer] * 4
            try:
                if method == "sink":
                    sink = store.sink("key")
                    sink.write(bytes(30_000_000))
                    sink.commit()
                else:
                    found = store.put("key", b"x") if method == "put" else getattr(store, method)("key")
                    list(found)
            except ResultError as error:
                said += [str(error), repr(error), "".join(traceback.format_exception(error))]
                said.append(str(pickle.loads(pickle.dumps(error))))
                said.append(repr(error.__context__))
    said += [repr(store), str(store), caplog.text]

    assert len(said) > 12
    assert "CANARY" not in "".join(said)
    with pytest.raises(TypeError, match="pickle its result"):
        pickle.dumps(store)


def test_a_provider_is_asked_when_its_credentials_expire(seaweedfs: Any) -> None:
    options = {key: value for key, value in seaweedfs.bucket.options.items() if "key" not in key}
    asked = []

    def provider() -> dict[str, Any]:
        asked.append(1)
        lasts = timedelta(hours=1) if len(asked) > 2 else timedelta(0)
        return {"access_key_id": "test", "secret_access_key": "testtest", "expires_at": datetime.now(UTC) + lasts}

    store = ObjectStore(f"{seaweedfs.bucket.url}/provided", options, provider)
    for number in range(6):
        store.put(str(number), b"x")

    assert 1 < len(asked) < 5
    assert len(list(store.list())) == 6


def test_why_a_provider_failed_is_told_if_it_is_ours_and_hidden_if_not(seaweedfs: Any) -> None:
    options = {key: value for key, value in seaweedfs.bucket.options.items() if "key" not in key}

    def ours() -> dict[str, Any]:
        raise ConfigurationError("Run 'aws sso login' first.")

    def theirs() -> dict[str, Any]:
        raise RuntimeError("the password is CANARY")

    with pytest.raises(ConfigurationError, match="sso login"):
        ObjectStore(seaweedfs.bucket.url, options, ours).put("key", b"x")
    with pytest.raises((AccessError, DeniedError)) as caught:
        ObjectStore(seaweedfs.bucket.url, options, theirs).put("key", b"x")
    assert "CANARY" not in "".join(traceback.format_exception(caught.value))


# Conditional writes


@pytest.mark.parametrize("server", SERVERS, indirect=True)
@pytest.mark.parametrize("fault", ["lost", "doubled", "late_error"])
def test_who_created_something_is_not_told_that_it_exists_already(server: Any, fault: str) -> None:
    with FaultyProxy(server.port) as proxy:
        store = store_of(server.bucket.at(proxy.port), retry_config={"backoff": {"init_backoff": 0.01}})
        proxy.break_next = [fault]

        store.create("key", b"x")
        with pytest.raises(PlaceTakenError):
            store.create("key", b"x")


# Processes and threads


def run(script: str, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_is_refused_instead_of_hanging() -> None:
    done = run("""
        import os, sys
        from resultant.stores.object import object_store

        store = object_store("memory:///x")
        store.put("a", b"1")
        if not (child := os.fork()):
            for one in (store, object_store("memory:///y"), object_store("s3://bucket")):
                try:
                    one.put("b", b"2")
                except OSError as error:
                    print("spawn" in str(error) and "forked" in str(error), flush=True)
            sys.exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        store.put("c", b"1")
        print(sorted(store.list()))
    """)

    assert (done.stdout.split("\n")[:-1], done.returncode) == (["True"] * 3 + ["0", "['a', 'c']"], 0), done.stderr


def test_a_process_that_forks_before_it_uses_a_store_may_use_one_on_both_sides() -> None:
    done = run("""
        import os, sys
        from resultant.stores.object import object_store

        store = object_store("memory:///x")
        child = os.fork()
        store.put("a", b"1")
        print(store.get("a"), flush=True)
        if child:
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """)

    assert (done.stdout, done.returncode) == ("b'1'\n" * 2, 0), done.stderr


def test_many_threads_use_one_store(seaweedfs: Any) -> None:
    store = store_of(seaweedfs.bucket)
    wrong: list[Any] = []

    def work(number: int) -> None:
        try:
            for part in range(5):
                store.put(f"{number}/{part}", payload(3_000, number))
                if store.get(f"{number}/{part}") != payload(3_000, number):
                    wrong.append(number)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert len(list(store.list())) == 160


def test_nobody_imports_the_client_before_an_object_store_is_used(tmp_path: Path) -> None:
    done = run(
        """
        import sys
        from resultant import Flow, LocalResult, S3Result, URLResult, config, task
        from resultant.stores.object import object_store

        config.flows.checkpointing = True
        S3Result("bucket"), URLResult("memory:///x")

        @task(result=LocalResult(sys.argv[1]))
        def value():
            return 1

        with Flow("local") as flow:
            value()
        assert flow.run().is_successful()
        store = object_store("memory:///x")
        assert not {"obstore", "fsspec", "boto3"} & set(sys.modules)
        store.put("key", b"x")
        assert "obstore" in sys.modules
        """,
        str(tmp_path),
    )

    assert done.returncode == 0, done.stderr


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("what", ["store.get('key')", "store.put('key', b'x')", "upload(store)"])
def test_ctrl_c_ends_a_request_that_is_not_answered(what: str, silent: int) -> None:
    script = f"""
        from resultant.stores.object import object_store

        def upload(store):
            sink = store.sink("key")
            try:
                sink.write(bytes(40_000_000))
                sink.commit()
            finally:
                sink.abort()

        options = dict(endpoint="http://127.0.0.1:{silent}", access_key_id="a", secret_access_key="b",
                       client_options={{"allow_http": True, "timeout": "100s"}})
        store = object_store("s3://bucket", options)
        print("ready", flush=True)
        try:
            {what}
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait(10)

    assert (out, process.returncode) == ("interrupted\n", 0), err


@pytest.mark.slow
def test_a_large_value_takes_little_memory_beside_itself(seaweedfs: Any, tmp_path: Path) -> None:
    script = """
        import resource, sys
        from resultant.stores.object import object_store

        store = object_store(sys.argv[1], eval(sys.argv[2]))
        store.put("warm", bytes(1_000_000)), store.get("warm")
        data = bytearray(b"x") * (400 << 20)
        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 if sys.platform == "darwin" else 1024)
        before = peak()
        sink = store.sink("key")
        sink.write(data)
        sink.commit()
        print(peak() - before)
        with store.source("key") as source:
            with source.file() as file:
                print(file.readinto(data) == len(data))
        print(peak() - before)
    """
    bucket = seaweedfs.bucket
    done = run(script, f"{bucket.url}/{uuid.uuid4().hex}", repr(bucket.options), timeout=110)

    assert done.returncode == 0, done.stderr
    written, right, read = done.stdout.split()
    assert int(written) <= 64, "MiB"
    assert right == "True"
    assert int(read) <= 64, "MiB"


def test_a_value_with_too_many_parts_is_refused_and_aborted(seaweedfs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_sink, "MOST_PARTS", 3)
    monkeypatch.setattr(object_sink, "PART", 5 << 20)
    store = store_of(seaweedfs.bucket)
    sink = store.sink("key")

    with pytest.raises(TooLargeError, match="at most"):
        for _ in range(30):
            sink.write(bytes(1 << 20))
    sink.abort()

    assert list(store.list()) == []
