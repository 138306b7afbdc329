"""A value and a place.

``Result`` is the base: it holds a value and knows no storage. A class that stores derives from it and implements
``read``, ``write`` and ``exists``, or derives from :class:`StoredResult` and names its store.
"""

from __future__ import annotations

from contextlib import suppress

from resultant.errors import ResultNotImplementedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import timedelta
    from typing import Any, ClassVar, Self

    from resultant.engine.serializers import Serializer
    from resultant.records import ResultRecord
    from resultant.stores import Stat

__all__ = ["NoResult", "NoResultType", "Result"]

_new = object.__new__

#: What a recorded run knows of one value's bytes.
_KNOWN = ("_size", "_digest", "_undigested", "_part", "_load")


class _DefaultSerializer:
    """A fresh ``PickleSerializer`` for each result that is asked for its serializer; most never are."""

    def __get__(self, result: Any, owner: type) -> Any:
        from resultant.engine.serializers import PickleSerializer

        if result is None:
            return self
        result.serializer = serializer = PickleSerializer()
        return serializer


class Result:
    """A value, the place where it lives or will live, and how it becomes bytes.

    Methods never change the object they are called on: they return a new one.

    Args:
        value: the value.
        location: text, taken as a template until it is formatted; or a callable that is given the template's names as
            keyword arguments and returns the location.
        serializer: how values become bytes; the default is a fresh ``PickleSerializer``.
        keep: how long ``resultant gc`` leaves alone what a recorded run stored, whatever budget it is given.

    Raises:
        TypeError: `keep` is no ``timedelta``.
    """

    #: Names of constructor options that a record of this result may keep. Own subclasses keep nothing by default.
    record_options: ClassVar[tuple[str, ...]] = ()

    value: Any
    location: str | None = None
    serializer: Serializer = _DefaultSerializer()  # type: ignore[assignment]
    keep: timedelta | None = None
    _formatter: Callable[..., str] | None = None
    #: Whether the location of a written result is its place.
    _is_place: ClassVar[bool] = True
    #: What a recorded run knows of the stored bytes: their number, and their digest.
    _size: int | None = None
    _digest: bytes | None = None
    #: Those bytes, where their digest is still to be taken.
    _undigested: bytes | None = None
    #: Reads the value of a result that has none yet; see :mod:`resultant.engine.recorded`.
    _load: Callable[[Result], Any] | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # Objects of a class share the names of their attributes as long as those are known before there are many objects;
        # a name that comes later costs each object a dictionary of its own, which takes memory and garbage collections.
        # https://github.com/python/cpython/blob/3.11/Objects/dictobject.c, init_inline_values
        if hasattr(cls, "__del__"):
            return  # it would be called on an object that was never made as it expects
        with suppress(TypeError):  # abstract, or derived from a class that makes its objects in its own way
            attributes = _new(cls).__dict__
            for name in ("value", "location", "serializer", *_KNOWN):
                attributes[name] = None

    def __init__(
        self,
        value: Any = None,
        location: str | Callable[..., str] | None = None,
        serializer: Serializer | None = None,
        keep: timedelta | None = None,
    ) -> None:
        self.value = value
        if location is not None:
            if isinstance(location, str):
                self.location = location
            else:
                self._formatter = location
        if serializer is not None:
            if isinstance(serializer, type):
                raise TypeError(
                    f"serializer={serializer.__name__} is a class; it takes an object: {serializer.__name__}()."
                )
            self.serializer = serializer
        if keep is not None:
            from datetime import timedelta

            if not isinstance(keep, timedelta):
                raise TypeError(f"`keep` takes a timedelta, not {keep!r}. Write keep=timedelta(days=30).")
            self.keep = keep

    def __getattr__(self, name: str) -> Any:
        # Reached only for what the instance does not have: the value of a result that is read when it is asked for.
        if name != "value":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        load = self._load
        value = None if load is None else load(self)
        self.value = value
        self._load = None
        return value

    def read(self, location: str) -> Result:
        """Return a copy with the value stored at `location`.

        Raises:
            ResultNotImplementedError: this class cannot read.
        """
        raise ResultNotImplementedError(_cannot(self, "read"))

    def write(self, value_: Any, **kwargs: Any) -> Result:
        """Store a value and return a copy that holds it and its location.

        Args:
            value_: the value; its name leaves ``value`` free for a template.
            **kwargs: what the location's template may use.

        Raises:
            ResultNotImplementedError: this class cannot write; a checkpoint then stays in memory.
        """
        raise ResultNotImplementedError(_cannot(self, "write"))

    def exists(self, location: str, **kwargs: Any) -> bool:
        """Return whether something is stored at `location`.

        Args:
            location: text or template.
            **kwargs: what the template may use.

        Raises:
            ResultNotImplementedError: this class cannot look.
        """
        raise ResultNotImplementedError(_cannot(self, "look for"))

    def delete(self, location: str | None = None) -> None:
        """Remove what is stored at `location`, or at this result's own.

        Raises:
            ResultNotImplementedError: this class cannot delete.
        """
        raise ResultNotImplementedError(_cannot(self, "delete"))

    def stat(self, location: str | None = None) -> Stat:
        """Return size in bytes, SHA-256 digest and time of what is stored at `location`, or at this result's own.

        Raises:
            ResultNotImplementedError: this class cannot look.
        """
        raise ResultNotImplementedError(_cannot(self, "describe"))

    def copy(self) -> Self:
        """Return a shallow copy."""
        new = _new(self.__class__)
        new.__dict__.update(self.__dict__)
        return new

    def from_value(self, value: Any) -> Self:
        """Return a copy that holds `value` and has no location yet."""
        new = self.copy()
        new.value = value
        new.location = None
        new._forget()
        return new

    def _forget(self) -> None:
        """Drop what is known of the bytes of another value."""
        known = self.__dict__
        for name in _KNOWN:
            if name in known:
                del known[name]

    def format(self, **kwargs: Any) -> Self:
        """Return a copy whose location is concrete.

        Args:
            **kwargs: what the template may use, or what the callable is given.

        Raises:
            LocationError: the template cannot be filled in, or would leave its folder.
        """
        new = self.copy()
        new.location = self._render(kwargs)
        return new

    @property
    def default_location(self) -> str:
        """A location that no other write has; new at each access."""
        from resultant.engine.location import default_location

        return default_location()

    @property
    def place(self) -> str | None:
        """What tells the stored bytes from all others, wherever it is read: the location, and more where many share that."""
        return self.location

    def recorded_options(self) -> dict[str, Any]:
        """Return the constructor options that a record keeps: enough to make a result that reads the same bytes."""
        return {name: getattr(self, name) for name in self.record_options}

    def describe(self) -> ResultRecord:
        """Return a JSON-able description from which any process rebuilds this result, without its value."""
        from resultant.engine.description import describe

        return describe(self)

    @staticmethod
    def from_record(record: ResultRecord, types: Iterable[type] = ()) -> Result:
        """Return the result that a record describes, without its value; ``read(record.location)`` gives that.

        Args:
            record: what :meth:`describe` gave, in whatever process.
            types: own classes of results and serializers that may be meant besides the built-in ones and those of
                installed packages (entry points ``resultant.results`` and ``resultant.serializers``).

        Raises:
            UnreadableResultError: nothing here has the name that the record gives.
        """
        from resultant.engine.description import from_record

        return from_record(record, types)

    def _render(self, names: dict[str, Any]) -> str:
        if self.location is not None:
            from resultant.engine.location import compile_template
            from resultant.runtime import settings

            template = compile_template(self.location)
            try:
                return template.render(names.__getitem__, settings().templates.allow_absolute)
            except KeyError as error:
                from resultant.engine.location import missing_name

                missing = next((name for name in template.names if name not in names), None)
                if missing is None:
                    raise
                raise missing_name(template.text, missing, names) from error
        if self._formatter is not None:
            from resultant.engine.location import call_with_names, check_returned
            from resultant.runtime import settings

            name = getattr(self._formatter, "__name__", repr(self._formatter))
            made = call_with_names(self._formatter, names)
            return check_returned(made, f"The callable {name!r}", settings().templates.allow_absolute)
        return self.default_location

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        public = {name for name in (*vars(self), *vars(other)) if name[0] != "_"}
        public.update(("value", "location", "serializer"))
        return all(same(getattr(self, name), getattr(other, name)) for name in public)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.value!r}>"

    def _repr_html_(self) -> str:
        from resultant.engine.html import result_html

        return result_html(self)

    def __rich_repr__(self) -> Iterator[tuple[str, Any]]:
        from resultant.engine.rich_repr import result_fields

        return result_fields(self)


class NoResultType(Result):
    """The absence of a result; its one ready-made instance is ``NoResult``. Compare with ``==``: pickling makes another."""


NoResult = NoResultType()


def same(one: Any, other: Any) -> bool:
    """Return whether two values are equal, arrays and frames included.

    Args:
        one: a value.
        other: another.
    """
    if one is other:
        return True
    if getattr(one, "shape", None) != getattr(other, "shape", None):
        # Arrays of other shapes may be compared all the same, and then one item stands for many.
        return False
    try:
        equal = one == other
    except (ValueError, TypeError):
        # Arrays and missing values inside of containers, frames with other labels.
        return _same_digest(one, other)
    if hasattr(equal, "all"):
        # Arrays and frames compare element by element; missing values are neither equal to anything nor unequal.
        if _over_all(equal.isna(), "any") if hasattr(equal, "isna") else hasattr(equal, "mask"):
            return _same_digest(one, other)
        return _over_all(equal, "all")
    try:
        return bool(equal)
    except (ValueError, TypeError):
        return _same_digest(one, other)


def _over_all(items: Any, word: str) -> bool:
    found = getattr(items, word)()
    # Of a frame that is still one for each column.
    return bool(getattr(found, word)() if hasattr(found, word) else found)


def _same_digest(one: Any, other: Any) -> bool:
    from resultant.engine.digests import digest_value

    digest = digest_value(one)
    return digest is not None and digest == digest_value(other)


def _cannot(result: Result, action: str) -> str:
    return f"{type(result).__name__} cannot {action} a value; use a result that has a storage, such as LocalResult."
