"""Recall by class and confusion matrices from stored answers."""

from collections.abc import Callable
from pathlib import Path

from tests.studies.questions.conftest import study_of

from roadworthy.studies.questions.class_tables import confusions_of, mean_counts, recall_by_class
from roadworthy.studies.results import ArmResult

# Two seeds: four 50s, two 60s, no stop.
FIRST = ((0, 0, 0, 0), (1, 0), ())
SECOND = ((0, 0, 0, 1), (0, 0), ())


def test_means_over_trainings_by_hand(finished_arm: Callable[..., ArmResult], tmp_path: Path) -> None:
    arm = finished_arm("ours", [FIRST, SECOND])
    classes, counts = mean_counts(arm, tmp_path)
    assert classes == ("speed-50", "speed-60", "stop")
    assert counts.tolist() == [[3.5, 0.5, 0], [1.5, 0.5, 0], [0, 0, 0]]
    table = recall_by_class(study_of([arm]), tmp_path, ["ours"])
    assert [column.name for column in table.columns] == ["arm", "speed-50, n = 4", "speed-60, n = 2"]
    assert table.rows == (("ours", 3.5 / 4, 0.25),)
    (matrix,) = confusions_of(arm, tmp_path)
    assert matrix.drawn == "confusion"
    assert matrix.caption == "Confusion matrix on the test: ours, mean over 2 trainings"
    assert matrix.rows[0] == ("speed-50", 3.5, 0.5, 0.0)


def test_another_domain_has_its_own(finished_arm: Callable[..., ArmResult], tmp_path: Path) -> None:
    arm = finished_arm("ours", [FIRST], {"belgium": [((0,), (), (2,))]})
    table = recall_by_class(study_of([arm]), tmp_path, ["ours"], "belgium")
    assert table.caption.startswith("Recall by class on belgium")
    assert table.rows == (("ours", 1.0, 1.0),)
    assert "on belgium: ours" in confusions_of(arm, tmp_path, "belgium")[0].caption
