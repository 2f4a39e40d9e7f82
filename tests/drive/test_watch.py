"""What is kept of a film that is watched, and how its frames come."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from roadworthy.core import notes
from roadworthy.core.errors import DataError
from roadworthy.drive import watch
from roadworthy.drive.film.shots import Shot
from roadworthy.drive.look import View
from roadworthy.drive.seen import Seen
from roadworthy.drive.tracking import tracker as tracking
from roadworthy.drive.tracking.tracker import Tracker
from roadworthy.drive.watch import Watched, ahead

IMAGE = np.zeros((720, 1280, 3), np.uint8)


def view(frame: int, *boxes: tuple[float, float, float], fps: float = 30.0, change: float = 0.0) -> View:
    """boxes: middle and side, in pixels."""
    signs = tuple(
        Seen(
            frame=frame,
            time_s=frame / fps,
            box=(x - side / 2, y - side / 2, x + side / 2, y + side / 2),
            logits=np.zeros(3, np.float32),
            score=0.9,
        )
        for x, y, side in boxes
    )
    return View(frame=frame, time_s=frame / fps, signs=signs, shift=(float(frame), 0.0), change=change)


def watched() -> Watched:
    return Watched(Tracker(1280, 720))


def size(of: Watched) -> int:
    """What it holds that could grow, in entries."""
    return sum(map(len, (of.trails, of.pictures, of._change, of.tracker._open)))


def test_what_flickers_leaves_nothing_behind() -> None:
    seen = watched()
    for frame in range(0, 3000, 30):  # each second in another place
        seen.add(view(frame, (100 + frame % 1000, 300, 20)), IMAGE)
        seen.add(view(frame + 1), IMAGE)
    assert size(seen) <= 100 + 3  # a sum for each second, and the last flicker
    assert seen.finish() == []
    assert not seen.pictures


def test_a_sign_is_kept_with_the_shifts_of_its_frames_and_its_picture() -> None:
    seen = watched()
    for frame in range(10):
        seen.add(view(frame, (600 + frame, 300, 20 + frame)), IMAGE)
    seen.add(view(11), IMAGE)
    ended = seen.add(view(60, (200, 200, 20)), IMAGE)
    assert [len(trail.seen) for trail in ended] == [10]
    assert ended[0].shifts == tuple((float(frame), 0.0) for frame in range(10))
    assert set(seen.pictures) == {0, 1}
    assert len(seen.finish()) == 1  # the last was seen once
    assert set(seen.pictures) == {0}


def test_memory_does_not_grow_with_the_frames_of_a_sign_that_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "MOST", 200)
    seen = watched()
    for frame in range(3000):  # the car waits for 100 s
        seen.add(view(frame, (600, 300, 60)))
    (trail,) = seen.finish()
    assert 100 < len(trail.seen) <= 201
    frames = [one.frame for one in trail.seen]
    assert frames == sorted(set(frames))
    assert frames[0] == 0
    assert frames[-12:] == list(range(2988, 3000))
    assert len(trail.shifts) == len(frames)


def test_a_picture_is_taken_where_a_sign_is_seen_better_and_no_other_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = []
    monkeypatch.setattr(watch, "crop_jpeg", lambda image, box: taken.append(box[2] - box[0]) or b"")
    seen = watched()
    for frame, side in enumerate([40, 42, *[42] * 300, 44, 42]):
        seen.add(view(frame, (600, 300, side)), IMAGE)
    assert taken == [40, 42, 44]


def test_change_is_the_mean_of_each_second() -> None:
    seen = watched()
    for frame, change in enumerate((0.1, 0.3, 0.5, 0.7)):
        seen.add(view(frame, fps=2, change=change))
    seen.add(view(6, fps=2, change=0.2))
    assert seen.change_by_second().tolist() == pytest.approx([0.2, 0.6, np.nan, 0.2], nan_ok=True)
    assert watched().change_by_second().size == 0
    seen.add(replace(view(0), time_s=4e9))  # no film; its clock is broken
    assert seen.change_by_second().size == 4


def shots(n: int) -> Iterator[Shot]:
    return (Shot(index=index, time_s=index / 10, image=IMAGE) for index in range(n))


def test_frames_come_in_order_and_errors_come_through() -> None:
    assert [shot.index for shot in ahead(shots(20))] == list(range(20))

    def broken() -> Iterator[Shot]:
        yield from shots(2)
        raise DataError("torn")

    seen = ahead(broken())
    assert [next(seen).index, next(seen).index] == [0, 1]
    with pytest.raises(DataError, match="torn"):
        next(seen)


def test_what_a_film_says_while_it_is_read_is_heard() -> None:
    def speaking() -> Iterator[Shot]:
        yield from shots(2)
        notes.say("it breaks off")

    with notes.aloud(lambda note: None), notes.hearing() as heard:
        list(ahead(speaking()))
    assert heard == ["it breaks off"]


def test_a_stop_ends_a_film_that_is_silent() -> None:
    over = threading.Event()

    def silent() -> Iterator[Shot]:
        yield from shots(1)
        over.wait(20)

    asked = threading.Event()
    seen = ahead(silent(), asked.is_set)
    next(seen)
    threading.Timer(0.3, lambda: (asked.set(), over.set())).start()
    began = time.monotonic()
    assert next(seen, None) is None
    assert time.monotonic() - began < 10
