"""What the benchmarks of finding make of turns, boxes and verdicts; what finds is a stub."""

from __future__ import annotations

import csv
import importlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from roadworthy.core.errors import DataError
from roadworthy.inference.answers import Row

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
LIMIT, UNLISTED, FALSE = (10.0, 10.0, 40.0, 40.0), (60.0, 10.0, 90.0, 40.0), (10.0, 60.0, 40.0, 90.0)


@pytest.fixture
def speed(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return benchmark("finding_speed", monkeypatch)


@pytest.fixture
def frames(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return benchmark("finding_frames", monkeypatch)


def benchmark(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module(name)


def test_contenders_take_turns_and_are_told_beside_the_first(speed: ModuleType) -> None:
    order: list[str] = []

    def contender(name: str, seconds: float) -> Any:
        def turn(frame: int) -> tuple[float, float, float, int]:
            order.append(name)
            return seconds * (1 + frame), seconds / 2, float("nan"), 5

        return turn

    turns = speed.in_turn({"new": contender("new", 0.01), "old": contender("old", 0.4)}, frames=3, rounds=4)
    assert order.count("new") == order.count("old") == 3 * 5
    assert {tuple(order[i : i + 2]) for i in range(0, 30, 2)} == {("new", "old"), ("old", "new")}
    row = speed.row("old", turns, "new")
    assert (row["n"], row["boxes"], row["network_p50_ms"]) == (12, [5, 5, 5], None)
    assert row["p50_ms"] == pytest.approx(800)
    assert row["cpu_p50_ms"] == pytest.approx(200)
    assert [row["times"], *row["times_ci95"]] == pytest.approx([40] * 3)
    assert "| old | 12 | 800.0 (800.0 to 800.0) | 1200.0 | 200.0 |  | 5, 5, 5 | 40.00 (" in speed.table([row])


def test_frames_are_windows_in_which_about_five_boxes_are_read(speed: ModuleType) -> None:
    image = np.zeros((800, 1360, 3), np.uint8)
    image[790, 1350] = 9
    cut = speed.window(image, [(1300.0, 700.0, 1320.0, 720.0)])
    assert cut.shape == (720, 1280, 3)
    assert cut[710, 1270].max() == 9  # the corner nearest to the sign

    class Stages:
        def look(self, frame: np.ndarray) -> tuple[int, float]:
            return int(frame[0, 0, 0]), 0.0

    shown = [np.full((1, 1, 3), n, np.uint8) for n in (0, 9, 4, 5, 5)]
    assert [int(one[0, 0, 0]) for one in speed.chosen(Stages(), shown, 3)] == [5, 5, 4]


def test_what_labels_leave_out_is_judged_by_eye(
    frames: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One limit that is labelled without its value, and three sure boxes beside it in two frames."""
    place = voc(tmp_path / "set")
    rows = [
        [row("speed-60", LIMIT, 0.9), row("stop", UNLISTED, 0.8)],
        [row("no-entry", FALSE, 0.7), row("give-way", UNLISTED, 0.1, accepted=False)],
    ]
    stages = (lambda image: rows[int(image[0, 0, 0]) // 100], 0.5, {"finder": "a stub"})
    monkeypatch.setattr(frames, "by_stages", lambda *_: stages)

    def run(*more: str) -> dict[str, Any]:
        line = ["frames", f"voc:{place}", "--split", "test", "--finder", "f.onnx", "--nameless", "speed"]
        monkeypatch.setattr(sys, "argv", [*line, "--out", str(tmp_path / "out"), *more])
        frames.main()
        found: dict[str, Any] = json.loads((tmp_path / "out" / "results.json").read_text())
        return found

    before = run()
    assert before["found_and_read"] == 1  # any limit reads a limit without value right
    assert before["precision"] == pytest.approx(1 / 3)
    assert "frames_with_a_sure_wrong_box" not in before
    sheet = tmp_path / "out" / "judge.csv"
    asked = list(csv.DictReader(sheet.open()))
    assert [(one["answer"], one["kind"], one["verdict"]) for one in asked] == [
        ("stop", "nothing", ""),
        ("no-entry", "nothing", ""),
    ]
    assert (tmp_path / "out" / "judge-1.png").is_file()
    verdicts = tmp_path / "judged.csv"
    verdicts.write_text(sheet.read_text())
    with pytest.raises(SystemExit, match="2 sure boxes that match no label are not judged"):
        run("--judged", str(verdicts))
    written = sheet.read_text().splitlines()
    # The first box has moved a little since.
    verdicts.write_text(f"{written[0]}\n{written[1].replace('60.0', '62.0')}unlisted\n{written[2]}wrong\n")
    monkeypatch.setattr(frames, "by_stages", lambda *_: (pytest.fail, *stages[1:]))  # what was found is kept
    after = run("--judged", str(verdicts))
    assert after["precision"] == pytest.approx(1 / 2)
    assert after["frames_with_a_sure_wrong_box"].startswith("1 of 2 (50.0%")
    assert after["sure_boxes_that_are_right"].startswith("2 of 3")
    assert after["sure_boxes_on_signs_that_labels_lack"] == "1"
    assert "| as shown: 0.500 | 100.0%" in capsys.readouterr().out
    more = run("--judged", str(verdicts), "--upto", "2")
    assert [one["answer"] for one in csv.DictReader(sheet.open())] == ["stop", "no-entry", "give-way"]
    assert more["frames_with_a_sure_wrong_box"] == after["frames_with_a_sure_wrong_box"]


def test_a_verdict_is_for_one_answer_and_one_of_three_words(frames: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "judged.csv"
    line = "1,voc,a.png,60,10,90,40,stop,0.9,0.8,nothing,no-sign"
    path.write_text(f"{','.join(frames.COLUMNS)}\n{line},maybe\n")
    with pytest.raises(DataError, match=r"line 2 has the verdict 'maybe'; give right, wrong, unlisted"):
        frames.read_judged(path)
    path.write_text(f"{','.join(frames.COLUMNS)}\n{line},right\n{line},\n")
    (judged,) = frames.read_judged(path)
    one = frames.FrameResult(
        path="a.png",
        boxes=np.array([UNLISTED, UNLISTED, FALSE], np.float32),
        scores=np.array([0.9, 0.8, 0.7], np.float32),
        predicted=("stop", "give-way", "stop"),
        confidence=np.ones(3, np.float32),
    )
    predictions = frames.FinderPredictions(frames=(one,))
    doubts = [frames.Doubt(frame=0, box=i, kind="nothing") for i in range(3)]
    said = [frames.verdict_of(doubt, predictions, [("voc", "a.png")], [judged]) for doubt in doubts]
    assert said == ["right", "", ""]
    elsewhere = frames.verdict_of(doubts[0], predictions, [("gtsdb", "a.png")], [judged])
    assert elsewhere == ""


def test_a_set_without_splits_is_not_measured_by_mistake(
    frames: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = voc(tmp_path / "set", split=False)
    monkeypatch.setattr(sys, "argv", ["frames", f"voc:{place}", "--finder", "f.onnx"])
    with pytest.raises(SystemExit):
        frames.main()
    assert "names no splits; add ?split_seed=0" in capsys.readouterr().err


def row(name: str, box: tuple[float, float, float, float], found: float, *, accepted: bool = True) -> Row:
    return Row(path="", predicted=name, confidence=0.99, accepted=accepted, box=box, found=found)


def voc(place: Path, *, split: bool = True) -> Path:
    """Two frames of 100 px, told apart by their grey level; the first has a limit."""
    for name, level, objects in (
        ("a", 0, "<object><name>speedlimit</name><bndbox><xmin>11</xmin><ymin>11</ymin>"
                 "<xmax>40</xmax><ymax>40</ymax></bndbox></object>"),
        ("b", 100, ""),
    ):  # fmt: skip
        for folder in ("images", "annotations"):
            (place / folder).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((100, 100, 3), level, np.uint8)).save(place / "images" / f"{name}.png")
        text = f"<annotation><filename>{name}.png</filename>{objects}</annotation>"
        (place / "annotations" / f"{name}.xml").write_text(text)
    if split:
        lists = place / "ImageSets" / "Main"
        lists.mkdir(parents=True)
        (lists / "test.txt").write_text("a\nb\n")
    return place
