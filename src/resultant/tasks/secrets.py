"""Tasks whose values are secrets: never stored, looked up again whenever a run needs them."""

from __future__ import annotations

import os

from resultant import runtime
from resultant.core.task import Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar

__all__ = ["ContextSecret", "EnvVarSecret", "PrefectSecret", "Secret"]


class Secret(Task):
    """The base of tasks that look a secret up.

    Args:
        **task_options: options of :class:`~resultant.core.task.Task`.
    """

    rerun_always: ClassVar[bool] = True

    def __init__(self, **task_options: Any) -> None:
        from resultant.engine.results import SecretResult

        task_options.setdefault("checkpoint", False)
        super().__init__(**task_options)
        self.result = SecretResult(secret_task=self)

    def copy(self, **task_args: Any) -> Secret:
        """Return a copy whose result looks up the copy's secret."""
        from resultant.engine.results import SecretResult

        copied = super().copy(**task_args)
        copied.result = SecretResult(secret_task=copied)
        return copied


class ContextSecret(Secret):
    """A secret from the context's ``secrets``: set ``RESULTANT__CONTEXT__SECRETS__<NAME>``, or ``[context.secrets]``.

    Args:
        name: the secret's name.
        **task_options: options of :class:`~resultant.core.task.Task`.
    """

    def __init__(self, name: str | None = None, **task_options: Any) -> None:
        self.secret_name = name
        super().__init__(name=name, **task_options)

    def run(self, name: str | None = None) -> Any:
        """Return the secret; text that is JSON is parsed.

        Args:
            name: the secret's name; the task's own if not given.

        Raises:
            ValueError: there is no such secret, or no name.
        """
        name = self.secret_name if name is None else name
        if name is None:
            raise ValueError("A secret name must be provided.")
        secrets = runtime.context.get("secrets") or {}
        if name not in secrets:
            raise ValueError(f'Local Secret "{name}" was not found. Set RESULTANT__CONTEXT__SECRETS__{name}.')
        value = secrets[name]
        if isinstance(value, (str, bytes)):
            import json

            try:
                return json.loads(value)
            except ValueError:
                return value
        return value


#: The name that flows written for Prefect 1 use.
PrefectSecret = ContextSecret


class EnvVarSecret(Secret):
    """A secret from an environment variable.

    Args:
        name: the variable.
        cast: called with the text.
        raise_if_missing: whether a variable that is not set is an error; otherwise the value is ``None``.
        **task_options: options of :class:`~resultant.core.task.Task`.
    """

    def __init__(
        self,
        name: str | None = None,
        cast: Callable[[str], Any] | None = None,
        raise_if_missing: bool = False,
        **task_options: Any,
    ) -> None:
        self.secret_name = name
        self.cast = cast
        self.raise_if_missing = raise_if_missing
        super().__init__(name=name, **task_options)

    def run(self, name: str | None = None) -> Any:
        """Return the variable's value.

        Args:
            name: the variable; the task's own if not given.

        Raises:
            ValueError: it is not set although it must be, or there is no name.
        """
        name = self.secret_name if name is None else name
        if name is None:
            raise ValueError("A secret name must be provided.")
        value = os.environ.get(name)
        if value is None:
            if self.raise_if_missing:
                raise ValueError(f"Environment variable not set: {name}")
            return None
        return value if self.cast is None else self.cast(value)
