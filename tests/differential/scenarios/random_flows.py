"""Flows made by chance, always the same chance: what no list of cases thinks of."""

import datetime
import random

from prefect import Flow, context, flatten, task, unmapped
from prefect import tags as tagged
from prefect.engine.results import LocalResult
from prefect.engine.signals import FAIL, LOOP, SKIP, SUCCESS
from prefect.executors import LocalDaskExecutor
from prefect.tasks.control_flow import case, merge
from prefect.triggers import all_failed, all_finished, all_successful, any_failed, any_successful, not_all_skipped
from prefect.utilities.configuration import set_temporary_config

NOW = datetime.timedelta(0)
TRIGGERS = [all_successful] * 5 + [all_finished, any_successful, any_failed, all_failed, not_all_skipped]
BEHAVIOURS = ["value"] * 6 + ["list"] * 5 + ["raise", "fail", "skip", "success", "none", "retry", "loop"]


def _behave(behaviour, inputs):
    size = len(str(inputs)) % 4
    if behaviour == "list":
        return [[size, i] if size == 3 else i for i in range(size)]
    if behaviour == "raise":
        raise ValueError(f"size {size}")
    if behaviour in ("fail", "skip", "success"):
        raise {"fail": FAIL, "skip": SKIP, "success": SUCCESS}[behaviour](behaviour, result=size)
    if behaviour == "none":
        return None
    if behaviour == "retry" and context.task_run_count < 2:
        raise ValueError("not yet")
    if behaviour == "loop" and context.get("task_loop_count", 1) < 3:
        raise LOOP(result=context.get("task_loop_count", 1))
    return size


def _task(chance, number, seed, record):
    behaviour = chance.choice(BEHAVIOURS)
    # Without upstream tasks not_all_skipped skips there and runs here: see `triggers.by_hand`.
    options = {
        "trigger": chance.choice(TRIGGERS if number else TRIGGERS[:-1]),
        "skip_on_upstream_skip": chance.random() < 0.8,
    }
    if behaviour == "retry":
        options.update(max_retries=1, retry_delay=NOW)
    if chance.random() < 0.3 and behaviour != "none":  # None is written here where a location is named
        options["result"] = LocalResult(dir=f"{seed}/own", location="{task_slug}-{map_index}.pkl")
    if chance.random() < 0.2:
        options["checkpoint"] = False
    if chance.random() < 0.3:
        options["state_handlers"] = [record.handler(f"calls {seed} t{number}")]

    @task(name=f"t{number}", **options)
    def run(a=None, b=None):
        return _behave(behaviour, (number, type(a).__name__, type(b).__name__))

    return run


def _build(seed, record):
    chance = random.Random(seed)
    with Flow(f"f{seed}", result=LocalResult(dir=f"{seed}/shared", location="{task_slug}-{map_index}.pkl")) as flow:
        made = []
        for number in range(chance.randint(3, 9)):
            inputs = {key: chance.choice(made) for key in "ab" if made and (key == "a" or chance.random() < 0.4)}
            before = [chance.choice(made)] if made and chance.random() < 0.2 else None
            new = _task(chance, number, seed, record)
            mapped = bool(inputs) and chance.random() < 0.35
            if mapped:
                keys = list(inputs)
                for key in keys[1:]:
                    if chance.random() < 0.5:
                        inputs[key] = unmapped(inputs[key])
                if chance.random() < 0.3:
                    inputs[keys[0]] = flatten(inputs[keys[0]])
                before = before and [unmapped(before[0])]
            kind = chance.random()
            if kind < 0.1 and made and not mapped:
                with case(chance.choice(made), chance.choice([0, 1, 2])):
                    made.append(new(**inputs, upstream_tasks=before))
            elif kind < 0.2 and len(made) > 1:
                made.append(merge(*chance.sample(made, 2)))
            elif kind < 0.3:
                with tagged("tag"):
                    made.append(new(mapped=mapped, **inputs, upstream_tasks=before))
            else:
                made.append(new(mapped=mapped, **inputs, upstream_tasks=before))
    return flow


def _play(record, seeds, executor=None):
    for seed in seeds:
        flow = _build(seed, record)
        with set_temporary_config({"flows.checkpointing": True}):
            record.flow(flow, flow.run(executor=executor), key=f"flow {seed}")
        record.files(f"files {seed}", record.dir / str(seed))


def first(record):
    _play(record, range(15))


def second(record):
    _play(record, range(15, 30))


def third(record):
    _play(record, range(30, 45))


def fourth(record):
    _play(record, range(45, 60))


def fifth(record):
    _play(record, range(60, 75))


def sixth(record):
    # Without 88: there, a retried child loses the input that comes from a failed task it is mapped over.
    _play(record, [seed for seed in range(75, 90) if seed != 88])


def in_threads(record):
    _play(record, range(90, 100), LocalDaskExecutor(scheduler="threads", num_workers=2))
