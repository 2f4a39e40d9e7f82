"""Frames labelled by a model, corrected by a person, and taken back."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from roadworthy import api
from roadworthy.cli import app as cli
from roadworthy.core.errors import DataError, UsageError
from roadworthy.data.frame_specs import read_frames
from roadworthy.inference import proposals
from roadworthy.workflows import label as labelling


def street(path: Path, *, left: int = 32, level: int = 230) -> None:
    """A grey frame with one red square, which `red_finder` finds and `colours` reads as stop."""
    image = np.full((96, 128, 3), 120, np.uint8)
    image[32:64, left : left + 32] = (level, 10, 10)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


@pytest.fixture
def streets(tmp_path: Path) -> Path:
    for number in range(3):
        street(tmp_path / "in" / f"{number}.png", left=16 * (number + 1))
    Image.new("RGB", (128, 96), (120, 120, 120)).save(tmp_path / "in" / "empty.png")
    return tmp_path / "in"


def test_frames_are_labelled_and_what_a_person_changed_is_told(
    streets: Path, tmp_path: Path, colours: Path, red_finder: Path
) -> None:
    (streets / "damaged.png").write_bytes(b"nothing")
    out = tmp_path / "out"
    done = api.label(str(streets), out, tool="yolo", model=colours, finder=red_finder)
    assert (done.frames, done.boxes) == (4, 3)
    assert done.unreadable[0][0].endswith("damaged.png")
    with (out / "looks.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["boxes"] for row in rows] == ["1", "1", "1", "0"]
    assert [row["order"] for row in rows] == ["1", "2", "3", "4"]
    frames = read_frames(f"yolo:{done.labels}")
    assert Path(frames[0].path).name.startswith("0001-")
    assert frames[0].wanted[0].label == "stop"
    assert frames[0].wanted[0].box[2] - frames[0].wanted[0].box[0] == pytest.approx(32, abs=1)
    assert "4 frames" in (out / "report.html").read_text()
    # A person removes one box and names another anew.
    texts = sorted((done.labels / "labels").iterdir())
    texts[0].write_text("")
    texts[1].write_text(texts[1].read_text().replace("0 ", "1 ", 1))
    (done.labels / "data.yaml").write_text("path: .\ntrain: images\nnames: [stop, no-entry]\n")
    back = api.label_import(done.labels, out)
    assert {kind: n for kind, n in back.counts.items() if n} == {"kept": 1, "renamed": 1, "removed": 1}
    assert back.accuracy["boxes that are right"][0][0] == pytest.approx(1 / 3)
    assert back.accuracy["boxes that are right"][1] is None
    assert back.hours[1] == pytest.approx((1 + 2 * 6) / 3600)
    report = (out / "report.html").read_text()
    assert "1 of 3 boxes (33.3" in report
    with (out / "changes.csv").open() as file:
        assert sorted(row["change"] for row in csv.DictReader(file)) == ["kept", "removed", "renamed"]


def test_both_are_held_against_the_truth(
    streets: Path, tmp_path: Path, colours: Path, red_finder: Path
) -> None:
    done = api.label(str(streets), tmp_path / "out", tool="yolo", model=colours, finder=red_finder)
    truth = tmp_path / "truth"
    shutil.copytree(streets, truth / "images")
    (truth / "labels").mkdir()
    texts = {text.stem.partition("-")[2]: text for text in (done.labels / "labels").iterdir()}
    for name, text in texts.items():
        shutil.copyfile(text, truth / "labels" / f"{name}.txt")
    shutil.copyfile(done.labels / "data.yaml", truth / "data.yaml")
    (truth / "data.yaml").write_text((truth / "data.yaml").read_text())
    texts["0"].write_text("")  # a person makes it worse
    back = api.label_import(done.labels, tmp_path / "out", truth=f"yolo:{truth}")
    before, after = back.accuracy["signs that are marked right"]
    assert (before[0], after[0]) == (1.0, pytest.approx(2 / 3))


def test_cvat_takes_labels_and_gives_them_back(
    streets: Path, tmp_path: Path, colours: Path, red_finder: Path
) -> None:
    done = api.label(str(streets), tmp_path / "out", model=colours, finder=red_finder)
    exported = tmp_path / "annotations.xml"  # by CVAT, to any folder
    exported.write_text((done.labels / "annotations.xml").read_text().replace('"stop"', '"give-way"', 1))
    back = api.label_import(exported, tmp_path / "out")
    assert {kind: n for kind, n in back.counts.items() if n} == {"kept": 2, "renamed": 1}


def test_it_goes_on_where_it_stopped_and_corrected_labels_stay(
    streets: Path,
    tmp_path: Path,
    colours: Path,
    red_finder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[int] = []
    propose = proposals.propose

    def counting(*args: object, **kwargs: object) -> object:
        asked.append(1)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return propose(*args, **kwargs)

    monkeypatch.setattr(proposals, "propose", counting)
    line = ["label", str(streets), "--out", str(tmp_path / "out"), "--for", "yolo"]
    line += ["--model", str(colours), "--finder", str(red_finder)]
    assert cli.run(line) == 130
    kept = tmp_path / "out" / labelling.KEPT
    kept.write_text(kept.read_text()[:-20])  # the machine stopped in the middle of a line
    assert cli.run(line) == 0
    assert len(asked) == 3 + 3  # of four frames one was whole, and is not asked for again
    text = sorted((tmp_path / "out" / "yolo" / "labels").iterdir())[0]
    text.write_text("")
    assert cli.run(line) == 0
    assert text.read_text() == ""
    assert "may have been corrected, so it stays as it is" in capsys.readouterr().err
    assert cli.run([*line, "--threshold", "0.6"]) == 2
    assert "was made with another threshold" in capsys.readouterr().err


def test_a_film_gives_tracks(tmp_path: Path, colours: Path, red_finder: Path) -> None:
    pytest.importorskip("av", reason="films need roadworthy[drive]")
    from roadworthy.drive.film import write_film

    with write_film(tmp_path / "film.mp4", rate=10) as film:
        for number in range(12):
            image = np.full((96, 128, 3), 120, np.uint8)
            image[32:64, 32 + number : 64 + number] = (230, 10, 10)
            film.write(image, number / 10)
    done = api.label(
        str(tmp_path / "film.mp4"),
        tmp_path / "out",
        tool="yolo",
        model=colours,
        finder=red_finder,
        every_s=0.5,
    )
    assert (done.frames, done.boxes) == (3, 3)
    signs = {frame.annotations[0].group for frame in labelling.read_written(tmp_path / "out")}
    assert signs == {"sign-0"}


def test_pictures_of_one_sign_are_read_whole(tmp_path: Path, colours: Path, red_finder: Path) -> None:
    for name, colour in (("stop", (230, 10, 10)), ("speed-60", (230, 10, 10))):
        (tmp_path / "set" / name).mkdir(parents=True)
        Image.new("RGB", (40, 30), colour).save(tmp_path / "set" / name / "1.png")
    done = api.label(
        f"folder:{tmp_path / 'set'}", tmp_path / "out", tool="yolo", model=colours, finder=red_finder
    )
    assert done.looks[0].path.endswith("speed-60/1.png")
    assert "stop where the set says speed-60" in done.looks[0].reasons
    (first, _) = labelling.read_written(tmp_path / "out")
    assert first.annotations[0].box == (0, 0, 40, 30)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["{in}", "--out", "{in}/out"], "lies inside"),
        (["{in}", "--out", "{out}", "--for", "paint"], "labelling tool 'paint' is unknown"),
        (["{in}", "--out", "{out}", "--threshold", "2"], "threshold is 2"),
        (["{in}", "--out", "{out}", "--every", "0"], "every_s is 0"),
        (["{in}", "--out", "{out}", "--split", "test"], "is no data set"),
        (["--out", "{out}"], "nothing to label"),
        (["{in}", "--out", "{out}", "--import", "x"], "--import takes labels back"),
        (["--out", "{out}", "--import", "x.xml"], "holds no labels of a model"),
        (["{in}/nothing", "--out", "{out}"], "nothing"),
    ],
)
def test_bad_input_gets_one_line(
    streets: Path, tmp_path: Path, line: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"{in}": str(streets), "{out}": str(tmp_path / "out")}
    filled = [word.replace("{in}", places["{in}"]).replace("{out}", places["{out}"]) for word in line]
    assert cli.run(["label", *filled]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert said in error[0]


def test_a_file_of_other_frames_is_refused(
    streets: Path, tmp_path: Path, colours: Path, red_finder: Path
) -> None:
    out = tmp_path / "out"
    api.label(str(streets), out, tool="yolo", model=colours, finder=red_finder)
    street(tmp_path / "other" / "images" / "x.png")
    (tmp_path / "other" / "images" / "x.txt").write_text("")
    with pytest.raises(DataError, match="none of the 4 frames that were labelled"):
        api.label_import(tmp_path / "other", out)
    with pytest.raises(DataError, match="is of no known kind"):
        api.label_import(streets / "0.png", out)
    with pytest.raises(UsageError, match="draw_s is -1"):
        api.label_import(tmp_path / "other", out, draw_s=-1)
    tree = json.loads((out / labelling.WRITTEN).read_text())
    del tree["frames"][0]["boxes"]
    (out / labelling.WRITTEN).write_text(json.dumps(tree))
    with pytest.raises(DataError, match="is damaged"):
        api.label_import(tmp_path / "other", out)
