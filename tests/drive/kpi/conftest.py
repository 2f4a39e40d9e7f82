"""Drives with truth, as small as they can be."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roadworthy.drive.events.event import DriveEvent

EVENTS = "event,class,passed_s,first_s,last_s\ne0001,speed-60,10,7,10\ne0002,speed-80,40,36,40\n"
LIMITS = "from_s,to_s,limit,state\n0,10,,unknown\n10,40,60,limit\n40,110,80,limit\n"
DRIVE = """
region = "au-vic"
length_s = 110.0
[[stretches]]
from_s = 0
to_s = 60
light = "day"
weather = "dry"
road = "built-up"
speed_kmh = 60
[[stretches]]
from_s = 60
to_s = 110
light = "night"
weather = "rain"
road = "open"
speed_kmh = 90
"""


@pytest.fixture
def drive_folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes a drive's folder; texts of None leave a file out."""

    def write(
        name: str = "monday",
        events: str = EVENTS,
        limits: str | None = LIMITS,
        about: str | None = DRIVE,
        boxes: str | None = None,
    ) -> Path:
        folder = tmp_path / "drives" / name
        (folder / "truth").mkdir(parents=True)
        files = {"truth/events.csv": events, "truth/limits.csv": limits, "drive.toml": about}
        for path, text in {**files, "truth/boxes.csv": boxes}.items():
            if text is not None:
                (folder / path).write_text(text)
        return folder

    return write


@pytest.fixture
def event() -> Callable[..., DriveEvent]:
    """An event passed at a second, seen from 3 s before, sure 0.5 s before."""

    def make(sign: str, passed_s: float, **more: Any) -> DriveEvent:
        given = {
            "event": f"{sign}@{passed_s:g}",
            "confidence": 1.0,
            "accepted": True,
            "first_s": passed_s - 3,
            "last_s": passed_s,
            "confirmed_s": passed_s - 0.5,
            "frames": 30,
            "best_frame": round(passed_s * 10),
            "box": (0.0, 0.0, 10.0, 10.0),
        }
        return DriveEvent(sign=sign, passed_s=passed_s, **{**given, **more})

    return make
