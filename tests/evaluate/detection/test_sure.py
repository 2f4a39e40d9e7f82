"""What is said surely, and what is wrong with it."""

import numpy as np
import pytest
from tests.evaluate.detection.conftest import frame

from roadworthy.config import DangerConfig
from roadworthy.core.finder_predictions import FinderPredictions
from roadworthy.evaluate.detection.sure import is_sure, sure_boxes, wrong_per_frame

DANGER = DangerConfig()
BOXES = [
    (0, 0, 10, 10, 0.9),  # on a stop
    (0, 0, 10, 9, 0.8),  # again
    (20, 0, 30, 10, 0.7),  # on a limit
    (40, 0, 50, 10, 0.6),  # on a sign of unknown class
    (60, 0, 70, 10, 0.5),  # on nothing
    (25, 0, 43, 10, 0.4),  # beside the limit
    (90, 90, 99, 99, 0.3),  # in an ignored region
]
PLACE = {
    "wanted": [(0, 0, 10, 10), (20, 0, 30, 10), (40, 0, 50, 10)],
    "labels": ("stop", "speed-60", ""),
    "ignore": [(80, 80, 110, 110)],
}


def read(
    *predicted: str, accepted: list[bool] | None = None, threshold: float | None = None
) -> FinderPredictions:
    one = frame(
        "a",
        BOXES,
        predicted=predicted,
        confidence=np.ones(len(BOXES)),
        accepted=None if accepted is None else np.array(accepted),
        **PLACE,
    )
    return FinderPredictions(
        frames=(frame("b", predicted=(), confidence=np.zeros(0)), one), threshold=threshold
    )


def test_each_kind_of_sure_box_by_hand() -> None:
    said = read("stop", "stop", "speed-100", "no-entry", "no-entry", "speed-60", "stop")
    found = [(one.frame, one.box, one.kind, one.shown, one.row, one.cost) for one in sure_boxes(said, DANGER)]
    assert found == [
        (1, 0, "right", "stop", "", 0),
        (1, 1, "twice", "stop", "", 0),
        (1, 2, "misread", "speed-60", "limit_far_too_high", 10),
        (1, 3, "unknown", "", "", 0),
        (1, 4, "nothing", "no-sign", "false_priority", 3),
        (1, 5, "beside", "speed-60", "", 0),
    ]
    assert wrong_per_frame(list(sure_boxes(said, DANGER)), 2).tolist() == [0, 4]


def test_a_box_that_is_not_shown_takes_no_sign_from_one_that_is() -> None:
    accepted = [False, True, False, False, False, False, False]
    said = read("no-entry", "stop", *["stop"] * 5, accepted=accepted)
    assert [(one.box, one.kind) for one in sure_boxes(said, DANGER)] == [(1, "right")]


def test_only_what_is_accepted_named_and_above_the_threshold_is_sure() -> None:
    said = read(
        "stop", "no-sign", "other-sign", "stop", "stop", "stop", "stop", accepted=[True] * 4 + [False] * 3
    )
    assert is_sure(said.frames[1], -np.inf).tolist() == [True, False, False, True, False, False, False]
    assert is_sure(said.frames[1], 0.61).tolist() == [True] + [False] * 6
    assert not is_sure(frame("a", BOXES), -np.inf).any()


def test_a_second_box_of_another_class_misleads_and_one_beside_a_sign_too() -> None:
    said = read("stop", "no-entry", "speed-60", "stop", "speed-60", "end-speed-60", "stop")
    rows = {one.box: (one.kind, one.row, one.cost) for one in sure_boxes(said, DANGER)}
    assert rows[1] == ("twice", "missed_priority", 10)
    assert rows[4] == ("nothing", "false_limit", 3)
    assert rows[5] == ("beside", "limit_ended", 10)


def test_weights_are_those_given() -> None:
    said = read("stop", "stop", "speed-60", "stop", "speed-60", "speed-60", "stop")
    costs = [one.cost for one in sure_boxes(said, DangerConfig(false_limit=7.5))]
    assert costs == pytest.approx([0, 0, 0, 0, 7.5, 0])
