from dataclasses import replace

import pytest
from tests.drive.output.conftest import CLASSES, about, event, track, trail, way_m

from roadworthy.drive.output.report import agreement, drive_shown
from roadworthy.drive.output.result import as_text


def test_frames_that_read_another_class_are_counted():
    made = event(1)  # speed-80
    assert agreement(made, trail(0, made), CLASSES) == (3, {})
    assert agreement(made, trail(0, made, wrong=2), CLASSES) == (1, {"stop": 2})


def test_a_drive_as_plain_values(make_drive):
    shown = drive_shown(make_drive(5))
    first, second, third, _, fifth = shown.signs
    assert (first.event, first.sign, first.kind, first.value) == ("e0001", "speed-80", "speed", 80)
    assert first.agreeing == pytest.approx(1 / 3)
    assert first.otherwise == ("stop", 2)
    assert first.crop[:3] == b"\xff\xd8\xff"
    assert (second.accepted, second.confirmed_s, second.agreeing) == (False, None, 1)
    assert third.plates == "times 08:00-09:30; unread"
    assert (fifth.counts, fifth.why) == (False, "on a bus")
    assert shown.kilometres == pytest.approx(way_m(35) / 1000, rel=0.001)
    assert len(shown.way) == 36
    assert shown.about["region"] == "au-vic"
    assert [(part.limit, part.state) for part in shown.limits[:2]] == [(None, "unknown"), (80, "limit")]


def test_a_track_is_cut_to_the_film_and_shows_its_gaps(make_drive):
    drive = make_drive(1, track=track(60, (4, 12)))
    shown = drive_shown(drive)
    assert drive.duration_s == 15
    assert shown.way[-1].second == 15
    assert [point.second for point in shown.way if not point.joined] == [12]
    nothing = drive_shown(make_drive(1, track=None))
    assert (nothing.way, nothing.kilometres) == ((), None)


def test_without_trails_nothing_is_said_of_single_frames(make_drive):
    assert drive_shown(make_drive(1, trails={})).signs[0].agreeing is None
    assert drive_shown(make_drive(1, classes=())).signs[0].agreeing is None


def test_too_many_pictures_are_made_smaller(make_drive, monkeypatch):
    drive = make_drive(12)
    monkeypatch.setattr("roadworthy.drive.output.report.MOST_CROP_BYTES", 4_000)
    shown = drive_shown(drive)
    assert sum(len(sign.crop) for sign in shown.signs) <= 4_000
    assert shown.crops_left_out == sum(not sign.crop for sign in shown.signs) > 0


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("drives/monday.mp4", "monday.mp4"),
        ("C:\\drives\\monday.mp4", "monday.mp4"),
        ("frames/", "frames"),
        ("camera:0", "camera:0"),
        ("bad\udcff\n.mp4", "bad?\\n.mp4"),
    ],
)
def test_a_film_s_name(make_drive, place, name):
    assert replace(make_drive(0), about=about(place=place)).film == name
    as_text(place).encode()
