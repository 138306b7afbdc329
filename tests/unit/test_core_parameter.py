"""Parameters (SPEC 14)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from resultant.core.flow import Flow
from resultant.core.function_task import task
from resultant.core.parameter import DateTimeParameter, Parameter
from resultant.engine.results import PrefectResult
from resultant.engine.serializers import DateTimeSerializer
from resultant.runtime import context


@task
def double(x):
    return x * 2


class TestParameter:
    def test_required_exactly_without_a_default(self) -> None:
        assert Parameter("x").required is True
        assert Parameter("x", default=3).required is False
        assert Parameter("x", default=None).required is False
        assert Parameter("x", default=3, required=True).required is True
        assert Parameter("x", required=False).required is False
        assert Parameter("x").default is None

    def test_options(self) -> None:
        made = Parameter("x", tags=["a"])
        assert made.slug == made.name == "x"
        assert made.tags == {"a"}
        assert type(made.result) is PrefectResult
        assert made.checkpoint is True
        assert repr(made) == "<Parameter: x>"

    def test_a_second_one_of_the_same_name(self) -> None:
        flow = Flow("f")
        flow.add_task(Parameter("x"))
        with pytest.raises(ValueError, match='A task with the slug "x" already exists in this flow'):
            flow.add_task(Parameter("x"))

    def test_calling_binds_the_parameter_itself(self) -> None:
        with Flow("f") as flow:
            made = Parameter("x")
            assert made() is made
        other = Flow("g")
        assert made(flow=other) is made
        assert flow.parameters() == other.parameters() == {made}

    def test_calling_with_anything_else(self) -> None:
        with Flow("f"):
            made = Parameter("x")
            made()
            with pytest.raises(TypeError):
                made(1, 2)  # type: ignore[call-arg]
            with pytest.raises(TypeError):
                made(upstream_tasks=[1])  # type: ignore[call-arg]

    def test_calling_outside_a_flow(self) -> None:
        with pytest.raises(ValueError, match="infer an active Flow"):
            Parameter("x")()

    def test_using_it_makes_no_copy(self) -> None:
        with Flow("f") as flow:
            made = Parameter("x")
            double(made)
            double(made)
        assert flow.parameters() == {made}

    def test_copy_needs_a_name(self) -> None:
        made = Parameter("x", default=3)
        copied = made.copy("y")
        assert (copied.name, copied.slug, copied.default) == ("y", "y", 3)
        with pytest.raises(TypeError):
            made.copy()  # type: ignore[call-arg]

    def test_run_reads_the_context(self) -> None:
        made = Parameter("x", default=3)
        assert made.run() == 3
        with context(parameters={"x": 4}):
            assert made.run() == 4
        with context(parameters={"x": None}):
            assert made.run() is None

    def test_required_but_not_provided(self) -> None:
        from resultant.engine.signals import FAIL

        with pytest.raises(FAIL, match="required but not provided"):
            Parameter("x").run()

    def test_values_in_a_run(self) -> None:
        with Flow("f") as flow:
            doubled = double(Parameter("x", default=3))
        assert flow.run().result[doubled].result == 6
        assert flow.run(x=4).result[doubled].result == 8
        assert flow.run(parameters={"x": "ab"}).result[doubled].result == "abab"

    def test_defaults_are_in_the_context(self) -> None:
        @task
        def seen(_):
            return dict(context.parameters)

        with Flow("f") as flow:
            Parameter("unused", default=1)()
            called = seen(Parameter("x"))
        assert flow.run(x=2).result[called].result == {"unused": 1, "x": 2}


class TestDateTimeParameter:
    def test_result_uses_a_datetime_serializer(self) -> None:
        made = DateTimeParameter("x")
        assert made.required is True
        assert type(made.result) is PrefectResult
        assert made.result.serializer == DateTimeSerializer()

    @pytest.mark.parametrize(
        "given", ["2020-01-02T03:04:05", "2020-01-02T03:04:05+00:00", datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)]
    )
    def test_text_and_datetimes_become_aware_datetimes(self, given: object) -> None:
        with Flow("f") as flow:
            made = DateTimeParameter("x")
            double.copy().set_upstream(made)
        value = flow.run(x=given).result[made].result
        assert value == datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
        assert value.tzinfo is not None

    def test_none_stays(self) -> None:
        with context(parameters={"x": None}):
            assert DateTimeParameter("x").run() is None
        assert DateTimeParameter("x", default=None, required=False).run() is None
