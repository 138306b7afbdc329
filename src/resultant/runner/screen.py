"""The picture of a run on a terminal: drawn a few times a second by a thread of its own."""

from __future__ import annotations

from threading import Event, Lock, Thread
from time import monotonic

from resultant.engine.state import Failed, Mapped, Pending, State
from resultant.runtime import get_logger

from .above import Above, terminal_streams
from .plan import single_folder
from .relay import drain, show_in
from .view import Row, View

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from typing import Any

    from rich.console import Console, RenderableType
    from rich.live import Live
    from rich.text import Text

    from .flow import FlowRun

__all__ = ["Screen"]

#: Seconds before the first picture: a run that is over by then shows nothing.
_PATIENCE = 0.5
_INTERVAL = 0.2
#: Of the time, that drawing may take: a flow of thousands of tasks is drawn less often.
_SHARE = 0.04

#: Two pictures at once would draw over each other: a run inside of a run is silent.
_in_use = Lock()


class Screen:
    """Draws one run.

    Args:
        name: the flow's name.
        tracker: the run.
        terminal: where to draw.
    """

    def __init__(self, name: str, tracker: FlowRun, terminal: Any) -> None:
        self._name = name
        self._tracker = tracker
        self._terminal = terminal
        self._view = View(tracker)
        self._over = Event()
        self._drawing = Lock()
        self._thread: Thread | None = None
        self._console: Console | None = None
        self._live: Live | None = None
        self._above: Above | None = None

    def start(self) -> None:
        """Begin to look; drawing begins later."""
        if _in_use.acquire(blocking=False):
            # Now, because a task may have redirected its output at the moment when drawing begins.
            self._above = Above(terminal_streams(self._terminal))
            self._thread = Thread(target=self._run, name="resultant-display", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Take the picture away."""
        if self._thread is None:
            return
        try:
            self._over.set()
            self._thread.join()
        finally:
            self._close()
            drain()
            if self._above is not None:
                self._above.remove()
            self._thread = None
            _in_use.release()

    def aside(self) -> AbstractContextManager[None]:
        """Return a block during which nothing is drawn."""
        from contextlib import contextmanager

        @contextmanager
        def block() -> Iterator[None]:
            with self._drawing:
                shown = self._live is not None
                self._close()
                try:
                    yield
                finally:
                    if shown:
                        self._open()

        return block()

    def conclude(self, final: State) -> None:
        """Print how the run ended, if it was drawn.

        Args:
            final: the flow's state.
        """
        console = self._console
        if console is None:
            return
        from rich.text import Text

        line = Text.assemble((type(final).__name__, f"bold {final.color}"), f"  {self._name}: {final.message or ''}")
        console.print(line, soft_wrap=True, highlight=False)
        for name, state in self._failures(3):
            console.print(Text(f"  {name}: {state.message}", style=state.color), soft_wrap=True, highlight=False)
        facts = self._facts(self._view.rows())
        place = single_folder(self._tracker.plan)
        if place is not None and self._view.written:
            facts.append(f" to {place}")
        console.print(facts, soft_wrap=True, highlight=False)

    def _run(self) -> None:
        if self._over.wait(_PATIENCE):
            return
        pause = _INTERVAL
        try:
            with self._drawing:
                self._open()
            while not self._over.wait(pause):
                began = monotonic()
                with self._drawing:
                    self._draw()
                pause = max(_INTERVAL, (monotonic() - began) / _SHARE)
        except Exception:  # noqa: BLE001
            # What is drawn must never be what a run fails of.
            get_logger("display").debug("The display has failed.", exc_info=True)
            with self._drawing:
                self._close()

    def _open(self) -> None:
        from rich.console import Console
        from rich.live import Live

        if self._console is None:
            self._console = Console(file=self._terminal)
        self._live = Live(
            console=self._console,
            get_renderable=self._render,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        assert self._above is not None
        self._above.keep(lines=True)
        show_in(self._above.lines)
        self._live.start(refresh=True)

    def _draw(self) -> None:
        if self._live is not None and self._above is not None:
            self._above.install()
            if self._above:
                self._print_above()
            self._live.refresh()

    def _print_above(self) -> None:
        from rich.text import Text

        assert self._console is not None
        assert self._above is not None
        text = self._above.take()
        self._console.print(Text.from_ansi(text) if "\x1b" in text else Text(text), soft_wrap=True, highlight=False)

    def _close(self) -> None:
        live, self._live = self._live, None
        if live is None or self._above is None:
            return
        drain()
        show_in(None)
        self._above.keep(lines=False)
        live.stop()
        if self._above:
            self._terminal.write(self._above.take() + "\n")
            self._terminal.flush()

    # What it shows

    def _render(self) -> RenderableType:
        from rich.console import Group
        from rich.table import Table

        assert self._console is not None
        rows = self._view.rows()
        done, total = self._view.progress(rows)
        head = Table.grid(padding=(0, 1), expand=False)
        head.add_row(_text(self._name, "bold"), _bar(done, total, 30), f"{done:,}/{total:,}")
        room = max(3, self._console.size.height - 4)
        shown, hidden = _choose(rows, room)
        table = Table.grid(padding=(0, 1), expand=False)
        for row in shown:
            table.add_row(*_cells(row))
        parts: list[RenderableType] = [head, table]
        if hidden:
            parts.append(_text(f"  and {len(hidden):,} more", "dim"))
        parts.append(self._facts(rows))
        return Group(*parts)

    def _facts(self, rows: list[Row]) -> Text:
        """Return one line: how many ended how, how long it took, what was written."""
        from rich.text import Text

        facts = Text()
        for cls, count in self._view.counts():
            facts.append("● ", style=cls.color)
            facts.append(f"{count:,} {cls.__name__}  ")
        done, total = self._view.progress(rows)
        if total > done:
            facts.append("● ", style=Pending.color)
            facts.append(f"{total - done:,} to go  ")
        facts.append(_duration(monotonic() - self._view.began))
        if self._view.written:
            facts.append(f"  {_size(self._view.written)} written")
        return facts

    def _failures(self, most: int) -> Iterator[tuple[str, State]]:
        for step, state in zip(self._tracker.plan.steps, self._tracker.states, strict=True):
            named = [(step.name, state)]
            if isinstance(state, Mapped):
                named = [(f"{step.name}[{index}]", child) for index, child in enumerate(state.map_states)]
            for name, found in named:
                if isinstance(found, Failed) and most:
                    most -= 1
                    yield name, found


def _choose(rows: list[Row], room: int) -> tuple[list[Row], list[Row]]:
    """Return the rows that fit and those that do not: what failed and what runs comes first, in the flow's order."""
    if len(rows) <= room:
        return rows, []
    worth = sorted(range(len(rows)), key=lambda index: (rows[index].rank, index))
    kept = set(worth[: room - 1])
    return [row for index, row in enumerate(rows) if index in kept], [
        row for index, row in enumerate(rows) if index not in kept
    ]


def _cells(row: Row) -> tuple[RenderableType, ...]:
    cls = row.state
    mark = _text("  ● ", cls.color)
    mark.append(row.name if len(row.name) <= 40 else row.name[:39] + "…", style="none")
    since = (
        ""
        if row.since is None or (row.done is not None and row.done >= row.total)
        else _duration(monotonic() - row.since)
    )
    if row.done is None:
        return mark, _text("" if cls is Pending else cls.__name__, cls.color), "", since
    count = _text(f"{row.done:,}/{row.total:,}", "none")
    if row.failed:
        count.append(f"  {row.failed:,} failed", style=Failed.color)
    return mark, _bar(row.done, row.total, 30), count, since


def _text(text: str, style: str) -> Text:
    from rich.text import Text

    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _bar(done: int, total: int, width: int) -> RenderableType:
    from rich.progress_bar import ProgressBar

    # A bar without a length is drawn as one that pulses.
    return ProgressBar(total=total or 1, completed=done if total else 1, width=width)


def _duration(seconds: float) -> str:
    whole = int(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"
