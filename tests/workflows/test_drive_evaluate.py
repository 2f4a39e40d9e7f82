"""Drives held against their truth: where things lie, what is written, who drives."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roadworthy.core.errors import DataError, DataNotFoundError, UsageError
from roadworthy.core.notes import hearing
from roadworthy.workflows.drive_evaluate import evaluate_drives

EVENTS = "class,passed_s,first_s,confirmed_s\nspeed-60,10,7,9.5\nspeed-80,40,36,41\n"
LIMITS = "from_s,to_s,limit\n0,10,\n10,40,60\n40,100,80\n"


@pytest.fixture
def drives(tmp_path: Path) -> Callable[..., Path]:
    """Folders of drives with truth, 100 s at 36 km/h."""

    def write(*names: str) -> Path:
        for name in names:
            folder = tmp_path / "drives" / name
            (folder / "truth").mkdir(parents=True)
            (folder / "truth" / "events.csv").write_text(EVENTS)
            (folder / "truth" / "limits.csv").write_text(LIMITS)
            stretch = "[[stretches]]\nfrom_s = 0\nto_s = 100\nspeed_kmh = 36\n"
            (folder / "drive.toml").write_text(f'region = "au-vic"\nlength_s = 100\n{stretch}')
        return tmp_path / "drives"

    return write


def driven(folder: Path, events: str = EVENTS, limits: str | None = LIMITS) -> Path:
    folder.mkdir(parents=True)
    (folder / "events.csv").write_text(events)
    if limits is not None:
        (folder / "limits.csv").write_text(limits)
    return folder


def test_one_driven_folder_is_measured(drives: Callable[..., Path], tmp_path: Path) -> None:
    place = drives("a")
    said = LIMITS.replace("10,40,60", "10,25,50\n25,40,60")  # wrong for 150 of 900 m
    metrics = evaluate_drives(driven(tmp_path / "run", limits=said), f"drives:{place}", out=tmp_path / "out")
    assert metrics.all.event_kpi.value == 1.0
    assert metrics.all.distance_kpi.value == pytest.approx(750 / 900)
    tree = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert (tree["task"], tree["distance_kpi_n"], tree["data"]) == ("drive", 900, f"drives:{place}")
    assert tree["distance_kpi"] == pytest.approx(750 / 900)
    rows = list(csv.DictReader((tmp_path / "out" / "matched.csv").open()))
    assert [(row["event"], row["what"], row["answer_s"]) for row in rows] == [
        ("e0001", "right", "-0.5"),
        ("e0002", "right", "1.0"),
    ]
    assert json.loads((tmp_path / "out" / "provenance.json").read_text())["driven"] == str(tmp_path / "run")


def test_the_report_has_the_measures_the_thresholds_and_what_went_wrong(
    drives: Callable[..., Path], tmp_path: Path
) -> None:
    said = LIMITS.replace("10,40,60", "10,25,50\n25,40,60")
    found = "class,passed_s,first_s,confirmed_s\nspeed-70,10,7,9\nspeed-80,40,36,41\n"
    run = driven(tmp_path / "run", found, limits=said)
    evaluate_drives(run, f"drives:{drives('a')}", out=tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text().replace("\u00a0", " ")
    for words in (
        "EU 2021/1958",
        "distance, all",
        "83.3 %",
        "50.0 %",
        "misread",
        "speed-70",
        "missed",
        "kind",
    ):
        assert words in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")


def test_several_are_found_by_their_names(drives: Callable[..., Path], tmp_path: Path) -> None:
    place = drives("a", "b")
    driven(tmp_path / "run" / "a")
    with pytest.raises(DataError, match=r"no events.csv for b \(1 of 2 are missing\)"):
        evaluate_drives(tmp_path / "run", f"drives:{place}")
    driven(tmp_path / "run" / "b", events="class,passed_s\n")
    metrics = evaluate_drives(tmp_path / "run", f"drives:{place}")
    assert (metrics.drives, metrics.all.event_kpi.value) == (("a", "b"), 0.5)


def test_matched_tells_what_became_of_each(drives: Callable[..., Path], tmp_path: Path) -> None:
    found = (
        "class,passed_s,first_s,confirmed_s\nspeed-70,10,7,9\nspeed-80,40,36,50\nspeed-80,40.5,36,40\n"
        "stop,70,67,69\n"
    )
    evaluate_drives(driven(tmp_path / "run", found), f"drives:{drives('a')}", out=tmp_path / "out")
    rows = list(csv.DictReader((tmp_path / "out" / "matched.csv").open()))
    assert [(row["event"], row["what"], row["found"]) for row in rows] == [
        ("e0001", "misread", "e0001"),
        ("e0002", "late", "e0002"),
        ("e0002", "again", "e0003"),
        ("", "false", "e0004"),
    ]


@pytest.mark.parametrize("written", [True, False])
def test_a_reader_drives_first(drives: Callable[..., Path], tmp_path: Path, written: bool) -> None:
    place = drives("a", "b")
    for name in ("a", "b"):
        (place / name / "frames").mkdir()
        (place / name / "track.gpx").write_text("")
        (place / name / "drive.toml").write_text(
            'region = "au-vic"\nlength_s = 100\nstart = 2026-03-04T08:05:00\n'
        )
        (place / name / "track.gpx").unlink()
    asked: list[dict[str, Any]] = []

    def drive(place: Path, out: Path, **more: Any) -> None:
        asked.append({"place": place, "out": out, **more})
        (out / "events.csv").write_text(EVENTS)
        (out / "limits.csv").write_text(LIMITS)

    out = tmp_path / "out" if written else None
    done: list[tuple[int, int]] = []
    metrics = evaluate_drives(
        "packaged", f"drives:{place}", out=out, drive=drive, progress=lambda n, of: done.append((n, of))
    )
    assert metrics.all.event_kpi.value == 1.0
    assert [one["place"] for one in asked] == [place / "a" / "frames", place / "b" / "frames"]
    first = asked[0]
    assert (first["reader"], first["region"], first["gps"]) == (None, "au-vic", None)
    assert first["at"].isoformat() == "2026-03-04T08:05:00+11:00"
    assert done == [(1, 2), (2, 2)]
    assert (first["out"] == tmp_path / "out" / "driven" / "a") is written
    assert first["out"].exists() is written  # else it lay in a folder that is gone


def test_another_reader_is_handed_on(drives: Callable[..., Path], tmp_path: Path) -> None:
    place = drives("a")
    (place / "a" / "frames").mkdir()
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.toml").write_text("")
    readers: list[str | None] = []

    def drive(place: Path, out: Path, *, reader: str | None, **_: Any) -> None:
        readers.append(reader)
        driven(out / "x").joinpath("events.csv").rename(out / "events.csv")

    for reader in ("other.onnx", str(run)):
        with hearing() as notes:
            evaluate_drives(reader, f"drives:{place}", drive=drive)
        assert "no limit counts as right" in notes[0]
    assert readers == ["other.onnx", str(run)]


def test_wrong_places_are_one_clear_line(drives: Callable[..., Path], tmp_path: Path) -> None:
    place = drives("a", "b")
    one = driven(tmp_path / "run")
    with pytest.raises(UsageError, match="drives with truth are drives:DIR"):
        evaluate_drives(one, "drives:")
    with pytest.raises(DataNotFoundError, match="nothing at"):
        evaluate_drives(one, f"drives:{tmp_path / 'none'}")
    with pytest.raises(DataNotFoundError, match="a folder that roadworthy drive wrote, or a reader"):
        evaluate_drives(tmp_path / "none", f"drives:{place}")
    with pytest.raises(DataError, match="is of one drive, and 2 are to be measured"):
        evaluate_drives(one, f"drives:{place}")
    with pytest.raises(DataError, match="lies inside the data"):
        evaluate_drives(one, f"drives:{place / 'a'}", out=place / "a" / "out")
    with pytest.raises(DataError, match=r"a has no film \(film.mp4 or frames/\)"):
        evaluate_drives("packaged", f"drives:{place / 'a'}", drive=lambda *_, **__: None)
