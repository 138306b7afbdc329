"""Switching the alias on: the finder, and the few settings that flows written for Prefect 1 expect."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["install", "is_active"]


def is_active() -> bool:
    """Return whether ``import prefect`` leads here."""
    return bool(getattr(sys.modules.get("prefect"), "__resultant_alias__", False))


def install() -> None:
    """Make ``import prefect`` and the modules below it lead here. Doing so twice changes nothing.

    Raises:
        UnsupportedImportError: the real prefect is imported already.
    """
    if is_active():
        return
    real = sys.modules.get("prefect")
    if real is not None:
        from resultant.compat.unsupported import UnsupportedImportError

        raise UnsupportedImportError(
            f"The real prefect is already imported (from {getattr(real, '__file__', None) or 'an unknown place'}), and one "
            "process cannot have both. Put `import resultant.compat.prefect` before everything that imports prefect, or "
            "start the script with `python -m resultant.compat.prefect FILE`."
        )
    for name in [name for name in sys.modules if name.startswith("prefect.")]:
        # What is left of an import that failed.
        del sys.modules[name]
    from resultant.compat.finder import AliasFinder

    sys.meta_path.insert(0, AliasFinder())
    _adapt()
    import prefect  # noqa: F401


def _adapt() -> None:
    from resultant import settings
    from resultant.core import flow, signature
    from resultant.engine import moments

    if "PREFECT__" not in settings.env_prefixes:
        settings.env_prefixes.insert(0, "PREFECT__")
        settings.reread()
    settings.config.accept_unknown_keys()
    settings.config.templates.allow_absolute = True
    flow.accept_ignored_options = True
    signature.accept_async = True
    moments.convert = _pendulum


def _pendulum(moment: datetime) -> datetime:
    """Return a moment as a ``pendulum.DateTime``, where pendulum is installed."""
    try:
        import pendulum
    except ImportError:
        return moment
    aware: datetime = pendulum.instance(moment)
    return aware
