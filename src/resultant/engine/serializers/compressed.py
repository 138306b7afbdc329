"""`CompressedSerializer`: another serializer's bytes, compressed on the way."""

from __future__ import annotations

from resultant.engine.serializers.base import Serializer
from resultant.errors import CorruptResultError, ResultantError, UnreadableResultError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    from resultant.engine.serializers.base import Sink, Source

__all__ = ["CompressedSerializer"]

_USUAL = ("bz2", "gzip", "lzma", "zlib")

#: Formats that a record may name: a row must not choose which module is imported.
_NAMEABLE = frozenset({*_USUAL, "compression.zstd", "lz4.frame", "snappy", "brotli", "zstandard"})

#: How the bytes of a format begin.
_BEGINNINGS = {"bz2": b"BZh", "gzip": b"\x1f\x8b", "lzma": b"\xfd7zXZ\x00", "zlib": b"\x78"}


class CompressedSerializer(Serializer):
    """Compresses what another serializer writes.

    With the formats of the standard library (``bz2``, ``gzip``, ``lzma``, ``zlib``) both directions are streams, so that a
    large value is never in memory a second time.

    Args:
        serializer: makes the bytes that are compressed.
        format: name of a module with ``compress`` and ``decompress``.
        compress: a function from bytes to bytes, together with ``decompress`` instead of ``format``.
        decompress: the way back.
        compress_kwargs: further arguments for compressing, e.g. ``{"compresslevel": 1}``.
        decompress_kwargs: further arguments for decompressing.

    Raises:
        ValueError: neither a format nor both functions are given, or both are, or the module has no such functions.
        ImportError: there is no module of that name.
    """

    name = "compressed"

    def __init__(
        self,
        serializer: Serializer,
        format: str | None = None,
        compress: Callable[..., bytes] | None = None,
        decompress: Callable[..., bytes] | None = None,
        compress_kwargs: dict[str, Any] | None = None,
        decompress_kwargs: dict[str, Any] | None = None,
    ) -> None:
        functions = (compress, decompress)
        if (format is None) == (None in functions) or (format is not None and functions != (None, None)):
            raise ValueError("CompressedSerializer takes either a format, or both compress and decompress.")
        if format is not None:
            module = _module(format)
            compress, decompress = module.compress, module.decompress
        self.serializer = serializer
        self.format = format
        self.compress = compress
        self.decompress = decompress
        self.compress_kwargs = compress_kwargs or {}
        self.decompress_kwargs = decompress_kwargs or {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Pickles written by Prefect 1 have the functions, not the format's name, and private names for all of them.
        self.format = None
        self.__dict__.update({name.removeprefix("_"): value for name, value in state.items()})

    def serialize(self, value: Any) -> bytes:
        """Return the compressed bytes of a value.

        Raises:
            SerializationError: the inner serializer refuses the value.
        """
        pieces: list[bytes] = []
        self.dump(value, _Pieces(pieces))
        return b"".join(pieces)

    def deserialize(self, value: bytes) -> Any:
        """Return the value.

        Raises:
            CorruptResultError: the bytes are empty, truncated or damaged.
            UnreadableResultError: the bytes are of another format, or the inner serializer cannot decode them here.
        """
        from resultant.engine.serializers.streams import BytesSource

        return self.load(BytesSource(value))

    def dump(self, value: Any, sink: Sink) -> None:
        """Write the compressed bytes of a value to a sink, as they come."""
        if self.format in _USUAL:
            from resultant.engine.serializers.streams import CompressingSink

            compressing = CompressingSink(self.format, self.compress_kwargs, sink)
            self.serializer.dump(value, compressing)
            compressing.finish()
        else:
            pieces: list[bytes] = []
            self.serializer.dump(value, _Pieces(pieces))
            assert self.compress is not None
            sink.write(self.compress(b"".join(pieces), **self.compress_kwargs))

    def load(self, source: Source) -> Any:
        """Return the value, decompressed as it is needed."""
        if self.format not in _USUAL or self.decompress_kwargs or not source.size:
            return self.serializer.deserialize(self._decompress(source.read()))
        from resultant.engine.serializers.streams import DecompressedSource

        stream = DecompressedSource(self.format, source, self._damage)
        value = self.serializer.load(stream)
        stream.finish()
        return value

    def options(self) -> dict[str, Any]:
        """Return the keyword arguments that make an equal serializer."""
        return {
            "serializer": self.serializer.describe(),
            "format": self.format,
            "compress_kwargs": self.compress_kwargs,
            "decompress_kwargs": self.decompress_kwargs,
        }

    def describe(self) -> dict[str, Any] | None:
        """Return name and options, or ``None`` where functions or an own serializer cannot be told in JSON."""
        if self.format not in _NAMEABLE or self.serializer.describe() is None:
            return None
        return super().describe()

    @classmethod
    def from_options(cls, options: dict[str, Any], types: tuple[type[Serializer], ...] = ()) -> CompressedSerializer:
        """Make a serializer from what :meth:`options` gave.

        Raises:
            UnreadableResultError: the inner serializer is unknown, or the format is none that a record may name.
        """
        from resultant.engine.serializers.registry import from_description

        if options.get("format") not in _NAMEABLE:
            raise UnreadableResultError(
                f"A record names the compression {options.get('format')!r}, and only {', '.join(sorted(_NAMEABLE))} may be "
                "named. Read with the result that the flow itself was given."
            )
        return cls(**{**options, "serializer": from_description(options["serializer"], types)})

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), self.serializer, self.format))

    def __repr__(self) -> str:
        return f"CompressedSerializer({self.serializer!r}, format={self.format!r})"

    def _decompress(self, value: bytes) -> bytes:
        if not len(value):
            raise self._damage(b"", EOFError("there are no bytes"))
        assert self.decompress is not None
        try:
            return self.decompress(value, **self.decompress_kwargs)
        except (ResultantError, MemoryError):
            raise
        except Exception as error:
            raise self._damage(bytes(value[:8]), error) from error

    def _damage(self, beginning: bytes, error: Exception) -> CorruptResultError | UnreadableResultError:
        expected = None if self.compress_kwargs or self.decompress_kwargs else _BEGINNINGS.get(self.format or "")
        if expected and beginning and not (beginning.startswith(expected) or expected.startswith(beginning)):
            return UnreadableResultError(
                f"The bytes begin with {beginning!r} and are not compressed with {self.format}. "
                "Read them with the serializer that wrote them."
            )
        what = self.format or getattr(self.decompress, "__name__", "own")
        return CorruptResultError(f"The compressed bytes ({what}) are empty, truncated or damaged: {error}")


class _Pieces:
    """A sink that keeps what it is given, as bytes of its own."""

    __slots__ = ("pieces",)

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    def write(self, buffer: Any) -> None:
        self.pieces.append(buffer if type(buffer) is bytes else bytes(buffer))


def _module(name: str) -> ModuleType:
    from importlib import import_module

    try:
        module = import_module(name)
    except ImportError as error:
        raise ImportError(
            f"There is no compression module {name!r}. Install it, or use one of the usual ones: {', '.join(_USUAL)}."
        ) from error
    if not (hasattr(module, "compress") and hasattr(module, "decompress")):
        raise ValueError(
            f"The {name!r} module does not have 'compress' and 'decompress'. Give such functions yourself, or use one of "
            f"{', '.join(_USUAL)}."
        )
    return module
