from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from roadworthy.core import notes
from roadworthy.core.errors import DataError
from roadworthy.drive.gps.fixes import Fix
from roadworthy.drive.gps.gpx import read

Quiet = Callable[[str], tuple[list[Fix], list[str]]]
HEAD = '<?xml version="1.0"?><gpx version="1.1" creator="t" xmlns="http://www.topografix.com/GPX/1/1">'


def points(*inner: str, head: str = HEAD) -> str:
    segments = "".join(f"<trkseg>{text}</trkseg>" for text in inner)
    return f"{head}<trk>{segments}</trk></gpx>"


def point(inner: str = "<time>2026-03-02T01:00:00Z</time>", lat: str = "-37.8", lon: str = "144.9") -> str:
    return f'<trkpt lat="{lat}" lon="{lon}">{inner}</trkpt>'


@pytest.fixture
def quiet(tmp_path: Path) -> Quiet:
    def read_text(text: str) -> tuple[list[Fix], list[str]]:
        (tmp_path / "a.gpx").write_text(text)
        with notes.hearing() as heard, notes.aloud(lambda note: None):
            return read(tmp_path / "a.gpx"), heard

    return read_text


def test_a_point_with_all_that_it_can_say(quiet: Quiet) -> None:
    said = "<ele>31.5</ele><time>2026-03-02T12:00:00.250+11:00</time>"
    said += "<course>90</course><speed>10</speed><hdop>1.2</hdop>"
    (fix,), heard = quiet(points(point(said)))
    assert fix == Fix(
        lat=-37.8,
        lon=144.9,
        time=datetime(2026, 3, 2, 1, 0, 0, 250_000, tzinfo=UTC),
        speed=10,  # which gpxpy alone passes over in GPX 1.1
        course=90,
        accuracy=6,
        height=31.5,
        after_break=True,
    )
    assert heard == []


def test_speeds_of_garmins_extension(quiet: Quiet) -> None:
    extension = (
        "<extensions><g:TrackPointExtension><g:speed>11.5</g:speed></g:TrackPointExtension></extensions>"
    )
    head = HEAD.replace(">", "", 0).replace(
        "<gpx ", '<gpx xmlns:g="http://www.garmin.com/xmlschemas/TrackPointExtension/v2" '
    )
    (fix,), _ = quiet(points(point("<time>2026-03-02T01:00:00Z</time>" + extension), head=head))
    assert fix.speed == 11.5


def test_times_without_a_zone_are_utc_and_said(quiet: Quiet) -> None:
    (fix,), heard = quiet(points(point("<time>2026-03-02T01:00:00</time>")))
    assert fix.time == datetime(2026, 3, 2, 1, tzinfo=UTC)
    assert heard == ["a.gpx: 1 time without a zone taken as UTC, as GPX says"]


def test_segments_begin_after_a_break(quiet: Quiet) -> None:
    one = point("") + point() + point()
    fixes, _ = quiet(points(one, one))
    assert [fix.after_break for fix in fixes] == [True, False, True, False]


def test_a_file_that_broke_off_is_read_up_to_there(tmp_path: Path) -> None:
    text = '<gpx version="1.1" creator="x" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>'
    for second in range(3):
        text += f'<trkpt lat="-37.8" lon="145"><time>2026-01-01T00:00:0{second}Z</time></trkpt>'
    path = tmp_path / "cut.gpx"
    path.write_text(text[:-20])
    said: list[str] = []
    with notes.aloud(said.append):
        assert len(read(path)) == 2
    assert said == ["cut.gpx breaks off; it is read up to its last whole point"]


def test_what_is_no_place_or_has_no_time_is_left_out_and_counted(quiet: Quiet) -> None:
    odd = [point(lat="nan"), point(lat="91"), point(lat="0", lon="0"), point("<time>yesterday</time>")]
    fixes, heard = quiet(points("".join([*odd, point()])))
    assert len(fixes) == 1
    assert heard == [
        "a.gpx: 3 points with a position that is none left out",
        "a.gpx: 1 point with no time that can be read left out",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<gpx", "no GPX that can be read: Error parsing XML"),
        (points(point(lat="x")), "could not convert string"),
        (points('<trkpt lon="3"/>'), "latitude is mandatory"),
        (points(), "holds no track point"),
        (points(point("")), r"holds no track point .*\(1 point without, 0 routes\)"),
        ('<!DOCTYPE g [<!ENTITY a "b">]><gpx/>', "defines entities"),
        ("", "no GPX that can be read"),
    ],
)
def test_what_cannot_be_read_gets_one_line(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "a.gpx").write_text(text)
    with pytest.raises(DataError, match=reason) as caught:
        read(tmp_path / "a.gpx")
    assert "\n" not in str(caught.value)
