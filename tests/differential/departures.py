"""Where the two engines differ on purpose: scenario to (patterns of places, reason naming SPEC's row).

A pattern is matched against places such as ``flow/0/tasks/a-1/value``. A pattern that no difference matches any more is
a failure too, so this list only holds what is really different.
"""

from __future__ import annotations

NONE = "departures, `None`: it is written where the task names a target or location of its own, and found again"
FAILED_WRITE = (
    "departures, `A failed write`: the state says what could not be written; the task's code does not run again"
)
FLATTENED = "5.2: n_map_states is the number of children; 1.4.1 keeps the number from before flattening"
TIMEOUT = "8.1: the value is a TaskTimeoutSignal; its text is no contract"
LATER = "16: the Dask executor comes in a later release; the error says so"

DEPARTURES: dict[str, tuple[list[str], str]] = {
    "checkpointing.none_with_a_location": (["files/0*", "flow/0/tasks/nothing-1/stored/location"], NONE),
    "checkpointing.failing_write_with_retries": (["ran/[12]"], FAILED_WRITE),
    "checkpointing.prefect_result_that_json_refuses": (["error/0"], FAILED_WRITE),
    "configuration.task_defaults": (
        ["made/0/1*"],
        "4.4: an integer delay means seconds; here it is the timedelta at once",
    ),
    "context.date_given_as_a_plain_datetime": (
        ["flow/0/tasks/look-1/value/1"],
        "4.2: the other date keys follow a supplied date; 1.4.1 does not look at plain datetimes",
    ),
    "control_flow.merge_of_twelve": (["flow/0/tasks/Merge-1/value"], "departures, `merge` of ten or more"),
    "executors.dask_executor_arguments": (["*"], LATER),
    "handlers.replaces_a_stored_value": (
        ["files/0/store/x.pkl/0/pickled", "flow/0/tasks/one-1/stored/*"],
        "departures, `A state handler that replaces the value`: the new value is stored by the same rules",
    ),
    "flattening.flatten_failed_and_skipped_children": (["flow/0/tasks/*/n_map_states"], FLATTENED),
    "flattening.flatten_not_iterable_children": (["flow/0/tasks/*/n_map_states"], FLATTENED),
    "flattening.flatten_twice": (["flow/0/tasks/*/n_map_states"], FLATTENED),
    "names.all_are_there": (["executors*"], LATER),
    "outcomes.base_exceptions": (
        ["exit/0/raised", "flow/0/*"],
        "8.1: a task that ends the interpreter fails; 1.4.1 lets SystemExit out and loses the run",
    ),
    "outcomes.timeout": (["flow/0/tasks/slow-1/value/text"], TIMEOUT),
    "outcomes.timeout_in_a_thread": (["flow/0/tasks/slow-1/value/text"], TIMEOUT),
    "results.format_default": (["formatted/0"], "departures, `Default location`: one form for every backend"),
    "retries.retry_caches_inputs": (
        ["flow/0/tasks/bad-1/cached_inputs/*"],
        "0, `Retry caches its inputs on the state`: they are there",
    ),
    "serializers.json_lossy": (["bytes/*"], "departures, `JSON that would change the value`"),
    "serializers.dates": (["class/0"], "departures, `Dates`: aware datetimes of the standard library"),
    "targets.callable_target_that_returns_a_template": (
        ["files/0/*", "flow/[01]/tasks/one-1/*", "ran/1"],
        "departures, `Callable target that returns a template`: check and write agree",
    ),
    "targets.mapped_constant_target": (
        ["flow/0/*"],
        "departures, `Mapped children with one constant location or target`: an error before anything is written",
    ),
    "targets.target_and_loop": (
        ["files/0/store/x.pkl/0/pickled", "flow/0/tasks/loops-1/*"],
        "DESIGN, law 4: what a pass that is not the last returned is never found at the target as the task's value",
    ),
    "targets.none_at_a_target": (["files/0*", "flow/[01]/tasks/nothing-1/*", "ran/1"], NONE),
    "targets.damaged_file": (
        ["flow/0/*", "ran/0"],
        "departures, `A target that cannot be read`: damage is a miss with a reason",
    ),
    "triggers.by_hand": (["not_all_skipped none/0*"], "11: without upstream tasks every trigger says yes; 1.4.1 skips"),
}
