"""Configurations of the user's own: files, environment, references."""

import os

import pytest

from resultant.compat.configuration import load_configuration


@pytest.fixture
def load(tmp_path):
    def load(text, *further, **options):
        paths = []
        for number, each in enumerate((text, *further)):
            paths.append(str(tmp_path / f"{number}.toml"))
            (tmp_path / f"{number}.toml").write_text(each)
        return load_configuration(*paths, **options)

    return load


DEFAULTS = """
debug = false
[general]
x = 1
y = "hi"
[general.nested]
x = "${general.x}"
"""


def test_keys_are_attributes(load):
    config = load(DEFAULTS)
    assert config.general.nested.x == 1
    assert config["general"]["y"] == "hi"
    assert config.to_dict() == {"debug": False, "general": {"x": 1, "y": "hi", "nested": {"x": 1}}}
    with pytest.raises(AttributeError, match="nope"):
        config.general.nope
    config.general.own = 3
    assert config["general"]["own"] == 3
    assert config.copy() == config


def test_later_files_win_key_by_key(load):
    config = load(DEFAULTS, '[general]\ny = "user"\n[Mixed]\nCase = 1', "[general]\nz = 9")
    assert config.general.to_dict() == {"x": 1, "y": "user", "z": 9, "nested": {"x": 1}}
    assert config.Mixed.Case == 1


def test_only_the_first_file_must_exist(load, tmp_path):
    (tmp_path / "a.toml").write_text("a = 1")
    assert load_configuration(str(tmp_path / "a.toml"), user_config_path=str(tmp_path / "nowhere")).a == 1
    with pytest.raises(FileNotFoundError):
        load_configuration(str(tmp_path / "nowhere"))


def test_the_environment_wins_over_files(load, monkeypatch):
    for name, value in {
        "GENERAL__X": "5",
        "GENERAL__NEW": "true",
        "FRESH__A__B": "$HOME/z",
        "CONTEXT__SECRETS__Ab": "1.5",
        "CONTEXT__Foo": "[1]",
        "GENERAL__REF": "${general.x}",
        "NOTHING": "None",
        "GENERAL__NESTED__DEEP__ER": "text",
    }.items():
        monkeypatch.setenv(f"PFX__{name}", value)
    config = load(DEFAULTS, env_var_prefix="PFX")
    assert config.general.to_dict() == {
        "x": 5,
        "y": "hi",
        "new": True,
        "ref": 5,
        "nested": {"x": 5, "deep": {"er": "text"}},
    }
    assert config.fresh.a.b == f"{os.environ['HOME']}/z"
    assert config.context.to_dict() == {"secrets": {"Ab": 1.5}, "foo": [1]}
    assert config.nothing is None
    assert load(DEFAULTS).general.x == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${general.x}", 1),
        ("${general.nested.x}", 1),
        ("${debug}", False),
        ("a ${general.y} b", "a hi b"),
        ("${general.y} ${general.x}", "hi 1"),
        ("${${which}}", "hi"),
        ("${nope.nope}", ""),
        ("${general.x.deeper}", ""),
        ("testing ${bad key} this", "testing  this"),
        ("$NOT_A_VARIABLE/a", "$NOT_A_VARIABLE/a"),
        ("$HOME/a", "{home}/a"),
        ("~/a", "{home}/a"),
        ("no ~ here", "no ~ here"),
    ],
)
def test_references(load, text, value):
    found = load(f"{DEFAULTS}[section]\nkey = '{text}'\n[more]\n", "which = 'general.y'").section.key
    assert found == (value.format(home=os.environ["HOME"]) if isinstance(value, str) else value)
    assert type(found) is type(value)


def test_a_reference_to_a_table_gives_the_table(load):
    assert load(DEFAULTS + "[section]\nkey = '${general}'").section.key.nested.x == 1


def test_references_in_a_circle_end(load):
    assert isinstance(load("a = '${b}'\nb = '${a}'\nc = 'x${c}'").a, str)


@pytest.mark.parametrize("key", ["keys", "items", "get", "update", "pop", "copy", "to_dict"])
def test_keys_that_a_mapping_needs_are_refused(load, key):
    for text in (f"{key} = 1", f"[a]\n{key} = 1", f"[a.b.{key}]\nx = 1"):
        with pytest.raises(ValueError, match=f'Invalid config key: "{key}"'):
            load(text)
