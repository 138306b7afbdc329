"""The keys of the context during a run, and the names that templates may use (SPEC 4.2, 4.3)."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest

from resultant import Flow, LocalDaskExecutor, LocalResult, Parameter, config, context, tags, task
from resultant.engine import signals
from resultant.engine.state import Failed, Paused, Resume

DAYS = ("today", "yesterday", "tomorrow")


@task
def look():
    from resultant import context

    return context.to_dict()


def keys(called=look, **options):
    """Run a flow of one task and return the context that it saw."""
    with Flow("the flow") as flow:
        made = called()
    state = flow.run(**options).result[made]
    assert state.is_successful(), state
    return state.result


class TestKeys:
    def test_date(self):
        before = datetime.now(UTC)
        date = keys()["date"]
        assert isinstance(date, datetime)
        assert date.utcoffset() == timedelta(0)
        assert before <= date <= datetime.now(UTC)

    def test_days(self):
        seen = keys()
        for name, offset in (("today", 0), ("yesterday", -1), ("tomorrow", 1)):
            day = seen["date"] + timedelta(days=offset)
            assert seen[name] == day.strftime("%Y-%m-%d")
            assert seen[f"{name}_nodash"] == day.strftime("%Y%m%d")

    def test_names(self):
        seen = keys(task(look.run, name="My task", tags=["b", "a"]))
        assert seen["flow_name"] == "the flow"
        assert seen["task_name"] == "My task"
        assert seen["task_slug"] == "My task-a-b-1"
        assert seen["task_full_name"] == "My task"
        assert seen["map_index"] is None
        assert set(seen["task_tags"]) == {"a", "b"}
        assert (seen["flow_id"], seen["task_id"]) == ("the flow", "My task-a-b-1")

    def test_tags_of_the_block(self):
        with tags("outer"), Flow("f") as flow:
            called = look()
        assert set(flow.run().result[called].result["task_tags"]) == {"outer"}

    def test_mapped_children(self):
        with Flow("f") as flow:
            called = task(lambda x: context.to_dict(), name="child").map([7, 8])
        seen = flow.run().result[called].result
        assert [each["map_index"] for each in seen] == [0, 1]
        assert [each["task_full_name"] for each in seen] == ["child[0]", "child[1]"]
        assert [each["task_name"] for each in seen] == ["child", "child"]
        assert len({each["task_slug"] for each in seen}) == 1

    def test_task_run_count(self):
        counts = []

        @task(max_retries=2, retry_delay=timedelta(0))
        def flaky():
            counts.append(context.task_run_count)
            if len(counts) < 3:
                raise OSError
            return dict(context)

        keys(flaky)
        assert counts == [1, 2, 3]

    def test_loop_keys_are_there_from_the_second_pass_on(self):
        passes = []

        @task
        def loops():
            passes.append((context.get("task_loop_count"), context.get("task_loop_result", "none")))
            if len(passes) < 3:
                raise signals.LOOP(result=len(passes) * 10)
            return {}

        keys(loops)
        assert passes == [(None, "none"), (2, 10), (3, 20)]

    def test_task_run_name(self):
        assert "task_run_name" not in keys()
        assert keys(task(look.run, name="n", task_run_name="{task_name}!"))["task_run_name"] == "n!"

    def test_parameters(self):
        with Flow("f") as flow:
            Parameter("a", default=1)(), Parameter("b", default=2)()
            called = look()
        assert flow.run(b=5).result[called].result["parameters"] == {"a": 1, "b": 5}

    def test_logger_and_config(self, caplog):
        def speak():
            context.logger.warning("spoken")
            return context.to_dict()

        seen = keys(task(speak, name="speaker"))
        assert [record.name for record in caplog.records if record.message == "spoken"] == ["resultant.speaker"]
        assert isinstance(seen["logger"], logging.Logger)
        assert seen["config"].home_dir == config.home_dir

    def test_times_and_ids(self):
        seen = keys()
        assert isinstance(seen["scheduled_start_time"], datetime)
        for name in ("flow_run_id", "task_run_id", "flow_run_name"):
            assert isinstance(seen[name], str)
            assert len(seen[name]) == 36
        again = keys()
        assert not {seen["flow_run_id"], seen["task_run_id"]} & {again["flow_run_id"], again["task_run_id"]}
        given = keys(flow_run_id="my id", flow_run_name="my name")
        assert (given["flow_run_id"], given["flow_run_name"]) == ("my id", "my name")
        assert "scheduled_start_time" not in context

    def test_each_task_run_has_an_id_of_its_own(self):
        with Flow("f") as flow:
            called = task(lambda x: (context.task_run_id, context.task_run_id), name="id").map([1, 2, 3])
        pairs = flow.run().result[called].result
        assert all(first == second for first, second in pairs)
        assert len(set(pairs)) == 3

    def test_checkpointing(self):
        assert keys()["checkpointing"] is False
        config.flows.checkpointing = True
        try:
            assert keys()["checkpointing"] is True
            assert keys(context={"checkpointing": False})["checkpointing"] is False
        finally:
            config.flows.checkpointing = False

    def test_checkpointing_of_the_caller_wins(self, tmp_path):
        with Flow("f", result=LocalResult(dir=tmp_path)) as flow:
            called = task(lambda: 1, name="one")()
        with context(checkpointing=True):
            assert flow.run().result[called]._result.location is not None
        assert flow.run().result[called]._result.location is None

    def test_caches(self):
        @task(cache_for=timedelta(hours=1))
        def cached():
            return 1

        with Flow("f") as flow:
            cached()
        with context(caches={}):
            flow.run()
            assert [state.result for state in context.caches["cached"]] == [1]
        assert isinstance(keys()["caches"], dict)

    def test_resume(self):
        seen = []
        paused = task(lambda: seen.append(context.get("resume")), name="paused")
        with Flow("f") as flow:
            called = paused()
        flow.run(task_states={called: Resume()})
        flow.run(task_states={called: Paused(start_time=datetime.now(UTC) - timedelta(seconds=1))})
        flow.run()
        assert seen[:2] == [True, True]
        assert not seen[2]

    def test_nothing_is_left_after_the_run(self):
        before = context.to_dict()
        keys()
        assert context.to_dict() == before


class TestDates:
    WHEN = datetime(1986, 9, 20, 5, tzinfo=UTC)

    def check(self, seen, day="1986-09-20", before="1986-09-19", after="1986-09-21"):
        assert (seen["today"], seen["yesterday"], seen["tomorrow"]) == (day, before, after)
        for name in DAYS:
            assert seen[f"{name}_nodash"] == seen[name].replace("-", "")

    def test_the_callers_date_moves_the_others(self):
        seen = keys(context={"date": self.WHEN})
        assert seen["date"] == self.WHEN
        self.check(seen)

    def test_of_a_block(self):
        with context(date=self.WHEN):
            self.check(keys())
            self.check(keys(context={"date": self.WHEN + timedelta(days=10)}), "1986-09-30", "1986-09-29", "1986-10-01")

    @pytest.mark.parametrize("text", ["1986-09-20", "1986-09-20T00:00:00", "19860920"])
    def test_text_is_parsed(self, text):
        seen = keys(context={"date": text})
        assert seen["date"] == datetime(1986, 9, 20, tzinfo=UTC)
        self.check(seen)

    def test_text_that_cannot_be_parsed(self, caplog):
        seen = keys(context={"date": "is_not_a_date"})
        assert seen["date"] == "is_not_a_date"
        assert seen["today"] == datetime.now(UTC).strftime("%Y-%m-%d")
        words = "could not be parsed into a pendulum `DateTime` object"
        assert any(words in record.getMessage() and record.levelname == "WARNING" for record in caplog.records)

    def test_date_keys_of_the_user_stay(self):
        seen = keys(context={"date": self.WHEN, "today": "is", "yesterday_nodash": "mine"})
        assert (seen["today"], seen["yesterday_nodash"], seen["tomorrow"]) == ("is", "mine", "1986-09-21")
        with context(tomorrow="never"):
            assert keys()["tomorrow"] == "never"


@pytest.mark.parametrize("scheduler", ["synchronous", "threads", "processes"])
def test_the_context_around_the_run_reaches_tasks(scheduler):
    @task
    def seen(x):
        from resultant import context

        return context.around, context.over, x

    with Flow("f") as flow:
        called, mapped = seen(0), seen.map([1])
    with context(around=[1, {"a": 2}], over="block"):
        state = flow.run(context={"over": "run"}, executor=LocalDaskExecutor(scheduler, num_workers=1))
    assert state.result[called].result == ([1, {"a": 2}], "run", 0)
    assert state.result[mapped].result == [([1, {"a": 2}], "run", 1)]


class TestTemplateNames:
    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({}, "input"),
            ({"without_input": True}, "context"),
            ({"without_input": True, "without_context": True}, "parameter"),
        ],
    )
    def test_inputs_beat_context_beats_parameters(self, tmp_path, options, expected):
        config.flows.checkpointing = True
        store = LocalResult(dir=tmp_path, location="{x}.pkl")
        with Flow("f") as flow:
            Parameter("x", default="parameter")()
            if options.get("without_input"):
                called = task(lambda: 1, name="one", result=store, task_run_name="{x}")()
            else:
                called = task(lambda x: 1, name="one", result=store, task_run_name="{x}")("input")
        given = {} if options.get("without_context") else {"x": "context"}
        state = flow.run(context=given).result[called]
        assert state._result.location == str(tmp_path / f"{expected}.pkl")

    @pytest.mark.parametrize("where", ["location", "target", "task_run_name"])
    def test_the_three_places_offer_the_same(self, tmp_path, where):
        config.flows.checkpointing = True
        template = "{p}-{word}-{x}-{task_name}-{map_index}-{flow_name}-{today_nodash}"
        names = []

        def one(x):
            names.append(context.get("task_run_name"))
            return x

        options = {where: template} if where != "location" else {}
        store = LocalResult(dir=tmp_path, **({"location": template} if where == "location" else {}))
        with Flow("f") as flow:
            Parameter("p")()
            called = task(one, result=store, **options).map(["a", "b"])
        state = flow.run(p=1, context={"word": "w", "date": "2020-02-03"}).result[called]
        wanted = [f"1-w-{x}-one-{index}-f-20200203" for index, x in enumerate("ab")]
        if where == "task_run_name":
            assert names == wanted
        else:
            found = [child._result.location for child in state.map_states]
            assert found == [str(tmp_path / name) for name in wanted]

    def test_values_are_raw(self, tmp_path):
        config.flows.checkpointing = True
        with Flow("f") as flow:
            made = task(lambda: {"k": [1.5]}, name="made")()
            called = task(lambda x: 1, name="one", result=LocalResult(dir=tmp_path, location="{x[k][0]:.2f}"))(made)
        assert flow.run().result[called]._result.location == str(tmp_path / "1.50")

    def test_a_missing_name_fails_the_task_alone(self, tmp_path):
        config.flows.checkpointing = True
        with Flow("f") as flow:
            bad = task(lambda: 1, name="bad", result=LocalResult(dir=tmp_path, location="{nothing}"))()
            good = task(lambda: 1, name="good")()
        state = flow.run()
        assert type(state.result[bad]) is Failed
        assert isinstance(state.result[bad].result, KeyError)
        assert state.result[good].is_successful()
