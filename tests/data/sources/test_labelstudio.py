"""Label Studio's exports, with what its projects leave in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.core.notes import hearing
from roadworthy.data.frames import Frame
from roadworthy.data.sources import FRAME_SOURCES

Draw = Callable[..., Path]
SIZE = {"original_width": 200, "original_height": 100}


@pytest.fixture
def exported(tmp_path: Path, draw_frame: Draw) -> Callable[..., tuple[list[Frame], str]]:
    """Reads tasks as if exported beside the pictures a.png and b.png: the frames, and what was said."""

    def read(*tasks: object, pictures: tuple[str, ...] = ("a.png", "b.png")) -> tuple[list[Frame], str]:
        for seed, name in enumerate(pictures):
            draw_frame(tmp_path / name, (200, 100), seed)
        path = tmp_path / "export.json"
        path.write_text(json.dumps(tasks))
        with hearing() as notes:
            frames = FRAME_SOURCES.get("labelstudio")(path, {}, "names")
        return frames, "\n".join(notes)

    return read


def region(label: object = "stop", **more: object) -> dict[str, Any]:
    """A box from (20, 20), 40 x 30, of a picture of 200 x 100."""
    value = {"x": 10, "y": 20, "width": 20, "height": 30, "rotation": 0, "rectanglelabels": [label]} | more
    return {"id": "r1", "type": "rectanglelabels", "to_name": "image", **SIZE, "value": value}


def task(*results: list[dict[str, Any]], image: str = "a.png", **more: object) -> dict[str, Any]:
    annotations = [{"id": n, "result": result} for n, result in enumerate(results)]
    return {"id": 7, "data": {"image": image}, "annotations": annotations, "predictions": []} | more


Exported = Callable[..., tuple[list[Frame], str]]


def test_percent_of_the_picture_become_pixels(exported: Exported) -> None:
    (frame,), _ = exported(task([region()]))
    assert [(a.box, a.label) for a in frame.annotations] == [((20, 20, 60, 50), "stop")]


def test_a_rectangle_turns_about_its_upper_left_corner(exported: Exported) -> None:
    (frame,), notes = exported(task([region(x=40, rotation=90)]))
    # 40 x 30 at (80, 20), turned clockwise: to the left by its height, down by its width.
    assert frame.annotations[0].box == pytest.approx((50, 20, 80, 60))
    assert "turned boxes are enclosed: 1" in notes


def test_of_several_annotations_the_last_that_stands_counts(exported: Exported) -> None:
    own = task([region("stop")], [region("give-way")], [region("no-entry")])
    own["annotations"][2]["was_cancelled"] = True
    (frame,), notes = exported(own)
    assert frame.annotations[0].label == "give-way"
    assert "tasks have several annotations; the last of each is taken: 1" in notes
    for annotation, day in zip(own["annotations"], "213", strict=True):
        annotation["updated_at"] = f"2026-01-0{day}T10:00:00Z"
    (frame,), _ = exported(own)
    assert frame.annotations[0].label == "stop"


def test_what_nobody_labelled_is_left_out_and_an_empty_picture_kept(exported: Exported) -> None:
    cancelled = task([region()])
    cancelled["annotations"][0]["was_cancelled"] = True
    predicted = task(image="b.png", predictions=[{"result": [region()]}])
    found, notes = exported(cancelled, predicted, task([], image="b.png"))
    assert [(Path(f.path).name, f.annotations) for f in found] == [("b.png", ())]
    assert "tasks without annotations are not labelled and left out: 2" in notes
    assert "tasks have predictions alone, which are not read: 1" in notes
    with pytest.raises(DataNotFoundError, match="1 tasks, and none has an annotation of a picture"):
        exported(predicted)


def test_json_min(exported: Exported) -> None:
    flat = {"x": 10, "y": 20, "width": 20, "height": 30, "rotation": 0, "rectanglelabels": ["stop"], **SIZE}
    head = {"id": 1, "annotator": 1, "annotation_id": 3, "lead_time": 2.5}
    found, _ = exported(
        {"image": "/data/upload/1/0a1b2c3d-a.png", **head, "sign": [flat]}, {"image": "b.png", **head}
    )
    assert [[a.box for a in f.annotations] for f in found] == [[(20, 20, 60, 50)], []]


@pytest.mark.parametrize(
    ("address", "lies"),
    [
        ("/data/upload/..%20my/0a1b2c3d-my%20sign.png", "my sign.png"),
        ("/data/upload/1/0a1b2c3d-my_sign.png", "0a1b2c3d-my_sign.png"),
        ("/data/local-files/?d=set%20one/a%2Bb.png", "set one/a+b.png"),
        ("/data/local-files/?d=one/a+b.png", "one/a+b.png"),
        ("/data/local-files/?d=100%2525.png", "100%25.png"),
        ("http://host:8080/data/local-files/?d=x/a.png", "a.png"),
        ("s3://bucket/frames/a.png", "images/a.png"),
        ("C:\\signs\\a.png", "a.png"),
        ("https://host/a.png?token=1#x", "a.png"),
    ],
)
def test_addresses_of_pictures(exported: Exported, tmp_path: Path, address: str, lies: str) -> None:
    (frame,), _ = exported(task([region()], image=address), pictures=(lies,))
    assert Path(frame.path) == tmp_path / lies


def test_pictures_of_two_folders_are_not_taken_for_one(exported: Exported) -> None:
    with pytest.raises(DataError, match=r"alone is there for both; put the pictures into the folders"):
        exported(task([region()], image="s3://x/1/a.png"), task([], image="s3://x/2/a.png"))


def test_tasks_of_films_are_left_out(exported: Exported) -> None:
    row = {"framesCount": 9, "duration": 1, "sequence": [{"frame": 1, **region()["value"]}], "labels": ["x"]}
    marked = task([{"id": "v", "type": "videorectangle", "value": row}], data={"video": "/data/upload/f.mp4"})
    empty = task([], data={"video": "/data/upload/g.mp4"})
    small = {"video": "/data/upload/h.mp4", "annotation_id": 3, "box": [row]}
    found, notes = exported(marked, empty, small, task([region()]))
    assert [Path(f.path).name for f in found] == ["a.png"]
    assert "tasks are of films and left out (roadworthy data truth reads films): 3" in notes


def test_other_regions_are_counted_and_labels_apart_joined(exported: Exported) -> None:
    plain, told = region(), region()
    plain["type"], told["type"] = "rectangle", "labels"
    label = plain["value"].pop("rectanglelabels")
    del told["value"]["rectanglelabels"]
    told["value"]["labels"] = label
    others = [{"type": "polygonlabels", "value": {"points": []}}, {"type": "choices", "value": {}}]
    (frame,), notes = exported(task([plain, told, *others]))
    assert [(a.box, a.label) for a in frame.annotations] == [((20, 20, 60, 50), "stop")]
    assert "regions that are no rectangles are left out: 2" in notes


def test_a_label_as_text_and_none_at_all(exported: Exported) -> None:
    labels: tuple[object, ...] = ("stop", [])
    (frame,), _ = exported(task([region(rectanglelabels=label) for label in labels]))
    assert [a.label for a in frame.annotations] == ["stop", ""]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"x": None}, "it has no number x"),
        ({"width": 0}, "holds nothing"),
        ({"height": "tall"}, "height is 'tall', no number"),
        ({"x": 10**400}, "no number"),
        ({"rotation": [1]}, "it has no number rotation"),
        ({"rotation": float("inf")}, "math domain error"),
        ({"y": float("nan")}, "holds nothing"),
    ],
)
def test_a_box_that_holds_nothing_is_a_fault(exported: Exported, more: dict[str, object], said: str) -> None:
    (frame,), _ = exported(task([region(**more)]))
    assert "task 7, region 1" in frame.fault
    assert said in frame.fault
    assert len(frame.fault) < 400


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ([5], "it must be a list of tasks"),
        ([task([region()], data={"text": "hello"})], "task 7: its data name no picture; they have text"),
        ([task([region()], data=None)], "its data name no picture; they have nothing"),
        ([task([region()], image="http://[x/c.png")], "names pictures that do not exist"),
        ([task([region()], image="c.png")], "names pictures that do not exist: c.png"),
        ([task([[1]])], "task 7, region 1: it is no object"),  # type: ignore[list-item]
        ([task([{"type": "rectanglelabels", "value": 4}])], "task 7, region 1: it is no object"),
    ],
)
def test_bad_exports_get_one_line(exported: Exported, tasks: list[object], said: str) -> None:
    with pytest.raises(DataError) as caught:
        exported(*tasks)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("text", "said"), [("[{", "is no JSON"), ("{}", "it must be a list of tasks")])
def test_what_is_no_export(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "export.json"
    path.write_text(text)
    with pytest.raises(DataError, match=said):
        FRAME_SOURCES.get("labelstudio")(path, {}, "names")
    with pytest.raises(DataNotFoundError, match="needs an export as JSON or JSON-MIN"):
        FRAME_SOURCES.get("labelstudio")(tmp_path / "none.json", {}, "names")
