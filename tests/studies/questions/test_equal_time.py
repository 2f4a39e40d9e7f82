"""What equal time went into, and the empty epochs."""

from collections.abc import Callable
from pathlib import Path

from tests.studies.questions.conftest import study_of
from tests.studies.questions.test_arm_tables import write_history

from roadworthy.studies.questions.equal_time import AS_IT_WAS, EqualTime
from roadworthy.studies.results import ArmResult

ANSWERS, HALF = ((0,), (1,), (2,)), ((0, 1), (1, 0), ())


def test_seconds_epochs_and_the_empty_ones(finished_arm: Callable[..., ArmResult], tmp_path: Path) -> None:
    none = finished_arm("none, 1x", [ANSWERS], seconds=18.0)
    was = finished_arm(AS_IT_WAS, [HALF], used={"epochs": 0, "train_seconds": 0})
    spent, empty = EqualTime().tables(study_of([none, was]), tmp_path)
    assert spent.rows[0] == ("none, 1x", 4.0, 5.0, 40.0, 20.0, 18.0, 20.0)
    assert spent.rows[1] == (AS_IT_WAS, 0.0, None, 40.0, None, None, 0.0)
    assert "'156/156, 0 s'" in empty.caption
    assert [row[-1] for row in empty.rows] == [1.0, 0.5, None]


def test_courses_are_overlaid_and_charts_stay_within_all_and_nothing(
    finished_arm: Callable[..., ArmResult], tmp_path: Path
) -> None:
    arms = [finished_arm(name, [ANSWERS, HALF]) for name in ("none, 1x", "the study's, 1x", "ours, 1x")]
    for arm in arms:
        for run in arm.runs:
            write_history(tmp_path / run.folder, "1,0.5,0.6", head="epoch,train_accuracy,val_accuracy")
    training, validation, seconds = EqualTime().curves(study_of(arms), tmp_path)
    assert [line.name for line in training.curves] == [arm.name for arm in arms]
    assert (training.curves[0].ys, validation.curves[0].ys) == ((0.5,), (0.6,))
    assert seconds.curves[0].lows == (0.0,)
    assert seconds.curves[0].highs == (1.0,)
