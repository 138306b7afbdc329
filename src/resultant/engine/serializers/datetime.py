"""`DateTimeSerializer`: one point in time, as ISO 8601 text."""

from __future__ import annotations

from resultant.engine.serializers.base import Serializer
from resultant.errors import CorruptResultError, SerializationError, UnreadableResultError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from typing import Any

__all__ = ["DateTimeSerializer"]

#: What a datetime that was read is passed through, for programs that expect another class of datetimes everywhere.
convert: Callable[[datetime], Any] | None = None

_NAIVE_LENGTH = len("2020-01-02T03:04:05,000006")
_LONGEST = 64


class DateTimeSerializer(Serializer):
    """Writes a datetime as ISO 8601 text with microseconds, and gives back one that compares equal.

    A datetime with a time zone comes back in UTC. One without comes back without: its text has a decimal comma, so that
    it cannot be mistaken for the other kind cut short.
    """

    name = "datetime"

    def serialize(self, value: Any) -> bytes:
        """Return the text of a datetime.

        Raises:
            SerializationError: it is no datetime, or is finer than a microsecond.
        """
        from datetime import UTC, datetime, timedelta

        if not isinstance(value, datetime):
            raise SerializationError(
                f"DateTimeSerializer takes a datetime and got a {type(value).__qualname__}. Use another serializer."
            )
        if getattr(value, "nanosecond", 0):
            raise SerializationError(
                f"{value!r} has nanoseconds, which a datetime cannot keep. Use PickleSerializer, or .floor('us')."
            )
        if value.utcoffset() is None:
            plain = datetime.isoformat(value.replace(tzinfo=None), timespec="microseconds")
            return plain.replace(".", ",").encode()
        try:
            value = datetime.astimezone(value, UTC)
        except OverflowError:
            # The first and last hours of the calendar have no UTC. Their own offset says as much, unless it has seconds:
            # such a text, cut short, would be another datetime.
            if value.utcoffset() % timedelta(minutes=1):
                raise SerializationError(f"{value!r} cannot be expressed in UTC. Use PickleSerializer.") from None
        return datetime.isoformat(value, timespec="microseconds").encode()

    def deserialize(self, value: bytes) -> Any:
        """Return the datetime.

        Raises:
            CorruptResultError: the text is empty, cut short or damaged.
            UnreadableResultError: the bytes are no text of a datetime at all.
        """
        from datetime import UTC, datetime

        data = bytes(value)
        if not data:
            raise CorruptResultError("There is no datetime: the bytes are empty.")
        if not data[:1].isdigit() or len(data) > _LONGEST:
            raise UnreadableResultError(
                f"The bytes begin with {data[:8]!r} and are no ISO 8601 datetime. "
                "Read them with the serializer that wrote them."
            )
        try:
            text = data.decode("ascii")
            found = datetime.fromisoformat(text)
        except ValueError as error:
            raise CorruptResultError(f"{data!r} is no whole ISO 8601 datetime: {error}") from error
        if found.tzinfo is None:
            if "," not in text or len(text) != _NAIVE_LENGTH:
                raise CorruptResultError(f"{text!r} is no whole ISO 8601 datetime: it ends before the offset from UTC.")
        else:
            offset = text[19:].replace("-", "+").rpartition("+")[2]
            if not text.endswith("Z") and len(offset) not in (4, 5, 8, 15):
                raise CorruptResultError(f"{text!r} is no whole ISO 8601 datetime: its offset from UTC is cut short.")
            try:
                found = found.astimezone(UTC)
            except OverflowError:
                pass
        return found if convert is None else convert(found)
