"""Digests of tasks' code, so that a resumed run can say what changed in between."""

from __future__ import annotations

from resultant.engine.digests import digest_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.engine.integrity import Digester

    from .plan import Plan, Step

__all__ = ["code_digests"]


def code_digests(plan: Plan, digester: Digester) -> dict[str, str]:
    """Return a short digest of each task's code, by slug.

    Args:
        plan: the steps.
        digester: holds the key: source text can be guessed as well as values can.
    """
    known: dict[int, str] = {}
    found: dict[str, str] = {}
    for step in plan.steps:
        if step.shelf is not None and step.shelf.code is not None:
            # A cache has looked closer.
            found[step.slug] = step.shelf.code[:9].hex()
            continue
        # Copies of one task share its function.
        run = getattr(step.task, "run", None)
        function = getattr(run, "__func__", run)
        digest = known.get(id(function))
        if digest is None:
            digest = known[id(function)] = _digest(step, function, digester)
        found[step.slug] = digest
    return found


def _digest(step: Step, function: object, digester: Digester) -> str:
    code = getattr(function, "__code__", None)
    parts = [step.task.__class__.__qualname__.encode()]
    if code is not None:
        parts += [code.co_code, repr(code.co_names).encode(), _constants(code)]
    defaults = digest_value(getattr(function, "__defaults__", None))
    parts.append((defaults or "").encode())
    return digester.small(b"\0".join(parts))[:9].hex()


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
