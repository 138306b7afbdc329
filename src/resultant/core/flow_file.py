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
    from io import BytesIO

    from resultant.executors.pickling import MessagePickler
    from resultant.runner.remote import pass_context_by_name
    from resultant.stores import file_store

    target = _default_path(flow.name) if path is None else Path(path).expanduser()
    data = BytesIO()
    pass_context_by_name()
    MessagePickler(data, protocol=4).dump(flow)
    return file_store("/").put(str(target.absolute()), data.getvalue())


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
