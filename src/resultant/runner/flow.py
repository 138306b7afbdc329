"""Order, mapping and submission: which task runs next, and what its end sets free."""

from __future__ import annotations

from heapq import heappop, heappush
from time import time

from resultant.engine.result import Result
from resultant.engine.state import Cached, Failed, Mapped, Pending, Retrying, Scheduled, State, Success

from .flights import Flights
from .mapping import Children, Claims, flattened
from .task import Unfinished, died, parent_state, run_task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .plan import Plan, Run, Step

__all__ = ["FlowRun"]

_new = object.__new__


def _not_run() -> Pending:
    state = _new(Pending)
    state.message = None
    return state


class _Brood:
    """The children of one mapped task while they run."""

    __slots__ = ("children", "claims", "left", "parent", "waiting")

    def __init__(self, children: Children, claims: Claims, parent: Mapped) -> None:
        self.children = children
        self.claims = claims
        self.parent = parent
        self.left = children.count
        #: Children that wait for children above them: how many arrivals each still needs.
        self.waiting: dict[int, int] = {}


class FlowRun:
    """One run of a flow's tasks, driven from one thread.

    Args:
        plan: the steps.
        run: what is common to all of them.
        executor: where their code runs; started already.
        given: states to begin with, by step; finished ones stand.
        one_pass: end when nothing is ready, instead of waiting for retries and schedules.

    Attributes:
        states: how each step stands.
        counts: how many task runs ended in each class of state.
        started: how many task runs have begun.
    """

    def __init__(self, plan: Plan, run: Run, executor: Any, given: dict[int, State], one_pass: bool = False) -> None:
        self.plan = plan
        self.run = run
        self.flights = Flights(run, plan.steps, executor)
        self.one_pass = one_pass
        self.states: list[State] = [given.get(step.index) or _not_run() for step in plan.steps]
        self.counts: dict[type, int] = {}
        self.started = 0
        self._missing = [len(step.upstream) for step in plan.steps]
        self._ready = [step.index for step in plan.steps if not step.upstream]
        self._broods: dict[int, _Brood] = {}
        #: Mapped tasks whose children wait for the children of a mapped task, by the latter's index.
        self._followers: dict[int, list[int]] = {}
        self._due: list[tuple[float, int, int, int | None]] = []
        self._number = 0

    def work(self) -> None:
        """Run everything that can be run."""
        flights = self.flights
        while True:
            while self._ready:
                self._begin(heappop(self._ready))
                if flights.count:
                    self._land(wait=False)
            if flights.count:
                self._land(wait=True)
            elif self._due and not self.one_pass:
                self._sleep()
            else:
                return

    def waiting(self) -> list[tuple[int, int | None, State]]:
        """Return step, child and state of every task run that waits for a time or for approval."""
        found: list[tuple[int, int | None, State]] = []
        for index, state in enumerate(self.states):
            if isinstance(state, Scheduled):
                found.append((index, None, state))
            elif isinstance(state, Mapped):
                for child, inner in enumerate(state.map_states):
                    if isinstance(inner, Scheduled):
                        found.append((index, child, inner))
        return found

    def resume(self, index: int, child: int | None, state: State) -> None:
        """Go on with a task run that waited.

        Args:
            index: its step.
            child: its position in a mapped task, if it is one.
            state: how it stands now.
        """
        self._put(index, child, state)
        if child is None:
            heappush(self._ready, index)
        else:
            self._begin_child(index, child, state)

    def finish_writes(self) -> None:
        """Wait for what is in flight, after an interruption: what was computed is kept."""
        if self.run.writers is not None:
            self.run.writers.close()
        for index, child, end in self.flights.land(wait=False):
            if isinstance(end, State):
                self._put(index, child, end)

    # Beginning

    def _begin(self, index: int) -> None:
        step = self.plan.steps[index]
        state = self.states[index]
        if getattr(step.task, "is_constant", False) and not state.is_finished():
            self._settle(index, None, Success(result=Result(step.task.value)))
            return
        # A cached state that was passed in is for the task's validator to judge.
        if state.is_finished() and not (step.mapped and isinstance(state, Mapped)) and state.__class__ is not Cached:
            if not getattr(step.task, "rerun_always", False):
                self._arrived(index, state)
                return
            state = Pending()
        upstream = [self.states[edge.index] for edge in step.upstream]
        for position, edge in enumerate(step.upstream):
            if edge.flattened and not edge.mapped:
                upstream[position] = flattened(upstream[position])
        if step.mapped:
            self._begin_mapped(step, state, upstream)
            return
        self._submit(step, None, state, upstream, None, None)

    def _begin_mapped(self, step: Step, state: State, upstream: list[State]) -> None:
        index = step.index
        parent, found = parent_state(self.run, step, state, upstream)
        if found is None or not isinstance(parent, Mapped):
            self._settle(index, None, parent)
            return
        claims = Claims(self.run, step, found.count)
        known: list[Any] = list(parent.map_states)
        count = found.count if not known else max(found.count, len(known))
        found.count = min(found.count, count)
        parent.map_states = (known + [None] * found.count)[: found.count]
        parent._n_map_states = None
        brood = _Brood(found, claims, parent)
        self._broods[index] = brood
        self.states[index] = parent
        places = self._claim_all(step, brood)
        if isinstance(places, Failed):
            del self._broods[index]
            self._settle(index, None, places)
            return
        for edge in step.upstream:
            if edge.mapped and not edge.flattened and edge.index in self._broods:
                self._followers.setdefault(edge.index, []).append(index)
        if not found.count:
            self._complete(index, brood)
        elif self.flights.inline:
            self._run_brood(step, brood, places)
        else:
            self._submit_brood(step, brood, places)
        # Whoever maps over these children need not wait for all of them.
        for _, below in self._mapped_over(step):
            self._arrive(below)

    def _run_brood(self, step: Step, brood: _Brood, places: list[str] | None) -> None:
        """Run all children on this thread, one after the other: the loop that decides what a mapped task costs."""
        children, states, run = brood.children, brood.parent.map_states, self.run
        counts, quick, index = self.counts, children.quick, step.index
        waiting = 0
        for child in range(children.count):
            state = states[child]
            if state is None:
                state = _new(Pending)
            elif state.is_finished():
                waiting += self._keep(index, child, state)
                continue
            if not quick and (missing := children.waits_for(child)):
                brood.waiting[child] = missing
                waiting += 1
                continue
            inputs = children.inputs(child)
            upstream = None if quick else children.states(child)
            self.started += 1
            end = run_task(run, step, state, upstream, inputs, child, None if places is None else places[child])
            cls = end.__class__
            if cls is Success or cls is Cached:
                states[child] = end
                counts[cls] = counts.get(cls, 0) + 1
            elif cls is Unfinished:
                states[child] = state
                self.flights.fly(index, child, end)
                waiting += 1
            else:
                waiting += self._keep(index, child, end)
        # Whatever is not finished comes back through _settle, one by one.
        brood.left = waiting
        if not waiting:
            self._complete(index, brood)

    def _keep(self, index: int, child: int, state: Any) -> bool:
        """Note the state of a child; return whether it is still to come back."""
        self._put(index, child, state)
        if state.is_finished():
            self.counts[type(state)] = self.counts.get(type(state), 0) + 1
            return False
        self._schedule(index, child, state)
        return True

    def _submit_brood(self, step: Step, brood: _Brood, places: list[str] | None) -> None:
        index, children = step.index, brood.children
        for child in range(children.count):
            state = brood.parent.map_states[child]
            if state is not None and state.is_finished():
                self._settle(index, child, state)
                continue
            missing = children.waits_for(child)
            if missing:
                brood.waiting[child] = missing
            else:
                self._begin_child(index, child, state or Pending(), None if places is None else places[child])

    def _begin_child(self, index: int, child: int, state: State, place: str | None = None) -> None:
        step = self.plan.steps[index]
        brood = self._broods[index]
        inputs = brood.children.inputs(child)
        upstream = None if brood.children.quick else brood.children.states(child)
        if place is None and brood.claims.needed:
            try:
                place = brood.claims.claim(child, inputs)
            except Exception as error:  # noqa: BLE001 - a callable of the user's makes the location
                self._settle(index, child, Failed(str(error), result=error))
                return
        brood.parent.map_states[child] = state
        self._submit(step, child, state, upstream, inputs, place)

    def _claim_all(self, step: Step, brood: _Brood) -> list[str] | Failed | None:
        """Work out every child's location before anything is written, where two of them could be the same."""
        children = brood.children
        if not brood.claims.needed or any(children.waits_for(child) for child in range(children.count)):
            return None
        try:
            return [brood.claims.claim(child, children.inputs(child)) for child in range(children.count)]
        except Exception as error:  # noqa: BLE001 - a callable of the user's makes the location
            from resultant.runtime import get_logger

            get_logger(step.name).error("Task '%s' did not run: %s", step.name, error)
            return Failed(str(error), result=error)

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
        end = self.flights.submit(step, child, state, upstream, inputs, place)
        if end is not None:
            self._settle(step.index, child, end)

    def _land(self, wait: bool) -> None:
        """Take in what has come back: one after waiting for it, and all that is there."""
        timeout = None
        if wait and self._due and not self.one_pass:
            timeout = max(0.0, self._due[0][0] - time())
        for index, child, end in self.flights.land(wait, timeout):
            if isinstance(end, State):
                self._settle(index, child, end)
            else:
                state = self.states[index] if child is None else self._broods[index].parent.map_states[child]
                self._settle(index, child, died(self.run, self.plan.steps[index], state or Pending(), child, end))
        if timeout is not None:
            self._wake()

    # Ending

    def _put(self, index: int, child: int | None, state: State) -> None:
        if child is None:
            self.states[index] = state
        else:
            self._broods[index].parent.map_states[child] = state
        if isinstance(state, Retrying) and not state.cached_inputs:
            state.cached_inputs = self._input_results(index, child)

    def _settle(self, index: int, child: int | None, state: State) -> None:
        self._put(index, child, state)
        if not state.is_finished():
            self._schedule(index, child, state)
            return
        self.counts[type(state)] = self.counts.get(type(state), 0) + 1
        if child is None:
            self._arrived(index, state)
            return
        brood = self._broods[index]
        brood.left -= 1
        for follower in self._followers.get(index, ()):
            below = self._broods[follower]
            missing = below.waiting.get(child)
            if missing == 1:
                del below.waiting[child]
                self._begin_child(follower, child, below.parent.map_states[child] or Pending())
            elif missing is not None:
                below.waiting[child] = missing - 1
        if not brood.left:
            self._complete(index, brood)

    def _complete(self, index: int, brood: _Brood) -> None:
        parent = brood.parent
        parent._result = Result([child._result.value for child in parent.map_states])
        self.counts[Mapped] = self.counts.get(Mapped, 0) + 1
        self._arrived(index, parent)

    def _arrived(self, index: int, state: State) -> None:
        """Count a finished step in everything below it."""
        step = self.plan.steps[index]
        # Those that map over these children heard of them before.
        brood = index in self._broods
        for edge, below in step.dependents:
            if not (brood and edge.mapped and not edge.flattened):
                self._arrive(below)

    def _arrive(self, below: int) -> None:
        self._missing[below] -= 1
        if not self._missing[below]:
            heappush(self._ready, below)

    def _mapped_over(self, step: Step) -> list[tuple[Any, int]]:
        return [(edge, below) for edge, below in step.dependents if edge.mapped and not edge.flattened]

    # Waiting

    def _schedule(self, index: int, child: int | None, state: State) -> None:
        """Remember a task run that has to wait for its time; one that waits for approval is left to the caller."""
        start = getattr(state, "start_time", None)
        if start is None:
            return
        self._number += 1
        heappush(self._due, (start.timestamp(), self._number, index, child))

    def _sleep(self) -> None:
        from time import sleep

        pause = self._due[0][0] - time()
        if pause > 0:
            sleep(pause)
        self._wake()

    def _wake(self) -> None:
        # States compare their start with a clock of microseconds: begin a little late rather than in vain.
        moment = time() - 1e-5
        while self._due and self._due[0][0] <= moment:
            _, _, index, child = heappop(self._due)
            if child is None:
                heappush(self._ready, index)
            else:
                self._begin_child(index, child, self._broods[index].parent.map_states[child])

    def _input_results(self, index: int, child: int | None) -> dict[str, Result]:
        """Return the results that a task run is given, each that of the task which made it."""
        step = self.plan.steps[index]
        if child is None:
            upstream = [self.states[edge.index] for edge in step.upstream]
        else:
            upstream = self._broods[index].children.states(child)
        return {
            edge.key: above._result for edge, above in zip(step.upstream, upstream, strict=True) if edge.key is not None
        }
