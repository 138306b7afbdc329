"""``resultant doctor``: tries everything that runs will need."""

from __future__ import annotations

import os
from functools import partial

import click

from resultant.cli import output
from resultant.cli.command import Command, as_json
from resultant.cli.failure import one_line
from resultant.cli.stored import NOT_MOUNTED, absent_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from resultant.engine.result import Result

__all__ = ["command"]

#: Below so many bytes of free space it is time to say so.
_LITTLE = 256 << 20

#: So many runs are looked at.
_RECENT = 1000


class Examination:
    """Tries things one after another, and keeps what was found."""

    def __init__(self) -> None:
        self.findings: list[dict[str, str]] = []

    def note(self, what: str, verdict: str, text: str) -> None:
        """Note a finding; the verdict is ``ok``, ``warning`` or ``bad``."""
        self.findings.append({"what": what, "verdict": verdict, "text": " ".join(text.split())})

    def attempt(self, what: str, probe: Callable[[], str]) -> bool:
        """Try something; what it returns is good news, what it raises is bad news.

        Returns:
            Whether it went well.
        """
        try:
            text = probe()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is what was asked for
            self.note(what, "bad", one_line(error))
            return False
        self.note(what, "ok", text)
        return True


@click.command("doctor", cls=Command)
def command() -> int:
    """Try the database and every storage that is configured or on record: write, read, delete.

    Says what is wrong and what to do. Exit status 1: something is.
    """
    found = Examination()
    if found.attempt("settings", _settings):
        found.attempt("home", _home)
        secret = found.attempt("secret for digests", _secret)
        if found.attempt("database", _database):
            if secret:
                _compare_secrets(found)
            _try_default(found)
            _try_named(found)
            _try_recorded(found)
            _look_at_runs(found)
        else:
            _try_default(found)
            _try_named(found)
    if as_json():
        output.print_json(found.findings)
    else:
        output.print_table(("what", "verdict", ""), [tuple(each.values()) for each in found.findings])
    return 1 if any(each["verdict"] == "bad" for each in found.findings) else 0


def _settings() -> str:
    from resultant.settings import current

    file = os.path.join(current().home_dir, "config.toml")
    return f"Read from {file} and the environment." if os.path.exists(file) else "Read from the environment."


def _home() -> str:
    import shutil

    from resultant.runtime import settings

    home = settings().home_dir
    os.makedirs(home, exist_ok=True)
    if not os.access(home, os.W_OK | os.X_OK):
        raise PermissionError(
            f"{home} may not be written to. Give it to the user that runs flows, or set RESULTANT__HOME_DIR."
        )
    free = shutil.disk_usage(home).free
    if free < _LITTLE:
        raise OSError(f"{home} has only {output.size(free)} of free space. Free some: `resultant gc` may help.")
    return f"{home} can be written to; {output.size(free)} are free."


def _secret() -> str:
    from resultant.runner.digest_key import digester, key_file

    name = digester().name
    return f"{key_file()} holds it; its name is {name}."


def _compare_secrets(found: Examination) -> None:
    from resultant.cli.command import database
    from resultant.runner.digest_key import is_ours

    runs = database().flow_runs(limit=_RECENT)
    strange = [run.id for run in runs if not is_ours(run)]
    if strange:
        found.note(
            "secret for digests",
            "warning",
            f"{len(strange)} of the last {len(runs)} runs were recorded with another one ({strange[0]}, for example), so that their "
            "results cannot be checked here. Let all homes that share this database have one: copy digest.key, or name the "
            "file in RESULTANT__RECORD__DIGEST_KEY_FILE.",
        )


def _database() -> str:
    from time import time

    from resultant.cli.command import database
    from resultant.records import FlowRun

    db = database(make=True)
    now = time()
    probe = FlowRun(f"doctor-{os.urandom(8).hex()}", "resultant-doctor", "doctor", "Success", 1, None, None, now, now)
    db.put_flow_run(probe)
    try:
        if db.flow_run(probe.id) != probe:
            raise ValueError(f"{db.url} gave back something else than was written to it.")
    finally:
        db.delete_flow_run(probe.id)
    return f"{db.url} was written, read and deleted from; version {db.version()}."


def _try_default(found: Examination) -> None:
    found.attempt("default result", lambda: _try(_default_result()))


def _try_named(found: Examination) -> None:
    from resultant.engine.credentials.named import store_names
    from resultant.engine.results import URLResult

    for name in store_names():
        found.attempt(f"store {name}", lambda name=name: _try(URLResult(store=name)))  # type: ignore[misc]


def _try_recorded(found: Examination) -> None:
    from resultant.cli.command import database
    from resultant.errors import UnreadableResultError
    from resultant.reading.task import result_of

    seen = set()
    for kind in database().result_kinds():
        place = f"{kind.type or 'result without a name'} {kind.options}"
        if kind.type in ("inline", "constant", "secret", "result") or place in seen:
            continue
        seen.add(place)
        try:
            result = result_of(kind)
        except UnreadableResultError as error:
            found.note(place, "warning", one_line(error))
        except ValueError as error:
            found.note(place, "bad", one_line(error))
        else:
            what = f"{type(result).__name__} {_where(result)}".strip()
            if absent_folder(result) is not None:
                # Made here, it would be taken for the disk that is not mounted.
                found.note(what, "warning", NOT_MOUNTED)
            else:
                found.attempt(what, partial(_try, result))


def _where(result: Any) -> str:
    from resultant.engine.results.objects import ObjectResult

    if not isinstance(result, ObjectResult):
        return str(getattr(result, "dir", ""))
    return result.store_name or result.address()


def _default_result() -> Result:
    from resultant.engine.description import result_at
    from resultant.runtime import settings

    return result_at(settings().flows.default_result or "LocalResult")


def _try(result: Any) -> str:
    from time import perf_counter

    from resultant.engine.stored import StoredResult, place_in

    if isinstance(result, StoredResult):
        result.check_access()
    store = getattr(result, "store", None)
    if store is None:
        return "It keeps its values without a store; there is nothing to try."
    data = os.urandom(64)
    key = f".resultant-doctor-{os.urandom(8).hex()}.tmp"
    began = perf_counter()
    place = place_in(store, store.put(key, data))
    try:
        if store.get(key) != data:
            raise ValueError(f"{place} gave back other bytes than were written to it.")
    finally:
        store.delete(key)
    return f"{place.removesuffix(key)}: written, read and deleted in {(perf_counter() - began) * 1000:.1f} ms."


def _look_at_runs(found: Examination) -> None:
    from resultant.cli.command import database
    from resultant.reading.standing import abandoned

    db = database()
    unfinished = db.flow_runs(state="Running")
    among = abandoned(db, unfinished)
    dead = [run for run in unfinished if run.id in among]
    if dead:
        from resultant.cli.running import how_to_resume

        names = ", ".join(run.id for run in dead[:5])
        found.note(
            "runs",
            "warning",
            f"{len(dead)} unfinished without a process that works on them ({names}{', ...' if len(dead) > 5 else ''}). "
            f"{how_to_resume(dead[0])}",
        )
