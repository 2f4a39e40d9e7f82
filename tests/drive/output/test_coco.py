import contextlib
import io
import json

import numpy as np
from PIL import Image
from tests.drive.output.conftest import CLASSES, about, event, trail

from roadworthy.data.frame_specs import read_frames
from roadworthy.drive.output.coco import FILE_NAME, coco_json
from roadworthy.drive.seen import Seen, Trail


def seen(frame, box):
    return Seen(frame=frame, time_s=frame / 30, box=box, logits=np.zeros(len(CLASSES)), score=0.75)


def test_two_signs_by_hand():
    first = Trail(number=0, seen=(seen(7, (10.0, 20.0, 30.0, 50.0)), seen(9, (8.0, 18.0, 31.0, 52.0))))
    second = Trail(number=4, seen=(seen(9, (1270.5, 700.0, 1300.0, 730.0)),))
    # The second stands first: boxes are in the order of frames, whatever the order of signs.
    pairs = [(event(2, sign="children", accepted=False), second), (event(1, sign="stop"), first)]
    tree = json.loads(coco_json(pairs, about()))
    assert tree["videos"] == [{"id": 1, "name": "drives/monday.mp4", "width": 1280, "height": 720}]
    assert [(image["id"], image["frame_id"], image["time_s"]) for image in tree["images"]] == [
        (1, 7, 0.2333),
        (2, 9, 0.3),
    ]
    assert tree["images"][0]["file_name"] == "frame_000007.png"
    assert tree["categories"] == [{"id": 1, "name": "children"}, {"id": 2, "name": "stop"}]
    assert [(t["id"], t["category_id"], t["event"], t["accepted"]) for t in tree["tracks"]] == [
        (5, 1, "e0002", False),
        (1, 2, "e0001", True),
    ]
    boxes = tree["annotations"]
    assert [(b["id"], b["image_id"], b["track_id"], b["category_id"]) for b in boxes] == [
        (1, 1, 1, 2),
        (2, 2, 1, 2),
        (3, 2, 5, 1),
    ]
    assert (boxes[0]["bbox"], boxes[0]["area"], boxes[0]["iscrowd"]) == ([10, 20, 20, 30], 600, 0)
    assert boxes[2]["bbox"] == [1270.5, 700, 9.5, 20]  # cut at the picture's edges
    assert boxes[2]["score"] == 0.75


def test_a_box_outside_of_the_picture_is_left_out():
    away = Trail(number=0, seen=(seen(1, (-40.0, 20.0, -2.0, 50.0)), seen(2, (-10.0, 20.0, 5.0, 50.0))))
    tree = json.loads(coco_json([(event(1), away)], about()))
    assert [(box["image_id"], box["bbox"]) for box in tree["annotations"]] == [(2, [0, 20, 5, 30])]


def test_nothing_seen():
    tree = json.loads(coco_json([], about()))
    assert tree["images"] == tree["annotations"] == tree["categories"] == tree["tracks"] == []


def test_it_reads_again_as_frames_with_boxes(tmp_path):
    """Ours: as training data, once the frames lie beside it."""
    pairs = [(event(n), trail(n, event(n))) for n in (1, 2)]
    (tmp_path / "coco.json").write_text(coco_json(pairs, about()), encoding="utf-8")
    wanted = {}
    for made, its in pairs:
        for one in its.seen:
            wanted.setdefault(FILE_NAME.format(one.frame), []).append((made.sign, one.box))
    for name in wanted:
        Image.new("RGB", (1280, 720), "grey").save(tmp_path / name)
    frames = read_frames(f"coco:{tmp_path / 'coco.json'}")
    got = {frame.path.rpartition("/")[2]: frame for frame in frames}
    assert set(got) == set(wanted)
    for name, boxes in wanted.items():
        assert [(a.label, tuple(a.box)) for a in got[name].annotations] == boxes


def test_pycocotools_reads_it(tmp_path):
    from pycocotools.coco import COCO

    (tmp_path / "coco.json").write_text(coco_json([(event(1), trail(0, event(1)))], about()))
    with contextlib.redirect_stdout(io.StringIO()):
        read = COCO(tmp_path / "coco.json")
    assert len(read.getImgIds()) == 3
    assert [annotation["track_id"] for annotation in read.loadAnns(read.getAnnIds())] == [1, 1, 1]
    assert read.loadCats(read.getCatIds()) == [{"id": 1, "name": event(1).sign}]
    assert [image["frame_id"] for image in read.loadImgs(read.getImgIds())] == [
        one.frame for one in trail(0, event(1)).seen
    ]


def test_pycocotools_finds_boxes_by_their_size(tmp_path):
    """Of 30 x 40, 40 x 50 and 50 x 60 pixels, by area as COCO tells small from large."""
    from pycocotools.coco import COCO

    (tmp_path / "coco.json").write_text(coco_json([(event(1), trail(0, event(1)))], about()))
    with contextlib.redirect_stdout(io.StringIO()):
        read = COCO(tmp_path / "coco.json")
    found = read.loadAnns(read.getAnnIds(areaRng=[1300, 1e9]))
    assert [one["bbox"] for one in found] == [[290, 195, 40, 50], [280, 190, 50, 60]]
