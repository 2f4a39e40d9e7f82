from dataclasses import replace

from roadworthy.report.drive.doubts import dangers, unsure
from roadworthy.report.drive.values import DriveShown, SignShown, is_known
from roadworthy.report.figures.limits import LimitPart

SURE = SignShown(
    event="e0001",
    sign="speed-60",
    kind="speed",
    value=60,
    confidence=0.97,
    accepted=True,
    first_s=3.0,
    last_s=4.8,
    passed_s=5.0,
    confirmed_s=4.0,
    frames=30,
    agreeing=0.9,
)


def said(*signs, **others):
    return dangers(DriveShown(film="x", duration_s=60.0, signs=signs, **others))


def test_a_sure_limit_that_its_frames_read_otherwise():
    torn = replace(SURE, agreeing=0.6, otherwise=("speed-80", 9))
    assert said(torn) == [
        (
            "0:05",
            "speed-60 (e0001)",
            "sure, though 12 of 30 frames read it otherwise, most often as speed-80 (9)",
        )
    ]
    assert said(SURE) == []
    for harmless in ({"accepted": False}, {"counts": False}, {"kind": "stop"}, {"agreeing": None}):
        assert said(replace(torn, **harmless)) == []


def test_a_limit_that_was_sure_too_late():
    assert said(replace(SURE, confirmed_s=6.25)) == [
        ("0:05", "speed-60 (e0001)", "sure only 1.2 s after it was passed")
    ]


def test_plates_that_were_not_read():
    ((_, _, why),) = said(replace(SURE, plates="school-days; unread"))
    assert why.startswith("a plate was not read")
    assert said(replace(SURE, plates="school-days; for 300 m")) == []
    assert said(replace(SURE, plates="unread", counts=False)) == []


def test_lost_frames():
    ((_, what, _),) = said(lost=1_200)
    assert what == "1,200 lost frames"


def test_what_was_unsure_stands_in_order_of_time():
    parts = (
        LimitPart(from_s=0, to_s=8, limit=None, state="unknown", condition="no sign yet"),
        LimitPart(from_s=8, to_s=20, limit=60, state="limit", event="e0001"),
        LimitPart(from_s=20, to_s=40, limit=None, state="conditional, unread", event="e0002", condition="40"),
        LimitPart(from_s=40, to_s=60, limit=None, state="unlimited", event="e0003"),
    )
    drive = DriveShown(
        film="x", duration_s=60, signs=(SURE, replace(SURE, accepted=False, confidence=0.5)), limits=parts
    )
    assert unsure(drive) == [
        ("0:00 to 0:08", "limit unknown", "no sign yet"),
        ("0:05", "speed-60 (e0001)", "not sure: 50.0 %"),
        ("0:20 to 0:40", "limit conditional, unread (e0002)", "40"),
    ]
    assert [is_known(part) for part in parts] == [False, True, False, True]
    assert drive.known_share == 32 / 60
    assert DriveShown(film="x", duration_s=60).known_share is None
