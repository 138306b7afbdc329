"""``Context``: a context object of one's own, apart from the one that tasks see."""

from __future__ import annotations

from contextlib import contextmanager

from resultant.compat.dot_dict import DotDict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["Context"]


class Context(DotDict):
    """Keys with attribute access; calling it gives a block in which further keys are set."""

    @contextmanager
    def __call__(self, *mappings: dict[str, Any], **keys: Any) -> Iterator[Context]:
        """Set keys for a block; the old content, all of it, comes back at its end."""
        before = dict(self)
        try:
            for mapping in (*mappings, keys):
                self.update(mapping)
            yield self
        finally:
            self.clear()
            self.update(before)

    def __reduce__(self) -> Any:
        raise TypeError("Context objects cannot be pickled; pass `context.to_dict()` or the values that are needed.")
