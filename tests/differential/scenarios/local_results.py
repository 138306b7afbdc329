"""SPEC 2.3: LocalResult, used directly."""

import os
import pathlib

import cloudpickle
from prefect.engine.results import LocalResult
from prefect.engine.serializers import JSONSerializer


def write_then_read(record):
    result = LocalResult(dir="store", location="sub/{name}.pkl")
    written = result.write([1, "x"], name="a")
    record("written", written)
    record("untouched", result)
    record("read relative", result.read("sub/a.pkl"))
    record("read full", result.read(written.location).value)
    record.files()


def default_place(record):
    result = LocalResult(dir="store")
    written = result.write(3)
    record("location", written.location)
    record("again", result.read(written.location).value)
    record.files()


def home_folder(record):
    import prefect

    result = LocalResult()
    record("dir", str(result.dir) == os.path.join(prefect.config.home_dir, "results"))


def absolute_location_wins(record):
    place = str(record.dir / "elsewhere" / "x.pkl")
    result = LocalResult(dir="store", location=place)
    record("written", result.write(1).location)
    record("exists", result.exists(place))
    record.files()


def directory_kinds(record):
    record("relative", LocalResult(dir="store").dir == os.path.abspath("store"))
    record("path", str(LocalResult(dir=pathlib.Path("store2")).dir) == os.path.abspath("store2"))
    record("unchecked", str(LocalResult(dir="not/there", validate_dir=False).dir))
    record("made", os.path.exists("not"))


def exists_formats_its_keys(record):
    result = LocalResult(dir="store", location="{a}.pkl")
    record("before", result.exists("{a}.pkl", a=1))
    written = result.write(1, a=1)
    record("after", result.exists("{a}.pkl", a=1))
    record("literal", result.exists("1.pkl"))
    record("full", result.exists(written.location))
    record("other", result.exists("2.pkl"))
    with record.error("missing key", KeyError):
        result.exists("{b}.pkl", a=1)


def missing_file(record):
    with record.error("error", FileNotFoundError):
        LocalResult(dir="store").read("nothing.pkl")


def values_of_all_kinds(record):
    result = LocalResult(dir="store")
    for value in (None, 0, "", [], {}, {1: (2, 3)}, int, b"bytes", 1.5, float("inf")):
        record("value", result.read(result.write(value).location).value)


def value_as_key(record):
    result = LocalResult(dir="store", location="{value}-{value_name}.pkl")
    record("written", result.write(1, value=5, value_name="x").location)


def replaces_what_is_there(record):
    result = LocalResult(dir="store", location="x.pkl")
    result.write(1)
    result.write(2)
    record("value", result.read("x.pkl").value)
    record.files()


def serializer_of_choice(record):
    result = LocalResult(dir="store", location="x.json", serializer=JSONSerializer())
    result.write({"a": [1, 2]})
    record("read", result.read("x.json").value)
    record("text", pathlib.Path("store/x.json").read_text())


def pickle_bytes(record):
    result = LocalResult(dir="store", location="x")
    result.write(3)
    record("bytes", pathlib.Path("store/x").read_bytes() == cloudpickle.dumps(3))


def pickled_local_result(record):
    result = LocalResult(dir="store", location=lambda **kw: "x-{a}".format(**kw))
    again = cloudpickle.loads(cloudpickle.dumps(result))
    record("equal", again == result)
    record("works", again.write(1, a=2).location)


def callable_location(record):
    def place(task_name, **kwargs):
        return f"by/{task_name}.pkl"

    result = LocalResult(dir="store", location=place)
    record("location", result.location)
    record("written", result.write(1, task_name="me", other=2).location)
    record.files()
