"""The texts of a run's failures, when the run goes."""

from __future__ import annotations

import json
import os
import shutil

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.db import StateDB
    from resultant.records import FlowRun, ResultKind

__all__ = ["delete_texts"]


def delete_texts(db: StateDB, run: FlowRun) -> None:
    """Delete what was written of a run's failures, of those too that another try or a resume followed.

    Args:
        db: the state database.
        run: the run, whose rows still say what wrote their results.
    """
    from resultant.runner.failure_text import FOLDER, texts_of
    from resultant.runtime import settings

    folder, used = texts_of(run.id), set()
    folders = {os.path.join(settings().home_dir, folder)}
    for batch in db.task_run_batches(run.id):
        for row in batch:
            used.add(row.kind)
            if row.text is not None and os.path.dirname(row.text).endswith(f"/{folder}") and row.text[:1] == "/":
                folders.add(os.path.dirname(row.text))
    for kind in db.result_kinds():
        root = json.loads(kind.options).get("dir") if kind.type == "local" else None
        if isinstance(root, str):
            folders.add(os.path.join(root, FOLDER, folder))
        elif kind.id in used:
            _delete_below(kind, folder)
    for each in folders:
        shutil.rmtree(each, ignore_errors=True)


def _delete_below(kind: ResultKind, folder: str) -> None:
    from resultant.errors import ResultError
    from resultant.reading.task import result_of
    from resultant.runner.failure_text import FOLDER

    try:
        store: Any = getattr(result_of(kind), "store", None)
        for key in () if store is None else store.list(f"{FOLDER}/{folder}/"):
            store.delete(key)
    except (ResultError, ValueError):
        pass  # a store that this machine cannot reach keeps it
