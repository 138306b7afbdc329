"""DESIGN law 7: what a template makes of its values never leaves the root."""

from __future__ import annotations

import os
import string
from typing import Any

import cloudpickle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resultant.engine.location import check_returned, compile_template, default_location
from resultant.errors import LocationError

ROOT = "/the/root"

#: Pieces of which hostile names are made.
PIECES = st.sampled_from(["..", ".", "/", "//", "a", "b.c", "", "\0", "é", "~", "\\", "{x}", "...", " ", "\ud800"])
VALUES = st.lists(PIECES, max_size=6).map("".join)
LITERALS = st.lists(st.sampled_from(["a", "/", ".", "..", "{x}", "{y}", "-", "b/"]), min_size=1, max_size=6).map(
    "".join
)


def render(text: str, **names: Any) -> str:
    return compile_template(text).render(names.__getitem__)


@settings(max_examples=500, deadline=None)
@given(text=LITERALS.filter(lambda text: not text.startswith("/")), x=VALUES, y=VALUES)
def test_a_relative_template_stays_below_its_root_whatever_the_values(text: str, x: str, y: str) -> None:
    try:
        location = render(text, x=x, y=y)
    except LocationError:
        return

    path = os.path.normpath(os.path.join(ROOT, location))
    assert path.startswith(ROOT + "/")
    assert "\0" not in path
    assert os.fsencode(path)


@settings(max_examples=300, deadline=None)
@given(text=LITERALS.filter(lambda text: ".." not in text), x=VALUES, y=VALUES)
def test_values_stay_below_the_absolute_folder_that_the_developer_wrote(text: str, x: str, y: str) -> None:
    try:
        location = render(f"/data/{text}", x=x, y=y)
    except LocationError:
        return

    assert os.path.normpath(location).startswith("/data/")


@settings(max_examples=300, deadline=None)
@given(text=st.text(alphabet="{}ab.[]!:_0 r>", max_size=12))
def test_any_text_compiles_or_is_refused_with_an_error_that_shows_it(text: str) -> None:
    try:
        template = compile_template(text)
    except LocationError as error:
        message = str(error)
    else:
        message = repr(text)
        assert all(name and not name.startswith("_") for name in template.names)

    assert repr(text) in message


@settings(max_examples=200, deadline=None)
@given(x=st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.booleans(), st.lists(st.integers())))
def test_what_is_allowed_comes_out_as_python_formats_it(x: Any) -> None:
    text = "a-{x}/{x!r}-b"
    try:
        location = render(text, x=x)
    except LocationError:
        return

    assert location == text.format(x=x)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("literal", ()),
        ("{a}/{b}", ("a", "b")),
        ("{a}/{a.b}/{c[d]}", ("a", "c")),
        ("{a:{width}}", ("a", "width")),
        ("{{a}}", ()),
    ],
)
def test_a_template_knows_the_names_it_needs(text: str, names: tuple[str, ...]) -> None:
    assert compile_template(text).names == names


def test_each_text_is_compiled_once_also_after_pickling() -> None:
    template = compile_template("{a}/once")

    assert compile_template("{a}/once") is template
    assert cloudpickle.loads(cloudpickle.dumps(template)) is template


def test_a_template_is_used_again_and_again_with_other_values() -> None:
    template = compile_template("{a:02d}")

    assert [template.render({"a": number}.__getitem__) for number in range(3)] == ["00", "01", "02"]


def test_default_locations_are_safe_and_differ() -> None:
    made = {default_location() for _ in range(1000)}

    assert len(made) == 1000
    for location in made:
        assert set(location) <= set(string.ascii_lowercase + string.digits + "-")


@pytest.mark.parametrize("location", ["a", "a/b", "/absolute/a", "..a", "a..b/c", "é"])
def test_what_a_callable_may_return(location: str) -> None:
    assert check_returned(location, "The callable", False) == location


@pytest.mark.parametrize(
    "location", ["", None, 7, b"bytes", "a/", "/", ".", "a\0b", "..", "../a", "a/../b", "/a/../b", "\ud800"]
)
def test_what_a_callable_may_not_return(location: Any) -> None:
    with pytest.raises(LocationError, match=r"^The callable"):
        check_returned(location, "The callable", False)


def test_a_callable_may_climb_where_the_setting_allows_it() -> None:
    assert check_returned("../a", "The callable", True) == "../a"
    with pytest.raises(LocationError):
        check_returned("../", "The callable", True)
