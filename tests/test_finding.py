"""From a bundle's file to signs with boxes, in Python and on the command line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import roadworthy
from roadworthy.cli import app as cli
from roadworthy.core.errors import UsageError
from roadworthy.core.rejection import Rejection
from roadworthy.imaging.spec import InputSpec
from roadworthy.inference.bundle import Manifest, seal

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


def test_signs_are_found_with_their_boxes(bundle: Path) -> None:
    classifier = roadworthy.load(bundle)
    assert classifier.finds
    found = classifier.find(street())
    assert found[0].predicted == "stop"
    assert found[0].accepted is True
    for row in found:  # by colour alone their size cannot be told, but where they are can
        assert row.box is not None
        middle = ((row.box[0] + row.box[2]) / 2, (row.box[1] + row.box[3]) / 2)
        assert BOX[0] < middle[0] < BOX[2]
        assert BOX[1] < middle[1] < BOX[3]
    assert classifier.find(street(None)) == []


def test_what_is_not_sure_at_first_is_looked_at_closer(bundle: Path) -> None:
    """A small sign in a large picture: as a whole the picture is blue, and so no sign."""
    classifier = roadworthy.load(bundle)
    near, far, nothing = classifier.predict([street()[20:70, 60:110], street(), street(None)])
    assert (near.predicted, near.box) == ("stop", None)
    assert far.predicted == "stop"
    assert far.box is not None
    assert (nothing.predicted, nothing.box) == ("no-sign", None)


def test_the_command_line_finds_too(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(street()).save(tmp_path / "a.png")
    Image.fromarray(street(None)).save(tmp_path / "b.png")
    assert cli.run(["predict", str(bundle), str(tmp_path), "--find", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["predicted"] for row in rows if row["path"].endswith("a.png")} == {"stop"}
    assert len(rows[0]["box"]) == 4
    assert [row["predicted"] for row in rows if row["path"].endswith("b.png")] == ["no-sign"]
    assert cli.run(["predict", str(bundle), str(tmp_path), "--find", "--format", "csv"]) == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(table[0]["box"].split()) == 4
    assert table[-1]["box"] == ""
    assert cli.run(["predict", str(bundle), str(tmp_path), "--find"]) == 0
    assert " at " in capsys.readouterr().out


def test_the_smallest_sign_is_the_same_for_python_the_command_line_and_files(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from roadworthy.inference import detect as find

    asked: list[float | None] = []
    monkeypatch.setattr(find, "find_signs", lambda *_, least_px: asked.append(least_px) or [])
    picture = tmp_path / "a.png"
    Image.fromarray(street()).save(picture)
    classifier = roadworthy.load(bundle)
    classifier.find(street())
    classifier.find(street(), least_px=30.0)
    list(roadworthy.predict(bundle, [str(picture)], find=True))
    list(roadworthy.predict(bundle, [str(picture)], find=True, least_px=30.0))
    line = ["predict", str(bundle), str(picture), "--find"]
    assert cli.run(line) == 0
    assert cli.run([*line, "--smallest", "30"]) == 0
    assert asked == [None, 30.0] * 3
    with pytest.raises(UsageError, match="no effect without find"):
        roadworthy.predict(bundle, [str(picture)], least_px=30.0)
    with pytest.raises(UsageError, match="give 4 or more"):
        roadworthy.predict(bundle, [str(picture)], find=True, least_px=2.0)


def test_a_bundle_alone_cannot_find_and_says_what_would(bundle: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.onnx"
    alone.write_bytes(bundle.read_bytes())
    classifier = roadworthy.load(alone)
    assert not classifier.finds
    with pytest.raises(UsageError, match=r"NAME-find\.onnx beside it"):
        classifier.find(street())
    with pytest.raises(UsageError, match=r"NAME-find\.onnx beside it"):
        next(roadworthy.predict(alone, [str(tmp_path)], find=True))
    (row,) = classifier.predict(street())
    assert row.predicted == "no-sign"  # and no closer look
