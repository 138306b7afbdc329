"""Digests of tasks' code, so that a resumed run can say what changed in between."""

from __future__ import annotations

import json

from resultant.engine.digests import Undigestible, digest_value
from resultant.engine.digests.code import INCIDENTAL
from resultant.engine.digests.encoder import SCALARS
from resultant.runtime import get_logger

from .code_parts import COPIED, filled
from .code_tree import OPTIONS, code_tree_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.db import StateDB
    from resultant.engine.integrity import Digester
    from resultant.records import FlowRun as FlowRunRow

    from .history import History
    from .plan import Plan, Step

__all__ = ["code_digests", "code_of_attempt", "code_that_stands", "own_code", "say_what_changed"]

#: Attributes of a task that are no part of what it computes with.
_OTHERS = OPTIONS | COPIED | INCIDENTAL

#: Values that a task's code may lead to here: a look at every task of a run has to be quick.
_MOST = 2_000


def code_digests(plan: Plan, digester: Digester) -> dict[str, str]:
    """Return a short digest of each task's code, by slug.

    Args:
        plan: the steps.
        digester: holds the key: source text can be guessed as well as values can.
    """
    known: dict[int, str] = {}
    found: dict[str, str] = {}
    for step in plan.steps:
        if step.task.is_constant:
            # It has no code, and its name may be its value.
            continue
        if step.shelf is not None and step.shelf.code is not None:
            # A cache has looked closer.
            found[step.slug] = step.shelf.code[:9].hex()
            continue
        # Copies of one task share its function, and many have nothing else.
        run = getattr(step.task, "run", None)
        function = getattr(run, "__func__", run)
        own = not _OTHERS.issuperset(vars(step.task))
        digest = None if own else known.get(id(function))
        if digest is None:
            digest = _tree_digest(step, digester) or _digest(step, function, digester)
            if not own:
                known[id(function)] = digest
        found[step.slug] = digest
    return found


def _tree_digest(step: Step, digester: Digester) -> str | None:
    """Return the digest of the code and of all that it leads to, unless that is too much, or cannot be told."""
    try:
        return digester.small(code_tree_digest(step.task, _MOST, tables=False).encode())[:9].hex()
    except Undigestible:
        return None


def _digest(step: Step, function: object, digester: Digester) -> str:
    return digester.small(own_code(step, function))[:9].hex()


def own_code(step: Step, function: object) -> bytes:
    """Return what tells a task's own code from others: nothing that it leads to, and nothing that may change as it runs.

    Args:
        step: the task.
        function: what it runs.
    """
    code = getattr(function, "__code__", None)
    parts = [type(step.task).__qualname__.encode()]
    if code is not None:
        parts += [code.co_code, repr(code.co_names).encode(), _constants(code)]
    defaults = digest_value(getattr(function, "__defaults__", None))
    parts.append((defaults or "").encode())
    for name, value in filled(
        zip(getattr(code, "co_freevars", ()), getattr(function, "__closure__", None) or (), strict=True)
    ):
        inner = getattr(value, "__code__", None)
        if inner is not None:
            parts += [name.encode(), inner.co_code, repr(inner.co_names).encode(), _constants(inner)]
        else:
            parts += [name.encode(), repr(value).encode() if type(value) in SCALARS else type(value).__name__.encode()]
    return b"\0".join(parts)


def _constants(code: object) -> bytes:
    """Return the constants of a code object, those of functions inside it by their code."""
    texts = []
    for constant in code.co_consts:  # type: ignore[attr-defined]
        if hasattr(constant, "co_code"):
            texts.append(constant.co_code.hex() + _constants(constant).decode())
        elif isinstance(constant, frozenset):
            # A set's order changes from process to process.
            texts.append(repr(sorted(map(repr, constant))))
        else:
            texts.append(repr(constant))
    return "\n".join(texts).encode()


def code_that_stands(earlier: FlowRunRow, row: FlowRunRow, history: History, plan: Plan) -> dict[str, str]:
    """Return the digests on record of tasks that stand in a run that is resumed, and whose code is another one now.

    Args:
        earlier: the run's row as the attempt before had it.
        row: the run's row now.
        history: what is recorded.
        plan: the steps.
    """
    if earlier.code == row.code:
        return {}
    old, new = json.loads(earlier.code or "{}"), json.loads(row.code or "{}")
    changed = [step for step in plan.steps if step.slug in new and old.get(step.slug, new[step.slug]) != new[step.slug]]
    return {step.slug: old[step.slug] for step in changed if history.stood_whole(step)}


def code_of_attempt(db: StateDB, row: FlowRunRow, standing: dict[str, str]) -> str:
    """Return the code on record at the end of an attempt: of what did not run in it, that which it ran with.

    Args:
        db: where the rows of task runs are.
        row: the run's row, with the code of the attempt.
        standing: see :func:`code_that_stands`.
    """
    code = json.loads(row.code or "{}")
    for slug, digest in standing.items():
        if not any(each.attempt == row.attempt for each in db.task_runs(row.id, slug)):
            code[slug] = digest
    return json.dumps(code, sort_keys=True)


def say_what_changed(earlier: FlowRunRow, row: FlowRunRow) -> None:
    """Say which tasks' code differs from that of the attempt before.

    Args:
        earlier: the run's row as the attempt before had it.
        row: the run's row now.
    """
    if earlier.code == row.code:
        return
    old = json.loads(earlier.code or "{}")
    new = json.loads(row.code or "{}")
    changed = sorted(slug for slug in new if slug in old and old[slug] != new[slug])
    added = sorted(set(new) - set(old))
    removed = sorted(set(old) - set(new))
    parts = [
        f"{word}: {', '.join(slugs)}"
        for word, slugs in (("changed", changed), ("new", added), ("gone", removed))
        if slugs
    ]
    if parts:
        get_logger("resume").warning(
            "The code of flow %r is not that of the attempt before (%s). What is recorded and still stands is used as it is; "
            "everything else runs with the code as it is now.",
            row.flow,
            "; ".join(parts),
        )
