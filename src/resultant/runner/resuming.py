"""How a resumed run takes over what earlier attempts finished, and does again what cannot be used any more."""

from __future__ import annotations

from heapq import heappush

from resultant.engine.recorded import later
from resultant.engine.result import Result
from resultant.engine.state import Mapped, Pending, State
from resultant.errors import ReadError, StoreError

from .fingerprint import of_children, of_task
from .history import is_unread
from .mapping import Claims, expand

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .brood import Brood
    from .flow import FlowRun
    from .history import History
    from .plan import Step

__all__ = ["adopt_children", "child_stands", "gathered", "stands"]


def stands(run: FlowRun, history: History, step: Step, upstream: list[State]) -> bool:
    """Take over a step that an earlier attempt finished.

    Args:
        run: the run under way.
        history: what is recorded.
        step: the step that is to begin.
        upstream: the states above, one for each edge.

    Returns:
        Whether there is nothing to begin: the step stands, or it has to wait for something above that is done again.
    """
    index = step.index
    again = any(edge.index in run.redone for edge in step.upstream)
    if hasattr(step.task, "required"):
        # A parameter costs nothing, and may have been given anew: what depends on it compares fingerprints.
        run.redone.add(index)
        return False
    if getattr(step.task, "rerun_always", False):
        return False
    if step.mapped:
        states = None if again else history.whole(step)
        if states is not None:
            _adopt_whole(run, step, states)
            return True
    else:
        found = history.standing(step, -1, (lambda: of_task(history.digester, step, upstream)) if again else None)
        if found is not None:
            run.settle(index, None, found, known=True)
            return True
        waiting = history.waiting(step, -1)
        if waiting is not None:
            run.states[index] = waiting
    if not _readable(run, history, step, upstream):
        return True
    run.begun.add(index)
    if not step.mapped:
        run.redone.add(index)
    return False


def adopt_children(run: FlowRun, history: History, step: Step, brood: Brood) -> None:
    """Fill in the children of a mapped task that earlier attempts finished, as far as that can be told already.

    Args:
        run: the run under way.
        history: what is recorded.
        step: the mapped task.
        brood: its children.
    """
    children, states = brood.children, brood.parent.map_states
    assert children is not None
    for child in range(children.count):
        if states[child] is not None:
            continue
        if not children.waits_for(child):
            states[child] = _standing_child(run, history, step, brood, child)
        if states[child] is None:
            run.redone.add(step.index)
            states[child] = history.waiting(step, child)
            for edge, column in zip(step.upstream, children.columns, strict=True):
                above = column[2]
                if above is not None and above[child] is not None:
                    _read(run, history, edge.index, child, above[child])


def child_stands(run: FlowRun, history: History, step: Step, brood: Brood, child: int) -> bool:
    """Take over one child whose upstream children were waited for; return whether it need not run.

    Args:
        run: the run under way.
        history: what is recorded.
        step: the mapped task.
        brood: its children.
        child: position.
    """
    if brood.children is None:
        found = expand(run.run, step, [run.states[edge.index] for edge in step.upstream])
        if isinstance(found, State):
            run.settle(step.index, child, found, known=True)
            return True
        brood.children = found
        brood.fingerprint = of_children(history.digester, step, found)
    state = brood.parent.map_states[child]
    if state is not None and not isinstance(state, Pending):
        return False
    standing = _standing_child(run, history, step, brood, child)
    if standing is None:
        run.redone.add(step.index)
        return False
    run.settle(step.index, child, standing, known=True)
    return True


def gathered(parent: Mapped) -> Result:
    """Return the result of a mapped task's parent: the list of its children's values, read when it is asked for."""
    if not any(is_unread(child) for child in parent.map_states):
        return Result([child._result.value for child in parent.map_states])
    result: Result = later(Result(), lambda _: [child._result.value for child in parent.map_states])
    return result


def _standing_child(run: FlowRun, history: History, step: Step, brood: Brood, child: int) -> State | None:
    again = any(edge.index in run.redone for edge in step.upstream)
    fingerprint = brood.fingerprint
    if again and fingerprint is None:
        return None
    return history.standing(step, child, (lambda: fingerprint(child)) if again and fingerprint is not None else None)


def _adopt_whole(run: FlowRun, step: Step, states: list[State]) -> None:
    parent = Mapped("Ready to proceed with mapping.", map_states=list(states))
    brood = run.adopt(step, None, Claims(run.run, step, len(states)), parent)
    brood.left = 0
    run.finish_adopted(step.index, brood)


def _readable(run: FlowRun, history: History, step: Step, upstream: list[State]) -> bool:
    """Read the values that a step is given; what cannot be read is done again first."""
    fine = True
    for edge, above in zip(step.upstream, upstream, strict=True):
        if edge.key is None or (edge.mapped and above.is_mapped()):
            continue
        for child, state in _each(run.states[edge.index]):
            fine = _read(run, history, edge.index, child, state) and fine
    return fine


def _each(state: State) -> Iterator[tuple[int | None, State]]:
    if isinstance(state, Mapped):
        yield from enumerate(state.map_states)
    else:
        yield None, state


def _read(run: FlowRun, history: History, index: int, child: int | None, state: State) -> bool:
    if not state.is_finished() or not is_unread(state):
        return state.is_finished()
    try:
        _ = state._result.value
    except (ReadError, StoreError) as error:
        reopen(run, history, index, child, error)
        return False
    return True


def reopen(run: FlowRun, history: History, index: int, child: int | None, reason: Exception) -> None:
    """Do a task run again whose recorded result cannot be read any more.

    Args:
        run: the run under way.
        history: what is recorded.
        index: the step.
        child: position of a mapped child.
        reason: why it cannot be read.
    """
    step = run.plan.steps[index]
    history.lose(step, -1 if child is None else child, str(reason))
    brood = run.broods.get(index)
    first = brood is None or not brood.left
    if first:
        for edge, below in step.dependents:
            heard = brood is not None and edge.mapped and not edge.flattened
            if not heard and below not in run.begun:
                run.missing[below] += 1
    run.redone.add(index)
    if child is None or brood is None:
        run.states[index] = Pending()
        heappush(run.ready, index)
        return
    brood.left += 1
    brood.parent.map_states[child] = Pending()
    run.reopened.append((index, child))
