"""Results by storage."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .azure import AzureResult
    from .constant import ConstantResult
    from .gcs import GCSResult
    from .inline import InlineResult, PrefectResult
    from .local import LocalResult
    from .s3 import S3Result
    from .secret import SecretResult
    from .url import URLResult

__all__ = [
    "AzureResult",
    "ConstantResult",
    "GCSResult",
    "InlineResult",
    "LocalResult",
    "PrefectResult",
    "S3Result",
    "SecretResult",
    "URLResult",
]

_MODULES = {
    "AzureResult": "azure",
    "ConstantResult": "constant",
    "GCSResult": "gcs",
    "InlineResult": "inline",
    "LocalResult": "local",
    "PrefectResult": "inline",
    "S3Result": "s3",
    "SecretResult": "secret",
    "URLResult": "url",
}


def __getattr__(name: str) -> object:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value
