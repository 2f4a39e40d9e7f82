"""Sets whose labels are one list or one file for each frame: LISA, Udacity, Sweden, BTSD, TT100K, MTSD."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from roadworthy.core.errors import DataError
from roadworthy.core.notes import hearing
from roadworthy.data.frames import Frame
from roadworthy.data.sources import FRAME_SOURCES

Draw = Callable[..., Path]


def read(name: str, place: Path, **options: str) -> list[Frame]:
    return FRAME_SOURCES.get(name)(place, options, "names")


def seen(frames: list[Frame]) -> list[tuple[str, list[tuple[object, ...]]]]:
    return [
        (Path(frame.path).name, [(one.label, one.box, one.ignore, one.group) for one in frame.annotations])
        for frame in frames
    ]


LISA = (
    "\ufeffFilename;Annotation tag;Upper left corner X;Upper left corner Y;Lower right corner X;"
    "Lower right corner Y;Occluded,On another road;Origin file;Origin frame number;Origin track;"
    "Origin track frame number\r\n"
    "f/stop_1.png;stop;10;11;25;30;0,0;f/a.avi;2667;stop_1.avi;2\r\n"
    "f/stop_1.png;yield;1;2;9;9;0,0;f/a.avi;2667;yield_2.avi;2\r\n"
)


def test_lisa(tmp_path: Path, draw_frame: Draw) -> None:
    draw_frame(tmp_path / "f/stop_1.png")
    (tmp_path / "allAnnotations.csv").write_bytes(LISA.encode())
    (frame,) = read("lisa", tmp_path)
    assert frame.sequence == "f/a.avi"
    assert [(one.label, one.box, one.group) for one in frame.annotations] == [
        ("stop", (10, 11, 25, 30), "f/a.avi/stop_1.avi"),
        ("give-way", (1, 2, 9, 9), "f/a.avi/yield_2.avi"),
    ]


def test_udacity_in_three_forms(tmp_path: Path, draw_frame: Draw) -> None:
    draw_frame(tmp_path / "1.png")
    table = tmp_path / "labels.csv"
    for text in (
        "xmin,ymin,xmax,ymax,Frame,Label,Preview URL\n1,2,9,8,1.png,stop,http://x\n",
        "filename,width,height,class,xmin,ymin,xmax,ymax\n1.png,40,30,stop,1,2,9,8\n",
        '1.png 1 2 9 8 0 "stop" "x"\n1.png 1 2 9 8 0 "trafficLight"\n',
    ):
        table.write_text(text)
        assert seen(read("udacity", tmp_path)) == [("1.png", [("stop", (1, 2, 9, 8), False, "")])]
    table.write_text("1.png 1 2 9 8 0\n")
    with pytest.raises(DataError, match="line 1 has 6 cells"):
        read("udacity", tmp_path)
    table.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="it needs xmin"):
        read("udacity", tmp_path)


def test_roboflows_folders_of_tables_are_splits(tmp_path: Path, draw_frame: Draw) -> None:
    for split in ("train", "valid"):
        draw_frame(tmp_path / split / f"{split}.png")
        (tmp_path / split / "_annotations.csv").write_text(
            f"filename,width,height,class,xmin,ymin,xmax,ymax\n{split}.png,40,30,stop,1,2,9,8\n"
        )
    assert [frame.split for frame in read("udacity", tmp_path)] == ["train", "val"]


def test_sweden(tmp_path: Path, draw_frame: Draw) -> None:
    for n in (1, 2, 3, 4):
        draw_frame(tmp_path / f"Set1/Set1Part0/12Image00{n}.jpg", seed=n)
    (tmp_path / "Set1/annotations.txt").write_text(
        "12Image001.jpg:VISIBLE, 30.0, 28.0, 10.0, 8.0, PROHIBITORY, 50_SIGN;"
        "SIDE_ROAD, 9, 9, 1, 2, INFORMATION, STOP;VISIBLE, 9, 9, 2, 2, OTHER, OTHER;\n"
        "12Image002.jpg:\n12Image003.jpg:MISC_SIGNS;\n12Image009.jpg:\n"
    )
    with hearing() as notes:
        frames = read("swedish", tmp_path)
    assert seen(frames) == [
        (
            "12Image001.jpg",
            [
                ("50_SIGN", (10, 8, 30, 28), False, ""),
                ("STOP", (1, 2, 9, 9), True, ""),
                ("", (2, 2, 9, 9), False, ""),
            ],
        ),
        ("12Image002.jpg", []),
    ]
    assert {(frame.split, frame.sequence) for frame in frames} == {("train", "12")}
    assert any("1 frames show signs that nobody marked" in note for note in notes)
    assert any("1 frames have no picture" in note for note in notes)


def test_belgium(tmp_path: Path, draw_frame: Draw) -> None:
    draw_frame(tmp_path / "01/image.000945.png")
    annotations = tmp_path / "BelgiumTSD_annotations"
    annotations.mkdir()
    line = "01/image.000945.jp2;10.23;3.12;30.31;29.08;80;3;"
    (annotations / "BTSD_training_GTclear.txt").write_text(line)
    assert seen(read("btsd", tmp_path)) == [
        ("image.000945.png", [("80", (10.23, 3.12, 30.31, 29.08), False, "")])
    ]
    (annotations / "BTSD_training_GT.txt").write_text(
        f"{line}4;1;1;945;D7;\n{line.replace('80;3', '-1;-1')}9;1;1;1;x;"
    )
    (frame,) = read("btsd", tmp_path)
    assert (frame.split, frame.sequence) == ("train", "01")
    assert [(one.label, one.group) for one in frame.annotations] == [("D7", "pole 4/1"), ("", "pole 9/1")]
    (annotations / "BTSD_training_GT.txt").write_text("01/image.000945.jp2;1;2\n")
    with pytest.raises(DataError, match="line 1 is"):
        read("btsd", tmp_path)


def test_tt100k(tmp_path: Path, draw_frame: Draw) -> None:
    for folder in ("train", "test", "other"):
        draw_frame(tmp_path / folder / f"{folder}.jpg")
    box = {"xmin": 1.5, "ymin": 2, "xmax": 9, "ymax": 8.25}
    imgs = {
        folder: {"path": f"{folder}/{folder}.jpg", "id": 1, "objects": [{"category": "pl40", "bbox": box}]}
        for folder in ("train", "test", "other")
    }
    del imgs["other"]["objects"][0]["bbox"]  # type: ignore[attr-defined]
    (tmp_path / "annotations.json").write_text(json.dumps({"imgs": imgs, "types": ["pl40"]}))
    frames = read("tt100k", tmp_path)
    assert [frame.split for frame in frames] == ["train", "test", "train"]
    assert "has no bbox" in frames[0].fault
    assert frames[1].annotations[0].box == (1.5, 2, 9, 8.25)


def test_mtsd(tmp_path: Path, draw_frame: Draw) -> None:
    draw_frame(tmp_path / "images/a.jpg")
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits/val.txt").write_text("a\nb\n")
    (tmp_path / "annotations").mkdir()
    corners = {"xmin": 1, "ymin": 2, "xmax": 9, "ymax": 8}
    things = [
        {"label": "regulatory--stop--g1", "bbox": corners, "properties": {"ambiguous": False}},
        {"label": "other-sign", "bbox": corners, "properties": {"dummy": True}},
        {"label": "other-sign", "bbox": {**corners, "xmin": 30, "cross_boundary": {}}},
    ]
    for name in ("a", "b"):
        (tmp_path / f"annotations/{name}.json").write_text(
            json.dumps({"width": 40, "height": 30, "objects": things})
        )
    (frame,) = read("mtsd", tmp_path)
    assert frame.split == "val"
    assert [(one.label, one.ignore) for one in frame.annotations] == [
        ("regulatory--stop--g1", False),
        ("other-sign", True),
        ("other-sign", True),
    ]
    assert frame.annotations[2].box == (0, 2, 40, 8)
