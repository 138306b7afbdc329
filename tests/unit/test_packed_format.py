"""Segments: frames that describe themselves, places of single results, and what is left when a writer dies."""

from __future__ import annotations

import errno
import gc
import os
import pickle
import struct
import subprocess
import sys
import textwrap
import threading
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resultant.engine import location as location_module
from resultant.engine.location import check_returned, compile_template
from resultant.engine.results import LocalResult
from resultant.errors import CorruptResultError, LocationError, MissingResultError, StorageFullError, StoreError
from resultant.stores import FileStore, MemoryStore
from resultant.stores.base import LONGEST, MARK
from resultant.stores.framing import HEADER, TASK, VALUE, Framer, frames, tasks_of, unframed
from resultant.stores.packed import is_inside, is_segment, new_name, packed_source, split_place
from resultant.stores.segments import SegmentFile, segment_file

Item = tuple[str, int, bytes]

ITEMS: st.SearchStrategy[list[Item]] = st.lists(
    st.tuples(
        st.sampled_from(["a", "b-1", "naïve/…", '"quoted"', "\udcff", "x" * 300]),
        st.integers(-1, 2**31 - 1),
        st.binary(max_size=200) | st.just(b"\x93RSV" * 20),
    ),
    max_size=20,
)


def segment_of(items: list[Item], closed: bool = False) -> tuple[bytes, list[tuple[int, int]]]:
    framer = Framer("run-1")
    data = b""
    places = []
    for slug, index, payload in items:
        frame, offset = framer.value(slug, index, payload, 1.5)
        data += frame
        places.append((offset, len(payload)))
    return data + (framer.index(2.5) if closed else b""), places


def reader(data: bytes) -> Any:
    return lambda offset, length: data[offset : offset + length]


# Frames


@given(ITEMS, st.booleans())
def test_every_result_is_found_again_by_its_place_alone(items: list[Item], closed: bool) -> None:
    data, places = segment_of(items, closed)

    for (_, _, payload), (offset, length) in zip(items, places, strict=True):
        assert unframed("key", length, data[offset : offset + HEADER + length]) == payload


@given(ITEMS, st.booleans())
def test_a_segment_lists_what_is_in_it_with_its_index_and_without(items: list[Item], closed: bool) -> None:
    data, places = segment_of(items, closed)

    found = list(frames(len(data), reader(data)))
    names = tasks_of(len(data), reader(data))

    values = [frame for frame in found if frame.kind == VALUE]
    assert [(frame.offset, frame.length) for frame in values] == places
    assert [(names[frame.task][1], frame.index) for frame in values] == [item[:2] for item in items]
    assert {run for run, _ in names} <= {"run-1"}
    assert [frame.kind for frame in found if frame.kind != VALUE] == [TASK] * len({slug for slug, _, _ in items})


@settings(max_examples=25)
@given(ITEMS, st.booleans())
def test_a_segment_cut_at_any_byte_gives_what_was_whole(items: list[Item], closed: bool) -> None:
    data, places = segment_of(items, closed)
    for cut in range(0, len(data), max(1, len(data) // 97)):
        torn = data[:cut]

        found = [(frame.offset, frame.length) for frame in frames(cut, reader(torn)) if frame.kind == VALUE]

        assert found == [(offset, length) for offset, length in places if offset + HEADER + length <= cut]
        for offset, length in places[len(found) :]:
            with pytest.raises(CorruptResultError):
                unframed("key", length, torn[offset : offset + HEADER + length])


def test_a_small_segment_cut_at_every_single_byte() -> None:
    data, places = segment_of([("a", 0, b"one"), ("a", 1, b""), ("b", 0, b"three")], closed=True)
    for cut in range(len(data)):
        found = [(frame.offset, frame.length) for frame in frames(cut, reader(data[:cut])) if frame.kind == VALUE]
        assert found == [(offset, length) for offset, length in places if offset + HEADER + length <= cut]


def test_a_flipped_bit_anywhere_in_a_result_is_noticed_without_a_record() -> None:
    data, ((offset, length),) = segment_of([("a", 7, b"some bytes")])
    whole = data[offset : offset + HEADER + length]
    for position in range(len(whole) * 8):
        damaged = bytearray(whole)
        damaged[position // 8] ^= 1 << position % 8
        with pytest.raises(CorruptResultError):
            unframed("key", length, bytes(damaged))


@pytest.mark.parametrize("end", [b"", b"\x00" * 8, b"\xff" * 200, b"\x93RS", b"\x93RSV\xff\xff\xff\xff" + b"\x00" * 40])
def test_what_is_torn_at_the_end_is_left_out(end: bytes) -> None:
    data, places = segment_of([("a", 0, b"one"), ("a", 1, b"two")])
    data += end

    found = [(frame.offset, frame.length) for frame in frames(len(data), reader(data)) if frame.kind == VALUE]

    assert found == places


def test_a_value_that_looks_like_the_end_of_a_closed_segment_deceives_nobody() -> None:
    inner, _ = segment_of([("evil", 0, b"x" * 10)], closed=True)
    data, places = segment_of([("a", 0, b"first"), ("a", 1, inner)])

    found = [(frame.offset, frame.length) for frame in frames(len(data), reader(data)) if frame.kind == VALUE]

    assert found == places
    assert tasks_of(len(data), reader(data)) == [("run-1", "a")]


def test_the_format_stays_as_it_is_described() -> None:
    """Segments outlive releases: whoever changes this needs another magic."""
    framer = Framer("r")
    data = framer.value("t", 3, b"payload", 1.0)[0]

    assert framer.end == len(data)
    assert data.hex() == (
        "93525354" "19000000" "00000000" "ffffffff" "000000000000f03f" "106e25e5"
        + b'{"run": "r", "task": "t"}'.hex()
        + "93525356" "07000000" "00000000" "03000000" "000000000000f03f" "63d2b6d8" + b"payload".hex()
    )  # fmt: skip


# Places


@pytest.mark.parametrize("folder", ["", "/tmp/", "s3://bucket/pre fix/", "http://127.0.0.1:9000/b/", "/a\nb/é/{x}/#/"])
def test_places_are_taken_apart_whatever_the_folder(folder: str) -> None:
    segment = folder + new_name()
    place = split_place(f"{segment}/12+345")

    assert place is not None
    assert (place.segment, place.offset, place.length) == (segment, 12, 345)
    assert is_segment(segment)
    assert is_inside(segment)
    assert is_inside(f"{segment}/12+345")


@pytest.mark.parametrize(
    "key",
    [
        "{}", "{}/", "{}/1", "{}/1+", "{}/+1", "{}/1+1/", "{}/1+1/2+2", "{}/01+1", "{}/1+01", "{}/-1+1", "{}/1+-1", "{}/1 +1",
        "{}/1+1\n", "{}x/1+1", "x{}/1+1", "{}//1+1", "{}/./1+1", "{}/1+9999999999", "{}/99999999999999999999+1", "{}/①+1",
        "resultant-packed-2026/1+1", "resultant-result-2026-11-22t13-26-17-123456-00-00-0123456789ab000001/1+1", "1+1", "",
    ],
)  # fmt: skip
def test_nothing_else_is_such_a_place(key: str) -> None:
    assert split_place(key.format(new_name())) is None


def test_names_of_segments_never_repeat() -> None:
    assert len({new_name() for _ in range(1000)}) == 1000


@pytest.mark.parametrize("text", ["{seg}", "{seg}/12+3", "a/{seg}/12+3", "{seg}/other", "{seg}//1+1", "/abs/{seg}"])
def test_no_template_leads_into_a_segment(text: str, tmp_path: Path) -> None:
    name = new_name()

    with pytest.raises(LocationError, match="segment of packed results"):
        compile_template(text).render({"seg": name}.__getitem__)
    with pytest.raises(LocationError, match="segment of packed results"):
        compile_template(text.replace("{seg}", name)).render({}.__getitem__)
    with pytest.raises(LocationError, match="segment of packed results"):
        check_returned(text.format(seg=name), "The callable", False)
    with pytest.raises(LocationError, match="segment of packed results"):
        LocalResult(dir=tmp_path, location=text).write(1, seg=name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["resultant-packed-", "resultant-packed-mine", "my-resultant-packed-2026", "1+2"])
def test_names_that_only_resemble_one_are_free(name: str, tmp_path: Path) -> None:
    assert location_module.PACKED == MARK
    assert compile_template("{name}/3+4").render({"name": name}.__getitem__) == f"{name}/3+4"
    written = LocalResult(dir=tmp_path, location="{name}/3+4").write(5, name=name)
    assert LocalResult(dir=tmp_path).read(str(written.location)).value == 5


def test_a_place_that_asks_for_too_much_is_none(tmp_path: Path) -> None:
    """A read of whatever length somebody wrote into a row would take as much memory."""
    assert split_place(f"{new_name()}/0+{LONGEST}") is not None
    assert split_place(f"{new_name()}/0+{LONGEST + 1}") is None


def test_other_keys_are_none_of_its_business() -> None:
    assert packed_source("a/b", MemoryStore().read_range) is None


# Files


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(str(tmp_path / "results"))


def only_file(store: FileStore) -> Path:
    (path,) = Path(store.root).iterdir()
    return path


def test_nothing_is_made_before_the_first_result(store: FileStore) -> None:
    SegmentFile(store, "run").close()

    assert not Path(store.root).exists()


def test_what_was_appended_is_there_at_once_for_any_process(store: FileStore) -> None:
    segment = SegmentFile(store, "run")
    places = [segment.append("task", index, b"%d" % index) for index in range(50)]

    assert [store.get(place) for place in places] == [b"%d" % index for index in range(50)]
    assert LocalResult(dir=store.root).exists(places[3])
    assert not LocalResult(dir=store.root).exists(places[-1] + "9")
    data = only_file(store).read_bytes()
    assert tasks_of(len(data), reader(data)) == [("run", "task")]
    segment.close()
    assert [store.get(place) for place in places] == [b"%d" % index for index in range(50)]
    assert len(only_file(store).read_bytes()) > len(data)


def test_after_a_close_another_segment_begins(store: FileStore) -> None:
    segment = SegmentFile(store, "run")
    first = segment.append("task", 0, b"1")
    segment.close()
    second = segment.append("task", 1, b"2")
    segment.close()
    segment.close()

    assert first.rpartition("/")[0] != second.rpartition("/")[0]
    assert (store.get(first), store.get(second)) == (b"1", b"2")


def test_a_full_segment_is_closed(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resultant.stores.segments.FULL", 1000)
    segment = SegmentFile(store, "run")
    places = [segment.append("task", index, bytes(300)) for index in range(10)]

    assert len({place.rpartition("/")[0] for place in places}) == 4
    assert all(store.get(place) == bytes(300) for place in places)


def test_threads_share_a_segment(store: FileStore) -> None:
    segment = SegmentFile(store, "run")
    found: dict[str, bytes] = {}

    def write(number: int) -> None:
        for index in range(200):
            data = b"%d-%d" % (number, index) * (1 + index % 7)
            found[segment.append(f"task-{number}", index, data)] = data

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    segment.close()

    assert len(found) == 800
    assert all(store.get(place) == data for place, data in found.items())
    data = only_file(store).read_bytes()
    assert sum(frame.kind == VALUE for frame in frames(len(data), reader(data))) == 800


def test_a_forked_process_appends_to_a_segment_of_its_own(tmp_path: Path) -> None:
    script = """
        import os, sys
        from resultant.stores import FileStore
        from resultant.stores.segments import segment_file

        store = FileStore(sys.argv[1])
        segment = segment_file(store, "run")
        first = segment.append("task", 0, b"before")
        child = os.fork()
        me = "parent" if child else "child"
        mine = [segment.append("task", number, f"{me}-{number}".encode()) for number in range(100)]
        assert [store.get(place) for place in mine] == [f"{me}-{number}".encode() for number in range(100)]
        assert store.get(first) == b"before"
        segment.close()
        if child:
            assert os.waitpid(child, 0)[1] == 0
            assert store.get(first) == b"before"
            assert [store.get(place) for place in mine] == [f"{me}-{number}".encode() for number in range(100)]
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("taken_back", [True, False])
@pytest.mark.parametrize("before", [0, 3])
def test_a_disk_that_is_full_in_the_middle_costs_only_that_result(
    store: FileStore, monkeypatch: pytest.MonkeyPatch, before: int, taken_back: bool
) -> None:
    segment = SegmentFile(store, "run")
    places = [segment.append("task", index, b"fine") for index in range(before)]
    real, truncate, unlink = os.pwrite, os.ftruncate, os.unlink
    calls: list[int] = []

    def full(descriptor: int, data: bytes, offset: int) -> int:
        calls.append(1)
        if len(calls) == 1:
            return real(descriptor, data[:20], offset)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fails(*_: Any) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "pwrite", full)
    if not taken_back:
        monkeypatch.setattr(os, "ftruncate", fails)
        monkeypatch.setattr(os, "unlink", fails)
    with pytest.raises(StorageFullError, match="free some space"):
        segment.append("task", 98, b"too much")
    monkeypatch.setattr(os, "pwrite", real)
    monkeypatch.setattr(os, "ftruncate", truncate)
    monkeypatch.setattr(os, "unlink", unlink)
    later = segment.append("task", 99, b"fine again")
    segment.close()

    assert store.get(later) == b"fine again"
    assert all(store.get(place) == b"fine" for place in places)
    found = sorted(Path(store.root).iterdir())
    assert len(found) == (1 if taken_back and not before else 2)
    for path in found:
        data = path.read_bytes()
        kinds = [frame for frame in frames(len(data), reader(data)) if frame.kind == VALUE]
        assert {frame.index for frame in kinds} in ({99}, set(range(before)))


def test_a_run_has_one_segment_in_a_folder(store: FileStore) -> None:
    one, other = segment_file(store, "run"), segment_file(store, "run")

    assert one is other
    assert segment_file(store, "another") is not one
    assert segment_file(FileStore(f"{store.root}/below"), "run") is not one


def test_a_segment_that_nobody_uses_any_more_is_closed(store: FileStore) -> None:
    before = len(os.listdir("/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"))
    place = segment_file(store, "run").append("task", 0, b"x")
    gc.collect()

    assert len(os.listdir("/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd")) == before
    data = only_file(store).read_bytes()
    assert data[-8:] == (data.rindex(b"\x93RSX")).to_bytes(8, "little")
    assert store.get(place) == b"x"


def test_a_process_that_ends_closes_its_segments(tmp_path: Path) -> None:
    script = """
        import sys
        from resultant.stores import FileStore
        from resultant.stores.segments import segment_file

        segment = segment_file(FileStore(sys.argv[1]), "run")
        segment.append("task", 0, b"x")
        globals()["kept"] = segment
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    (path,) = tmp_path.iterdir()
    assert b"\x93RSX" in path.read_bytes()


@pytest.mark.parametrize("payload", [b"{", b"[]", b'{"run": 1}', b'"x"', b"[" * 100_000, b"\xff"])
def test_names_of_tasks_that_somebody_else_wrote_are_none(payload: bytes) -> None:
    prefix = struct.pack("<3sBIIid", b"\x93RS", TASK, len(payload), 0, -1, 1.0)
    data = prefix + struct.pack("<I", zlib.crc32(payload, zlib.crc32(prefix))) + payload

    assert [frame.kind for frame in frames(len(data), reader(data))] == [TASK]
    assert tasks_of(len(data), reader(data)) == []


@pytest.mark.parametrize("size", [0, 5, 27, 28, 60])
def test_a_file_that_shrinks_while_it_is_read_is_no_error(size: int) -> None:
    data, _ = segment_of([("a", 0, b"one"), ("a", 1, b"two")], closed=True)

    assert list(frames(len(data), reader(data[:size]))) is not None
    assert tasks_of(len(data), reader(data[:size])) is not None


def test_a_folder_that_may_not_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(StoreError):
        SegmentFile(FileStore(str(tmp_path / "file" / "folder")), "run").append("task", 0, b"x")


def test_a_segment_that_syncs_reports_what_the_disk_did_not_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    segment = SegmentFile(FileStore(str(tmp_path), sync=True), "run")
    segment.append("task", 0, b"x")
    segment.sync()
    segment.append("task", 1, b"y")
    monkeypatch.setattr(os, "fdatasync", fails, raising=False)
    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(StoreError):
        segment.sync()
    # Whoever waited for the flush that the end of a segment did hears of it as well.
    segment.close()
    with pytest.raises(StoreError):
        segment.sync()


def test_descriptors_are_given_back(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def count() -> int:
        return len(os.listdir("/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"))

    before = count()
    segment = SegmentFile(store, "run")
    places = [segment.append("task", index, b"x") for index in range(5)]
    segment.sync()
    for place in places:
        store.get(place)
        store.stat(place)
        store.has(place)
    with pytest.raises(MissingResultError):
        store.get(f"{new_name()}/0+1")
    segment.close()

    assert count() == before


# Results


def test_one_packed_result_is_read_and_looked_at_through_its_class(store: FileStore) -> None:
    segment = SegmentFile(store, "run")
    places = [segment.append("task", index, pickle.dumps(value)) for index, value in enumerate(["a", None, [1, 2]])]
    result = LocalResult(dir=store.root)

    assert [result.read(place).value for place in places] == ["a", None, [1, 2]]
    assert result.exists(places[1])
    stat = result.stat(places[2])
    assert stat.size == len(pickle.dumps([1, 2]))
    assert stat.digest is not None
    with pytest.raises(StoreError, match="resultant gc"):
        result.delete(places[0])
    with pytest.raises(LocationError, match="segment of packed results"):
        result.read(places[0]).write("other")
    assert result.read(places[0]).value == "a"
    copy = LocalResult.from_record(result.read(places[2]).describe())
    assert copy.read(str(copy.location)).value == [1, 2]


def test_packing_and_a_location_contradict_each_other(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="leave out the one or the other"):
        LocalResult(dir=tmp_path, pack=True, location="{map_index}")
    with pytest.raises(ValueError, match="leave out the one or the other"):
        LocalResult(dir=tmp_path, pack=True, location=lambda **_: "x")
    with pytest.raises(TypeError, match="True or False"):
        LocalResult(dir=tmp_path, pack="yes")
    assert LocalResult(dir=tmp_path, pack=False, location="x").pack is False


def test_results_differ_by_whether_they_pack_and_pickle_so(tmp_path: Path) -> None:
    packing = LocalResult(dir=tmp_path, pack=True)

    assert packing != LocalResult(dir=tmp_path)
    assert packing == LocalResult(dir=tmp_path, pack=True)
    assert pickle.loads(pickle.dumps(packing)).pack is True
    assert packing.from_value(3).pack is True
    assert "pack" not in vars(LocalResult(dir=tmp_path))
