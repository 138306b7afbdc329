"""Tasks that put the values of other tasks into a list, a tuple, a set or a dictionary."""

from __future__ import annotations

from resultant.core.task import Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Self

    from resultant.core.flow import Flow

__all__ = ["Dict", "List", "Set", "Tuple"]


class _Sequence(Task):
    """A collection of positional inputs, bound as ``arg_1``, ``arg_2``, ..."""

    def bind(
        self,
        *args: Any,
        mapped: bool = False,
        upstream_tasks: Iterable[Any] | None = None,
        flow: Flow | None = None,
        **kwargs: Any,
    ) -> Self:
        """Add the task to a flow with `args` as its items."""
        kwargs.update({f"arg_{number}": value for number, value in enumerate(args, 1)})
        return super().bind(mapped=mapped, upstream_tasks=upstream_tasks, flow=flow, **kwargs)


def _in_order(items: dict[str, Any]) -> list[Any]:
    """Return the values by the number in their key: as text, ``arg_10`` would come before ``arg_2``."""
    return [items[key] for key in sorted(items, key=lambda key: int(key.rpartition("_")[2]))]


class List(_Sequence):
    """Collects its inputs into a list."""

    def run(self, **task_results: Any) -> list[Any]:
        """Return the inputs as a list."""
        return _in_order(task_results)


class Tuple(_Sequence):
    """Collects its inputs into a tuple."""

    def run(self, **task_results: Any) -> tuple[Any, ...]:
        """Return the inputs as a tuple."""
        return tuple(_in_order(task_results))


class Set(_Sequence):
    """Collects its inputs into a set."""

    def run(self, **task_results: Any) -> set[Any]:
        """Return the inputs as a set."""
        return set(task_results.values())


class Dict(Task):
    """Collects keys and values into a dictionary."""

    def run(self, keys: Iterable[Any], values: Iterable[Any]) -> dict[Any, Any]:  # type: ignore[override]
        """Return a dictionary of `keys` to `values`.

        Raises:
            ValueError: there are more of the one than of the other.
        """
        keys, values = list(keys), list(values)
        if len(keys) != len(values):
            raise ValueError(f"A dictionary needs one value for each key: {len(keys)} keys, {len(values)} values.")
        return dict(zip(keys, values, strict=True))
