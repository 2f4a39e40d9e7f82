"""From a bundle's file to signs with boxes, in Python and on the command line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import roadworthy
from roadworthy.cli import app as cli
from roadworthy.core.errors import BundleError, UsageError
from roadworthy.core.finding_rule import FindingRule
from roadworthy.core.rejection import Rejection
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.answer_rule import AnswerRule, Found
from roadworthy.inference.bundle import Manifest, read_bundle, seal

CLASSES = ("stop", "speed-60", "no-sign")  # red, green, blue
BOX = (60, 20, 110, 70)


@pytest.fixture(scope="module")
def bundle(toy: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that answers by colour, and the same for windows beside it."""
    path = tmp_path_factory.mktemp("finding") / "colours.onnx"
    for name, kind, stride in ((path, "crop", 0), (path.with_name("colours-find.onnx"), "dense", 8)):
        manifest = Manifest(
            kind=kind,
            classes=CLASSES,
            input=InputSpec(size=16, normalise="unit"),
            stride=stride,
            temperature=20.0,
            rejection=Rejection(score="probability", threshold=0.9, coverage=0.99, n=100),
        )
        name.write_bytes(seal(toy(stride=stride).SerializeToString(), manifest))
    return path


def street(colour: tuple[int, int, int] | None = (220, 0, 0)) -> np.ndarray:
    image = np.zeros((100, 180, 3), dtype=np.uint8)
    image[..., 2] = 150
    if colour is not None:
        image[BOX[1] : BOX[3], BOX[0] : BOX[2]] = colour
    return image


def test_signs_are_found_with_their_boxes(bundle: Path, red_finder: Path) -> None:
    classifier = roadworthy.load(bundle, finder=red_finder)
    (row,) = classifier.find(street())
    assert (row.predicted, row.accepted, row.box) == ("stop", True, BOX)
    assert row.found == pytest.approx(0.9, abs=0.01)
    assert classifier.find(street(None)) == []


def test_any_model_that_reads_reads_what_is_found(colours: Path, red_finder: Path) -> None:
    (row,) = roadworthy.load(colours, finder=red_finder).find(street())
    assert (row.predicted, row.box) == ("stop", BOX)


def test_an_answer_is_not_accepted_where_the_finder_is_not_sure(
    bundle: Path, red_finder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = read_bundle(red_finder)
    rule = FindingRule(threshold=0.5, sure=0.95, frames=10)
    doubtful = tmp_path / "doubtful.onnx"
    doubtful.write_bytes(seal(found.network, replace(found.manifest, finding=rule)))
    (row,) = roadworthy.load(bundle, finder=doubtful).find(street())
    assert (row.predicted, row.accepted, row.reason) == ("stop", False, "it may be no such sign")
    Image.fromarray(street()).save(tmp_path / "a.png")
    (row,) = roadworthy.predict(bundle, tmp_path / "a.png", find=True, finder=doubtful)
    assert (row.predicted, row.accepted, row.reason) == ("stop", False, "it may be no such sign")
    line = ["predict", str(bundle), str(tmp_path / "a.png"), "--find", "--finder", str(doubtful)]
    assert cli.run(line) == 0
    assert "stop (not sure)" in capsys.readouterr().out


def test_finder_and_reader_must_be_sure_together() -> None:
    rule = AnswerRule(classes=("stop", "give-way"), sure=0.6)
    logits = np.array([1.0, 0.0], np.float32)  # a confidence of 0.731
    accepted = {}
    for score in (0.8, 0.9):  # each is above the rule, as the confidence is
        (row,) = rule.found_rows("", [Found(box=BOX, logits=logits, score=score)], colourless=False)
        accepted[score] = row.reason is None
    assert accepted == {0.8: False, 0.9: True}  # 0.585 and 0.658


def test_what_the_reader_calls_no_sign_is_left_out(bundle: Path, red_finder: Path) -> None:
    """The finder's box is of all that is red; most of this one is blue."""
    scattered = street(None)
    scattered[20, 60] = scattered[69, 109] = (220, 0, 0)
    assert roadworthy.load(bundle, finder=red_finder).find(scattered) == []


@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_the_readers_doubt_that_there_is_a_sign_counts_against_a_box(
    bundle: Path, red_finder: Path, tmp_path: Path, threshold: float
) -> None:
    found = read_bundle(red_finder)
    rule = FindingRule(threshold=threshold, sure=threshold, frames=10)
    finder = tmp_path / "finder.onnx"
    finder.write_bytes(seal(found.network, replace(found.manifest, finding=rule)))
    # Red and blue are about as strong: it may be a stop sign, or none.
    rows = roadworthy.load(bundle, finder=finder).find(street((220, 0, 150)))
    if threshold == 0.8:
        assert rows == []
        return
    ((name, doubt), *_), found_score = rows[0].alternatives, rows[0].found
    assert name == "no-sign"
    assert 0.3 < doubt < 0.5
    assert found_score == pytest.approx(0.9 * (1 - doubt) ** 0.5, rel=1e-3)


def test_what_is_not_sure_at_first_is_looked_at_closer(bundle: Path) -> None:
    """A small sign in a large picture: as a whole the picture is blue, and so no sign."""
    classifier = roadworthy.load(bundle)
    assert classifier.looks_closer
    near, far, nothing = classifier.predict([street()[20:70, 60:110], street(), street(None)])
    assert (near.predicted, near.box) == ("stop", None)
    assert far.predicted == "stop"
    assert far.box is not None
    assert (nothing.predicted, nothing.box) == ("no-sign", None)


def test_the_command_line_finds_too(
    bundle: Path, red_finder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(street()).save(tmp_path / "a.png")
    Image.fromarray(street(None)).save(tmp_path / "b.png")
    line = ["predict", str(bundle), str(tmp_path), "--find", "--finder", str(red_finder)]
    assert cli.run([*line, "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["predicted"], row.get("box")) for row in rows] == [("stop", [*BOX]), ("no-sign", None)]
    assert rows[0]["found"] == pytest.approx(0.9, abs=0.01)
    assert cli.run([*line, "--format", "csv"]) == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["box"] for row in table] == ["60.0 20.0 110.0 70.0", ""]
    assert float(table[0]["found"]) == pytest.approx(rows[0]["found"], abs=1e-6)
    assert table[1]["found"] == ""
    assert cli.run(line) == 0
    assert " at 60 20 110 70" in capsys.readouterr().out


def test_the_smallest_sign_is_the_same_for_python_the_command_line_and_files(
    bundle: Path, red_finder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float | None] = []
    monkeypatch.setattr(
        "roadworthy.inference.classifier.find_signs", lambda *_, least_px, **__: asked.append(least_px) or []
    )
    picture = tmp_path / "a.png"
    Image.fromarray(street()).save(picture)
    classifier = roadworthy.load(bundle, finder=red_finder)
    classifier.find(street())
    classifier.find(street(), least_px=30.0)
    list(roadworthy.predict(bundle, [str(picture)], find=True, finder=red_finder))
    list(roadworthy.predict(bundle, [str(picture)], find=True, finder=red_finder, least_px=30.0))
    line = ["predict", str(bundle), str(picture), "--find", "--finder", str(red_finder)]
    assert cli.run(line) == 0
    assert cli.run([*line, "--smallest", "30"]) == 0
    assert asked == [None, 30.0] * 3
    with pytest.raises(UsageError, match=r"least_px=30\.0 has no effect without find"):
        roadworthy.predict(bundle, [str(picture)], least_px=30.0)
    with pytest.raises(UsageError, match=r"finder=.*red\.onnx has no effect without find"):
        roadworthy.predict(bundle, [str(picture)], finder=red_finder)
    with pytest.raises(UsageError, match="give 4 or more"):
        roadworthy.predict(bundle, [str(picture)], find=True, finder=red_finder, least_px=2.0)


def test_a_copy_without_a_finder_says_what_would_work(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roadworthy.inference.finder.packaged_finder", lambda: None)
    with pytest.raises(UsageError, match="train one"):
        roadworthy.load(bundle).find(street())
    with pytest.raises(UsageError, match="train one"):
        roadworthy.predict(bundle, ["there-is-none.png"], find=True)


def test_the_finder_that_comes_along_has_a_name(
    bundle: Path, red_finder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roadworthy.inference.finder.packaged_finder", lambda: red_finder)
    (row,) = roadworthy.load(bundle, finder="packaged").find(street())
    assert (row.predicted, row.box) == ("stop", BOX)
    with pytest.raises(UsageError, match="no model 'pakaged'; did you mean packaged"):
        roadworthy.load(bundle, finder="pakaged")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"no finder at packaged; give a bundle \(.onnx\)"):
        roadworthy.load(bundle, finder=Path("packaged"))


def test_readers_and_finders_are_not_mixed_up(bundle: Path, red_finder: Path) -> None:
    with pytest.raises(UsageError, match="give it as the finder"):
        roadworthy.load(red_finder)
    with pytest.raises(BundleError, match="reads signs and does not find them"):
        roadworthy.load(bundle, finder=bundle).find(street())


def test_a_bundle_alone_does_not_look_closer(bundle: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.onnx"
    alone.write_bytes(bundle.read_bytes())
    classifier = roadworthy.load(alone)
    assert not classifier.looks_closer
    (row,) = classifier.predict(street())
    assert row.predicted == "no-sign"
