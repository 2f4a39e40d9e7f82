"""What `roadworthy drive` prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from roadworthy import api
from roadworthy.cli import app as cli
from roadworthy.cli.printing import INTERRUPTED
from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.film.shots import About
from roadworthy.drive.limits.events import read_plates
from roadworthy.drive.limits.machine import LimitRow
from roadworthy.drive.output.result import DriveResult

ABOUT = About(
    place="film.mp4",
    duration_s=7200.0,
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


def event(number: int, sign: str, **more: Any) -> DriveEvent:
    facts = {
        "event": f"e{number:04d}",
        "sign": sign,
        "confidence": 0.987,
        "accepted": True,
        "first_s": 10.0 * number - 3,
        "last_s": 10.0 * number - 1,
        "passed_s": 10.0 * number,
        "frames": 60,
        "best_frame": 7,
        "box": (1.0, 2.0, 30.0, 40.0),
        "side": "left",
    }
    return DriveEvent(**{**facts, **more})


def drive(monkeypatch: pytest.MonkeyPatch, *arguments: str, **result: Any) -> int:
    facts = {"about": ABOUT, "duration_s": 3600.0, "frames": 9000, "looked": 6000, "seconds": 300.0, **result}
    monkeypatch.setattr(api, "drive", lambda *_, **__: DriveResult(**facts), raising=False)
    return cli.run(["drive", "film.mp4", "--out", "drives/first", *arguments])


def test_signs_and_limits_are_told_with_what_each_means_and_where_the_report_is(monkeypatch, capsys) -> None:
    events = (
        event(1, "speed-60"),
        event(2, "speed-40", zone="school", plates=read_plates("unread"), accepted=False, confidence=0.5),
        event(3, "stop", side=None, counts=False, why="it stands at another road"),
    )
    limits = (
        LimitRow(from_s=0.0, to_s=10.0, limit=None, state="unknown", event="", condition="no sign yet"),
        LimitRow(from_s=10.0, to_s=3600.0, limit=60, state="limit", event="e0001", condition=""),
    )
    assert drive(monkeypatch, events=events, limits=limits, lost=3) == 0
    out, err = capsys.readouterr()
    assert [line.split() for line in out.splitlines()] == [
        ["event", "passed,", "s", "sign", "confidence", "sure", "side", "for", "us"],
        ["e0001", "10.0", "speed-60", "0.99", "yes", "left", "yes"],
        ["e0002", "20.0", "speed-40", "(school", "zone,", "plate:", "unread)", "0.50", "no", "left", "yes"],
        ["e0003", "30.0", "stop", "0.99", "yes", "no"],
        [],
        ["from,", "s", "to,", "s", "limit,", "km/h", "because"],
        ["0.0", "10.0", "unknown", "no", "sign", "yet"],
        ["10.0", "3600.0", "60", "e0001"],
    ]
    assert err == (
        "3 signs in 60 min of film (9,000 frames, 20.0 a second); 3 frames could not be decoded; "
        "the report is drives/first/report.html\n"
    )


def test_a_stop_says_how_far_it_came_and_ends_as_one(monkeypatch, capsys) -> None:
    assert drive(monkeypatch, interrupted=True) == INTERRUPTED
    assert "stopped after 60 min of 2 h 0 min of film; --resume goes on from there" in capsys.readouterr().err


def test_long_drives_are_cut_and_fit_80_columns(monkeypatch, capsys) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    plates = read_plates("times 08:00-09:30 14:30-16:00; school-days")
    events = tuple(event(number, "speed-40", zone="school", plates=plates) for number in range(1, 301))
    limits = tuple(
        LimitRow(
            from_s=10.0 * n,
            to_s=10.0 * n + 10,
            limit=40,
            state="limit",
            event=f"e{n:04d}",
            condition="school zone, 08:00-09:30 and 14:30-16:00 on school days, which today is one of",
        )
        for n in range(1, 300)
    )
    monkeypatch.setattr("roadworthy.cli.layout.width_of", lambda stream: 80)
    assert drive(monkeypatch, events=events, limits=limits) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert f"and 280 more, in {Path('drives/first/events.csv')}" in lines
    assert f"and 279 more, in {Path('drives/first/limits.csv')}" in lines


def test_who_stops_at_once_is_told_what_is_kept(monkeypatch, capsys, tmp_path) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "drive", stopped, raising=False)
    assert cli.run(["drive", "film.mp4", "--out", str(tmp_path)]) == INTERRUPTED
    (tmp_path / "journal.jsonl").write_text("")
    assert cli.run(["drive", "film.mp4", "--out", str(tmp_path)]) == INTERRUPTED
    assert capsys.readouterr().err == "stopped\nstopped; what was seen is kept, --resume goes on\n"


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "8:15"])
def test_a_time_that_is_none_is_refused_with_one_that_is(monkeypatch, capsys, text) -> None:
    assert drive(monkeypatch, "--at", text) == 2
    assert f"--at is {text!r}; write the time at which the film began like 2026-" in capsys.readouterr().err
