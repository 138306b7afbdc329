"""Order, mapping and submission: which task runs next, and what its end sets free."""

from __future__ import annotations

from heapq import heappop, heappush
from time import sleep, time

from resultant.engine.result import Result
from resultant.engine.state import Cached, Failed, Mapped, Pending, Retrying, State, Success

from .brood import Brood
from .fingerprint import inputs_of_children
from .flights import Flights
from .inline import run_children
from .mapping import Children, Claims, input_results, states_above
from .resuming import adopt_children, child_stands, gathered, stands, take_over_ready
from .task import died, parent_state
from .waits import Waits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .history import History
    from .plan import Plan, Run, Step
    from .recording import Recorder

__all__ = ["FlowRun"]

_new = object.__new__


def _not_run() -> Pending:
    state = _new(Pending)
    state.message = None
    return state


class FlowRun:
    """One run of a flow's tasks, driven from one thread.

    Args:
        plan: the steps.
        run: what is common to all of them.
        executor: where their code runs; started already.
        given: states to begin with, by step; finished ones stand.
        one_pass: end when nothing is ready, instead of waiting for retries and schedules.
        recorder: writes rows; ``None`` where nothing is recorded.
        history: what earlier attempts of a resumed run left behind.

    Attributes:
        states: how each step stands.
        counts: how many task runs ended in each class of state.
        started: how many task runs have begun.
    """

    def __init__(
        self,
        plan: Plan,
        run: Run,
        executor: Any,
        given: dict[int, State],
        one_pass: bool = False,
        recorder: Recorder | None = None,
        history: History | None = None,
    ) -> None:
        self.plan = plan
        self.recorder = recorder
        self.history = history
        self.run = run
        self.flights = Flights(run, plan.steps, executor)
        self.one_pass = one_pass
        self.started = 0
        self._given = given
        self._clear()

    def _clear(self) -> None:
        plan = self.plan
        #: Steps that a resumed run does again, and whether it found results lost that something needs.
        self.redone: set[int] = set()
        self.torn = False
        #: Children to begin; the last one comes first, so that what is begun is finished before more is.
        self.ready_children: list[tuple[int, int]] = []
        self.began: dict[tuple[int, int | None], float] = {}
        self.states: list[State] = [self._given.get(step.index) or _not_run() for step in plan.steps]
        self.counts: dict[type, int] = {}
        self.missing = [len(step.upstream) for step in plan.steps]
        self.ready = [step.index for step in plan.steps if not step.upstream]
        self.broods: dict[int, Brood] = {}
        #: Mapped tasks whose children wait for the children of a mapped task, by the latter's index.
        self._followers: dict[int, list[int]] = {}
        self._waits = Waits()

    def work(self) -> None:
        """Run everything that can be run."""
        self._work()
        while self.torn and self.history is not None:
            # What is lost runs in its place, before what needs it; what this process has finished stays.
            self.history.look_again(self)
            self._clear()
            self._work()

    def _work(self) -> None:
        flights = self.flights
        if self.history is not None:
            take_over_ready(self, self.history)
        while True:
            while self.ready or (self.ready_children and flights.count < flights.most):
                if not self.ready:
                    index, child = self.ready_children.pop()
                    self._begin_child(index, child, self.broods[index].parent.map_states[child] or Pending())
                elif self.missing[index := heappop(self.ready)] <= 0:
                    self._begin(index)
                if flights.count:
                    self.land(wait=False)
            if flights.count:
                self.land(wait=True)
            elif self._waits and not self.one_pass and not self.torn:
                sleep(self._waits.pause())
                self._wake()
            else:
                return

    def resume(self, index: int, child: int | None, state: State) -> None:
        """Go on with a task run that waited, or one child of a mapped task, from the state given."""
        self._put(index, child, state)
        if child is None:
            heappush(self.ready, index)
        else:
            self._begin_child(index, child, state)

    # Beginning

    def _begin(self, index: int) -> None:
        step = self.plan.steps[index]
        state = self.states[index]
        # A cached state that was passed in is for the task's validator to judge.
        if state.__class__ is not Pending and state.is_finished():
            if not (step.mapped and isinstance(state, Mapped)) and state.__class__ is not Cached:
                if not step.task.rerun_always:
                    self._arrived(index, state)
                    return
                state = Pending()
        elif step.task.is_constant:
            self.settle(index, None, Success(result=Result(step.task.value)), known=True)
            return
        if self.history is not None:
            if stands(self, self.history, step):
                return
            state = self.states[index]
        upstream = states_above(step, self.states)
        if step.mapped:
            self._begin_mapped(step, state, upstream)
            return
        self._submit(step, None, state, upstream, None, None)

    def _begin_mapped(self, step: Step, state: State, upstream: list[State]) -> None:
        index = step.index
        parent, found = parent_state(self.run, step, state, upstream)
        if found is None or not isinstance(parent, Mapped):
            self.settle(index, None, parent)
            return
        claims = Claims(self.run, step, found.count)
        known: list[Any] = list(parent.map_states)
        count = found.count if not known else max(found.count, len(known))
        found.count = min(found.count, count)
        parent.map_states = (known + [None] * found.count)[: found.count]
        parent._n_map_states = None
        brood = self.adopt(step, found, claims, parent)
        if self.history is not None:
            adopt_children(self, self.history, step, brood)
        if self.recorder is not None:
            self.recorder.parent(self, step, parent, found.count)
        if self.torn:
            return
        places = claims.claim_all(found, parent.map_states)
        if isinstance(places, Failed):
            del self.broods[index]
            self.settle(index, None, places)
            return
        brood.places = places
        for edge in step.upstream:
            if edge.mapped and not edge.flattened and edge.index in self.broods:
                self._followers.setdefault(edge.index, []).append(index)
        if not found.count:
            self.complete(index, brood)
        elif self.flights.inline:
            run_children(self, step, brood)
        else:
            self._free_brood(step, brood)
        self.announce(step)

    def adopt(self, step: Step, children: Children | None, claims: Claims, parent: Mapped) -> Brood:
        """Take in the children of a mapped task; without `children` none of them is going to run."""
        count = len(parent.map_states) if children is None else children.count
        brood = self.broods[step.index] = Brood(children, claims, parent, count)
        if self.recorder is not None and children is not None:
            brood.know(self.recorder.digester, inputs_of_children(step, children))
        self.states[step.index] = parent
        return brood

    def keep(self, index: int, child: int, state: Any) -> bool:
        """Note the state of a child; return whether it is still to come back."""
        self._put(index, child, state)
        if state.is_finished():
            self.counts[type(state)] = self.counts.get(type(state), 0) + 1
            return False
        self._waits.add(index, child, state)
        return True

    def _free_brood(self, step: Step, brood: Brood) -> None:
        index, children, free = step.index, brood.children, []
        assert children is not None
        for child in range(children.count):
            state = brood.parent.map_states[child]
            if state is not None and state.is_finished():
                self.settle(index, child, state, known=True)
                continue
            missing = children.waits_for(child)
            if missing:
                brood.waiting[child] = missing
            else:
                free.append((index, child))
        self.ready_children += reversed(free)

    def _begin_child(self, index: int, child: int, state: State) -> None:
        step = self.plan.steps[index]
        brood = self.broods[index]
        if self.history is not None and child_stands(self, self.history, step, brood, child):
            return
        children = brood.children
        assert children is not None
        inputs = children.inputs(child)
        upstream = None if children.quick else children.states(child)
        place = None if brood.places is None else brood.places[child]
        if place is None and brood.claims.needed:
            try:
                place = brood.claims.claim(child, inputs)
            except Exception as error:  # noqa: BLE001 - a callable of the user's makes the location
                self.settle(index, child, Failed(str(error), result=error))
                return
        brood.parent.map_states[child] = state
        self._submit(step, child, state, upstream, inputs, place)

    # Running

    def _submit(
        self,
        step: Step,
        child: int | None,
        state: State,
        upstream: list[State] | None,
        inputs: dict[str, Any] | None,
        place: str | None,
    ) -> None:
        self.started += 1
        if self.recorder is not None:
            self.began[step.index, child] = time()
        end = self.flights.submit(step, child, state, upstream, inputs, place)
        if end is not None:
            self.settle(step.index, child, end)

    def land(self, wait: bool) -> None:
        """Take in what has come back: one after waiting for it, and all that is there."""
        timeout = None
        if wait and self._waits and not self.one_pass:
            timeout = self._waits.pause()
        for index, child, end in self.flights.land(wait, timeout):
            if isinstance(end, State):
                self.settle(index, child, end)
            else:
                state = self.states[index] if child is None else self.broods[index].parent.map_states[child]
                self.settle(index, child, died(self.run, self.plan.steps[index], state or Pending(), child, end))
        if timeout is not None:
            self._wake()

    # Ending

    def note(self, index: int, child: int | None, state: State) -> None:
        """Keep the state of a task run, on record as well where rows are written."""
        if self.recorder is not None:
            self.recorder.note(self, index, child, state)
        self._put(index, child, state)

    def _put(self, index: int, child: int | None, state: State) -> None:
        if child is None:
            self.states[index] = state
        else:
            self.broods[index].parent.map_states[child] = state
        if isinstance(state, Retrying) and not state.cached_inputs:
            step = self.plan.steps[index]
            children = None if child is None else self.broods[index].children
            state.cached_inputs = input_results(step, self.states, children, child)

    def take_over(self, index: int, state: State) -> None:
        """Take in how a step ended that is on record already."""
        self.states[index] = state
        self.counts[type(state)] = self.counts.get(type(state), 0) + 1
        if self.plan.steps[index].dependents:
            self._arrived(index, state)

    def settle(self, index: int, child: int | None, state: State, known: bool = False) -> None:
        """Take in how a task run stands; `known` says that it is on record already."""
        if known:
            self._put(index, child, state)
        else:
            self.note(index, child, state)
        if not state.is_finished():
            self._waits.add(index, child, state)
            return
        self.counts[type(state)] = self.counts.get(type(state), 0) + 1
        if child is None:
            self._arrived(index, state)
            return
        brood = self.broods[index]
        brood.left -= 1
        for follower in self._followers.get(index, ()):
            below = self.broods[follower]
            missing = below.waiting.get(child)
            if missing == 1:
                del below.waiting[child]
                # Not begun from here: a chain of mapped tasks would be as many calls deep.
                self.ready_children.append((follower, child))
            elif missing is not None:
                below.waiting[child] = missing - 1
        if not brood.left:
            self.complete(index, brood)

    def complete(self, index: int, brood: Brood) -> None:
        parent = brood.parent
        if self.history is not None:
            parent._result = gathered(parent)
        else:
            parent._result = Result([child._result.value for child in parent.map_states])
        self.counts[Mapped] = self.counts.get(Mapped, 0) + 1
        self._arrived(index, parent)

    def _arrived(self, index: int, state: State) -> None:
        """Count a finished step in everything below it."""
        step = self.plan.steps[index]
        # Those that map over these children heard of them before.
        brood = index in self.broods
        for edge, below in step.dependents:
            if not (brood and edge.mapped and not edge.flattened):
                self._arrive(below)

    def _arrive(self, below: int) -> None:
        self.missing[below] -= 1
        if not self.missing[below]:
            heappush(self.ready, below)

    def announce(self, step: Step) -> None:
        """Let those begin that map over the children of a step: they need not wait for all of them."""
        for edge, below in step.dependents:
            if edge.mapped and not edge.flattened:
                self._arrive(below)

    # Waiting

    def _wake(self) -> None:
        for index, child in self._waits.due():
            if child is None:
                heappush(self.ready, index)
            else:
                self._begin_child(index, child, self.broods[index].parent.map_states[child])
