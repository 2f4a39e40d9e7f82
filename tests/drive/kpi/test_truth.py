"""A drive's truth: read, completed, and every fault named."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.drive.film import write_film
from roadworthy.drive.gps.fixes import Fix
from roadworthy.drive.gps.track import track_of
from roadworthy.drive.kpi.drive_file import Stretch
from roadworthy.drive.kpi.matching import match_events
from roadworthy.drive.kpi.travelled import travelled
from roadworthy.drive.kpi.truth import read_truth, truths_in

HEAD = "event,class,passed_s,first_s,last_s\n"


def test_a_folder_is_read(drive_folder: Callable[..., Path]) -> None:
    truth = read_truth(drive_folder())
    assert (truth.name, truth.length_s, truth.film, truth.gps) == ("monday", 110.0, None, None)
    assert [event.sign for event in truth.events] == ["speed-60", "speed-80"]
    assert [row.limit for row in truth.limits] == [None, 60, 80]
    assert [stretch.light for stretch in truth.stretches] == ["day", "night"]
    # 60 s at 60 km/h are 1000 m, 50 s at 90 km/h 1250 m.
    assert truth.travelled.source == "speed"
    assert truth.travelled.metres_at(np.array([0.0, 30.0, 60.0, 110.0])) == pytest.approx(
        [0, 500, 1000, 2250]
    )


def test_limits_are_worked_out_from_the_events(drive_folder: Callable[..., Path]) -> None:
    limits = read_truth(drive_folder(limits=None)).limits
    assert [(row.from_s, row.limit, row.event) for row in limits if row.state == "limit"] == [
        (10.0, 60, "e0001"),
        (40.0, 80, "e0002"),
    ]
    # Before the first sign the default of the region holds, by the kind of road of the stretch.
    assert (limits[0].state, limits[0].limit) == ("default", 50)


def test_all_but_events_may_be_missing_where_limits_tell_the_length(
    drive_folder: Callable[..., Path],
) -> None:
    truth = read_truth(drive_folder(about=None))
    assert (truth.length_s, truth.travelled.source, truth.stretches) == (110.0, "time", ())
    assert np.isnan(truth.travelled.metres_at(5.0))


def test_the_film_tells_the_length(drive_folder: Callable[..., Path]) -> None:
    pytest.importorskip("av")
    folder = drive_folder(events=f"{HEAD}a,stop,1,0,1\n", limits=None, about='region = "au-vic"\n')
    with write_film(folder / "film.mp4", 10) as writer:
        for i in range(20):
            writer.write(np.full((32, 48, 3), 5 * i, np.uint8), i / 10)
    truth = read_truth(folder)
    assert (truth.film, truth.length_s) == (folder / "film.mp4", pytest.approx(2.0, abs=0.11))


def test_the_track_tells_distances(drive_folder: Callable[..., Path]) -> None:
    pytest.importorskip("gpxpy")
    about = 'start = 2026-03-04T08:05:00\ntime_zone = "Australia/Melbourne"\nlength_s = 110\n'
    folder = drive_folder(about=about)
    began = datetime(2026, 3, 3, 21, 5, tzinfo=UTC)  # Melbourne is 11 hours ahead in March
    step = 10 / 111_195  # degrees of latitude that are 10 m
    points = (
        f'<trkpt lat="{-37 + i * step:.8f}" lon="145"><time>'
        f"{datetime.fromtimestamp(began.timestamp() + i, UTC):%Y-%m-%dT%H:%M:%SZ}</time></trkpt>"
        for i in range(111)
    )
    (folder / "track.gpx").write_text(
        '<gpx version="1.1" creator="x" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>'
        f"{''.join(points)}</trkseg></trk></gpx>"
    )
    went = read_truth(folder).travelled
    assert went.source == "gps"
    assert went.metres_at(np.array([50.0, 110.0])) == pytest.approx([500, 1100], rel=1e-3)
    assert went.speeds_at(np.array([50.5])) == pytest.approx(36, rel=1e-3)


@pytest.mark.parametrize(("length_s", "source"), [(102.0, "gps"), (105.0, "gps"), (106.0, "speed")])
def test_a_track_must_know_all_but_a_twentieth(length_s: float, source: str) -> None:
    fixes = (Fix(lat=-37 + i * 1e-4, lon=145, film_s=float(i)) for i in range(101))
    stretch = Stretch(from_s=0, to_s=length_s, speed_kmh=36)
    assert travelled(length_s, [stretch], track_of(fixes)).source == source


def test_a_short_film_may_end_two_seconds_behind_its_track() -> None:
    fixes = [Fix(lat=-37 + i * 1e-4, lon=145, film_s=float(i)) for i in range(9)]
    assert travelled(10.0, (), track_of(fixes)).source == "gps"
    assert travelled(10.1, (), track_of(fixes)).source == "time"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"events": f"{HEAD}a,sped-60,5,3,5\n"}, "a: class 'sped-60' is unknown; did you mean 'speed-60'?"),
        (
            {"events": f"{HEAD}a,stop,500,3,5\n"},
            "it is seen from 3 and passed at 500 s, and the drive lasts from 0 to 110 s",
        ),
        ({"events": f"{HEAD}a,stop,5,6,4\n"}, "first_s is 6 and last_s 4"),
        ({"events": f"{HEAD}a,stop,5,3,5\na,stop,9,7,9\n"}, "a is there 2 times"),
        ({"limits": "from_s,to_s,limit\n3,110,60\n"}, "limits.csv begins at 3 s; it must begin at 0"),
        ({"limits": "from_s,to_s,limit\n0,50,60\n55,110,80\n"}, "nothing is said from 50 to 55 s"),
        ({"limits": "from_s,to_s,limit\n0,60,60\n50,110,80\n"}, "two rows speak of 50 to 60 s"),
        ({"limits": "from_s,to_s,limit\n0,50,60\n"}, "nothing is said from 50 s to the end at 110 s"),
        ({"limits": "from_s,to_s,limit\n0,150,60\n"}, "ends at 150 s, and the drive at 110 s"),
        ({"limits": "from_s,to_s,limit\n"}, "limits.csv has no rows"),
        ({"limits": None, "about": "length_s = 110"}, "names no region"),
        ({"about": "lenght_s = 110"}, "'lenght_s' is not known here; did you mean 'length_s'?"),
        ({"about": 'region = "au-xyz"'}, "region 'au-xyz' is unknown"),
        ({"about": "region = 3"}, "region is 3; it must be a name"),
        ({"about": 'time_zone = "Mars/Olympus"'}, "no time zone"),
        ({"about": 'start = "morning"'}, "start is 'morning'; it must be a date and time"),
        ({"about": "length_s = -1"}, "length_s is -1; it must be seconds"),
        ({"about": "stretches = 3"}, "stretches must be tables"),
        ({"about": "[[stretches]]\nfrom_s = 5\nto_s = 5\n"}, "stretch 1: it lasts from 5 to 5 s"),
        ({"about": "[[stretches]]\nto_s = 5\n"}, "stretch 1: from_s must be seconds"),
        ({"about": "[[stretches]]\nfrom_s=0\nto_s=5\nlight=3\n"}, "stretch 1: light is 3; it must be a word"),
        ({"about": "[[stretches]]\nfrom_s=0\nto_s=5\nspeed_kmh=-3\n"}, "speed_kmh is -3"),
        ({"about": "[[stretches]]\nfrom_s=0\nto_s=5\nfog=1\n"}, "'fog' is not known here"),
        (
            {"about": "[[stretches]]\nfrom_s=0\nto_s=5\n[[stretches]]\nfrom_s=4\nto_s=9\n"},
            "two stretches speak of 4 to 5 s",
        ),
        (
            {"about": "length_s=110\n[[stretches]]\nfrom_s=0\nto_s=500\n"},
            "a stretch ends at 500 s, and the drive at 110 s",
        ),
        ({"about": "length_s = "}, "cannot be read as TOML"),
        ({"boxes": "frame,event,x1,y1,x2,y2\n0,e0009,0,0,5,5\n"}, "no event 'e0009' is in events.csv"),
        ({"boxes": "frame,event,x1,y1,x2,y2\n0,e0001,6,0,5,5\n"}, "row 2: the box reaches"),
        ({"boxes": "frame,event,x1,y1,x2,y2\n0,e0001,0,0,5,5\n0,e0001,0,0,5,6\n"}, "e0001 twice"),
        ({"boxes": "frame,event,x1,y1,x2,y2,class,visible\n0,e0001,0,0,5,5,stop,2\n"}, "visible is 2"),
        ({"events": HEAD, "limits": None, "about": None}, "nothing tells how long the drive is"),
    ],
)
def test_a_fault_is_one_clear_line(drive_folder: Callable[..., Path], changed: dict, said: str) -> None:
    with pytest.raises(DataError) as caught:
        read_truth(drive_folder(**changed))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_more_than_is_read_may_be_told_and_a_start_as_text(drive_folder: Callable[..., Path]) -> None:
    about = 'start = "2026-03-04T08:05:00+11:00"\nlength_s = 110\nfps = 30\n[camera]\nwidth = 1280\n'
    began = read_truth(drive_folder(about=about)).about.began
    assert began is not None
    assert began.isoformat() == "2026-03-04T08:05:00+11:00"


def test_a_sign_may_be_passed_behind_the_end_if_it_is_seen_before(drive_folder: Callable[..., Path]) -> None:
    truth = read_truth(drive_folder(events=f"{HEAD}a,stop,114,106,110\n"))
    (one,) = match_events(truth.events, (), length_s=truth.length_s).matched
    assert (one.passed, one.asked) == (False, False)


def test_several_faults_are_a_line_each(drive_folder: Callable[..., Path]) -> None:
    folder = drive_folder(events=f"{HEAD}a,sped-60,5,3,5\nb,stop,500,3,5\n")
    with pytest.raises(DataError, match="2 faults") as caught:
        read_truth(folder)
    assert len(str(caught.value).splitlines()) == 3


def test_drives_are_found_below_a_folder(drive_folder: Callable[..., Path]) -> None:
    both = [drive_folder("b"), drive_folder("a")]
    assert truths_in(both[0]) == [both[0]]
    assert truths_in(both[0].parent) == sorted(both)
    with pytest.raises(DataNotFoundError, match=r"truth/events\.csv"):
        truths_in(both[0] / "truth")
    with pytest.raises(DataNotFoundError, match=r"needs one"):
        read_truth(both[0].parent)
