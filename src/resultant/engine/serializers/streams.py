"""Compressing on the way to a sink, decompressing on the way from a source, with the formats of the standard library."""

from __future__ import annotations

from io import BufferedReader, BytesIO, RawIOBase

from resultant.errors import CorruptResultError, ResultantError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO

    from resultant.engine.serializers.base import Sink, Source

    Damage = Callable[[bytes, Exception], Exception]

__all__ = ["BytesSource", "CompressingSink", "DecompressedSource"]

_PIECE = 1 << 20

#: How much larger than its compressed bytes a value is expected to be at most, for choosing between whole and piecewise.
_EXPANSION = 64


class BytesSource:
    """A source over bytes that are in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def read(self) -> bytes:
        """Return the bytes."""
        return self.data

    def file(self) -> BinaryIO:
        """Return a file over the bytes."""
        return BytesIO(self.data)

    def map(self, writable: bool = True) -> None:
        """Nothing to map."""


class CompressingSink:
    """Compresses what is written and hands it on.

    Args:
        format: ``bz2``, ``gzip``, ``lzma`` or ``zlib``.
        options: of the module's ``compress``.
        sink: where the compressed bytes go.
    """

    def __init__(self, format: str, options: dict[str, Any], sink: Sink) -> None:
        self.sink = sink
        self.compressor: Any
        if format == "gzip":
            self.compressor = _GzipCompressor(**options)
        elif format == "zlib":
            from zlib import compressobj

            self.compressor = compressobj(**options)
        elif format == "bz2":
            self.compressor = _bz2(**options)
        else:
            from lzma import LZMACompressor

            self.compressor = LZMACompressor(**options)

    def write(self, buffer: Any) -> None:
        """Compress a buffer; of a large one, a piece at a time."""
        view = memoryview(buffer)
        if not view.nbytes:
            return
        view = view.cast("B")
        for start in range(0, len(view), _PIECE):
            compressed = self.compressor.compress(view[start : start + _PIECE])
            if compressed:
                self.sink.write(compressed)

    def finish(self) -> None:
        """Write what is left."""
        self.sink.write(self.compressor.flush())


def _bz2(compresslevel: int = 9) -> Any:
    from bz2 import BZ2Compressor

    # Its only argument has no name.
    return BZ2Compressor(compresslevel)


class _GzipCompressor:
    """One gzip member, with the options of ``gzip.compress``.

    The time in its header is 0 unless another is asked for, so that equal values have equal bytes.
    """

    def __init__(self, compresslevel: int = 9, *, mtime: float | None = None) -> None:
        from zlib import compressobj, crc32

        self.crc32 = crc32
        self.deflate = compressobj(compresslevel, wbits=-15)
        self.checksum = 0
        self.size = 0
        speed = {9: 2, 1: 4}.get(compresslevel, 0)
        self.header = b"\x1f\x8b\x08\x00" + int(mtime or 0).to_bytes(4, "little") + bytes((speed, 255))

    def compress(self, data: memoryview) -> bytes:
        self.checksum = self.crc32(data, self.checksum)
        self.size += len(data)
        header, self.header = self.header, b""
        return header + self.deflate.compress(data)

    def flush(self) -> bytes:
        trailer = self.checksum.to_bytes(4, "little") + (self.size & 0xFFFFFFFF).to_bytes(4, "little")
        return self.header + self.deflate.flush() + trailer


class DecompressedSource:
    """Another source's bytes, decompressed.

    Args:
        format: ``bz2``, ``gzip``, ``lzma`` or ``zlib``.
        source: gives the compressed bytes.
        damage: makes the error from the first bytes and what decompressing raised.
    """

    def __init__(self, format: str, source: Source, damage: Damage) -> None:
        self.format = format
        self.source = source
        self.damage = damage
        self.last: _Decompressor | None = None
        # Nobody knows the true size yet.
        self.size = source.size * _EXPANSION

    def read(self) -> bytes:
        """Return everything, decompressed."""
        with self.file() as stream:
            return stream.read()

    def file(self) -> BinaryIO:
        """Return a file over the decompressed bytes."""
        self.last = _Decompressor(self.format, self.source.file(), self.damage)
        return BufferedReader(self.last, _PIECE)

    def map(self, writable: bool = True) -> None:
        """Compressed bytes cannot be mapped."""

    def finish(self) -> None:
        """Make sure that everything was read, checksum included.

        Raises:
            CorruptResultError: there is more, or it does not match.
        """
        if self.last is not None and not self.last.done and not self.last.closed:
            raise CorruptResultError("The compressed bytes hold more than one value, so this is not what was written.")


class _Decompressor(RawIOBase):
    """Decompresses a file, member after member as the module's ``decompress`` does."""

    def __init__(self, format: str, file: BinaryIO, damage: Damage) -> None:
        self.format = format
        self.compressed = file
        self.damage = damage
        self.beginning = b""
        self.rest = b""
        self.done = False
        self.decoder = self._new()

    def _new(self) -> Any:
        if self.format in ("gzip", "zlib"):
            from zlib import decompressobj

            return decompressobj(wbits=31 if self.format == "gzip" else 15)
        if self.format == "bz2":
            from bz2 import BZ2Decompressor

            return BZ2Decompressor()
        from lzma import LZMADecompressor

        return LZMADecompressor()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        # Not all at once: what the decompressor returns is beside the reader's own buffer for a moment.
        data = self._next(min(len(view), _PIECE))
        view[: len(data)] = data
        return len(data)

    def _next(self, most: int) -> bytes:
        """Return up to ``most`` decompressed bytes, none at the end only."""
        try:
            while not self.done:
                if self.decoder.eof:
                    self.rest = self.decoder.unused_data or self.compressed.read(_PIECE)
                    if not self.rest:
                        self.done = True
                    elif self.format == "zlib":
                        raise ValueError("further bytes follow the compressed data")
                    else:
                        self.decoder = self._new()
                    continue
                data = self._feed(most)
                if data:
                    return data
        except (ResultantError, MemoryError):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise self.damage(self.beginning, error) from error
        return b""

    def _feed(self, most: int) -> bytes:
        decoder = self.decoder
        chunk: bytes = getattr(decoder, "unconsumed_tail", b"")
        wants = not chunk and getattr(decoder, "needs_input", True)
        if wants:
            chunk = self.rest or self.compressed.read(_PIECE)
            self.rest = b""
            self.beginning = self.beginning or chunk[:8]
        # Without input too: what does not fit into `most` waits inside the decoder.
        data: bytes = decoder.decompress(chunk, most)
        if wants and not chunk and not data and not decoder.eof:
            raise EOFError("the compressed data ends before its end marker")
        return data

    def close(self) -> None:
        if not self.closed:
            self.compressed.close()
        super().close()
