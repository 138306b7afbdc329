"""Value → bytes → place, and back: everything between a task's value and its storage."""

from __future__ import annotations

from resultant.engine.location import call_with_names, check_returned, default_location
from resultant.engine.result import Result
from resultant.engine.stored import load
from resultant.errors import (
    AccessError,
    CorruptResultError,
    MissingResultError,
    ResultNotImplementedError,
    SerializationError,
    StorageFullError,
)
from resultant.stores.base import SPILL

from .rewriting import again
from .writers import BYTES, THREADS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import Future
    from typing import Any

    from resultant.engine.integrity import Digester
    from resultant.stores import Store

    from .frame import TaskFrame
    from .packing import Packer
    from .plan import Step

__all__ = ["like", "locate", "packer_of", "put_behind", "read_target", "save", "wrap"]

#: Attributes of a result that belong to one value.
_OF_ONE_VALUE = ("value", "location", "_size", "_digest", "_undigested", "_part", "_load")
#: Up to here, bytes of a result that go far away travel from a worker process to the driver, as its value does.
_LEFT = SPILL

_new = object.__new__


def locate(frame: TaskFrame) -> None:
    """Work out where the value of a task run will go, before its code runs and can be lost.

    Raises:
        LocationError: the location cannot be made.
    """
    step = frame.step
    if frame.location is not None and frame.loop_count == 1:
        return
    template = step.location
    if template is not None:
        frame.location = template.render(frame.name, frame.run.allow_absolute)
    elif step.target is not None:
        frame.location = target_location(frame)
    elif step.result is not None and step.result._formatter is not None:
        made = call_with_names(step.result._formatter, frame.names())
        frame.location = check_returned(made, f"The location callable of task {step.name!r}", frame.run.allow_absolute)


def target_location(frame: TaskFrame) -> str:
    """Return the concrete target of a task run; a callable may return a location or a template.

    Raises:
        LocationError: the target cannot be made.
    """
    target = frame.step.target
    if callable(target):
        text: Any = call_with_names(target, frame.names())
        if not isinstance(text, str) or "{" not in text:
            what = f"The target callable of task {frame.step.name!r}"
            return check_returned(text, what, frame.run.allow_absolute)
        from resultant.engine.location import compile_template

        target = compile_template(text)
    if target is None:
        return str(frame.step.task.target)
    return target.render(frame.name, frame.run.allow_absolute)


def wrap(frame: TaskFrame, value: Any) -> Result:
    """Return a value in the result that its task is configured with, not written anywhere."""
    configured = frame.step.result
    if configured is None:
        result = _new(Result)
        result.value = value
        return result
    return configured.from_value(value)


def save(frame: TaskFrame, value: Any, background: bool) -> tuple[Result, Future[Any] | None]:
    """Store the value of a task run.

    Args:
        frame: the task run; its location is known already.
        value: what its code returned.
        background: whether finished bytes may travel while other tasks run.

    Returns:
        The stored result, and the future of a write that is still under way.

    Raises:
        WriteError: the value could not be stored; it names what, where and why.
    """
    step = frame.step
    configured = step.result
    assert configured is not None
    # No function is made here, because whatever it held would cost every task, and not only those whose write fails.
    if not step.direct:
        return _save_own(frame, configured, value), None
    store = step.store or _store_for(frame, value)
    stored = like(step, value)
    few = configured.serializer.small(value)
    if few is None:
        return _save_large(frame, stored, store, background)
    run = frame.run
    run.written += len(few)
    behind = background and len(few) >= store.background_from
    if run.digester is not None:
        stored._size = len(few)
        if step.digests_later and not behind:
            stored._undigested = few
        else:
            stored._digest = run.digester.small(few)
    if step.packs:
        return (step.packer or packer_of(frame)).add(frame, stored, few, background)
    location = frame.location
    if location is None:
        location = default_location()
    if behind:
        return stored, put_behind(frame, stored, location, few)
    if run.remote and _is_left(step, store, len(few)):
        stored.location, stored.__dict__[BYTES] = location, few
        return stored, None
    try:
        stored.location = store.put(location, few)
    except Exception as error:  # noqa: BLE001 - whatever a store raises, the value was not written
        stored.location = _put_again(frame, stored, location, few, error)
    return stored, None


def _save_own(frame: TaskFrame, configured: Result, value: Any) -> Result:
    try:
        return _write_own(frame, configured, value)
    except Exception as error:  # noqa: BLE001 - the class is the user's own
        result: Result = again(frame, value, frame.location, error, lambda: _write_own(frame, configured, value))
        return result


def _save_large(frame: TaskFrame, stored: Any, store: Store, background: bool) -> tuple[Result, Future[Any] | None]:
    """Store a value whose bytes are not made at once."""
    step = frame.step
    value = stored.value
    location = default_location() if frame.location is None else frame.location
    sink = store.sink(location)
    packed: bytes | None = None
    try:
        _dump(stored, value, sink, frame.run.digester)
        frame.run.written += sink.size
        if step.packs and sink.size <= step.packs:
            packed = sink.finished()
        elif sink.size >= store.background_from and background and (data := sink.finished()) is not None:
            return stored, put_behind(frame, stored, location, data)
        elif frame.run.remote and _is_left(step, store, sink.size) and (data := sink.finished()) is not None:
            stored.location, stored.__dict__[BYTES] = location, data
        else:
            stored.location = sink.commit()
    except Exception as error:  # noqa: BLE001 - serializers and stores may be the user's own
        sink.abort()
        stored.location = again(frame, value, location, error, lambda: _write_whole(frame, stored, value, location))
    except BaseException:
        sink.abort()
        raise
    if packed is not None:
        return (step.packer or packer_of(frame)).add(frame, stored, packed, background)
    return stored, None


def _put_again(frame: TaskFrame, stored: Any, location: str, data: bytes, error: Exception) -> Any:
    store = _store(frame)
    return again(frame, stored.value, location, error, lambda: store.put(location, data))


def _is_left(step: Step, store: Store, size: int) -> bool:
    """Return whether a worker process, which runs one task at a time, leaves bytes to the driver, which waits for many."""
    # A handler or a cache has to know that they are stored.
    return not store.background_from and size <= _LEFT and not step.handlers and step.task.cache_for is None


def put_behind(frame: TaskFrame, stored: Any, location: str, data: bytes) -> Future[Any]:
    """Put finished bytes on another thread, while other tasks run; `stored` learns its location there."""
    store, writers = _store(frame), frame.run.writers
    assert writers is not None

    def put() -> None:
        try:
            stored.location = store.put(location, data)
        except Exception as error:  # noqa: BLE001 - whatever a store raises, the value was not written
            stored.location = _put_again(frame, stored, location, data, error)

    return writers.submit(len(data), put, getattr(store, "concurrency", THREADS))


def like(step: Step, value: Any) -> Any:
    """Return a copy of a step's configured result for one value, without a look at what every copy has in common."""
    fields = step.fields
    if fields is None:
        configured = step.result
        _ = configured.serializer  # type: ignore[union-attr]
        own = vars(configured).items()
        fields = step.fields = [(name, field) for name, field in own if name not in _OF_ONE_VALUE]
    new: Any = _new(type(step.result))
    new.value = value
    for name, field in fields:
        setattr(new, name, field)
    return new


def _dump(stored: Any, value: Any, sink: Any, digester: Digester | None) -> None:
    """Bring a value into a sink; `stored` learns size and digest of its bytes where a record wants them."""
    if digester is None:
        stored.serializer.dump(value, sink)
        return
    from resultant.engine.integrity import DigestingSink

    through = DigestingSink(sink, digester)
    stored.serializer.dump(value, through)
    stored._size = sink.size
    stored._digest = through.digest()
    if hasattr(sink, "digest"):
        sink.digest = stored._digest


def _write_whole(frame: TaskFrame, stored: Any, value: Any, location: str) -> str:
    sink = _store(frame).sink(location)
    try:
        _dump(stored, value, sink, frame.run.digester)
        return sink.commit()
    except BaseException:
        sink.abort()
        raise


def _write_own(frame: TaskFrame, configured: Result, value: Any) -> Result:
    """Write through a class of the user's own, which is given every name and forms its location by itself."""
    step = frame.step
    if step.target is not None and frame.location is not None:
        configured = configured.copy()
        configured.location = _escaped(frame.location)
    try:
        return configured.write(value, **_keywords(frame, "value_"))
    except ResultNotImplementedError:
        # This class keeps its values in memory, which is its good right.
        return configured.from_value(value)
    except (SerializationError, StorageFullError):
        # A parameter, and what the flow picks out of one, is never refused for being unfit to be recorded.
        if step.lenient:
            return configured.from_value(value)
        raise


def _keywords(frame: TaskFrame, taken: str) -> dict[str, Any]:
    """Return the names of a task run for a method of the user's, without those that are its own parameters."""
    names = frame.names()
    for name in ("self", taken):
        names.pop(name, None)
    return names


def _escaped(location: str) -> str:
    return location.replace("{", "{{").replace("}", "}}") if "{" in location or "}" in location else location


def read_target(frame: TaskFrame) -> Result | None:
    """Return the result at a task's target, or ``None`` where the task has to run.

    Damaged bytes are a miss with a reason: they are set aside under another name, so that the run can go on and somebody
    can look at them.

    Raises:
        ReadError: something is there, but this process cannot decode it.
        ResultNotImplementedError: neither the task nor the flow names a storage.
    """
    step = frame.step
    configured = step.result or Result()
    location = target_location(frame)
    frame.location = location
    if not step.direct:
        # The class formats what it is asked for once more; the target of an inline result is no template.
        asked = location if step.target is None else _escaped(location)
        if not configured.exists(asked, **_keywords(frame, "location")):
            return None
        return configured.read(location)
    store = _store(frame)
    try:
        # Reading, and catching that nothing is there, saves the look that an `exists` would cost.
        digester = frame.run.digester
        if digester is None:
            value, size, digest = load(configured.serializer, store, location), None, None
        else:
            from resultant.engine.recorded import load_for_record

            value, size, digest = load_for_record(configured.serializer, store, location, digester)
    except MissingResultError:
        return None
    except CorruptResultError as error:
        from resultant.runtime import get_logger

        try:
            aside = store.set_aside(location)
        except MissingResultError:
            # Another process found the damage at the same time, and was faster.
            return None
        get_logger("results").warning(
            "Task '%s': the result at its target is damaged, so the task runs again; the damaged bytes are kept as %r. (%s)",
            step.name,
            aside,
            error,
        )
        return None
    found: Result = like(step, value)
    found.location = location
    if digest is not None:
        found._size = size
        found._digest = digest
    return found


def _store_for(frame: TaskFrame, value: Any) -> Store:
    """Return the store for a value that is there already: that this machine cannot reach one is no reason to lose it.

    Raises:
        WriteError: it cannot.
    """
    try:
        return _store(frame)
    except AccessError as error:
        store: Store = again(frame, value, frame.location, error, lambda: _store(frame))
        return store


def _store(frame: TaskFrame) -> Store:
    """Return the store of a step whose values go there directly; it is opened once for all steps that share a result."""
    step = frame.step
    store = step.store
    if store is None:
        result = step.result
        stores = frame.run.stores
        store = stores.get(id(result))
        if store is None:
            store = result.store  # type: ignore[union-attr]
            if getattr(store, "intents", False) and frame.run.intents is not None:
                store = frame.run.intents.around(store, result)  # type: ignore[arg-type]
            stores[id(result)] = store
        step.store = store
    return store


def packer_of(frame: TaskFrame) -> Packer:
    """Return what packs the results of a step; all steps whose results go to the same store share it."""
    step, run = frame.step, frame.run
    store = _store(frame)
    packer = run.packers.get(id(store))
    if packer is None:
        from .packing import packer_for

        # Tasks in several threads may come here first at once; only the one that is kept has written anything.
        packer = run.packers.setdefault(id(store), packer_for(run, store, again))
    step.packer = packer
    return packer
