"""What a scenario saw, as a JSON document that does not depend on which engine ran it.

Read by both interpreters, so it imports neither engine: everything is told by class names and plain attributes.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import os
import pickle
import re
import warnings
from pathlib import Path

NAME_OF_DEFAULT = re.compile(r"(prefect|resultant)-result-[0-9a-z-]+")
NAME_OF_DATED = re.compile(r"\d{4}/\d{1,2}/\d{1,2}/[^\s/'\"]+\.(prefect|resultant)_result")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(\+\d{2}:?\d{2}|Z)?")
ADDRESS = re.compile(r" at 0x[0-9a-f]+")
PACKAGE = re.compile(r"\b(prefect|resultant)\b", re.IGNORECASE)


class Record:
    """Collects the observations of one scenario: ``record("key", value)``.

    Args:
        folder: the scenario's own folder, which is also the working directory.
        home: the engine's home folder.
    """

    def __init__(self, folder: Path, home: Path):
        self.dir = folder
        self.home = home
        self.seen: dict = {}

    def __call__(self, key, value):
        """Append a value to what was seen under a key."""
        self.seen.setdefault(key, []).append(self.plain(value))

    def state(self, key, state):
        """Record a state with its value, its result and its children."""
        self.seen.setdefault(key, []).append(self.describe_state(state))

    def flow(self, flow, state, key="flow"):
        """Record a flow's final state, and that of each task under the task's slug."""
        document = self.describe_state(state, with_value=False)
        if isinstance(state.result, dict):
            document["tasks"] = {
                flow.slugs.get(task, repr(task)): self.describe_state(task_state)
                for task, task_state in sorted(state.result.items(), key=lambda item: flow.slugs.get(item[0], ""))
            }
        else:
            document["value"] = self.plain(state.result)
        self.seen.setdefault(key, []).append(document)

    def classes(self, flow, state, key="flow"):
        """Record only the class of a flow's final state and of each task's: for texts that depend on chance."""
        tasks = {flow.slugs[task]: type(task_state).__name__ for task, task_state in state.result.items()}
        self.seen.setdefault(key, []).append({"class": type(state).__name__, "tasks": tasks})

    def files(self, key="files", folder=None):
        """Record every file below a folder (the scenario's own by default): its name and its unpickled content."""
        root = Path(folder or self.dir)
        found: dict = {}
        for path in sorted(p for p in root.rglob("*") if p.is_file()):
            name = self.text(str(path.relative_to(root)))
            found.setdefault(name, []).append(self.content(path.read_bytes()))
        for contents in found.values():
            contents.sort(key=lambda item: json.dumps(item, sort_keys=True))
        self.seen.setdefault(key, []).append(found)

    def content(self, data):
        """Return what some bytes hold: a pickled value, else text, else the bytes."""
        try:
            return {"pickled": self.plain(pickle.loads(data))}
        except Exception:
            try:
                return {"text": self.text(data.decode())}
            except UnicodeDecodeError:
                return {"bytes": data.hex()}

    @contextlib.contextmanager
    def error(self, key, kind=Exception, contains=""):
        """Record whether the block raises an error of a kind whose text holds some words."""
        try:
            yield
        except BaseException as error:
            saw = {"raised": kind.__name__ if isinstance(error, kind) else type(error).__name__}
            if contains:
                saw["text"] = contains if contains in str(error) else self.text(str(error))
        else:
            saw = {"raised": None}
        self.seen.setdefault(key, []).append(saw)

    @contextlib.contextmanager
    def warning(self, key, contains=""):
        """Record whether the block gives a ``UserWarning`` whose text holds some words."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
        texts = [str(w.message) for w in caught if issubclass(w.category, UserWarning)]
        self.seen.setdefault(key, []).append({"warned": any(contains in text for text in texts), "about": contains})

    @contextlib.contextmanager
    def logs(self, key, level=logging.INFO, contains=None, logger=None):
        """Record the log records of the block: logger, level, text; or level and words of those that hold some words."""
        records: list = []
        handler = logging.Handler(level=level)
        handler.emit = records.append  # type: ignore[method-assign]
        root = logging.getLogger()
        root.addHandler(handler)
        try:
            yield
        finally:
            root.removeHandler(handler)
        for entry in records:
            name, text = self.text(entry.name), self.text(entry.getMessage())
            if (contains is None or contains in text) and (logger is None or name.endswith(logger)):
                what = [name, entry.levelname, text] if contains is None else [entry.levelname, contains]
                self.seen.setdefault(key, []).append(what)
        self.seen.setdefault(key, [])

    def handler(self, key="calls"):
        """Return a state handler that records each call: who, from which class, to which."""

        def handle(thing, old, new):
            self(key, [thing.name, type(old).__name__, type(new).__name__])
            return new

        return handle

    # normalising

    def text(self, text):
        """Return a text without what differs between two runs, or between the two packages."""
        for path, word in ((self.dir, "<dir>"), (self.home, "<home>"), (Path.cwd(), "<cwd>")):
            text = text.replace(str(path), word).replace(os.path.realpath(path), word)
        text = NAME_OF_DEFAULT.sub("<default name>", text)
        text = NAME_OF_DATED.sub("<dated name>", text)
        text = MOMENT.sub("<moment>", UUID.sub("<uuid>", text))
        text = ADDRESS.sub("", text).replace("InlineResult", "PrefectResult").replace("WriteError", "Error")
        return PACKAGE.sub("<package>", text)

    def plain(self, value):
        """Return a value as JSON with its types told."""
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float):
            return {"float": repr(value)}
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            return {"bytes": value.hex()}
        if isinstance(value, list):
            return [self.plain(item) for item in value]
        if isinstance(value, tuple):
            return {"tuple": [self.plain(item) for item in value]}
        if isinstance(value, set | frozenset):
            return {"set": sorted((self.plain(item) for item in value), key=lambda item: json.dumps(item))}
        if isinstance(value, dict):
            return {"dict": {self.text(str(key)): self.plain(item) for key, item in value.items()}}
        if isinstance(value, datetime.datetime):
            return {"datetime": self.moment(value), "aware": value.tzinfo is not None}
        if isinstance(value, datetime.timedelta):
            return {"seconds": value.total_seconds()}
        if isinstance(value, BaseException):
            return {"exception": type(value).__name__, "text": self.text(str(value))}
        if isinstance(value, type):
            return {"class": self.text(value.__name__)}
        if hasattr(value, "cached_inputs") and hasattr(value, "is_finished"):
            return self.describe_state(value)
        if hasattr(value, "location") and hasattr(value, "serializer"):
            return self.describe_result(value)
        return self.text(repr(value))

    def moment(self, value):
        """Return a time to the second; times about now are only said to be that."""
        now = datetime.datetime.now(datetime.timezone.utc if value.tzinfo else None)  # noqa: UP017
        distance = (value - now).total_seconds()
        if abs(distance) < 20:
            return "<now>"
        if abs(distance) < 10 * 86400:
            return f"<{'in' if distance > 0 else 'ago'} {round(abs(distance) / 30) * 30} s>"
        return str(value.replace(tzinfo=None).isoformat()) + (str(value.utcoffset()) if value.tzinfo else "")

    def describe_result(self, result):
        """Return class, value and location of a result."""
        location = result.location
        return {
            "class": self.text(type(result).__name__),
            "value": self.plain(result.value),
            "location": self.text(location) if isinstance(location, str) else location,
        }

    def describe_state(self, state, with_value=True):
        """Return a state's class, message, value, result, tags, counts, times and children."""
        if state is None:
            return None
        result = state._result
        location = result.location
        document: dict = {
            "class": type(state).__name__,
            "message": self.plain(state.message),
            "stored": {
                "class": self.text(type(result).__name__),
                "location": self.text(location) if isinstance(location, str) else location,
            },
        }
        if with_value:
            document["value"] = self.plain(state.result)
        if state.context.get("tags"):
            document["tags"] = sorted(state.context["tags"])
        # Prefect keeps the inputs of a mapped task's parent when it runs the flow once more; nothing reads them.
        if state.cached_inputs and not hasattr(state, "map_states"):
            document["cached_inputs"] = {key: self.plain(item) for key, item in state.cached_inputs.items()}
        for name in ("run_count", "loop_count", "n_map_states", "start_time", "cached_result_expiration"):
            if hasattr(state, name):
                document[name] = self.plain(getattr(state, name))
        # A hit at a target is no entry of the output cache: Prefect fills these two there as well, and nothing reads them.
        if not str(state.message).startswith("Result found at task target"):
            if getattr(state, "cached_parameters", None) is not None:
                document["cached_parameters"] = self.plain(state.cached_parameters)
            if getattr(state, "hashed_inputs", None) is not None:
                document["hashed_inputs"] = sorted(state.hashed_inputs)
        if hasattr(state, "map_states"):
            document["map_states"] = [self.describe_state(child) for child in state.map_states]
        return document
