"""How a resumed run takes over what earlier attempts finished, and does again what cannot be used any more.

Steps that stand are taken over with their values unread, first those that wait for nothing else. The others are looked at
in the order in which they would run. One that does not stand is about to run, and what it is given is read now; if that
cannot be read, nothing new is begun any more, so that whatever else is lost is found as well. Then the run is gone through
once more from the beginning (see ``FlowRun.work``): the lost ones run, in their place in the order, and what depends on
them compares what it would be given with what it was given.
"""

from __future__ import annotations

from functools import partial

from resultant.engine.recorded import later
from resultant.engine.result import Result
from resultant.engine.state import Cached, Mapped, Pending, State, Success
from resultant.engine.together import read_together

from .fingerprint import inputs_of_task, of_task
from .history import is_unread
from .mapping import Claims, input_values, states_above
from .raised import Raised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.records import TaskRun

    from .brood import Brood
    from .flow import FlowRun
    from .history import History
    from .plan import Step, Upstream

__all__ = ["adopt_children", "child_stands", "gathered", "stands", "take_over_ready"]


def take_over_ready(run: FlowRun, history: History) -> None:
    """Take over, of the steps that could begin now, and of those that could then, the usual ones that stand.

    A run may have ten thousand of them: what can be done for all at once is. The others stay where they are.

    Args:
        run: the run under way.
        history: what is recorded.
    """
    steps, states, digester = run.plan.steps, run.states, history.digester
    left: list[int] = []
    while run.ready:
        ready, run.ready = run.ready, []
        asked: list[tuple[Step, TaskRun]] = []
        given: list[bytes] = []
        for index in ready:
            step = steps[index]
            task = step.task
            row = history.row(step)
            inputs = None
            if (
                row is not None
                and states[index].__class__ is Pending
                and not (step.mapped or task.is_parameter or task.is_constant or task.rerun_always)
                and run.missing[index] <= 0
            ):
                inputs = inputs_of_task(step, states)
            if row is None or inputs is None:
                left.append(index)
            else:
                asked.append((step, row))
                given.append(inputs)
        for (step, row), inputs in zip(asked, digester.each(given), strict=True):
            state = history.take(step, row) if inputs == row.input else None
            if state is None:
                left.append(step.index)
            else:
                run.take_over(step.index, state)
    run.ready = sorted(left)


def stands(run: FlowRun, history: History, step: Step) -> bool:
    """Take over a step that an earlier attempt finished.

    Args:
        run: the run under way.
        history: what is recorded.
        step: the step that is to begin.

    Returns:
        Whether there is nothing to begin: the step stands, or something has to be done again before it.
    """
    index = step.index
    if step.task.is_parameter:
        # A parameter costs nothing, and may have been given anew: what depends on it compares what it was given.
        run.redone.add(index)
        return False
    inputs = of_task(history.digester, step, run.states) if history.row(step) is not None else None
    if step.mapped:
        states = history.whole(run, step, inputs)
        if states is not None:
            _adopt_whole(run, step, states)
            return True
    if not step.task.rerun_always or (step.slug, -1) in history.kept:
        state = history.standing(run, step, -1, lambda: inputs)
        if state is not None and not (step.mapped and state.__class__ in (Success, Cached)):
            run.settle(index, None, state, known=True)
            return True
    history.begin()
    if not _fetch(run, history, step, None) or run.torn:
        return True
    history.doubt(run, step, -1, lambda: input_values(step, states_above(step, run.states)))
    waiting = history.waiting(run, step, -1, lambda: of_task(history.digester, step, run.states))
    if waiting is not None:
        run.states[index] = waiting
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
    epoch = history.epoch(run, step, of_task(history.digester, step, run.states))
    for child in range(children.count):
        if states[child] is None and (children.quick or not children.waits_for(child)):
            states[child] = _standing_or_waiting(run, history, step, brood, child, epoch)


def child_stands(run: FlowRun, history: History, step: Step, brood: Brood, child: int) -> bool:
    """Take over one child whose upstream children were waited for; return whether it need not begin.

    Args:
        run: the run under way.
        history: what is recorded.
        step: the mapped task.
        brood: its children.
        child: position.
    """
    states = brood.parent.map_states
    if states[child] is None and not run.torn:
        states[child] = state = _standing_or_waiting(run, history, step, brood, child, None)
        if state.is_finished():
            run.settle(step.index, child, state, known=True)
            return True
    return run.torn


def gathered(parent: Mapped) -> Result:
    """Return the result of a mapped task's parent: the list of its children's values, read when it is asked for."""
    if not any(is_unread(child) for child in parent.map_states):
        return Result([child._result.value for child in parent.map_states])
    result: Result = later(Result(), _Gathered(parent.map_states))
    return result


class _Gathered:
    """Reads the values of all children; it travels to workers."""

    __slots__ = ("states",)

    def __init__(self, states: list[State]) -> None:
        self.states = states

    def __call__(self, result: Result) -> list[object]:
        read_together(child._result for child in self.states)
        return [child._result.value for child in self.states]


def _standing_or_waiting(
    run: FlowRun, history: History, step: Step, brood: Brood, child: int, epoch: tuple[int, float] | None
) -> State:
    """Return how a child stands that is due: finished, waiting, or about to run with its inputs read."""
    fingerprint = brood.fingerprint
    assert fingerprint is not None
    state = history.standing(run, step, child, lambda: fingerprint(child), epoch)
    if state is None:
        history.begin()
        if _fetch(run, history, step, child) and not run.torn:
            assert brood.children is not None
            history.doubt(run, step, child, partial(brood.children.inputs, child))
        run.redone.add(step.index)
        state = history.waiting(run, step, child, lambda: fingerprint(child)) or Pending()
    return state


def _adopt_whole(run: FlowRun, step: Step, states: list[State]) -> None:
    parent = Mapped("Ready to proceed with mapping.", map_states=states)
    brood = run.adopt(step, None, Claims(run.run, step, 0), parent)
    brood.left = 0
    run.complete(step.index, brood)
    run.announce(step)


def _fetch(run: FlowRun, history: History, step: Step, child: int | None) -> bool:
    """Read the values that a task run is given, and note those that cannot be read; return whether all could.

    What is lost will run as well: what it is given is looked at in its turn.
    """
    fine = True
    todo = [(step, child)]
    while todo:
        step, child = todo.pop()
        every = getattr(step.task.trigger, "__module__", "") != "resultant.triggers"
        for edge in step.upstream:
            # A trigger of the user's own may look at any value.
            if edge.key is None and not every:
                continue
            if child is None or not edge.mapped or edge.flattened:
                # What all children are given is read once, however many ask.
                if (step.index, edge) in history.fetched:
                    continue
                history.fetched.add((step.index, edge))
            given = _given(run, edge, child)
            if len(given) > 1:
                read_together(state._result for _, state in given)
            for position, state in given:
                if not is_unread(state):
                    continue
                try:
                    if isinstance(raised := state._result.__dict__.get("_load"), Raised):
                        # Without its words the task has to say them again.
                        raised.said()
                    _ = state._result.value
                except Exception as error:  # noqa: BLE001 - serializers and classes of results may be the user's own
                    above = run.plan.steps[edge.index]
                    history.lose(above, position, error)
                    fine = False
                    todo.append((above, None if position < 0 else position))
    if not fine:
        run.torn = True
    return fine


def _given(run: FlowRun, edge: Upstream, child: int | None) -> list[tuple[int, State]]:
    """Return positions and states of what comes through an edge: of all children, or of the one that a child maps over."""
    state = run.states[edge.index]
    if not isinstance(state, Mapped):
        return [(-1, state)]
    states = state.map_states
    if not edge.mapped or edge.flattened:
        return [(position, each) for position, each in enumerate(states) if each is not None]
    # The parent of children that map one by one needs none of them.
    if child is None or child >= len(states) or states[child] is None:
        return []
    return [(child, states[child])]
