"""The texts of a run's failures, when the run goes."""

from __future__ import annotations

import os
import shutil

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.db import StateDB
    from resultant.records import FlowRun, ResultKind

__all__ = ["delete_texts"]


def delete_texts(db: StateDB, run: FlowRun) -> None:
    """Delete what was written of a run's failures, of tries that others followed too.

    Args:
        db: the state database.
        run: the run.
    """
    from resultant.runner.failure_text import texts_of

    folder, kinds = texts_of(run.id), set()
    for batch in db.task_run_batches(run.id):
        for row in batch:
            if row.text is None or not os.path.dirname(row.text).endswith(f"/{folder}"):
                continue
            if row.kind is None:
                shutil.rmtree(os.path.dirname(row.text), ignore_errors=True)
            elif row.kind not in kinds:
                kinds.add(row.kind)
                _delete_below(db.result_kind(row.kind), folder)


def _delete_below(kind: ResultKind, folder: str) -> None:
    from resultant.errors import ResultError
    from resultant.reading.task import result_of
    from resultant.runner.failure_text import FOLDER

    try:
        store: Any = result_of(kind).store
        for key in store.list(f"{FOLDER}/{folder}/"):
            store.delete(key)
    except (ResultError, ValueError):
        pass  # a store that this machine cannot reach keeps it
