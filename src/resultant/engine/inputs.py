"""The inputs of a task run with their digests, each of which is taken once; and digests that a row may hold."""

from __future__ import annotations

from resultant.engine.digests import Undigestible, digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from resultant.engine.integrity import Digester

__all__ = ["Inputs", "SealedDigest", "SealedValue", "seal"]


class Inputs(dict[str, "Any"]):
    """Values by name, as validators get them.

    Args:
        values: by name.
        stored: of inputs that are recorded results, what tells their bytes from others; it stands in where a value has no
            digest.
    """

    __slots__ = ("_digests", "_stored", "refusals")

    def __init__(self, values: Mapping[str, Any], stored: Mapping[str, str] | None = None) -> None:
        super().__init__(values)
        self._stored = stored or {}
        self._digests: dict[str, str | None] = {}
        #: Why inputs have no digest, by name.
        self.refusals: dict[str, Undigestible] = {}

    def digest(self, name: str) -> str | None:
        """Return the digest of an input; ``None`` where there is no such input, or nothing to compare it by."""
        if name not in self._digests:
            self._digests[name] = self._taken(name) if name in self else None
        return self._digests[name]

    def digests(self) -> dict[str, str | None]:
        """Return all digests by name."""
        return {name: self.digest(name) for name in self}

    def _taken(self, name: str) -> str | None:
        try:
            return digest(self[name])
        except Undigestible as error:
            if name not in self._stored:
                self.refusals[name] = error
            return self._stored.get(name)


def seal(digester: Digester, text: str) -> str:
    """Return a digest of a digest, which nobody can guess a small value from without the key.

    Args:
        digester: holds the key.
        text: the digest.
    """
    return digester.small(b"cache input\0" + text.encode())[1:].hex()


class SealedDigest:
    """A digest on record: equal to the plain digest that it was made from, and no way back to that.

    Args:
        digester: holds the key.
        text: what :func:`seal` gave.
    """

    __slots__ = ("digester", "text")

    def __init__(self, digester: Digester, text: str) -> None:
        self.digester = digester
        self.text = text

    def __eq__(self, other: object) -> bool:
        if isinstance(other, SealedDigest):
            return self.text == other.text and self.digester.key == other.digester.key
        return isinstance(other, str) and seal(self.digester, other) == self.text

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.text}>"


class Untold(SealedDigest):
    """Stands for a value of which nothing is on record: it equals nothing, itself included."""

    __slots__ = ()

    def __init__(self) -> None:
        self.text = ""

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = None


class SealedValue(SealedDigest):
    """What is on record of a value: equal to the value that the digest was taken of, type and all."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, SealedDigest):
            return super().__eq__(other)
        return self.is_of(other)

    __hash__ = None

    def is_of(self, value: Any) -> bool:
        """Return whether this is the digest of a value."""
        try:
            return seal(self.digester, digest(value)) == self.text
        except Undigestible:
            return False
