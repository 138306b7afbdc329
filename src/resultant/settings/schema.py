"""Every setting there is: its name, its type, its default. Adding one is adding a line here."""

# Without `annotations` from the future: those of a table are read.

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

__all__ = ["Section", "Settings", "Wanted", "whole"]


class Wanted:
    """Says of a setting that no plain type describes what it takes."""

    def __init__(self, text: str, accepts: Callable[[Any], bool]) -> None:
        self.text = text
        self.accepts = accepts


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


class Section:
    """One table of settings, frozen: its annotations say what there is, and attributes of the class are the defaults.

    Args:
        **values: those that are not the defaults, by name.
    """

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(
            f"Settings do not change. Set resultant.config's {name!r}, or make others with `replaced`."
        )

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.values() == self.values()

    def __hash__(self) -> int:
        return hash((type(self), *map(repr, self.values().values())))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.values().items())})"

    @classmethod
    def types(cls) -> Mapping[str, Any]:
        """Return what each setting takes, by name."""
        return cls.__annotations__

    def values(self) -> dict[str, Any]:
        """Return every setting, by name."""
        return {name: getattr(self, name) for name in self.types()}

    def replaced(self, **values: Any) -> Self:
        """Return a table with some settings changed."""
        return type(self)(**{**vars(self), **values})


class FlowSettings(Section):
    """``flows.*``: how every flow runs."""

    checkpointing: bool = False
    eager_edge_validation: bool = False
    run_on_schedule: bool = True
    default_result: str | None = None


class TaskDefaults(Section):
    """``tasks.defaults.*``: what a task has that says nothing else. Durations are in seconds."""

    max_retries: int = 0
    retry_delay: Seconds = None
    timeout: Seconds = None


class TaskSettings(Section):
    """``tasks.*``: how every task runs."""

    checkpointing: bool = True
    defaults: TaskDefaults = TaskDefaults()


class TemplateSettings(Section):
    """``templates.*``: what location templates may do."""

    allow_absolute: bool = False


class DaskSettings(Section):
    """``engine.executor.dask.*``: where a Dask executor finds its workers."""

    address: str = ""
    cluster_class: ClassOrName = "distributed.deploy.local.LocalCluster"


class ExecutorSettings(Section):
    """``engine.executor.*``: where code runs unless the flow says otherwise."""

    default_class: ClassOrName = "resultant.executors.LocalExecutor"
    dask: DaskSettings = DaskSettings()


class RunnerSettings(Section):
    """``engine.flow_runner.*`` and ``engine.task_runner.*``; an empty name is the built-in runner."""

    default_class: ClassOrName = ""


class EngineSettings(Section):
    """``engine.*``: which classes do the work."""

    executor: ExecutorSettings = ExecutorSettings()
    flow_runner: RunnerSettings = RunnerSettings()
    task_runner: RunnerSettings = RunnerSettings()


class LoggingSettings(Section):
    """``logging.*``: what is said on the terminal."""

    level: str | int = "WARNING"
    format: str = "[%(asctime)s] %(levelname)s - %(name)s | %(message)s"
    datefmt: str = "%Y-%m-%d %H:%M:%S%z"
    display: bool = True


class DatabaseSettings(Section):
    """``database.*``: where rows go; no URL means SQLite in the home folder."""

    url: str | None = None


class ServerSettings(Section):
    """``server.*``: the server that keeps the rows instead of a database."""

    url: str | None = None


class RecordSettings(Section):
    """``record.*``: what the state database is told, and which secret its digests are taken with."""

    runs: bool = True
    messages: bool = False
    digest_key_file: str | None = None


class Settings(Section):
    """All settings, frozen.

    Attributes:
        home_dir: absolute path of the folder that holds results, rows and ``config.toml``.
        context: initial keys of the context; ``context["secrets"]`` are local secrets.
        stores: places for results by name, each with a ``url`` and options; they may hold credentials.
        durability: ``"process"`` survives the death of the process, ``"power"`` the loss of power.
        extra: keys that this library does not know, where they are accepted.
    """

    home_dir: str
    debug: bool = False
    durability: Literal["process", "power"] = "process"
    context: dict[str, Any]
    flows: FlowSettings = FlowSettings()
    tasks: TaskSettings = TaskSettings()
    templates: TemplateSettings = TemplateSettings()
    engine: EngineSettings = EngineSettings()
    logging: LoggingSettings = LoggingSettings()
    database: DatabaseSettings = DatabaseSettings()
    server: ServerSettings = ServerSettings()
    record: RecordSettings = RecordSettings()
    stores: dict[str, Any]
    extra: dict[str, Any]

    def __init__(self, **values: Any) -> None:
        home = os.path.expanduser("~/.resultant") if "home_dir" not in values else None
        super().__init__(**{"home_dir": home, "context": {}, "stores": {}, "extra": {}, **values})

    def __reduce__(self) -> Any:
        # A pickle may end up in a file. Workers are sent all of it.
        shown = {key: value for key, value in self.context.items() if key != "secrets"}
        return _settings, ({**self.values(), "context": shown, "stores": {}},)

    def __repr__(self) -> str:
        # Contexts hold secrets and URLs hold passwords; a repr ends up in logs.
        return f"<Settings: home_dir={self.home_dir!r}>"


def _settings(fields: dict[str, Any]) -> Settings:
    return Settings(**fields)


def whole(settings: Settings) -> Any:
    """Return how settings travel to workers: with the secrets in them."""
    return _settings, (settings.values(),)
