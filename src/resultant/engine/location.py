"""Template → name: where a result goes.

A template is compiled once. It cannot reach into objects by names that begin with an underscore, cannot read secrets,
and what its values contribute cannot leave the root: the store's folder, or the literal folder that the developer wrote.
"""

from __future__ import annotations

from resultant.errors import LocationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Lookup = Callable[[str], Any]

__all__ = ["Template", "call_with_names", "check_returned", "compile_template", "default_location"]

#: What a template may never read, whoever offers it.
_FORBIDDEN = "secrets"

#: How segments of packed results are called: ``MARK`` of :mod:`resultant.stores.base`, which is not imported on this path.
PACKED = "resultant-packed-"


class Template:
    """A compiled location.

    Attributes:
        text: as the user wrote it.
        names: the names that it needs, in order of appearance.
    """

    __slots__ = ("_absolute", "_around", "_climbs", "_segments", "names", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._segments = _parse(text)
        self.names: tuple[str, ...] = tuple(dict.fromkeys(_names(self._segments)))
        first = self._segments[0] if self._segments else ""
        self._absolute = isinstance(first, str) and first.startswith("/")
        #: The text before and after the only name, where it is one that needs no more than its value's text.
        self._around: tuple[str, _Field, str] | None = None
        fields = [each for each in self._segments if not isinstance(each, str)]
        if len(fields) == 1 and fields[0].simple:
            place = self._segments.index(fields[0])
            before, after = ("".join(map(str, part)) for part in (self._segments[:place], self._segments[place + 1 :]))
            self._around = before, fields[0], after
        self._climbs = _climbing_parts(text) if ".." in text else 0

    def __reduce__(self) -> Any:
        return compile_template, (self.text,)

    def render(self, lookup: Lookup, allow_absolute: bool = False) -> str:
        """Return the location for one set of values.

        Args:
            lookup: gives the value of a name, or raises ``KeyError``.
            allow_absolute: let values make a relative template absolute, and let the text itself climb with ``..``.

        Raises:
            LocationError: a name is missing, a value cannot be formatted as asked, or the location would leave its root.
        """
        location = self.fill(lookup)
        # "/", "." or nothing at all at either end, and what only some names may contain: worth a closer look.
        if (
            location[:1] in _SUSPICIOUS
            or location[-1:] in _SUSPICIOUS
            or ".." in location
            or "\0" in location
            or PACKED in location
            or not location.isascii()
        ):
            self._check(location, allow_absolute)
        return location

    def fill(self, lookup: Lookup) -> str:
        """Return the text for one set of values, whatever it is going to be used for.

        Args:
            lookup: gives the value of a name, or raises ``KeyError``.

        Raises:
            LocationError: a name is missing, or a value cannot be formatted as asked.
        """
        pieces: list[str] = []
        add = pieces.append
        segment: str | _Field = ""
        try:
            if self._around is not None:
                before, segment, after = self._around
                return f"{before}{lookup(segment.name)}{after}"
            for segment in self._segments:
                if type(segment) is str:
                    add(segment)
                elif segment.simple:  # type: ignore[union-attr]
                    add(format(lookup(segment.name)))  # type: ignore[union-attr]
                else:
                    add(segment.format(lookup(segment.name), lookup))  # type: ignore[union-attr]
        except LocationError:
            raise
        except KeyError as error:
            raise self._missing(segment, error) from None  # type: ignore[arg-type]
        except Exception as error:
            raise LocationError(
                f"The location {self.text!r} cannot be made: {{{segment}}} gave {type(error).__name__}: {error}"
            ) from error
        return "".join(pieces)

    def _check(self, location: str, allow_absolute: bool) -> None:
        if not location:
            raise LocationError(f"The location {self.text!r} comes out empty; a result needs a name.")
        flaw = _flaw(location)
        if flaw:
            raise LocationError(f"The location {location!r}, made from {self.text!r}, {flaw}.")
        if location[0] == "/" and not self._absolute and not allow_absolute:
            raise LocationError(
                f"The location {self.text!r} comes out as {location!r}: a value may not move a result out of its folder. "
                "Name the folder with `dir=`, or switch on the setting `templates.allow_absolute`."
            )
        climbs = _climbing_parts(location)
        if climbs > self._climbs or (climbs and not (self._absolute or allow_absolute)):
            raise LocationError(
                f"The location {self.text!r} comes out as {location!r}: '..' may not lead out of the result's folder. "
                "Name the folder with `dir=`, or, where the template itself climbs on purpose, switch on the setting "
                "`templates.allow_absolute`."
            )

    def _missing(self, segment: _Field, error: KeyError) -> LocationError:
        if error.args and error.args[0] != segment.name:
            return LocationError(f"The location {self.text!r} cannot be made: {{{segment}}} has no key {error}.")
        return missing_name(self.text, segment.name, ())


class _Field:
    """One ``{name.attribute[key]!conversion:spec}``."""

    __slots__ = ("conversion", "name", "path", "simple", "spec", "text")

    def __init__(
        self, text: str, name: str, path: tuple[tuple[bool, Any], ...], conversion: str | None, spec: str | list[Any]
    ) -> None:
        self.text = text
        self.name = name
        self.path = path
        self.conversion = conversion
        self.spec = spec
        self.simple = not path and conversion is None and not spec

    def __str__(self) -> str:
        return self.text

    def format(self, value: Any, lookup: Lookup) -> str:
        for is_attribute, key in self.path:
            value = getattr(value, key) if is_attribute else value[key]
        conversion = self.conversion
        if conversion is not None:
            value = repr(value) if conversion == "r" else str(value) if conversion == "s" else ascii(value)
        spec = self.spec
        if spec.__class__ is list:
            spec = "".join(part if part.__class__ is str else part.format(lookup(part.name), lookup) for part in spec)
        return format(value, spec)  # type: ignore[arg-type]


def _parse(text: str, whole: str | None = None) -> list[str | _Field]:
    from _string import formatter_field_name_split, formatter_parser  # type: ignore[import-not-found]

    segments: list[str | _Field] = []
    try:
        parts = list(formatter_parser(text))
        # Messages show the template that the user wrote, also where the fault is in a format inside it.
        text = whole or text
    except ValueError as error:
        raise LocationError(
            f"The location template {whole or text!r} is malformed: {error}. Write {{name}} for a value, {{{{ and }}}} for braces."
        ) from None
    for literal, field, spec, conversion in parts:
        if literal:
            if segments and isinstance(segments[-1], str):
                segments[-1] += literal
            else:
                segments.append(literal)
        if field is None:
            continue
        try:
            first, rest = formatter_field_name_split(field)
            path = tuple(rest)
        except ValueError as error:
            raise LocationError(f"The location template {text!r} is malformed: {error} in {{{field}}}.") from None
        if not isinstance(first, str) or not first:
            raise LocationError(
                f"The location template {text!r} has a field without a name: {{{field}}}; name its value."
            )
        if conversion not in (None, "r", "s", "a"):
            raise LocationError(
                f"The location template {text!r} has an unknown conversion '!{conversion}' in {{{field}}}."
            )
        for _, key in ((True, first), *path):
            if isinstance(key, str) and key.startswith("_"):
                raise LocationError(
                    f"The location template {text!r} reaches for {key!r} in {{{field}}}: names that begin with an underscore "
                    "cannot be used in a location."
                )
        if first == "config" and path and path[0][1] in ("context", "secrets"):
            raise LocationError(f"The location template {text!r} reads {{{field}}}: secrets never go into a location.")
        segments.append(
            _Field(field, first, path, conversion, _parse(spec, text) if spec and "{" in spec else spec or "")
        )
    return segments


def _names(segments: Iterable[Any]) -> Iterable[str]:
    for segment in segments:
        if segment.__class__ is not str:
            yield segment.name
            if segment.spec.__class__ is list:
                yield from _names(segment.spec)


#: What a location may not end with, nor begin with without being looked at.
_SUSPICIOUS = ("", "/", ".")


def _climbing_parts(location: str) -> int:
    return location.split("/").count("..")


def _flaw(location: str) -> str | None:
    """Return why no store could take a location as the name of a result, or ``None``."""
    if "\0" in location:
        return "contains a NUL character"
    try:
        # Names that Python read from a file system may hold escaped bytes, which lead to the same name again.
        location.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        return f"cannot be encoded as a name: {error.object[error.start : error.end]!r} is no character"
    if location.rpartition("/")[2] in ("", "."):
        return "names a folder, not a result"
    if PACKED in location:
        from resultant.stores.packed import is_inside

        if is_inside(location):
            return "names a segment of packed results, or a part of one, which nobody else may write to"
    return None


def call_with_names(function: Callable[..., Any], names: dict[str, Any]) -> Any:
    """Return what a callable in the place of a template says.

    Args:
        function: is given every name as a keyword argument.
        names: what a template may use.

    Raises:
        TypeError: it does not take them.
    """
    try:
        return function(**names)
    except TypeError as error:
        if "unexpected keyword argument" not in str(error):
            raise
        raise TypeError(
            f"{error}; a callable in the place of a template is given every name that a template may use: let it take "
            "`**names`"
        ) from error


def check_returned(location: Any, what: str, allow_absolute: bool) -> str:
    """Return a location that a callable of the user's made, if it is one.

    Args:
        location: what it returned.
        what: what it is called, as the beginning of a sentence.
        allow_absolute: let it climb with ``..``.

    Raises:
        LocationError: it is no text, no name, or leads out of its folder.
    """
    if not isinstance(location, str) or not location:
        raise LocationError(f"{what} must return a location as text, but returned {location!r}.")
    flaw = _flaw(location)
    if flaw:
        raise LocationError(f"{what} returned {location!r}, which {flaw}.")
    if ".." in location and _climbing_parts(location) and not allow_absolute:
        raise LocationError(
            f"{what} returned {location!r}: '..' may not lead out of the result's folder. Name the folder with `dir=`, return "
            "an absolute location without '..', or switch on the setting `templates.allow_absolute`."
        )
    return location


def missing_name(text: str, name: str, offered: Iterable[str]) -> LocationError:
    """Return the error for a template that needs a name which nobody offers."""
    if name == _FORBIDDEN:
        return LocationError(f"The location {text!r} reads {{secrets}}: secrets never go into a location.")
    names = ", ".join(sorted(offered))
    there = f" There are: {names}." if names else ""
    return LocationError(f"The location {text!r} needs {{{name}}}, which nothing provides.{there}")


_compiled: dict[str, Template] = {}


def compile_template(text: str) -> Template:
    """Return the compiled form of a template; each text is compiled once per process.

    Raises:
        LocationError: the template is malformed, or reaches for what no location may contain.
    """
    template = _compiled.get(text)
    if template is None:
        template = Template(text)
        if len(_compiled) >= 4096:
            _compiled.clear()
        _compiled[text] = template
    return template


_second = 0
_prefix = ""
_process = ""
_counter = 0


def default_location() -> str:
    """Return a location that no other write has: the UTC time of now, a random part of this process, and a counter."""
    from time import time_ns

    global _second, _prefix, _process, _counter
    second, rest = divmod(time_ns(), 1_000_000_000)
    if second != _second or not _process:
        from time import gmtime, strftime

        _prefix = strftime("resultant-result-%Y-%m-%dt%H-%M-%S-", gmtime(second))
        _second = second
        if not _process:
            import os

            _process = os.urandom(6).hex()
            os.register_at_fork(after_in_child=_forget_process)
    _counter += 1
    return f"{_prefix}{rest // 1000:06d}-00-00-{_process}{_counter:06x}"


def _forget_process() -> None:
    global _process
    _process = ""
