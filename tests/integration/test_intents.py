"""Bytes of a run that died before their rows were there, in stores that have no temporary names: found, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import Shell

from resultant import Flow, config, task
from resultant.engine.results import URLResult
from resultant.runner.digest_key import digester
from resultant.runner.intents import Intents, intent_files
from resultant.runner.recorded_runs import database

pytestmark = pytest.mark.timeout(90)

HERE = Path(__file__).parent


class Bucket:
    """A folder that is used as a store without temporary names of ours, and a home."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.folder = shell.folder / "bucket"
        self.folder.mkdir()
        self.result: dict[str, Any] = {"url": f"local://{self.folder}"}

    def names(self) -> set[str]:
        return {path.name for path in self.folder.rglob("*") if path.is_file()}

    def kill(self, executor: str = "local", last: int = 3) -> None:
        """Run the flow until it is killed."""
        words = [sys.executable, str(HERE / "intents_killed.py"), executor, json.dumps(self.result), str(last)]
        environment = self.shell.environment | {"PYTHONPATH": str(HERE)}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == -9, done.stderr

    def intents(self) -> list[str]:
        folder = self.shell.home / "intents"
        return sorted(os.listdir(folder)) if folder.exists() else []


@pytest.fixture
def bucket(shell: Shell) -> Bucket:
    return Bucket(shell)


@pytest.mark.parametrize("executor", ["local", "threads", "processes", "workers"])
def test_bytes_without_a_row_are_found_and_removed(bucket: Bucket, executor: str) -> None:
    bucket.kill(executor)
    (bucket.folder / "of the user").write_text("precious")
    before = bucket.names()
    recorded = bucket.shell("results", "ls", "killed", "--json").json
    places = {os.path.basename(each["location"]) for each in recorded if each["location"]}
    lost = before - places - {"of the user"}
    assert lost, "the last write cannot be on record"
    found = bucket.shell("fsck", "--json").json
    assert {os.path.basename(each["path"]) for each in found["leftovers"]} == lost
    assert bucket.names() == before
    assert {os.path.basename(each["path"]) for each in bucket.shell("gc", "--json").json["leftovers"]} == lost
    assert bucket.shell("fsck", "--repair").status == 0
    assert bucket.names() == before - lost
    assert bucket.intents() == []
    assert bucket.shell("fsck", "--json").json["leftovers"] == []


def test_gc_removes_them_too(bucket: Bucket) -> None:
    bucket.kill(last=1)
    assert len(bucket.names()) == 1
    told = bucket.shell("gc", "--delete", "--json").json
    assert len(told["leftovers"]) == 1
    assert told["bytes"] == told["leftovers"][0]["bytes"] > 0
    assert bucket.names() == set()


def test_other_bytes_at_such_a_place_are_the_users(bucket: Bucket) -> None:
    bucket.kill(last=1)
    (path,) = (path for path in bucket.folder.rglob("*") if path.is_file())
    data = path.read_bytes()
    path.write_bytes(bytes(reversed(data)))
    assert bucket.shell("fsck", "--repair", "--json").json["leftovers"] == []
    assert path.read_bytes() == bytes(reversed(data))
    assert bucket.intents() == []


def test_what_a_resume_wrote_again_is_on_record(bucket: Bucket) -> None:
    bucket.kill(last=4)
    code = (
        f"import json, sys; sys.path.insert(0, {str(HERE)!r}); import intents_killed as m; "
        f"m.config.flows.checkpointing = True; flow = m.build(json.loads({json.dumps(bucket.result)!r})); "
        "assert flow.run(resume_run='killed').is_successful()"
    )
    assert bucket.shell.python(code).status == 0
    bucket.shell("fsck", "--repair")
    assert bucket.shell("results", "verify").status == 0
    assert len(bucket.names()) == 6
    assert bucket.intents() == []


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> URLResult:
    """A result in such a store, in this process."""
    config.flows.checkpointing = True
    return URLResult(f"local://{tmp_path}/bucket")


@task
def doubled(x: int) -> int:
    return 2 * x


def test_a_run_that_ends_leaves_no_note(stored: URLResult, home: Path) -> None:
    with Flow("ends", result=stored) as flow:
        doubled.map([1, 2, 3])
    seen: list[int] = []
    settle = Intents.settle

    def settling(self: Intents, db: Any) -> None:
        seen.extend(len(file.intents) for file in intent_files(str(home / ".resultant"), db.url))
        settle(self, db)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Intents, "settle", settling)
        assert flow.run().is_successful()
    assert seen == [3]
    assert os.listdir(home / ".resultant" / "intents") == []


def test_nothing_is_noted_for_local_files(tmp_path: Path, home: Path) -> None:
    from resultant import LocalResult

    config.flows.checkpointing = True
    with Flow("local", result=LocalResult(dir=str(tmp_path / "files"))) as flow:
        doubled.map([1, 2, 3])
    assert flow.run().is_successful()
    assert not (home / ".resultant" / "intents").exists()


def test_a_run_at_work_is_left_alone(stored: URLResult, home: Path) -> None:
    from resultant.cli.orphans import Orphans

    db = database()
    notes = Intents(str(home / ".resultant"), db.url, "busy", digester())
    store: Any = notes.around(stored.store, stored)
    store.put("a", b"some bytes")
    with db.hold("busy"):
        assert Orphans(db).found == []
    assert [size for _, size in Orphans(db).found] == [10]
    Orphans(db).remove()
    assert not stored.store.has("a")


def test_notes_of_another_database_are_left_alone(stored: URLResult, home: Path) -> None:
    from resultant.cli.orphans import Orphans

    notes = Intents(str(home / ".resultant"), "sqlite:////another.db", "other", digester())
    notes.around(stored.store, stored).put("a", b"some bytes")
    orphans = Orphans(database())
    assert orphans.found == []
    orphans.remove()
    assert stored.store.has("a")
    assert len(os.listdir(home / ".resultant" / "intents")) == 1


def test_a_torn_note_is_of_no_write(stored: URLResult, home: Path) -> None:
    db = database()
    notes = Intents(str(home / ".resultant"), db.url, "torn", digester())
    notes.note("local:///one", 1, b"1", ("url", "{}"))
    notes.note("local:///two\udc80", 2, None, ("url", "{}"))
    (path,) = (home / ".resultant" / "intents").iterdir()
    path.write_bytes(path.read_bytes() + b'["local:///three", 3')
    (file,) = intent_files(str(home / ".resultant"), db.url)
    assert [(each.place, each.size, each.digest) for each in file.intents.values()] == [
        ("local:///one", 1, b"1"),
        ("local:///two\udc80", 2, None),
    ]
    assert file.run == "torn"


def test_a_store_that_does_not_answer_is_asked_another_time(home: Path) -> None:
    from resultant.cli.orphans import Orphans

    db = database()
    notes = Intents(str(home / ".resultant"), db.url, "far", digester())
    notes.note("nowhere://bucket/a", 1, b"1", ("url", '{"url": "nowhere://bucket"}'))
    orphans = Orphans(db)
    orphans.remove()
    assert orphans.found == []
    assert [place for place, _ in orphans.unsure] == ["nowhere://bucket/a"]
    assert len(os.listdir(home / ".resultant" / "intents")) == 1


def test_large_values_are_noted_with_their_digest(stored: URLResult, home: Path) -> None:
    noted: list[tuple[int | None, bool]] = []
    note = Intents.note

    def noting(self: Intents, place: str, size: int | None, digest: bytes | None, kind: tuple[str, str]) -> None:
        noted.append((size, digest is not None))
        note(self, place, size, digest, kind)

    @task
    def large() -> bytes:
        return os.urandom(3 << 20)

    with Flow("large", result=stored) as flow:
        large()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Intents, "note", noting)
        assert flow.run().is_successful()
    ((size, known),) = noted
    assert size is not None
    assert size > 3 << 20
    assert known


def test_packed_results_on_a_server(shell: Shell, moto: Any) -> None:
    bucket = Bucket(shell)
    bucket.result = {"url": f"{moto.bucket.url}/intents", "options": dict(moto.bucket.options), "pack": True}
    # What is secret is on no record: it comes from the environment.
    secrets = {name: value for name, value in moto.bucket.options.items() if "access_key" in name}
    shell.environment |= {f"AWS_{name.upper()}": value for name, value in secrets.items()}
    bucket.kill(last=1)
    store: Any = URLResult(bucket.result["url"], options=bucket.result["options"]).store
    assert len(list(store.list())) == 1
    blind = shell("fsck", "--json", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="").json
    assert blind["leftovers"] == []
    assert "credentials" in blind["unsure"][0]["reason"]
    found = shell("fsck", "--json").json["leftovers"]
    assert len(found) == 1
    assert "://" in found[0]["path"]
    assert shell("fsck", "--repair").status == 0
    assert list(store.list()) == []
