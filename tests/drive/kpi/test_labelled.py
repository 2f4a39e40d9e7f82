"""Labels of COCO with videos and of CVAT for video, as truth."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roadworthy.core.arrays import Box
from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.core.notes import hearing
from roadworthy.drive.events.tables import read_events
from roadworthy.drive.film import write_film
from roadworthy.drive.kpi.boxes import read_boxes
from roadworthy.drive.kpi.coco_video import read_coco_video
from roadworthy.drive.kpi.cvat_video import read_cvat
from roadworthy.drive.kpi.labelled import LabelledTrack, between, events_and_boxes, frame_times
from roadworthy.workflows.drive_truth import drive_truth

A: Box = (0, 0, 10, 10)
B: Box = (10, 20, 30, 40)


def box(frame: int, edges: Box = A, **more: object) -> str:
    x1, y1, x2, y2 = edges
    given = {"frame": frame, "outside": 0, "occluded": 0, "keyframe": 1, **more}
    words = " ".join(f'{name}="{value}"' for name, value in given.items())
    return f'<box {words} xtl="{x1}" ytl="{y1}" xbr="{x2}" ybr="{y2}"></box>'


def cvat(tmp_path: Path, *tracks: str) -> Path:
    path = tmp_path / "labels.xml"
    path.write_text(f"<annotations><version>1.1</version>{''.join(tracks)}</annotations>")
    return path


def track(label: str, *boxes: str, told: str = "") -> str:
    return f'<track id="0" label="{label}">{"".join(boxes)}{told}</track>'


def test_between_key_frames_a_box_moves_on_a_line() -> None:
    boxes = between({2: A, 4: B})
    assert boxes == {2: A, 3: (5, 10, 20, 25), 4: B}


def test_outside_is_gone_until_it_is_back(tmp_path: Path) -> None:
    text = track("stop", box(0), box(4, B, outside=1), box(7, B), box(9, A, outside=1))
    (found,) = read_cvat(cvat(tmp_path, text))
    assert sorted(found.boxes) == [0, 1, 2, 3, 7, 8]
    assert found.boxes[1] == (2.5, 5, 15, 17.5)


def test_a_track_that_is_never_outside_ends_with_its_last_box(tmp_path: Path) -> None:
    (found,) = read_cvat(cvat(tmp_path, track("stop", box(5), box(3))))
    assert sorted(found.boxes) == [3, 4, 5]


def test_occluded_boxes_are_hidden_up_to_the_next(tmp_path: Path) -> None:
    (found,) = read_cvat(cvat(tmp_path, track("stop", box(0), box(2, occluded=1), box(4))))
    assert found.hidden == {2, 3}


def test_a_turned_box_is_enclosed(tmp_path: Path) -> None:
    (found,) = read_cvat(cvat(tmp_path, track("stop", box(0, (0, 0, 20, 10), rotation=90.0))))
    assert found.boxes[0] == pytest.approx((5, -5, 15, 15))


def test_attributes_tell_what_labels_cannot(tmp_path: Path) -> None:
    told = "".join(
        f'<attribute name="{name}">{value}</attribute>'
        for name, value in {
            "class": "speed-40",
            "passed_s": "1.75",
            "side": "left",
            "zone": "school",
            "plates": "school-days",
            "counts": "no",
            "mood": "good",
        }.items()
    )
    tracks = read_cvat(cvat(tmp_path, track("sign", box(0), told=told)))
    ((event,), _) = events_and_boxes(tracks, {0: 0.0})
    assert (event.sign, event.passed_s, event.side, event.zone) == ("speed-40", 1.75, "left", "school")
    assert (str(event.plates[0]), event.counts) == ("school-days", False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<annotations", "cannot be read as XML"),
        ("<coco></coco>", "begins with <coco>"),
        ('<annotations><image id="0"/></annotations>', "export it as CVAT for video"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotations/>', "defines entities"),
        (f"<annotations>{track('stop', box(0, B[::-1]))}</annotations>", "track 0: frame 0: the box reaches"),
        ("<annotations><track id='7'><box frame='0'/></track></annotations>", "track 7: no attribute 'xtl'"),
    ],
)
def test_what_is_no_cvat_for_video_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "labels.xml"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        read_cvat(path)
    assert said in str(caught.value)


def coco(tmp_path: Path, **changed: Any) -> Path:
    tree = {
        "videos": [{"id": 1, "name": "film.mp4"}],
        "images": [{"id": i + 10, "video_id": 1, "frame_id": i, "file_name": f"{i}.png"} for i in range(4)],
        "categories": [{"id": 3, "name": "speed-60"}],
        "annotations": [
            {"id": i + 1, "image_id": i + 10, "category_id": 3, "track_id": 5, "bbox": [i, 0, 10, 20]}
            for i in range(3)
        ],
        **changed,
    }
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(tree))
    return path


def annotation(**changed: Any) -> list[dict[str, Any]]:
    return [{"id": 1, "image_id": 10, "category_id": 3, "track_id": 5, "bbox": [0, 0, 10, 20], **changed}]


def test_coco_tracks_are_read(tmp_path: Path) -> None:
    (found,) = read_coco_video(coco(tmp_path))
    assert (found.name, found.label) == ("5", "speed-60")
    assert found.boxes == {0: (0, 0, 10, 20), 1: (1, 0, 11, 20), 2: (2, 0, 12, 20)}


def test_tracks_may_be_instances_or_attributes(tmp_path: Path) -> None:
    instance = annotation(track_id=None, instance_id=8)
    attribute = annotation(track_id=None, attributes={"track_id": 9, "occluded": True})
    assert read_coco_video(coco(tmp_path, annotations=instance))[0].name == "8"
    (found,) = read_coco_video(coco(tmp_path, annotations=attribute))
    assert (found.name, found.hidden) == ("9", {0})


def test_frames_counted_from_1_are_said(tmp_path: Path) -> None:
    images = [{"id": i + 10, "video_id": 1, "frame_id": i + 1} for i in range(4)]
    with hearing() as notes:
        (found,) = read_coco_video(coco(tmp_path, images=images))
    assert sorted(found.boxes) == [0, 1, 2]
    assert "counted from 1" in notes[0]


def test_of_several_videos_the_films_name_tells(tmp_path: Path) -> None:
    videos = [{"id": 1, "name": "a/film.mp4"}, {"id": 2, "name": "other"}]
    images = [{"id": 10, "video_id": 1, "frame_id": 0}, {"id": 11, "video_id": 2, "frame_id": 0}]
    both = [*annotation(), *annotation(id=2, image_id=11, track_id=6)]
    path = coco(tmp_path, videos=videos, images=images, annotations=both)
    assert [one.name for one in read_coco_video(path, film="film.mp4")] == ["5"]
    with pytest.raises(DataError, match="holds 2 videos"):
        read_coco_video(path, film="third.mp4")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"images": 3}, "no list of images"),
        ({"images": [{"id": 10, "video_id": 1}]}, "its frame_id is None"),
        ({"annotations": annotation(track_id=None)}, "neither track_id nor instance_id"),
        ({"annotations": annotation(category_id=9)}, "no category has its category_id 9"),
        ({"annotations": annotation(bbox=[1, 2])}, "must be [x, y, width, height]"),
        ({"annotations": annotation(bbox=[1, 2, 0, 4])}, "holds nothing"),
        ({"annotations": annotation() * 2}, "two boxes in frame 0"),
    ],
)
def test_what_is_no_coco_with_tracks_is_refused(tmp_path: Path, changed: dict, said: str) -> None:
    with pytest.raises(DataError) as caught:
        read_coco_video(coco(tmp_path, **changed))
    assert said in str(caught.value)


def test_a_track_of_two_classes_is_refused(tmp_path: Path) -> None:
    categories = [{"id": 3, "name": "speed-60"}, {"id": 4, "name": "stop"}]
    both = [*annotation(), *annotation(id=2, image_id=11, category_id=4)]
    with pytest.raises(DataError, match=r"'speed-60' and 'stop'; a sign is of one class"):
        read_coco_video(coco(tmp_path, categories=categories, annotations=both))


def labelled(label: str, *frames: int, **told: str) -> LabelledTrack:
    boxes = {frame: (0.0, 0.0, 10.0 + frame, 10.0) for frame in frames}
    return LabelledTrack(name=f"{label}-{frames}", label=label, boxes=boxes, told=told)


def test_a_sign_is_passed_when_it_is_last_seen() -> None:
    times = {0: 0.0, 3: 0.3, 5: 0.52, 9: 0.9}
    events, boxes = events_and_boxes([labelled("stop", 3, 9), labelled("speed-60", 0, 5)], times)
    assert [(e.event, e.sign, e.first_s, e.passed_s) for e in events] == [
        ("e0001", "speed-60", 0.0, 0.52),
        ("e0002", "stop", 0.3, 0.9),
    ]
    assert (events[1].best_frame, events[1].box, events[1].frames) == (9, (0, 0, 19, 10), 2)
    assert [(one.frame, one.event) for one in boxes] == [
        (0, "e0001"),
        (3, "e0002"),
        (5, "e0001"),
        (9, "e0002"),
    ]


def test_the_clearest_frame_is_not_one_in_which_it_is_hidden() -> None:
    one = LabelledTrack(name="a", label="stop", boxes={0: A, 1: B}, hidden=frozenset({1}))
    ((event,), boxes) = events_and_boxes([one], {0: 0.0, 1: 0.1})
    assert (event.best_frame, [box.visible for box in boxes]) == (0, [1.0, 0.0])


def test_labels_may_be_a_countrys_codes_and_others_are_left_out_aloud() -> None:
    with hearing() as notes:
        events, _ = events_and_boxes([labelled("R1-1", 0), labelled("car", 0)], {0: 0.0}, labels="au")
    assert [event.sign for event in events] == ["stop"]
    assert "left out: car (1)" in notes[0]
    with hearing(), pytest.raises(DataNotFoundError, match="none with boxes bears a class"):
        events_and_boxes([labelled("car", 0)], {0: 0.0})


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"passed_s": "soon"}, "passed_s is 'soon'"),
        ({"counts": "perhaps"}, "counts is 'perhaps'"),
        ({"side": "below"}, "no side 'below'"),
        ({"plates": "on Sundays"}, "'on Sundays', which is no condition"),
    ],
)
def test_attributes_that_cannot_be_are_refused(told: dict[str, str], said: str) -> None:
    with pytest.raises(DataError) as caught:
        events_and_boxes([labelled("stop", 0, **told)], {0: 0.0}, place="labels.xml")
    assert "labels.xml, track stop-(0,)" in str(caught.value)
    assert said in str(caught.value)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Four frames at uneven times."""
    pytest.importorskip("av")
    with write_film(tmp_path / "film.mp4", 10) as writer:
        for time_s in (0.0, 0.1, 0.4, 0.5):
            writer.write(np.zeros((32, 48, 3), np.uint8), time_s)
    return tmp_path / "film.mp4"


def test_seconds_are_the_films_own(film: Path) -> None:
    assert frame_times(film, [2, 0]) == {0: pytest.approx(0.0), 2: pytest.approx(0.4, abs=1e-3)}
    with pytest.raises(DataError, match=r"has no frame 9, .*counted from 1"):
        frame_times(film, [1, 9])


def test_truth_is_written_and_not_written_over(tmp_path: Path, film: Path) -> None:
    place = drive_truth(coco(tmp_path), film, tmp_path / "drive")
    (event,) = read_events(place / "truth" / "events.csv")
    assert (event.sign, event.passed_s) == ("speed-60", pytest.approx(0.4, abs=1e-3))
    assert len(read_boxes(place / "truth" / "boxes.csv")) == 3
    with pytest.raises(DataError, match="there already"):
        drive_truth(coco(tmp_path), film, tmp_path / "drive")
    with pytest.raises(DataNotFoundError, match="nothing at"):
        drive_truth(tmp_path / "none.json", film, tmp_path / "other")
    other = drive_truth(cvat(tmp_path, track("R1-1", box(0), box(3))), film, tmp_path / "b", labels="au")
    assert read_events(other / "truth" / "events.csv")[0].sign == "stop"
