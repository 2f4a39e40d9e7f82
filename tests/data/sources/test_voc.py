from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.data.conftest import voc_xml

from roadworthy.core.errors import ConfigError, DataError, DataNotFoundError
from roadworthy.core.notes import hearing
from roadworthy.data.sources.voc import parse_xml, read

# What supervision 0.31.0 (DetectionDataset.from_pascal_voc) reads of the set in conftest: it counts from 0,
# too, and leaves the last pixel outside (datumaro 1.13.12 does as well), though VOC's corners lie inside.
SUPERVISION = {
    "a.png": [(0, 0, 9, 19), (4, 5, 39, 29)],
    "b.png": [(2.5, 3.25, 19.5, 29.75)],
    "c.png": [],
}


def test_boxes_are_those_of_supervision_and_the_last_pixel(voc: Path) -> None:
    frames = read(voc, {}, "names")
    assert {Path(frame.path).name: [one.box for one in frame.annotations] for frame in frames} == {
        name: [(x1, y1, x2 + 1, y2 + 1) for x1, y1, x2, y2 in boxes] for name, boxes in SUPERVISION.items()
    }
    assert [one.ignore for one in frames[0].annotations] == [False, True]
    assert [one.label for one in frames[0].annotations] == ["stop", "give-way"]
    assert {frame.split for frame in frames} == {""}


def test_corners_that_count_from_0(voc: Path) -> None:
    (voc / "annotations/c.xml").write_text(voc_xml("c.png", (20, 20), [("stop", (0, 3, 19, 19), {})]))
    with hearing() as notes:
        frames = read(voc, {}, "names")
    assert frames[2].annotations[0].box == (0, 2, 19, 19)  # never outside the picture by a tool's habit
    assert any("boxes begin at 0" in note and note.endswith("(?origin=0 if not): 1") for note in notes)
    assert read(voc, {"origin": "0"}, "names")[2].annotations[0].box == (0, 3, 20, 20)
    with pytest.raises(ConfigError, match="origin='2'"):
        read(voc, {"origin": "2"}, "names")


def test_words_that_tell_no_class_and_words_of_what_is_no_sign(voc: Path) -> None:
    things = [
        (word, (1, 1, 9, 9), {}) for word in ("speedlimit", "crosswalk", "trafficlight", "trafficlight")
    ]
    (voc / "annotations/c.xml").write_text(voc_xml("c.png", (20, 20), things))
    with hearing() as notes:
        frame = read(voc, {}, "names")[2]
    assert [one.label for one in frame.annotations] == ["", "pedestrian-crossing"]
    assert any("crosswalk is pedestrian-crossing" in note for note in notes)
    assert any("boxes labelled speedlimit (1) mark signs whose class is not told" in note for note in notes)
    assert any("labelled trafficlight (2) mark no signs" in note for note in notes)


def test_splits_are_those_of_lists_or_folders(voc: Path, tmp_path: Path) -> None:
    (voc / "ImageSets/Main").mkdir(parents=True)
    for name, frames in {"train": "a\n", "val": "b 1\n", "test": "c\n", "trainval": "a\nb\n"}.items():
        (voc / f"ImageSets/Main/{name}.txt").write_text(frames)
    assert [frame.split for frame in read(voc, {}, "names")] == ["train", "val", "test"]
    for split, name in {"train": "a", "valid": "b", "test": "c"}.items():
        folder = tmp_path / "set" / split
        folder.mkdir(parents=True)
        (voc / f"images/{name}.png").rename(folder / f"{name}.png")
        (voc / f"annotations/{name}.xml").rename(folder / f"{name}.xml")
    frames = read(tmp_path / "set", {}, "names")
    assert {Path(frame.path).stem: frame.split for frame in frames} == {"a": "train", "b": "val", "c": "test"}


def test_pictures_in_another_format_and_names_with_foreign_folders(voc: Path) -> None:
    xml = voc / "annotations/a.xml"
    xml.write_text(xml.read_text().replace("a.png", r"C:\somebody\a.jpg"))
    with hearing() as notes:
        assert read(voc, {}, "names")[0].path == str(voc / "images/a.png")
    assert any(
        "1 picture is there in another format than the labels name: a.jpg from a.png" in n for n in notes
    )


def test_pictures_without_an_xml_are_no_empty_frames(voc: Path, draw_frame: Callable[..., Path]) -> None:
    draw_frame(voc / "images/d.png")
    with hearing() as notes:
        assert len(read(voc, {}, "names")) == 3
    assert any("1 picture has no .xml" in note for note in notes)


def test_turned_boxes_are_ignored_regions(voc: Path) -> None:
    turned = "<robndbox><cx>10</cx><cy>9</cy><w>6</w><h>8</h><angle>1</angle></robndbox>"
    (voc / "annotations/c.xml").write_text(
        f"<annotation><filename>c.png</filename><object><name>stop</name>{turned}</object></annotation>"
    )
    with hearing() as notes:
        (marked,) = read(voc, {}, "names")[2].annotations
    assert (marked.box, marked.ignore) == ((5, 4, 15, 14), True)
    assert any("turned boxes (robndbox)" in note for note in notes)


@pytest.mark.parametrize(
    ("thing", "reason"),
    [
        ("<object><name>stop</name></object>", "has no bndbox"),
        ("<object><name>stop</name><bndbox><xmin>1</xmin></bndbox></object>", "has no ymin"),
        (
            "<object><name>stop</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>?</xmax><ymax>1</ymax></bndbox></object>",
            r"xmax is '\?', no number",
        ),
        (
            "<object><name>stop</name><bndbox><xmin>9</xmin><ymin>1</ymin><xmax>3</xmax><ymax>1</ymax></bndbox></object>",
            "holds nothing",
        ),
    ],
)
def test_a_frame_with_a_box_that_cannot_be_is_a_fault(voc: Path, thing: str, reason: str) -> None:
    (voc / "annotations/c.xml").write_text(f"<annotation><filename>c.png</filename>{thing}</annotation>")
    fault = read(voc, {}, "names")[2].fault
    assert fault.startswith(f"has no usable box ({voc / 'annotations/c.xml'}, object 1: ")
    assert re.search(reason, fault)


def test_a_document_type_is_refused_before_anything_of_it_is_read(voc: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    bomb = '<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(8)
    )
    for declared, used in ((f'<!ENTITY x SYSTEM "{secret.as_uri()}">', "&x;"), (bomb, "&i;")):
        (voc / "annotations/a.xml").write_text(
            f"<!DOCTYPE annotation [{declared}]><annotation><filename>{used}</filename></annotation>"
        )
        with pytest.raises(DataError, match=r"a\.xml declares a document type \(annotation\).*refused"):
            read(voc, {}, "names")


@pytest.mark.parametrize("text", ["", "<annotation>", "no xml", "<a></b>", "<a>\0</a>"])
def test_broken_xml_is_one_line(voc: Path, text: str) -> None:
    (voc / "annotations/b.xml").write_text(text)
    with pytest.raises(DataError, match=r"b\.xml is no XML: ") as caught:
        read(voc, {}, "names")
    assert "\n" not in str(caught.value)


def test_what_is_not_there(voc: Path, tmp_path: Path) -> None:
    (voc / "images/b.png").unlink()
    with pytest.raises(DataError, match=r"do not exist: b\.png"):
        read(voc, {}, "names")
    with pytest.raises(DataNotFoundError, match="no folder"):
        read(tmp_path / "nowhere", {}, "names")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataNotFoundError, match=r"no \.xml"):
        read(tmp_path / "empty", {}, "names")
    (tmp_path / "empty/other.xml").write_text("<project/>")
    with pytest.raises(DataError, match="is an annotation of Pascal VOC"):
        read(tmp_path / "empty", {}, "names")


def test_text_of_xml_is_kept_whole() -> None:
    root = parse_xml("<a><b>x &amp; ü</b></a>".encode(), "a.xml")
    assert root.findtext("b") == "x & ü"


def test_the_real_set(real_data: Path) -> None:
    place = real_data / "frames/voc877"
    if not place.is_dir():
        pytest.skip("ROADWORTHY_DATA holds no frames/voc877")
    frames = read(place, {}, "names")
    labels = [one.label for frame in frames for one in frame.annotations]
    assert (len(frames), len(labels), labels.count("")) == (877, 1074, 783)
    assert (labels.count("stop"), labels.count("pedestrian-crossing")) == (91, 200)
