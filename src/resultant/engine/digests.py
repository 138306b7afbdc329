"""A typed digest of values, the same in every process: what differs in type, shape or order differs in digest."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["digest_value"]


def digest_value(value: Any) -> str | None:
    """Return the digest of a value, or ``None`` if it holds something that cannot be hashed.

    Args:
        value: anything.
    """
    import hashlib

    import cloudpickle

    try:
        return hashlib.blake2b(cloudpickle.dumps(value), digest_size=16).hexdigest()
    except Exception:
        return None
