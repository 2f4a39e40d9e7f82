import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roadworthy.core.errors import DataError
from roadworthy.data import cache
from roadworthy.data.cache import load_pixels
from roadworthy.data.records import Record
from roadworthy.imaging.decode import decode
from roadworthy.imaging.preprocess import crop_resize
from roadworthy.imaging.spec import InputSpec

SPEC = InputSpec(size=16)


@pytest.fixture
def pictures(tmp_path):
    rng = np.random.default_rng(0)
    records = []
    for i in range(150):
        path = tmp_path / "pictures" / f"{i:03}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (20, 24, 3), dtype=np.uint8)).save(path)
        records.append(Record(path=str(path), label="x", box=(2, 2, 18, 18) if i % 2 else None))
    return records


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def decoded(monkeypatch):
    """Paths decoded in this process since the test began."""
    paths, real = [], cache.read_square

    def counting(path, *rest):
        paths.append(path)
        return real(path, *rest)

    monkeypatch.setattr(cache, "read_square", counting)
    return paths


def expected(records, spec=SPEC):
    return np.stack([crop_resize(decode(record.path), spec, record.box) for record in records])


def test_second_opening_decodes_nothing(pictures, folder, decoded):
    calls = []
    first = load_pixels(pictures, SPEC, cache_dir=folder, progress=lambda done, n: calls.append((done, n)))
    assert calls[-1] == (150, 150)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    assert len(decoded) == 150
    second = load_pixels(pictures, SPEC, cache_dir=folder)
    assert len(decoded) == 150
    np.testing.assert_array_equal(second.images, expected(pictures))
    np.testing.assert_array_equal(first.images, second.images)
    assert isinstance(second.images, np.memmap)
    assert not second.images.flags.writeable
    assert second.kept.tolist() == list(range(150))
    assert not second.failures
    assert not second.note


def test_processes_decode_the_same(pictures, folder, decoded, monkeypatch):
    monkeypatch.setattr(cache, "_MANY", 1)
    Path(pictures[100].path).write_text("no picture")
    pixels = load_pixels(pictures, SPEC, cache_dir=folder, workers=2, skip_unreadable=True)
    assert not decoded  # all of it happened in other processes
    assert pixels.failures[0][0] == pictures[100].path
    np.testing.assert_array_equal(pixels.images, expected(pictures[:100] + pictures[101:]))


def test_processes_know_boxes_in_frames_too(pictures, folder, decoded, monkeypatch):
    monkeypatch.setattr(cache, "_MANY", 1)
    boxed = [replace(record, in_frame=True) for record in pictures if record.box]
    found = load_pixels(boxed, SPEC, cache_dir=folder, workers=2)
    assert not decoded
    np.testing.assert_array_equal(found.images, expected(boxed, InputSpec(size=16, crop="margin=0.1")))
    # The same boxes of cut-out signs are other pictures.
    cut_out = [replace(record, in_frame=False) for record in boxed]
    np.testing.assert_array_equal(load_pixels(cut_out, SPEC, cache_dir=folder).images, expected(cut_out))


def test_a_process_that_dies_is_made_up_for(pictures, folder, decoded, monkeypatch):
    monkeypatch.setattr(cache, "_MANY", 1)
    monkeypatch.setattr(cache, "_WORK", "sys.exit(1)")
    np.testing.assert_array_equal(
        load_pixels(pictures, SPEC, cache_dir=folder, workers=2).images, expected(pictures)
    )
    assert len(decoded) == 150


def test_changed_added_and_removed_files_are_noticed(pictures, folder):
    load_pixels(pictures, SPEC, cache_dir=folder)
    path = Path(pictures[3].path)
    about = path.stat()
    Image.fromarray(np.full((20, 24, 3), 7, np.uint8)).save(path)
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns + 1))
    assert (load_pixels(pictures, SPEC, cache_dir=folder).images[3] == 7).all()
    np.testing.assert_array_equal(
        load_pixels(pictures[1:], SPEC, cache_dir=folder).images, expected(pictures)[1:]
    )
    path.unlink()
    with pytest.raises(DataError, match=r"1 of 150 .*003\.png cannot be read.*--skip-unreadable"):
        load_pixels(pictures, SPEC, cache_dir=folder)


@pytest.mark.parametrize(
    "other", [InputSpec(size=17), InputSpec(size=16, resize="nearest"), InputSpec(size=16, crop="roi")]
)
def test_another_spec_is_another_cache(pictures, folder, other):
    load_pixels(pictures, SPEC, cache_dir=folder)
    np.testing.assert_array_equal(
        load_pixels(pictures, other, cache_dir=folder).images, expected(pictures, other)
    )


def test_normalisation_shares_the_cache(pictures, folder, decoded):
    load_pixels(pictures, SPEC, cache_dir=folder)
    load_pixels(pictures, InputSpec(size=16, normalise="unit"), cache_dir=folder)
    assert len(decoded) == 150


def test_relative_paths_mean_the_same_pictures(pictures, folder, decoded, monkeypatch):
    monkeypatch.chdir(Path(pictures[0].path).parent)
    load_pixels(pictures, SPEC, cache_dir=folder)
    relative = [Record(path=Path(r.path).name, label="x", box=r.box) for r in pictures]
    load_pixels(relative, SPEC, cache_dir=folder)
    assert len(decoded) == 150


def test_unreadable_files_are_named_counted_and_skipped_if_asked(pictures, folder, decoded):
    for i in (0, 5, 70, 149):
        Path(pictures[i].path).write_bytes(b"" if i else b"text")
    with pytest.raises(DataError, match=r"4 of 150 .*; and 1 more"):
        load_pixels(pictures, SPEC, cache_dir=folder)
    for _ in range(2):
        del decoded[:]
        pixels = load_pixels(pictures, SPEC, cache_dir=folder, skip_unreadable=True)
        assert [path for path, _ in pixels.failures] == [pictures[i].path for i in (0, 5, 70, 149)]
        good = [r for i, r in enumerate(pictures) if i not in (0, 5, 70, 149)]
        np.testing.assert_array_equal(pixels.images, expected(good))
        assert [pictures[i] for i in pixels.kept] == good
    assert len(decoded) == 4  # the second time only the bad ones are tried again


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "text"])
def test_a_corrupt_cache_is_built_again(pictures, folder, damage):
    load_pixels(pictures, SPEC, cache_dir=folder)
    (path,) = folder.iterdir()
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[1000] ^= 1
    path.write_bytes({"cut": data[:-30], "flip": data, "empty": b"", "text": b"x" * 5000}[damage])
    np.testing.assert_array_equal(load_pixels(pictures, SPEC, cache_dir=folder).images, expected(pictures))
    assert len(list(folder.iterdir())) == 1


def test_unwritable_folder_and_full_disk_fall_back_to_memory(pictures, tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    pixels = load_pixels(pictures, SPEC, cache_dir=blocked / "cache")
    np.testing.assert_array_equal(pixels.images, expected(pictures))
    assert "kept in memory" in pixels.note
    assert not pixels.images.flags.writeable

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    pixels = load_pixels(pictures, SPEC, cache_dir=tmp_path / "full")
    np.testing.assert_array_equal(pixels.images, expected(pictures))
    assert "No space left" in pixels.note
    assert not list((tmp_path / "full").iterdir())


def test_a_killed_process_leaves_nothing_that_is_taken_for_a_cache(pictures, folder):
    script = (
        "import sys, time; from pathlib import Path; from roadworthy.data.cache import load_pixels\n"
        "from roadworthy.data.records import Record; from roadworthy.imaging.preprocess import InputSpec\n"
        "records = [Record(path=path, label='x') for path in sys.argv[2:]]\n"
        "def slow(done, total): print(done, flush=True); time.sleep(30)\n"
        "load_pixels(records, InputSpec(size=16), cache_dir=Path(sys.argv[1]), progress=slow)\n"
    )
    command = [sys.executable, "-c", script, str(folder), *(record.path for record in pictures)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    (leftover,) = folder.iterdir()
    plain = [Record(path=record.path, label="x") for record in pictures]
    np.testing.assert_array_equal(load_pixels(plain, SPEC, cache_dir=folder).images, expected(plain))
    assert not leftover.exists()  # nobody writes it any more, and it has the size of the whole


def test_two_processes_at_once_do_not_corrupt(pictures, folder):
    script = (
        "import sys; from pathlib import Path; from roadworthy.data.cache import load_pixels\n"
        "from roadworthy.data.records import Record; from roadworthy.imaging.preprocess import InputSpec\n"
        "records = [Record(path=path, label='x') for path in sys.argv[2:]]\n"
        "sys.stdin.readline()\n"
        "pixels = load_pixels(records, InputSpec(size=16), cache_dir=Path(sys.argv[1]))\n"
        "print(int(pixels.images.sum(dtype=int)))\n"
    )
    command = [sys.executable, "-c", script, str(folder), *(record.path for record in pictures)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(command, **pipes) for _ in range(2)]
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    plain = [Record(path=record.path, label="x") for record in pictures]
    total = int(expected(plain).sum(dtype=int))
    assert [int(process.communicate()[0]) for process in both] == [total, total]
    np.testing.assert_array_equal(load_pixels(plain, SPEC, cache_dir=folder).images, expected(plain))
    assert len(list(folder.iterdir())) == 1


def test_least_recently_used_caches_go_first(pictures, folder):
    specs = [InputSpec(size=size) for size in (16, 17, 18)]
    for age, spec in enumerate(specs[:2]):
        load_pixels(pictures, spec, cache_dir=folder)
        newest = max(folder.iterdir(), key=lambda path: path.stat().st_mtime)
        os.utime(newest, (time.time() - 100 + age,) * 2)
    load_pixels(pictures, specs[0], cache_dir=folder)  # used again, so 17 is now the oldest
    load_pixels(pictures, specs[2], cache_dir=folder, max_cache_bytes=300_000)
    sizes = sorted(path.stat().st_size // (150 * 3) for path in folder.iterdir())
    assert [round(size**0.5) for size in sizes] == [16, 18]


def test_no_records_and_default_folder(tmp_path, monkeypatch):
    assert load_pixels([], SPEC).images.shape == (0, 16, 16, 3)
    monkeypatch.setenv("ROADWORTHY_CACHE", str(tmp_path / "mine"))
    assert cache.default_cache_dir() == tmp_path / "mine"
    monkeypatch.delenv("ROADWORTHY_CACHE")
    assert "roadworthy" in str(cache.default_cache_dir())
