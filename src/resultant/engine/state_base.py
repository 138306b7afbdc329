"""What all states have in common."""

from __future__ import annotations

from resultant.engine.result import NoResult, Result, same
from resultant.runtime import peek

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from typing import Any, ClassVar, Self

__all__ = ["State", "moment_or_now"]


class State:
    """Base of all states.

    Args:
        message: for people; an exception is allowed.
        result: a :class:`~resultant.engine.result.Result`, or a value that is wrapped in one; ``None`` means there is none.
        context: facts about the run at this point.
        cached_inputs: results of the inputs, by input name.
    """

    color: ClassVar[str] = "#000000"

    # Defaults live on the class, so that a state whose context nobody asks for does not carry one.
    message: Any = None
    _result: Result = NoResult
    _context: dict[str, Any] | None = None
    _cached_inputs: dict[str, Result] | None = None

    def __init__(
        self,
        message: Any = None,
        result: Any = None,
        context: dict[str, Any] | None = None,
        cached_inputs: dict[str, Result] | None = None,
    ) -> None:
        self.message = message
        if result is not None:
            self.result = result
        if context is not None:
            self._context = dict(context)
        if cached_inputs is not None:
            self._cached_inputs = cached_inputs
        tags = peek("task_tags")
        if tags is not None:
            self.context.setdefault("tags", list(tags))

    @property
    def result(self) -> Any:
        """The value; assigning anything but a ``Result`` wraps it in one."""
        return self._result.value

    @result.setter
    def result(self, value: Any) -> None:
        self._result = value if isinstance(value, Result) else Result(value)

    @property
    def context(self) -> dict[str, Any]:
        """Facts about the run at this point."""
        if self._context is None:
            self._context = {}
        return self._context

    @context.setter
    def context(self, value: dict[str, Any]) -> None:
        self._context = value

    @property
    def cached_inputs(self) -> dict[str, Result]:
        """Results of the inputs, by input name, each tied to the result of the task that made it."""
        if self._cached_inputs is None:
            self._cached_inputs = {}
        return self._cached_inputs

    @cached_inputs.setter
    def cached_inputs(self, value: dict[str, Result]) -> None:
        self._cached_inputs = value

    def load_result(self, result: Result | None = None) -> Self:
        """Read the value from its location, where it has one and its value is ``None``.

        Args:
            result: knows how to read; default the state's own.

        Returns:
            The state itself.
        """
        own = self._result
        if own.location is not None and own.value is None:
            self._result = (result or own).read(own.location)
        return self

    def load_cached_results(self, results: dict[str, Result] | None = None) -> Self:
        """Read the values of the cached inputs that have a location and no value.

        Args:
            results: by input name, what knows how to read, or where from.

        Returns:
            The state itself.
        """
        for name, reader in (results or {}).items():
            own = self.cached_inputs.get(name)
            location = (own.location if own is not None else None) or reader.location
            if location is not None and (own is None or own.value is None):
                self.cached_inputs[name] = reader.read(location)
        return self

    def is_pending(self) -> bool:
        """Return whether the run has not begun."""
        return False

    def is_queued(self) -> bool:
        """Return whether the run waits for a place."""
        return False

    def is_retrying(self) -> bool:
        """Return whether the run waits for its next try."""
        return False

    def is_running(self) -> bool:
        """Return whether the run goes on now."""
        return False

    def is_cached(self) -> bool:
        """Return whether the value may be used instead of running again."""
        return False

    def is_finished(self) -> bool:
        """Return whether the run is over."""
        return False

    def is_looped(self) -> bool:
        """Return whether the task asked for another pass."""
        return False

    def is_scheduled(self) -> bool:
        """Return whether the run waits for a time."""
        return False

    def is_submitted(self) -> bool:
        """Return whether the run was handed to an executor."""
        return False

    def is_skipped(self) -> bool:
        """Return whether the run was skipped."""
        return False

    def is_successful(self) -> bool:
        """Return whether the run ended well; skipped and cached runs did."""
        return False

    def is_failed(self) -> bool:
        """Return whether the run ended badly."""
        return False

    def is_mapped(self) -> bool:
        """Return whether the state stands for the children of a mapped task."""
        return False

    def is_meta_state(self) -> bool:
        """Return whether the state wraps another one."""
        return False

    @classmethod
    def children(cls, include_self: bool = False, names_only: bool = False) -> list[Any]:
        """Return the classes derived from this one.

        Args:
            include_self: begin with this class.
            names_only: return names instead of classes.
        """
        found: list[Any] = [cls] if include_self else []
        todo = list(cls.__subclasses__())
        while todo:
            child = todo.pop(0)
            found.append(child)
            todo.extend(child.__subclasses__())
        return _public(found, names_only)

    @classmethod
    def parents(cls, include_self: bool = False, names_only: bool = False) -> list[Any]:
        """Return the classes that this one derives from.

        Args:
            include_self: begin with this class.
            names_only: return names instead of classes.
        """
        return _public(cls.mro()[0 if include_self else 1 :], names_only)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        assert isinstance(other, State)
        if not (self._result == other._result and self.cached_inputs == other.cached_inputs):
            return False
        names = {name for name in (*vars(self), *vars(other)) if name[0] != "_" and name not in ("message", "context")}
        return all(same(getattr(self, name, None), getattr(other, name, None)) for name in names)

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        name = type(self).__name__
        return f'<{name}: "{self.message}">' if self.message else f"<{name}>"

    def _repr_html_(self) -> str:
        from resultant.engine.html import state_html

        return state_html(self)

    def __rich_repr__(self) -> Iterator[tuple[str, Any]]:
        from resultant.engine.rich_repr import state_fields

        return state_fields(self)

    def __getstate__(self) -> dict[str, Any]:
        fields = dict(vars(self))
        result = fields.get("_result")
        if result is not None and isinstance(result.value, Exception):
            fields["_result"] = _picklable(result)
        return fields

    def __setstate__(self, fields: dict[str, Any]) -> None:
        self.__dict__.update(fields)


def moment_or_now(moment: Any) -> datetime:
    """Return a moment as an aware UTC datetime; the present one for ``None``."""
    from resultant.engine.moments import as_utc, now

    return now() if moment is None else as_utc(moment)


def _public(classes: Iterable[type], names_only: bool) -> list[Any]:
    kept = [cls for cls in dict.fromkeys(classes) if cls is not object and not cls.__name__.startswith("_")]
    return [cls.__name__ for cls in kept] if names_only else kept


def _picklable(result: Result) -> Result:
    import cloudpickle

    try:
        # Many an exception is pickled without complaint and cannot be made again from its arguments.
        cloudpickle.loads(cloudpickle.dumps(result.value))
    except Exception as error:  # noqa: BLE001 - pickling runs the exception's own code
        from resultant.errors import safe_repr

        return result.from_value(
            f"The following exception could not be pickled, because of {safe_repr(error)}:\n{safe_repr(result.value)}"
        )
    return result
