"""Every format that is written comes back unchanged, as far as it says that it keeps it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from roadworthy.config import DataConfig
from roadworthy.core.errors import DataError, UnknownNameError, UsageError
from roadworthy.core.notes import hearing
from roadworthy.data.frame_specs import read_frames
from roadworthy.data.frames import Annotation, Frame
from roadworthy.data.spec import read_records
from roadworthy.data.writers import LAYOUTS, WRITERS
from roadworthy.workflows.convert import convert

# What a drawn set may hold: parts of a pixel, signs that are not told, one sign in two frames.
MARKS = {
    "a": [((1.1, 2.2, 10.3, 20.7), "stop", False, "pole 1"), ((5, 6, 39.123456, 29), "", False, "")],
    "b": [((0.333333, 4, 9, 9.000001), "speed-50", False, "pole 1")],
    "c": [((3, 4, 20, 30), "stop", True, "")],
    "d": [],
}


@pytest.fixture
def source(tmp_path: Path, draw_frame: Callable[..., Path]) -> Path:
    lines = {"train": [], "test": []}  # type: dict[str, list[str]]
    for seed, (name, marks) in enumerate(MARKS.items()):
        split = "test" if name in "cd" else "train"
        draw_frame(tmp_path / f"source/{split}/{name}.png", (40, 30), seed)
        things = {
            "bbox": [[x1, y1, x2 - x1, y2 - y1] for (x1, y1, x2, y2), *_ in marks],
            "categories": [label or "sign" for _, label, *_ in marks],
            "ignore": [ignore for *_, ignore, _ in marks],
            "group": [group for *_, group in marks],
        }
        row = {"file_name": f"{name}.png", "sequence": f"film {split}", "objects": things}
        lines[split].append(json.dumps(row))
    for split, own in lines.items():
        (tmp_path / f"source/{split}/metadata.jsonl").write_text("\n".join(own))
    return tmp_path / "source"


def kept(frame: Frame, keeps: tuple[str, ...], films: bool) -> object:
    marks = [
        (one.box, one.label, one.ignore, one.group.split("/")[-1] if "group" in keeps else "")
        for one in frame.annotations
        if "ignore" in keeps or not one.ignore
    ]
    return (
        sorted(marks),
        frame.sequence if "sequence" in keeps else "",
        frame.split if "split" in keeps else "",
    )


@pytest.mark.parametrize("to", [name for name in WRITERS.names() if name not in ("csv", "gtsdb")])
def test_what_a_format_keeps_comes_back_to_the_digit(source: Path, tmp_path: Path, to: str) -> None:
    before = read_frames(f"imagefolder:{source}")
    assert before[0].annotations[0] == Annotation(box=(3, 4, 20, 30), label="stop", ignore=True)
    spec = convert(DataConfig(spec=f"imagefolder:{source}"), to=to, out=tmp_path / "out")
    keeps = LAYOUTS[to].keeps
    expected = [kept(frame, keeps, LAYOUTS[to].films) for frame in before]
    if to in ("lisa", "udacity"):  # which list boxes alone
        expected = [one for one in expected if one[0]]  # type: ignore[index]
    found = [kept(frame, keeps, LAYOUTS[to].films) for frame in read_frames(spec)]
    assert sorted(found) == sorted(expected)  # type: ignore[type-var]


def test_csv_is_read_back_as_pictures_of_signs(source: Path, tmp_path: Path) -> None:
    with hearing() as notes:
        spec = convert(DataConfig(spec=f"imagefolder:{source}"), to="csv", out=tmp_path / "out")
    found = {(record.label, record.box, record.group, record.split) for record in read_records(spec)}
    assert ("stop", (1.1, 2.2, 10.3, 20.7), "pole 1", "train") in found
    assert len(found) == 3
    assert any("csv has no place for films" in note for note in notes)
    assert any("csv has no place for regions to be ignored: 1" in note for note in notes)


def test_gtsdb_holds_its_43_classes(source: Path, tmp_path: Path) -> None:
    with hearing() as notes:
        spec = convert(DataConfig(spec=f"imagefolder:{source}"), to="gtsdb", out=tmp_path / "out")
    frames = read_frames(spec)
    assert [(Path(f.path).name, f.split) for f in frames] == [
        ("00000.png", "train"),
        ("00001.png", "train"),
        ("00450.png", "test"),
        ("00451.png", "test"),
    ]
    assert any("left out: sign (1)" in note for note in notes)
    assert [one.label for f in frames for one in f.annotations] == ["stop", "speed-50"]


def test_names_that_clash_and_formats_that_others_do_not_read(
    tmp_path: Path, draw_frame: Callable[..., Path]
) -> None:
    for folder in ("x", "y"):
        draw_frame(tmp_path / f"set/images/{folder}/1.ppm", seed=ord(folder))
        (tmp_path / f"set/labels/{folder}").mkdir(parents=True)
        (tmp_path / f"set/labels/{folder}/1.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    spec = convert(DataConfig(spec=f"yolo:{tmp_path / 'set'}"), to="voc", out=tmp_path / "out")
    assert [Path(frame.path).name for frame in read_frames(spec)] == ["x_1.png", "y_1.png"]


def test_what_cannot_be_converted_is_said_in_a_line(source: Path, tmp_path: Path) -> None:
    data = DataConfig(spec=f"imagefolder:{source}")
    with pytest.raises(UnknownNameError, match="did you mean 'yolo'"):
        convert(data, to="yollo", out=tmp_path / "out")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").write_text("")
    with pytest.raises(UsageError, match="is not empty"):
        convert(data, to="yolo", out=tmp_path / "full")
    table = source / "train/metadata.jsonl"
    table.write_text(table.read_text().replace("9.2", "-9.2", 1))
    with pytest.raises(DataError, match="frames cannot be used"):
        convert(data, to="yolo", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert replace(data).spec == data.spec


def boxes_by_name(spec: str) -> dict[str, list[tuple[float, ...]]]:
    """Ours, in order."""
    return {
        Path(frame.path).stem: sorted(one.box for one in frame.annotations if not one.ignore)
        for frame in read_frames(spec)
    }


def assert_alike(
    ours: dict[str, list[tuple[float, ...]]], theirs: dict[str, list[tuple[float, ...]]]
) -> None:
    assert {name for name, boxes in ours.items() if boxes} == {n for n, boxes in theirs.items() if boxes}
    for name, boxes in theirs.items():
        assert ours[name] == [pytest.approx(box, abs=1e-3) for box in boxes], name


def test_pycocotools_reads_the_same_boxes(source: Path, tmp_path: Path) -> None:
    pytest.importorskip("pycocotools", reason="a second reader of COCO, of the developers' extra")
    from pycocotools.coco import COCO

    spec = convert(DataConfig(spec=f"imagefolder:{source}"), to="coco", out=tmp_path / "out")
    theirs: dict[str, list[tuple[float, ...]]] = {}
    for path in sorted((tmp_path / "out").glob("*.json")):
        coco = COCO(str(path))
        for picture in coco.dataset["images"]:
            found = [one for one in coco.loadAnns(coco.getAnnIds(picture["id"])) if not one["iscrowd"]]
            theirs[Path(picture["file_name"]).stem] = sorted(
                (x, y, x + w, y + h) for x, y, w, h in (one["bbox"] for one in found)
            )
    assert_alike(boxes_by_name(spec), theirs)


def test_supervision_reads_the_same_boxes(source: Path, tmp_path: Path) -> None:
    """Seen with supervision 0.31.2: of YOLO and VOC to a thousandth of a pixel."""
    sv = pytest.importorskip("supervision", reason="a second reader, which no extra installs")
    data = DataConfig(spec=f"imagefolder:{source}")
    spec = convert(data, to="yolo", out=tmp_path / "yolo")
    folder = tmp_path / "yolo"
    theirs: dict[str, list[tuple[float, ...]]] = {}
    for images in sorted((folder / "images").glob("*")) or [folder / "images"]:
        if images.is_dir():
            labels = folder / "labels" / images.name
            read = sv.DetectionDataset.from_yolo(str(images), str(labels), str(folder / "data.yaml"))
            theirs |= {Path(path).stem: sorted(map(tuple, one.xyxy.tolist())) for path, _, one in read}
    ours = boxes_by_name(spec)
    assert_alike({name: ours[name] for name in theirs}, theirs)
    assert any(theirs.values())
