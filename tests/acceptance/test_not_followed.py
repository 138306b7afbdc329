"""The page `docs/reference/not-followed.md` says what is so: each row that can be seen in one process."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import UTC, datetime, timedelta

from resultant import Flow, LocalDaskExecutor, PrefectResult, Task, context, flatten, tags, task
from resultant.triggers import not_all_skipped


@task
def give(x):
    return x


def test_states_have_tags_where_their_task_has():
    with Flow("f") as flow:
        plain = give(1)
        with tags("t"):
            tagged = give(2)
    state = flow.run()
    assert "tags" not in state.result[plain].context
    assert state.result[tagged].context["tags"] == ["t"]


def test_what_submit_gives():
    threads, synchronous = LocalDaskExecutor("threads", num_workers=1), LocalDaskExecutor("synchronous")
    with threads.start(), synchronous.start():
        assert isinstance(threads.submit(len, "ab"), Future)
        assert synchronous.submit(len, "ab") == 2


def test_marks_survive_pipes():
    with Flow("f") as flow:
        made = give([[1], [2]]).pipe(flatten).pipe(give)
    assert flow.run().result[made].result == [1, 2]


def test_the_number_of_children_is_what_the_name_says():
    with Flow("f") as flow:
        made = give.map(flatten(give([[1, 2], [3]])))
    assert flow.run().result[made].n_map_states == 3


def test_system_exit_fails_the_task():
    def leaves():
        raise SystemExit(3)

    with Flow("f") as flow:
        made = task(leaves)()
    state = flow.run().result[made]
    assert state.is_failed()
    assert isinstance(state.result, SystemExit)


def test_not_all_skipped_without_upstream_tasks():
    with Flow("f") as flow:
        made = task(lambda: 1, name="one", trigger=not_all_skipped)()
    assert flow.run().result[made].result == 1


def test_a_plain_datetime_is_a_date():
    with Flow("f") as flow:
        made = task(lambda: context.today, name="today")()
    assert flow.run(context={"date": datetime(2020, 2, 3, tzinfo=UTC)}).result[made].result == "2020-02-03"


def test_caches_are_of_tasks_that_cache():
    with Flow("f") as flow:
        give(1)
        task(lambda: 1, name="cached", cache_for=timedelta(hours=1))()
    with context(caches={}):
        flow.run()
        assert list(context.caches) == ["cached"]


def test_retry_delays_are_timedeltas():
    assert Task(max_retries=1, retry_delay=2).retry_delay == timedelta(seconds=2)


def test_saved_flows(home):
    assert Flow("My flow").save() == str(home / ".resultant" / "flows" / "my-flow.resultant")


def test_the_name_of_inline_results():
    assert repr(PrefectResult(value=3)) == "<InlineResult: 3>"
