"""What differs between a task run and the earlier one that it is compared with."""

from __future__ import annotations

import json

from resultant.cli import output
from resultant.cli.blame import BAD
from resultant.cli.origins import is_made_up
from resultant.cli.parameters import changed_parameters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.cli.origins import Origins
    from resultant.reading.run import RecordedRun
    from resultant.records import CacheEntry, FlowRun, TaskRun

__all__ = ["Comparison", "changed_inputs"]


class Comparison:
    """A task run that ran, against the nearest earlier one of the same flow.

    Args:
        run: the run.
        row: of the task.
        other: the earlier run.
        earlier: the task's row there.
        origins: finds out who computed what.
    """

    def __init__(self, run: RecordedRun, row: TaskRun, other: FlowRun, earlier: TaskRun, origins: Origins) -> None:
        self._run = run
        self._row = row
        self._other = other
        self._earlier = earlier
        self._origins = origins
        self._place = run.places.full(row)
        self._old_place = run.places.full(earlier)
        origin = origins.of(earlier) if earlier.location is not None or earlier.none else None
        #: Who computed the earlier value, which the earlier run may have found.
        self._origin: TaskRun | None = origin

    def first(self) -> str:
        """Return the first thing that differs, as a sentence."""
        row, earlier = self._row, self._earlier
        if not self._origins.comparable(self._run.id, self._other.id):
            return (
                "The earlier run was recorded with another secret for digests: neither code nor inputs can be compared."
            )
        lost = self._lost_target()
        if lost is not None:
            return lost
        code, old_code = json.loads(self._run.row.code or "{}"), json.loads(self._other.code or "{}")
        if code.get(row.slug) != old_code.get(row.slug):
            return "Its code is not that of the earlier run."
        if row.children is not None and earlier.children is not None:
            if row.children != earlier.children:
                return f"It has {row.children} children, and had {earlier.children}."
            return "It is mapped: ask for one of its children, TASK[INDEX]."
        return self._changed_inputs() or self._unusable() or self._nothing_stood()

    # Inputs

    def _changed_inputs(self) -> str | None:
        row, earlier = self._row, self._earlier
        named = self._inputs_by_name()
        if named:
            return f"Its inputs are not those of the earlier run: {', '.join(named)}."
        if row.input is None or earlier.input is None or row.input == earlier.input:
            return None
        changed = changed_parameters(self._run.row, self._other)
        if not changed and self._takes_undigested():
            return (
                "Its inputs are not known to be those of the earlier run: what one of the runs found at a target has no "
                "digest on record that could be compared."
            )
        return f"Its inputs are not those of the earlier run{changed}."

    def _inputs_by_name(self) -> list[str]:
        """Return the names of inputs that differ, where cache entries know them one by one."""
        origin = self._origin
        if origin is None or origin.input != self._earlier.input:
            return []
        mine, yours = self._origins.entry(self._row), self._origins.entry(origin)
        return [] if mine is None or yours is None else changed_inputs(mine, yours)

    def _takes_undigested(self) -> bool:
        runs = self._run.id, self._other.id
        found = [row for run_id in runs for row in self._run.db.task_runs(run_id, state="Cached", limit=1000)]
        return any(row.digest is None and row.location is not None for row in found)

    # What was there

    def _lost_target(self) -> str | None:
        """Return that the value which a task has at its target was not there, as far as the rows tell."""
        row, earlier, place = self._row, self._earlier, self._old_place
        if row.state == "Cached" or place is None or is_made_up(place) or not self._was_found(place):
            return None
        same = row.input is not None and row.input == earlier.input
        if self._place == place or (self._place is None and row.state in BAD and same):
            return (
                f"The value at {place} was found by an earlier run, and not by this one: the target was missing or damaged "
                "when the run looked, or is the task's target no more."
            )
        if same and self._place is not None and not is_made_up(self._place):
            return f"Its target is {self._place}, and was {place} in the earlier run: nothing usable was there."
        return None

    def _was_found(self, place: str) -> bool:
        """Return whether a run of the flow took the task's value from a place, which is its target then."""
        row = self._row
        if self._earlier.state == "Cached":
            return self._origins.entry(self._earlier) is None
        flows: dict[str, str] = {}
        for each in self._run.places.rows(place):
            if each.slug == row.slug and each.state == "Cached" and (each.ended or each.started) <= row.started:
                if each.run not in flows:
                    flows[each.run] = self._run.db.flow_run(each.run).flow
                if flows[each.run] == self._run.flow and self._origins.entry(each) is None:
                    return True
        return False

    def _unusable(self) -> str | None:
        """Return why the earlier value could not have stood for anything."""
        earlier = self._earlier
        if earlier.state in BAD:
            error = f" ({earlier.error})" if earlier.error else ""
            return f"The earlier run of it was not successful: {earlier.state}{error}."
        if earlier.state not in ("Success", "Cached", "Mapped"):
            return f"The earlier run of it did not get further than {earlier.state}."
        if earlier.location is None and not earlier.none and not self._runs_always():
            if self._row.state == "Success" and self._row.location is None and not self._row.none:
                return (
                    "Neither run's value is stored, or not any more: whether the earlier one could have stood for it is not on "
                    "record."
                )
            return "The earlier value is not stored: it was kept in memory only, or was released."
        return None

    def _runs_always(self) -> bool:
        """Return whether the row says that the task has neither a target nor a cache."""
        row = self._row
        return row.state == "Success" and (row.none or (self._place is not None and is_made_up(self._place)))

    def _nothing_stood(self) -> str:
        cached = None if self._runs_always() else self._cached()
        if cached is not None:
            return cached
        known = "Nothing that is on record differs"
        if self._row.input is None or self._earlier.input is None:
            known = "Its inputs cannot be compared, and nothing else on record differs"
        place, old = self._place, self._old_place
        if place is not None and old is not None and self._row.state == "Success" and not is_made_up(place):
            if place == old:
                return (
                    f"{known}: both runs wrote to {place}. If that is the task's target, it was missing or damaged when this "
                    "run looked; a location that is no target is written anew by every run."
                )
            if not is_made_up(old):
                return f"{known} but the place of its result: {place}, and before {old}."
        if self._row.state not in ("Success", "Cached"):
            return f"{known}, and no value stood for it."
        if self._row.state == "Cached" and self._origins.entry(self._row) is None:
            return f"{known}, and what it computes is not offered to later runs by its cache."
        return (
            f"{known}: it has neither a target nor a cache whose value could have stood for it, so it runs every time."
        )

    def _cached(self) -> str | None:
        """Return what became of the entry of the cache that the earlier value has, if it has one."""
        from resultant.cli.verification import verdict_of
        from resultant.reading.run import RecordedRun
        from resultant.reading.task import RecordedTask

        origin = self._origin
        if origin is None:
            if self._earlier.state != "Cached" or self._row.state != "Cached":
                return None
            if self._old_place is None:
                return "Same code and inputs, but which entry of the cache the earlier run found is not on record."
            return (
                "Same code and inputs, but the run that computed the earlier value is no longer on record, nor is its entry "
                "in the cache."
            )
        entry = self._origins.entry(origin)
        if entry is None:
            return None
        mine = self._origins.entry(self._row)
        if mine is not None and mine.key != entry.key:
            return "Same code and inputs, but it looks in the cache under another key than the earlier run."
        if entry.expires is not None and entry.expires <= self._row.started:
            return f"Same code and inputs, but the cached value had expired ({output.local(entry.expires)})."
        run = RecordedRun(self._run.db, self._run.db.flow_run(origin.run), like=self._run)
        verdict, reason, _ = verdict_of(RecordedTask(run, origin))
        if verdict not in ("ok", "superseded"):
            return f"Same code and inputs, but the earlier result cannot be used: {reason}"
        if mine is None:
            return None
        changed = changed_parameters(self._run.row, self._other)
        # What this run wrote to the same place says nothing of what was there before.
        lost = self._place is not None and self._place == self._run.places.full(origin)
        missing = ", or the value was missing, damaged or overwritten when the run looked" if lost else ""
        return (
            f"Same code and inputs, but the task's cache validator did not accept the earlier value{changed}{missing}."
        )


def changed_inputs(mine: CacheEntry, yours: CacheEntry) -> list[str]:
    """Return the names of inputs that differ between two entries of the cache."""
    one, other = json.loads(mine.inputs or "{}"), json.loads(yours.inputs or "{}")
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
