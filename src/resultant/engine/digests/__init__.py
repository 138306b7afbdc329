"""A typed digest of values, the same in every process and under every hash seed.

What differs in type, shape, names or order differs in digest: ``1``, ``"1"``, ``True`` and ``1.0``; ``[1]`` and ``(1,)``;
arrays of another shape or dtype; frames with other column names. What is equal and of the same type agrees: sets and
dictionaries whatever their order, arrays whatever their layout in memory, frames before and after pickling. A part that
has no canonical form (an open file, a lock, a generator) leaves the whole value without a digest; none is ever made up.

Functions and classes count by their name where that can be imported; those of ``__main__``, closures and lambdas count by
their code, defaults, closures and the globals that they use.
"""

from __future__ import annotations

from .refusal import Undigestible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Undigestible", "digest", "digest_value"]


def digest(value: Any) -> str:
    """Return the digest of a value, 32 hexadecimal characters.

    Args:
        value: anything.

    Raises:
        Undigestible: the value holds something that has no canonical form; the message names its type.
    """
    from .encoder import Encoder

    return Encoder().digest(value)


def digest_value(value: Any) -> str | None:
    """Return the digest of a value, or ``None`` if it holds something that has no canonical form.

    Args:
        value: anything.
    """
    try:
        return digest(value)
    except Undigestible:
        return None
