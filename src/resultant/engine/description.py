"""Result → description → result: what a row keeps, so that any process can read the bytes again.

Types are found among the built-in ones, the entry points ``resultant.results``, and classes handed over by the caller;
never by importing a path that a row gives.
"""

from __future__ import annotations

from resultant.engine.result import Result
from resultant.errors import ConfigurationError, UnreadableResultError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from resultant.records import ResultRecord

__all__ = ["ENTRY_POINTS", "describe", "from_record", "kind_of", "result_at"]

#: Installed packages offer classes of results under this group; the entry point's name is the class's in records.
ENTRY_POINTS = "resultant.results"

_BUILT_IN = {
    "result": "Result",
    "local": "LocalResult",
    "inline": "InlineResult",
    "constant": "ConstantResult",
    "secret": "SecretResult",
    "s3": "S3Result",
    "gcs": "GCSResult",
    "azure": "AzureResult",
    "url": "URLResult",
}


def describe(result: Result) -> ResultRecord:
    """Return what a row keeps of a result: never its value, never credentials.

    Args:
        result: the result; sizes and digests are filled in where its class can tell them.
    """
    from resultant.records import ResultRecord, python_version, value_library

    size: int | None = None
    digest: str | None = None
    if result.location is not None and type(result).stat is not Result.stat:
        from resultant.errors import MissingResultError

        try:
            found = result.stat()
        except MissingResultError:
            # A result that is not written yet, or whose bytes somebody removed: its description says so by silence.
            found = None
        if found is not None:
            size, digest = found.size, found.digest
    library, version = value_library(result.value)
    return ResultRecord(
        type=_name_of(type(result)),
        options=result.recorded_options(),
        location=result.place,
        serializer=result.serializer.describe(),
        size=size,
        digest=digest,
        python=python_version(),
        library=library,
        library_version=version,
        returned_none=result.value is None,
    )


def kind_of(result: Result) -> tuple[str, str, str | None, str, str | None, str | None]:
    """Return what many results of a run have in common, as a database interns it.

    Args:
        result: one of them, with its value.

    Returns:
        Name of the type, its options as JSON, the serializer's description as JSON, version of Python, name and version
        of the library that owns the value's type.
    """
    import json

    from resultant.records import python_version, value_library

    options = result.recorded_options()
    serializer = result.serializer.describe()
    return (
        _name_of(type(result)),
        json.dumps(options, sort_keys=True),
        None if serializer is None else json.dumps(serializer, sort_keys=True),
        python_version(),
        *value_library(result.value),
    )


def from_record(record: ResultRecord, types: Iterable[type[Any]] = (), own: Result | None = None) -> Result:
    """Return the result that a record describes, without its value; ``read(record.location)`` gives that.

    Args:
        record: the description.
        types: own classes of results and serializers that may be meant besides the built-in ones.
        own: the result that a flow uses now. If it leads to the same place its credentials are used, which no record has.

    Raises:
        UnreadableResultError: nothing here has the name that the record gives.
    """
    types = tuple(types)
    cls = _class_named(record.type, tuple(each for each in types if issubclass(each, Result)))
    if cls is None:
        raise UnreadableResultError(
            f"This result was made by a class named {record.type!r}, and nothing here has that name. Hand the class over, "
            f"install the package that offers it (entry points {ENTRY_POINTS!r}), or read it with the flow's own result."
        )
    options = dict(record.options)
    if record.serializer is not None and _takes_serializer(cls):
        from resultant.engine.serializers import Serializer, from_description

        options["serializer"] = from_description(
            record.serializer, tuple(each for each in types if issubclass(each, Serializer))
        )
    from resultant.engine.results import LocalResult

    if issubclass(cls, LocalResult):
        # Whoever may read the folder can read the result; writing to it is another matter.
        options.setdefault("validate_dir", False)
    result: Result
    if own is not None and getattr(own, "_secrets", None) and _leads_there(own, record):
        result = own.from_value(None)
        if "serializer" in options:
            result.serializer = options["serializer"]
    else:
        result = cls(**options)
    result.location = record.location
    return result


def _leads_there(own: Result, record: ResultRecord) -> bool:
    return _name_of(type(own)) == record.type and own.recorded_options() == record.options


def result_at(place: str, **options: Any) -> Result:
    """Return a result for a place that a setting names.

    Args:
        place: the path of a folder, which has a slash in it; an address such as ``s3://bucket/prefix``; the name of a store in
            the settings; or the name of a class, such as ``LocalResult``.
        **options: for the result, such as its ``serializer``.

    Raises:
        ConfigurationError: nothing of that kind is meant.
    """
    from resultant.engine import results

    if "://" in place:
        return results.URLResult(place, **options)
    if "/" in place:
        return results.LocalResult(dir=place, **options)
    from resultant.engine.credentials.named import is_store, store_names

    if is_store(place):
        return results.URLResult(store=place, **options)
    found: Any = _class_named(place, ()) or (getattr(results, place) if place in results.__all__ else None)
    if found is None:
        known = ", ".join(repr(name) for name in store_names())
        raise ConfigurationError(
            f"{place!r} is no class of results{f' and none of the stores {known}' if known else ''}, so `flows.default_result` "
            "and `result_at` make nothing of it; try 'LocalResult', a folder, an address such as 's3://bucket/prefix', or a "
            "store of the settings."
        )
    made: Result = found(**options)
    return made


def _takes_serializer(cls: type[Result]) -> bool:
    from resultant.engine.results import ConstantResult, SecretResult

    return not issubclass(cls, (ConstantResult, SecretResult))


def _name_of(cls: type[Result]) -> str:
    from resultant.engine import results

    for name, attribute in _BUILT_IN.items():
        if cls is (Result if name == "result" else getattr(results, attribute)):
            return name
    return cls.__qualname__


def _class_named(name: str, types: tuple[type[Result], ...]) -> type[Result] | None:
    if name == "result":
        return Result
    if name in _BUILT_IN:
        from resultant.engine import results

        found: type[Result] = getattr(results, _BUILT_IN[name])
        return found
    for each in types:
        if name in (each.__qualname__, each.__name__):
            return each
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINTS, name=name):
        loaded = point.load()
        if isinstance(loaded, type) and issubclass(loaded, Result):
            return loaded
    return None
