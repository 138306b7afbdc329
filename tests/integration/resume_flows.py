"""Flows of every kind whose tasks can be told to fail, and a script that runs each of them into each of its failures.

The tests of resuming import it; ``python -c "import resume_flows; resume_flows.main(FOLDER)"`` prints one line of JSON for each
run: flow, failing task run, run id.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from resultant import Flow, LocalResult, Parameter, case, config, context, flatten, resource_manager, task, unmapped
from resultant.engine import signals
from resultant.engine.result import Result
from resultant.engine.results import ConstantResult, PrefectResult
from resultant.engine.serializers import JSONSerializer, PickleSerializer
from resultant.engine.state import Failed, Success
from resultant.executors import ThreadExecutor
from resultant.tasks.control_flow import merge, switch
from resultant.triggers import all_finished, any_failed, any_successful, some_failed

Key = tuple[str, int]

#: Task runs whose code was called, in order, and the one that fails.
called: list[Key] = []
failing: list[Key] = []

EXAMPLES: dict[str, Callable[[str], Flow]] = {}


class Injected(Exception):
    """What a task fails with that is told to."""


def hit() -> None:
    """Note that the code of the task run at hand was called, and fail if it is to."""
    index = context.get("map_index")
    key = context.task_slug, -1 if index is None else index
    called.append(key)
    if key in failing:
        raise Injected(f"{key} was told to fail")


def example(make: Callable[[str], Flow]) -> Callable[[str], Flow]:
    EXAMPLES[make.__name__] = make
    return make


# ------------------------------------------------------------------------------------------------------------- tasks


@task
def numbers(count: int = 4) -> list[int]:
    hit()
    return list(range(count))


@task
def one() -> int:
    hit()
    return 1


@task
def nothing() -> None:
    hit()


@task
def double(x: Any) -> Any:
    hit()
    return x * 2


@task
def add(x: Any, y: Any = 1) -> Any:
    hit()
    return x + y


@task
def total(values: Any) -> Any:
    hit()
    return sum(values)


@task
def pair(x: Any = 1) -> tuple[Any, str]:
    hit()
    return x, "second"


@task
def show(value: Any) -> str:
    hit()
    return value.__name__ if callable(value) else repr(value)


# ------------------------------------------------------------------------------------------------------------- flows


@example
def chain(folder: str) -> Flow:
    with Flow("chain", result=LocalResult(dir=folder)) as flow:
        total([add(double(one())), double(5)])
    return flow


@example
def diamond(folder: str) -> Flow:
    with Flow("diamond", result=LocalResult(dir=folder)) as flow:
        first = one()
        add(double(first), add(first))
    return flow


@example
def mapped(folder: str) -> Flow:
    with Flow("mapped", result=LocalResult(dir=folder)) as flow:
        total(double.map(numbers()))
    return flow


@example
def mapped_over_constant(folder: str) -> Flow:
    with Flow("mapped over constant", result=LocalResult(dir=folder)) as flow:
        double.map([1, 2, 3, 4])
    return flow


@example
def mapped_over_mapped(folder: str) -> Flow:
    with Flow("mapped over mapped", result=LocalResult(dir=folder)) as flow:
        total(add.map(double.map(double.map(numbers()))))
    return flow


@example
def mapped_zip(folder: str) -> Flow:
    with Flow("mapped zip", result=LocalResult(dir=folder)) as flow:
        left, right = double.map(numbers()), add.map(numbers(3), unmapped(one()))
        add.map(left, right)
    return flow


@example
def mapped_in_threads(folder: str) -> Flow:
    with Flow("mapped in threads", result=LocalResult(dir=folder), executor=ThreadExecutor(workers=3)) as flow:
        total(add.map(double.map(numbers(6))))
    return flow


@example
def mapped_over_nothing(folder: str) -> Flow:
    with Flow("mapped over nothing", result=LocalResult(dir=folder)) as flow:
        total(double.map(numbers(0)))
    return flow


@example
def flattened_map(folder: str) -> Flow:
    @task
    def several(x: int) -> list[int]:
        hit()
        return list(range(x))

    with Flow("flattened map", result=LocalResult(dir=folder)) as flow:
        total(double.map(flatten(several.map(numbers()))))
    return flow


@example
def flattened_reduce(folder: str) -> Flow:
    @task
    def several(x: int) -> list[int]:
        hit()
        return [x, x]

    @task
    def nested() -> list[list[int]]:
        hit()
        return [[1, 2], [3]]

    with Flow("flattened reduce", result=LocalResult(dir=folder)) as flow:
        total(flatten(several.map(numbers())))
        total(flatten(nested()))
    return flow


@example
def looped(folder: str) -> Flow:
    @task
    def loop(start: int) -> int:
        hit()
        count = context.get("task_loop_count", 1)
        value = context.get("task_loop_result", start)
        if count < 4:
            raise signals.LOOP(result=value + 1)
        return value

    with Flow("looped", result=LocalResult(dir=folder)) as flow:
        double(loop(one()))
    return flow


@example
def looped_and_mapped(folder: str) -> Flow:
    @task
    def loop(start: int) -> int:
        hit()
        value = context.get("task_loop_result", start)
        if context.get("task_loop_count", 1) < 3:
            raise signals.LOOP(result=value * 10)
        return value

    with Flow("looped and mapped", result=LocalResult(dir=folder)) as flow:
        total(loop.map(numbers()))
    return flow


@example
def retried(folder: str) -> Flow:
    @task(max_retries=2, retry_delay=timedelta(0))
    def unsteady(x: int) -> int:
        hit()
        if context.task_run_count < 3:
            raise ValueError("not yet")
        return x + context.task_run_count

    with Flow("retried", result=LocalResult(dir=folder)) as flow:
        total(unsteady.map(numbers()))
        double(unsteady(one()))
    return flow


@example
def skipped(folder: str) -> Flow:
    @task
    def odd_only(x: int) -> int:
        hit()
        if x % 2 == 0:
            raise signals.SKIP("even")
        return x

    @task(skip_on_upstream_skip=False)
    def anyway(x: Any) -> str:
        hit()
        return f"got {x}"

    with Flow("skipped", result=LocalResult(dir=folder)) as flow:
        some = odd_only.map(numbers())
        double.map(some)
        anyway.map(some)
        double(odd_only(2))
        anyway(odd_only(4))
    return flow


@example
def skipped_parent(folder: str) -> Flow:
    @task
    def never() -> list[int]:
        hit()
        raise signals.SKIP("nothing to do")

    with Flow("skipped parent", result=LocalResult(dir=folder)) as flow:
        total(double.map(never()))
        one()
    return flow


@example
def triggers(folder: str) -> Flow:
    @task
    def breaks() -> None:
        hit()
        raise ValueError("always")

    @task(trigger=any_failed)
    def repair(x: Any) -> str:
        hit()
        return f"repaired {x!r}"

    @task(trigger=all_finished)
    def finish(x: Any, y: Any) -> str:
        hit()
        return f"finished {x!r} {y!r}"

    @task(trigger=any_successful)
    def either(values: Any) -> int:
        hit()
        return 7

    with Flow("triggers", result=LocalResult(dir=folder)) as flow:
        broken = breaks()
        mended = repair(broken)
        finish(double(one()), mended)
        either([broken, add(1)])
        double(broken)
    flow.set_reference_tasks([mended])
    return flow


@example
def triggers_over_children(folder: str) -> Flow:
    @task
    def picky(x: int) -> int:
        hit()
        if x == 2:
            raise ValueError("two")
        return x

    @task(trigger=some_failed(at_least=1))
    def look(values: Any) -> int:
        hit()
        return len(values)

    @task(trigger=all_finished)
    def each(x: Any) -> str:
        hit()
        return type(x).__name__

    with Flow("triggers over children", result=LocalResult(dir=folder)) as flow:
        tried = picky.map(numbers())
        found = look(tried)
        each.map(tried)
    flow.set_reference_tasks([found])
    return flow


@example
def own_trigger(folder: str) -> Flow:
    def large(upstream: Any) -> bool:
        return all(state.result > 1 for state in upstream.values())

    @task(trigger=large)
    def after() -> str:
        hit()
        return "after"

    with Flow("own trigger", result=LocalResult(dir=folder)) as flow:
        after(upstream_tasks=[add(one()), double(3)])
    return flow


@example
def order_alone(folder: str) -> Flow:
    with Flow("order alone", result=LocalResult(dir=folder)) as flow:
        first = one()
        second = nothing(upstream_tasks=[first])
        double(4, upstream_tasks=[second])
    return flow


@example
def cases(folder: str) -> Flow:
    @task
    def choice() -> str:
        hit()
        return "b"

    with Flow("cases", result=LocalResult(dir=folder)) as flow:
        chosen = choice()
        with case(chosen, "a"):
            left = add(1)
        with case(chosen, "b"):
            right = double(add(2))
        double(merge(left, right))
    return flow


@example
def switched(folder: str) -> Flow:
    @task
    def choice() -> str:
        hit()
        return "x"

    with Flow("switched", result=LocalResult(dir=folder)) as flow:
        ways = {"x": add(1), "y": add(2)}
        switch(choice(), ways)
        show(merge(*ways.values()))
    return flow


@example
def handlers(folder: str) -> Flow:
    def replace(subject: Any, old: Any, new: Any) -> Any:
        if new.is_successful() and not new.is_skipped() and not new.is_mapped() and new.result == 2:
            return Success("replaced", result=20)
        return None

    def forgive(subject: Any, old: Any, new: Any) -> Any:
        if new.is_failed() and isinstance(new.result, ZeroDivisionError):
            return Success("forgiven", result=0)
        return None

    def refuse(subject: Any, old: Any, new: Any) -> Any:
        if new.is_successful() and new.result == 3:
            return Failed("refused", result=ValueError("three"))
        return None

    @task(state_handlers=[replace])
    def replaced(x: int) -> int:
        hit()
        return x

    @task(state_handlers=[forgive])
    def divided(x: int) -> int:
        hit()
        return 1 // x

    @task(state_handlers=[refuse])
    def refused(x: int) -> int:
        hit()
        return x

    with Flow("handlers", result=LocalResult(dir=folder)) as flow:
        good = total(replaced.map(numbers()))
        add(double(divided(0)), good)
        refused.map(numbers(5))
    flow.set_reference_tasks([good])
    return flow


@example
def several_outputs(folder: str) -> Flow:
    @task(nout=2)
    def two() -> tuple[int, str]:
        hit()
        return 5, "five"

    with Flow("several outputs", result=LocalResult(dir=folder)) as flow:
        number, name = two()
        add(double(number))
        show(name)
        show(pair(3)[1])
    return flow


@example
def collections(folder: str) -> Flow:
    with Flow("collections", result=LocalResult(dir=folder)) as flow:
        show({"a": one(), "b": [double(2), (add(3), 4)]})
    return flow


@example
def constants(folder: str) -> Flow:
    with Flow("constants", result=LocalResult(dir=folder)) as flow:
        add(add(1, 2), 3)
        show({"a": [1, 2], "b": {3}})
        show(lambda: 5)
    return flow


@example
def parameters(folder: str) -> Flow:
    with Flow("parameters", result=LocalResult(dir=folder)) as flow:
        x, names = Parameter("x", default=3), Parameter("names", default=["a", "b"])
        double(x)
        show.map(names)
        show(names[0])
        double.map(numbers(x))
    return flow


@example
def targets(folder: str) -> Flow:
    @task(target="parts/{x}.pickle")
    def part(x: int) -> int:
        hit()
        return x * 3

    @task(target="whole", result=LocalResult(dir=f"{folder}/other"))
    def whole(parts: list[int]) -> int:
        hit()
        return sum(parts)

    with Flow("targets", result=LocalResult(dir=folder)) as flow:
        double(whole(part.map(numbers())))
    return flow


@example
def templates(folder: str) -> Flow:
    @task(result=LocalResult(dir=folder, location="{date:%Y}/{flow_run_name}/{x}"), task_run_name="part {x}")
    def part(x: int) -> int:
        hit()
        return x + 1

    @task(result=LocalResult(dir=folder, location=lambda **names: f"made/{names['map_index']}"))
    def made(x: int) -> int:
        hit()
        return x + 1

    with Flow("templates", result=LocalResult(dir=folder)) as flow:
        total(part.map(numbers()))
        total(made.map(numbers()))
    return flow


@example
def in_memory(folder: str) -> Flow:
    @task(checkpoint=False)
    def loose(x: int) -> int:
        hit()
        return x + 100

    with Flow("in memory", result=LocalResult(dir=folder)) as flow:
        double(loose(one()))
        add(total(loose.map(numbers())), loose(2))
    return flow


@example
def nothing_stored(folder: str) -> Flow:
    with Flow("nothing stored") as flow:
        total(double.map(numbers()))
        nothing()
        add(double(one()))
    return flow


@example
def nones(folder: str) -> Flow:
    @task
    def maybe(x: int) -> int | None:
        hit()
        return x if x % 2 else None

    @task(target="kept-none")
    def kept() -> None:
        hit()

    with Flow("nones", result=LocalResult(dir=folder)) as flow:
        show.map(maybe.map(numbers()))
        show(nothing())
        show(kept())
        nothing(upstream_tasks=[one()])
    return flow


@example
def inline(folder: str) -> Flow:
    with Flow("inline", result=PrefectResult()) as flow:
        total(double.map(numbers()))
        show(pair(2))
    return flow


@example
def serializers(folder: str) -> Flow:
    class Marked(PickleSerializer):
        """A serializer that no row can name."""

        def serialize(self, value: Any) -> bytes:
            return b"marked " + super().serialize(value)

        def deserialize(self, value: bytes) -> Any:
            return super().deserialize(value[7:])

    @task(result=LocalResult(dir=folder, serializer=JSONSerializer()))
    def as_json() -> dict[str, int]:
        hit()
        return {"a": 1}

    @task(result=LocalResult(dir=folder, serializer=Marked()))
    def marked(x: Any) -> Any:
        hit()
        return [x]

    with Flow("serializers") as flow:
        show(marked(as_json()))
        show.map(marked.map(numbers()))
    return flow


class OwnResult(Result):
    """A class of results that knows nothing of stores: files written by hand."""

    def __init__(self, root: str, **options: Any) -> None:
        self.root = root
        super().__init__(**options)

    def read(self, location: str) -> Any:
        new = self.copy()
        new.value = self.serializer.deserialize((Path(self.root) / location).read_bytes())
        new.location = location
        return new

    def write(self, value_: Any, **kwargs: Any) -> Any:
        new = self.format(**kwargs)
        new.value = value_
        path = Path(self.root) / new.location
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.serializer.serialize(value_))
        return new

    def exists(self, location: str, **kwargs: Any) -> bool:
        return (Path(self.root) / location).exists()


@example
def own_results(folder: str) -> Flow:
    result = OwnResult(folder, location="{task_slug}-{map_index}")
    with Flow("own results", result=result) as flow:
        total(double.map(numbers()))
        show(add(one()))
        show.map(numbers(2))
    return flow


@example
def constant_result(folder: str) -> Flow:
    @task(result=ConstantResult(value=9))
    def fixed() -> int:
        hit()
        return 9

    with Flow("constant result", result=LocalResult(dir=folder)) as flow:
        double(fixed())
    return flow


class OpenedAnew:
    """What every process makes for itself."""


@resource_manager
class Connection(OpenedAnew):
    """Something that every process opens for itself."""

    def __init__(self, name: str) -> None:
        self.name = name

    def setup(self) -> Any:
        return {"name": self.name, "open": True, "id": object()}

    def cleanup(self, resource: Any) -> None:
        resource["open"] = False


@example
def managed(folder: str) -> Flow:
    @task
    def use(connection: Any, x: int) -> str:
        hit()
        assert connection["open"]
        return f"{connection['name']} {x}"

    with Flow("managed", result=LocalResult(dir=folder)) as flow:
        before = one()
        with Connection("db") as connection:
            first = use(connection, before)
            use.map(unmapped(connection), numbers())
        double(first)
    return flow


@example
def many_layers(folder: str) -> Flow:
    @task
    def plus(x: int, y: int) -> int:
        hit()
        return x + y

    with Flow("many layers", result=LocalResult(dir=folder)) as flow:
        layer = [add(number) for number in range(3)]
        for _ in range(3):
            layer = [plus(layer[position], layer[position - 1]) for position in range(3)]
        total(layer)
    return flow


# ----------------------------------------------------------------------------------------------------------- running


def run(name: str, folder: str, fail: Key | None = None, **options: Any) -> tuple[Flow, Any, list[Key]]:
    """Run a flow, or resume a run of it; return the flow, its final state, and the task runs whose code was called.

    Args:
        name: of the flow's function.
        folder: where its results go.
        fail: the task run that fails.
        **options: of ``Flow.run``.
    """
    called.clear()
    failing[:] = [] if fail is None else [fail]
    flow = EXAMPLES[name](folder)
    state = flow.run(**options)
    return flow, state, list(called)


def main(folder: str) -> None:
    """Run every flow into every one of its failures, and print what was run."""
    import logging

    logging.disable(logging.CRITICAL)
    config.flows.checkpointing = True
    for name in EXAMPLES:
        home = config.home_dir
        config.home_dir = f"{folder}/undisturbed"
        _, _, keys = run(name, f"{folder}/{name}-undisturbed")
        config.home_dir = home
        for number, key in enumerate(dict.fromkeys(keys)):
            run_id = f"{name}-{number}"
            run(name, f"{folder}/{run_id}", key, flow_run_id=run_id, flow_run_name=f"name of {run_id}")
            print(json.dumps([name, key, run_id]), flush=True)
