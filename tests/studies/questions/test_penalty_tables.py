"""The penalty beside its own plain training."""

from collections.abc import Callable
from pathlib import Path

from tests.studies.questions.conftest import study_of
from tests.studies.questions.test_arm_tables import write_history

from roadworthy.studies.questions.penalty_tables import matrices, norms, sixties, without_and_with
from roadworthy.studies.results import ArmResult

PLAIN, PENALISED = ((0, 0), (1, 1, 0, 0), ()), ((0, 0), (1, 1, 1, 0), ())
SETTING = "study-cnn, photographs, equal epochs"


def test_sixties_with_and_without(finished_arm: Callable[..., ArmResult], tmp_path: Path) -> None:
    no_sixty = {"belgium": [((0, 0), (), (2,))]}
    arms = [
        finished_arm(f"{SETTING}: plain", [PLAIN], no_sixty),
        finished_arm(f"{SETTING}: penalty", [PENALISED], no_sixty),
        finished_arm(f"{SETTING}: late penalty", [PENALISED], no_sixty),
        finished_arm("alone: penalty", [PENALISED], no_sixty),
    ]
    result = study_of(arms, domains=("belgium",))
    assert without_and_with(result) == [(arms[0], arms[1])]
    assert sixties(result, tmp_path).rows == ((f"{SETTING}: penalty", "the test", 4.0, 0.5, 0.75, 0.25),)
    captions = [table.caption for table in matrices(result, tmp_path)]
    assert captions[:2] == [
        f"Confusion matrix on the test: {SETTING}: plain",
        f"Confusion matrix on the test: {SETTING}: penalty",
    ]
    assert len(captions) == 4


def test_the_norm_is_drawn_where_it_was_recorded(
    finished_arm: Callable[..., ArmResult], tmp_path: Path
) -> None:
    arm = finished_arm("penalty", [PENALISED])
    assert norms(study_of([arm]), tmp_path, ["penalty"]) == []
    write_history(tmp_path / arm.runs[0].folder, "1,0.5,2.5")
    (curves,) = norms(study_of([arm]), tmp_path, ["penalty"])
    assert curves.log
    assert curves.curves[0].ys == (2.5,)
