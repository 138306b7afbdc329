"""SPEC 2.1, 2.2: Result and NoResult, used directly."""

import cloudpickle
from prefect.engine.result import NoResult, NoResultType, Result
from prefect.engine.result.base import ResultNotImplementedError
from prefect.engine.results import LocalResult
from prefect.engine.serializers import JSONSerializer, PickleSerializer


def attributes(record):
    result = Result(3, location="a/{b}.txt")
    record("value", result.value)
    record("location", result.location)
    record("serializer", type(result.serializer))
    record("fresh serializers", Result().serializer is Result().serializer)
    record("callable location", Result(location=lambda **kw: "x").location)
    record("empty", Result())
    record("kept serializer", type(Result(serializer=JSONSerializer()).serializer))


def not_implemented(record):
    for call in (lambda r: r.read("x"), lambda r: r.write(1), lambda r: r.exists("x")):
        with record.error("own", ResultNotImplementedError):
            call(Result())
        with record.error("builtin", NotImplementedError):
            call(Result())


def copies(record):
    inner = [1]
    result = Result(inner, location="x")
    again = result.copy()
    record("shallow", again.value is inner)
    record("other object", again is not result)
    other = result.from_value(5)
    record("from_value", other)
    record("original", result)


def format_keeps_the_original(record):
    result = Result(1, location="{a}-{b}.txt")
    record("formatted", result.format(a=1, b="x"))
    record("original", result)
    with record.error("missing", KeyError):
        result.format(a=1)


def format_callable(record):
    seen = {}

    def place(**kwargs):
        seen.update(kwargs)
        return "{not_formatted}"

    result = Result(location=place)
    record("formatted", result.format(a=1, value=2))
    record("again", result.format(a=3).location)
    record("kwargs", seen)
    record("original", result.location)


def format_date_and_attributes(record):
    import datetime

    result = Result(location="{date:%A}/{config.backend}")
    config = type("Config", (), {"backend": "here"})()
    record("formatted", result.format(date=datetime.datetime(2020, 2, 24), config=config).location)


def format_default(record):
    result = Result()
    record("formatted", result.format().location)
    record("new each time", result.default_location != result.default_location)
    record("original", result.location)


def representation(record):
    record("repr", [repr(Result(2)), repr(Result(None)), repr(Result("x")), repr(LocalResult(dir=".")), repr(NoResult)])


def equality(record):
    record("value", Result(1) == Result(1))
    record("other value", Result(1) == Result(2))
    record("location", Result(1, location="a") == Result(1, location="b"))
    record("serializer", Result(1, serializer=PickleSerializer()) == Result(1, serializer=JSONSerializer()))
    record("class", Result(1) == LocalResult(value=1))
    record("callables", Result(1, location=lambda **kw: "a") == Result(1, location=lambda **kw: "b"))
    record("other type", Result(1) == 1)


def pickled_result(record):
    result = Result([1], location=lambda **kw: "from {a}".format(**kw))
    again = cloudpickle.loads(cloudpickle.dumps(result))
    record("equal", again == result)
    record("formatted", again.format(a=1).location)


def no_result(record):
    record("class", type(NoResult))
    record("is a result", isinstance(NoResult, Result))
    record("equal", NoResultType() == NoResultType())
    record("not a result of None", NoResultType() == Result())
    record("truth", bool(NoResult))
    again = cloudpickle.loads(cloudpickle.dumps(NoResult))
    record("pickled", [again == NoResult, again.value])


def own_class(record):
    kept = {}

    class Memory(Result):
        def read(self, location):
            new = self.copy()
            new.location = location
            new.value = kept[location]
            return new

        def write(self, value_, **kwargs):
            new = self.format(**kwargs)
            new.value = value_
            kept[new.location] = value_
            return new

        def exists(self, location, **kwargs):
            return location.format(**kwargs) in kept

    memory = Memory(location="{name}-{value}")
    written = memory.write(7, name="a", value=1)
    record("written", written)
    record("untouched", memory)
    record("read", memory.read(written.location))
    record("exists", [memory.exists("{name}-1", name="a"), memory.exists("no")])
