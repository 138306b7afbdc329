"""What a checkpointed run leaves in the state database: rows about everything, values of nothing."""

from __future__ import annotations

import gc
import json
import os
import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from resultant import Flow, LocalResult, Parameter, ProcessExecutor, ThreadExecutor, config, context, task, unmapped
from resultant.engine import signals
from resultant.engine.integrity import Digester
from resultant.engine.results import PrefectResult
from resultant.engine.tagged import NOT_RECORDED, tagged, untagged
from resultant.errors import CorruptResultError
from resultant.records import TaskRun
from resultant.runner.recorded_runs import database
from resultant.tasks.secrets import PrefectSecret

# Random letters: nothing that is part of a path, a name or a program holds them.
CANARY = "qXv7canaryZk39"


@pytest.fixture(autouse=True)
def _checkpointing() -> None:
    config.flows.checkpointing = True


@task
def one() -> int:
    return 1


@task
def double(x: Any) -> Any:
    return x * 2


@task
def fail(x: Any = 0) -> None:
    raise ValueError(f"not {x}")


def rows_of(flow: Flow, **options: Any) -> dict[tuple[str, int], TaskRun]:
    """Run a flow, and return its rows."""
    flow.run(**options)
    (run,) = database().flow_runs(flow=flow.name)
    return {(row.slug, row.index): row for row in database().task_runs(run.id)}


# --------------------------------------------------------------------------------------------------------- task runs


def test_a_success_is_on_record_with_its_place_size_and_digest(tmp_path: Path) -> None:
    before = datetime.now(UTC).timestamp()
    with Flow("success", result=LocalResult(dir=str(tmp_path), location="{task_name}")) as flow:
        one()

    (row,) = rows_of(flow).values()

    data = (tmp_path / "one").read_bytes()
    assert (row.slug, row.index, row.state, row.attempt, row.count) == ("one-1", -1, "Success", 1, 1)
    assert (row.location, row.size, row.none) == (str(tmp_path / "one"), len(data), False)
    assert row.digest == Digester((Path(config.home_dir) / "digest.key").read_bytes()).of(data)
    assert row.ended is not None
    assert before <= row.started <= row.ended <= datetime.now(UTC).timestamp()
    assert (row.error, row.message, row.text, row.due, row.children, row.loop) == (None,) * 6
    kind = database().result_kind(row.kind or 0)
    assert (kind.type, json.loads(kind.options)["dir"]) == ("local", str(tmp_path))
    assert json.loads(kind.serializer or "")["name"] == "pickle"


def test_what_a_record_knows_of_a_result_costs_no_dictionary_of_its_own(tmp_path: Path) -> None:
    class Own(LocalResult):
        pass

    # Python stops giving a class's objects new attributes cheaply when there are a few tens of them.
    made = [Own(dir=str(tmp_path)) for _ in range(50)]
    with Flow("attributes", result=made[0]) as flow:
        doubled = double.map(list(range(100)))

    results = [state._result for state in flow.run().result[doubled].map_states]

    assert all(result._digest for result in results)
    assert not any(type(part) is dict for part in gc.get_referents(*results))


def test_a_failure_is_on_record_without_its_message_and_its_text_lies_in_the_home(tmp_path: Path) -> None:
    with Flow("failure", result=LocalResult(dir=str(tmp_path))) as flow:
        double(fail(x=CANARY))

    rows = rows_of(flow, flow_run_id="0123")

    row = rows["fail-1", -1]
    assert (row.state, row.location, row.digest, row.message, row.none) == ("Failed", None, None, None, False)
    assert re.fullmatch(rf"ValueError at {re.escape(__file__)}:\d+", row.error or "")
    assert row.text is not None
    assert Path(row.text).parent == Path(config.home_dir) / "failures" / "0123"
    text = Path(row.text).read_text()
    assert f"ValueError: not {CANARY}" in text
    assert "Traceback" in text
    assert rows["double-1", -1].state == "TriggerFailed"
    assert not list(tmp_path.iterdir())
    assert CANARY.encode() not in database_bytes()


def test_messages_are_on_record_where_that_is_asked_for(tmp_path: Path) -> None:
    config.record.messages = True
    with Flow("messages", result=LocalResult(dir=str(tmp_path))) as flow:
        fail()

    (row,) = rows_of(flow).values()

    assert row.message == "Error during execution of task: ValueError('not 0')"


def test_a_retry_is_on_record_while_it_waits_and_then_how_it_ended(tmp_path: Path) -> None:
    seen: list[TaskRun] = []

    @task(max_retries=2, retry_delay=timedelta(seconds=0.05))
    def unsteady() -> int:
        if context.task_run_count > 1:
            database().flush()
            seen.extend(database().task_runs(context.flow_run_id, slug="unsteady-1"))
        if context.task_run_count < 3:
            raise ValueError("not yet")
        return 5

    with Flow("retries", result=LocalResult(dir=str(tmp_path))) as flow:
        unsteady()

    (row,) = rows_of(flow).values()

    assert [(each.state, each.count) for each in seen] == [("Retrying", 1), ("Retrying", 2)]
    assert all(each.due is not None and each.due > each.started and each.ended is None for each in seen)
    assert (row.state, row.count, row.due) == ("Success", 3, None)


def test_a_loop_is_on_record_with_its_passes(tmp_path: Path) -> None:
    @task(max_retries=1, retry_delay=timedelta(0))
    def loop() -> int:
        if context.get("task_loop_count", 1) < 3:
            raise signals.LOOP(result=1)
        raise ValueError("no end")

    with Flow("loop", result=LocalResult(dir=str(tmp_path))) as flow:
        loop()

    (row,) = rows_of(flow).values()

    assert (row.state, row.location, row.count) == ("Failed", None, 2)


def test_a_mapped_task_is_on_record_with_its_children(tmp_path: Path) -> None:
    with Flow("mapped", result=LocalResult(dir=str(tmp_path))) as flow:
        double.map([1, 2, None])

    rows = rows_of(flow)

    parent = rows.pop(("double-1", -1))
    assert (parent.state, parent.children, parent.location, parent.none) == ("Mapped", 3, None, False)
    assert parent.input is not None
    assert {key: row.state for key, row in rows.items()} == {
        ("double-1", 0): "Success",
        ("double-1", 1): "Success",
        ("double-1", 2): "Failed",
    }
    assert len({row.input for row in rows.values()}) == 3
    assert len({row.location for row in rows.values()}) == 3
    assert all(row.children is None for row in rows.values())


def test_skipped_none_and_values_in_memory_are_told_apart(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    @task
    def skip() -> None:
        raise signals.SKIP("no need")

    @task
    def nothing() -> None:
        return

    @task(target="kept")
    def kept() -> None:
        return

    @task(checkpoint=False)
    def loose() -> int:
        return 5

    @task(checkpoint=False)
    def another(x: Any) -> int:
        return 6

    with Flow("kinds", result=LocalResult(dir=str(tmp_path))) as flow:
        skip(), nothing(), kept(), another(loose()), another(1), double(Parameter("p", default=object))

    rows = rows_of(flow)

    found = {slug: (row.state, row.none, row.location) for (slug, _), row in rows.items()}
    # What it ended with is a signal.
    assert found["skip-1"] == ("Skipped", False, None)
    assert found["nothing-1"] == ("Success", True, None)
    assert found["kept-1"] == ("Success", False, str(tmp_path / "kept"))
    assert found["loose-1"] == found["another-1"] == found["another-2"] == ("Success", False, None)
    warnings = [record.message for record in caplog.records if "in memory alone" in record.message]
    assert warnings == [
        (
            "Flow 'kinds' is on record, but what these tasks returned is in memory alone, and a resume would compute it again: "
            "another, loose. Give them, or the flow, a result with a storage, or set `flows.default_result`."
        )
    ]


def test_a_hit_at_a_target_is_on_record_as_cached(tmp_path: Path) -> None:
    @task(target="there")
    def there() -> int:
        return 5

    with Flow("first", result=LocalResult(dir=str(tmp_path))) as flow:
        there()
    rows_of(flow)
    with Flow("second", result=LocalResult(dir=str(tmp_path))) as flow:
        there()

    (row,) = rows_of(flow).values()

    assert (row.state, row.location) == ("Cached", str(tmp_path / "there"))
    assert row.kind is not None
    # What is found is recorded as it was found: whoever reads it through this row sees these bytes or an error.
    data = (tmp_path / "there").read_bytes()
    assert row.size == len(data)
    assert row.digest == Digester((Path(config.home_dir) / "digest.key").read_bytes()).of(data)


def test_inline_results_are_on_record_as_their_text() -> None:
    with Flow("inline", result=PrefectResult()) as flow:
        double(one())

    rows = rows_of(flow)

    assert {slug: (row.location, row.digest) for (slug, _), row in rows.items()} == {
        "one-1": ("1", None),
        "double-1": ("2", None),
    }
    assert database().result_kind(rows["one-1", -1].kind or 0).type == "inline"


def test_every_executor_leaves_the_same_rows(tmp_path: Path) -> None:
    @task
    def part(x: int) -> bytes:
        if x == 3:
            raise ValueError("three")
        # In a moment, at leisure, and streamed.
        return bytes([x]) * (10, 300_000, 2_000_000)[x]

    @task
    def size(parts: list[bytes]) -> int:
        return sum(map(len, parts))

    @task
    def after(x: int, y: None) -> int:
        return x

    found = []
    for name, executor in (("local", None), ("threads", ThreadExecutor(2)), ("processes", ProcessExecutor(2))):
        result = LocalResult(dir=str(tmp_path / name), location="{task_slug}-{map_index}")
        with Flow(name, result=result, executor=executor) as flow:
            after(size(part.map([0, 1, 2])), double(None))
            part.map([3])
        found.append(
            {
                key: (
                    row.state,
                    row.attempt,
                    row.count,
                    row.children,
                    row.size,
                    row.digest,
                    row.input,
                    row.none,
                    row.location and row.location.replace(f"/{name}/", "/"),
                    row.error,
                )
                for key, row in rows_of(flow).items()
            }
        )

    local, threads, processes = found
    assert local["part-1", 2][4] > 2_000_000
    assert all(row[5] is not None for row in local.values() if row[8] is not None)
    assert local == threads
    # Tracebacks stay where the exceptions were raised.
    assert {key: row[:-1] for key, row in local.items()} == {key: row[:-1] for key, row in processes.items()}
    assert processes["part-2", 0][-1].startswith("ValueError")


def test_a_handlers_result_is_on_record_as_what_it_is(tmp_path: Path) -> None:
    other = LocalResult(dir=str(tmp_path / "other"))

    def elsewhere(subject: Any, old: Any, new: Any) -> Any:
        if new.is_successful():
            new._result = other.write(7)
        return new

    @task(state_handlers=[elsewhere])
    def moved() -> int:
        return 5

    with Flow("handler", result=LocalResult(dir=str(tmp_path))) as flow:
        moved()

    (row,) = rows_of(flow).values()

    assert row.location is not None
    assert row.location.startswith(str(tmp_path / "other"))
    # The digest of the value that it replaced would make this one look damaged.
    assert row.digest is None


# -------------------------------------------------------------------------------------------------------------- runs


def test_a_run_is_on_record_before_its_first_task_and_at_its_end(tmp_path: Path) -> None:
    seen: list[Any] = []

    @task
    def look(x: Any) -> None:
        seen.extend(database().flow_runs())

    with Flow("run", result=LocalResult(dir=str(tmp_path))) as flow:
        look(Parameter("x"))
    flow.run(x=5, flow_run_name="named", context={"a": 1, "secrets": {"b": CANARY}, "odd": object()})

    (first,), (run,) = seen, database().flow_runs()
    assert (first.state, first.ended, first.attempt, first.id) == ("Running", None, 1, run.id)
    assert (run.flow, run.name, run.state, run.attempt) == ("run", "named", "Success", 1)
    assert json.loads(run.parameters or "") == {"x": 5}
    assert json.loads(run.context or "") == {"a": 1}
    assert run.started is not None
    assert run.ended is not None
    assert run.created <= run.started <= run.ended
    assert (run.cwd, run.alias) == (os.getcwd(), False)
    assert set(json.loads(run.code or "")) == {"look-1", "x"}
    assert CANARY.encode() not in database_bytes()


VALUES = [
    None,
    True,
    1,
    -(2**70),
    1.5,
    float("inf"),
    "text",
    "!",
    b"\x00\xff",
    (1, (2, [3])),
    {1, 2},
    frozenset({"a"}),
    [1, {"a": (2,)}],
    {"a": 1, "!": 2},
    {1: "a", (2, 3): None},
    datetime(2020, 1, 2, 3, 4, 5, 6),
    datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    date(2020, 1, 2),
    time(3, 4, 5),
    timedelta(days=-1, microseconds=5),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_parameters_come_back_equal_and_of_the_same_type(value: Any) -> None:
    again = untagged(json.loads(json.dumps(tagged(value))))

    assert again == value
    assert repr(again) == repr(value)


def test_a_parameter_that_is_not_a_number_comes_back_as_such() -> None:
    again = untagged(json.loads(json.dumps(tagged(float("nan")))))

    assert again != again


@pytest.mark.parametrize("value", [object(), [len], {"a": bytearray(b"a")}, "x" * 70_000, type("T", (int,), {})(5)])
def test_what_json_cannot_carry_is_noted_as_not_recorded(value: Any) -> None:
    assert tagged(value) == NOT_RECORDED
    with pytest.raises(ValueError, match="not recorded"):
        untagged(tagged([value])[0] if isinstance(tagged([value]), list) else tagged([value]))


def test_results_are_written_and_no_run_where_that_is_switched_off(tmp_path: Path) -> None:
    config.record.runs = False
    with Flow("off", result=LocalResult(dir=str(tmp_path), location="{task_name}")) as flow:
        double(one())

    assert flow.run().is_successful()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["double", "one"]
    assert not (Path(config.home_dir) / "resultant.db").exists()


def test_nothing_is_on_record_where_nothing_is_written() -> None:
    config.flows.checkpointing = False
    with Flow("memory") as flow:
        one()

    assert flow.run().is_successful()

    assert not Path(config.home_dir).exists()


# ----------------------------------------------------------------------------------------------- values and digests


def database_bytes() -> bytes:
    """Return everything that the database has on the disk: every file in the home that is not a failure's text."""
    database().flush()
    home = Path(config.home_dir)
    return b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file() and "failures" not in path.parts)


def test_no_value_reaches_the_database(tmp_path: Path) -> None:
    @task
    def secretive(x: Any) -> Any:
        return [x, CANARY]

    @task(max_retries=1, retry_delay=timedelta(0))
    def failing(x: Any) -> None:
        raise ValueError(CANARY, x)

    @task(checkpoint=False)
    def loose(x: Any) -> str:
        return CANARY

    @task
    def use(x: Any, y: Any = None) -> str:
        return str(x)

    with Flow("canaries", result=LocalResult(dir=str(tmp_path))) as flow:
        value = secretive(CANARY)
        use(value, loose(value))
        use(failing(value))
        use(PrefectSecret("KEY"))
        use.map([CANARY, "b"], unmapped(value))
        failing.map([CANARY])
        use({"a": CANARY, "b": value})
    for executor in (None, ThreadExecutor(2)):
        for _ in range(3):
            flow.run(executor=executor, context={"secrets": {"KEY": CANARY}})

    data = database_bytes()
    assert b"secretive" in data
    assert CANARY.encode() not in data
    assert CANARY.encode("utf-16-le") not in data


def test_the_same_value_has_another_digest_in_another_home(tmp_path: Path) -> None:
    digests, inputs = [], []
    for home in ("first", "second"):
        config.home_dir = str(tmp_path / home)
        with Flow("digests", result=LocalResult(dir=str(tmp_path / f"{home}-results"))) as flow:
            double(one())
        rows = rows_of(flow)
        digests.append(rows["one-1", -1].digest)
        inputs.append(rows["double-1", -1].input)
        key = Path(config.home_dir) / "digest.key"
        assert key.stat().st_mode & 0o777 == 0o600

    assert len(set(digests)) == len(set(inputs)) == 2


def test_the_same_inputs_have_the_same_fingerprint_in_another_run(tmp_path: Path) -> None:
    def inputs(x: Any, y: Any) -> set[bytes | None]:
        with Flow("inputs", result=LocalResult(dir=str(tmp_path))) as flow:
            double(x)
            double.map([x, y])
        flow.run()
        run = database().flow_runs()[0]
        return {row.input for row in database().task_runs(run.id) if row.index >= 0 or row.slug == "double-1"}

    assert inputs(1, "a") == inputs(1, "a")
    assert len(inputs(1, "a") & inputs(True, "a")) == 1


@pytest.mark.parametrize("size", [10, 100_000, 3_000_000])
def test_damaged_bytes_are_an_error_when_they_are_read_through_their_record(size: int, tmp_path: Path) -> None:
    @task
    def data() -> bytes:
        return bytes(size)

    result = LocalResult(dir=str(tmp_path), location="{task_name}")
    with Flow("damage", result=result) as flow:
        end = data()
    flow.run(flow_run_id="0123")
    # Bytes that nobody touched since, as far as the disk tells: resuming does not read them.
    path = tmp_path / "data"
    times = path.stat()
    damaged = bytearray(path.read_bytes())
    damaged[-5] ^= 1
    path.write_bytes(damaged)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    state = flow.run(resume_run="0123")

    assert state.is_successful()
    with pytest.raises(CorruptResultError, match="are not those that were recorded"):
        _ = state.result[end].result


def test_a_digest_key_of_another_length_is_refused(tmp_path: Path) -> None:
    Path(config.home_dir).mkdir(parents=True)
    (Path(config.home_dir) / "digest.key").write_bytes(b"short")
    with Flow("key", result=LocalResult(dir=str(tmp_path))) as flow:
        one()

    state = flow.run()

    assert "should be 32 bytes and has 5" in str(state.message)
