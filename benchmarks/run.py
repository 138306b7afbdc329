"""All benchmarks, as ratios to floors that are taken in between: ``python benchmarks/run.py [--quick]``.

Machines are noisy: each ratio is taken within one round, and the table shows the median and the range over rounds.
"""

import argparse
import atexit
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import floors  # noqa: E402
import objects  # noqa: E402
import small  # noqa: E402

#: What the project promises; a figure without an entry is for information.
LIMITS = {
    "checkpointed": 1.5,
    "in memory": 0.5,
    "packed storing": 0.3,
    "rerun": 1.5,
    "chain": 2.0,
    "recorded": 1.25,
    "array write": 1.1,
    "array extra memory": 0.1,
    "array read": 1.2,
    "frame write": 1.1,
    "frame extra memory": 0.1,
    "frame read": 1.2,
    "array mapped ms": 10.0,
    "import": 3.5,
    "memory per task, 100,000": 1024.0,
    "object puts, 500 x 1 KB": 1.3,
    "object flow, 500 x 1 KB": 1.3,
    "object array write": 1.2,
    "object array read": 1.2,
    "object array write extra MiB": 64.0,
    "object array read extra MiB": 64.0,
    "resume, mapped": 20.0,
    "resume, separate": 20.0,
    "resume, values read": 20.0,
    "recorded array both": 1.3,
    "100 bytes with a digest": 1.1,
    "resultant --help": 6.0,
}

#: Milliseconds that a command may take over a million task runs, its process included.
COMMAND_LIMIT = 100.0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer tasks, smaller values, fewer rounds")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--json", metavar="FILE", help="write the medians there as well")
    chosen = parser.parse_args()
    # Rows go beside the results that they are about, and not into the home of whoever measures.
    home = tempfile.mkdtemp(prefix="resultant-bench-home-", dir=memory_folder())
    os.environ["RESULTANT__HOME_DIR"] = home
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    floors.use_bytecode(home)
    rounds = chosen.rounds or (2 if chosen.quick else 5)
    count = 2_000 if chosen.quick else 10_000
    mebibytes = 64 if chosen.quick else 1024
    rows = []
    places = [("tmpfs", "/dev/shm"), ("disk", tempfile.gettempdir())]
    for label, parent in places:
        if os.access(parent, os.W_OK):
            rows += small_rows(label, parent, count, rounds)
    rows += each_round("large.py", [str(mebibytes)], rounds, large_name)
    rows += each_round("resume.py", [str(count)], rounds, resume_name)
    rows += record_rows(mebibytes, rounds, chosen.quick)
    rows += objects.rows(mebibytes, rounds)
    rows += import_rows(5 if chosen.quick else 15)
    rows += memory_rows([1_000, 10_000] if chosen.quick else [1_000, 10_000, 100_000])
    show(rows)
    if chosen.json:
        with open(chosen.json, "w") as file:
            json.dump({name: statistics.median(figures) for name, _, figures in rows}, file, indent=1)


def small_rows(label, parent, count, rounds):
    ratios = {}
    floor = []
    for _ in range(rounds):
        folder = tempfile.mkdtemp(dir=parent, prefix="resultant-bench-")
        try:
            found, taken = small.measure(folder, count)
        finally:
            shutil.rmtree(folder)
        floor += [seconds * 1e6 for seconds in taken]
        for name, ratio in found.items():
            ratios.setdefault(name, []).append(ratio)
    rows = [(f"floor on {label}", "us a task", floor)]
    units = {"recorded": "x not recorded"}
    rows += [(f"{name}, {label}", units.get(name, "x floor"), values) for name, values in ratios.items()]
    return rows


def each_round(name, arguments, rounds, named, first=()):
    """Rows of a script that is called once a round, in a process and a folder of its own, and prints JSON.

    A process of its own, because a peak of memory never goes down again.

    Args:
        name: the script.
        arguments: what it is given after the folder.
        rounds: how often.
        named: makes a row's name and unit of a name that the script prints.
        first: what it is given before the folder.
    """
    found = {}
    for _ in range(rounds):
        folder = tempfile.mkdtemp(dir=memory_folder(), prefix="resultant-bench-")
        try:
            out = script(name, *first, folder, *arguments)
        finally:
            shutil.rmtree(folder)
        for figure, value in json.loads(out).items():
            found.setdefault(figure, []).append(value)
    return [(*named(figure), values) for figure, values in found.items()]


def memory_folder():
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()


def large_name(name):
    return name, {"ms": "ms", "memory": "x value"}.get(name.split()[-1], "x raw")


def resume_name(name):
    names = {
        "read": ("resume, values read", "us a finished task beyond the floor"),
        "floor": ("floor of reading", "us a value"),
        "any": ("resume of ten tasks", "ms"),
    }
    return names.get(name, (f"resume, {name}", "us a finished task"))


def record_rows(mebibytes, rounds, quick):
    rows = each_round("records.py", [str(mebibytes)], rounds, lambda name: (name, "x raw"), ["array"])
    rows += each_round("records.py", ["5000"], rounds, lambda name: (name, "x without"), ["small"])
    many = 10_000 if quick else 100_000
    rows += each_round("records.py", [str(many)], 1, lambda name: (name, "bytes a million task runs"), ["growth"])
    many = 100_000 if quick else 1_000_000
    return rows + each_round("records.py", [str(many)], 1, lambda name: (f"{name}, {many:,}", "ms"), ["commands"])


def import_rows(repeat):
    ratios, helps = [], []
    for _ in range(repeat):
        bare = floors.bare_python("pass", sys.executable, 3)
        ratios.append(floors.bare_python("from resultant import Flow, task", sys.executable, 3) / bare)
        helped = "import sys; sys.argv[1:] = ['--help']; from resultant.cli.main import main; main()"
        helps.append(floors.bare_python(helped, sys.executable, 3) / bare)
    return [("import", "x `python -c pass`", ratios), ("resultant --help", "x `python -c pass`", helps)]


def memory_rows(sizes):
    rows = []
    for size in sizes:
        rows.append((f"memory per task, {size:,}", "bytes", [float(script("memory.py", str(size)))]))
        folder = tempfile.mkdtemp(prefix="resultant-bench-", dir=memory_folder())
        try:
            figure = float(script("memory.py", str(size), folder))
        finally:
            shutil.rmtree(folder)
        rows.append((f"memory per checkpointed task, {size:,}", "bytes", [figure]))
    return rows


def script(name, *arguments):
    out = subprocess.run(
        [sys.executable, os.path.join(HERE, name), *arguments], check=True, capture_output=True, text=True
    )
    return out.stdout


def limit_of(name, unit):
    if name.startswith("resultant ") and unit == "ms":
        return COMMAND_LIMIT
    return LIMITS.get(name) or LIMITS.get(name.rpartition(", ")[0])


def show(rows):
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Medians over the rounds; a ratio is taken within one round")
    for column, side in (
        ("what", "left"),
        ("median", "right"),
        ("range", "right"),
        ("unit", "left"),
        ("limit", "right"),
    ):
        table.add_column(column, justify=side)
    for name, unit, values in rows:
        limit = limit_of(name, unit)
        median = statistics.median(values)
        mark = "" if limit is None or median <= limit else "[red]"
        table.add_row(
            name,
            f"{mark}{median:.3g}",
            f"{min(values):.3g} to {max(values):.3g}",
            unit,
            "" if limit is None else f"{limit:g}",
        )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
