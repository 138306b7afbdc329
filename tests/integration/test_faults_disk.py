"""Disks that are full, folders that refuse, vanish, or are no folders: each is an error of its own kind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resultant import Flow, LocalResult, ThreadExecutor, task
from resultant.engine.state import State
from resultant.errors import (
    DeniedError,
    MissingResultError,
    StorageFullError,
    StoreError,
    UnreachableError,
    WriteError,
)
from resultant.stores.file import FileStore, is_temporary

CHUNK = 40 * 1024
#: Beyond what a sink keeps in memory: streamed into the temporary file.
STREAMED = 3 * 1024 * 1024


pytestmark = pytest.mark.usefixtures("checkpointing")


#: Somebody else may not be able to read Python's own modules: they are loaded before.
WARM_UP = """
def warm_up():
    import tempfile
    from resultant import Flow, LocalResult, task

    @task(target="value")
    def fails():
        raise ValueError("warm")

    with tempfile.TemporaryDirectory() as folder:
        for value in (1, lambda: 1):
            LocalResult(dir=folder, location="value").write(value)
            LocalResult(dir=folder).read("value")
            LocalResult(dir=folder).exists("{name}", name="value")
        with Flow("warm", result=LocalResult(dir=folder)) as flow:
            fails()
        flow.run()
        LocalResult(dir=folder).delete("value")
        flow.run()
"""


def let_others_in(path: Path) -> None:
    """Let everybody pass through pytest's own folders that lead to `path`."""
    for above in (path, *path.parents):
        if not above.stat().st_mode & 0o001:
            if not any(part.startswith("pytest-of-") for part in above.parts):
                pytest.skip(f"nobody else may look into {above}")
            above.chmod(above.stat().st_mode | 0o011)


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def error_of(state: State) -> WriteError:
    assert state.is_failed(), state
    assert isinstance(state.result, WriteError)
    return state.result


class Counted:
    """Counts how often the code of each task ran."""

    def __init__(self) -> None:
        self.calls: list[Any] = []


def filling_flow(folder: Path, counted: Counted, size: int, count: int) -> tuple[Flow, Any]:
    @task(target="part-{map_index}", max_retries=3, retry_delay=0)
    def part(number: int) -> bytes:
        counted.calls.append(number)
        return bytes([number]) * size

    with Flow("filling", result=LocalResult(dir=folder)) as flow:
        parts = part.map(list(range(count)))
    return flow, parts


# Full


@pytest.mark.parametrize("executor", [None, ThreadExecutor(workers=2)], ids=["local", "threads"])
def test_a_full_disk_fails_the_tasks_that_did_not_fit_and_keeps_the_others(
    small_disk: Callable[[str], Any], executor: Any
) -> None:
    disk = small_disk("256k")
    counted = Counted()
    flow, parts = filling_flow(disk.path, counted, CHUNK, 10)

    children = flow.run(executor=executor).result[parts].map_states

    stored = [child for child in children if child.is_successful()]
    failed = [child for child in children if child.is_failed()]
    assert 3 <= len(stored) <= 6
    assert len(stored) + len(failed) == 10
    for child in failed:
        error = error_of(child)
        assert isinstance(error.__cause__, StorageFullError)
        assert isinstance(error.__cause__, OSError)
        assert "part" in child.message
        assert "succeeded" in child.message
        assert str(disk.path) in child.message
        assert "free some space" in child.message
        assert "dir=" in child.message
    # Nothing ran twice, although the task has retries: its code has done its work.
    assert sorted(counted.calls) == list(range(10))
    assert len(files_below(disk.path)) == len(stored)
    for child in stored:
        assert LocalResult(dir=disk.path).read(child._result.location).value == child.result


def test_a_rerun_finishes_once_there_is_room_again(small_disk: Callable[[str], Any]) -> None:
    disk = small_disk("256k")
    ballast = disk.path / "ballast"
    ballast.write_bytes(b"x" * 120 * 1024)
    counted = Counted()
    flow, parts = filling_flow(disk.path, counted, CHUNK, 5)
    first = flow.run().result[parts].map_states
    kept = [index for index, child in enumerate(first) if child.is_successful()]
    assert 0 < len(kept) < 5
    counted.calls.clear()
    ballast.unlink()

    state = flow.run()

    assert state.is_successful()
    again = state.result[parts].map_states
    assert [child.result for child in again] == [bytes([number]) * CHUNK for number in range(5)]
    assert sorted(counted.calls) == [number for number in range(5) if number not in kept]
    assert [index for index, child in enumerate(again) if child.is_cached()] == kept


def test_a_disk_that_fills_up_while_a_large_value_streams_keeps_what_was_there(
    small_disk: Callable[[str], Any],
) -> None:
    disk = small_disk("2m")
    result = LocalResult(dir=disk.path, location="large")
    result.write("the old value")

    with pytest.raises(StorageFullError, match="free some space"):
        result.write(bytes(STREAMED))

    assert [path.name for path in files_below(disk.path)] == ["large"]
    assert result.read("large").value == "the old value"


def test_a_disk_that_fills_up_while_a_task_streams_its_value(small_disk: Callable[[str], Any]) -> None:
    disk = small_disk("2m")
    calls = []

    @task(result=LocalResult(dir=disk.path, location="large"), max_retries=2, retry_delay=0)
    def large() -> bytes:
        calls.append(1)
        return bytes(STREAMED)

    with Flow("large") as flow:
        large()
    state = flow.run()

    error = error_of(state.result[flow.get_tasks("large")[0]])
    assert isinstance(error.__cause__, StorageFullError)
    assert error.value == bytes(STREAMED)
    assert error.location == "large"
    assert calls == [1]
    assert files_below(disk.path) == []


def test_a_limit_on_the_size_of_files_is_a_full_store(tmp_path: Path) -> None:
    script = """
        import resource, sys
        from resultant import Flow, LocalResult, config, task
        from resultant.errors import StorageFullError, WriteError

        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        config.flows.checkpointing = True
        config.record.runs = False  # the database's own files are larger than that

        @task(max_retries=2, retry_delay=0)
        def large():
            print("ran")
            return bytes(100_000)

        with Flow("limited", result=LocalResult(dir=sys.argv[1], location="{task_name}")) as flow:
            made = large()
        failed = flow.run().result[made]
        assert failed.is_failed() and isinstance(failed.result, WriteError), failed
        assert isinstance(failed.result.__cause__, StorageFullError)
        print(failed.message)
    """
    done = run_script(script, str(tmp_path / "results"))

    assert done.stdout.startswith("ran\n")
    assert done.stdout.count("ran") == 1
    assert "takes no file of this size" in done.stdout
    assert files_below(tmp_path) == []


# Refused


def test_a_read_only_file_system_is_a_refusal_that_names_the_cure(small_disk: Callable[[str], Any]) -> None:
    disk = small_disk("1m")
    result = LocalResult(dir=disk.path, location="{task_name}")
    kept = result.write(1, task_name="kept").location
    disk.remount("ro")
    calls = []

    @task(result=result, max_retries=3, retry_delay=0)
    def refused() -> int:
        calls.append(1)
        return 2

    with Flow("read-only") as flow:
        made = refused()
    failed = flow.run().result[made]

    error = error_of(failed)
    assert isinstance(error.__cause__, DeniedError)
    assert isinstance(error.__cause__, PermissionError)
    assert "mounted read-only" in failed.message
    assert str(disk.path / "refused") in failed.message
    assert calls == [1]
    assert result.read(kept).value == 1
    disk.remount("rw")
    assert flow.run().is_successful()


def test_a_read_only_file_system_still_serves_its_targets(small_disk: Callable[[str], Any]) -> None:
    disk = small_disk("1m")
    LocalResult(dir=disk.path, location="known").write("stored")
    disk.remount("ro")

    @task(target="known")
    def known() -> str:
        raise AssertionError("its target exists")

    with Flow("read-only", result=LocalResult(dir=disk.path, validate_dir=False)) as flow:
        made = known()
    state = flow.run().result[made]

    assert state.is_cached()
    assert state.result == "stored"


def test_a_read_only_folder_is_refused_when_the_result_is_made(small_disk: Callable[[str], Any]) -> None:
    disk = small_disk("1m")
    disk.remount("ro")

    with pytest.raises(ValueError, match=r"cannot become a folder for results.*may not be written"):
        LocalResult(dir=disk.path / "results")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_a_folder_of_somebody_else_is_a_refusal(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "secret").write_bytes(b"x")
    (folder / "secret").chmod(0o600)
    script = """
        import os, sys
        from resultant import Flow, LocalResult, config, task
        from resultant.errors import DeniedError, WriteError

        config.flows.checkpointing = True
        config.record.runs = False  # the home is somebody else's too
        warm_up()
        result = LocalResult(dir=sys.argv[1], location="mine", validate_dir=False)
        os.setgid(65534); os.setuid(65534)

        @task(result=result, max_retries=2, retry_delay=0)
        def refused():
            print("ran")
            return 2

        with Flow("theirs") as flow:
            made = refused()
        failed = flow.run().result[made]
        assert failed.is_failed() and isinstance(failed.result, WriteError), failed
        assert isinstance(failed.result.__cause__, DeniedError)
        print(failed.message)
        try:
            result.read("secret")
        except DeniedError as error:
            assert isinstance(error, PermissionError)
            print("read:", error)
        try:
            LocalResult(dir=sys.argv[1])
        except ValueError as error:
            print("made:", error)
    """
    let_others_in(tmp_path)
    done = run_script(WARM_UP + textwrap.dedent(script), str(folder))

    assert done.stdout.count("ran\n") == 1
    assert "check the folder's permissions" in done.stdout
    assert "read: " in done.stdout
    assert "may not be written to" in done.stdout
    assert [path.name for path in files_below(folder)] == ["secret"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_a_target_behind_a_closed_folder_is_denied_and_never_absent(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    LocalResult(dir=folder, location="closed/value").write(1)
    (folder / "closed").chmod(0o700)
    script = """
        import os, sys
        from resultant import Flow, LocalResult, config, task
        from resultant.errors import DeniedError

        warm_up()
        result = LocalResult(dir=sys.argv[1], validate_dir=False)
        os.setgid(65534); os.setuid(65534)
        try:
            result.exists("closed/value")
        except DeniedError as error:
            print("exists:", error)

        @task(target="closed/value", result=result)
        def value():
            print("ran")

        with Flow("theirs") as flow:
            made = value()
        failed = flow.run().result[made]
        assert failed.is_failed() and isinstance(failed.result, DeniedError), failed
    """
    let_others_in(tmp_path)
    done = run_script(WARM_UP + textwrap.dedent(script), str(folder))

    assert "exists: " in done.stdout
    assert "ran" not in done.stdout


# Vanished


def test_a_folder_that_vanishes_between_two_tasks_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "results"

    @task
    def first() -> int:
        return 1

    @task
    def second(value: int) -> int:
        shutil.rmtree(folder)
        return value + 1

    with Flow("vanishing", result=LocalResult(dir=folder, location="{task_name}")) as flow:
        made = second(first())
    state = flow.run()

    assert state.is_successful()
    assert state.result[made].result == 2
    assert [path.name for path in files_below(folder)] == ["second"]


def test_a_folder_that_vanishes_during_a_write_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "results"

    class Removes:
        """Removes the folder while it is pickled, when the temporary file of the large part lies there already."""

        def __init__(self, times: int) -> None:
            self.times = times

        def __reduce__(self) -> Any:
            if self.times:
                self.times -= 1
                shutil.rmtree(folder)
            return int, (7,)

    calls = []

    @task
    def make() -> list[Any]:
        calls.append(1)
        return [os.urandom(STREAMED), Removes(1), os.urandom(STREAMED)]

    with Flow("vanishing", result=LocalResult(dir=folder, location="{task_name}")) as flow:
        made = make()
    state = flow.run().result[made]

    assert state.is_successful(), state.message
    assert calls == [1]
    assert [path.name for path in files_below(folder)] == ["make"]
    stored = LocalResult(dir=folder).read("make").value
    assert stored[0] == state.result[0]
    assert stored[1] == 7


def test_a_folder_that_keeps_vanishing_is_an_error_about_writing(tmp_path: Path) -> None:
    folder = tmp_path / "results"

    class Removes:
        def __reduce__(self) -> Any:
            shutil.rmtree(folder)
            return int, (7,)

    result = LocalResult(dir=folder, location="gone")

    with pytest.raises(StoreError, match="Cannot write this result") as caught:
        result.write([os.urandom(STREAMED), Removes()])

    assert not isinstance(caught.value, MissingResultError)
    assert str(folder / "gone") in str(caught.value)


def test_a_vanished_target_is_a_miss(tmp_path: Path) -> None:
    folder = tmp_path / "results"

    @task(target="value")
    def value() -> int:
        return 1

    with Flow("vanishing", result=LocalResult(dir=folder)) as flow:
        made = value()
    flow.run()
    shutil.rmtree(folder)

    state = flow.run().result[made]

    assert not state.is_cached()
    assert state.is_successful()
    assert LocalResult(dir=folder).read("value").value == 1


# In the way


def test_a_file_where_a_folder_is_needed(tmp_path: Path) -> None:
    (tmp_path / "occupied").write_text("precious")
    calls = []

    @task(result=LocalResult(dir=tmp_path, location="occupied/by/a/file"), max_retries=1, retry_delay=0)
    def blocked() -> int:
        calls.append(1)
        return 1

    with Flow("blocked") as flow:
        made = blocked()
    failed = flow.run().result[made]

    assert isinstance(error_of(failed).__cause__, StoreError)
    assert "a part of the path is a file where a folder is needed" in failed.message
    assert calls == [1]
    assert (tmp_path / "occupied").read_text() == "precious"
    assert [path.name for path in files_below(tmp_path)] == ["occupied"]
    assert not LocalResult(dir=tmp_path).exists("occupied/by/a/file")


@pytest.mark.parametrize("size", [10, STREAMED])
def test_a_folder_that_has_the_name_of_the_result(tmp_path: Path, size: int) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "precious").write_text("here")
    result = LocalResult(dir=tmp_path, location="taken")

    with pytest.raises(StoreError, match="a folder has this name"):
        result.write(bytes(size))

    assert [path.name for path in files_below(tmp_path)] == ["precious"]


def test_reading_a_folder_is_an_error_of_the_store(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()

    with pytest.raises(StoreError, match="folder") as caught:
        LocalResult(dir=tmp_path).read("folder")

    assert str(tmp_path / "folder") in str(caught.value)


def test_a_target_that_is_a_folder_fails_the_task_and_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "precious").write_text("here")
    calls = []

    @task(target="folder", result=LocalResult(dir=tmp_path))
    def blocked() -> int:
        calls.append(1)
        return 1

    with Flow("blocked") as flow:
        made = blocked()
    failed = flow.run().result[made]

    assert failed.is_failed()
    assert isinstance(failed.result, StoreError)
    assert calls == []
    assert [path.name for path in files_below(tmp_path)] == ["precious"]


@pytest.mark.parametrize("size", [10, STREAMED])
def test_a_name_longer_than_the_file_system_takes(tmp_path: Path, size: int) -> None:
    result = LocalResult(dir=tmp_path, location="a" * 300)

    with pytest.raises(StoreError, match="shorten its template"):
        result.write(bytes(size))

    assert files_below(tmp_path) == []


def test_a_long_folder_name_and_the_longest_name_that_fits(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="shorten its template"):
        LocalResult(dir=tmp_path, location="a" * 300 + "/value").write(1)

    longest = "a" * 255
    stored = LocalResult(dir=tmp_path, location=longest).write(1)

    assert LocalResult(dir=tmp_path).read(longest).value == 1
    assert stored.location == str(tmp_path / longest)


def test_looking_for_a_name_that_is_too_long_for_the_file_system(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="shorten its template"):
        LocalResult(dir=tmp_path).exists("a" * 300)


@pytest.mark.parametrize("path", ["file", "file/below"])
def test_a_dir_that_can_never_be_a_folder_is_refused_when_the_result_is_made(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(ValueError, match="is not a folder"):
        LocalResult(dir=tmp_path / path)


def test_a_broken_link_on_the_way_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere" / "at" / "all")

    with pytest.raises(StoreError):
        LocalResult(dir=tmp_path, location="link/value").write(1)

    assert (tmp_path / "link").is_symlink()


def test_what_a_store_lists_leaves_out_unfinished_writes(tmp_path: Path) -> None:
    store = FileStore(str(tmp_path))
    store.put("a/b", b"1")
    (tmp_path / "a" / ".resultant-0123-1.tmp").write_bytes(b"half")

    assert list(store.list()) == ["a/b"]
    assert is_temporary(".resultant-0123-1.tmp")
    assert not is_temporary("resultant-result-x")


def test_errors_of_the_store_are_builtins_too() -> None:
    assert issubclass(MissingResultError, FileNotFoundError)
    assert issubclass(DeniedError, PermissionError)
    assert issubclass(UnreachableError, ConnectionError)
    assert issubclass(StorageFullError, OSError)


def run_script(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done
