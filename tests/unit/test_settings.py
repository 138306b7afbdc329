"""The configuration of a process: current(), config, set_temporary_config."""

import pickle
import subprocess
import sys
import threading
from datetime import timedelta

import cloudpickle
import pytest

from resultant import settings
from resultant.errors import ConfigurationError
from resultant.settings import Config, config, current, set_temporary_config


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    monkeypatch.setenv("RESULTANT__HOME_DIR", str(tmp_path))
    settings.reload()
    yield
    monkeypatch.undo()
    config.accept_unknown_keys(False)
    settings.reload()


def test_defaults_are_those_that_are_documented(tmp_path):
    found = current()
    assert found.home_dir == str(tmp_path)
    assert found.debug is False
    assert found.durability == "process"
    assert found.context == {}
    assert found.flows.checkpointing is False
    assert found.flows.eager_edge_validation is False
    assert found.flows.run_on_schedule is True
    assert found.flows.default_result is None
    assert found.tasks.checkpointing is True
    assert (found.tasks.defaults.max_retries, found.tasks.defaults.retry_delay, found.tasks.defaults.timeout) == (
        0,
        None,
        None,
    )
    assert found.templates.allow_absolute is False
    assert found.engine.executor.default_class == "resultant.executors.LocalExecutor"
    assert found.engine.executor.dask.address == ""
    assert found.logging.level == "WARNING"
    assert found.database.url is None
    assert found.server.url is None
    assert found.record.runs is True
    assert found.record.messages is False


def test_settings_are_frozen():
    with pytest.raises(AttributeError):
        current().debug = True
    with pytest.raises(AttributeError):
        current().flows.checkpointing = True


def test_settings_travel_to_other_processes():
    assert pickle.loads(pickle.dumps(current())) == current()


def test_secrets_in_settings_travel_to_workers_and_into_no_pickle():
    from resultant.engine.credentials.secrets import travel_to_workers
    from resultant.executors.pickling import decode, encode

    config.stores = {"team": {"url": "s3://bucket", "secret_access_key": "hush"}}
    config.context = {"secrets": {"KEY": "hush"}, "team": "blue"}
    for data in (pickle.dumps(current()), cloudpickle.dumps(config.merged({"debug": True}))):
        assert b"hush" not in data
    assert pickle.loads(pickle.dumps(current())).context == {"team": "blue"}
    travel_to_workers()
    chunks, buffers = encode((current(), config.merged({"debug": True})))
    arrived, merged = decode(b"".join(chunks), list(buffers))
    assert arrived == current()
    assert merged.stores["team"]["secret_access_key"] == "hush"


def test_assigning_counts_for_what_is_asked_afterwards():
    before = current()
    config.flows.checkpointing = True
    assert current().flows.checkpointing is True
    assert config.flows.checkpointing is True
    assert before.flows.checkpointing is False


@pytest.mark.parametrize(
    ("assign", "message"),
    [
        (lambda: setattr(config.flows, "checkpointing", "yes"), r"flows\.checkpointing = 'yes'.* true or false"),
        (lambda: setattr(config.flows, "checkpointing", 1), r"flows\.checkpointing = 1.* true or false, not int"),
        (lambda: setattr(config.tasks.defaults, "max_retries", 1.5), r"tasks\.defaults\.max_retries = 1\.5.* whole"),
        (lambda: setattr(config.tasks.defaults, "retry_delay", True), r"retry_delay = True.* seconds"),
        (lambda: setattr(config, "durability", "always"), r"durability = 'always'.*'process' or 'power'"),
        (lambda: setattr(config, "flows", 3), r"'flows' is a table .*flows\.checkpointing"),
        (lambda: setattr(config.engine.executor, "default_class", 3), r"default_class = 3.* class or its dotted name"),
        (lambda: setattr(config.flows, "default_result", 3), r"default_result = 3.* text or nothing"),
        (lambda: setattr(config.database, "url", 3), r"database\.url = 3.* text or nothing, not int"),
        (lambda: setattr(config, "context", 3), r"context = 3.* table"),
        (lambda: setattr(config, "home_dir", ""), r"home_dir = ''.* path of a folder"),
        (lambda: setattr(config.flows, "checkpoint", True), r"'flows\.checkpoint'.*'flows\.checkpointing'"),
        (lambda: setattr(config, "checkpointing", True), r"'checkpointing'.*did you mean 'flows\.checkpointing'"),
        (lambda: setattr(config, "zzzqqq", True), r"no setting 'zzzqqq'.*to_dict"),
        (lambda: config.__setitem__("homedir", "x"), r"'homedir'.*'home_dir'"),
        (lambda: config.flows.update, r"no setting 'flows\.update'"),
        (lambda: delattr(config.flows, "checkpointing"), r"cannot be deleted"),
    ],
)
def test_mistakes_are_named(assign, message):
    with pytest.raises(ConfigurationError, match=message):
        assign()
    assert current() == settings.load()


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [
        ("tasks.defaults", "retry_delay", 3),
        ("tasks.defaults", "retry_delay", 0.5),
        ("tasks.defaults", "retry_delay", timedelta(seconds=1)),
        ("tasks.defaults", "timeout", None),
        ("logging", "level", 10),
        ("logging", "level", "DEBUG"),
        ("engine.executor", "default_class", dict),
        ("engine.task_runner", "default_class", "a.b.C"),
        ("flows", "default_result", "LocalResult"),
    ],
)
def test_settings_take_what_they_should(table, key, value):
    node = config
    for name in table.split("."):
        node = node[name]
    setattr(node, key, value)
    assert getattr(node, key) == value


def test_a_missing_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError):
        config.flows.nothing_of_the_kind
    assert not hasattr(config, "nothing_of_the_kind")
    assert getattr(config.flows, "nope", 5) == 5


def test_it_reads_like_a_dictionary():
    assert config["flows"]["checkpointing"] is False
    assert config.flows.get("nope", 4) == 4
    assert "flows" in config
    assert "nope" not in config.flows
    assert set(config.flows) == {"checkpointing", "eager_edge_validation", "run_on_schedule", "default_result"}
    assert dict(config.tasks.defaults) == {"max_retries": 0, "retry_delay": None, "timeout": None}
    assert config.tasks.defaults == {"max_retries": 0, "retry_delay": None, "timeout": None}
    with pytest.raises(KeyError):
        config["nope"]


def test_it_can_be_used_in_a_format():
    template = "{c.durability} {c.flows.checkpointing}"
    assert template.format(c=config) == "process False"


def test_to_dict_is_a_copy():
    config.context.own = {"a": 1}
    found = config.to_dict()
    found["flows"]["checkpointing"] = True
    found["context"]["own"]["a"] = 2
    assert config.flows.checkpointing is False
    assert config.context.own.a == 1


def test_a_whole_table_may_be_assigned_key_by_key():
    config.flows = {"checkpointing": True}
    assert config.flows.checkpointing is True
    assert config.flows.run_on_schedule is True
    with pytest.raises(ConfigurationError):
        config.flows = {"checkpointing": False, "nope": 1}
    assert config.flows.checkpointing is True


def test_keys_of_the_context_are_free_and_keep_their_case():
    config.context.MyKey = {"Inner": 1}
    assert config.context.MyKey.Inner == 1
    assert current().context == {"MyKey": {"Inner": 1}}
    config.context.MyKey = {"other": 2}
    assert current().context == {"MyKey": {"other": 2}}
    config.context = {"a": 1}
    assert current().context == {"a": 1}
    config.context.MyKey = 3
    assert current().context == {"a": 1, "MyKey": 3}


def test_a_path_of_the_home_folder_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config.home_dir = "here"
    assert current().home_dir == str(tmp_path / "here")
    config.home_dir = tmp_path
    assert current().home_dir == str(tmp_path)


def test_nothing_secret_is_shown():
    config.context.secrets = {"KEY": "hunter2"}
    config.database.url = "postgresql://me:hunter2@host/db"
    assert "hunter2" not in repr(config) + repr(config.context) + repr(config.database) + repr(current())


# --- for a while


def test_temporary_values_end_with_the_block():
    with set_temporary_config({"flows.checkpointing": True, "tasks.defaults.max_retries": 3}) as inside:
        assert inside is config
        assert current().flows.checkpointing is True
        assert config.tasks.defaults.max_retries == 3
        with set_temporary_config({"flows.checkpointing": False}):
            assert current().flows.checkpointing is False
            assert config.tasks.defaults.max_retries == 3
        assert current().flows.checkpointing is True
    assert current() == settings.load()


def test_what_is_assigned_inside_the_block_ends_with_it():
    config.debug = True
    with set_temporary_config({"flows.checkpointing": True}):
        config.debug = False
        config.context.x = 1
        assert (current().debug, current().context) == (False, {"x": 1})
    assert (current().debug, current().context) == (True, {})


def test_it_is_restored_when_the_block_fails():
    with pytest.raises(ZeroDivisionError):
        with set_temporary_config({"flows.checkpointing": True}):
            1 / 0
    assert current().flows.checkpointing is False


@pytest.mark.parametrize("values", [{"flows.checkpoint": True}, {"debug": True, "flows.checkpointing": "x"}])
def test_a_wrong_temporary_value_changes_nothing(values):
    with pytest.raises(ConfigurationError):
        with set_temporary_config(values):
            pytest.fail("the block must not run")
    assert current() == settings.load()


def test_nested_mappings_work_as_well():
    with set_temporary_config({"flows": {"checkpointing": True}, "context.a.b": 1, "context": {"c": 2}}):
        assert current().flows.checkpointing is True
        assert current().flows.run_on_schedule is True


def test_blocks_of_different_threads_that_overlap_leave_nothing_behind():
    entered, leave = threading.Event(), threading.Event()

    def other():
        with set_temporary_config({"tasks.defaults.max_retries": 7}):
            config.debug = True
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with set_temporary_config({"flows.checkpointing": True}):
        thread.start()
        assert entered.wait(10)
        config.durability = "power"
        assert current().tasks.defaults.max_retries == 7
    assert current().flows.checkpointing is False
    assert current().durability == "process"
    assert current().tasks.defaults.max_retries == 7
    leave.set()
    thread.join()
    assert current() == settings.load()


# --- merged


def test_merged_lays_values_over_and_leaves_the_rest():
    config.context.a = {"x": 1}
    merged = config.merged({"flows": {"checkpointing": True}, "context": {"a": {"y": 2}}})
    assert isinstance(merged, Config)
    assert merged.flows.checkpointing is True
    assert merged.flows.run_on_schedule is True
    assert merged.context.a.to_dict() == {"x": 1, "y": 2}
    assert merged.settings.flows.checkpointing is True
    assert config.flows.checkpointing is False
    assert config.context.a.to_dict() == {"x": 1}


def test_merged_follows_what_it_lies_over():
    merged = config.merged({"debug": True})
    config.flows.checkpointing = True
    assert merged.flows.checkpointing is True
    with set_temporary_config({"tasks.defaults.max_retries": 2}):
        assert merged.tasks.defaults.max_retries == 2
    assert merged.tasks.defaults.max_retries == 0


def test_a_block_counts_more_than_what_was_merged_before_it():
    for merged in (config.merged({"debug": True}), config.merged({}).merged({"debug": True})):
        with set_temporary_config({"debug": False}):
            assert merged.debug is False
            assert config.merged({"debug": True}).debug is True
            config.durability = "power"
            assert merged.durability == "power"
        assert merged.debug is True
        merged.debug = False
        with set_temporary_config({"debug": True}):
            assert merged.debug is True
        assert merged.debug is False


def test_the_context_shows_it_too():
    from resultant.runtime import context

    with context(config={"flows": {"checkpointing": False}}):
        with set_temporary_config({"flows.checkpointing": True}):
            assert context.config.flows.checkpointing is True
        assert context.config.flows.checkpointing is False
    with set_temporary_config({"flows.checkpointing": True}):
        assert context.config.flows.checkpointing is True


def test_merged_of_merged_and_of_a_configuration():
    assert config.merged({"debug": True}).merged({"flows.checkpointing": True}).settings.debug is True
    assert config.merged(config.merged({"debug": True})).debug is True


def test_merged_refuses_what_config_refuses():
    with pytest.raises(ConfigurationError, match=r"did you mean 'flows\.checkpointing'"):
        config.merged({"flows": {"checkpointin": True}})


def test_assigning_to_a_merged_one_leaves_the_global_one_alone():
    merged = config.merged({})
    merged.debug = True
    assert (merged.debug, config.debug) == (True, False)


# --- other processes, other libraries


def test_the_global_configuration_is_pickled_by_reference():
    assert pickle.loads(cloudpickle.dumps(config)) is config
    assert pickle.loads(cloudpickle.dumps(config.flows)).checkpointing is False


def test_a_merged_one_is_pickled_by_value():
    merged = config.merged({"debug": True})
    again = pickle.loads(cloudpickle.dumps(merged))
    assert again == merged
    assert again.debug is True


def test_replace_installs_settings_wholesale():
    with set_temporary_config({"flows.checkpointing": True}):
        travelling = pickle.dumps(current())
    config.debug = True
    settings.replace(pickle.loads(travelling))
    assert current().flows.checkpointing is True
    assert current().debug is False


def test_unknown_keys_can_be_accepted():
    config.accept_unknown_keys()
    config.own = {"Key": 1}
    config.flows.invented = 2
    assert config.own.Key == 1
    assert config.flows.invented == 2
    assert config.flows.checkpointing is False
    assert config.to_dict()["own"] == {"Key": 1}
    assert config.flows.to_dict()["invented"] == 2
    assert "invented" in config.flows
    assert current().extra == {"own": {"Key": 1}, "flows": {"invented": 2}}
    with set_temporary_config({"some.thing": 5}):
        assert config.some.thing == 5
    with pytest.raises(AttributeError):
        config.some


def test_many_threads_load_once_and_lose_nothing():
    settings.reload()
    threads = [threading.Thread(target=lambda n=n: setattr(config.context, f"k{n}", n)) for n in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert current().context == {f"k{n}": n for n in range(30)}


def test_nothing_is_read_on_import(tmp_path):
    (tmp_path / "config.toml").write_text("this is no TOML")
    code = "from resultant.settings import config, current\ntry: current()\nexcept ValueError: print('read now')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "read now\n"
