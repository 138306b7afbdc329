"""What a run needs to know of a flow, worked out once: its steps in order, and what they share."""

from __future__ import annotations

from resultant.engine.location import compile_template
from resultant.triggers import all_successful

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from resultant.engine.integrity import Digester
    from resultant.engine.location import Template
    from resultant.engine.result import Result
    from resultant.stores import Store

    from .caching import Candidates
    from .intents import Intents
    from .packing import Packer
    from .shelf import Shelf
    from .writers import Writers

__all__ = ["Plan", "Run", "Step", "Upstream", "make_plan", "single_folder"]


class Run:
    """What is common to every task run of a run; it travels to workers.

    Attributes:
        keys: the run's keys of the context.
        parameters: values of the flow's parameters, defaults filled in.
        checkpointing: whether results are written.
        handlers: state handlers that hold for every task (of a ``TaskRunner``).
        verbose: what is logged: 0 nothing, 1 tasks, 2 mapped children too.
        written: bytes stored so far, in this process.
        digester: takes the digests of a recorded run; ``None`` where nothing is recorded.
        writers: stores finished bytes while other tasks run, in the process that drives the run; ``None`` elsewhere.
        intents: notes writes before they happen, of a recorded run, where a store needs that.
        packers: what packs small results, by the identity of the store that they go to.
    """

    __slots__ = (
        "allow_absolute",
        "checkpointing",
        "digester",
        "handlers",
        "intents",
        "keys",
        "packers",
        "parameters",
        "remote",
        "stores",
        "verbose",
        "writers",
        "written",
    )

    def __init__(
        self,
        keys: dict[str, Any],
        parameters: dict[str, Any],
        checkpointing: bool,
        allow_absolute: bool = False,
        handlers: tuple[Callable[..., Any], ...] = (),
    ) -> None:
        self.keys = keys
        self.parameters = parameters
        self.checkpointing = checkpointing
        self.allow_absolute = allow_absolute
        self.handlers = handlers
        self.verbose = 0
        self.digester: Digester | None = None
        self.writers: Writers | None = None
        self.written = 0
        #: Whether this is the copy of a worker process.
        self.remote = False
        #: Opened stores, by the identity of the result that they belong to.
        self.stores: dict[int, Store] = {}
        self.packers: dict[int, Packer] = {}
        self.intents: Intents | None = None

    def __getstate__(self) -> Any:
        # The flow and its caches are of no use in a worker; a step carries the cached states that it may use.
        keys = {key: value for key, value in self.keys.items() if key not in ("caches", "flow", "logger", "case")}
        return (
            keys,
            self.parameters,
            self.checkpointing,
            self.allow_absolute,
            self.handlers,
            self.verbose,
            self.digester,
            self.intents,
        )

    def __setstate__(self, state: Any) -> None:
        self.keys, self.parameters, self.checkpointing, self.allow_absolute, self.handlers, *rest = state
        self.verbose, self.digester, self.intents = rest
        self.writers = None
        self.written = 0
        self.remote = True
        self.stores = {}
        self.packers = {}


#: Names of inputs, by their keys; a program has a few.
_names: dict[str | None, bytes] = {}
_MANY_NAMES = 10_000


def name_of(key: str | None) -> bytes:
    """Return the name of an input in the fingerprint of a task's inputs; it says where it ends."""
    known = _names.get(key)
    if known is None:
        name = (key or "").encode()
        known = b"%d:%b" % (len(name), name)
        if len(_names) < _MANY_NAMES:
            _names[key] = known
    return known


class Upstream:
    """One edge into a step."""

    __slots__ = ("anew", "edge", "flattened", "index", "key", "label", "mapped")

    def __init__(self, edge: Any, index: int) -> None:
        self.edge = edge
        self.index = index
        self.key: str | None = edge.key
        self.mapped: bool = edge.mapped
        self.flattened: bool = edge.flattened
        #: Whether every process makes for itself what comes through it.
        self.anew: bool = edge.upstream_task.rerun_always
        #: What stands before the part of what comes through it, where a task's inputs are told from others.
        self.label = name_of(edge.key) + b"m" * edge.mapped + b"f" * edge.flattened


class Step:
    """One task of a flow, with everything its runs have in common; it travels to workers.

    Attributes:
        index: position in the plan.
        upstream: the edges into it.
        constants: inputs that are written in the flow.
        result: the configured result, a template for those of its runs; ``None`` for a plain one in memory.
        location: the compiled location of that result, if it is text.
        target: the compiled target, or the callable that makes one.
        stores: whether the value of a run is written.
        direct: whether values may go straight to the result's store, because no method of its class was replaced.
        store: that store, once opened.
        packs: bytes up to which the value of a mapped child goes into a segment with many others; 0 where none does.
        packer: what packs them, once opened.
        plain: whether nothing but the task's code decides how its runs end: no trigger, cache, target or handler.
        lenient: whether a value that its inline result cannot hold stays in memory instead of failing the task.
        own_location: whether the task itself names a target or a location, so that ``None`` is written as well.
        context: keys given for this task alone.
        cached: states of earlier runs of this process that may stand for this one.
        shelf: what other processes left in the cache, for a task that has one in a recorded run.
    """

    __slots__ = (
        "cached",
        "constants",
        "context",
        "dependents",
        "digests_later",
        "direct",
        "fields",
        "handlers",
        "index",
        "lenient",
        "location",
        "mapped",
        "max_retries",
        "name",
        "own_location",
        "packer",
        "packs",
        "plain",
        "result",
        "shelf",
        "slug",
        "store",
        "stores",
        "tags",
        "target",
        "task",
        "timeout",
        "upstream",
    )

    def __init__(self, task: Any, slug: str, index: int) -> None:
        self.task = task
        self.slug = slug
        self.index = index
        self.name: str = task.name
        self.tags = task.tags
        self.upstream: list[Upstream] = []
        #: The edges out of it, and the steps that they lead to.
        self.dependents: list[tuple[Upstream, int]] = []
        self.constants: dict[str, Any] = {}
        self.mapped = False
        self.handlers: tuple[Callable[..., Any], ...] = ()
        self.max_retries: int = task.max_retries
        self.timeout = task.timeout
        self.result: Result | None = None
        self.location: Template | None = None
        self.target: Template | Callable[..., str] | None = None
        self.stores = False
        self.own_location = False
        self.lenient = False
        self.context: dict[str, Any] | None = None
        self.cached: Candidates | None = None
        self.shelf: Shelf | None = None
        self.plain = False
        self.direct = False
        self.store: Store | None = None
        self.packs = 0
        self.packer: Packer | None = None
        #: Whether the digests of small values are taken later, many at a time: whoever runs the children sees to that.
        self.digests_later = False
        #: What every copy of the configured result has in common, worked out at the first one.
        self.fields: list[tuple[str, Any]] | None = None

    def __getstate__(self) -> Any:
        # A worker opens the store for itself, and has no business with what comes after.
        return {name: getattr(self, name) for name in self.__slots__ if name not in _OF_ONE_PROCESS}

    def __setstate__(self, state: Any) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        self.dependents = []
        self.store = None
        self.packer = None
        self.digests_later = False
        self.fields = None


_OF_ONE_PROCESS = ("dependents", "fields", "digests_later", "packer", "store")


class Plan:
    """The steps of a flow in topological order.

    Attributes:
        steps: every task's step.
        index: position of each task's step.
    """

    __slots__ = ("index", "steps")

    def __init__(self, steps: list[Step], index: dict[Any, int]) -> None:
        self.steps = steps
        self.index = index


def prepare(step: Step, run: Run, flow_result: Result | None) -> None:
    """Work out where a step's values go and what its runs may skip.

    Args:
        step: the step.
        run: what is common to the run.
        flow_result: the flow's result, used where the task has none.

    Raises:
        LocationError: a location or target template is malformed.
    """
    task = step.task
    step.handlers = (*task.state_handlers, *run.handlers)
    result = task.result
    # A constant is part of the flow: only a result of its own gets it written.
    if result is None and not task.is_constant:
        result = flow_result
    target = task.target
    if result is not None:
        step.result = result
        storing, step.direct, inline = _traits(type(result))
        step.lenient = inline and (task.is_parameter or task.auto_generated)
        step.stores = run.checkpointing and task.checkpoint is not False and storing
        step.own_location = task.result is not None and _has_location(task.result)
        if result.location is not None and step.stores and not inline:
            step.location = compile_template(result.location)
        elif step.mapped and step.stores and step.direct and getattr(result, "pack", False):
            # What has a target or a name of its own is found by that name.
            step.packs = _longest() if target is None and not _has_location(result) else 0
    if target is not None:
        step.own_location = True
        step.location = None
        if not isinstance(target, str):
            step.target = target
        elif result is None or not _traits(type(result))[2]:
            step.target = step.location = compile_template(target)
    step.plain = (
        task.trigger is all_successful
        and target is None
        and task.cache_for is None
        and not step.handlers
        and task.task_run_name is None
    )


def make_plan(flow: Any) -> Plan:
    """Return the plan of a flow.

    Args:
        flow: anything with ``sorted_tasks``, ``slugs``, ``iter_edges`` and ``constants``.

    Raises:
        ValueError: the flow has a cycle.
    """
    slugs = flow.slugs
    steps = [Step(task, slugs[task], index) for index, task in enumerate(flow.sorted_tasks())]
    index = {step.task: step.index for step in steps}
    for edge in flow.iter_edges():
        below, above = steps[index[edge.downstream_task]], index[edge.upstream_task]
        link = Upstream(edge, above)
        below.upstream.append(link)
        below.mapped = below.mapped or edge.mapped
        # One entry for each edge: a step waits for as many arrivals as it has edges.
        steps[above].dependents.append((link, below.index))
    for task, constants in flow.constants.items():
        if task in index:
            steps[index[task]].constants = constants
    return Plan(steps, index)


def _has_location(result: Result) -> bool:
    return result.location is not None or result._formatter is not None


def _longest() -> int:
    from resultant.stores.base import LONGEST

    return LONGEST


_known_traits: dict[type, tuple[bool, bool, bool]] = {}


def _traits(cls: type) -> tuple[bool, bool, bool]:
    """Return of a class of result: can it store, may values go straight to its store, is its location a value's text."""
    traits = _known_traits.get(cls)
    if traits is None:
        from resultant.engine.result import NoResultType, Result
        from resultant.engine.results import InlineResult
        from resultant.engine.stored import StoredResult

        methods = (
            "__setattr__",
            "copy",
            "from_value",
            "read",
            "write",
            "exists",
            "format",
            "default_location",
            "_render",
        )
        direct = issubclass(cls, StoredResult) and all(
            getattr(cls, name) is getattr(StoredResult, name) for name in methods
        )
        traits = _known_traits[cls] = cls not in (Result, NoResultType), direct, issubclass(cls, InlineResult)
    return traits


def single_folder(plan: Plan) -> str | None:
    """Return the folder that holds all results of a run, or ``None`` where there are several or none.

    Args:
        plan: the steps, prepared.
    """
    folders = {_folder(step.result) for step in plan.steps if step.stores}
    # Parameters and the like keep their values inline, which is no place.
    folders.discard(None)
    return str(folders.pop()) if len(folders) == 1 else None


def _folder(result: Any) -> str | None:
    folder: str | None = getattr(result, "dir", None)
    if folder is None and not result._is_place and hasattr(result, "address"):
        folder = result.address()
    return folder


def is_input(task: Any) -> bool:
    """Return whether a result was configured by the library itself: a parameter's, or that of a part of one."""
    return bool(task.auto_generated or task.is_parameter)
