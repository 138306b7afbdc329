"""Templates and values that would lead a result astray: refused before the task's code runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from resultant import Flow, LocalResult, Parameter, config, context, set_temporary_config, task
from resultant.engine.state import State
from resultant.errors import LocationError, WriteError

pytestmark = pytest.mark.usefixtures("checkpointing")


class Value:
    """An input with an attribute, as templates may use it."""

    name = "attribute"
    items = {"key": "item"}

    def __repr__(self) -> str:
        return "Value()"


class Run:
    """A run of one task with a location, target or callable.

    Args:
        folder: where results go.
        text: the template.
        value: the task's input.
        kind: ``location``, ``target``, or a callable of either.
    """

    def __init__(self, folder: Path, text: Any, value: Any = "x", kind: str = "location") -> None:
        self.calls: list[Any] = []
        if kind == "target":
            options: dict[str, Any] = {"target": text, "result": LocalResult(dir=folder)}
        elif kind == "callable":
            options = {"result": LocalResult(dir=folder, location=lambda **names: text.format(**names))}
        elif kind == "callable target":
            options = {"target": lambda **names: text, "result": LocalResult(dir=folder)}
        else:
            options = {"result": LocalResult(dir=folder, location=text)}

        @task(max_retries=1, retry_delay=0, **options)
        def named(value: Any) -> str:
            self.calls.append(value)
            return "stored"

        with Flow("hostile") as self.flow:
            given = Parameter("given", default="a parameter")
            self.made = named(value, upstream_tasks=[given])

    def state(self) -> State:
        """Run it; return how the task ended, or how the flow did where it never came to the task."""
        final = self.flow.run()
        state: State = final.result[self.made] if isinstance(final.result, dict) else final
        return state


def everything_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def refused(folder: Path, text: str, value: Any = "x", kind: str = "location") -> str:
    """Run a flow whose result has no place; return what the user is told."""
    root = folder / "a" / "root"
    run = Run(root, text, value, kind)
    state = run.state()
    assert state.is_failed(), state
    assert not state.is_retrying()
    assert isinstance(state.result, LocationError), state.result
    assert isinstance(state.result, KeyError)
    assert isinstance(state.result, ValueError)
    assert not isinstance(state.result, WriteError)
    assert run.calls == [], "the code ran although its result has no place"
    assert everything_below(folder) == []
    return str(state.result)


KINDS = ["location", "target", "callable target"]


# Malformed templates


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "text", ["{", "{value", "value}", "{{value}", "{value!}", "{value[}", "a{value]b", "{value:{}"]
)
def test_braces_that_do_not_match(tmp_path: Path, text: str, kind: str) -> None:
    if kind == "callable target" and "{" not in text:
        return  # without an opening brace its text is no template
    message = refused(tmp_path, text, kind=kind)

    assert repr(text) in message
    assert "malformed" in message or "field without a name" in message


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["{}", "{0}", "a-{0.name}", "{:>10}", "{!r}", "{value:{}}"])
def test_fields_without_a_name(tmp_path: Path, text: str, kind: str) -> None:
    message = refused(tmp_path, text, kind=kind)

    assert repr(text) in message
    assert "field without a name" in message


def test_an_unknown_conversion(tmp_path: Path) -> None:
    assert "unknown conversion '!x'" in refused(tmp_path, "{value!x}")


def test_a_malformed_template_fails_the_direct_use_of_a_result_too(tmp_path: Path) -> None:
    with pytest.raises(LocationError, match="malformed"):
        LocalResult(dir=tmp_path, location="{value").write(1, value=1)
    with pytest.raises(LocationError, match="malformed"):
        LocalResult(dir=tmp_path).exists("{value")
    assert everything_below(tmp_path) == []


# Reaching where nothing may reach


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "text",
    [
        "{value.__class__}",
        "{value.__init__.__globals__}",
        "{value.__class__.__mro__[1]}",
        "{value.name.__class__}",
        "{_private}",
        "{value._private}",
        "{value[__class__]}",
        "{value:{value.__class__}}",
        "{__builtins__}",
    ],
)
def test_names_that_begin_with_an_underscore(tmp_path: Path, text: str, kind: str) -> None:
    message = refused(tmp_path, text, Value(), kind=kind)

    assert "begin with an underscore" in message


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "text",
    [
        "{secrets}",
        "{secrets[KEY]}",
        "{secrets.KEY}",
        "{config.context}",
        "{config.context.secrets[KEY]}",
        "{config[context]}",
    ],
)
def test_secrets_are_not_offered(tmp_path: Path, text: str, kind: str) -> None:
    with context(secrets={"KEY": "hunter2"}), set_temporary_config({"context.secrets": {"KEY": "hunter2"}}):
        message = refused(tmp_path, text, kind=kind)

    assert "secrets never go into a location" in message
    assert "hunter2" not in message


@pytest.mark.parametrize("text", ["{config}", "{config!r}", "{config!s:.9999}", "{config!a}"])
def test_the_whole_configuration_does_not_bring_the_secrets_along(tmp_path: Path, text: str) -> None:
    with context(secrets={"KEY": "hunter2"}), set_temporary_config({"context.secrets": {"KEY": "hunter2"}}):
        run = Run(tmp_path / "root", text)
        state = run.state()

    assert "hunter2" not in str(state.result)
    assert "hunter2" not in str(state.message)
    assert not any("hunter2" in name for name in everything_below(tmp_path))


def test_a_callable_location_is_not_given_the_secrets(tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    def locate(**names: Any) -> str:
        seen.update(names)
        return "value"

    @task(result=LocalResult(dir=tmp_path, location=locate))
    def named() -> int:
        return 1

    with Flow("secret") as flow:
        named()
    with context(secrets={"KEY": "hunter2"}):
        assert flow.run().is_successful()

    assert "secrets" not in seen
    assert seen["task_name"] == "named"


# Missing names


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_name_is_named_and_so_are_those_there_are(tmp_path: Path, kind: str) -> None:
    message = refused(tmp_path, "{valeu}.bin", kind=kind)

    assert "{valeu}" in message
    for name in ("value", "given", "task_name", "map_index", "date", "flow_name", "parameters"):
        assert f" {name}" in message
    assert "secrets" not in message


def test_a_missing_name_when_a_result_is_used_by_hand(tmp_path: Path) -> None:
    result = LocalResult(dir=tmp_path, location="{day}/{hour}.bin")

    for call in (lambda: result.write(1, day="x", minute=3), lambda: result.format(day="x", minute=3)):
        with pytest.raises(LocationError, match=r"\{hour\}") as caught:
            call()
        assert "day, minute" in str(caught.value)
        assert isinstance(caught.value, KeyError)
    with pytest.raises(KeyError):
        result.exists("{hour}")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{value.missing}", "AttributeError"),
        ("{value.items[missing]}", "missing"),
        ("{value.items[key][99]}", "IndexError"),
        ("{value[x]}", "not subscriptable"),
        ("{value:%Q%}", "format"),
        ("{value:d}", "format"),
        ("{map_index:03d}", "NoneType"),
    ],
)
def test_a_value_that_cannot_be_formatted_as_asked(tmp_path: Path, text: str, says: str) -> None:
    message = refused(tmp_path, text, Value())

    assert text in message
    assert says in message


def test_a_value_whose_own_format_fails(tmp_path: Path) -> None:
    class Broken:
        def __format__(self, spec: str) -> str:
            raise RuntimeError("no format today")

    message = refused(tmp_path, "{value}", Broken())

    assert "RuntimeError: no format today" in message


# Leaving the root


@pytest.mark.parametrize("kind", ["location", "target"])
@pytest.mark.parametrize(
    "value",
    [
        "..",
        "../..",
        "../../x",
        "x/../../y",
        "a/../../../y",
        "./../..",
        "../",
        "/",
        "//",
        "/etc/passwd",
        "/tmp/x",
        "a\0b",
        "\0",
        "",
    ],
)
def test_a_value_cannot_lead_out_of_the_folder(tmp_path: Path, value: str, kind: str) -> None:
    message = refused(tmp_path, "{value}", value, kind=kind)

    if value == "":
        assert "comes out empty" in message
    elif "\0" in value:
        assert "NUL" in message
    elif value.endswith("/"):
        assert "names a folder" in message
    else:
        assert "dir=" in message
        assert "templates.allow_absolute" in message


@pytest.mark.parametrize("text", ["a/{value}/b", "a/{value}", "x-{value}/../y", "{value}/../../.."])
def test_a_value_in_the_middle_cannot_either(tmp_path: Path, text: str) -> None:
    refused(tmp_path, text, "..")


@pytest.mark.parametrize("text", ["{value}{value}/x", ".{value}/x", "{value}."])
def test_two_dots_cannot_be_put_together_from_pieces(tmp_path: Path, text: str) -> None:
    refused(tmp_path, text, ".")


@pytest.mark.parametrize("value", ["...", "..a", "a..b", "a..", "x/..y", "..x/y"])
def test_two_dots_within_a_name_are_fine(tmp_path: Path, value: str) -> None:
    state = Run(tmp_path / "root", "p/{value}", value).state()

    assert state.is_successful()
    assert state._result.location == str(tmp_path / "root" / "p" / value)


@pytest.mark.parametrize("text", ["../{value}", "../../{value}", "a/../../{value}", "..", "a/.."])
def test_a_relative_template_cannot_climb_out_by_itself(tmp_path: Path, text: str) -> None:
    assert "allow_absolute" in refused(tmp_path, text)


@pytest.mark.parametrize("kind", ["callable", "callable target"])
@pytest.mark.parametrize("value", ["../../x", "a/../../x"])
def test_what_a_callable_makes_of_a_value_cannot_lead_out(tmp_path: Path, value: str, kind: str) -> None:
    text = "{value}" if kind == "callable" else value
    root = tmp_path / "a" / "root"
    run = Run(root, text, value, kind)

    state = run.state()

    assert state.is_failed(), state._result.location
    assert isinstance(state.result, LocationError)
    assert run.calls == []
    assert everything_below(tmp_path) == []


def test_an_absolute_location_written_by_the_developer_is_honoured(tmp_path: Path) -> None:
    text = f"{tmp_path}/elsewhere/{{value}}.bin"
    state = Run(tmp_path / "root", text, "x").state()

    assert state.is_successful()
    assert state._result.location == f"{tmp_path}/elsewhere/x.bin"
    assert everything_below(tmp_path) == ["elsewhere", "elsewhere/x.bin"]


def test_a_value_cannot_leave_the_absolute_folder_that_the_developer_wrote(tmp_path: Path) -> None:
    text = f"{tmp_path}/a/b/{{value}}.bin"

    assert "may not lead out" in refused(tmp_path, text, "../../x")


def test_the_setting_allows_absolute_values_and_climbing(tmp_path: Path) -> None:
    config.templates.allow_absolute = True

    state = Run(tmp_path / "root", "{value}", str(tmp_path / "absolute")).state()
    assert state.is_successful()
    assert state._result.location == str(tmp_path / "absolute")
    assert Run(tmp_path / "a" / "root", "../{value}", "climbed").state().is_successful()
    assert (tmp_path / "a" / "climbed").exists()


def test_a_link_below_the_folder_belongs_to_the_user(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "other").mkdir()
    (root / "link").symlink_to(tmp_path / "other")

    assert Run(root, "link/{value}").state().is_successful()
    assert (tmp_path / "other" / "x").exists()


@pytest.mark.parametrize("kind", ["location", "target", "callable"])
@pytest.mark.parametrize("text", ["{value}/", "a/{value}/", "{value}/.", "a/."])
def test_a_location_names_a_result_and_no_folder(tmp_path: Path, text: str, kind: str) -> None:
    assert "names a folder, not a result" in refused(tmp_path, text, kind=kind)


# Strange, and fine


@pytest.mark.parametrize(
    "value",
    [
        "a\nb",
        "a b",
        "ü/é",
        "日本語",
        "😀",
        "a'b\"c",
        "$HOME",
        "~",
        "%s",
        "*",
        "-rf",
        "a\\b",
        "{braces}",
        "a:b",
        ".hidden",
        "a/b/c",
    ],
)
@pytest.mark.parametrize("kind", ["location", "target", "callable"])
def test_strange_values_make_strange_names(tmp_path: Path, value: str, kind: str) -> None:
    root = tmp_path / "root"
    run = Run(root, "p-{value}", value, kind)

    state = run.state()

    assert state.is_successful(), state.message
    stored = root / f"p-{value}"
    assert stored.is_file()
    assert LocalResult(dir=root).read(f"p-{value}").value == "stored"
    if kind == "target":
        assert run.state().is_cached()
        assert run.calls == [value]


@pytest.mark.parametrize("kind", ["location", "target"])
def test_a_value_that_no_file_system_can_name(tmp_path: Path, kind: str) -> None:
    """A lone surrogate cannot be encoded, so no path can carry it."""
    state = Run(tmp_path / "root", "{value}", "\ud800", kind).state()

    assert state.is_failed()
    assert isinstance(state.result, LocationError)
    assert "encode" in str(state.result) or "surrogate" in str(state.result)


def test_a_name_that_was_read_from_a_file_system_can_be_used_again(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9")

    assert Run(tmp_path / "root", "{value}", name).state().is_successful()
    assert os.listdir(os.fsencode(tmp_path / "root")) == [b"caf\xe9"]


def test_escaped_braces_are_braces(tmp_path: Path) -> None:
    assert Run(tmp_path / "root", "{{literal}}-{value}").state().is_successful()
    assert (tmp_path / "root" / "{literal}-x").exists()


def test_a_callable_that_fails_or_returns_no_text(tmp_path: Path) -> None:
    def fails(**names: Any) -> str:
        raise RuntimeError("cannot decide")

    for result, kind in ((None, LocationError), (7, LocationError), ("", LocationError), (fails, RuntimeError)):
        calls = []

        @task(result=LocalResult(dir=tmp_path, location=fails if result is fails else lambda **names: result))
        def named() -> int:
            calls.append(1)
            return 1

        with Flow("callable") as flow:
            made = named()
        state = flow.run().result[made]
        assert state.is_failed()
        assert isinstance(state.result, kind)
        assert calls == []
    assert everything_below(tmp_path) == []


def test_the_location_is_checked_before_the_code_runs_and_so_is_a_flow_wide_one(tmp_path: Path) -> None:
    calls = []

    @task
    def one() -> int:
        calls.append(1)
        return 1

    @task
    def two(other: int) -> int:
        calls.append(2)
        return 2

    with Flow("early", result=LocalResult(dir=tmp_path, location="{other}.bin")) as flow:
        first = one()
        second = two(first)
    states = flow.run().result

    assert states[first].is_failed()
    assert "{other}" in str(states[first].result)
    assert "'one' did not run" in states[first].message
    assert states[second].is_failed()
    assert calls == []


def test_the_rest_of_the_flow_goes_on(tmp_path: Path) -> None:
    @task(result=LocalResult(dir=tmp_path, location="{missing}"))
    def astray() -> int:
        return 1

    @task(result=LocalResult(dir=tmp_path, location="fine"))
    def fine() -> int:
        return 2

    with Flow("siblings") as flow:
        lost, kept = astray(), fine()
    states = flow.run().result

    assert states[lost].is_failed()
    assert states[kept].is_successful()
    assert everything_below(tmp_path) == ["fine"]


def test_mapped_children_are_astray_one_by_one(tmp_path: Path) -> None:
    @task(result=LocalResult(dir=tmp_path / "root", location="p/{value}"))
    def named(value: str) -> str:
        return value

    with Flow("mapped") as flow:
        made = named.map(["a", "../../b", "c"])
    state = flow.run().result[made]

    assert state.is_failed() or [child.is_failed() for child in state.map_states] == [False, True, False]
    assert not any("b" in name for name in everything_below(tmp_path))
