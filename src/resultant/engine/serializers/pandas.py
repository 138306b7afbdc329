"""`PandasSerializer`: frames in one of the formats that pandas writes and reads."""

from __future__ import annotations

from resultant.engine.serializers.base import Serializer
from resultant.errors import CorruptResultError, ReadError, SerializationError, UnreadableResultError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["PandasSerializer"]

#: Formats that every supported pandas both writes and reads; for others pandas is asked at construction.
_KNOWN = frozenset({"csv", "excel", "feather", "html", "json", "orc", "parquet", "pickle", "stata", "xml"})

#: How whole files of a format end.
_ENDINGS = {"parquet": b"PAR1", "feather": b"ARROW1", "orc": b"ORC"}


class PandasSerializer(Serializer):
    """Stores a frame through ``DataFrame.to_<file_type>`` and reads it through ``pandas.read_<file_type>``.

    What comes back is what that format keeps: CSV, for instance, keeps neither types nor, without
    ``serialize_kwargs={"index": False}``, a frame without an extra column.

    Args:
        file_type: such as ``"csv"`` or ``"parquet"``.
        deserialize_kwargs: for the reading function.
        serialize_kwargs: for the writing method.

    Raises:
        ValueError: pandas does not both write and read this format.
    """

    name = "pandas"

    def __init__(
        self,
        file_type: str,
        deserialize_kwargs: dict[str, Any] | None = None,
        serialize_kwargs: dict[str, Any] | None = None,
    ) -> None:
        if file_type not in _KNOWN:
            import pandas

            for owner, action in ((pandas, f"read_{file_type}"), (pandas.DataFrame, f"to_{file_type}")):
                if not hasattr(owner, action):
                    raise ValueError(
                        f"pandas has no {action!r}, so {file_type!r} is no format for PandasSerializer. "
                        f"Use one of {', '.join(sorted(_KNOWN))}."
                    )
        self.file_type = file_type
        self.deserialize_kwargs = deserialize_kwargs or {}
        self.serialize_kwargs = serialize_kwargs or {}

    def serialize(self, value: Any) -> bytes:
        """Return a frame in the format.

        Raises:
            SerializationError: the value is no frame.
        """
        from io import BytesIO, StringIO

        write = getattr(value, f"to_{self.file_type}", None)
        if write is None:
            raise SerializationError(
                f"PandasSerializer({self.file_type!r}) takes a DataFrame and got a {type(value).__qualname__}. "
                "Return a frame, or use another serializer."
            )
        binary = BytesIO()
        try:
            write(binary, **self.serialize_kwargs)
            return binary.getvalue()
        except TypeError as refusal:
            # Some writers want text.
            text = StringIO()
            try:
                write(text, **self.serialize_kwargs)
            except TypeError:
                raise refusal from None
            return text.getvalue().encode()

    def deserialize(self, value: bytes) -> Any:
        """Return the frame.

        Raises:
            CorruptResultError: the bytes are empty, truncated or damaged.
            UnreadableResultError: the bytes look whole, and pandas cannot read them with these options or libraries.
        """
        from io import BytesIO

        import pandas

        if not len(value):
            raise CorruptResultError(f"There is no {self.file_type}: the bytes are empty.")
        try:
            return getattr(pandas, f"read_{self.file_type}")(BytesIO(value), **self.deserialize_kwargs)
        except MemoryError:
            raise
        except Exception as error:
            raise _explain(self.file_type, bytes(value), error) from error

    def options(self) -> dict[str, Any]:
        """Return the keyword arguments that make an equal serializer."""
        return {
            "file_type": self.file_type,
            "deserialize_kwargs": self.deserialize_kwargs,
            "serialize_kwargs": self.serialize_kwargs,
        }

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.options() == other.options()

    def __hash__(self) -> int:
        return hash((type(self), self.file_type))

    def __repr__(self) -> str:
        return f"PandasSerializer({self.file_type!r})"


def _explain(file_type: str, value: bytes, error: Exception) -> ReadError | MemoryError:
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, ImportError):
        return UnreadableResultError(f"pandas cannot read {file_type} here: {said}. Install what it asks for.")
    if file_type == "pickle":
        from resultant.engine.serializers.damage import explain_unpickling

        return explain_unpickling(value, error)
    if _is_damaged(file_type, value, error):
        return CorruptResultError(f"The {file_type} is truncated or damaged ({len(value)} bytes; {said}).")
    return UnreadableResultError(
        f"pandas cannot read this as {file_type}: {said}. Compare deserialize_kwargs and the versions of the libraries."
    )


def _is_damaged(file_type: str, value: bytes, error: Exception) -> bool:
    if file_type in _ENDINGS:
        return not value.rstrip().endswith(_ENDINGS[file_type])
    if file_type == "json":
        from resultant.engine.serializers.json import JSONSerializer

        try:
            JSONSerializer().deserialize(value)
        except CorruptResultError:
            return True
        except UnreadableResultError:
            return False
        return False
    return type(error).__name__ in ("BadZipFile", "EOFError", "EmptyDataError", "error", "XMLSyntaxError", "ParseError")
