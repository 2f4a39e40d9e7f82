"""What became of boxes, and what that saves."""

from __future__ import annotations

import pytest

from roadworthy.data.frames import Annotation, Frame
from roadworthy.data.label_changes import Effort, changes, counted


def frame(path: str, *boxes: tuple[float, float, float, float, str], ignore: bool = False) -> Frame:
    marked = [Annotation(box=box[:4], label=box[4], ignore=ignore) for box in boxes]
    return Frame(path=path, annotations=tuple(marked))


BEFORE = frame(
    "a/1.png",
    (0, 0, 10, 10, "stop"),
    (20, 0, 30, 10, "stop"),
    (40, 0, 50, 10, "stop"),
    (60, 0, 70, 10, "stop"),
    (80, 0, 90, 10, "stop"),
)
AFTER = frame(
    "b/1.jpg",  # another folder and format
    (0, 0, 10, 10.2, "stop"),
    (23, 0, 33, 10, "stop"),
    (40, 0, 50, 10, "yield"),
    (62, 0, 72, 10, "yield"),
    (100, 0, 110, 10, "stop"),
)


def test_each_box_is_kept_moved_renamed_added_or_removed() -> None:
    found, missing = changes([BEFORE, frame("2.png")], [AFTER])
    assert missing == ["2.png"]
    assert [(one.kind, one.before, one.after) for one in found] == [
        ("kept", "stop", "stop"),
        ("moved", "stop", "stop"),
        ("renamed", "stop", "yield"),
        ("moved and renamed", "stop", "yield"),
        ("removed", "stop", ""),
        ("added", "", "stop"),
    ]
    assert found[0].overlap == pytest.approx(100 / 102)
    assert found[1].overlap == pytest.approx(70 / 130)
    assert found[4].box == (80, 0, 90, 10)


def test_regions_to_be_ignored_have_no_part_in_it() -> None:
    found, _ = changes([frame("1.png")], [frame("1.png", (0, 0, 9, 9, ""), ignore=True)])
    assert found == []


def test_of_two_boxes_in_one_place_the_one_of_the_same_class_is_kept() -> None:
    before = frame("1.png", (0, 0, 10, 10, "a"))
    after = frame("1.png", (0, 0, 10, 10, "b"), (0, 0, 10, 10, "a"))
    found, _ = changes([before], [after])
    assert [(one.kind, one.after) for one in found] == [("kept", "a"), ("added", "b")]


def test_of_frames_of_one_name_the_nearest_path_is_meant() -> None:
    before = [frame("x/left/1.png", (0, 0, 9, 9, "a")), frame("x/right/1.png", (0, 0, 9, 9, "b"))]
    after = [frame("y/right/1.png", (0, 0, 9, 9, "b")), frame("y/left/1.png", (0, 0, 9, 9, "a"))]
    assert counted(changes(before, after)[0])["kept"] == 2


def test_hours_follow_from_what_was_done() -> None:
    counts = {"kept": 8, "moved": 1, "renamed": 0, "moved and renamed": 0, "added": 1, "removed": 2}
    by_hand, helped = Effort(draw_s=10, fix_s=5, check_s=1).hours(counts)
    assert by_hand == pytest.approx(100 / 3600)  # ten boxes
    assert helped == pytest.approx((8 + 3 * 6 + 10) / 3600)
