"""Why a value has no digest."""

from __future__ import annotations

__all__ = ["Undigestible"]


class Undigestible(TypeError):
    """A value holds something that has no canonical form, such as an open file, a lock or a generator."""
