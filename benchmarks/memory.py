"""Memory that a finished run holds, for each task: a fresh process for each size."""

import gc
import sys

from resultant import Flow, LocalResult, config, task


def resident():
    """Resident memory of this process now, in bytes (Linux)."""
    import resource

    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def held(count, folder):
    """Bytes a task that a finished run of `count` children holds."""
    options = {"result": LocalResult(dir=folder, location="{map_index}.pkl")} if folder else {}
    config.flows.checkpointing = bool(folder)

    @task(**options)
    def increment(x):
        return x + 1

    def build(number):
        with Flow("memory") as flow:
            increment.map(list(range(number)))
        return flow

    # What the first run imports belongs to no task.
    build(10).run()
    flow = build(count)
    gc.collect()
    before = resident()
    state = flow.run()
    gc.collect()
    assert state.is_successful()
    return (resident() - before) / count


if __name__ == "__main__":
    print(held(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""))
