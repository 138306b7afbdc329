"""What is known about a stored result: everything that is needed to read it, never the value."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from resultant.errors import CorruptResultError, UnreadableResultError

__all__ = [
    "ESCAPED",
    "CacheEntry",
    "FlowRun",
    "ResultKind",
    "ResultRecord",
    "TaskRun",
    "location_of",
    "location_text",
    "python_version",
    "value_library",
]

_VERSION = 1

#: Begins a location that is kept as hexadecimal digits; no location begins with a control character otherwise.
ESCAPED = "\x01"

#: What the fields of a record are as JSON, those that are no text or ``None``.
_TYPES: dict[str, tuple[type, ...]] = {
    "type": (str,),
    "options": (dict,),
    "serializer": (dict, type(None)),
    "size": (int, type(None)),
    "returned_none": (bool,),
}

#: Name and version of the library that owns a type, by the type's top-level module.
_libraries: dict[str, tuple[str, str] | tuple[None, None]] = {}


class ResultRecord(NamedTuple):
    """One stored result. It alone, with access to the storage, gives the value back.

    Attributes:
        type: persistent name of the result's class, e.g. ``"local"``; empty where the class cannot be named, and reading
            needs the flow's own object.
        options: what makes an equal result object, credentials left out.
        location: where the bytes are, as the result's ``read`` takes it; ``None`` if nothing was written.
        serializer: what :meth:`~resultant.engine.serializers.Serializer.describe` gave; ``None`` where the serializer
            cannot be named.
        size: of the bytes.
        digest: of the bytes, with the name of its algorithm in front: ``"sha256:…"``.
        python: version of Python that wrote the bytes.
        library: top-level package that owns the value's type, if that is none of Python's own.
        library_version: the version of that package.
        returned_none: the task returned ``None``, and nothing needed to be written for that.
    """

    type: str
    options: dict[str, Any] = {}
    location: str | None = None
    serializer: dict[str, Any] | None = None
    size: int | None = None
    digest: str | None = None
    python: str | None = None
    library: str | None = None
    library_version: str | None = None
    returned_none: bool = False

    def to_json(self) -> str:
        """Return the record as JSON: the same text for equal records, and readable by later releases."""
        unusual = {
            name: value for name, value in self._asdict().items() if value != self._field_defaults.get(name, ...)
        }
        return json.dumps({"version": _VERSION, **unusual}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> ResultRecord:
        """Return the record that JSON text holds; fields that this release does not know are left out.

        Args:
            text: what :meth:`to_json` gave.

        Raises:
            CorruptResultError: the text is no record.
            UnreadableResultError: a later release wrote it in a way that this one cannot understand.
        """
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise CorruptResultError(f"The record of the result is damaged: {error}") from error
        version = fields.get("version") if isinstance(fields, dict) else None
        if isinstance(version, int) and version > _VERSION:
            raise UnreadableResultError(
                f"The record has version {version}, and this release reads up to {_VERSION}. Read it with a newer one."
            )
        if version != _VERSION:
            raise CorruptResultError("The record of the result is damaged: it does not say its version.")
        found = {name: fields[name] for name in cls._fields if name in fields}
        for name, value in found.items():
            if type(value) not in _TYPES.get(name, (str, type(None))):
                raise CorruptResultError(f"The record of the result is damaged: its {name} cannot be {value!r}.")
        if "type" not in found:
            raise CorruptResultError("The record of the result is damaged: it does not say its type.")
        return cls(**found)


class FlowRun(NamedTuple):
    """One run of a flow, with all its attempts. Times are seconds since 1970.

    Attributes:
        id: the run's.
        flow: the flow's name.
        name: the run's.
        state: the name of the class of its state.
        attempt: 1, and one more with each resume.
        parameters: JSON text that says what the parameters were and where their values lie.
        context: JSON text, without secrets.
        date: the run's ``date``, which names of places are made from.
        created: when the row was.
        started: when the latest attempt was.
        ended: when the latest attempt was; ``None`` while it runs, and where it was killed.
        file: the flow's file.
        attribute: what the flow is called in there.
        cwd: the working directory.
        executor: the executor's description.
        alias: whether the names of the library's forerunner were on.
        code: JSON text, a digest by slug.
        error: exception type, file and line; no message.
        message: the exception's message, where it was asked for.
        text: where the whole message lies.
        pinned: keep the run, whatever its age.
        digest_key: name of the secret that its digests were taken with; ``None`` where that is not known.
    """

    id: str
    flow: str
    name: str
    state: str
    attempt: int
    parameters: str | None
    context: str | None
    date: float
    created: float
    started: float | None = None
    ended: float | None = None
    file: str | None = None
    attribute: str | None = None
    cwd: str | None = None
    executor: str | None = None
    alias: bool = False
    code: str | None = None
    error: str | None = None
    message: str | None = None
    text: str | None = None
    pinned: bool = False
    digest_key: str | None = None


class TaskRun(NamedTuple):
    """How one task, or one child of a mapped task, stands in a run. Times are seconds since 1970.

    Attributes:
        run: id of the flow run.
        slug: of the task.
        index: of a mapped child; -1 for a task that is not mapped, and for the parent of one that is.
        state: the name of the state's class.
        attempt: the attempt of the run in which this came about.
        count: tries.
        started: of the latest try.
        ended: of the latest try.
        due: when the next try is.
        children: how many, of a mapped task's parent.
        input: digest of the inputs.
        kind: id of the :class:`ResultKind`; ``None`` where nothing is stored.
        location: where the bytes are.
        size: of the bytes.
        digest: of the bytes.
        none: the task returned ``None``, and nothing needed to be written for that.
        error: exception type, file and line; no message.
        message: the state's message, where it was asked for.
        text: where the whole message lies.
        loop: of a looping task, how many rounds.
    """

    run: str
    slug: str
    index: int  # type: ignore[assignment]
    state: str
    attempt: int
    count: int  # type: ignore[assignment]
    started: float
    ended: float | None = None
    due: float | None = None
    children: int | None = None
    input: bytes | None = None
    kind: int | None = None
    location: str | None = None
    size: int | None = None
    digest: bytes | None = None
    none: bool = False
    error: str | None = None
    message: str | None = None
    text: str | None = None
    loop: int | None = None


class ResultKind(NamedTuple):
    """What many results share: how their bytes were made, and by what.

    Attributes:
        id: the database's number for it.
        type: persistent name of the result's class.
        options: JSON text.
        serializer: JSON text; ``None`` where the serializer cannot be named.
        python: version of Python that wrote the bytes.
        library: top-level package that owns the values' type.
        library_version: the version of that package.
    """

    id: int
    type: str
    options: str
    serializer: str | None
    python: str | None
    library: str | None
    library_version: str | None


class CacheEntry(NamedTuple):
    """A result that other runs may use.

    Attributes:
        key: what is looked for.
        run: id of the flow run that made the result.
        slug: of its task.
        index: of its child; -1 for none.
        created: when.
        expires: when it ceases to be one; ``None`` for never.
        code: digest of the task's code.
        inputs: JSON text, digests by name.
        parameters: JSON text, digests by name.
    """

    key: str
    run: str
    slug: str
    index: int  # type: ignore[assignment]
    created: float
    expires: float | None = None
    code: bytes | None = None
    inputs: str | None = None
    parameters: str | None = None


def location_text(location: str) -> str:
    """Return a location as text that every database takes; :func:`location_of` gives it back.

    Args:
        location: may hold lone surrogates, as names of files that are no UTF-8 do.
    """
    try:
        location.encode()
    except UnicodeEncodeError:
        return ESCAPED + location.encode("utf-8", "surrogatepass").hex()
    return location


def location_of(text: str) -> str:
    """Return the location that :func:`location_text` was given."""
    if text.startswith(ESCAPED):
        return bytes.fromhex(text[len(ESCAPED) :]).decode("utf-8", "surrogatepass")
    return text


def python_version() -> str:
    """Return the version of this Python, as records keep it."""
    import sys

    return ".".join(map(str, sys.version_info[:3]))


def value_library(value: Any) -> tuple[str, str] | tuple[None, None]:
    """Return name and version of the package that owns a value's type.

    Args:
        value: anything; a class counts as a value of its own module.

    Returns:
        The package's import name and version, or two ``None`` for what Python itself or the user's script owns.
    """
    kind = value if isinstance(value, type) else type(value)
    name = str(kind.__module__).partition(".")[0]
    try:
        return _libraries[name]
    except KeyError:
        found = _libraries[name] = _look_up(name)
        return found


def _look_up(name: str) -> tuple[str, str] | tuple[None, None]:
    import sys

    if name in sys.stdlib_module_names or name in ("__main__", "__mp_main__"):
        return None, None
    version = getattr(sys.modules.get(name), "__version__", None)
    if not isinstance(version, str):
        from importlib.metadata import PackageNotFoundError
        from importlib.metadata import version as installed_version

        try:
            version = installed_version(name)
        except (PackageNotFoundError, ValueError):
            return None, None
    return name, version
