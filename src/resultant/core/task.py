"""One step of a flow."""

from __future__ import annotations

from resultant import runtime
from resultant.core import options
from resultant.core.annotations import EdgeAnnotation
from resultant.core.connections import Connections
from resultant.core.signature import RunSignature, TaskSignature, checked_signature, tuple_length

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import timedelta
    from logging import Logger
    from typing import Any, ClassVar, Self

    from resultant.core.flow import Flow
    from resultant.engine.result import Result

__all__ = ["Task"]

#: The options of a task, which a subclass must not set before it calls the base constructor.
OPTIONS = frozenset(
    (
        "name",
        "slug",
        "tags",
        "max_retries",
        "retry_delay",
        "retry_on",
        "timeout",
        "trigger",
        "skip_on_upstream_skip",
        "cache_for",
        "cache_validator",
        "cache_key",
        "checkpoint",
        "state_handlers",
        "log_stdout",
        "result",
        "target",
        "task_run_name",
        "nout",
        "auto_generated",
    )
)


class _OwnLogger:
    """``task.logger``: made when it is asked for, so that a task pickles without it; a subclass may set its own."""

    def __get__(self, task: Any, owner: type) -> Logger:
        return runtime.get_logger(owner.__name__ if task is None else task.name)


class Task(Connections):
    """One step of a flow: subclass it and define ``run``, or decorate a function with :func:`resultant.task`.

    Args:
        name: what the task is called; the class name if not given.
        slug: its name within a flow, unique there; made by the flow if not given.
        tags: labels, added to those of the enclosing ``tags(...)`` blocks.
        max_retries: how often a failed run is tried again.
        retry_delay: how long to wait before that; seconds or a timedelta.
        retry_on: the type of exception, or the types, that are retried; all if not given.
        timeout: whole seconds, or a timedelta, after which a run fails.
        trigger: decides from the upstream states whether the task runs; `all_successful` if not given.
        skip_on_upstream_skip: whether the task is skipped when one of its upstream tasks was.
        cache_for: how long a result may stand in for later runs.
        cache_validator: decides whether a cached result may; `duration_only` if `cache_for` is given.
        cache_key: tasks with the same key share their cache.
        checkpoint: ``False`` keeps the task's results in memory only.
        state_handlers: functions called with the task, its old and its new state at each change.
        on_failure: a function called with the task and its state whenever it fails.
        log_stdout: whether what the task prints goes to its logger.
        result: where and how the task's value is stored.
        target: template or callable of the location whose existence makes a run unnecessary.
        task_run_name: template or callable of the name of each run.
        nout: how many values iterating over the task gives.
        cache_ignores_code: whether cached results outlive a change of the task's code.

    Raises:
        ValueError: options that contradict each other.
        TypeError: an option of the wrong type.
    """

    #: Constants are bound as values and make no task of the flow where they can be.
    is_constant: ClassVar[bool] = False
    #: Parameters have no upstream tasks and are used without a copy.
    is_parameter: ClassVar[bool] = False
    #: Whether the task decides the state of a flow in which it is the last; clean-up does not.
    reference_by_default: ClassVar[bool] = True
    #: Whether a restart runs the task again although its state is finished.
    rerun_always: ClassVar[bool] = False
    _class_signature: ClassVar[RunSignature]
    _slot_names: ClassVar[tuple[str, ...]] = ()

    name: str
    slug: str | None
    tags: set[str]
    retry_delay: timedelta | None
    timeout: int | None
    result: Result | None
    auto_generated: bool

    __signature__ = TaskSignature()
    #: The task's logger, named after it.
    logger = _OwnLogger()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        slots = cls.__dict__.get("__slots__", ())
        if slots:
            cls._slot_names += (slots,) if isinstance(slots, str) else tuple(slots)
        run = cls.__dict__.get("run")
        if run is not None:
            bound = not isinstance(run, staticmethod)
            cls._class_signature = checked_signature(getattr(run, "__func__", run), bound, cls.__name__)

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if args or kwargs:
            for value in (*args, *kwargs.values()):
                if isinstance(value, Task):
                    name = cls.__name__
                    options.warn(
                        f"A Task was passed as an argument to {name}, which takes static values only. Make the task "
                        f"first and call it with other tasks then: `step = {name}(...)`, `step(other_task)`."
                    )
        return super().__new__(cls)

    def __init__(
        self,
        name: str | None = None,
        slug: str | None = None,
        tags: Iterable[str] | None = None,
        max_retries: int | None = None,
        retry_delay: timedelta | float | None = None,
        retry_on: type[BaseException] | Iterable[type[BaseException]] | None = None,
        timeout: int | timedelta | None = None,
        trigger: Callable[..., Any] | None = None,
        skip_on_upstream_skip: bool = True,
        cache_for: timedelta | None = None,
        cache_validator: Callable[..., bool] | None = None,
        cache_key: str | None = None,
        checkpoint: bool | None = None,
        state_handlers: Iterable[Callable[..., Any]] | None = None,
        on_failure: Callable[..., Any] | None = None,
        log_stdout: bool = False,
        result: Result | None = None,
        target: str | Callable[..., str] | None = None,
        task_run_name: str | Callable[..., str] | None = None,
        nout: int | None = None,
        cache_ignores_code: bool = False,
    ) -> None:
        for attribute in self.__dict__:
            if attribute in OPTIONS:
                kind = type(self).__name__
                options.warn(
                    f"`{kind}` sets a `{attribute}` attribute, which the constructor of `Task` overwrites. Set it "
                    f"after `super().__init__()`, or under another name."
                )
        self.name = name or type(self).__name__
        self.slug = slug
        self.tags = options.tag_set(tags)
        self.max_retries, self.retry_delay = options.retry_rules(max_retries, retry_delay, retry_on)
        self.retry_on = options.retry_types(retry_on)
        if timeout is None:
            timeout = runtime.settings().tasks.defaults.timeout
        self.timeout = options.whole_seconds(timeout)
        if trigger is None:
            from resultant.triggers import all_successful as trigger
        elif not callable(trigger):
            raise TypeError(
                f"trigger={trigger!r} cannot be called; take one of `resultant.triggers`, such as all_finished."
            )
        self.trigger = trigger
        self.skip_on_upstream_skip = skip_on_upstream_skip
        self.cache_for = cache_for
        if cache_for is None or cache_validator is None:
            from resultant.engine.cache_validators import duration_only, never_use

            if cache_validator is None:
                cache_validator = never_use if cache_for is None else duration_only
            elif cache_validator is not never_use:
                options.warn(
                    "`cache_validator` was given without `cache_for`. Task will not be cached: say for how long."
                )
        self.cache_validator = cache_validator
        self.cache_key = cache_key
        self.cache_ignores_code = cache_ignores_code
        self.checkpoint = checkpoint
        self.state_handlers = options.handler_list(state_handlers)
        if on_failure is not None:
            self.state_handlers.append(options.failure_handler(on_failure))
        self.log_stdout = log_stdout
        if result is not None:
            result = options.result_for_target(options.instance("result", result, "LocalResult(dir=...)"), target)
        self.result = result
        self.target = target
        self.task_run_name = task_run_name
        self.nout = tuple_length(self.run) if nout is None else nout
        self.auto_generated = False
        flow = runtime.peek("flow")
        if flow is not None:
            flow.note_unused(self)

    def run(self) -> Any:
        """Do the work. Override this with the arguments that the task takes.

        Returns:
            The value that downstream tasks receive.
        """

    @property
    def run_signature(self) -> RunSignature:
        """The arguments that ``run`` takes."""
        return self._class_signature

    def __call__(
        self,
        *args: Any,
        mapped: bool = False,
        task_args: Mapping[str, Any] | None = None,
        upstream_tasks: Iterable[Any] | None = None,
        flow: Flow | None = None,
        **kwargs: Any,
    ) -> Task:
        """Add a copy of the task to a flow, with the arguments as its inputs.

        Args:
            *args: inputs, tasks or values, in the order of ``run``.
            mapped: whether to map over the inputs.
            task_args: attributes of the copy.
            upstream_tasks: tasks to wait for whose values are not used.
            flow: the flow; the one whose ``with`` block is open if not given.
            **kwargs: inputs by name.

        Returns:
            The copy.

        Raises:
            ValueError: no flow is given and none is open.
            TypeError: an input is missing or unknown.
        """
        if flow is None:
            flow = runtime.peek("flow")
            if flow is None:
                raise ValueError(self._no_flow())
        copied = self.copy(**task_args) if task_args else self.copy()
        flow.forget_unused(self)
        flow.forget_unused(copied)
        if mapped and copied.nout is not None:
            copied.nout = None
        return copied.bind(*args, mapped=mapped, upstream_tasks=upstream_tasks, flow=flow, **kwargs)

    def bind(
        self,
        *args: Any,
        mapped: bool = False,
        upstream_tasks: Iterable[Any] | None = None,
        flow: Flow | None = None,
        **kwargs: Any,
    ) -> Self:
        """Add this task itself, no copy of it, to a flow, with the arguments as its inputs.

        Args:
            *args: inputs, tasks or values, in the order of ``run``.
            mapped: whether to map over the inputs.
            upstream_tasks: tasks to wait for whose values are not used.
            flow: the flow; the one whose ``with`` block is open if not given.
            **kwargs: inputs by name.

        Returns:
            The task.

        Raises:
            ValueError: no flow is given and none is open, or mapping inside a mapped context.
            TypeError: an input is missing or unknown.
        """
        if flow is None:
            flow = runtime.peek("flow")
            if flow is None:
                raise ValueError(self._no_flow())
        inputs = self.run_signature.bind(self, args, kwargs)
        if mapped and runtime.peek("mapped"):
            raise ValueError("Cannot set `mapped=True` when running from inside a mapped context")
        tags = runtime.peek("tags")
        if tags:
            self.tags.update(tags)
        flow.connect(self, inputs, upstream_tasks, mapped)
        return self

    def map(
        self,
        *args: Any,
        upstream_tasks: Iterable[Any] | None = None,
        flow: Flow | None = None,
        task_args: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Task:
        """Add a copy of the task to a flow that runs once for each item of its inputs.

        Args:
            *args: inputs to map over, in the order of ``run``; wrap what should go whole to each child in `unmapped`.
            upstream_tasks: tasks to wait for, mapped over as well.
            flow: the flow; the one whose ``with`` block is open if not given.
            task_args: attributes of the copy.
            **kwargs: inputs by name.

        Returns:
            The copy.

        Raises:
            ValueError: no flow is given and none is open.
            TypeError: a positional input cannot be indexed.
        """
        for value in args:
            if not hasattr(value, "__getitem__") and not isinstance(value, EdgeAnnotation):
                raise TypeError(
                    f"Cannot map over unsubscriptable object of type {type(value)}: {repr(value)[:100]}... "
                    "Pass a list, or wrap it in `unmapped`."
                )
        return self(*args, mapped=True, upstream_tasks=upstream_tasks, flow=flow, task_args=task_args, **kwargs)

    def copy(self, **task_args: Any) -> Self:
        """Return a shallow copy that belongs to no flow.

        Args:
            **task_args: attributes to set on the copy; tags are added to the task's own.

        Raises:
            AttributeError: a name that is no attribute of the task.
        """
        flow = runtime.peek("flow")
        if flow is not None and flow.has_edges(self):
            options.warn(
                "You are making a copy of a task that has dependencies on or to other tasks in the active flow "
                "context. The copy will not retain those dependencies."
            )
        copied = object.__new__(type(self))
        copied.__dict__.update(self.__dict__)
        for name in self._slot_names:
            if hasattr(self, name):
                setattr(copied, name, getattr(self, name))
        if self.slug is not None and "slug" not in task_args:
            copied.slug = f"{self.slug}-copy"
        enclosing = runtime.peek("tags")
        copied.tags = {*self.tags, *enclosing} if enclosing else set(self.tags)
        if task_args:
            self._apply(copied, task_args)
        if flow is not None:
            flow.note_unused(copied)
        return copied

    @staticmethod
    def _apply(copied: Task, task_args: Mapping[str, Any]) -> None:
        for name, value in task_args.items():
            if not hasattr(copied, name):
                raise AttributeError(f"{copied!r} does not have {name} as an attribute")
            if name == "tags":
                copied.tags |= options.tag_set(value)
            else:
                setattr(copied, name, value)
        if "target" in task_args or "result" in task_args:
            copied.result = options.result_for_target(copied.result, copied.target)

    def inputs(self) -> dict[str, dict[str, Any]]:
        """Return ``{name: {"type", "default", "required"}}`` of the arguments of ``run``."""
        from resultant.core.describe import task_inputs

        return task_inputs(self)

    def outputs(self) -> Any:
        """Return the return annotation of ``run``; ``typing.Any`` if it has none."""
        from resultant.core.describe import task_outputs

        return task_outputs(self)

    def serialize(self) -> dict[str, Any]:
        """Return a description of the task that JSON can hold."""
        from resultant.core.describe import describe_task

        return describe_task(self)

    def _no_flow(self) -> str:
        call = f"{type(self).__name__}(...)"
        return (
            f"Could not infer an active Flow context while creating edge to {self!r}. This often means you called a "
            "task outside a `with Flow(...)` block. If you're trying to run this task outside of a Flow context, you "
            f"need to call `{call}.run(...)`"
        )

    def __repr__(self) -> str:
        return f"<Task: {self.name}>"


Task._class_signature = RunSignature(Task.run, True, "Task")
