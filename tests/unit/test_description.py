"""A result's record is enough, in any process, to read its bytes."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from resultant import (
    CompressedSerializer,
    ConstantResult,
    DateTimeSerializer,
    InlineResult,
    JSONSerializer,
    LocalResult,
    MappedSerializer,
    PickleSerializer,
    Result,
    ResultRecord,
)
from resultant.engine.serializers import Serializer
from resultant.errors import UnreadableResultError


@pytest.mark.parametrize(
    ("serializer", "value"),
    [
        (PickleSerializer(), {"a": [1, (2,)]}),
        (JSONSerializer(), {"a": [1, 2.5, None]}),
        (DateTimeSerializer(), datetime(2020, 2, 23, tzinfo=UTC)),
        (CompressedSerializer(PickleSerializer(), format="gzip"), "x" * 1000),
        (MappedSerializer(), b"bytes"),
    ],
)
def test_another_process_reads_a_result_through_its_record_alone(tmp_path, serializer, value):
    written = LocalResult(dir=tmp_path, serializer=serializer).write(value)
    text = written.describe().to_json()
    assert "value" not in json.loads(text)
    code = (
        "import sys; from resultant import Result, ResultRecord\n"
        "record = ResultRecord.from_json(sys.stdin.read())\n"
        "result = Result.from_record(record).read(record.location)\n"
        "print(type(result).__name__, type(result.serializer).__name__, repr(result.value))"
    )
    out = subprocess.run([sys.executable, "-c", code], input=text, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == f"LocalResult {type(serializer).__name__} {value!r}"


def test_size_and_digest_are_those_of_the_file(tmp_path):
    import hashlib

    written = LocalResult(dir=tmp_path).write([1, 2, 3])
    record = written.describe()
    data = Path(written.location).read_bytes()
    assert record.size == len(data)
    assert record.digest == f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_an_inline_result_is_its_own_storage():
    record = InlineResult().write({"a": 1}).describe()
    assert record.location == '{"a": 1}'
    assert Result.from_record(record).read(record.location).value == {"a": 1}


def test_a_result_that_was_never_written_has_no_place():
    record = LocalResult().from_value(3).describe()
    assert (record.location, record.size, record.digest) == (None, None, None)


def test_a_constant_says_that_it_is_one():
    assert ConstantResult(value=3).describe().type == "constant"


class Reversed(Serializer):
    name = "test-reversed"

    def serialize(self, value):
        return value[::-1].encode()

    def deserialize(self, value):
        return value.decode()[::-1]


class Elsewhere(LocalResult):
    record_options = ("dir",)


def test_own_classes_are_found_where_they_are_handed_over(tmp_path):
    record = Elsewhere(dir=tmp_path, serializer=Reversed()).write("abc").describe()
    back = Result.from_record(ResultRecord.from_json(record.to_json()), [Elsewhere, Reversed])
    assert type(back) is Elsewhere
    assert back.read(record.location).value == "abc"


def test_a_class_that_nobody_knows_is_never_imported_from_the_record(tmp_path):
    record = Elsewhere(dir=tmp_path).write(1).describe()
    with pytest.raises(UnreadableResultError, match="Elsewhere"):
        Result.from_record(record)


def test_own_results_keep_nothing_by_default(tmp_path):
    class Mine(Result):
        def __init__(self, password=None, **options):
            self.password = password
            super().__init__(**options)

    record = Mine(password="hunter2", location="x").describe()
    assert "hunter2" not in record.to_json()
