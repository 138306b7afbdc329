"""Inputs of a flow, given when it runs."""

from __future__ import annotations

from resultant import runtime
from resultant.core.task import Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, ClassVar, Self

    from resultant.core.flow import Flow

__all__ = ["DateTimeParameter", "Parameter", "no_default"]


class no_default:
    """Stands for "no default given", as a class so that it is the same object in every process."""


class Parameter(Task):
    """An input of a flow, given by name to ``flow.run``.

    Args:
        name: the parameter's name, and its slug: unique in a flow.
        default: its value when none is given.
        required: whether a value must be given; by default exactly when there is no default.
        tags: labels.
    """

    is_parameter: ClassVar[bool] = True

    default: Any
    required: bool

    def __init__(
        self, name: str, default: Any = no_default, required: bool | None = None, tags: Iterable[str] | None = None
    ) -> None:
        self.required = (default is no_default) if required is None else required
        self.default = None if default is no_default else default
        from resultant.engine.results import PrefectResult

        super().__init__(name=name, slug=name, tags=tags, result=PrefectResult(), checkpoint=True)

    def __call__(self, flow: Flow | None = None) -> Self:  # type: ignore[override]
        """Add the parameter itself to a flow.

        Args:
            flow: the flow; the one whose ``with`` block is open if not given.

        Returns:
            The parameter.

        Raises:
            ValueError: no flow is given and none is open.
        """
        return self.bind(flow=flow)

    def copy(self, name: str, **task_args: Any) -> Self:  # type: ignore[override]
        """Return a copy under another name.

        Args:
            name: the copy's name and slug.
            **task_args: attributes to set on the copy.
        """
        return super().copy(name=name, slug=name, **task_args)

    def run(self) -> Any:
        """Return the value given for this run, or the default.

        Raises:
            FAIL: the parameter is required and no value was given.
        """
        given = runtime.context.get("parameters") or {}
        if self.name in given:
            return given[self.name]
        if self.required:
            from resultant.engine.signals import FAIL

            raise FAIL(f'Parameter "{self.name}" was required but not provided. Pass flow.run({self.name}=...).')
        return self.default

    def __repr__(self) -> str:
        return f"<Parameter: {self.name}>"


class DateTimeParameter(Parameter):
    """A parameter whose value is a moment.

    Args:
        name: the parameter's name, and its slug: unique in a flow.
        default: its value when none is given; a datetime or text.
        required: whether a value must be given.
        tags: labels.
    """

    def __init__(
        self, name: str, default: Any = no_default, required: bool = True, tags: Iterable[str] | None = None
    ) -> None:
        super().__init__(name=name, default=default, required=required, tags=tags)
        from resultant.engine.results import PrefectResult
        from resultant.engine.serializers import DateTimeSerializer

        self.result = PrefectResult(serializer=DateTimeSerializer())

    def run(self) -> Any:
        """Return the moment given for this run as an aware datetime, or ``None``.

        Raises:
            FAIL: the parameter is required and no value was given.
            ValueError: text that is no date.
        """
        value = super().run()
        if value is None:
            return None
        from resultant.engine.moments import as_utc

        return as_utc(value)
