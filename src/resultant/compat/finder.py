"""How ``import prefect...`` finds its way here: a meta path finder, and modules that look names up when asked."""

from __future__ import annotations

from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from resultant.compat.names import ABSENT, ABSENT_NAMES, MODULES
from resultant.compat.unsupported import UnsupportedImportError
from resultant.errors import UnsupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["ROOT", "AliasFinder", "AliasModule"]

ROOT = "prefect"


class AliasModule(ModuleType):
    """A module below ``prefect``: it has no content of its own, only the table's names.

    Its attributes are looked up when they are first used.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name, f"`{name}` of Prefect 1, provided by resultant.")
        put = super().__setattr__
        if name == ROOT:
            put("__resultant_alias__", True)

    def __getattr__(self, name: str) -> Any:
        path = _below_root(self.__name__)
        if name == "__all__":
            # For `import *`, which loads each name: it must not fail over one that is not here yet.
            return [public for public in _public_names(path) if self._offers(public)]
        source = _sources(path).get(name)
        if source is not None:
            module, there = source
            value = _load(self.__name__, name, module, there)
        elif _known(child := f"{path}.{name}".lstrip(".")) or child in ABSENT:
            value = import_module(f"{ROOT}.{child}")
        elif name in ABSENT_NAMES.get(path, ()):
            raise UnsupportedImportError(f"{self.__name__}.{name}: {ABSENT_NAMES[path][name]}.")
        else:
            for module in _whole(path):
                if not name.startswith("_") and hasattr(import_module(module), name):
                    value = getattr(import_module(module), name)
                    break
            else:
                raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        super().__setattr__(name, value)
        return value

    def _offers(self, name: str) -> bool:
        try:
            getattr(self, name)
        except UnsupportedError:
            return False
        return True

    def __reduce__(self) -> Any:
        # Code that refers to `prefect` finds it in a process that has not loaded the alias yet.
        return _module, (self.__name__,)

    def __setattr__(self, name: str, value: Any) -> None:
        # Importing prefect.tasks.control_flow.case must not put the module in the place of the class.
        if isinstance(value, AliasModule) and name in _sources(_below_root(self.__name__)):
            return
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        path = _below_root(self.__name__)
        below = f"{path}." if path else ""
        children = {module.removeprefix(below).partition(".")[0] for module in MODULES if module.startswith(below)}
        return sorted({*super().__dir__(), *_public_names(path), *children} - {""})


class AliasFinder(MetaPathFinder, Loader):
    """Finds ``prefect`` and everything below it before anything else can."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of an alias module; ``None`` for every other package.

        Raises:
            UnsupportedImportError: Prefect 1 had this module, and it is not here.
        """
        if fullname != ROOT and not fullname.startswith(f"{ROOT}."):
            return None
        name = _below_root(fullname)
        if _known(name):
            return ModuleSpec(fullname, self, origin="resultant", is_package=True)
        parent = name
        while parent:
            if parent in ABSENT:
                raise UnsupportedImportError(f"{fullname} is not here: {ABSENT[parent]}.")
            parent = parent.rpartition(".")[0]
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return a new alias module."""
        return AliasModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: an alias module looks its names up when they are used."""


def _module(fullname: str) -> ModuleType:
    from resultant.compat.alias import install

    install()
    return import_module(fullname)


def _below_root(fullname: str) -> str:
    return fullname.removeprefix(ROOT).removeprefix(".")


def _known(path: str) -> bool:
    return path in MODULES


def _sources(path: str) -> dict[str, tuple[str, str]]:
    """Return each name that a module names one by one, with the module here and the name there."""
    found: dict[str, tuple[str, str]] = {}
    for module, words in MODULES.get(path, {}).items():
        for word in words.split():
            if word != "*":
                name, _, there = word.partition("=")
                found[name] = (module, there or name)
    return found


def _whole(path: str) -> list[str]:
    """Return the modules here all of whose names a module has."""
    return [module for module, words in MODULES.get(path, {}).items() if "*" in words.split()]


def _public_names(path: str) -> list[str]:
    names = {name for name in _sources(path) if not name.startswith("_")}
    for module in _whole(path):
        loaded = import_module(module)
        names.update(getattr(loaded, "__all__", None) or (name for name in vars(loaded) if not name.startswith("_")))
    return sorted(names)


def _load(alias: str, name: str, module: str, there: str) -> Any:
    try:
        return getattr(import_module(module), there)
    except UnsupportedError as error:
        raise UnsupportedImportError(f"{alias}.{name}: {error}") from error
