"""A made-up drive: a car north along the meridian 145 E at 20 m/s, a sign every five seconds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.film.shots import About
from roadworthy.drive.gps.fixes import Fix
from roadworthy.drive.gps.track import Track
from roadworthy.drive.limits.events import read_plates
from roadworthy.drive.limits.machine import LimitRow
from roadworthy.drive.output.crops import crop_jpeg
from roadworthy.drive.output.result import DriveResult
from roadworthy.drive.seen import Seen, Trail

CLASSES = ("speed-60", "speed-80", "stop", "speed-40", "end-speed-80", "children")
METRES_A_DEGREE = math.pi * 6_371_008.8 / 180
SPEED = 20.0


def at(second: float) -> tuple[float, float]:
    """Where the car is: latitude, longitude, with a bend so that a map has two sides."""
    return -37 + SPEED * second / METRES_A_DEGREE, 145 + 0.004 * math.sin(second / 30)


def way_m(until_s: int) -> float:
    """Metres driven by then, of steps of a second on a plane."""
    east = METRES_A_DEGREE * math.cos(math.radians(-37))
    steps = ((at(s + 1)[1] - at(s)[1]) * east for s in range(until_s))
    return sum(math.hypot(SPEED, step) for step in steps)


def about(**others: object) -> About:
    film = About(
        place="drives/monday.mp4",
        duration_s=60.0,
        width=1280,
        height=720,
        rate=30.0,
        codec="h264",
        created=None,
        rotation_deg=0,
        mirrored=False,
        interlaced=False,
        colour="BT.709",
    )
    return replace(film, **others)


def event(number: int, **others: object) -> DriveEvent:
    passed_s = 5.0 * number
    lat, lon = at(passed_s)
    made = DriveEvent(
        event=f"e{number:04d}",
        sign=CLASSES[number % len(CLASSES)],
        confidence=0.98,
        accepted=True,
        first_s=passed_s - 2,
        last_s=passed_s - 0.1,
        passed_s=passed_s,
        confirmed_s=passed_s - 1.5,
        frames=3,
        best_frame=round(30 * passed_s) - 2,
        box=(300.0, 200.0, 340.0, 250.0),
        side="left",
        lat=lat,
        lon=lon,
        error_m=4.0,
    )
    return replace(made, **others)


def trail(number: int, of: DriveEvent, wrong: int = 0) -> Trail:
    """Three frames; the first `wrong` of them read the class behind the right one."""
    seen = []
    for i in range(3):
        logits = np.zeros(len(CLASSES), np.float32)
        logits[(CLASSES.index(of.sign) + (i < wrong)) % len(CLASSES)] = 5
        frame = of.best_frame - 4 + 2 * i
        box = (300.0 - 10 * i, 200.0 - 5 * i, 330.0, 240.0 + 5 * i)
        seen.append(Seen(frame=frame, time_s=frame / 30, box=box, logits=logits, score=0.9))
    return Trail(number=number, seen=tuple(seen), left=True)


def track(until_s: float, *gaps: tuple[float, float]) -> Track:
    """A fix a second, none within the gaps."""
    seconds = [s for s in np.arange(0, until_s + 0.5, 1.0) if not any(a < s < b for a, b in gaps)]
    return Track(
        fixes=tuple(Fix(lat=at(s)[0], lon=at(s)[1], film_s=float(s), speed=SPEED) for s in seconds),
        placed=True,
    )


def picture(number: int) -> bytes:
    rng = np.random.default_rng(number)
    rough = rng.integers(0, 255, (200, 200, 3), dtype=np.uint8)
    return crop_jpeg(rough, (60.0, 60.0, 140.0, 140.0))


@pytest.fixture
def make_drive() -> Callable[..., DriveResult]:
    """A drive with so many signs; others are fields of its DriveResult."""

    def make(n: int, **others: object) -> DriveResult:
        events = [event(number) for number in range(1, n + 1)]
        if n > 2:
            events[1] = replace(events[1], accepted=False, confidence=0.55, confirmed_s=None)
            events[2] = replace(events[2], plates=read_plates("times 8:00-9:30; unread"), zone="school")
        if n > 4:
            events[4] = replace(events[4], counts=False, why="on a bus", side="right")
        duration_s = 5.0 * n + 10
        rows = [LimitRow(from_s=0, to_s=5, limit=None, state="unknown", condition="no sign yet")]
        for made in events:
            limit = made.value if made.kind == "speed" and made.accepted else None
            state = "limit" if limit else "unknown"
            to_s = min(made.passed_s + 5, duration_s)
            rows.append(
                LimitRow(
                    from_s=made.passed_s, to_s=to_s, limit=limit, state=state, event=made.event, condition=""
                )
            )
        rows.append(LimitRow(from_s=rows[-1].to_s, to_s=duration_s, limit=None, state="unlimited", event="x"))
        drive = DriveResult(
            about=about(duration_s=duration_s),
            duration_s=duration_s,
            events=tuple(events),
            limits=tuple(rows),
            trails={made.event: trail(i, made, wrong=2 * (i == 0)) for i, made in enumerate(events)},
            classes=CLASSES,
            crops={made.event: picture(i) for i, made in enumerate(events)},
            track=track(duration_s),
            region="au-vic",
            provenance={"command": "roadworthy drive monday.mp4", "roadworthy": "0.1", "dirty": False},
        )
        return replace(drive, **others)

    return make
