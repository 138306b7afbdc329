"""SPEC 4.4: configuration."""

import prefect
from prefect import Flow, Task, config, context, task
from prefect.engine.results import LocalResult
from prefect.utilities.configuration import set_temporary_config


def defaults(record):
    record("checkpointing", config.flows.checkpointing)
    record(
        "retries", [config.tasks.defaults.max_retries, config.tasks.defaults.retry_delay, config.tasks.defaults.timeout]
    )
    record("debug", config.debug)
    record("edges", config.flows.eager_edge_validation)


def temporary(record):
    with set_temporary_config({"flows.checkpointing": True, "tasks.defaults.max_retries": 3}) as temporary_config:
        record("inside", [config.flows.checkpointing, config.tasks.defaults.max_retries])
        record("context", context.config.flows.checkpointing)
        record("yields", temporary_config.flows.checkpointing)
    record("after", [config.flows.checkpointing, config.tasks.defaults.max_retries])


def temporary_unknown(record):
    with set_temporary_config({"made.up": 1}):
        record("inside", config.made.up)
    with record.error("after", AttributeError):
        config.made


def unknown_attribute(record):
    with record.error("error", AttributeError):
        config.not_there
    with record.error("section", AttributeError):
        config.flows.not_there


def task_defaults(record):
    with set_temporary_config(
        {"tasks.defaults.max_retries": 2, "tasks.defaults.retry_delay": 3, "tasks.defaults.timeout": 5}
    ):
        made = Task()
        record("made", [made.max_retries, made.retry_delay, made.timeout])
        given = Task(max_retries=0)
        record("zero", [given.max_retries, given.retry_delay])
    with set_temporary_config({"tasks.defaults.retry_delay": 3}):
        record("delay alone", Task().retry_delay)


def checkpointing_by_configuration(record):
    @task(result=LocalResult(dir="store", location="x"))
    def one():
        return 1

    with Flow("f") as flow:
        one()
    record.flow(flow, flow.run())
    record.files()
    with set_temporary_config({"flows.checkpointing": True}):
        record.flow(flow, flow.run())
    record.files()


def checkpointing_by_context(record):
    @task(result=LocalResult(dir="store", location="x"))
    def one():
        return 1

    with Flow("f") as flow:
        one()
    with set_temporary_config({"flows.checkpointing": True}), context(checkpointing=False):
        record.flow(flow, flow.run())
    record.files()
    with context(checkpointing=True):
        record.flow(flow, flow.run())
    record.files()


def toml(record):
    from prefect.configuration import load_configuration

    (record.dir / "a.toml").write_text(
        'debug = true\nnumber = 1\n[x]\na = "one"\nb = "${x.a} two"\nc = "${number}"\nd = "${none}"\ne = "$NOT_SET/y"\n'
    )
    (record.dir / "b.toml").write_text('[x]\na = "other"\n[y]\nz = [1, 2]\n')
    loaded = load_configuration("a.toml", user_config_path="b.toml")
    record("values", [loaded.debug, loaded.x.a, loaded.x.b, loaded.x.c, loaded.x.d, loaded.x.e, loaded.y.z])


def toml_environment(record):
    import os

    from prefect.configuration import load_configuration

    (record.dir / "a.toml").write_text('[x]\na = "one"\nb = 1\n[context.secrets]\n')
    os.environ.update(
        {
            "MARK__X__A": "true",
            "MARK__X__B": "5",
            "MARK__X__C": "[1, 2]",
            "MARK__CONTEXT__SECRETS__My_Key": "s",
            "MARK__N": "text",
        }
    )
    loaded = load_configuration("a.toml", env_var_prefix="MARK")
    record("values", [loaded.x.a, loaded.x.b, loaded.x.c, loaded.context.secrets.My_Key, loaded.n])
    for key in [key for key in os.environ if key.startswith("MARK__")]:
        del os.environ[key]


def toml_bad_key(record):
    from prefect.configuration import load_configuration

    (record.dir / "a.toml").write_text("[x]\nkeys = 1\n")
    with record.error("error", ValueError):
        load_configuration("a.toml")


def context_section(record):
    record("module attribute", prefect.config is config)
