"""Modules that others load on the chance that they may need them, loaded when somebody does."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from threading import RLock
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["load_later"]

_lock = RLock()
_loading: set[str] = set()


class _Later(ModuleType):
    """A module that is loaded at the first look for something in it.

    ``importlib.util.LazyLoader`` would load it at the next import statement, which looks at the module's ``__spec__``.
    """

    def __getattr__(self, name: str) -> Any:
        with _lock:
            me = self.__name__
            if type(self) is _Later and me not in _loading:
                _loading.add(me)
                try:
                    self.__spec__.loader.exec_module(self)  # type: ignore[union-attr]
                    self.__class__ = ModuleType  # type: ignore[assignment]
                finally:
                    _loading.discard(me)
                return getattr(self, name)
        return ModuleType.__getattribute__(self, name)


def load_later(*names: str) -> None:
    """Have modules loaded at the first look for something in them, whoever imports them before that.

    Args:
        names: of modules of the standard library; those that are loaded already stay as they are.
    """
    for name in names:
        spec = None if name in sys.modules else find_spec(name)
        if spec is not None and spec.loader is not None:
            module = sys.modules[name] = _Later(name)
            module.__spec__, module.__loader__, module.__file__ = spec, spec.loader, spec.origin
