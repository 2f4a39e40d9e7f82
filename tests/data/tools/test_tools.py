"""Every tool's files are read back as they were written."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from roadworthy.core.errors import DataError
from roadworthy.data.frame_specs import read_frames
from roadworthy.data.frames import Annotation, Frame
from roadworthy.data.tools import PICTURES, TOOLS, Proposed

BOXES = [
    Annotation(box=(10.25, 5.5, 42.75, 40.0), label="speed-60"),
    Annotation(box=(0, 0, 9, 9), label="stop"),
]


def proposals() -> list[Proposed]:
    first = Frame(path="0001-a b.png", annotations=tuple(BOXES))
    return [
        Proposed(frame=first, width=128, height=96, scores=[0.75, 0.9]),
        Proposed(frame=Frame(path="0002-c.png"), width=128, height=96, scores=[]),
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "labels" / PICTURES).mkdir(parents=True)
    for own in proposals():
        Image.new("RGB", (128, 96)).save(tmp_path / "labels" / PICTURES / own.frame.path)
    return tmp_path / "labels"


def submitted(tasks: Path) -> None:
    """As Label Studio exports tasks whose predictions were taken over and submitted."""
    tree = json.loads(tasks.read_text())
    for number, task in enumerate(tree):
        task["id"], task["annotations"] = number, task.pop("predictions")
    tasks.write_text(json.dumps(tree))


@pytest.mark.parametrize("tool", TOOLS.names())
def test_what_is_written_is_read_back(tool: str, folder: Path) -> None:
    TOOLS.get(tool).write(proposals(), folder)
    place = {"cvat": "annotations.xml", "labelstudio": "tasks.json", "yolo": ""}[tool]
    if tool == "labelstudio":
        submitted(folder / place)
    frames = TOOLS.get(tool).read(folder / place, "names")
    assert [Path(frame.path).name for frame in frames] == ["0001-a b.png", "0002-c.png"]
    assert [one.label for one in frames[0].annotations] == ["speed-60", "stop"]
    for found, given in zip(frames[0].annotations, BOXES, strict=True):
        np.testing.assert_allclose(found.box, given.box, atol=0.01)  # CVAT's hundredths
    assert frames[1].annotations == ()


@pytest.mark.parametrize("tool", TOOLS.names())
def test_the_sources_of_data_sets_read_the_same(tool: str, folder: Path) -> None:
    TOOLS.get(tool).write(proposals(), folder)
    place = {"cvat": "annotations.xml", "labelstudio": "tasks.json", "yolo": "data.yaml"}[tool]
    if tool == "labelstudio":
        submitted(folder / place)
    ours = TOOLS.get(tool).read(folder / place, "names")
    theirs = read_frames(f"{tool}:{folder / place}")
    assert [Path(frame.path).name for frame in theirs] == [Path(frame.path).name for frame in ours]
    for a, b in zip(ours, theirs, strict=True):
        assert [one.label for one in a.annotations] == [one.label for one in b.annotations]
        for x, y in zip(a.annotations, b.annotations, strict=True):
            np.testing.assert_allclose(x.box, y.box, atol=1e-6)


def test_cvat_gets_pixels_and_labels_to_paste(folder: Path) -> None:
    TOOLS.get("cvat").write(proposals(), folder)
    image = ElementTree.parse(folder / "annotations.xml").getroot().find("image")
    assert image is not None
    assert image.attrib == {"id": "0", "name": "0001-a b.png", "width": "128", "height": "96"}
    box = image.find("box")
    assert box is not None
    assert [box.get(edge) for edge in ("xtl", "ytl", "xbr", "ybr")] == ["10.25", "5.50", "42.75", "40.00"]
    assert [one["name"] for one in json.loads((folder / "labels.json").read_text())] == ["speed-60", "stop"]


def test_label_studio_gets_percent_scores_and_an_interface(folder: Path) -> None:
    TOOLS.get("labelstudio").write(proposals(), folder)
    task = json.loads((folder / "tasks.json").read_text())[0]
    assert task["data"]["image"] == "/data/local-files/?d=labels/images/0001-a%20b.png"
    assert task["predictions"][0]["score"] == 0.75
    value = task["predictions"][0]["result"][0]["value"]
    assert (value["x"], value["width"]) == (pytest.approx(100 * 10.25 / 128), pytest.approx(100 * 32.5 / 128))
    assert '<Label value="speed-60"/>' in (folder / "labels.xml").read_text()


def test_a_turned_box_is_enclosed(folder: Path) -> None:
    TOOLS.get("labelstudio").write(proposals(), folder)
    submitted(folder / "tasks.json")
    tree = json.loads((folder / "tasks.json").read_text())
    value = tree[0]["annotations"][0]["result"][1]["value"]
    value |= {"x": 50, "y": 50, "width": 25, "height": 12.5, "rotation": 90}  # 64, 48, 32 x 12 px, turned
    (folder / "tasks.json").write_text(json.dumps(tree))
    box = TOOLS.get("labelstudio").read(folder / "tasks.json", "names")[0].annotations[1].box
    np.testing.assert_allclose(box, (52, 48, 64, 80), atol=1e-9)


@pytest.mark.parametrize(
    ("tool", "text", "said"),
    [
        ("cvat", "<annotations", "cannot be read as XML"),
        ("cvat", "<annotations><track/></annotations>", "is CVAT for video; export"),
        ("cvat", "<html/>", "is <html>; export"),
        ("cvat", "<!DOCTYPE a [<!ENTITY b 'c'>]><annotations/>", "defines entities"),
        ("cvat", '<annotations><image name="a"><box label="x"/></image></annotations>', "image a: a box has"),
        ("labelstudio", "{", "cannot be read as JSON"),
        ("labelstudio", "{}", "is no list of tasks"),
        ("labelstudio", '[{"data": {"image": "a.png"}}]', "holds no task that was submitted"),
        (
            "labelstudio",
            '[{"id": 7, "data": {"image": "a"}, "annotations": [{"result": [{"type": "rectanglelabels"}]}]}]',
            "task 7: it has no usable 'value'",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_line(tool: str, text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text(text)
    with pytest.raises(DataError, match=said):
        TOOLS.get(tool).read(file, "names")
