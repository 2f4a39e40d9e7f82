"""Which shift hurts, and what the numbers say of why, by rule."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.studies.questions.conftest import compared, study_of
from tests.studies.questions.test_arm_tables import write_history

from roadworthy.augment.policy import kinds, operations
from roadworthy.studies.plan import StudyRequest
from roadworthy.studies.questions.augmentation import (
    MEASURES,
    MOVED,
    NONE,
    POOLED,
    POOLED_MOVED,
    Augmentation,
    moved_by,
    shifts,
    what_shifts_say,
)
from roadworthy.studies.results import ArmResult, StudyResult

RIGHT, HALF = ((0, 0), (1, 1), ()), ((0, 0), (0, 0), ())


def study(
    finished_arm: Callable[..., ArmResult],
    tmp_path: Path,
    *,
    training: float,
    pooled: tuple[float, float],
) -> StudyResult:
    arms = [finished_arm(name, [RIGHT]) for name in (NONE, moved_by(0.25), moved_by(0.5), POOLED)]
    arms += [finished_arm(name, [HALF]) for name in (MOVED, POOLED_MOVED)]
    for arm, accuracy in ((arms[0], 0.99), (arms[4], training)):
        write_history(tmp_path / arm.runs[0].folder, f"1,{accuracy},")
    comparisons = [
        compared(moved_by(0.25), NONE, 0.0, (-0.01, 0.01)),
        compared(moved_by(0.5), NONE, -0.02, (-0.03, -0.01)),
        compared(MOVED, NONE, -0.2, (-0.25, -0.15)),
        compared(POOLED_MOVED, POOLED, sum(pooled) / 2, pooled),
    ]
    return study_of(arms, comparisons)


def test_each_shift_stands_beside_the_same_network_unshifted(
    finished_arm: Callable[..., ArmResult], tmp_path: Path
) -> None:
    table = shifts(study(finished_arm, tmp_path, training=0.4, pooled=(-0.02, 0.02)), tmp_path)
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows[NONE] == ("dense layers", 0.0, 0.99, 1.0, None, None)
    assert rows[MOVED] == ("dense layers", 0.2, 0.4, 0.5, -0.2, (-0.25, -0.15))
    assert rows[POOLED_MOVED][:2] == ("no dense layer", 0.2)
    assert rows[moved_by(0.5)][1] == pytest.approx(0.1)


def test_the_numbers_say_from_where_on_and_why(
    finished_arm: Callable[..., ArmResult], tmp_path: Path
) -> None:
    result = study(finished_arm, tmp_path, training=0.4, pooled=(-0.02, 0.02))
    size, fits, places = (answer for _, answer in what_shifts_say(result, tmp_path).rows)
    assert size == "from 10 % of the side: -2.00 points, -3.00 to -1.00"
    assert str(fits).startswith("no, it underfits them: 40.00 % of shifted training pictures, 99.00 %")
    assert str(places).startswith("yes, without them the same shift costs less: -20.00 points")


def test_where_intervals_meet_it_stays_open(finished_arm: Callable[..., ArmResult], tmp_path: Path) -> None:
    result = study(finished_arm, tmp_path, training=0.95, pooled=(-0.2, 0.02))
    _, fits, places = (answer for _, answer in what_shifts_say(result, tmp_path).rows)
    assert str(fits).startswith("yes, better than the test")
    assert str(places).startswith("open, the intervals meet")
    nothing = study_of([result.arm(NONE)])
    answers = [answer for _, answer in what_shifts_say(nothing, tmp_path).rows]
    assert answers == ["of none is a cost shown", "not tried here", "not tried here"]


def test_every_arm_has_its_reason() -> None:
    plan = Augmentation().plan(StudyRequest(data="gtsrb:"))
    assert {arm.name for arm in plan.arms} - {NONE, POOLED} == set(MEASURES)
    assert len(operations("study-flips")) + len(kinds("default")) == sum("alone" in m for m in MEASURES) - 2
