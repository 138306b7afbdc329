"""Flows drawn with graphviz."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from resultant.core.flow import Flow
    from resultant.core.task import Task
    from resultant.engine.state import State

__all__ = ["visualize"]

#: Appended to a state's colour: half transparent.
_OPACITY = "80"


def visualize(flow: Flow, flow_state: State | None, filename: str | None, format: str | None, horizontal: bool) -> Any:
    """Draw a flow; see ``Flow.visualize``."""
    try:
        import graphviz
    except ImportError as error:
        raise ImportError(
            "Drawing a flow needs the Python package `graphviz` (pip install graphviz) and the program of that name."
        ) from error
    drawing = graphviz.Digraph(graph_attr={"rankdir": "LR"} if horizontal else None)
    states: dict[Task, State] = flow_state.result if flow_state is not None and flow_state.result else {}
    nodes = {task: _draw_task(drawing, flow, task, number, states) for number, task in enumerate(flow.slugs)}
    for edge in flow.iter_edges():
        upstream, downstream = nodes[edge.upstream_task], nodes[edge.downstream_task]
        if edge.mapped and len(upstream) == len(downstream) and len(downstream) > 1:
            pairs = list(zip(upstream, downstream, strict=True))
        else:
            pairs = [(start, end) for start in upstream for end in downstream]
        for start, end in pairs:
            drawing.edge(start, end, edge.key, style="dashed" if edge.mapped else None)
    if filename is not None:
        stem, dot, ending = filename.rpartition(".")
        if dot and (format == ending or (format is None and ending in graphviz.FORMATS)):
            filename, format = stem, ending
        drawing.render(filename, format=format or "pdf", view=False, cleanup=True)
    elif not _in_notebook():
        import tempfile

        with tempfile.NamedTemporaryFile(delete=False) as file:
            drawing.render(file.name, format=format or "pdf", view=True)
    return drawing


def _draw_task(drawing: Any, flow: Flow, task: Task, number: int, states: dict[Task, State]) -> list[str]:
    """Draw the nodes of a task, one for each mapped child, and return their names."""
    mapped = any(edge.mapped for edge in flow.edges_to(task))
    label = f"{task.name} <map>" if mapped else task.name
    shape = "box" if mapped else "ellipse"
    state = states.get(task)
    children: list[Any] = state.map_states if state is not None and state.is_mapped() else []  # type: ignore[attr-defined]
    names = []
    for index, child in enumerate(children or [state]):
        name = f"{number}.{index}" if children else str(number)
        style = {} if child is None else {"color": child.color + _OPACITY, "style": "filled", "colorscheme": "svg"}
        drawing.node(name, label, shape=shape, **style)
        names.append(name)
    return names


def _in_notebook() -> bool:
    import sys

    ipython = sys.modules.get("IPython")
    if ipython is None:
        return False
    shell = ipython.get_ipython()
    return shell is not None and "IPKernelApp" in shell.config
