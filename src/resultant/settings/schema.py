"""Every setting there is: its name, its type, its default. Adding one is adding a line here."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Annotated, Any, Literal

import msgspec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Settings", "Wanted", "whole"]


class Wanted(msgspec.Struct, frozen=True):
    """Says of a setting that no plain type describes what it takes."""

    text: str
    accepts: Callable[[Any], bool]


ClassOrName = Annotated[
    Any, Wanted("a class or its dotted name", lambda value: isinstance(value, str | type) or callable(value))
]
Seconds = Annotated[
    Any,
    Wanted(
        "a number of seconds, a timedelta, or nothing",
        lambda value: isinstance(value, int | float | timedelta | None) and not isinstance(value, bool),
    ),
]


class Section(msgspec.Struct, frozen=True):
    """One table of settings."""


class FlowSettings(Section, frozen=True):
    """``flows.*``: how every flow runs."""

    checkpointing: bool = False
    eager_edge_validation: bool = False
    run_on_schedule: bool = True
    default_result: str | None = None


class TaskDefaults(Section, frozen=True):
    """``tasks.defaults.*``: what a task has that says nothing else. Durations are in seconds."""

    max_retries: int = 0
    retry_delay: Seconds = None
    timeout: Seconds = None


class TaskSettings(Section, frozen=True):
    """``tasks.*``: how every task runs."""

    checkpointing: bool = True
    defaults: TaskDefaults = msgspec.field(default_factory=TaskDefaults)


class TemplateSettings(Section, frozen=True):
    """``templates.*``: what location templates may do."""

    allow_absolute: bool = False


class DaskSettings(Section, frozen=True):
    """``engine.executor.dask.*``: where a Dask executor finds its workers."""

    address: str = ""
    cluster_class: ClassOrName = "distributed.deploy.local.LocalCluster"


class ExecutorSettings(Section, frozen=True):
    """``engine.executor.*``: where code runs unless the flow says otherwise."""

    default_class: ClassOrName = "resultant.executors.LocalExecutor"
    dask: DaskSettings = msgspec.field(default_factory=DaskSettings)


class RunnerSettings(Section, frozen=True):
    """``engine.flow_runner.*`` and ``engine.task_runner.*``; an empty name is the built-in runner."""

    default_class: ClassOrName = ""


class EngineSettings(Section, frozen=True):
    """``engine.*``: which classes do the work."""

    executor: ExecutorSettings = msgspec.field(default_factory=ExecutorSettings)
    flow_runner: RunnerSettings = msgspec.field(default_factory=RunnerSettings)
    task_runner: RunnerSettings = msgspec.field(default_factory=RunnerSettings)


class LoggingSettings(Section, frozen=True):
    """``logging.*``: what is said on the terminal."""

    level: str | int = "WARNING"
    format: str = "[%(asctime)s] %(levelname)s - %(name)s | %(message)s"
    datefmt: str = "%Y-%m-%d %H:%M:%S%z"
    display: bool = True


class DatabaseSettings(Section, frozen=True):
    """``database.*``: where rows go; no URL means SQLite in the home folder."""

    url: str | None = None


class ServerSettings(Section, frozen=True):
    """``server.*``: the server that keeps the rows instead of a database."""

    url: str | None = None


class RecordSettings(Section, frozen=True):
    """``record.*``: what the state database is told, and which secret its digests are taken with."""

    runs: bool = True
    messages: bool = False
    digest_key_file: str | None = None


class Settings(Section, frozen=True):
    """All settings, frozen.

    Attributes:
        home_dir: absolute path of the folder that holds results, rows and ``config.toml``.
        context: initial keys of the context; ``context["secrets"]`` are local secrets.
        stores: places for results by name, each with a ``url`` and options; they may hold credentials.
        durability: ``"process"`` survives the death of the process, ``"power"`` the loss of power.
        extra: keys that this library does not know, where they are accepted.
    """

    home_dir: str = msgspec.field(default_factory=lambda: os.path.expanduser("~/.resultant"))
    debug: bool = False
    durability: Literal["process", "power"] = "process"
    context: dict[str, Any] = {}
    flows: FlowSettings = msgspec.field(default_factory=FlowSettings)
    tasks: TaskSettings = msgspec.field(default_factory=TaskSettings)
    templates: TemplateSettings = msgspec.field(default_factory=TemplateSettings)
    engine: EngineSettings = msgspec.field(default_factory=EngineSettings)
    logging: LoggingSettings = msgspec.field(default_factory=LoggingSettings)
    database: DatabaseSettings = msgspec.field(default_factory=DatabaseSettings)
    server: ServerSettings = msgspec.field(default_factory=ServerSettings)
    record: RecordSettings = msgspec.field(default_factory=RecordSettings)
    stores: dict[str, Any] = {}
    extra: dict[str, Any] = {}

    def __reduce__(self) -> Any:
        # A pickle may end up in a file. Workers are sent all of it.
        shown = {key: value for key, value in self.context.items() if key != "secrets"}
        return _settings, ({**_fields(self), "context": shown, "stores": {}},)

    def __repr__(self) -> str:
        # Contexts hold secrets and URLs hold passwords; a repr ends up in logs.
        return f"<Settings: home_dir={self.home_dir!r}>"


def _fields(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in settings.__struct_fields__}


def _settings(fields: dict[str, Any]) -> Settings:
    return Settings(**fields)


def whole(settings: Settings) -> Any:
    """Return how settings travel to workers: with the secrets in them."""
    return _settings, (_fields(settings),)
