"""What a journal keeps, and what a cut leaves of it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from roadworthy.core.errors import DataError
from roadworthy.core.notes import DataWarning
from roadworthy.drive import journal as journal_of
from roadworthy.drive.journal import Journal, views
from roadworthy.drive.look import View
from roadworthy.drive.seen import Seen

ROOT = Path(__file__).resolve().parents[2]
ABOUT = {"film": "a.mp4", "settings": {"every": 1}}


def view(number: int) -> View:
    logits = np.random.default_rng(number).normal(size=7).astype(np.float32)
    signs = [
        Seen(
            frame=number,
            time_s=number / 30,
            box=(1.25, 2.0, 30.1234567, 40.0),
            logits=logits,
            score=0.7,
            sharpness=0.123456789,
        )
    ]
    return View(
        frame=number,
        time_s=number / 30,
        signs=tuple(signs[: number % 2]),
        shift=(1.5, -0.25),
        change=0.1 / 3,
        lost=number // 3,
    )


def alike(a: View, b: View) -> bool:
    same = (a.frame, a.time_s, a.shift, a.change, a.lost) == (b.frame, b.time_s, b.shift, b.change, b.lost)
    return same and all(
        np.array_equal(x.logits, y.logits) and (x.box, x.score, x.sharpness) == (y.box, y.score, y.sharpness)
        for x, y in zip(a.signs, b.signs, strict=True)
    )


def test_frames_come_back_to_the_last_bit(tmp_path) -> None:
    with Journal(tmp_path / "j", ABOUT) as journal:
        for number in range(5):
            journal.add(view(number))
    assert all(alike(a, view(number)) for number, a in enumerate(views(tmp_path / "j")))
    assert len(list(views(tmp_path / "j"))) == 5


def test_a_cut_line_is_left_out_and_the_next_goes_in_its_place(tmp_path) -> None:
    path = tmp_path / "j"
    with Journal(path, ABOUT) as journal:
        for number in range(4):
            journal.add(view(number))
    path.write_bytes(path.read_bytes()[:-20])
    assert [one.frame for one in views(path)] == [0, 1, 2]
    with Journal(path, ABOUT) as journal:
        journal.add(view(3))
    assert [one.frame for one in views(path)] == [0, 1, 2, 3]


def test_a_journal_of_another_drive_is_refused(tmp_path, monkeypatch) -> None:
    path = tmp_path / "j"
    with Journal(path, ABOUT):
        pass
    with pytest.raises(DataError, match=r"another film \(a\.mp4, now b\.mp4\); give"):
        Journal(path, {**ABOUT, "film": "b.mp4"})
    with pytest.raises(DataError, match=r"another settings \(every 1, now 2\) and threads \(none, now 4\);"):
        Journal(path, {**ABOUT, "settings": {"every": 2}, "threads": 4})
    monkeypatch.setattr(journal_of, "FORMAT", 99)
    with pytest.raises(DataError, match="format 3; this version goes on with 99"):
        Journal(path, ABOUT)


@pytest.mark.parametrize("text", ["hello", "hello\n", '{"format":1}\n', "\0\n", "00000000 {}\n"])
def test_a_file_that_is_none_of_ours_is_left_alone(tmp_path, text) -> None:
    path = tmp_path / "j"
    path.write_text(text)
    with pytest.raises(DataError, match="no journal of a drive"):
        Journal(path, ABOUT)
    assert path.read_text() == text


@pytest.mark.parametrize("kept", [0, 1, 8, 9, 10, 40, -1])
def test_a_drive_that_was_killed_before_its_first_frame_begins_anew(tmp_path, kept) -> None:
    path = tmp_path / "j"
    with Journal(path, ABOUT):
        pass
    path.write_bytes(path.read_bytes()[:kept])
    with Journal(path, ABOUT) as journal:
        journal.add(view(0))
    assert [one.frame for one in views(path)] == [0]


@pytest.mark.parametrize("damage", [b"\0", b"\xff", b"\n", b"7"])
def test_what_is_damaged_goes_with_all_after_it_and_is_said(tmp_path, damage) -> None:
    path = tmp_path / "j"
    with Journal(path, ABOUT) as journal:
        for number in range(6):
            journal.add(view(number))
    lines = path.read_bytes().splitlines(keepends=True)
    at = len(b"".join(lines[:4])) + 30  # within frame 3
    data = bytearray(path.read_bytes())
    assert data[at : at + 1] != damage
    data[at : at + 1] = damage
    path.write_bytes(data)
    with pytest.warns(DataWarning, match="damaged after 3 frames"), Journal(path, ABOUT) as journal:
        journal.add(view(3))
    assert all(alike(a, view(number)) for number, a in enumerate(views(path)))
    assert len(list(views(path))) == 4


def test_what_was_added_is_there_at_once(tmp_path) -> None:
    path = tmp_path / "j"
    with Journal(path, ABOUT) as journal:
        for number in range(3):
            journal.add(view(number))
            assert len(list(views(path))) == number + 1


def test_a_line_that_is_taken_in_parts_is_written_whole(tmp_path) -> None:
    class Piecewise:
        def __init__(self, file) -> None:
            self._file = file

        def write(self, data: bytes) -> int:
            return self._file.write(data[:10])

        def __getattr__(self, name: str):
            return getattr(self._file, name)

    with Journal(tmp_path / "j", ABOUT) as journal:
        journal._file = Piecewise(journal._file)
        journal.add(view(1))
    assert [one.frame for one in views(tmp_path / "j")] == [1]


def test_a_full_disk_is_told_and_what_was_seen_is_kept(tmp_path) -> None:
    path = tmp_path / "j"
    with Journal(path, ABOUT) as journal:
        journal.add(view(0))
    size = path.stat().st_size
    program = (
        "import resource, sys; from tests.drive.test_journal import *\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size + 150},) * 2)\n"
        "with Journal(Path(sys.argv[1]), ABOUT) as journal:\n"
        "    for number in range(1, 9): journal.add(view(number))"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, cwd=ROOT)
    assert "UsageError" in done.stderr.splitlines()[-1]
    assert "cannot be written (File too large); what was seen up to there is in it" in done.stderr
    assert [one.frame for one in views(path)] == [0]
    with Journal(path, ABOUT) as journal:
        journal.add(view(1))
    assert [one.frame for one in views(path)] == [0, 1]
