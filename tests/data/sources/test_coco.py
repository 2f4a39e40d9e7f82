from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.data.conftest import coco_tree

from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.core.notes import hearing
from roadworthy.data.frames import Frame
from roadworthy.data.sources.coco import read

# What pycocotools 2.0.11 reads of the set in conftest: (bbox, category_id, iscrowd) by file; so does
# supervision 0.31.0 (from_coco), in corners.
PYCOCOTOOLS = {
    "a.png": [((1, 2, 10, 20), 90, 0)],
    "b.png": [((0.5, 1.25, 30.5, 20), 3, 0), ((40, 4, 20, 40), 3, 1)],
    "c.png": [],
}
NAMES = {3: "stop", 90: "give-way"}


def marks(frames: list[Frame]) -> dict[str, list[tuple[tuple[float, ...], str, int]]]:
    return {
        Path(frame.path).name: [(one.box, one.label, int(one.ignore)) for one in frame.annotations]
        for frame in frames
    }


def as_ours(read: dict[str, list[tuple[tuple[float, ...], int, int]]]) -> dict[str, list[tuple[Any, ...]]]:
    return {
        name: [((x, y, x + w, y + h), NAMES[number], crowd) for (x, y, w, h), number, crowd in found]
        for name, found in read.items()
    }


def test_boxes_are_those_of_pycocotools(coco: Path) -> None:
    frames = read(coco, {}, "names")
    assert marks(frames) == as_ours(PYCOCOTOOLS)
    assert {frame.split for frame in frames} == {""}


def test_pycocotools_still_reads_them_so(coco: Path) -> None:
    pytest.importorskip("pycocotools", reason="pycocotools is not installed (pip install 'roadworthy[dev]')")
    from pycocotools.coco import COCO

    theirs = COCO(str(coco))
    found = {
        theirs.imgs[number]["file_name"]: [
            (tuple(one["bbox"]), one["category_id"], one.get("iscrowd", 0))
            for one in theirs.loadAnns(theirs.getAnnIds(imgIds=[number]))
        ]
        for number in theirs.getImgIds()
    }
    assert found == PYCOCOTOOLS


def test_a_folder_of_several_files_names_the_splits(coco: Path, draw_frame: Callable[..., Path]) -> None:
    root = coco.parent
    tree = coco_tree()
    for split, n in {"train": 0, "val": 1}.items():
        part = {**tree, "images": tree["images"][n : n + 1]}
        number = part["images"][0]["id"]
        part["annotations"] = [one for one in tree["annotations"] if one["image_id"] == number]
        (root / f"instances_{split}2017.json").write_text(json.dumps(part))
    coco.unlink()
    assert {Path(f.path).stem: f.split for f in read(root, {}, "names")} == {"a": "train", "b": "val"}
    (root / "others.json").write_text(json.dumps(tree))
    with pytest.raises(DataError, match=r"others\.json tells no split"):
        read(root, {}, "names")


def test_a_folder_for_each_split(coco: Path) -> None:
    root = coco.parent
    tree = coco_tree()
    for n, split in enumerate(("train", "valid")):
        (root / split).mkdir()
        name = tree["images"][n]["file_name"]
        (root / str(name)).rename(root / split / str(name))
        part = {**tree, "images": tree["images"][n : n + 1], "annotations": []}
        (root / split / "_annotations.coco.json").write_text(json.dumps(part))
    coco.unlink()
    assert {Path(f.path).stem: f.split for f in read(root, {}, "names")} == {"a": "train", "b": "val"}


def test_where_pictures_lie(coco: Path, tmp_path: Path) -> None:
    root = tmp_path / "set"
    (root / "annotations").mkdir(parents=True)
    (root / "val2017").mkdir()
    moved = coco.rename(root / "annotations/instances_val2017.json")
    for name in "abc":
        (coco.parent / f"{name}.png").rename(root / f"val2017/{name}.png")
    assert read(moved, {}, "names")[0].path == str(root / "val2017/a.png")
    (root / "val2017").rename(root / "elsewhere")
    with pytest.raises(DataError, match=r"do not exist: a\.png and 2 more.*\?images=DIR"):
        read(moved, {}, "names")
    assert len(read(moved, {"images": str(root / "elsewhere")}, "names")) == 3


def test_an_outline_without_a_box_gives_the_box_around_it(coco: Path) -> None:
    tree = coco_tree()
    del tree["annotations"][0]["bbox"]
    tree["annotations"][0]["segmentation"] = [[4, 5, 14, 6, 8, 25], [2, 7, 3, 7, 3, 8]]
    tree["annotations"][0]["ignore"] = 1
    tree["images"][0]["video_id"] = 12
    coco.write_text(json.dumps(tree))
    with hearing() as notes:
        frame = read(coco, {}, "names")[0]
    assert frame.annotations[0].box == (2, 5, 14, 25)
    assert frame.annotations[0].ignore
    assert frame.sequence == "12"
    assert any("no bbox" in note for note in notes)


@pytest.mark.parametrize(
    ("bbox", "reason"),
    [
        ([1, 2, 0, 3], "holds nothing"),
        ([1, 2, float("nan"), 3], "holds nothing"),
        ([1, 2, 3], "must be"),
        (None, "must be"),
        ([1, 2, "x", 3], "could not convert"),
        ([1, 2, None, 3], "float"),
    ],
)
def test_a_box_that_cannot_be_is_the_frames_fault(coco: Path, bbox: Any, reason: str) -> None:
    tree = coco_tree()
    tree["annotations"][1]["bbox"] = bbox
    coco.write_text(json.dumps(tree))
    frame = read(coco, {}, "names")[1]
    assert "has no usable box" in frame.fault
    assert "annotation with id 5" in frame.fault
    assert reason in frame.fault


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda tree: tree.pop("annotations"), "has no list of annotations; it has categories, images"),
        (lambda tree: tree["images"].append({"id": 7, "file_name": "x.png"}), "two pictures have the id 7"),
        (lambda tree: tree["images"].append({"file_name": "x.png"}), "picture 4: it needs an id"),
        (lambda tree: tree["images"].append({"id": [], "file_name": "x.png"}), "picture 4: it needs an id"),
        (lambda tree: tree["images"].append("x.png"), "picture 4: it needs an id"),
        (lambda tree: tree["categories"].append({"id": 3, "name": "x"}), "category 3 is 'stop' and 'x'"),
        (lambda tree: tree["categories"].append({"id": 4}), "category with id 4: it needs an id and a name"),
        (lambda tree: tree["annotations"][0].update(image_id=5), "annotation with id 1: no picture has"),
        (lambda tree: tree["annotations"][0].update(category_id=1), "annotation with id 1: no category has"),
        (lambda tree: tree["annotations"].append(4), "annotation 4: no picture has its image_id None"),
        (lambda tree: tree["images"][0].update(file_name="a\0b"), "NUL"),
    ],
)
def test_a_broken_tree_is_one_line(coco: Path, change: Callable[[Any], Any], reason: str) -> None:
    tree = coco_tree()
    change(tree)
    coco.write_text(json.dumps(tree))
    with pytest.raises(DataError, match=reason) as caught:
        read(coco, {}, "names")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "[]", "3", '{"images": 1}'])
def test_a_broken_file_is_one_line(coco: Path, text: str) -> None:
    coco.write_text(text)
    with pytest.raises(DataError, match=r"instances\.json is no (JSON|COCO)") as caught:
        read(coco, {}, "names")
    assert "\n" not in str(caught.value)


def test_a_picture_that_is_listed_twice_keeps_all_its_boxes(coco: Path) -> None:
    tree = coco_tree()
    tree["images"].append({"id": 8, "file_name": "b.png"})
    tree["annotations"].append({"id": 10, "image_id": 8, "category_id": 3, "bbox": [1, 1, 2, 2]})
    coco.write_text(json.dumps(tree))
    with hearing() as notes:
        frames = read(coco, {}, "names")
    assert len(frames) == 3
    assert len(frames[1].annotations) == 3
    assert any("named twice" in note for note in notes)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="nothing at"):
        read(tmp_path / "nowhere.json", {}, "names")
    with pytest.raises(DataNotFoundError, match=r"no \.json in"):
        read(tmp_path, {}, "names")
    (tmp_path / "a.json").write_text(json.dumps({"images": [], "categories": [], "annotations": []}))
    with pytest.raises(DataNotFoundError, match="lists no pictures"):
        read(tmp_path, {}, "names")
