"""The arguments that a task's ``run`` takes, read off its code object, so that defining a task needs no `inspect`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from inspect import Signature
    from types import FunctionType
    from typing import Any
else:
    FunctionType = type(lambda: None)

__all__ = ["RESERVED", "RunSignature", "TaskSignature", "accept_async", "checked_signature", "tuple_length"]

#: Names that calling a task keeps for itself.
RESERVED = ("upstream_tasks", "mapped", "task_args", "flow")

#: Whether ``async def`` tasks are accepted although nothing awaits them; the `prefect` alias turns it on.
accept_async = False

_VARARGS = 0x04
_VARKEYWORDS = 0x08
_COROUTINE = 0x80 | 0x200


class RunSignature:
    """Which arguments ``run`` takes.

    Args:
        run: the function, or any other callable.
        bound: whether the first parameter is ``self`` and is left out.
        owner: what to call the task in messages.

    Raises:
        ValueError: it takes ``*args`` or an argument with a reserved name, or it cannot be inspected.
        TypeError: it has positional-only parameters.
    """

    __slots__ = ("asynchronous", "keyword_only", "names", "required", "spread")

    names: tuple[str, ...]
    keyword_only: tuple[str, ...]
    required: tuple[str, ...]
    spread: str | None
    asynchronous: bool

    def __init__(self, run: Callable[..., Any], bound: bool, owner: str) -> None:
        function: Any = run
        while not isinstance(function, FunctionType) or hasattr(function, "__wrapped__"):
            if hasattr(function, "__signature__") or not hasattr(function, "__wrapped__"):
                break
            function = function.__wrapped__
        if isinstance(function, FunctionType) and not hasattr(function, "__signature__"):
            self._from_code(function, bound, owner)
        else:
            self._from_inspection(run, bound, owner)
        for name in RESERVED:
            if name in self.names or name in self.keyword_only:
                raise ValueError(
                    f"Tasks cannot have the following argument names: {name}. These are reserved keyword arguments; "
                    f"rename the argument of {owner}."
                )

    def _from_code(self, function: FunctionType, bound: bool, owner: str) -> None:
        code = function.__code__
        flags = code.co_flags
        skip = int(bound)
        count = code.co_argcount
        if flags & _VARARGS:
            _refuse_varargs(owner)
        if code.co_posonlyargcount > skip:
            _refuse_positional_only(owner, code.co_varnames[skip : code.co_posonlyargcount])
        self.names = code.co_varnames[skip:count]
        self.keyword_only = code.co_varnames[count : count + code.co_kwonlyargcount]
        defaults = len(function.__defaults__ or ())
        self.required = self.names[: max(len(self.names) - defaults, 0)]
        if self.keyword_only:
            given = function.__kwdefaults__ or {}
            self.required += tuple(name for name in self.keyword_only if name not in given)
        self.spread = code.co_varnames[count + code.co_kwonlyargcount] if flags & _VARKEYWORDS else None
        self.asynchronous = bool(flags & _COROUTINE)

    def _from_inspection(self, run: Callable[..., Any], bound: bool, owner: str) -> None:
        import inspect

        try:
            parameters = list(inspect.signature(run).parameters.values())[int(bound) :]
        except (TypeError, ValueError) as error:
            raise ValueError(
                "This function can not be inspected (this is common with `builtin` and `numpy` functions). "
                f"In order to use {owner} as a task, wrap it in an ordinary Python function."
            ) from error
        kinds: dict[Any, list[inspect.Parameter]] = {}
        for parameter in parameters:
            kinds.setdefault(parameter.kind, []).append(parameter)
        if inspect.Parameter.VAR_POSITIONAL in kinds:
            _refuse_varargs(owner)
        if inspect.Parameter.POSITIONAL_ONLY in kinds:
            _refuse_positional_only(owner, [p.name for p in kinds[inspect.Parameter.POSITIONAL_ONLY]])
        plain = kinds.get(inspect.Parameter.POSITIONAL_OR_KEYWORD, [])
        keyword_only = kinds.get(inspect.Parameter.KEYWORD_ONLY, [])
        self.names = tuple(p.name for p in plain)
        self.keyword_only = tuple(p.name for p in keyword_only)
        self.required = tuple(p.name for p in (*plain, *keyword_only) if p.default is inspect.Parameter.empty)
        spread = kinds.get(inspect.Parameter.VAR_KEYWORD)
        self.spread = spread[0].name if spread else None
        self.asynchronous = inspect.iscoroutinefunction(run) or inspect.isasyncgenfunction(run)

    def takes(self, name: str) -> bool:
        """Return whether ``run`` accepts an argument called `name`."""
        return self.spread is not None or name in self.names or name in self.keyword_only

    def bind(self, task: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments by name, as a call of ``run`` would assign them.

        Args:
            task: whose arguments they are, for messages.
            args: the positional arguments.
            kwargs: the keyword arguments.

        Raises:
            TypeError: an argument is missing, unknown, or given twice.
        """
        names = self.names
        if len(args) > len(names):
            raise TypeError(f"too many positional arguments for {task!r}: {len(args)} given, {len(names)} taken")
        bound = dict(zip(names, args, strict=False))
        for name, value in kwargs.items():
            if name in bound:
                raise TypeError(f"multiple values for argument {name!r} of {task!r}")
            if self.spread is None and name not in names and name not in self.keyword_only:
                raise TypeError(f"got an unexpected keyword argument {name!r} for {task!r}")
            bound[name] = value
        for name in self.required:
            if name not in bound:
                raise TypeError(f"missing a required argument: {name!r} of {task!r}")
        return bound


class TaskSignature:
    """``task.__signature__``: what calling a task takes; the class's own signature is left alone."""

    def __get__(self, task: Any, owner: type) -> Signature:
        import inspect

        if task is None:
            signature = inspect.signature(owner.__init__)  # type: ignore[misc]
            return signature.replace(parameters=list(signature.parameters.values())[1:])
        run = inspect.signature(task.run)
        keyword_only = inspect.Parameter.KEYWORD_ONLY
        parameters = list(run.parameters.values())
        spread = [parameters.pop()] if parameters and parameters[-1].kind is inspect.Parameter.VAR_KEYWORD else []
        extra = [
            inspect.Parameter("mapped", keyword_only, default=False, annotation="bool"),
            inspect.Parameter("task_args", keyword_only, default=None, annotation="dict[str, Any] | None"),
            inspect.Parameter("upstream_tasks", keyword_only, default=None, annotation="Iterable[Any] | None"),
            inspect.Parameter("flow", keyword_only, default=None, annotation="Flow | None"),
        ]
        return run.replace(parameters=[*parameters, *extra, *spread], return_annotation="Task")


def checked_signature(run: Any, bound: bool, owner: str) -> RunSignature:
    """Return the arguments that `run` takes.

    Args:
        run: a function, or any other callable.
        bound: whether its first parameter is ``self``.
        owner: what to call the task in messages.

    Raises:
        ValueError: ``*args``, an argument with a reserved name, or a callable that cannot be inspected.
        TypeError: positional-only parameters.
        UnsupportedError: an ``async def``.
    """
    signature = RunSignature(run, bound, owner)
    if signature.asynchronous and not accept_async:
        from resultant.errors import UnsupportedError

        raise UnsupportedError(
            f"`{owner}` is an `async def`, which no executor awaits. Write a plain function that calls "
            "`asyncio.run(...)`, or one plain function per request under a `ThreadExecutor`."
        )
    return signature


def tuple_length(run: Any) -> int | None:
    """Return how many values the return annotation of `run` promises, if it is a tuple of a fixed length."""
    annotation = getattr(run, "__annotations__", {}).get("return")
    if isinstance(annotation, str):
        if "uple[" not in annotation:
            return None
        from typing import get_type_hints

        try:
            annotation = get_type_hints(run).get("return")
        except Exception:  # noqa: BLE001
            # A name that only a type checker can see says nothing about the length.
            return None
    if getattr(annotation, "__origin__", None) is not tuple:
        return None
    items = getattr(annotation, "__args__", None)
    if items is None or Ellipsis in items:
        return None
    return 0 if items == ((),) else len(items)


def _refuse_varargs(owner: str) -> None:
    raise ValueError(
        "Tasks with variable positional arguments (*args) are not supported, because all arguments are stored as "
        f"keywords. Give `run` of {owner} named arguments or **kwargs instead."
    )


def _refuse_positional_only(owner: str, names: Any) -> None:
    raise TypeError(
        f"Found positional-only parameters in the function signature for task {owner}: {list(names)}. Arguments are "
        "passed as keywords; remove the `/` from the signature, or wrap the function."
    )
