"""A drive that goes on: what each frame tells, once, in memory that does not grow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import numpy as np
import pytest

from roadworthy.core.errors import DataError
from roadworthy.drive import live
from roadworthy.drive.film.shots import Shot
from roadworthy.drive.gps.fixes import Fix
from roadworthy.drive.gps.track import track_of
from roadworthy.drive.limits.machine import limits_over_time
from roadworthy.drive.limits.regions import region_named
from roadworthy.drive.live import LiveDrive, Moment
from roadworthy.drive.look import View
from roadworthy.drive.meaning import Scene, events_of
from roadworthy.drive.reading import ReadingRule
from roadworthy.drive.seen import Seen
from roadworthy.drive.tracking.tracker import Tracker
from roadworthy.drive.watch import Watched

CLASSES = ("speed-50", "speed-60", "stop", "other-sign", "no-sign")
RULE = ReadingRule(classes=CLASSES, temperature=1.0, rejection=None, sure=0.5)
FPS, SPEED, FOCAL, AHEAD = 15.0, 20.0, 1000.0, 60.0
IMAGE = np.zeros((720, 1280, 3), np.uint8)
Signs = Sequence[tuple[str, float, float, float]]
"""(class, metres to the right, metres up, second at which it is passed) of each."""


class Fake:
    """Sees a sign of 0.7 m as a camera does, from 60 m on."""

    def __init__(self, signs: Signs) -> None:
        self._signs = signs

    def look(self, shot: Shot) -> View:
        seen = (self._seen(shot, *sign) for sign in self._signs)
        return View(frame=shot.index, time_s=shot.time_s, signs=tuple(one for one in seen if one is not None))

    def _seen(self, shot: Shot, sign: str, right: float, up: float, passed_s: float) -> Seen | None:
        depth = SPEED * (passed_s - shot.time_s)
        if not 2 < depth < AHEAD:
            return None
        x, y, size = 640 + FOCAL * right / depth, 360 - FOCAL * up / depth, FOCAL * 0.7 / depth
        if not (0 < x < 1280 and 0 < y < 720):
            return None
        logits = np.where(np.array(CLASSES) == sign, 6.0, 0.0).astype(np.float32)
        box = (x - size / 2, y - size / 2, x + size / 2, y + size / 2)
        return Seen(frame=shot.index, time_s=shot.time_s, box=box, logits=logits, score=0.9)


def shots(seconds: float) -> Iterator[Shot]:
    for index in range(round(seconds * FPS)):
        yield Shot(index=index, time_s=index / FPS, image=IMAGE)


def drive_past(signs: Signs, region: str = "au-vic", start: datetime | None = None) -> LiveDrive:
    return LiveDrive(Fake(signs), RULE, region_named(region), start=start)


def moments(drive: LiveDrive, seconds: float) -> list[Moment]:
    return [drive.look(shot) for shot in shots(seconds)]


ROAD: Signs = [("speed-60", -4.0, 1.2, 3.0), ("stop", 4.0, 1.0, 3.4), ("speed-50", -4.0, 1.2, 8.0)]


def test_each_sign_is_told_once_and_soon_after_it_was_passed() -> None:
    told = [(m.time_s, event) for m in moments(drive_past(ROAD), 10.0) for event in m.events]
    assert [(event.event, event.sign) for _, event in told] == [
        ("e0001", "speed-60"),
        ("e0002", "stop"),
        ("e0003", "speed-50"),
    ]
    for at_s, event in told:
        assert event.passed_s == pytest.approx(
            {"speed-60": 3.0, "stop": 3.4, "speed-50": 8.0}[event.sign], abs=0.15
        )
        assert event.passed_s - 0.3 < at_s < event.passed_s + 0.5


def test_the_limit_is_that_of_the_last_sign_passed() -> None:
    seen = moments(drive_past(ROAD), 10.0)
    states = {m.time_s: (m.limit.limit, m.limit.state, m.limit.event) for m in seen}
    assert states[0.0][1] == "unknown"
    assert states[75 / FPS] == (60, "limit", "e0001")
    assert states[145 / FPS] == (50, "limit", "e0003")


def test_boxes_carry_the_number_of_their_trail_and_become_sure() -> None:
    seen = moments(drive_past(ROAD[:2]), 4.0)
    numbers: dict[str, set[int]] = {}
    for moment in seen:
        for sign in moment.signs:
            numbers.setdefault(sign.sign, set()).add(sign.trail)
    assert [len(one) for one in numbers.values()] == [1, 1]
    sixty = [sign for moment in seen for sign in moment.signs if sign.sign == "speed-60"]
    assert not sixty[0].accepted  # one frame proves little
    assert sixty[-1].accepted
    assert sixty[-1].confidence > 0.9


def test_it_ends_as_the_whole_film_would_have() -> None:
    signs = [("speed-60", -4.0, 1.2, 3.0), ("other-sign", -4.0, 0.4, 3.0), *ROAD[1:]]
    drive = drive_past(signs)
    moments(drive, 7.5)  # the last sign is still in sight
    watched, looker = Watched(Tracker(1280, 720)), Fake(signs)
    for shot in shots(7.5):
        watched.add(looker.look(shot))
    scene = Scene(width=1280, height=720)
    whole = [event for event, _ in events_of(watched.finish(), RULE, scene)]
    ended = drive.finish()
    assert [event.plates != () for event in whole] == [True, False, False]
    assert list(ended.events) == whole
    assert (ended.left_out, ended.limits[0].from_s) == (0, 0.0)
    signs_passed = [event.for_limits() for event in whole]
    assert ended.limits == limits_over_time(signs_passed, region_named("au-vic"), ended.until_s + 1 / 30)


def test_a_plate_that_leaves_the_picture_first_is_no_sign_of_its_own() -> None:
    class Hidden(Fake):
        """The plate is behind a bush from 20 m on."""

        def _seen(self, shot: Shot, sign: str, right: float, up: float, passed_s: float) -> Seen | None:
            hidden = sign == "other-sign" and SPEED * (passed_s - shot.time_s) < 30
            return None if hidden else super()._seen(shot, sign, right, up, passed_s)

    signs = [("speed-60", -2.0, 1.2, 3.0), ("other-sign", -2.0, 0.4, 3.0)]
    drive = LiveDrive(Hidden(signs), RULE, region_named("au-vic"))
    events = [event for moment in moments(drive, 5.0) for event in moment.events]
    assert [(event.sign, str(event.plates[0])) for event in events] == [("speed-60", "unread")]


def test_a_limit_does_not_hold_for_ever_without_another_sign() -> None:
    drive = drive_past(ROAD[:1])
    assert moments(drive, 8.0)[-1].limit.limit == 60
    later = drive.look(Shot(index=10_000, time_s=300.0, image=IMAGE))
    assert (later.limit.limit, later.limit.event) == (60, "e0001")
    much_later = drive.look(Shot(index=10_001, time_s=40_000.0, image=IMAGE))
    assert (much_later.limit.limit, much_later.limit.state) == (
        None,
        "unknown",
    )  # a sign may have been missed


@pytest.mark.parametrize(
    ("shot", "words"),
    [
        (Shot(index=9, time_s=0.0, image=IMAGE), "not after the frame before"),
        (Shot(index=9, time_s=9.0, image=IMAGE[:-1]), "1280 x 719, the drive's first was 1280 x 720"),
        (Shot(index=9, time_s=-1.0, image=IMAGE), "it must be from 0 to 172,800 s"),
        (Shot(index=9, time_s=float("nan"), image=IMAGE), "it must be from 0"),
        (Shot(index=9, time_s=1e9, image=IMAGE), "it must be from 0"),
    ],
)
def test_a_frame_that_does_not_fit_is_refused_and_changes_nothing(shot: Shot, words: str) -> None:
    drive = drive_past(ROAD[:1])
    first, *rest = shots(5.0)
    drive.look(first)
    with pytest.raises(DataError, match=words):
        drive.look(shot)
    assert [event.sign for one in rest for event in drive.look(one).events] == ["speed-60"]


def test_a_drive_of_which_nothing_was_seen_says_so() -> None:
    ended = drive_past(ROAD).finish()
    assert (ended.events, ended.limits) == ((), ())


def held(drive: LiveDrive) -> dict[str, int]:
    """How many things a drive holds on to, by kind."""
    watched = drive._watched
    assert watched is not None
    return {
        "trails": len(watched.trails) + len(drive._ended),
        "told": len(drive._told),
        "boxes": sum(len(trail.seen) for trail in (*watched.tracker.current(), *drive._ended)),
        "change": len(watched._change),
        "pictures": len(watched.pictures),
        "events": len(drive._events),
    }


class Endless:
    """A sign that never comes nearer, one more that is passed every two seconds, and noise in each frame."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(0)

    def look(self, shot: Shot) -> View:
        logits = np.eye(len(CLASSES), dtype=np.float32)[2] * 6
        nearest = 2.0 * np.ceil(shot.time_s / 2 + 1e-9)
        fake = Fake([("speed-60" if nearest % 4 else "speed-50", -4.0, 1.2, nearest)])
        still = Seen(frame=shot.index, time_s=shot.time_s, box=(900, 200, 940, 240), logits=logits, score=0.9)
        noise = [
            Seen(frame=shot.index, time_s=shot.time_s, box=(x, y, x + 9, y + 9), logits=logits, score=0.4)
            for x, y in self._random.uniform(0, 700, (1, 2))
        ]
        signs = (still, *fake.look(shot).signs, *noise)
        return View(frame=shot.index, time_s=shot.time_s, signs=signs)


def test_thousands_of_frames_take_no_more_memory_than_hundreds(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, limit in {"_MOST_BOXES": 40, "_MOST_EVENTS": 10, "_MOST_TRAILS": 8}.items():
        monkeypatch.setattr(live, name, limit)
    drive = LiveDrive(Endless(), RULE, region_named("default"))
    small = np.zeros((720, 1280, 1), np.uint8).repeat(3, 2)
    most: dict[str, int] = {}
    names: list[str] = []
    for index in range(3000):
        moment = drive.look(Shot(index=index, time_s=index / 10, image=small))
        names += [event.event for event in moment.events]
        if index == 900:
            most = held(drive)
        if index > 900:
            for kind, count in held(drive).items():
                most[kind] = max(most[kind], count)
    assert most["boxes"] < 300
    assert (most["trails"], most["told"]) <= (8, 8)
    assert (most["change"], most["pictures"], most["events"]) == (0, 0, 10)
    assert len(names) == len(set(names)) > 120
    ended = drive.finish()
    assert ended.left_out + len(ended.events) >= len(names)
    assert len(ended.events) == 10
    assert ended.limits[0].from_s == pytest.approx(
        ended.events[0].passed_s
    )  # nothing is said of what was left out


def test_of_a_frame_full_of_boxes_the_surest_are_followed() -> None:
    class Full(Fake):
        def look(self, shot: Shot) -> View:
            logits = np.eye(len(CLASSES), dtype=np.float32)[2] * 6
            boxes = [(x, y, x + 20, y + 20) for x in range(0, 1200, 40) for y in range(0, 700, 40)]
            signs = [
                Seen(frame=shot.index, time_s=shot.time_s, box=box, logits=logits, score=1 - n / 1000)
                for n, box in enumerate(boxes)
            ]
            return View(frame=shot.index, time_s=shot.time_s, signs=tuple(signs))

    look: Callable[[Shot], Moment] = LiveDrive(Full([]), RULE, region_named("default")).look
    signs = [look(shot).signs for shot in shots(0.4)][-1]
    assert len(signs) == 32
    assert min(sign.found for sign in signs) > 0.9


def fixes(turn_at: float = 1e9) -> Iterator[Fix]:
    """North at 20 m/s with a fix a second, and from a second on east."""
    for second in range(30):
        north, east = min(second, turn_at) * SPEED, max(0.0, second - turn_at) * SPEED
        yield Fix(
            lat=-37.8 + north / 111_195,
            lon=145.0 + east / 111_195 / 0.79,
            film_s=float(second),
            speed=SPEED,
            course=90.0 if second > turn_at else 0.0,
            accuracy=3.0,
        )


def driven_with(signs: Signs, track: Iterator[Fix], seconds: float = 12.0) -> tuple[LiveDrive, list[Moment]]:
    drive, told, coming = drive_past(signs), [], next(track)
    for shot in shots(seconds):
        while coming.film_s <= shot.time_s:
            drive.locate(coming)
            coming = next(track)
        told.append(drive.look(shot))
    return drive, told


def test_fixes_place_signs_as_a_track_of_the_whole_drive_does() -> None:
    drive, told = driven_with(ROAD, fixes())
    live_events = drive.finish().events
    watched = Watched(Tracker(1280, 720))
    for shot in shots(12.0):
        watched.add(Fake(ROAD).look(shot))
    scene = Scene(width=1280, height=720, track=track_of(fixes()))
    whole = [event for event, _ in events_of(watched.finish(), RULE, scene)]
    assert [event.sign for event in live_events] == [event.sign for event in whole]
    for live_event, event in zip(live_events, whole, strict=True):
        assert (live_event.lat, live_event.lon) == pytest.approx((event.lat, event.lon), abs=5 / 111_195)
    # The speed-60 stands 60 m north and 4 m west of the beginning.
    assert live_events[0].lat == pytest.approx(-37.8 + 60 / 111_195, abs=8 / 111_195)
    assert told[0].place.lat == -37.8
    assert told[-1].place.speed == pytest.approx(SPEED)


def test_after_a_turn_the_limit_is_that_of_another_road() -> None:
    _, told = driven_with(ROAD[:1], fixes())
    assert told[-1].limit.limit == 60
    turned, told = driven_with(ROAD[:1], fixes(turn_at=6.0))
    assert (told[85].limit.limit, told[-1].limit.state) == (60, "unknown")
    assert turned.finish().limits[-1].state == "unknown"
    assert told[-1].place.course == 90.0


def test_a_fix_that_is_not_later_is_refused() -> None:
    drive = drive_past(ROAD)
    drive.locate(Fix(lat=-37.8, lon=145.0, film_s=1.0))
    with pytest.raises(DataError, match="not after the one before"):
        drive.locate(Fix(lat=-37.8, lon=145.0, film_s=0.5))
    assert drive.look(next(shots(1))).place is None
