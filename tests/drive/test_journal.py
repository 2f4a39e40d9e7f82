"""What a journal keeps, and what a cut leaves of it."""

import numpy as np
import pytest

from roadworthy.core.errors import DataError
from roadworthy.drive.journal import Journal, views
from roadworthy.drive.look import View
from roadworthy.drive.seen import Seen

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
        frame=number, time_s=number / 30, signs=tuple(signs[: number % 2]), shift=(1.5, -0.25), change=0.125
    )


def alike(a: View, b: View) -> bool:
    same = (a.frame, a.time_s, a.shift, a.change) == (b.frame, b.time_s, b.shift, b.change)
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


def test_a_journal_of_another_drive_is_refused(tmp_path) -> None:
    path = tmp_path / "j"
    with Journal(path, ABOUT):
        pass
    with pytest.raises(DataError, match="another film, model or setting"):
        Journal(path, {**ABOUT, "film": "b.mp4"})
    path.write_text("hello\n")
    with pytest.raises(DataError, match="no journal of a drive"):
        Journal(path, ABOUT)
    path.write_text('{"format":99}\n')
    with pytest.raises(DataError, match="format 99"):
        Journal(path, {})


def test_damage_inside_is_said(tmp_path) -> None:
    path = tmp_path / "j"
    with Journal(path, ABOUT) as journal:
        journal.add(view(1))
    path.write_text(path.read_text().replace('"frame"', '"farme"'))
    with pytest.raises(DataError, match="damaged"):
        list(views(path))


def test_what_was_added_is_there_after_a_second_of_film(tmp_path) -> None:
    path = tmp_path / "j"
    with Journal(path, ABOUT) as journal:
        for number in range(61):
            journal.add(view(number))
        assert len(list(views(path))) >= 31
