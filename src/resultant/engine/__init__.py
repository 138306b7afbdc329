"""What comes out of a task: results, states, signals, and what they are made of."""

from __future__ import annotations

_MODULES = ("cache_validators", "location", "result", "results", "serializers", "signals", "state")


def __getattr__(name: str) -> object:
    # `import resultant` is enough for `resultant.engine.serializers.Serializer`.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return __import__(f"{__name__}.{name}", fromlist=[name])


def __dir__() -> list[str]:
    return sorted((*globals(), *_MODULES))
