"""Shipped contract suites: derive from one to test a store, a serializer or an executor of your own."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.testing.executors import ExecutorTests
    from resultant.testing.serializers import SerializerTests
    from resultant.testing.statedb import StateDBTests
    from resultant.testing.stores import StoreTests

__all__ = ["ExecutorTests", "SerializerTests", "StateDBTests", "StoreTests"]

# Loaded when asked for: each suite imports pytest and what it tests.
_HOMES = {
    "ExecutorTests": "executors",
    "SerializerTests": "serializers",
    "StateDBTests": "statedb",
    "StoreTests": "stores",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)
