"""A folder of films: each watched by itself, one bad one among them, gone on with after a stop."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadworthy import api
from roadworthy.cli import app as cli
from roadworthy.core.errors import ConfigError, DataError, UnknownNameError
from roadworthy.drive.film import write_film
from roadworthy.workflows import drive_films as workflow

av = pytest.importorskip("av")

FRESH = [("a.mp4", "done", False), ("bad.mp4", "failed", False), ("c.mp4", "done", False)]
BEGAN = datetime(2026, 7, 1, tzinfo=UTC)
GPX = (
    '<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>'
    '<trkpt lat="-37.8" lon="144.9"><time>2026-07-01T00:00:00Z</time></trkpt>'
    '<trkpt lat="-37.7999" lon="144.9"><time>2026-07-01T00:00:01Z</time></trkpt>'
    "</trkseg></trk></gpx>"
)


def write(path: Path, frames: int = 4) -> Path:
    grey = np.full((180, 320, 3), 128, np.uint8)
    with write_film(path, 4.0, created=BEGAN) as film:
        for index in range(frames):
            film.write(grey, index / 4)
    return path


@pytest.fixture
def films(tmp_path) -> Path:
    """Two films, the first with a track beside it, and one that is none between them."""
    folder = tmp_path / "films"
    folder.mkdir()
    write(folder / "a.mp4")
    (folder / "a.GPX").write_text(GPX)
    (folder / "bad.mp4").write_bytes(b"no film at all")
    write(folder / "c.mp4")
    (folder / "c.jpg").write_bytes(b"a thumbnail")
    return folder


def states(driven: workflow.FilmsDriven) -> list[tuple[str, str, bool]]:
    return [(film.film, film.state, film.kept) for film in driven.films]


def test_each_film_has_its_folder_and_a_bad_one_stops_no_other(films, tmp_path) -> None:
    out, told = tmp_path / "out", []
    driven = api.drive_films(films, out, region="au-vic", ended=lambda one: told.append(one.film))
    assert states(driven) == [
        ("a.mp4", "done", False),
        ("bad.mp4", "failed", False),
        ("c.mp4", "done", False),
    ]
    assert told == ["a.mp4", "bad.mp4", "c.mp4"]
    assert "bad.mp4" in driven.failed[0].why
    assert "\n" not in driven.failed[0].why
    for name in ("events.csv", "limits.csv", "report.html", "provenance.json", "signs.geojson"):
        assert (out / "a" / name).is_file()
        assert (out / "c" / name).is_file()
    assert (out / "a" / "track.geojson").is_file()  # by its name, beside the film
    assert not (out / "c" / "track.geojson").exists()
    for name in ("signs.csv", "signs.geojson"):
        assert (out / name).is_file()
    assert driven.failed[0].why.split(":")[0] in (out / "report.html").read_text()
    assert [film["state"] for film in json.loads((out / "films.json").read_text())["films"]] == [
        *("done", "failed", "done")
    ]


def test_a_sign_that_two_films_pass_is_told_once(films, tmp_path, monkeypatch) -> None:
    """The films are grey: what stands in their tables is put there."""
    (films / "c.gpx").write_text(GPX)

    def drive(place: Path, to: Path, **settings: Any) -> Any:
        result = real(place, to, **settings)
        columns = "event,class,passed_s,lat,lon,error_m,side"
        (to / "events.csv").write_text(f"{columns}\ne0001,speed-60,0.5,-37.7998,144.89996,4,left\n")
        return result

    real = workflow.drive
    monkeypatch.setattr(workflow, "drive", drive)
    api.drive_films(films, tmp_path / "out")
    with (tmp_path / "out" / "signs.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["class"], row["seen"], row["drives"], row["heading"]) == ("speed-60", "2", "a; c", "0.0")
    assert (row["error_m"], row["first_seen"]) == ("2.8", "2026-07-01T00:00:00+00:00")


def test_what_is_done_is_left_and_what_is_not_goes_on(films, tmp_path, monkeypatch) -> None:
    out = tmp_path / "out"
    api.drive_films(films, out)
    with pytest.raises(ConfigError, match="--resume"):
        api.drive_films(films, out)
    write(films / "bad.mp4")
    (out / "c" / "report.html").unlink()
    watched: list[tuple[str, bool]] = []

    def drive(place: Path, to: Path, **settings: Any) -> Any:
        watched.append((place.name, settings["resume"]))
        return real(place, to, **settings)

    real = workflow.drive
    monkeypatch.setattr(workflow, "drive", drive)
    driven = api.drive_films(films, out, resume=True)
    assert watched == [("bad.mp4", False), ("c.mp4", True)]
    assert states(driven) == [("a.mp4", "done", True), ("bad.mp4", "done", False), ("c.mp4", "done", False)]
    watched.clear()
    assert [film.kept for film in api.drive_films(films, out, resume=True, region="au-vic").films] == [
        False
    ] * 3
    assert watched == [("a.mp4", True), ("bad.mp4", True), ("c.mp4", True)]


def test_a_stop_before_the_first_frame_can_be_gone_on_from(films, tmp_path, monkeypatch) -> None:
    def drive(place: Path, to: Path, **_: Any) -> Any:
        to.mkdir()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(workflow, "drive", drive)
        with pytest.raises(KeyboardInterrupt):
            api.drive_films(films, tmp_path / "out")
    assert states(api.drive_films(films, tmp_path / "out", resume=True)) == FRESH


def test_after_a_kill_films_go_on_to_the_same_answers(films, tmp_path) -> None:
    """The second film is killed under way: the first is left as it is, and nothing is told twice."""
    write(films / "c.mp4", frames=60)
    out, whole = tmp_path / "out", tmp_path / "whole"
    journal = out / "c" / "journal.jsonl"
    command = [sys.executable, "-m", "roadworthy", "drive", str(films), "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while not journal.is_file() or journal.read_bytes().count(b"\n") < 4:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert not (out / "report.html").exists()
    driven = api.drive_films(films, out, resume=True)
    assert states(driven) == [("a.mp4", "done", True), *FRESH[1:]]
    api.drive_films(films, whole)
    for name in ("a/events.csv", "c/events.csv", "c/limits.csv", "signs.csv", "signs.geojson"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()


def test_after_a_stop_no_further_film_is_begun(films, tmp_path, monkeypatch) -> None:
    def drive(place: Path, to: Path, **_: Any) -> Any:
        class Stopped:
            interrupted, events, duration_s = True, (), 0.5

        return Stopped()

    monkeypatch.setattr(workflow, "drive", drive)
    driven = api.drive_films(films, tmp_path / "out")
    assert driven.interrupted
    assert states(driven) == [("a.mp4", "stopped", False)]


def test_folders_of_pictures_are_frames_and_films_of_one_name_have_folders_of_their_own(tmp_path) -> None:
    assert not workflow.holds_films(tmp_path)
    (tmp_path / "frame_1.png").write_bytes(b"")
    assert not workflow.holds_films(tmp_path)
    assert not workflow.holds_films("camera:0")
    for name in ("a.mp4", "A.MOV", "b.mkv", "._b.mkv"):
        (tmp_path / name).write_bytes(b"")
    assert workflow.holds_films(tmp_path)
    assert workflow._named(workflow.films_in(tmp_path)) == {
        tmp_path / "A.MOV": "A.MOV",
        tmp_path / "a.mp4": "a.mp4",
        tmp_path / "b.mkv": "b",
    }


def test_what_is_wrong_for_all_is_said_before_any_is_watched(films, tmp_path) -> None:
    out = tmp_path / "out"
    with pytest.raises(UnknownNameError, match="slurm"):
        api.drive_films(films, out, on="slurm")
    with pytest.raises(UnknownNameError, match="region"):
        api.drive_films(films, out, region="nowhere")
    with pytest.raises(DataError, match="holds no films"):
        api.drive_films(tmp_path, out)
    with pytest.raises(ConfigError, match="no drives to go on with"):
        api.drive_films(films, out, resume=True)
    assert not out.exists()


def test_the_command_says_which_film_was_bad_and_its_exit_code_does(films, tmp_path, capsys) -> None:
    out = tmp_path / "out"
    assert cli.run(["drive", str(films), "--out", str(out)]) == 2
    said = capsys.readouterr()
    assert "1 of 3: a.mp4" in said.err
    assert [line for line in said.err.splitlines() if line.startswith("error: bad.mp4: ")]
    assert "2 films watched; 1 film could not be watched" in said.err
    assert [line.split()[0] for line in said.out.splitlines()] == ["film", "a.mp4", "bad.mp4", "c.mp4"]
    (films / "bad.mp4").unlink()
    assert cli.run(["drive", str(films), "--out", str(out), "--resume"]) == 0
    assert "2 films watched, 2 of them before" in capsys.readouterr().err


@pytest.mark.parametrize(
    "option", [["--at", "2026-07-01T00:00:00Z"], ["--rate", "5"], ["--corrections", "x"]]
)
def test_options_of_one_film_are_refused_for_many(films, tmp_path, option, capsys) -> None:
    assert cli.run(["drive", str(films), "--out", str(tmp_path / "out"), *option]) == 2
    assert f"{option[0]} is of one film" in capsys.readouterr().err


def test_films_are_watched_on_a_cluster_too(films, tmp_path) -> None:
    pytest.importorskip("ray")
    driven = api.drive_films(films, tmp_path / "out", on="ray")
    assert states(driven) == [
        ("a.mp4", "done", False),
        ("bad.mp4", "failed", False),
        ("c.mp4", "done", False),
    ]
