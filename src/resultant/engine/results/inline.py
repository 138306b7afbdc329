"""Small results whose location *is* the value, as JSON: they need no storage but the row that names them."""

from __future__ import annotations

from resultant.engine.result import Result
from resultant.errors import ReadError, StorageFullError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

__all__ = ["LIMIT", "InlineResult", "PrefectResult"]

#: Bytes of JSON beyond which a value does not belong into a location.
LIMIT = 64 * 1024


class InlineResult(Result):
    """Keeps the value's text in the location.

    Args:
        **options: of :class:`~resultant.engine.result.Result`; the serializer must be a ``JSONSerializer`` (default) or a
            ``DateTimeSerializer``.

    Raises:
        TypeError: another serializer was given.
    """

    def __init__(self, **options: Any) -> None:
        if options.get("serializer") is None:
            from resultant.engine.serializers import JSONSerializer

            options["serializer"] = JSONSerializer()
        super().__init__(**options)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "serializer":
            from resultant.engine.serializers import DateTimeSerializer, JSONSerializer

            if not isinstance(value, (JSONSerializer, DateTimeSerializer)):
                raise TypeError(
                    f"{type(self).__name__} needs a JSONSerializer or a DateTimeSerializer, because its location is text; got "
                    f"{type(value).__name__}."
                )
        object.__setattr__(self, name, value)

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Pickles written by Prefect 1 have it under another name.
        if "_serializer" in state:
            state["serializer"] = state.pop("_serializer")
        self.__dict__.update(state)

    def read(self, location: str) -> Self:
        """Return a copy whose value is parsed from `location`.

        Raises:
            ReadError: the text is no whole document.
        """
        new = self.copy()
        new.value = self.serializer.deserialize(location.encode())
        new.location = location
        return new

    def write(self, value_: Any, **kwargs: Any) -> Self:
        """Return a copy whose location is the value's text; no template is used.

        Raises:
            SerializationError: JSON cannot carry the value unchanged.
            StorageFullError: the text is longer than 64 KiB.
        """
        new = self.copy()
        new.value = value_
        text = self.serializer.serialize(value_)
        if len(text) > LIMIT:
            raise StorageFullError(
                f"This value is {len(text)} bytes of JSON; {type(self).__name__} keeps at most {LIMIT} in a location. Use a "
                "result with a storage, such as LocalResult."
            )
        new.location = text.decode()
        return new

    def exists(self, location: str, **kwargs: Any) -> bool:
        """Return whether `location` parses."""
        try:
            self.serializer.deserialize(location.encode())
        except (ReadError, ValueError, AttributeError, TypeError):
            return False
        return True


#: The name that the mission document and its users know.
PrefectResult = InlineResult
