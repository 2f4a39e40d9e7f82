from __future__ import annotations

import math
from datetime import time

import pytest

from roadworthy.core.errors import DataError
from roadworthy.drive.limits.events import Plate, SignEvent, plates_text, read_hours, read_plates


def test_plates_come_back_as_they_were_written() -> None:
    text = (
        "times 08:00-09:30 14:30-16:00; days mon tue wed; school-days; for 300 m; in 50 m; rain yes; dry no; "
        "flashing; children; trucks; arrow left; unread"
    )
    assert plates_text(read_plates(text)) == text
    assert read_plates("") == ()
    assert read_plates("days fri-mon") == (Plate(kind="days", days=(4, 5, 6, 0)),)


@pytest.mark.parametrize(
    "text", ["snow", "times", "times 8-9", "for 3 km", "days sometimes", "rain maybe", "trucks 3", "arrow"]
)
def test_a_condition_that_is_not_known_is_named(text: str) -> None:
    with pytest.raises(DataError, match="8:00-9:30"):
        read_plates(text)


def test_hours_leave_their_end_out_and_may_run_overnight() -> None:
    day, night = read_hours("8:00-9:30"), read_hours("22:00-6:00")
    assert [day.hold_at(time(h, m)) for h, m in ((7, 59), (8, 0), (9, 29), (9, 30))] == [
        False,
        True,
        True,
        False,
    ]
    assert [night.hold_at(time(h)) for h in (21, 22, 0, 5, 6)] == [False, True, True, True, False]
    assert read_hours("16:00-24:00").hold_at(time(23, 59))
    with pytest.raises(DataError, match="no part of a day"):
        read_hours("25:00-26:00")


def test_a_sign_knows_its_kind_and_value() -> None:
    event = SignEvent(event="e1", sign="end-speed-60", passed_s=1)
    assert (event.kind, event.value) == ("end-speed", 60)
    assert SignEvent(event="e1", sign="stop", passed_s=1).value is None


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"event": ""}, "has no name"),
        ({"zone": "park"}, "no zone 'park'"),
        ({"passed_s": math.nan}, "passed_s is nan"),
        ({"confidence": 1.5}, "from 0 to 1"),
    ],
)
def test_a_wrong_event_is_named(wrong: dict, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        SignEvent(**{"event": "e1", "sign": "stop", "passed_s": 1.0} | wrong)
