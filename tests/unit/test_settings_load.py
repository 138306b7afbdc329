"""Where settings come from: defaults < file < environment."""

import pytest

from resultant.errors import ConfigurationError
from resultant.settings import env_prefixes, load


@pytest.fixture
def write(tmp_path):
    def write(text, mode="w"):
        with open(tmp_path / "config.toml", mode) as stream:
            stream.write(text)
        return {"RESULTANT__HOME_DIR": str(tmp_path)}

    return write


def test_home_is_below_the_users(monkeypatch):
    monkeypatch.setenv("HOME", "/nonexistent/me")
    assert load({}).home_dir == "/nonexistent/me/.resultant"


@pytest.mark.parametrize("text", ["~/x", "$WHERE/x"])
def test_home_is_expanded(text, monkeypatch):
    monkeypatch.setenv("HOME", "/nonexistent/me")
    monkeypatch.setenv("WHERE", "/nonexistent/me")
    assert load({"RESULTANT__HOME_DIR": text}).home_dir == "/nonexistent/me/x"


def test_the_file_beats_the_defaults_and_the_environment_beats_the_file(write):
    environ = write("[flows]\ncheckpointing = true\nrun_on_schedule = false\n[context]\na = {b = 1, c = 2}\n")
    found = load(environ)
    assert (found.flows.checkpointing, found.flows.run_on_schedule) == (True, False)
    assert found.flows.eager_edge_validation is False
    assert found.context == {"a": {"b": 1, "c": 2}}
    found = load({**environ, "RESULTANT__FLOWS__CHECKPOINTING": "false", "RESULTANT__CONTEXT__A__B": "9"})
    assert (found.flows.checkpointing, found.flows.run_on_schedule) == (False, False)
    assert found.context == {"a": {"b": 9, "c": 2}}


def test_without_a_file_there_are_the_defaults(tmp_path):
    assert load({"RESULTANT__HOME_DIR": str(tmp_path / "nowhere")}).debug is False


def test_the_file_may_name_the_home_folder(home):
    (home / ".resultant").mkdir()
    (home / ".resultant" / "config.toml").write_text('home_dir = "~/elsewhere"')
    assert load({}).home_dir == str(home / "elsewhere")


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("TRUE", True), ("True", True), ("false", False), ("False", False)]
)
def test_switches_in_the_environment(text, value):
    assert load({"RESULTANT__FLOWS__CHECKPOINTING": text}).flows.checkpointing is value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("None", None),
        ("3", 3),
        ("-3", -3),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        ("[1, 'a']", [1, "a"]),
        ("{'a': (1, None)}", {"a": (1, None)}),
        ("plain text", "plain text"),
        ("'quoted'", "quoted"),
        ("00012", "00012"),
        ("__import__('os')", "__import__('os')"),
        ("", ""),
    ],
)
def test_python_literals_in_the_environment(text, value):
    found = load({"RESULTANT__CONTEXT__KEY": text}).context["key"]
    assert found == value
    assert type(found) is type(value)


def test_text_stays_text_where_text_is_wanted():
    assert load({"RESULTANT__LOGGING__FORMAT": "3"}).logging.format == "3"
    assert load({"RESULTANT__DATABASE__URL": "3"}).database.url == "3"
    assert load({"RESULTANT__DATABASE__URL": "none"}).database.url is None
    assert load({"RESULTANT__LOGGING__LEVEL": "DEBUG"}).logging.level == "DEBUG"
    assert load({"RESULTANT__LOGGING__LEVEL": "10"}).logging.level == 10


def test_numbers_in_the_environment():
    found = load({"RESULTANT__TASKS__DEFAULTS__MAX_RETRIES": "3", "RESULTANT__TASKS__DEFAULTS__TIMEOUT": "1.5"})
    assert (found.tasks.defaults.max_retries, found.tasks.defaults.timeout) == (3, 1.5)


def test_names_are_lowered_but_for_secrets():
    found = load({"RESULTANT__CONTEXT__MyKey__Inner": "1", "RESULTANT__CONTEXT__SECRETS__My_Key": "x"})
    assert found.context == {"mykey": {"inner": 1}, "secrets": {"My_Key": "x"}}
    assert load({"RESULTANT__context__secrets__aB": "x"}).context == {"secrets": {"aB": "x"}}


def test_other_variables_do_not_count():
    assert load({"RESULTANT_FLOWS__CHECKPOINTING": "true", "FLOWS__CHECKPOINTING": "true"}).flows.checkpointing is False
    assert load({"PREFECT__FLOWS__CHECKPOINTING": "true"}).flows.checkpointing is False


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("RESULTANT__FLOWS__CHECKPOINTIN", "true", "did you mean 'flows.checkpointing'"),
        ("RESULTANT__FLOWS__CHECKPOINTING", "maybe", "flows.checkpointing = 'maybe' .*true or false"),
        ("RESULTANT__FLOWS", "true", "'flows' is a table"),
        ("RESULTANT__FLOWS__", "true", "no setting 'flows.'"),
        ("RESULTANT__HOME_DIR", "", "home_dir = ''"),
        ("RESULTANT__EXTRA__X", "1", "no setting 'extra.x'"),
    ],
)
def test_mistakes_in_the_environment_name_the_variable(name, value, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        load({name: value})
    assert name in str(caught.value) or name == "RESULTANT__HOME_DIR"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[flows]\nchekpointing = true", r"'flows\.chekpointing' \(in .*config\.toml\); did you mean 'flows\.checkp"),
        ("[flow]\ncheckpointing = true", r"'flow\.checkpointing' .*config\.toml.*'flows\.checkpointing'"),
        ("[flows]\ncheckpointing = 1", r"flows\.checkpointing = 1 \(in .*config\.toml\).*true or false, not int"),
        ("[flows]\ncheckpointing = ", r"config\.toml, line 2: "),
        ("flows = true", r"'flows' is a table .*config\.toml"),
        ("a = ", r"config\.toml, line 1"),
        ("[flows", r"config\.toml, "),
    ],
)
def test_mistakes_in_the_file_name_the_file(write, text, message):
    with pytest.raises(ConfigurationError, match=message):
        load(write(text))


def test_a_file_that_is_not_text_names_the_line(write):
    with pytest.raises(ConfigurationError, match=r"config\.toml, line 2: .*UTF-8"):
        load(write(b"debug = true\nhome_dir = '\xff\xfe'", "wb"))


def test_a_folder_in_place_of_the_file_is_said(tmp_path):
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(ConfigurationError, match=r"config\.toml cannot be read: "):
        load({"RESULTANT__HOME_DIR": str(tmp_path)})


def test_unknown_keys_can_be_kept(write):
    found = load({**write("[mine]\nkey = 1\n"), "RESULTANT__OTHER__KEY": "2"}, accept_unknown=True)
    assert found.extra == {"mine": {"key": 1}, "other": {"key": 2}}


def test_a_further_prefix_counts_less_and_its_unknown_keys_are_not_errors(monkeypatch):
    env_prefixes.insert(0, "OTHER__")
    try:
        found = load({"OTHER__FLOWS__CHECKPOINTING": "true", "OTHER__DEBUG": "true", "OTHER__CLOUD__API": "x"})
        assert (found.flows.checkpointing, found.debug) == (True, True)
        assert found.extra == {"cloud": {"api": "x"}}
        assert load({"OTHER__DEBUG": "true", "RESULTANT__DEBUG": "false"}).debug is False
    finally:
        env_prefixes.remove("OTHER__")
