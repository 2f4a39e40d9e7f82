"""What all sources of frames with boxes have in common."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from roadworthy.core.errors import ConfigError, DataError, DataNotFoundError
from roadworthy.core.notes import hearing
from roadworthy.data.frame_specs import read_frames
from roadworthy.data.frame_splits import split_frames
from roadworthy.data.frames import Annotation, Frame
from roadworthy.data.sources import FRAME_SOURCES, SOURCES
from roadworthy.data.sources._boxes import Pictures, box_of, read_bytes, records_of


@pytest.mark.parametrize("name", FRAME_SOURCES.names())
def test_every_source_of_frames_is_one_of_pictures_too(name: str) -> None:
    assert name in SOURCES
    assert SOURCES.summary(name) == FRAME_SOURCES.summary(name) != ""


def test_to_a_reader_each_box_with_a_class_is_a_picture(gtsdb: Path) -> None:
    with hearing() as notes:
        first, second, last = SOURCES.get("gtsdb")(gtsdb, {}, "names")
    assert (first.path, first.label) == (str(gtsdb / "00000.ppm"), "right-of-way")
    assert first.box == (10, 11, 26, 31)
    assert (second.path, second.label, second.split) == (first.path, "speed-30", "train")
    assert (last.label, last.split) == ("stop", "test")
    assert any("partly GTSRB's own" in note for note in notes)


def test_what_a_reader_cannot_read_is_left_out_aloud() -> None:
    marks = (
        Annotation(box=(0, 0, 4, 4), label="stop", group="pole"),
        Annotation(box=(0, 0, 4, 4), label="stop"),
        Annotation(box=(0, 0, 4, 4)),
        Annotation(box=(0, 0, 4, 4), label="stop", ignore=True),
        Annotation(box=(0, 0, 4, 4), ignore=True),
    )
    frame = Frame(path="a.png", annotations=marks, sequence="film", split="val", fault="x")
    with hearing() as notes:
        records = records_of([frame, Frame(path="b.png")], "voc:x")
    # All stop signs of a film may be one, so no split may part them.
    assert [(r.label, r.group, r.split, r.fault) for r in records] == [
        ("stop", "pole", "val", "x"),
        ("stop", "film/stop", "val", "x"),
    ]
    (note,) = notes
    assert "from 1 box of signs without a class and 2 boxes that are to be ignored; left out" in note
    with pytest.raises(DataNotFoundError, match="no box that bears a class"):
        records_of([Frame(path="a.png", annotations=marks[2:])], "voc:x")


def test_the_projects_own_corrections_go_by_the_format_or_the_folders_name(voc: Path, tmp_path: Path) -> None:
    read = FRAME_SOURCES.get("voc")
    with pytest.raises(ConfigError, match="has none; there are some of gtsdb, voc877"):
        read(voc, {"corrections": "ours"}, "names")
    named = tmp_path / "voc877"
    named.symlink_to(voc)
    with pytest.raises(DataError, match=r"images/road1\.webp"):  # its table is of other frames
        read(named, {"corrections": "ours"}, "names")


@pytest.mark.parametrize("spec", ["gtsdb:", "voc:frames/voc877"])
def test_the_projects_own_corrections_leave_test_frames_alone(spec: str) -> None:
    if not Path(os.environ.get("ROADWORTHY_DATA", ""), "frames").is_dir():
        pytest.skip("ROADWORTHY_DATA has no frames")
    with hearing():
        before, after = split_frames(read_frames(spec)), split_frames(read_frames(f"{spec}?corrections=ours"))
    assert after["test"] == before["test"]
    assert len(after["test"]) > 100
    assert after["train"] != before["train"]


def test_settings_of_all_sources(voc: Path, tmp_path: Path) -> None:
    read = FRAME_SOURCES.get("voc")
    (tmp_path / "fix.csv").write_text("path,action,x1,y1,x2,y2,label\nc.png,add,1,2,9,9,no-entry\n")
    frames = read(voc, {"corrections": str(tmp_path / "fix.csv"), "split_seed": "1"}, "names")
    assert frames[2].annotations == (Annotation(box=(1, 2, 9, 9), label="no-entry"),)
    assert {frame.split for frame in frames} == {"train", "val", "test"}
    # Corrections move no frame into another split.
    own = [r.split for r in SOURCES.get("voc")(voc, {"split_seed": "1"}, "names")]
    assert own == [frames[0].split, frames[1].split]
    with pytest.raises(ConfigError, match="split_seed='x'; it must be a whole number"):
        read(voc, {"split_seed": "x"}, "names")
    with pytest.raises(ConfigError, match=r"did you mean 'corrections'\? voc: takes origin, edges, only"):
        read(voc, {"correction": "x"}, "names")


def test_a_picture_is_found_in_any_case_and_format_but_only_one(tmp_path: Path) -> None:
    for name in ("A.PNG", "b.webp", "c.jpg", "c.png", "d.txt"):
        (tmp_path / name).write_bytes(b"x")
    pictures = Pictures()
    assert pictures.find(tmp_path, "a.png") == str(tmp_path / "A.PNG")
    assert pictures.find(tmp_path.parent, f"{tmp_path.name}\\b.ppm") == str(tmp_path / "b.webp")
    assert pictures.find(tmp_path, "c.jpg") == str(tmp_path / "c.jpg")
    assert pictures.find(tmp_path, "d.png") is None
    with pytest.raises(DataError, match=r"c\.ppm may be c\.jpg or c\.png"):
        pictures.find(tmp_path, "c.ppm")
    with hearing() as notes:
        pictures.say("voc:x")
    assert notes == ["voc:x: 1 picture is there in another format than the labels name: b.ppm from b.webp"]


def test_a_box_that_holds_nothing_is_none() -> None:
    assert box_of(-3, 0, 4, 5.5) == (-3, 0, 4, 5.5)  # what lies outside is for the audit to say
    for box in ((1, 1, 1, 2), (1, 2, 3, 1), (0, 0, float("inf"), 1), (float("nan"), 0, 1, 1)):
        with pytest.raises(ValueError, match="holds nothing"):
            box_of(*box)


def test_a_file_of_labels_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a folder"):
        read_bytes(tmp_path)
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_bytes(tmp_path / "nowhere")
