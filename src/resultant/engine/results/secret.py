"""The result of a task that yields a secret: nothing is stored, reading asks the task again."""

from __future__ import annotations

from resultant.engine.result import Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

__all__ = ["SecretResult"]


class SecretResult(Result):
    """Names a secret and the task that fetches it.

    Args:
        secret_task: a task whose ``run(name=...)`` returns the secret.
        **options: ``value`` and ``location`` of :class:`~resultant.engine.result.Result`; the location defaults to the
            task's name.

    Raises:
        ValueError: a serializer was given.
    """

    def __init__(self, secret_task: Any, **options: Any) -> None:
        if "serializer" in options:
            raise ValueError("Can't pass a serializer to a SecretResult: secrets are never stored.")
        options.setdefault("location", secret_task.name)
        self.secret_task = secret_task
        super().__init__(**options)

    def read(self, location: str) -> Self:
        """Fetch the secret called `location` again and return a copy that holds it."""
        new = self.copy()
        new.value = self.secret_task.run(name=location)
        new.location = location
        return new

    def write(self, value_: Any, **kwargs: Any) -> Self:
        """Raise ``ValueError``: secrets are not written."""
        raise ValueError("A SecretResult cannot be written: secrets are never stored.")

    def exists(self, location: str, **kwargs: Any) -> bool:
        """Return ``True``."""
        return True

    def __repr__(self) -> str:
        # A repr ends up in logs, tracebacks and notebooks.
        return f"<SecretResult: {self.location}>"
