"""The error for what Prefect 1 had and this package has not."""

from __future__ import annotations

from resultant.errors import UnsupportedError

__all__ = ["UnsupportedImportError"]


class UnsupportedImportError(UnsupportedError, ImportError):
    """A module or name of Prefect 1 that is not here; the message names the alternative."""
