"""SPEC 2.3: `LocalResult`."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from resultant import JSONSerializer, LocalResult, Result, config
from resultant.errors import LocationError, MissingResultError


def everything_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_default_folder_lies_in_the_home_dir() -> None:
    assert LocalResult().dir == os.path.join(config.home_dir, "results")


def test_making_one_touches_nothing(tmp_path: Path, home: Path) -> None:
    LocalResult()
    LocalResult(dir=tmp_path / "not" / "there")

    assert list(tmp_path.iterdir()) == []
    assert list(home.iterdir()) == []


def test_a_folder_under_the_home_dir_is_honoured(home: Path) -> None:
    assert LocalResult(dir=os.path.join(config.home_dir, "mine")).dir == os.path.join(config.home_dir, "mine")
    assert LocalResult(dir="~/.resultant").dir == str(home / ".resultant")


def test_a_relative_folder_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = LocalResult(dir="here", location="x")
    monkeypatch.chdir("/")

    assert result.dir == str(tmp_path / "here")
    assert result.write(1).location == str(tmp_path / "here" / "x")


def test_validate_dir_off_keeps_what_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert LocalResult(dir="~/x", validate_dir=False).dir == "~/x"
    result = LocalResult(dir="here", validate_dir=False, location="x")
    assert result.dir == "here"
    assert result.write(1).location == str(tmp_path / "here" / "x")


def test_paths_are_accepted(tmp_path: Path) -> None:
    assert LocalResult(dir=tmp_path).dir == str(tmp_path)


@pytest.mark.parametrize(
    "value", [None, 1, "text", [1, {"a": (2,)}], dict, dt.datetime, print, Exception("x")], ids=repr
)
def test_any_value_comes_back(tmp_path: Path, value: Any) -> None:
    result = LocalResult(dir=tmp_path)

    back = result.read(result.write(value).location).value

    assert repr(back)[:10] == repr(value)[:10]
    assert type(back) is type(value)


def test_write_returns_a_copy_with_value_and_full_path(tmp_path: Path) -> None:
    result = LocalResult(dir=tmp_path, location="a/{b}.bin")

    written = result.write([1], b="c")

    assert type(written) is LocalResult
    assert written.value == [1]
    assert written.location == str(tmp_path / "a" / "c.bin")
    assert written.dir == str(tmp_path)
    assert (result.value, result.location) == (None, "a/{b}.bin")
    assert everything_below(tmp_path) == ["a/c.bin"]


def test_the_bytes_are_the_serializers(tmp_path: Path) -> None:
    LocalResult(dir=tmp_path, location="plain").write({"a": 1})
    LocalResult(dir=tmp_path, location="json", serializer=JSONSerializer()).write({"a": 1})

    assert (tmp_path / "plain").read_bytes() == cloudpickle.dumps({"a": 1})
    assert (tmp_path / "json").read_bytes() == b'{"a": 1}'


def test_a_template_may_use_a_key_named_value(tmp_path: Path) -> None:
    """SPEC 2.1: the parameter is named `value_`."""
    assert LocalResult(dir=tmp_path, location="{value}").write(1, value="v").location == str(tmp_path / "v")


def test_an_absolute_location_wins_over_the_folder(tmp_path: Path) -> None:
    result = LocalResult(dir=tmp_path / "dir", location=f"{tmp_path}/elsewhere/x")

    assert result.write(1).location == f"{tmp_path}/elsewhere/x"
    assert everything_below(tmp_path) == ["elsewhere/x"]


def test_default_locations_lie_in_the_folder_and_never_meet(tmp_path: Path) -> None:
    result = LocalResult(dir=tmp_path)
    locations = {result.write(number).location for number in range(200)}

    assert len(locations) == 200
    for location in locations:
        assert location is not None
        assert os.path.dirname(location) == str(tmp_path)
        assert os.path.basename(location).startswith("resultant-result-")
        assert os.path.basename(location).islower()


def test_read_takes_a_relative_or_a_full_path_and_keeps_it_as_asked(tmp_path: Path) -> None:
    result = LocalResult(dir=tmp_path, location="ignored")
    LocalResult(dir=tmp_path, location="a/x").write(5)

    relative = result.read("a/x")
    full = result.read(str(tmp_path / "a" / "x"))

    assert (relative.value, relative.location) == (5, "a/x")
    assert (full.value, full.location) == (5, str(tmp_path / "a" / "x"))
    assert type(relative) is LocalResult
    assert (result.value, result.location) == (None, "ignored")


def test_read_does_not_format(tmp_path: Path) -> None:
    """SPEC 18.14."""
    (tmp_path / "{x}").write_bytes(cloudpickle.dumps(1))

    assert LocalResult(dir=tmp_path).read("{x}").value == 1


def test_reading_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        LocalResult(dir=tmp_path).read("missing")

    assert isinstance(caught.value, MissingResultError)


def test_exists_formats_with_its_keys_alone(tmp_path: Path) -> None:
    from resultant import context

    result = LocalResult(dir=tmp_path)
    LocalResult(dir=tmp_path, location="a-1").write(1)

    assert result.exists("a-1") is True
    assert result.exists("a-2") is False
    assert result.exists("a-{n}", n=1) is True
    assert result.exists("a-{n}", n=2) is False
    assert result.exists(str(tmp_path / "a-1")) is True
    with context(n=1), pytest.raises(LocationError):
        result.exists("a-{n}")


def test_exists_does_not_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")

    assert LocalResult(dir=tmp_path).exists("x")


def test_a_write_replaces_what_is_there(tmp_path: Path) -> None:
    result = LocalResult(dir=tmp_path, location="x")
    result.write("long" * 1000)
    result.write(1)

    assert result.read("x").value == 1
    assert everything_below(tmp_path) == ["x"]


def test_it_survives_cloudpickle(tmp_path: Path) -> None:
    one = LocalResult(dir=tmp_path, location=lambda **names: "made", serializer=JSONSerializer())
    other = cloudpickle.loads(cloudpickle.dumps(one))

    assert other == one
    assert other.write(5).location == str(tmp_path / "made")
    assert one.read("made").value == 5


def test_equality_takes_the_folder(tmp_path: Path) -> None:
    assert LocalResult(dir=tmp_path) == LocalResult(dir=tmp_path)
    assert LocalResult(dir=tmp_path) != LocalResult(dir=tmp_path / "x")
    assert LocalResult(dir=tmp_path) != Result()


def test_repr(tmp_path: Path) -> None:
    assert repr(LocalResult(dir=tmp_path)) == "<LocalResult: None>"


def test_delete_and_stat(tmp_path: Path) -> None:
    import hashlib

    written = LocalResult(dir=tmp_path, location="x").write(b"some bytes")
    data = (tmp_path / "x").read_bytes()

    found = written.stat()
    assert found.size == len(data)
    assert found.digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert abs(found.modified - (tmp_path / "x").stat().st_mtime) < 2
    assert LocalResult(dir=tmp_path).stat("x").size == len(data)
    written.delete()
    written.delete()
    assert everything_below(tmp_path) == []
    with pytest.raises(MissingResultError):
        written.stat()
    with pytest.raises(LocationError, match="no location yet"):
        LocalResult(dir=tmp_path).delete()


def test_writing_does_not_leak_a_location_into_the_next_write(tmp_path: Path) -> None:
    """SPEC 18.1."""
    result = LocalResult(dir=tmp_path, location="{n}")

    assert [result.write(n, n=n).location for n in range(3)] == [str(tmp_path / str(n)) for n in range(3)]
    assert result.location == "{n}"
