"""What a flow would do if it ran now, as far as that can be told without running anything."""

from __future__ import annotations

from resultant.cli import output
from resultant.cli.failure import one_line
from resultant.errors import MissingResultError, ReadError, StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.core.flow import Flow
    from resultant.runner.plan import Plan, Run, Step

__all__ = ["forecast"]

_RUN, _TAKE, _OPEN, _WAIT, _FAIL = "run", "take", "unsure", "wait", "fail"


def forecast(flow: Flow, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """Return ``task``, ``would`` (``run``, ``take``, ``wait``, ``fail`` or ``unsure``) and ``why`` of each task, in order.

    Args:
        flow: the flow.
        parameters: values by name.
    """
    from resultant.runner.run import planned

    plan, run = planned(flow, parameters)
    if any(step.task.cache_for is not None for step in plan.steps):
        from resultant.cli.command import database
        from resultant.runner.digest_key import digester
        from resultant.runner.shelf import stock

        run.digester = digester()
        stock(database(), plan, run)
    known: dict[int, Any] = {}
    told = []
    for step in plan.steps:
        task = step.task
        if task.is_parameter:
            if task.name in run.parameters:
                known[step.index] = run.parameters[task.name]
        elif task.is_constant:
            known[step.index] = task.value
        else:
            try:
                would, why = _would(plan, run, step, known)
            except Exception as error:  # noqa: BLE001 - targets and validators are the user's own; a run fails this task alone
                would, why = _FAIL, one_line(error)
            told.append({"task": step.slug, "would": would, "why": why})
    return told


def _would(plan: Plan, run: Run, step: Step, known: dict[int, Any]) -> tuple[str, str]:
    from resultant.triggers import manual_only

    if step.task.trigger is manual_only:
        return _WAIT, "It waits for approval."
    if step.target is not None or step.task.target is not None:
        return _by_target(plan, run, step, known)
    if step.task.cache_for is not None:
        return _by_cache(plan, run, step, known)
    return _RUN, "It has neither a target nor a cache."


def _by_target(plan: Plan, run: Run, step: Step, known: dict[int, Any]) -> tuple[str, str]:
    from resultant.runner.frame import TaskFrame
    from resultant.runner.persist import target_location
    from resultant.runtime import enter, leave

    if step.mapped:
        return _OPEN, "It is mapped, and each child has a target of its own."
    inputs = dict(step.constants)
    needed = None if callable(step.target) else set(getattr(step.target, "names", ()))
    for edge in step.upstream:
        if edge.key is None:
            continue
        if edge.index in known:
            inputs[edge.key] = known[edge.index]
        elif needed is None or edge.key in needed:
            return _OPEN, f"Its target is named after what {plan.steps[edge.index].slug} returns."
    frame = TaskFrame(run, step, None)
    frame.inputs = inputs
    outer = enter(frame)
    try:
        location = target_location(frame)
        size = _size(frame, step, location)
    finally:
        leave(outer)
    if size is None:
        return _RUN, f"Nothing is at its target {location}."
    if size == 0:
        return _RUN, f"What is at its target {location} is damaged: it is empty."
    return _TAKE, f"Its target {location} is there."


def _size(frame: Any, step: Step, location: str) -> int | None:
    """Return how many bytes are at a target, ``None`` where nothing is, and -1 where a class of the user's does not say."""
    from resultant.engine.result import Result

    configured: Any = step.result or Result()
    if step.direct:
        try:
            return int(configured.store.stat(location).size)
        except MissingResultError:
            return None
    names = frame.names()
    for name in ("self", "location"):
        names.pop(name, None)
    return -1 if configured.exists(location.replace("{", "{{").replace("}", "}}"), **names) else None


def _by_cache(plan: Plan, run: Run, step: Step, known: dict[int, Any]) -> tuple[str, str]:
    from resultant.engine.inputs import Inputs

    shelf = step.shelf
    if shelf is None or not shelf.offers:
        return _RUN, "No value in the cache was made by this code, or none that has not expired."
    runs = ", ".join(dict.fromkeys(offer.run for offer in shelf.offers[:3]))
    if step.mapped:
        return _OPEN, f"It is mapped; for each child a value of run {runs} may fit."
    inputs = dict(step.constants)
    for edge in step.upstream:
        if edge.key is None:
            continue
        if edge.index not in known:
            above = plan.steps[edge.index].slug
            return _OPEN, f"Whether a cached value of run {runs} fits may hang on what {above} returns."
        inputs[edge.key] = known[edge.index]
    given = Inputs(inputs)
    validator = step.task.cache_validator
    for state in shelf.fitting(validator, given, -1):
        try:
            fits = validator(state, given, run.parameters)
        except (ReadError, StoreError):
            continue  # a validator that looks at a value which cannot be read: a run takes the next one as well
        if fits:
            until = state.cached_result_expiration
            end = "for good" if until is None else f"until {output.local(until.timestamp())}"
            return _TAKE, f"{state.message} It is in the cache {end}."
    name = getattr(validator, "__name__", "its validator")
    return _RUN, f"What is in the cache, of run {runs}, does not fit ({name})."
