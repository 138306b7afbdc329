"""Flows kept in files."""

from __future__ import annotations

import re
from pathlib import Path

from resultant import runtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.core.flow import Flow

__all__ = ["load", "save"]

_SUFFIX = ".resultant"


def save(flow: Flow, path: str | None) -> str:
    """Pickle a flow into a file; see ``Flow.save``."""
    import os

    import cloudpickle

    target = _default_path(flow.name) if path is None else Path(path).expanduser()
    data = cloudpickle.dumps(flow, protocol=4)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return str(target)


def load(path: str) -> Flow:
    """Load a flow from a file; see ``Flow.load``."""
    import pickle

    target = Path(path).expanduser()
    if not target.exists():
        saved = _default_path(str(path))
        if not saved.exists():
            raise FileNotFoundError(f"There is no saved flow at {target} or {saved}.")
        target = saved
    flow: Flow = pickle.loads(target.read_bytes())
    return flow


def _default_path(name: str) -> Path:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "flow"
    return Path(runtime.settings().home_dir) / "flows" / f"{slug}{_SUFFIX}"
