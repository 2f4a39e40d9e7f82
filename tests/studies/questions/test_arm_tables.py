"""Recall by class, confusion matrices and courses, from what trainings stored."""

from collections.abc import Callable
from pathlib import Path

from tests.studies.questions.conftest import study_of

from roadworthy.studies.questions.arm_tables import (
    confusions_of,
    course,
    last,
    mean_counts,
    overlaid,
    recall_by_class,
)
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


ANSWERS = ((0,), (1,), (2,))


def write_history(folder: Path, *rows: str, head: str = "epoch,train_accuracy,gradient_norm") -> None:
    (folder / "history.csv").write_text("\n".join((head, *rows)) + "\n")


def test_means_over_the_epochs_that_all_trainings_have(
    finished_arm: Callable[..., ArmResult], tmp_path: Path
) -> None:
    arm = finished_arm("ours", [ANSWERS, ANSWERS])
    first, second = (tmp_path / run.folder for run in arm.runs)
    write_history(first, "1,0.5,2", "2,0.75,", "3,0.9,nan")
    write_history(second, "1,0.25,4", "2,0.25,8")
    assert course(arm, tmp_path, "train_accuracy") == {1: 0.375, 2: 0.5}
    assert course(arm, tmp_path, "gradient_norm") == {1: 3.0}
    assert last(arm, tmp_path, "train_accuracy") == (0.9 + 0.25) / 2
    assert course(arm, tmp_path, "no such column") == {}
    (curves,) = overlaid(
        study_of([arm]), tmp_path, ["ours", "no arm"], column="train_accuracy", name="n", caption="c"
    )
    assert [(one.name, one.xs, one.ys) for one in curves.curves] == [("ours", (1.0, 2.0), (0.375, 0.5))]


def test_without_a_history_there_is_no_chart(finished_arm: Callable[..., ArmResult], tmp_path: Path) -> None:
    arm = finished_arm("ours", [ANSWERS])
    assert course(arm, tmp_path, "train_accuracy") == {}
    assert last(arm, tmp_path, "train_accuracy") is None
    assert overlaid(study_of([arm]), tmp_path, ["ours"], column="x", name="n", caption="c") == []
