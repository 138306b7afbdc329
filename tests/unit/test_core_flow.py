"""Building flows and asking about them (SPEC 10.1 to 10.4)."""

from __future__ import annotations

import json
import pickle
import sys
import warnings

import cloudpickle
import pytest

from resultant.core.annotations import mapped, unmapped
from resultant.core.edge import Edge
from resultant.core.flow import Flow
from resultant.core.function_task import task
from resultant.core.parameter import Parameter
from resultant.core.tags import tags
from resultant.core.task import Task
from resultant.engine.results import LocalResult
from resultant.errors import UnsupportedError
from resultant.runtime import context
from resultant.settings import set_temporary_config


@task
def inc(x):
    return x + 1


@task
def add(x, y=1):
    return x + y


@task
def nothing():
    pass


class TestConstruction:
    def test_name_is_required(self) -> None:
        with pytest.raises(TypeError):
            Flow()  # type: ignore[call-arg]
        for name in ("", None, False):
            with pytest.raises(ValueError, match="A name must be provided for the flow"):
                Flow(name)  # type: ignore[arg-type]

    def test_result_is_kept(self) -> None:
        result = LocalResult()
        assert Flow("f", result=result).result is result
        assert Flow("f").result is None

    def test_state_handlers_must_be_a_sequence(self) -> None:
        with pytest.raises(TypeError, match="state_handlers"):
            Flow("f", state_handlers=lambda *_: None)  # type: ignore[arg-type]
        assert len(Flow("f", state_handlers=[print], on_failure=print).state_handlers) == 2

    def test_repr(self) -> None:
        assert repr(Flow("x")) == '<Flow: name="x">'

    def test_tasks_edges_and_reference_tasks(self) -> None:
        a, b, c = nothing.copy(), inc.copy(), nothing.copy()
        flow = Flow("f", tasks=[c], edges=[Edge(a, b, key="x")], reference_tasks=[a])
        assert flow.tasks == {a, b, c}
        assert flow.edges == {Edge(a, b, key="x")}
        assert flow.reference_tasks() == {a}

    def test_validate_at_once(self) -> None:
        a, b = nothing.copy(), nothing.copy()
        with pytest.raises(ValueError, match="Cycle found"):
            Flow("f", edges=[Edge(a, b), Edge(b, a)], validate=True)
        Flow("f", edges=[Edge(a, b), Edge(b, a)])
        with set_temporary_config({"flows.eager_edge_validation": True}), pytest.raises(ValueError, match="Cycle"):
            Flow("f", edges=[Edge(a, b), Edge(b, a)])

    @pytest.mark.parametrize("option", ["schedule", "storage", "run_config"])
    def test_options_left_to_others(self, option: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Departures: an error that names the alternative; accepted where the switch is on."""
        with pytest.raises(UnsupportedError, match=f"{option}=.*: (start|keep)"):
            Flow("f", **{option: object()})
        monkeypatch.setattr("resultant.core.flow.accept_ignored_options", True)
        given = object()
        assert getattr(Flow("f", **{option: given}), option) is given


class TestBlock:
    def test_it_makes_the_flow_current(self) -> None:
        with Flow("outer") as outer:
            assert context.flow is outer
            with Flow("inner") as inner:
                assert context.flow is inner
            assert context.flow is outer
        assert "flow" not in context

    def test_a_flow_can_be_opened_again(self) -> None:
        with Flow("f") as flow:
            nothing()
        with flow, flow:
            nothing()
        assert len(flow.tasks) == 2

    def test_tasks_that_were_never_added(self) -> None:
        start = "^Tasks were created but not added to the flow"
        with pytest.warns(UserWarning, match=start), Flow("f"):
            Task()
        with pytest.warns(UserWarning, match=start), Flow("f"):
            nothing.copy()

    def test_what_does_not_count(self) -> None:
        from resultant.core.constants import Constant

        with warnings.catch_warnings(), Flow("f") as flow:
            warnings.simplefilter("error")
            Constant(1)

            @task
            def defined_and_called():
                pass

            defined_and_called()
            inc([1, nothing()])
            flow.add_task(nothing.copy())

    def test_an_error_inside_is_not_hidden_by_the_warning(self) -> None:
        with pytest.raises(KeyError), Flow("f"):
            Task()
            raise KeyError

    def test_running_inside_the_block(self) -> None:
        with (
            Flow("f") as flow,
            pytest.raises(RuntimeError, match=r"`flow\.run\(\)` from within a `Flow` context manager"),
        ):
            flow.run()

    def test_running_another_flow_inside_a_block(self) -> None:
        with Flow("other") as other:
            nothing()
        with Flow("f"):
            assert other.run().is_successful()


class TestAddTask:
    def test_it_returns_the_task(self) -> None:
        flow, made = Flow("f"), Task()
        assert flow.add_task(made) is made
        assert flow.add_task(made) is made
        assert flow.tasks == {made}

    def test_no_task(self) -> None:
        with pytest.raises(TypeError, match="Tasks must be Task instances"):
            Flow("f").add_task(1)  # type: ignore[arg-type]

    def test_slug_that_exists(self) -> None:
        flow = Flow("f", tasks=[Task(slug="s")])
        with pytest.raises(ValueError, match=r'A task with the slug "s" already exists in this flow\.'):
            flow.add_task(Task(slug="s"))
        assert len(flow.tasks) == 1


class TestAddEdge:
    def test_it_adds_both_tasks_and_returns_the_edge(self) -> None:
        flow, up, down = Flow("f"), nothing.copy(), inc.copy()
        edge = flow.add_edge(up, down, "x", mapped=True, flattened=True)
        assert edge == Edge(up, down, "x", True, True)
        assert flow.edges == {edge}
        assert flow.tasks == {up, down}
        assert flow.add_edge(up, down, "x", mapped=True, flattened=True) is edge
        assert len(list(flow.iter_edges())) == 1

    def test_constant_with_a_key(self) -> None:
        flow, down = Flow("f"), inc.copy()
        flow.add_edge(3, down, "x")
        assert (flow.tasks, flow.edges, flow.constants[down]) == ({down}, set(), {"x": 3})

    def test_an_edge_takes_the_place_of_a_constant(self) -> None:
        flow, up, down = Flow("f"), nothing.copy(), inc.copy()
        flow.add_edge(3, down, "x")
        flow.add_edge(up, down, "x")
        assert flow.constants[down] == {}

    def test_annotations(self) -> None:
        flow = Flow("f")
        assert flow.add_edge(mapped(nothing.copy()), inc.copy(), "x").mapped is True
        assert flow.add_edge(unmapped(nothing.copy()), inc.copy(), "x", mapped=True).mapped is False

    def test_parameter_downstream(self) -> None:
        with pytest.raises(ValueError, match="can not have upstream dependencies"):
            Flow("f").add_edge(nothing.copy(), Parameter("p"))

    def test_a_task_and_itself(self) -> None:
        made = Task()
        with pytest.raises(ValueError, match="Edges can not connect a task to itself"):
            Flow("f").add_edge(made, made)

    def test_key_that_is_no_identifier(self) -> None:
        with pytest.raises(ValueError, match="identifier"):
            Flow("f").add_edge(nothing.copy(), inc.copy(), "a b")

    @pytest.mark.parametrize("eager", [False, True])
    def test_checks_when_validating(self, eager: bool) -> None:
        validate = None if eager else True
        flow, down = Flow("f"), inc.copy()
        first = nothing.copy()
        with set_temporary_config({"flows.eager_edge_validation": eager}):
            flow.add_edge(first, down, "x", validate=validate)
            with pytest.raises(ValueError, match="already been assigned"):
                flow.add_edge(nothing.copy(), down, "x", validate=validate)
            with pytest.raises(TypeError, match="unexpected keyword argument 'nope'"):
                flow.add_edge(nothing.copy(), down, "nope", validate=validate)
            with pytest.raises(ValueError, match="Cycle found"):
                flow.add_edge(down, first, validate=validate)
        assert len(flow.edges) == 1
        flow.validate()

    def test_no_checks_otherwise(self) -> None:
        flow, down = Flow("f"), inc.copy()
        flow.add_edge(nothing.copy(), down, "x")
        flow.add_edge(nothing.copy(), down, "x")
        flow.add_edge(nothing.copy(), down, "nope")
        assert len(flow.edges) == 3

    def test_eager_validation_inside_a_block(self) -> None:
        with set_temporary_config({"flows.eager_edge_validation": True}), Flow("f"):
            down = inc(1)
            with pytest.raises(ValueError, match="already been assigned"):
                down.set_upstream(nothing(), key="x")


class TestChain:
    def test_edges_in_sequence(self) -> None:
        flow = Flow("f")
        a, b, c = Task(), Task(), Task()
        assert flow.chain(a, b, c) == [Edge(a, b), Edge(b, c)]

    def test_called_tasks_are_not_added_twice(self) -> None:
        with Flow("f") as flow:
            flow.chain(*[nothing() for _ in range(4)])
        assert len(flow.tasks) == 4
        assert len(flow.edges) == 3

    def test_values(self) -> None:
        flow = Flow("f")
        flow.chain(1, nothing.copy())
        assert {edge.upstream_task.name for edge in flow.edges} == {"1"}


class TestSetDependencies:
    def test_values_become_tasks(self) -> None:
        flow = Flow("f")
        a, b, c = nothing.copy(), inc.copy(), nothing.copy()
        flow.set_dependencies(b, upstream_tasks=[1], downstream_tasks=[c], keyword_tasks={"x": [a, 2]})
        assert {(edge.upstream_task.name, edge.downstream_task.name, edge.key) for edge in flow.edges} == {
            ("1", "inc", None),
            ("inc", "nothing", None),
            ("List", "inc", "x"),
            ("nothing", "List", "arg_1"),
        }

    def test_mapped(self) -> None:
        flow = Flow("f")
        flow.set_dependencies(inc.copy(), keyword_tasks={"x": [1, 2]}, mapped=True)
        (edge,) = flow.edges
        assert (edge.mapped, edge.upstream_task.value) == (True, [1, 2])

    def test_validate(self) -> None:
        with pytest.raises(TypeError, match="nope"):
            Flow("f").set_dependencies(inc.copy(), keyword_tasks={"nope": 1}, validate=True)


class TestUpdate:
    def test_everything_arrives(self) -> None:
        with Flow("a") as first:
            one = inc(1)
        with Flow("b") as second:
            mapped_task = inc.map([1, 2])
            two = add(mapped_task, y=5)
        first.update(second)
        assert {one, mapped_task, two} < first.tasks
        assert first.edges == second.edges
        assert first.constants[two] == {"y": 5}
        assert sorted(first.slugs.values()) == ["[1, 2]-1", "add-1", "inc-1", "inc-2"]

    def test_parameters_of_the_same_name(self) -> None:
        with Flow("a") as first:
            old = Parameter("p")
            one = inc(old)
        with Flow("b") as second:
            new = Parameter("p", default=1)
            two = inc(new)
        with pytest.raises(ValueError, match='slug "p"'):
            first.copy().update(second)
        first.update(second, merge_parameters=True)
        assert first.parameters() == {new}
        assert first.downstream_tasks(new) == {one, two}

    def test_reference_tasks(self) -> None:
        with Flow("a") as first:
            one = inc(1)
        with Flow("b") as second:
            two = inc(2)
            inc(two)
        second.set_reference_tasks([two])
        kept = first.copy()
        kept.update(second)
        assert kept.reference_tasks() == kept.terminal_tasks()
        first.update(second, merge_reference_tasks=True)
        assert first.reference_tasks() == {one, two}


class TestReplace:
    def test_everywhere(self) -> None:
        with Flow("f") as flow:
            first = inc(1)
            middle = add(first, y=2)
            last = inc(middle)
        flow.set_reference_tasks([middle])
        new = add.copy()
        flow.replace(middle, new)
        assert middle not in flow.tasks
        assert flow.edges == {Edge(first, new, "x"), Edge(new, last, "x")}
        assert flow.reference_tasks() == {new}
        assert flow.slugs[new] == "add-2"
        assert flow.constants[new] == {"y": 2}
        assert flow.sorted_tasks() == (first, new, last)

    def test_with_a_value(self) -> None:
        with Flow("f") as flow:
            first = nothing()
            last = inc(first)
        flow.replace(first, 5)
        assert first not in flow.tasks
        assert flow.constants[last] == {"x": 5}
        assert flow.run().result[last].result == 6

    def test_unknown(self) -> None:
        with pytest.raises(ValueError, match="was not found in Flow"):
            Flow("f").replace(Task(), Task())

    def test_validate(self) -> None:
        with Flow("f") as flow:
            first = nothing()
            last = inc(first)
            other = inc(last)
        with pytest.raises(ValueError, match="Cycle found"):
            flow.replace(first, other)


class TestCopy:
    def test_own_containers_and_the_same_tasks(self) -> None:
        with Flow("f") as flow:
            first = inc(1)
        copied = flow.copy()
        assert copied == flow
        with copied:
            inc(first)
        copied.constants[first]["x"] = 2
        copied.set_reference_tasks([first])
        assert (len(flow.tasks), len(flow.edges), flow.constants[first]) == (1, 0, {"x": 1})
        assert flow.reference_tasks() == {first}
        assert copied != flow


class TestValidate:
    def test_cycles(self) -> None:
        flow, a, b = Flow("f"), Task(), Task()
        flow.add_edge(a, b)
        flow.add_edge(b, a)
        for call in (flow.validate, flow.sorted_tasks, flow.serialize, lambda: list(flow)):
            with pytest.raises(ValueError, match="Cycle found"):
                call()

    def test_unknown_tasks(self) -> None:
        flow, a, b = Flow("f"), Task(), Task()
        flow.add_edge(a, b)
        del flow.slugs[b]
        with pytest.raises(ValueError, match="edges refer to tasks"):
            flow.validate()

    def test_unknown_reference_tasks(self) -> None:
        flow, a = Flow("f"), Task()
        flow.add_task(a)
        flow.set_reference_tasks([a])
        del flow.slugs[a]
        with pytest.raises(ValueError, match="reference tasks are not contained"):
            flow.validate()


class TestSerialize:
    def test_json(self) -> None:
        with Flow("f") as flow, tags("t"):
            first = task(lambda x: x, name="first", max_retries=1, retry_delay=3)(Parameter("p", default={1, 2}))
            inc.map(first)
        described = json.loads(json.dumps(flow.serialize()))
        assert [each["slug"] for each in described["tasks"]] == ["first-t-1", "p", "inc-t-1"]
        assert described["tasks"][0]["retry_delay"] == 3
        assert described["parameters"][0]["default"] == "{1, 2}"
        assert [(edge["key"], edge["mapped"]) for edge in described["edges"]] == [("x", False), ("x", True)]


class TestQuestions:
    def test_empty_answers(self) -> None:
        flow = Flow("f")
        assert (flow.tasks, flow.edges, flow.slugs, flow.constants) == (set(), set(), {}, {})
        assert flow.sorted_tasks() == ()
        assert list(flow) == []

    def test_get_tasks(self) -> None:
        class Kind(Task):
            pass

        a = Task("a", tags=["x", "y"])
        b = Kind("a", slug="own", tags=["x"])
        flow = Flow("f", tasks=[a, b])
        assert flow.get_tasks() == [a, b]
        assert flow.get_tasks(name="a") == [a, b]
        assert flow.get_tasks(name="b") == []
        assert flow.get_tasks(slug="own") == [b]
        assert flow.get_tasks(slug="a-x-y-1") == [a]
        assert flow.get_tasks(tags=["x", "y"]) == [a]
        assert flow.get_tasks(task_type=Kind) == [b]
        assert flow.get_tasks(name="a", tags=["x"], task_type=Kind) == [b]

    def test_neighbours(self) -> None:
        with Flow("f") as flow:
            a, p = nothing(), Parameter("p")
            b = add(a, p)
            c = inc(b)
        assert flow.root_tasks() == {a, p}
        assert flow.terminal_tasks() == {c}
        assert flow.parameters() == {p}
        assert flow.upstream_tasks(b) == {a, p}
        assert flow.downstream_tasks(b) == {c}
        assert flow.edges_to(b) == {Edge(a, b, "x"), Edge(p, b, "y")}
        assert flow.edges_from(b) == {Edge(b, c, "x")}
        assert flow.all_upstream_edges() == {each: flow.edges_to(each) for each in flow.tasks}
        assert flow.all_downstream_edges() == {each: flow.edges_from(each) for each in flow.tasks}

    def test_unknown_task(self) -> None:
        flow = Flow("f")
        for ask in (flow.edges_to, flow.edges_from, flow.upstream_tasks, flow.downstream_tasks):
            with pytest.raises(ValueError, match="was not found in Flow"):
                ask(Task())

    def test_sorted_tasks_keep_the_order_of_building(self) -> None:
        flow = Flow("f")
        a, b, c, d, e = (Task(name) for name in "abcde")
        for each in (e, d, c, b, a):
            flow.add_task(each)
        flow.add_edge(b, d)
        flow.add_edge(a, e)
        assert flow.sorted_tasks() == (c, b, d, a, e)
        assert list(flow) == [c, b, d, a, e]

    def test_sorted_tasks_from_roots(self) -> None:
        with Flow("f") as flow:
            a, b = nothing(), nothing()
            c = inc(a)
            d = add(b, c)
        assert flow.sorted_tasks(root_tasks=[a]) == (a, c, d)
        assert flow.sorted_tasks(root_tasks=[b]) == (b, d)

    def test_sorting_notices_additions(self) -> None:
        flow, a, b = Flow("f"), Task(), Task()
        flow.add_edge(b, a)
        assert flow.sorted_tasks() == (b, a)
        c = flow.add_task(Task())
        assert c in flow.sorted_tasks()

    def test_equality(self) -> None:
        a, b = Task(), Task()
        flow = Flow("f", edges=[Edge(a, b)])
        assert flow == Flow("f", edges=[Edge(a, b)])
        assert flow != Flow("g", edges=[Edge(a, b)])
        assert flow != Flow("f", tasks=[a, b])
        assert flow != Flow("f", edges=[Edge(a, b)], reference_tasks=[a])
        assert flow != 1


class TestReferenceTasks:
    def test_terminal_tasks_unless_set(self) -> None:
        with Flow("f") as flow:
            a = nothing()
            b = inc(a)
        assert flow.reference_tasks() == {b}
        flow.set_reference_tasks([a])
        assert flow.reference_tasks() == {a}
        flow.set_reference_tasks([])
        assert flow.reference_tasks() == {b}

    def test_unknown(self) -> None:
        with pytest.raises(ValueError, match="must be part of the flow"):
            Flow("f").set_reference_tasks([Task()])


class TestSlugs:
    def test_names_tags_and_a_counter(self) -> None:
        flow = Flow("f")
        for made in (Task("a"), Task("b"), Task("b"), Task("a", tags=["tag1"]), Task("a", tags=["z", "b"]), Task("a")):
            flow.add_task(made)
        assert list(flow.slugs.values()) == ["a-1", "b-1", "b-2", "a-tag1-1", "a-b-z-1", "a-2"]

    def test_own_slug(self) -> None:
        made = Task("a", slug="own")
        assert Flow("f", tasks=[made]).slugs == {made: "own"}
        assert made.slug == "own"

    def test_taken_numbers_are_skipped(self) -> None:
        flow = Flow("f", tasks=[Task(slug="a-1"), Task(slug="a-3"), Task("a"), Task("a")])
        assert list(flow.slugs.values()) == ["a-1", "a-3", "a-2", "a-4"]

    def test_renaming_later_does_not_matter(self) -> None:
        made = Task("a")
        flow = Flow("f", tasks=[made])
        made.name = "b"
        assert flow.slugs[made] == "a-1"

    def test_same_build_same_slugs(self) -> None:
        def build() -> list[str]:
            with Flow("f") as flow:
                inc(inc([nothing(), nothing()]))
            return list(flow.slugs.values())

        assert build() == build()

    def test_without_a_flow_there_is_none(self) -> None:
        with Flow("f"):
            assert nothing().slug is None


class TestPickling:
    @pytest.mark.parametrize("module", [pickle, cloudpickle])
    def test_round_trip(self, module) -> None:
        flow = Flow("f", tasks=[Task("a"), Task("b")])
        flow.add_edge(*flow.slugs)
        again = pickle.loads(module.dumps(flow))
        assert [each.name for each in again.sorted_tasks()] == ["a", "b"]
        assert list(again.slugs.values()) == ["a-1", "b-1"]
        assert len(again.edges) == 1

    def test_inside_its_block(self) -> None:
        with Flow("f") as flow:
            nothing()
            again = cloudpickle.loads(cloudpickle.dumps(flow))
        with again:
            inc(1)
        assert len(again.tasks) == 2

    def test_long_chains(self) -> None:
        with Flow("f") as flow:
            last = inc(1)
            for _ in range(3000):
                last = inc(last)
        assert len(cloudpickle.loads(cloudpickle.dumps(flow)).tasks) == 3001


def test_work_per_task_does_not_grow() -> None:
    """Adding the two-thousandth task takes as many calls as adding the tenth: nothing scans what is there."""
    calls = 0

    def count(frame: object, event: str, arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    def work_of_next(last: Task) -> int:
        nonlocal calls
        calls = 0
        sys.setprofile(count)
        try:
            inc(last)
        finally:
            sys.setprofile(None)
        return calls

    with Flow("f"):
        last = inc(1)
        for _ in range(10):
            last = inc(last)
        early = work_of_next(last)
        for _ in range(2000):
            last = inc(last)
        late = work_of_next(last)
    assert late <= early
