"""What a task run was given, as a few bytes: rows compare them, and nobody reads the inputs back out of them."""

from __future__ import annotations

from resultant.engine.digests import digest_value
from resultant.engine.digests.encoder import SCALARS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from resultant.engine.integrity import Digester
    from resultant.engine.result import Result
    from resultant.engine.state import State

    from .mapping import Children
    from .plan import Step

__all__ = ["of_children", "of_task"]

#: A value that is digested within an input is told apart from one that stands for itself as stored bytes.
_STORED, _SCALAR, _VALUE, _NOTHING = b"\x00", b"\x01", b"\x02", b"\x03"


def of_task(digester: Digester, step: Step, upstream: list[State]) -> bytes | None:
    """Return the fingerprint of a task's inputs, or ``None`` where one of them cannot be digested.

    Args:
        digester: holds the key.
        step: the task.
        upstream: the states of the tasks above, one for each edge.
    """
    parts = []
    for edge, above in zip(step.upstream, upstream, strict=True):
        part = _state_part(above)
        if part is None:
            return None
        parts.append(_keyed(edge.key, part))
    constants = _constants(step)
    if constants is None:
        return None
    return digester.small(b"".join((*parts, constants)))


def of_children(digester: Digester, step: Step, children: Children) -> Callable[[int], bytes | None]:
    """Return a function that gives the fingerprint of one child's inputs, by its position.

    Args:
        digester: holds the key.
        step: the mapped task.
        children: what its children are given.
    """
    common: list[bytes] = []
    varying: list[tuple[bytes, Any, Any]] = []
    possible = True
    for (key, values, states), above in zip(children.columns, children.upstream, strict=True):
        name = _keyed(key, b"")
        if values is not None or states is not None:
            varying.append((name, values, states))
            continue
        part = _state_part(above)
        if part is None:
            possible = False
            break
        common.append(name + part)
    constants = _constants(step)
    if not possible or constants is None:
        return lambda index: None
    same = b"".join((*common, constants))
    small = digester.small
    if len(varying) == 1 and varying[0][1] is not None:
        name, values, _ = varying[0]
        head = same + name

        def single(index: int) -> bytes | None:
            part = _value_part(values[index])
            return None if part is None else small(head + part)

        return single

    def several(index: int) -> bytes | None:
        parts = [same]
        for name, values, states in varying:
            part = _value_part(values[index]) if values is not None else _state_part(states[index])
            if part is None:
                return None
            parts.append(name + part)
        return small(b"".join(parts))

    return several


def _keyed(key: str | None, part: bytes) -> bytes:
    name = (key or "").encode()
    return b"%d:%b%b" % (len(name), name, part)


def _state_part(state: State) -> bytes | None:
    if state.is_mapped():
        parts = []
        for child in state.map_states:  # type: ignore[attr-defined]
            part = _state_part(child)
            if part is None:
                return None
            parts.append(part)
        return b"m%d:" % len(parts) + b"".join(parts)
    if not state.is_successful():
        # How a task failed says nothing to the tasks that run in spite of it, but that it did.
        return _NOTHING + type(state).__name__.encode() + b";"
    return _result_part(state._result)


def _result_part(result: Result) -> bytes | None:
    stored: bytes | None = getattr(result, "_digest", None)
    if stored is not None:
        return _STORED + stored
    return _value_part(result.value)


def _value_part(value: Any) -> bytes | None:
    encode = SCALARS.get(type(value))
    if encode is not None:
        plain = encode(value)
        return _SCALAR + b"%d:" % len(plain) + plain
    digest = digest_value(value)
    return None if digest is None else _VALUE + digest.encode()


def _constants(step: Step) -> bytes | None:
    parts = []
    for key in sorted(step.constants):
        part = _value_part(step.constants[key])
        if part is None:
            return None
        parts.append(_keyed(key, part))
    return b"c" + b"".join(parts)
