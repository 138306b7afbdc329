"""Results by storage."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .constant import ConstantResult
    from .inline import InlineResult, PrefectResult
    from .local import LocalResult
    from .secret import SecretResult

__all__ = ["ConstantResult", "InlineResult", "LocalResult", "PrefectResult", "SecretResult"]

_MODULES = {
    "ConstantResult": "constant",
    "InlineResult": "inline",
    "LocalResult": "local",
    "PrefectResult": "inline",
    "SecretResult": "secret",
}
_LATER = ("S3Result", "GCSResult", "AzureResult")


def __getattr__(name: str) -> object:
    module = _MODULES.get(name)
    if module is None:
        if name in _LATER:
            from resultant.errors import UnsupportedError

            raise UnsupportedError(
                f"{name} is not in this release; LocalResult is. Object stores come with the next one."
            )
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value
