"""Parameters and edges as they are used (SPEC 14, 15)."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from resultant import DateTimeParameter, Flow, Parameter, Task, context, flatten, mapped, task, unmapped
from resultant.core.edge import Edge
from resultant.engine.state import Success


@task
def show(x):
    return x


class TestParameters:
    def test_a_default_of_none_counts_as_given(self):
        with Flow("f") as flow:
            made = show(Parameter("p", default=None))
        assert flow.run().result[made].result is None
        assert flow.run(p=3).result[made].result == 3

    def test_required_in_spite_of_a_default(self):
        with Flow("f") as flow:
            made = show(Parameter("p", default=1, required=True))
        with pytest.raises(ValueError, match="did not receive the following required parameters: p"):
            flow.run()
        assert flow.run(p=2).result[made].result == 2

    def test_optional_without_a_default(self):
        with Flow("f") as flow:
            made = show(Parameter("p", required=False))
        assert flow.run().result[made].result is None

    def test_a_finished_state_stands(self):
        with Flow("f") as flow:
            parameter = Parameter("p")
            made = show(parameter)
        given = {parameter: Success(result="given")}
        assert flow.run(p="argument", task_states=given).result[made].result == "given"

    def test_those_that_nothing_takes_are_in_the_context(self):
        with Flow("f") as flow:
            Parameter("unused", default=5)()
            made = task(lambda: dict(context.parameters), name="look")()
        assert flow.run().result[made].result == {"unused": 5}

    def test_tags_of_the_parameter(self):
        assert Parameter("p", tags=["a"]).tags == {"a"}

    def test_one_parameter_in_two_flows(self):
        parameter = Parameter("p")
        for number in (1, 2):
            with Flow(f"f{number}") as flow:
                made = show(parameter)
            assert flow.run(p=number).result[made].result == number

    def test_upstream_of_a_parameter_is_refused(self):
        parameter = Parameter("p")
        with Flow("f"), pytest.raises(ValueError, match="can not have upstream dependencies"):
            parameter.set_upstream(show(1))


class TestDates:
    def test_text_and_datetimes(self):
        with Flow("f") as flow:
            made = show(DateTimeParameter("when", required=False))
        expected = datetime(2020, 1, 2, tzinfo=UTC)
        for given in ("2020-01-02", expected, "2020-01-02T00:00:00Z"):
            assert flow.run(when=given).result[made].result == expected
        assert flow.run(when=None).result[made].result is None

    def test_what_is_no_date_fails_the_parameter(self):
        with Flow("f") as flow:
            parameter = DateTimeParameter("when")
            show(parameter)
        assert flow.run(when="not a date").result[parameter].is_failed()

    def test_pendulum_under_the_alias(self, tmp_path):
        pytest.importorskip("pendulum")
        text = """
import resultant.compat.prefect
import pendulum
from prefect import Flow, task
from prefect.core.parameter import DateTimeParameter

with Flow("f") as flow:
    when = DateTimeParameter("when")
    made = task(lambda x: (type(x) is pendulum.DateTime, x.to_iso8601_string()), name="made")(when)
print(flow.run(when="2020-02-03T04:05:06+00:00").result[made].result)
"""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("RESULTANT_")}
        done = subprocess.run(
            [sys.executable, "-c", text],
            cwd=tmp_path,
            env={**environment, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout == "(True, '2020-02-03T04:05:06Z')\n", done.stderr


class TestEdges:
    def test_collections_with_tasks_need_their_flow(self):
        flow, up, down = Flow("f"), show.copy(), show.copy()
        edge = Edge([up, 1], down, key="x", flow=flow)
        assert type(edge.upstream_task).__name__ == "List"
        assert up in flow.tasks

    def test_annotations_in_either_place_win_over_arguments(self):
        up, down = Task(), Task()
        for build, expected in (
            (lambda: Edge(mapped(up), down, mapped=False), (True, False)),
            (lambda: Edge(unmapped(up), down, mapped=True), (False, False)),
            (lambda: Edge(flatten(up), down, mapped=True), (True, True)),
            (lambda: Edge(unmapped(flatten(mapped(up))), down), (True, True)),
        ):
            edge = build()
            assert (edge.mapped, edge.flattened) == expected
            assert edge.tasks == {up, down}

    @pytest.mark.parametrize("key", ["a b", "1a", "class", "", "a.b"])
    def test_keys_are_identifiers(self, key):
        with pytest.raises(ValueError, match="identifier"):
            Edge(Task(), Task(), key=key)

    def test_flows_hold_equal_edges_once(self):
        flow, up, down = Flow("f"), show.copy(), show.copy()
        for _ in range(2):
            flow.add_edge(up, down, "x")
        assert flow.edges == {Edge(up, down, "x")}
        assert flow.add_edge(up, down, "x", mapped=True) != Edge(up, down, "x")
