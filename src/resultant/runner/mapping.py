"""The children of a mapped task: how many there are, and what each of them is given."""

from __future__ import annotations

from resultant.engine.result import Result
from resultant.engine.state import Failed, Mapped, State, Success
from resultant.errors import LocationCollisionError
from resultant.triggers import all_successful

from .frame import TaskFrame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .plan import Run, Step

__all__ = ["Children", "Claims", "expand", "flat_value", "input_results", "input_values", "states_above"]

#: Names that differ for every child, so that a location which uses one cannot collide.
_UNIQUE = frozenset(("map_index", "task_full_name", "task_run_id"))

_new = object.__new__


class Children:
    """What the children of a mapped task are given.

    Args:
        step: the mapped task.
        upstream: the states of the tasks above, one for each edge.

    Attributes:
        count: how many children there are.
        quick: whether every task above succeeded for certain, so that a child's upstream states need not be looked at.
    """

    __slots__ = ("columns", "constants", "count", "quick", "sole", "step", "upstream")

    def __init__(self, step: Step, upstream: list[State]) -> None:
        self.step = step
        self.upstream = upstream
        self.constants = step.constants
        # A cache may want to know where inputs came from.
        self.quick = step.task.trigger is all_successful and step.shelf is None
        #: For each edge: its input name, and the values or the states of the children, or neither where all get the same.
        self.columns: list[tuple[str | None, Sequence[Any] | None, list[Any] | None]] = []
        lengths: list[int] = []
        for edge, above in zip(step.upstream, upstream, strict=True):
            values: Sequence[Any] | None = None
            states: list[Any] | None = None
            if edge.mapped:
                if edge.flattened:
                    states = flat_states(above)
                    lengths.append(len(states))
                elif above.is_mapped():
                    states = above.map_states  # type: ignore[attr-defined]
                    lengths.append(len(states))
                elif above.is_successful():
                    values = above.result
                    lengths.append(len(values))
            if values is None and (states is not None or above.__class__ is not Success):
                self.quick = False
            self.columns.append((edge.key, values, states))
        self.count = min(lengths)
        #: Name and values of the only input that is not a constant, if they are known.
        self.sole: tuple[str, Sequence[Any]] | None = None
        if len(self.columns) == 1:
            name, only, _ = self.columns[0]
            self.sole = None if name is None or only is None else (name, only)

    def inputs(self, index: int) -> dict[str, Any]:
        """Return the inputs of one child, by name."""
        inputs = dict(self.constants)
        if self.sole is not None:
            name, only = self.sole
            inputs[name] = only[index]
            return inputs
        for (key, values, states), above in zip(self.columns, self.upstream, strict=True):
            if key is not None:
                if values is not None:
                    inputs[key] = values[index]
                elif states is not None:
                    inputs[key] = states[index]._result.value
                else:
                    inputs[key] = above._result.value
        return inputs

    def states(self, index: int) -> list[State]:
        """Return the upstream states of one child, one for each edge."""
        found: list[State] = []
        for (_, values, states), above in zip(self.columns, self.upstream, strict=True):
            if values is not None:
                found.append(_element(above, values[index]))
            elif states is not None:
                found.append(states[index])
            else:
                found.append(above)
        return found

    def waits_for(self, index: int) -> int:
        """Return how many of one child's upstream children are not finished yet."""
        return sum(
            states is not None and not (states[index] is not None and states[index].is_finished())
            for _, _, states in self.columns
        )


class Claims:
    """Which child may write to which location: two different values never share one.

    Args:
        run: what is common to the whole run.
        step: the mapped task.
        count: how many children there are.
    """

    __slots__ = ("_callable", "_digests", "_run", "_step", "_taken", "needed")

    def __init__(self, run: Run, step: Step, count: int) -> None:
        self._run = run
        self._step = step
        self._taken: dict[str, tuple[int, dict[str, Any]]] = {}
        #: Of the inputs of whoever was first at a place, once somebody else comes there.
        self._digests: dict[str, str | None] = {}
        self._callable = callable(step.target) or (step.result is not None and step.result._formatter is not None)
        template = step.location
        writes = step.stores or step.target is not None
        self.needed = (
            count > 1 and writes and (self._callable or (template is not None and _UNIQUE.isdisjoint(template.names)))
        )

    def claim(self, index: int, inputs: dict[str, Any]) -> str:
        """Return the location of one child's value.

        Args:
            index: the child's position.
            inputs: its values by name.

        Raises:
            LocationCollisionError: another child with other inputs has the same location.
            LocationError: the location cannot be made.
        """
        from .persist import locate

        frame = TaskFrame(self._run, self._step, index)
        frame.inputs = inputs
        from .gate import name_run

        name_run(frame)
        locate(frame)
        location = frame.location
        assert location is not None
        place = location
        if "//" in location or "./" in location:
            from os.path import normpath

            # a//b and a/./b are other ways to write a/b.
            place = normpath(location)
        first, others = self._taken.setdefault(place, (index, inputs))
        if first != index and not self._share(place, others, inputs):
            where = "target" if self._step.target is not None else "location"
            raise LocationCollisionError(
                f"Children {first} and {index} of the mapped task {self._step.name!r} would both write to {location!r}. "
                f"Put {{map_index}}, {{task_full_name}} or an input that differs into the {where}, so that each child has a "
                "place of its own."
            )
        return location

    def _share(self, place: str, first: dict[str, Any], inputs: dict[str, Any]) -> bool:
        from resultant.engine.digests import digest_value

        if place not in self._digests:
            self._digests[place] = digest_value(first)
        digest = self._digests[place]
        return digest is not None and digest == digest_value(inputs)

    def claim_all(self, children: Children, states: list[Any]) -> list[str | None] | Failed | None:
        """Return every child's location, worked out before anything is written, or the failure of two that are the same.

        Args:
            children: what the children are given.
            states: how they stand; those that are finished write nothing any more.

        Returns:
            ``None`` where no two children can have the same location, or some of their inputs are not known yet.
        """
        if not self.needed or any(children.waits_for(child) for child in range(children.count)):
            return None
        try:
            return [
                None if state is not None and state.is_finished() else self.claim(child, children.inputs(child))
                for child, state in enumerate(states)
            ]
        except Exception as error:  # noqa: BLE001 - a callable of the user's makes the location
            from resultant.runtime import get_logger

            get_logger(self._step.name).error("Task '%s' did not run: %s", self._step.name, error)
            return Failed(str(error), result=error)


def expand(run: Run, step: Step, upstream: list[State]) -> Children | Failed:
    """Return the children of a mapped task, or the failure of a task that cannot be mapped.

    Args:
        run: what is common to the whole run.
        step: the mapped task.
        upstream: the states of the tasks above, one for each edge.
    """
    mapped = [above for edge, above in zip(step.upstream, upstream, strict=True) if edge.mapped]
    if not any(above.is_successful() for above in mapped):
        return Failed("No upstream states can be mapped over.")
    for above in mapped:
        if above.is_successful() and not above.is_mapped() and not hasattr(above.result, "__getitem__"):
            return Failed("At least one upstream state has an unmappable result.")
    try:
        children = Children(step, upstream)
        for _, values, _ in children.columns:
            if values is not None and children.count:
                # A dictionary, say, can be indexed and not be mapped over: fail its task here, not the run at its first child.
                values[0]
        return children
    except Exception as error:  # noqa: BLE001  (the value's own methods may raise anything)
        return Failed("At least one upstream state has an unmappable result.", result=error)


def flat_states(above: State) -> list[State]:
    """Return one state for each item, one level of nesting removed.

    Args:
        above: the state of the task that is flattened.
    """
    found: list[State] = []
    if above.is_mapped():
        for child in above.map_states:  # type: ignore[attr-defined]
            if not child.is_successful() or child.is_skipped():
                found.append(child)
            else:
                found.extend(_element(child, item) for item in _items(child.result, nested=False))
        return found
    if not above.is_successful():
        return [above]
    return [_element(above, item) for item in flat_value(above.result)]


def states_above(step: Step, states: list[State]) -> list[State]:
    """Return the states of the tasks above a step, one for each edge, as the step is given them.

    Args:
        step: the step.
        states: the states of all steps.
    """
    return [
        _flattened(states[edge.index]) if edge.flattened and not edge.mapped else states[edge.index]
        for edge in step.upstream
    ]


def _flattened(above: State) -> State:
    """Return a state whose value is flattened, for a task that reduces it."""
    flat = flat_states(above)
    if not above.is_mapped():
        return above if not above.is_successful() else Success(above.message, result=[state.result for state in flat])
    reduced = Mapped(above.message, map_states=flat)
    reduced._result = Result([state.result for state in flat])
    return reduced


def flat_value(value: Any) -> list[Any]:
    """Return the items of a value's items; what is flat already passes unchanged."""
    items = _items(value, nested=False)
    if all(_is_nested(item) for item in items):
        return [inner for item in items for inner in item]
    if not any(_is_nested(item) for item in items):
        return items
    return [inner for item in items for inner in _items(item, nested=False)]


def _items(value: Any, nested: bool) -> list[Any]:
    try:
        return list(value)
    except TypeError:
        from resultant.runtime import get_logger

        get_logger("flow").warning(
            "`flatten` was used on upstream task that did not return an iterable (%s); it passes as one item.",
            type(value).__name__,
        )
        return [value]


def _is_nested(item: Any) -> bool:
    return not isinstance(item, (str, bytes)) and hasattr(item, "__iter__")


def _element(above: State, value: Any) -> State:
    """Return a state like `above` for one item of its value."""
    element = _new(type(above))
    element.__dict__.update(above.__dict__)
    element._result = above._result.from_value(value)
    return element


def input_values(step: Step, upstream: list[State]) -> dict[str, Any]:
    """Return the values that a task which is not mapped is given, by input name.

    Args:
        step: the step.
        upstream: the states above, one for each edge.
    """
    values = dict(step.constants)
    for edge, above in zip(step.upstream, upstream):  # noqa: B905 - as long as each other; this is a hot path
        if edge.key is not None:
            values[edge.key] = above._result.value
    return values


def input_results(step: Step, states: list[State], children: Children | None, child: int | None) -> dict[str, Result]:
    """Return the results that a task run is given, by input name, each that of the task which made it.

    Args:
        step: the task.
        states: of all steps.
        children: what the children of a mapped task are given.
        child: position of one of them.
    """
    if child is None or children is None:
        upstream = [states[edge.index] for edge in step.upstream]
    else:
        upstream = children.states(child)
    return {
        edge.key: above._result for edge, above in zip(step.upstream, upstream, strict=True) if edge.key is not None
    }
