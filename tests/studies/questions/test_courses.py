"""Courses of trainings, from their histories."""

from collections.abc import Callable
from pathlib import Path

from tests.studies.questions.conftest import study_of

from roadworthy.studies.questions.courses import course, last, overlaid
from roadworthy.studies.results import ArmResult

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
