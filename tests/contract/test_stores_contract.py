"""Every store of the library against the suite that it ships for others, and what is special about files."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resultant.errors import MissingResultError, StoreError
from resultant.stores import FileStore, MemoryStore, Store, file_store
from resultant.stores.base import SPILL
from resultant.stores.file import TEMPORARY_PREFIX, TEMPORARY_SUFFIX, is_temporary
from resultant.testing import StoreTests


class TestMemoryStore(StoreTests):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()


class TestFileStore(StoreTests):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return FileStore(str(tmp_path / "not" / "there" / "yet"))


class TestFileStoreThatSyncs(StoreTests):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return FileStore(str(tmp_path), sync=True)


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(str(tmp_path))


def names_below(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_store_of_files_makes_nothing_until_it_is_written_to(tmp_path: Path) -> None:
    store = FileStore(str(tmp_path / "root"))
    store.has("a/b")
    store.delete("a/b")
    store.sink("a/b").abort()
    list(store.list())

    assert list(tmp_path.iterdir()) == []


def test_a_location_is_an_absolute_path_and_one_may_be_given(tmp_path: Path, store: FileStore) -> None:
    elsewhere = tmp_path / "elsewhere" / "file"

    assert store.put("a/b", b"1") == str(tmp_path / "a" / "b")
    assert store.put(str(elsewhere), b"2") == str(elsewhere)
    assert elsewhere.read_bytes() == b"2"


@pytest.mark.parametrize("size", [10, 3 * SPILL])
def test_while_it_is_written_a_file_has_a_name_that_no_result_has(tmp_path: Path, store: FileStore, size: int) -> None:
    sink = store.sink("a/key")
    sink.write(bytes(size))

    unfinished = names_below(tmp_path)
    sink.commit()

    assert all(is_temporary(name) for name in unfinished)
    assert len(unfinished) == (size > SPILL)
    assert names_below(tmp_path) == ["key"]


@pytest.mark.parametrize(
    ("name", "temporary"),
    [
        (f"{TEMPORARY_PREFIX}x{TEMPORARY_SUFFIX}", True),
        ("resultant-result-2026", False),
        (".resultant-settings", False),
        ("value.tmp", False),
        (".hidden", False),
    ],
)
def test_temporary_names_are_told_from_results(name: str, temporary: bool) -> None:
    assert is_temporary(name) is temporary


@pytest.mark.parametrize("size", [10, 3 * SPILL])
def test_files_are_made_with_the_users_own_mask(tmp_path: Path, store: FileStore, size: int) -> None:
    before = os.umask(0o027)
    try:
        sink = store.sink("key")
        sink.write(bytes(size))
        sink.commit()
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o640


def test_a_link_at_the_name_is_replaced_and_what_it_leads_to_left_alone(tmp_path: Path, store: FileStore) -> None:
    (tmp_path / "other").write_bytes(b"precious")
    (tmp_path / "key").symlink_to(tmp_path / "other")

    store.put("key", b"new")

    assert store.get("key") == b"new"
    assert (tmp_path / "other").read_bytes() == b"precious"


def test_arrays_in_any_order_are_written_as_they_lie_in_memory(store: FileStore) -> None:
    import pickle

    array = np.asfortranarray(np.arange(12.0).reshape(3, 4))
    sink = store.sink("key")

    assert sink.write(pickle.PickleBuffer(array)) == 96
    sink.commit()

    assert store.get("key") == array.tobytes(order="A")


def test_one_object_serves_a_folder(tmp_path: Path) -> None:
    assert file_store(str(tmp_path)) is file_store(str(tmp_path))
    assert file_store(str(tmp_path)) is not file_store(str(tmp_path), sync=True)


def test_a_forked_process_does_not_use_its_parents_temporary_names(tmp_path: Path) -> None:
    script = """
        import os, sys
        from resultant.stores import FileStore

        store = FileStore(sys.argv[1])
        store.put("before", b"x")
        sinks = [store.sink("parent")]
        if not os.fork():
            sinks = [store.sink("child")]
        for _ in range(3):
            sinks[0].write(bytes(1 << 20))
        sinks[0].commit()
        try:
            os.wait()
        except ChildProcessError:
            pass
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert names_below(tmp_path) == ["before", "child", "parent"]


def test_a_store_that_syncs_has_synced_file_and_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the disk obeys cannot be seen from here; that it was asked, and before the name appears, can."""
    order: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(descriptor: int) -> None:
        order.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def noted_replace(old: Any, new: Any) -> None:
        order.append("rename")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    for size in (10, 3 * SPILL):
        order.clear()
        sink = FileStore(str(tmp_path), sync=True).sink("key")
        sink.write(bytes(size))
        sink.commit()
        assert order == ["file", "rename", "folder"]
    order.clear()
    FileStore(str(tmp_path), sync=True).put("two/folders/key", b"x")
    assert order == ["folder", "folder", "file", "rename", "folder"]
    order.clear()
    FileStore(str(tmp_path)).put("key", b"x")
    assert order == ["rename"]


def test_an_interruption_between_writing_and_renaming_leaves_no_file(
    tmp_path: Path, store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(old: Any, new: Any) -> None:
        raise KeyboardInterrupt

    store.put("key", b"before")
    monkeypatch.setattr(os, "replace", interrupt)
    for size in (10, 3 * SPILL):
        sink = store.sink("key")
        sink.write(bytes(size))
        with pytest.raises(KeyboardInterrupt):
            sink.commit()
        sink.abort()

    assert names_below(tmp_path) == ["key"]
    assert store.get("key") == b"before"


def test_the_longest_name_can_be_set_aside(tmp_path: Path, store: FileStore) -> None:
    for key in ("a" * 255, "é" * 127):
        store.put(key, key.encode())
        assert store.get(store.set_aside(key)) == key.encode()
    assert len(names_below(tmp_path)) == 2


def test_processes_that_set_aside_at_once_never_take_each_others_names(tmp_path: Path) -> None:
    script = """
        import sys
        from resultant.errors import MissingResultError
        from resultant.stores import FileStore

        store, me = FileStore(sys.argv[1]), sys.argv[2]
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(100):
            store.put("key", f"{me}-{number}".encode())
            try:
                store.set_aside("key")
            except MissingResultError:
                pass
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)]
    processes = [
        subprocess.Popen([*command, me], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for me in ("one", "two")
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            process.communicate("go\n", timeout=60)
            assert process.returncode == 0
    finally:
        for process in processes:
            process.kill()
            process.wait(timeout=20)

    kept = [path.read_bytes() for path in tmp_path.iterdir()]
    assert b"" not in kept
    assert len(kept) == len(set(kept))


def test_setting_aside_what_is_not_there_leaves_nothing(tmp_path: Path, store: FileStore) -> None:
    with pytest.raises(MissingResultError):
        store.set_aside("nothing")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [10, 3 * SPILL])
def test_a_device_is_never_replaced(store: FileStore, size: int) -> None:
    # A terminal's folder takes no files, so that nothing breaks where this test fails; `/dev/null` would be gone.
    master, slave = os.openpty()
    try:
        sink = store.sink(os.ttyname(slave))
        with pytest.raises(StoreError, match="a device has this name"):
            sink.write(bytes(size))
            sink.commit()
        sink.abort()
    finally:
        os.close(master)
        os.close(slave)


def test_descriptors_are_given_back(store: FileStore) -> None:
    def count() -> int:
        return len(os.listdir("/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"))

    before = count()
    for size in (10, 3 * SPILL):
        for _ in range(5):
            sink = store.sink("key")
            sink.write(bytes(size))
            sink.commit()
            aborted = store.sink("key")
            aborted.write(bytes(size))
            aborted.abort()
            with store.source("key") as source:
                source.file().read(3)
                source.read()
            store.get("key")
            with pytest.raises(MissingResultError):
                store.source("nothing")

    assert count() == before


def test_a_store_without_a_fixture_says_what_is_missing() -> None:
    with pytest.raises(NotImplementedError, match="fixture"):
        StoreTests.store.__wrapped__(StoreTests())  # type: ignore[attr-defined]
