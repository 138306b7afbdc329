"""The base class, own subclasses, and the way from a record's description back to a serializer."""

import json
import subprocess
import sys

import pytest

from resultant.engine import serializers
from resultant.engine.serializers import (
    CompressedSerializer,
    DateTimeSerializer,
    JSONSerializer,
    MappedSerializer,
    PandasSerializer,
    PickleSerializer,
    Serializer,
    from_description,
)
from resultant.errors import SerializationError, UnreadableResultError
from resultant.testing.serializers import TestSource


class Sink:
    def __init__(self):
        self.data = b""

    def write(self, data):
        self.data += bytes(data)


def test_the_base_does_nothing():
    for call in (lambda: Serializer().serialize(1), lambda: Serializer().deserialize(b"")):
        with pytest.raises(NotImplementedError, match="Serializer has no"):
            call()


def test_equality_is_that_of_the_classes():
    assert Serializer() == Serializer()
    assert PickleSerializer() == PickleSerializer()
    assert PickleSerializer() != JSONSerializer()

    class Own(PickleSerializer):
        pass

    assert Own() != PickleSerializer()
    assert Own() == Own()
    assert {PickleSerializer(), PickleSerializer()} == {PickleSerializer()}
    assert MappedSerializer() != MappedSerializer(writeable=False)


def test_the_template_of_the_documentation():
    class MySerializer(Serializer):
        def serialize(self, value):
            return str(value).encode()

        def deserialize(self, value):
            return int(value.decode())

    sink = Sink()
    MySerializer().dump(3, sink)
    assert sink.data == b"3"
    assert MySerializer().load(TestSource(b"3")) == 3
    assert MySerializer().describe() is None


@pytest.mark.parametrize("base", [PickleSerializer, MappedSerializer, JSONSerializer])
def test_what_a_subclass_overrides_is_never_bypassed(base):
    class Own(base):
        def serialize(self, value):
            return b"own" + super().serialize(value)

        def deserialize(self, value):
            return super().deserialize(value[3:])

    sink = Sink()
    Own().dump([1, 2], sink)
    assert sink.data.startswith(b"own")
    for source in (TestSource(sink.data), TestSource(sink.data, size=1 << 40, mapped=True)):
        assert Own().load(source) == [1, 2]

    class Grandchild(Own):
        pass

    sink = Sink()
    Grandchild().dump([1, 2], sink)
    assert sink.data.startswith(b"own")


def test_a_subclass_may_stream_on_its_own():
    class Own(PickleSerializer):
        def serialize(self, value):
            return b"not this"

        def dump(self, value, sink):
            sink.write(b"this")

    sink = Sink()
    Own().dump(1, sink)
    assert sink.data == b"this"


@pytest.mark.parametrize(("returned", "hint"), [("text", r"return text\.encode\(\)"), (None, "NoneType"), (3, "int")])
def test_something_else_than_bytes_is_refused(returned, hint):
    class Own(Serializer):
        def serialize(self, value):
            return returned

    with pytest.raises(SerializationError, match=rf"Own\.serialize returned .*{hint}"):
        Own().dump(1, Sink())


@pytest.mark.parametrize("returned", [b"x", bytearray(b"x"), memoryview(b"x")])
def test_any_kind_of_bytes_is_taken(returned):
    class Own(Serializer):
        def serialize(self, value):
            return returned

    sink = Sink()
    Own().dump(1, sink)
    assert sink.data == b"x"


# --- names


@pytest.mark.parametrize(
    ("serializer", "description"),
    [
        (PickleSerializer(), {"name": "pickle", "options": {}}),
        (JSONSerializer(), {"name": "json", "options": {}}),
        (DateTimeSerializer(), {"name": "datetime", "options": {}}),
        (MappedSerializer(writeable=False), {"name": "mapped", "options": {"writeable": False}}),
        (
            PandasSerializer("csv", {"index_col": 0}),
            {"name": "pandas", "options": {"file_type": "csv", "deserialize_kwargs": {"index_col": 0}, "serialize_kwargs": {}}},
        ),
        (
            CompressedSerializer(JSONSerializer(), format="zlib", compress_kwargs={"level": 1}),
            {
                "name": "compressed",
                "options": {
                    "serializer": {"name": "json", "options": {}},
                    "format": "zlib",
                    "compress_kwargs": {"level": 1},
                    "decompress_kwargs": {},
                },
            },
        ),
    ],
)  # fmt: skip
def test_descriptions_are_stable(serializer, description):
    assert serializer.describe() == description
    assert from_description(json.loads(json.dumps(description))) == serializer


def test_what_cannot_be_told_in_json_is_not_described():
    assert PandasSerializer("csv", {"converters": {"a": len}}).describe() is None
    assert PandasSerializer("csv", {"index_col": (0, 1)}).describe() is None

    class Own(JSONSerializer):
        pass

    assert Own().describe() is None
    assert CompressedSerializer(Own(), format="zlib").describe() is None
    assert CompressedSerializer(CompressedSerializer(Own(), format="zlib"), format="zlib").describe() is None


class Named(Serializer):
    name = "tests-named"

    def __init__(self, digits=2):
        self.digits = digits

    def serialize(self, value):
        return f"{value:.{self.digits}f}".encode()

    def deserialize(self, value):
        return float(value)

    def options(self):
        return {"digits": self.digits}


def test_a_class_that_is_handed_over_is_found_by_its_name():
    description = CompressedSerializer(Named(3), format="gzip").describe()
    found = from_description(description, types=[Named])
    assert found.serializer.digits == 3
    with pytest.raises(UnreadableResultError, match=r"'tests-named'.*resultant\.serializers"):
        from_description(description)


def test_a_class_of_an_installed_package_is_found_by_its_entry_point(tmp_path):
    info = tmp_path / "others-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[resultant.serializers]\nothers = others:Own\n")
    (tmp_path / "others.py").write_text(
        "from resultant.engine.serializers import JSONSerializer\nclass Own(JSONSerializer):\n    name = 'others'\n"
    )
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from resultant.engine.serializers import from_description\n"
        "found = from_description({'name': 'others', 'options': {}})\n"
        "print(type(found).__name__, found.describe())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "Own {'name': 'others', 'options': {}}\n"


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"name": "nobody", "options": {}}, "'nobody'"),
        ({"name": None}, "None"),
        ({}, "None"),
        ({"name": "os.system", "options": {}}, r"'os\.system'"),
        ({"name": "pickle", "options": {"x": 1}}, "cannot be made from options"),
        ({"name": "compressed", "options": {"format": "os", "serializer": {"name": "json"}}}, "'os'"),
        ({"name": "compressed", "options": {"format": "zlib", "serializer": {"name": "nobody"}}}, "'nobody'"),
        ({"name": "compressed", "options": {"format": "zlib"}}, "cannot be made"),
    ],
)
def test_descriptions_that_lead_nowhere(description, message):
    with pytest.raises(UnreadableResultError, match=message):
        from_description(description)


def test_a_record_cannot_choose_what_is_imported(tmp_path, monkeypatch):
    (tmp_path / "evil.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    for description in (
        {"name": "evil", "options": {}},
        {"name": "evil.Serializer", "options": {}},
        {"name": "compressed", "options": {"format": "evil", "serializer": {"name": "json", "options": {}}}},
    ):
        with pytest.raises(UnreadableResultError):
            from_description(description)
    assert "evil" not in sys.modules


def test_names_of_this_library_cannot_be_taken():
    with pytest.raises(TypeError, match="cannot be named 'pickle'"):

        class Mine(Serializer):
            name = "pickle"


def test_the_package_exports_what_it_says():
    assert set(serializers.__all__) <= set(dir(serializers))
    for name in serializers.__all__:
        assert getattr(serializers, name) is not None
    with pytest.raises(AttributeError, match="Nope"):
        serializers.Nope


def test_nothing_heavy_is_imported():
    code = (
        "import sys; before = set(sys.modules)\n"
        "from resultant.engine.serializers import PickleSerializer\n"
        "PickleSerializer().serialize(3)\n"
        "print(*sorted({'cloudpickle', 'numpy', 'pandas', 'json', 'logging', 'inspect', 'typing', 'dataclasses', 're', 'msgspec',"
        " 'uuid', 'asyncio', 'resultant.settings'} & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
