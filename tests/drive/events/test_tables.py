"""Rows of events, written and read back."""

import csv
import io
import json

import pytest

from roadworthy.core.errors import DataError
from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.events.tables import COLUMNS, events_csv, events_jsonl, read_events
from roadworthy.drive.limits.events import read_plates

CONTRACT = (
    "event,class,kind,value,confidence,accepted,first_s,last_s,passed_s,frames,best_frame,box,side,plates,"
    "lat,lon"
)
EVENT = DriveEvent(
    event="e0001",
    sign="speed-40",
    confidence=0.98765,
    accepted=True,
    first_s=1.25,
    last_s=3.5,
    passed_s=3.75,
    frames=60,
    best_frame=100,
    box=(10.0, 20.5, 30.0, 44.0),
    confirmed_s=2.5,
    side="left",
    plates=read_plates("times 08:00-09:30 14:30-16:00; school-days"),
    zone="school",
    lat=-37.8,
    lon=144.9,
    error_m=3.2,
    counts=False,
    why="stands at a side road",
)


def test_a_row_has_the_contracts_columns_first() -> None:
    row = next(csv.DictReader(io.StringIO(events_csv([EVENT]))))
    assert ",".join(list(row)[:16]) == CONTRACT
    assert (row["class"], row["kind"], row["value"], row["accepted"]) == ("speed-40", "speed", "40", "yes")
    assert (row["box"], row["confidence"], row["counts"]) == ("10 20.5 30 44", "0.9877", "no")


def test_what_is_written_is_read_back(tmp_path) -> None:
    path = tmp_path / "events.csv"
    path.write_text(events_csv([EVENT]))
    (event,) = read_events(path)
    assert events_csv([event]) == events_csv([EVENT])
    assert event.plates == EVENT.plates


def test_a_line_of_json_has_the_same_columns() -> None:
    row = json.loads(events_jsonl([EVENT]))
    assert tuple(row) == COLUMNS
    assert (row["value"], row["box"]) == (40, [10.0, 20.5, 30.0, 44.0])


def test_a_table_by_hand_needs_class_and_time_alone(tmp_path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("class,passed_s\nspeed-60,12.5\n")
    (event,) = read_events(path)
    assert (event.event, event.first_s, event.accepted, event.counts) == ("e0001", 10.5, True, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("class,first_s\nstop,1\n", "no column 'passed_s'"),
        ("class,passed_s\nstop,soon\n", "soon"),
        ("class,passed_s,box\nstop,1,1 2 3\n", "four numbers"),
        ("class,passed_s,side\nstop,1,under\n", "side"),
        ("class,passed_s,accepted\nstop,1,perhaps\n", "neither yes nor no"),
    ],
)
def test_what_is_wrong_is_said_with_its_row(tmp_path, text, said) -> None:
    path = tmp_path / "events.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=f"row 2: .*{said}"):
        read_events(path)
