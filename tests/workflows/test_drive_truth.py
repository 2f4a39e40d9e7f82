"""Labels of one film as truth, and back: what tool wrote them makes no difference."""

import json
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
import pytest
from tests.drive.output.conftest import about, event, trail

from roadworthy.core.notes import hearing
from roadworthy.drive.events.event import DriveEvent
from roadworthy.drive.events.tables import read_events
from roadworthy.drive.film import write_film
from roadworthy.drive.kpi.boxes import TrueBox, read_boxes
from roadworthy.drive.output.coco import coco_json
from roadworthy.workflows.drive_truth import drive_truth

FRAMES = 8
Truth = tuple[list[DriveEvent], list[TrueBox]]


@pytest.fixture
def film(tmp_path: Path) -> Path:
    pytest.importorskip("av")
    with write_film(tmp_path / "film.mp4", 10) as writer:
        for frame in range(FRAMES):
            writer.write(np.zeros((32, 48, 3), np.uint8), frame / 10 + (frame > 4) * 0.3)
    return tmp_path / "film.mp4"


def signs(rng: np.random.Generator) -> dict[str, dict[int, tuple[float, ...]]]:
    """Boxes by frame of three signs: one in all frames, one hidden for a while, one in the last alone."""
    seen = {"speed-60": range(FRAMES), "stop": (1, 2, 5, 6), "children": (FRAMES - 1,)}
    return {
        sign: {frame: (*(10 * rng.random(2)).round(1), *(20 + 10 * rng.random(2)).round(1)) for frame in at}
        for sign, at in seen.items()
    }


def as_cvat(truth: Truth) -> str:
    """As CVAT for video 1.1 exports it: every box, and `outside` behind the last of a stretch."""
    events, boxes = truth
    tracks = []
    for number, one in enumerate(events):
        own = {box.frame: box for box in boxes if box.event == one.event}
        rows = []
        for frame, box in own.items():
            hidden = int(box.visible == 0)
            rows.append(_cvat_box(frame, box, outside=0, occluded=hidden))
            if frame + 1 not in own:
                rows.append(_cvat_box(frame + 1, box, outside=1, occluded=hidden))
        told = "".join(
            f'<attribute name="{name}">{value}</attribute>'
            for name, value in (("side", one.side), ("zone", one.zone), ("passed_s", one.passed_s))
            if value is not None
        )
        tracks.append(f'<track id="{number}" label={quoteattr(one.sign)}>{"".join(rows)}{told}</track>')
    return f"<annotations><version>1.1</version>{''.join(tracks)}</annotations>"


def _cvat_box(frame: int, box: TrueBox, **flags: int) -> str:
    corners = zip(("xtl", "ytl", "xbr", "ybr"), box.box, strict=True)
    told = {"frame": frame, **flags, "keyframe": 1, **{name: f"{edge:.2f}" for name, edge in corners}}
    return "<box " + " ".join(f'{name}="{value}"' for name, value in told.items()) + "></box>"


def as_coco(truth: Truth) -> str:
    events, boxes = truth
    number = {one.event: i for i, one in enumerate(events, start=1)}
    told = {
        one.event: {k: v for k in ("side", "zone", "passed_s") if (v := getattr(one, k)) is not None}
        for one in events
    }
    return json.dumps(
        {
            "images": [{"id": frame + 1, "frame_id": frame} for frame in range(FRAMES)],
            "categories": [{"id": number[one.event], "name": one.sign} for one in events],
            "annotations": [
                {
                    "id": i,
                    "image_id": box.frame + 1,
                    "category_id": number[box.event],
                    "bbox": [*box.box[:2], box.box[2] - box.box[0], box.box[3] - box.box[1]],
                    "attributes": {
                        "track_id": number[box.event],
                        "occluded": box.visible == 0,
                        **told[box.event],
                    },
                }
                for i, box in enumerate(boxes, start=1)
            ],
        }
    )


def read(place: Path) -> Truth:
    return read_events(place / "truth" / "events.csv"), read_boxes(place / "truth" / "boxes.csv")


def texts(place: Path) -> list[str]:
    return [(place / "truth" / name).read_text() for name in ("events.csv", "boxes.csv")]


@pytest.mark.parametrize("seed", range(3))
def test_truth_comes_back_from_cvat_and_from_coco(tmp_path: Path, film: Path, seed: int) -> None:
    given = signs(np.random.default_rng(seed))
    events = [event(i, sign=sign, passed_s=0.2 * i, side="right") for i, sign in enumerate(given, start=1)]
    boxes = [
        TrueBox(frame=frame, event=one.event, box=box, visible=float(frame != 5))
        for one in events
        for frame, box in given[one.sign].items()
    ]
    (tmp_path / "0.xml").write_text(as_cvat((events, boxes)))
    first = drive_truth(tmp_path / "0.xml", film, tmp_path / "first")
    found, found_boxes = read(first)
    assert [(one.sign, one.passed_s, one.side) for one in found] == [
        (one.sign, pytest.approx(one.passed_s), "right") for one in events
    ]
    assert {(box.sign, box.frame): (box.box, box.visible) for box in found_boxes} == {
        (one.sign, frame): (box, float(frame != 5))
        for one in events
        for frame, box in given[one.sign].items()
    }
    for name, text in (("again.xml", as_cvat(read(first))), ("again.json", as_coco(read(first)))):
        (tmp_path / name).write_text(text)
        again = drive_truth(tmp_path / name, film, tmp_path / f"from-{name}")
        assert texts(again) == texts(first)


@pytest.mark.parametrize("start", [0, 1, 2])
def test_the_boxes_of_a_drive_read_as_truth_are_its_own(tmp_path: Path, film: Path, start: int) -> None:
    """coco.json, corrected in a tool or not; frames without a box are not in it, so its first may be any."""
    made = event(1, best_frame=4 + start)
    (tmp_path / "coco.json").write_text(coco_json([(made, trail(0, made))], about()))
    with hearing() as notes:
        events, boxes = read(drive_truth(tmp_path / "coco.json", film, tmp_path / "drive"))
    assert notes == []
    assert [one.sign for one in events] == [made.sign]
    assert [(box.frame, box.box) for box in boxes] == [(seen.frame, seen.box) for seen in trail(0, made).seen]
