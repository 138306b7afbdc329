"""The children of a mapped task, run one after the other on the thread that drives the run."""

from __future__ import annotations

from time import time

from resultant.engine.state import Cached, Pending, Success

from .task import Unfinished, run_task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .brood import Brood
    from .flow import FlowRun
    from .plan import Step

__all__ = ["run_children"]

_new = object.__new__


def run_children(flow_run: FlowRun, step: Step, brood: Brood) -> None:
    """Run all children of a mapped task: the loop that decides what a mapped task costs.

    Args:
        flow_run: the run under way.
        step: the task.
        brood: its children.
    """
    children, states, run, recorder = brood.children, brood.parent.map_states, flow_run.run, flow_run.recorder
    assert children is not None
    counts, quick, index, places = flow_run.counts, children.quick, step.index, brood.places
    note = None if recorder is None else recorder.children(step, brood)
    # This loop only notes what there is, and leaves the rest to those who write many rows at a time: that takes less for each.
    step.digests_later = note is not None and step.plain and step.direct and not step.packs
    kind, take = brood.usual
    began = time()
    waiting, brood.left = 0, children.count
    for child in range(children.count):
        state = states[child]
        if state is None:
            state = _new(Pending)
        elif state.is_finished():
            waiting += flow_run.keep(index, child, state)
            continue
        if not quick and (missing := children.waits_for(child)):
            brood.waiting[child] = missing
            waiting += 1
            continue
        inputs = children.inputs(child)
        upstream = None if quick else children.states(child)
        flow_run.started += 1
        end: Any = run_task(run, step, state, upstream, inputs, child, None if places is None else places[child])
        cls = end.__class__
        if cls is Success or cls is Cached:
            states[child] = end
            counts[cls] = counts.get(cls, 0) + 1
            if note is not None:
                ended, result = time(), end._result
                if (
                    result.value.__class__ is kind
                    and result._size is not None
                    and result.location is not None
                    and state.__class__ is Pending
                    and cls is Success
                    and end._context is None
                ):
                    take((child, began, ended, None, result))
                else:
                    note(child, end, began, state)
                    kind, take = brood.usual
                began = ended
        elif cls is Unfinished:
            flow_run.land(wait=False)
            flow_run.began[index, child] = began
            states[child] = state
            flow_run.flights.fly(index, child, end)
            waiting += 1
            began = time()
        else:
            if note is not None:
                note(child, end, began, state)
            waiting += flow_run.keep(index, child, end)
            began = time()
    if recorder is not None and step.digests_later:
        step.digests_later = False
        recorder.digest([state._result for state in states if state.__class__ is Success])
    brood.left += waiting - children.count  # what has landed meanwhile is counted already
    if not brood.left:
        flow_run.complete(index, brood)
