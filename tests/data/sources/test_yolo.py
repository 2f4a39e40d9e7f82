from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from roadworthy.core.errors import ConfigError, DataError, DataNotFoundError, LabelError
from roadworthy.core.notes import hearing
from roadworthy.data.frames import Frame
from roadworthy.data.sources.yolo import read

# What supervision 0.31.0 (DetectionDataset.from_yolo) reads of the set in conftest; datumaro 1.13.12 agrees.
SUPERVISION = {
    "a.png": [(6, 9, 14, 21), (5, 6, 40, 30)],
    "b.png": [(3.2, 1.8, 9.6, 7.8), (0, 0, 64, 48)],
    "c.png": [],
}


def boxes(frames: list[Frame]) -> dict[str, list[tuple[float, ...]]]:
    return {Path(frame.path).name: [one.box for one in frame.annotations] for frame in frames}


def test_boxes_are_those_of_supervision(yolo: Path) -> None:
    frames = read(yolo, {}, "names")
    for name, found in boxes(frames).items():
        assert np.allclose(np.reshape(found, (-1, 4)), np.reshape(SUPERVISION[name], (-1, 4)), atol=1e-5)
    assert [one.label for one in frames[1].annotations] == ["60", "stop"]
    assert {frame.split for frame in frames} == {"train"}
    assert read(yolo / "data.yaml", {}, "names") == frames


def test_a_turned_photograph_is_measured_as_it_is_shown(yolo: Path) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 30)).save(yolo / "images/train/a.png", exif=exif)
    assert boxes(read(yolo, {}, "names"))["a.png"][0] == pytest.approx((4.5, 12, 10.5, 28))


def test_a_missing_txt_is_a_frame_without_signs_and_all_missing_are_an_error(yolo: Path) -> None:
    (yolo / "labels/train/b.txt").unlink()
    with hearing() as notes:
        assert boxes(read(yolo, {}, "names"))["b.png"] == []
    assert any("1 picture has no .txt, so no signs" in note and "b.png" in note for note in notes)
    (yolo / "labels").rename(yolo / "elsewhere")
    with pytest.raises(DataError, match=r"none of the 3 pictures has a \.txt"):
        read(yolo, {}, "names")


def test_outlines_and_turned_boxes_are_ignored_regions(yolo: Path) -> None:
    (yolo / "labels/train/c.txt").write_text("0 0.1 0.2 0.5 0.2 0.3 0.9\n1 0.2 0.1 0.4 0.1 0.4 0.5 0.2 0.5\n")
    with hearing() as notes:
        frame = read(yolo, {}, "names")[2]
    assert [one.ignore for one in frame.annotations] == [True, True]
    assert frame.annotations[0].box == pytest.approx((2, 4, 10, 18))
    assert frame.annotations[1].box == pytest.approx((4, 2, 8, 10))
    assert any("outlines or turned boxes" in note and note.endswith(": 2") for note in notes)


def test_a_sixth_number_is_left_out(yolo: Path) -> None:
    (yolo / "labels/train/c.txt").write_text("0 0.5 0.5 0.5 0.5 0.93\n")
    with hearing() as notes:
        frame = read(yolo, {}, "names")[2]
    assert (frame.annotations[0].box, frame.annotations[0].ignore) == ((5, 5, 15, 15), False)
    assert any("sixth number" in note for note in notes)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0 0.5 0.5 0.1", "must be class x y w h"),
        ("stop 0.5 0.5 0.1 0.1", "must be class x y w h"),
        ("0 0.5 0.5 0.1 a", "must be class x y w h"),
        ("0 1 2 3 4 5 6 7", "must be class x y w h"),
        ("-1 0.5 0.5 0.1 0.1", "must be class x y w h"),
        ("3 0.5 0.5 0.1 0.1", "has the class 3; the set names 3, counted from 0"),
    ],
)
def test_a_broken_line_is_named(yolo: Path, line: str, reason: str) -> None:
    (yolo / "labels/train/c.txt").write_text(f"\n{line}\n")
    with pytest.raises(DataError, match=rf"c\.txt, line 2 .*{reason}"):
        read(yolo, {}, "names")


@pytest.mark.parametrize(
    "line", ["0 0.5 0.5 0 0.1", "0 10 20 5 5", "0 nan 0.5 0.1 0.1", "0 0.5 0.5 -0.1 0.1"]
)
def test_a_box_that_cannot_be_is_the_frames_fault(yolo: Path, line: str) -> None:
    (yolo / "labels/train/c.txt").write_text(f"0 0.5 0.5 0.1 0.1\n{line}\n")
    frame = read(yolo, {}, "names")[2]
    assert "has no usable box" in frame.fault
    assert "c.txt, line 2" in frame.fault


def test_a_picture_that_is_none_is_the_frames_fault(yolo: Path) -> None:
    (yolo / "images/train/a.png").write_bytes(b"no picture")
    assert "no picture" in read(yolo, {}, "names")[0].fault


def test_names_of_a_yaml_are_texts_whatever_they_look_like(yolo: Path) -> None:
    lines = "0 .5 .5 .1 .1\n1 .5 .5 .1 .1\n2 .5 .5 .1 .1\n"
    (yolo / "labels/train/c.txt").write_text(lines)
    for names in ("[60, no, 010]", "{0: 60, 1: no, 2: 010}", "\n  - 60\n  - no\n  - 010"):
        (yolo / "data.yaml").write_text(f"train: images/train\nnames: {names}\n")
        assert [one.label for one in read(yolo, {}, "names")[2].annotations] == ["60", "no", "010"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("names: [a\n", "is no YAML: "),
        ("- names", "is no data.yaml"),
        ("names: [a]\n", "names no pictures"),
        ("train: images/train\n", "has no names"),
        ("train: images/train\nnames: stop\n", "has no names"),
        ("train: images/train\nnames: [[a], b]\n", "holds more than texts"),
        ("train: {a: b}\nnames: [a]\n", "train: must name a folder"),
        ("train: nowhere\nnames: [a]\n", "train: nowhere is not there"),
        (
            "train: images/train\nnames: !!python/object/apply:os.getcwd []\n",
            "could not determine|has no names|is no YAML",
        ),
    ],
)
def test_a_broken_yaml_is_one_line(yolo: Path, text: str, reason: str) -> None:
    (yolo / "data.yaml").write_text(text)
    with pytest.raises(DataError, match=reason) as caught:
        read(yolo / "data.yaml", {}, "names")
    assert "\n" not in str(caught.value)


def test_splits_and_places_of_a_yaml(yolo: Path, draw_frame: Callable[..., Path]) -> None:
    for name in ("d", "e"):
        draw_frame(yolo / f"valid/images/{name}.png")
        (yolo / "valid/labels").mkdir(exist_ok=True)
        (yolo / f"valid/labels/{name}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    (yolo / "list.txt").write_text("./valid/images/e.png\n\n")
    text = "path: /somebody/else\ntrain: [images/train]\nval: ../valid/images\ntest: list.txt\n"
    (yolo / "data.yaml").write_text(text + "names: [a, b, c]\n")
    with hearing() as notes:
        splits = {Path(frame.path).stem: frame.split for frame in read(yolo, {}, "names")}
    assert splits == {"a": "train", "b": "train", "c": "train", "d": "val", "e": "val"}
    assert any("/somebody/else is not here" in note for note in notes)
    assert any("1 of test that val has already" in note for note in notes)
    (yolo / "list.txt").write_text("nowhere.png\n")
    with pytest.raises(DataError, match=r"do not exist: .*nowhere\.png"):
        read(yolo, {}, "names")


def test_folders_without_a_yaml(yolo: Path) -> None:
    (yolo / "data.yaml").unlink()
    with hearing() as notes:
        frames = read(yolo, {}, "names")
    assert [one.label for one in frames[1].annotations] == ["2", "0"]
    assert any("their numbers are labels" in note for note in notes)
    assert [one.label for one in read(yolo, {}, "gtsrb-ids")[1].annotations] == ["speed-50", "speed-20"]
    (yolo / "data.yaml").write_text("names: [stop, give-way, no-entry]\n")  # and no splits
    assert [one.label for one in read(yolo, {}, "names")[1].annotations] == ["no-entry", "stop"]
    (yolo / "data.yaml").unlink()
    (yolo / "classes.txt").write_text("stop\ngive-way\nno-entry\n")
    frames = read(yolo, {}, "names")
    assert [one.label for one in frames[1].annotations] == ["no-entry", "stop"]
    assert {frame.split for frame in frames} == {"train"}


def test_words_that_are_no_signs(yolo: Path) -> None:
    (yolo / "data.yaml").write_text("train: images/train\nnames: [stop sign, car, traffic light]\n")
    with hearing() as notes:
        frames = read(yolo, {}, "names")
    assert [[one.label for one in frame.annotations] for frame in frames] == [["stop", "car"], ["stop"], []]
    assert any("?background=A+B" in note for note in notes)
    for options in ({"background": "car"}, {"only": "stop sign"}):
        frames = read(yolo, options, "names")
        assert [[one.label for one in frame.annotations] for frame in frames] == [["stop"], ["stop"], []]
    frames = read(yolo, {"only": "traffic light"}, "names")
    assert [[one.label for one in frame.annotations] for frame in frames] == [[], ["traffic light"], []]
    with pytest.raises(ConfigError, match="background= names 'lorry', which is no label of the set"):
        read(yolo, {"background": "lorry"}, "names")


def test_a_label_that_cannot_be_a_class(yolo: Path) -> None:
    (yolo / "data.yaml").write_text("train: images/train\nnames: [a/b, c, d]\n")
    with pytest.raises(LabelError, match=r"a\.txt, line 1: the label 'a/b' looks like a path"):
        read(yolo, {}, "names")


def test_what_is_not_there(tmp_path: Path, draw_frame: Callable[..., Path]) -> None:
    with pytest.raises(DataNotFoundError, match="nothing at"):
        read(tmp_path / "nowhere", {}, "names")
    with pytest.raises(DataNotFoundError, match="no pictures in"):
        read(tmp_path, {}, "names")
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text("train: x\nnames: [a]\n")
    with pytest.raises(DataError, match=r"holds a\.yaml and b\.yaml; name one of them"):
        read(tmp_path, {}, "names")
