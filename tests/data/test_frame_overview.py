from __future__ import annotations

import dataclasses
import json

import pytest

from roadworthy.core.errors import LabelError
from roadworthy.data.frame_overview import frame_overview, size_class, size_classes, with_classes
from roadworthy.data.frames import Annotation, Frame

FRAMES = [
    Frame(
        path="a.png",
        split="train",
        annotations=(
            Annotation(box=(0, 0, 15.5, 10), label="stop"),
            Annotation(box=(0, 0, 10, 16), label="pole"),
            Annotation(box=(0, 0, 300, 10)),
            Annotation(box=(50, 50, 60, 60), label="stop", ignore=True),
        ),
    ),
    Frame(path="b.png", split="test", annotations=(Annotation(box=(0, 0, 20, 20), label="no-entry"),)),
    Frame(path="c.png", split="test"),
]


def test_counts_by_split_class_and_size() -> None:
    found = frame_overview(*with_classes(FRAMES, ("all",), "none", "names"))
    assert (found.n, found.splits) == (3, ("train", "test"))
    assert (found.frames, found.empty) == ({"train": 1, "test": 2}, {"test": 1})
    assert (found.signs, found.ignored) == ({"train": 3, "test": 1}, {"train": 1})
    assert found.classes == {
        "stop": {"train": 1},
        "no-entry": {"test": 1},
        "pole": {"train": 1},
        "(class not told)": {"train": 1},
    }
    assert list(found.classes) == ["stop", "no-entry", "pole", "(class not told)"]
    assert found.sizes == {
        "under 16": {"train": 1},
        "16 to 24": {"train": 1, "test": 1},
        "256 and more": {"train": 1},
    }
    assert found.heads[0] == {"path": "a.png", "label": "stop", "split": "train", "box": "0 0 15.5 10"}
    assert json.loads(json.dumps(dataclasses.asdict(found)))["signs"] == {"train": 3, "test": 1}


def test_a_size_belongs_to_the_class_that_it_begins() -> None:
    names = {side: size_class((0, 0, 1, side)) for side in (15.9, 16, 23.9, 24, 255, 256, 4000)}
    assert {names[15.9], names[16], names[23.9]} == {"under 16", "16 to 24"}
    assert (names[15.9], names[23.9], names[24]) == ("under 16", "16 to 24", "24 to 32")
    assert (names[255], names[256], names[4000]) == ("128 to 256", "256 and more", "256 and more")
    assert len(size_classes()) == 9


def test_some_classes_alone() -> None:
    frames, classes = with_classes(FRAMES, ("stop",), "none", "names")
    assert classes == ("stop",)
    assert [frame.path for frame in frames] == ["a.png"]
    assert [(one.label, one.ignore) for one in frames[0].annotations] == [("stop", False), ("stop", True)]
    assert with_classes(FRAMES, ("R1-1",), "none", "au")[1] == ("stop",)
    with pytest.raises(LabelError, match="class 'give-way' is not in the data"):
        with_classes(FRAMES, ("give-way",), "none", "names")


def test_families_for_classes() -> None:
    frames, classes = with_classes(FRAMES, ("all",), "family", "names")
    assert classes == ("stop-and-priority", "prohibition", "other")
    assert [one.label for one in frames[0].annotations] == ["stop-and-priority", "other", "", "stop"]
    assert len(frames) == 3


def test_nothing_at_all() -> None:
    found = frame_overview(*with_classes([Frame(path="a.png")], ("all",), "none", "names"))
    assert (found.n, found.classes, found.sizes, found.heads) == (1, {}, {}, ())
