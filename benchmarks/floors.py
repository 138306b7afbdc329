"""What the machine itself needs for the same bytes: every figure is a ratio to one of these, taken in the same run."""

import os
import time

import cloudpickle


def use_bytecode(folder):
    """Let processes that are started from here on find compiled modules, as on a user's machine: the first one leaves them."""
    os.environ["PYTHONPYCACHEPREFIX"] = f"{folder}/bytecode"
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def write_loop(folder, count):
    """Seconds a value for ``cloudpickle.dumps`` + a temporary file + ``os.replace``."""
    start = time.perf_counter()
    for number in range(count):
        data = cloudpickle.dumps(number)
        path = f"{folder}/floor-{number}"
        temporary = path + ".tmp"
        with open(temporary, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    return (time.perf_counter() - start) / count


def read_loop(folder, count):
    """Seconds a value for open + read + loads, over what `write_loop` left."""
    start = time.perf_counter()
    for number in range(count):
        with open(f"{folder}/floor-{number}", "rb") as file:
            cloudpickle.loads(file.read())
    return (time.perf_counter() - start) / count


def raw_write(path, buffer):
    """Seconds to write a buffer to a new file."""
    view = memoryview(buffer).cast("B")
    start = time.perf_counter()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    while view:
        view = view[os.write(descriptor, view) :]
    os.close(descriptor)
    return time.perf_counter() - start


def raw_read(path):
    """Seconds to read a file into memory that the process did not have before."""
    start = time.perf_counter()
    with open(path, "rb", buffering=0) as file:
        data = file.read()
    seconds = time.perf_counter() - start
    del data
    return seconds


def touch(size):
    """Have the machine hand out at least `size` bytes of memory, and give them back.

    A virtual machine gets memory from its host when it is first touched, which takes several times as long as the touch
    itself. Called before each of several measurements, none of them pays for what the others find.
    """
    import mmap

    with mmap.mmap(-1, size * 5 // 4, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        for start in range(0, len(memory), mmap.PAGESIZE):
            memory[start] = 1


def bare_python(code, python, repeat=7):
    """Median seconds of a whole process that runs `code`."""
    import statistics
    import subprocess

    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        subprocess.run([python, "-c", code], check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return statistics.median(times)
