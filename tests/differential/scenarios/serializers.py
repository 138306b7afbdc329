"""SPEC 3: serializers."""

import base64
import datetime

import cloudpickle
import pandas
from prefect.engine.serializers import (
    CompressedSerializer,
    DateTimeSerializer,
    JSONSerializer,
    PandasSerializer,
    PickleSerializer,
    Serializer,
)


def base_class(record):
    with record.error("serialize", NotImplementedError):
        Serializer().serialize(1)
    with record.error("deserialize", NotImplementedError):
        Serializer().deserialize(b"1")


def equality(record):
    class Own(Serializer):
        pass

    record("same", Own() == Own())
    record("other", Own() == PickleSerializer())
    record("json", JSONSerializer() == JSONSerializer())


def pickle(record):
    serializer = PickleSerializer()
    for value in (None, 1, [1, 2], {"a": int}, (1, 2), {3}):
        data = serializer.serialize(value)
        record("plain cloudpickle", data == cloudpickle.dumps(value))
        record("value", serializer.deserialize(data))
    record("lambda", serializer.deserialize(serializer.serialize(lambda x: x + 1))(2))


def pickle_old_data(record):
    serializer = PickleSerializer()
    record("value", serializer.deserialize(base64.b64encode(cloudpickle.dumps([1]))))
    with record.error("garbage", Exception):
        serializer.deserialize(b"abc")


def json_values(record):
    serializer = JSONSerializer()
    for value in (None, 1, 1.5, "x", [1, None], {"a": {"b": True}}, "\u00e9"):
        data = serializer.serialize(value)
        record("bytes", data)
        record("value", serializer.deserialize(data))
    with record.error("object", TypeError):
        serializer.serialize(object())


def json_lossy(record):
    serializer = JSONSerializer()
    for value in ((1, 2), {1: "x"}, {"a": float("nan")}):
        try:
            record("bytes", serializer.serialize(value))
        except Exception as error:
            record("bytes", type(error))


def dates(record):
    serializer = DateTimeSerializer()
    moment = datetime.datetime(2020, 2, 23, 18, 38, 40, 381223, tzinfo=datetime.UTC)
    data = serializer.serialize(moment)
    record("text", data.decode()[:19])
    record("equal", serializer.deserialize(data) == moment)
    record("class", type(serializer.deserialize(data)).__name__)


def pandas_files(record):
    frame = pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    for kind in ("csv", "json", "pickle"):
        write = {"index": False} if kind == "csv" else {}
        serializer = PandasSerializer(kind, serialize_kwargs=write)
        data = serializer.serialize(frame)
        record("kind", [kind, isinstance(data, bytes), serializer.deserialize(data).to_dict("list")])


def pandas_options(record):
    with record.error("unknown", ValueError):
        PandasSerializer("nothing")
    record("equal", PandasSerializer("csv") == PandasSerializer("csv"))
    record("other type", PandasSerializer("csv") == PandasSerializer("json"))
    record("other kwargs", PandasSerializer("csv") == PandasSerializer("csv", serialize_kwargs={"index": False}))


def compressed(record):
    for name in ("bz2", "gzip", "lzma", "zlib"):
        serializer = CompressedSerializer(PickleSerializer(), format=name)
        record("round trip", serializer.deserialize(serializer.serialize(["abc"] * 3)))
    own = CompressedSerializer(
        JSONSerializer(),
        compress=lambda data, mark: mark + data,
        decompress=lambda data, length: data[length:],
        compress_kwargs={"mark": b"##"},
        decompress_kwargs={"length": 2},
    )
    data = own.serialize([1])
    record("own", data)
    record("own back", own.deserialize(data))


def compressed_equality(record):
    make = CompressedSerializer
    record("same", make(PickleSerializer(), format="bz2") == make(PickleSerializer(), format="bz2"))
    record("format", make(PickleSerializer(), format="bz2") == make(PickleSerializer(), format="zlib"))
    record("inner", make(PickleSerializer(), format="bz2") == make(JSONSerializer(), format="bz2"))
    record(
        "options",
        make(PickleSerializer(), format="zlib", compress_kwargs={"level": 1})
        == make(PickleSerializer(), format="zlib"),
    )


def compressed_errors(record):
    pickles = PickleSerializer()
    with record.error("both", ValueError):
        CompressedSerializer(pickles, format="bz2", compress=lambda b: b, decompress=lambda b: b)
    with record.error("neither", ValueError):
        CompressedSerializer(pickles)
    with record.error("one", ValueError):
        CompressedSerializer(pickles, compress=lambda b: b)
    with record.error("absent", ImportError, "'nothing_of_that_name'"):
        CompressedSerializer(pickles, format="nothing_of_that_name")
    with record.error("no functions", ValueError, "'json' module does not have 'compress' and 'decompress'"):
        CompressedSerializer(pickles, format="json")


def own_serializer(record):
    class Upper(Serializer):
        def serialize(self, value):
            return value.upper().encode()

        def deserialize(self, value):
            return value.decode().lower()

    from prefect.engine.results import LocalResult

    result = LocalResult(dir="store", location="x.txt", serializer=Upper())
    result.write("abc")
    record("read", result.read("x.txt").value)
    record(
        "compressed",
        CompressedSerializer(Upper(), format="zlib").deserialize(
            CompressedSerializer(Upper(), format="zlib").serialize("abc")
        ),
    )
    record.files()
