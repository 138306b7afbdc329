"""The context's ``secrets``, where flows of Prefect 1 keep credentials."""

from __future__ import annotations

from resultant.errors import AccessError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["secret_table", "secret_text"]


def _secret(name: str) -> Any:
    from resultant.runtime import peek, settings

    given = peek("secrets")
    found = (settings().context.get("secrets") if given is None else given) or {}
    return found.get(name)


def secret_table(name: str) -> dict[str, Any] | None:
    """Return a secret that is a table, or the JSON of one; ``None`` if there is none.

    Args:
        name: the secret's.

    Raises:
        AccessError: it is something else.
    """
    value = _secret(name)
    if isinstance(value, (str, bytes)):
        import json

        try:
            value = json.loads(value)
        except ValueError:
            value = 0
    if value is not None and not isinstance(value, dict):
        raise AccessError(f"The secret {name!r} of the context is no table of keys and values, and no JSON of one.")
    return value


def secret_text(name: str) -> str | None:
    """Return a secret that is text; ``None`` if there is none.

    Args:
        name: the secret's.
    """
    value = _secret(name)
    return None if value is None else str(value)
