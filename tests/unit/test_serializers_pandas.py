"""PandasSerializer: formats, options, errors."""

import subprocess
import sys

import pandas as pd
import pytest

from resultant.engine.serializers import PandasSerializer
from resultant.errors import CorruptResultError, SerializationError, UnreadableResultError

FRAME = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})


@pytest.mark.parametrize("file_type", ["foo", "latex", "dict", "sql_nope", "clipboard_"])
def test_an_unknown_type_is_refused_at_construction(file_type):
    with pytest.raises(ValueError, match=f"'{file_type}' is no format.*csv"):
        PandasSerializer(file_type)


@pytest.mark.parametrize(
    ("file_type", "write", "read"),
    [
        ("csv", {"index": False}, {}),
        ("csv", {}, {"index_col": 0}),
        ("csv", {"index": False, "sep": ";"}, {"sep": ";"}),
        ("json", {}, {}),
        ("json", {"orient": "split"}, {"orient": "split"}),
        ("pickle", {}, {}),
        ("pickle", {"compression": "gzip"}, {"compression": "gzip"}),
        ("stata", {"write_index": False}, {}),
    ],
)
def test_frames_come_back(file_type, write, read):
    serializer = PandasSerializer(file_type, deserialize_kwargs=read, serialize_kwargs=write)
    found = serializer.deserialize(serializer.serialize(FRAME))
    assert found.astype({"a": "int64"}).equals(FRAME)


def test_bytes_are_those_of_pandas():
    assert PandasSerializer("csv").serialize(FRAME).decode() == FRAME.to_csv()


def test_writers_that_want_text_get_text():
    assert PandasSerializer("html").serialize(FRAME).decode() == FRAME.to_html()


def test_a_wrong_option_is_an_error_of_the_writer():
    with pytest.raises(TypeError, match="nope"):
        PandasSerializer("csv", serialize_kwargs={"nope": 1}).serialize(FRAME)


def test_only_frames_are_taken():
    for value in ([1], None, "a,b"):
        with pytest.raises(SerializationError, match=r"'csv'.*takes a DataFrame"):
            PandasSerializer("csv").serialize(value)


def test_equality_is_over_class_type_and_options():
    assert PandasSerializer("csv") == PandasSerializer("csv")
    assert PandasSerializer("csv") == PandasSerializer("csv", {}, {})
    assert PandasSerializer("csv") != PandasSerializer("json")
    assert PandasSerializer("csv") != PandasSerializer("csv", {"sep": ";"})
    assert PandasSerializer("csv") != PandasSerializer("csv", None, {"sep": ";"})


@pytest.mark.parametrize(
    ("file_type", "data"),
    [
        ("csv", b""),
        ("csv", b"\n"),
        ("json", b""),
        ("json", b'{"a": {"0": 1'),
        ("pickle", b""),
        ("pickle", b"\x80\x05\x95"),
        ("parquet", b""),
    ],
)
def test_damage(file_type, data):
    with pytest.raises(CorruptResultError):
        PandasSerializer(file_type).deserialize(data)


@pytest.mark.parametrize(
    ("serializer", "data"),
    [
        (PandasSerializer("csv", {"usecols": ["nope"]}), b"a,b\n1,2\n"),
        (PandasSerializer("csv", {"nope": 1}), b"a,b\n1,2\n"),
        (PandasSerializer("json"), b"3"),
        (PandasSerializer("pickle"), b"a,b\n1,2\n"),
    ],
)
def test_what_is_whole_but_cannot_be_read(serializer, data):
    with pytest.raises(UnreadableResultError) as caught:
        serializer.deserialize(data)
    assert caught.value.__cause__ is not None


def test_a_format_whose_library_is_missing():
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        with pytest.raises(UnreadableResultError, match="Install"):
            PandasSerializer("parquet").deserialize(b"PAR1PAR1")
        with pytest.raises(ImportError):
            PandasSerializer("parquet").serialize(FRAME)


def test_pandas_is_imported_when_it_is_needed_only():
    code = (
        "import sys\nfrom resultant.engine.serializers import PandasSerializer\n"
        "PandasSerializer('csv')\nprint('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
