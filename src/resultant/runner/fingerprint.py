"""What a task run was given, as a few bytes: rows compare them, and nobody reads the inputs back out of them."""

from __future__ import annotations

from resultant.engine.digests import digest_value
from resultant.engine.digests.encoder import SCALARS
from resultant.engine.state import Skipped, Success

from .plan import name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from resultant.engine.integrity import Digester
    from resultant.engine.result import Result
    from resultant.engine.state import State

    from .mapping import Children
    from .plan import Step, Upstream

__all__ = ["inputs_of_children", "inputs_of_task", "mark_anew", "of_task"]

#: What a part stands for: stored bytes, a value in a text of its own, a scalar, a digested value, no value at all, and
#: something that every process makes anew.
_STORED, _INLINE, _SCALAR, _VALUE, _NOTHING, _ANEW = b"\x00", b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"


def of_task(digester: Digester, step: Step, states: list[State]) -> bytes | None:
    """Return the fingerprint of a task's inputs, or ``None`` where one of them has none, or would have to be read for it.

    Args:
        digester: holds the key.
        step: the task.
        states: the states of all steps.
    """
    inputs = inputs_of_task(step, states)
    return None if inputs is None else digester.small(inputs)


def inputs_of_task(step: Step, states: list[State]) -> bytes | None:
    """Return what the fingerprint of a task is taken of; ``None`` where there is none.

    Args:
        step: the task.
        states: the states of all steps.
    """
    text = b""
    for edge in step.upstream:
        above = states[edge.index]
        if above.__class__ is Success and (stored := above._result._digest) is not None and not edge.anew:
            part: bytes | None = _STORED + stored
        else:
            part = _edge_part(edge, above)
            if part is None:
                return None
        text += edge.label + part
    if not step.constants:
        return text + b"c"
    constants = _constants(step)
    return None if constants is None else text + constants


def mark_anew(digester: Digester, step: Step, state: State, states: list[State]) -> None:
    """Let the result of a task that every process runs anew be known by the inputs that it was made of.

    Args:
        digester: holds the key.
        step: the task.
        state: its end.
        states: the states of all steps.
    """
    inputs = of_task(digester, step, states)
    if inputs is not None:
        state._result.__dict__["_part"] = _ANEW + inputs


class Inputs:
    """What the fingerprints of a mapped task's children are taken of.

    Attributes:
        of: gives that by a child's position; ``None`` where there is none.
        many: gives it by several positions, at any later time, where nothing can have changed by then.
    """

    __slots__ = ("many", "of")

    def __init__(
        self, of: Callable[[int], bytes | None], many: Callable[[list[int]], list[bytes]] | None = None
    ) -> None:
        self.of = of
        self.many = many


def inputs_of_children(step: Step, children: Children) -> Inputs:
    """Return what the fingerprints of children are taken of.

    Args:
        step: the mapped task.
        children: what its children are given.
    """
    common: list[bytes] = []
    varying: list[tuple[bytes, Any, Any, Any]] = []
    possible = True
    for edge, (_, values, states), above in zip(step.upstream, children.columns, children.upstream, strict=True):
        name = edge.label
        if values is not None or states is not None:
            varying.append((name, values, states, edge))
            continue
        part = _edge_part(edge, above)
        if part is None:
            possible = False
            break
        common.append(name + part)
    constants = _constants(step)
    if not possible or constants is None:
        return Inputs(lambda index: None)
    same = b"".join((*common, constants))
    if len(varying) == 1 and varying[0][1] is not None:
        name, values, _, _ = varying[0]
        head = same + name
        head_of_scalars = head + _SCALAR

        def single(index: int) -> bytes | None:
            value = values[index]
            encode = SCALARS.get(value.__class__)
            if encode is not None:
                return head_of_scalars + encode(value)
            part = _value_part(value)
            return None if part is None else head + part

        return Inputs(single, _many_scalars(head_of_scalars, values))

    def several(index: int) -> bytes | None:
        parts = [same]
        for name, values, states, edge in varying:
            part = _value_part(values[index]) if values is not None else _edge_part(edge, states[index])
            if part is None:
                return None
            parts.append(name + part)
        return b"".join(parts)

    return Inputs(several)


def _many_scalars(head: bytes, values: Any) -> Callable[[list[int]], list[bytes]] | None:
    """Return what gives several inputs of one column, if it holds scalars alone."""
    if type(values) not in (list, tuple):
        return None
    kinds = set(map(type, values))
    if not kinds <= SCALARS.keys():
        return None
    # The list may be changed by whoever has it, its items cannot.
    kept = tuple(values)
    if len(kinds) == 1:
        encode = SCALARS[kinds.pop()]
        return lambda indexes: [head + encode(kept[index]) for index in indexes]
    return lambda indexes: [head + SCALARS[type(kept[index])](kept[index]) for index in indexes]


def _edge_part(edge: Upstream, state: State | None) -> bytes | None:
    """Return the part of one input, which may be the child of a mapped task that has not begun yet."""
    if state.__class__ is Success and (stored := state._result._digest) is not None and not edge.anew:
        return _STORED + stored
    if state is None or not state.is_finished():
        return None
    if state.is_mapped():
        parts = []
        for child in state.map_states:  # type: ignore[attr-defined]
            part = _edge_part(edge, child)
            if part is None:
                return None
            parts.append(part)
        return b"m%d:" % len(parts) + b"".join(parts)
    kind = type(state)
    if not state.is_successful():
        # Whoever is given the exception as a value may make something of it; the others, of the fact.
        told = "" if edge.key is None else _told(state)
        return _text(_NOTHING, f"{kind.__name__} {told}")
    if edge.key is None and isinstance(state, Skipped):
        return b"s" + _NOTHING
    if edge.anew:
        # A connection, a secret: another one in every process, which is told by what it was made of.
        made_of: bytes | None = state._result.__dict__.get("_part")
        return None if made_of is None else made_of + (b"s" if isinstance(state, Skipped) else b"r")
    part = _result_part(state._result)
    return part if part is None or not isinstance(state, Skipped) else b"s" + part


def _result_part(result: Result) -> bytes | None:
    stored = result._digest
    if stored is not None:
        return _STORED + stored
    known = result.__dict__.get("_part")
    if known is None:
        if result.location is not None and _is_inline(result):
            known = _text(_INLINE, result.location)
        elif "value" not in result.__dict__:
            return None
        else:
            known = _value_part(result.value) or b""
            if known[:1] == _VALUE or not known:
                # Digested once, however many tasks are given it.
                result.__dict__["_part"] = known
    return known or None


def _is_inline(result: Result) -> bool:
    from resultant.engine.results import InlineResult

    return isinstance(result, InlineResult)


def _told(state: State) -> str:
    from resultant.errors import safe_repr

    return safe_repr(state._result.value)


def _value_part(value: Any) -> bytes | None:
    encode = SCALARS.get(type(value))
    if encode is not None:
        # Such an encoding says where it ends.
        return _SCALAR + encode(value)
    digest = digest_value(value)
    return None if digest is None else _VALUE + digest.encode()


def _text(tag: bytes, text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    return b"%b%d:%b" % (tag, len(data), data)


def _constants(step: Step) -> bytes | None:
    if not step.constants:
        return b"c"
    if len(step.constants) == 1:
        ((key, value),) = step.constants.items()
        only = _value_part(value)
        return None if only is None else b"c" + name_of(key) + only
    parts = []
    for key in sorted(step.constants):
        part = _value_part(step.constants[key])
        if part is None:
            return None
        parts.append(name_of(key) + part)
    return b"c" + b"".join(parts)
