"""Serializers: value to bytes, and back.

Each is imported when it is asked for, so that none costs what the others need.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.engine.serializers.base import Serializer
    from resultant.engine.serializers.compressed import CompressedSerializer
    from resultant.engine.serializers.datetime import DateTimeSerializer
    from resultant.engine.serializers.json import JSONSerializer
    from resultant.engine.serializers.mapped import MappedSerializer
    from resultant.engine.serializers.pandas import PandasSerializer
    from resultant.engine.serializers.pickle import PickleSerializer
    from resultant.engine.serializers.registry import from_description

__all__ = [
    "CompressedSerializer",
    "DateTimeSerializer",
    "JSONSerializer",
    "MappedSerializer",
    "PandasSerializer",
    "PickleSerializer",
    "Serializer",
    "from_description",
]

_MODULES = {
    "CompressedSerializer": "compressed",
    "DateTimeSerializer": "datetime",
    "JSONSerializer": "json",
    "MappedSerializer": "mapped",
    "PandasSerializer": "pandas",
    "PickleSerializer": "pickle",
    "Serializer": "base",
    "from_description": "registry",
}


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
