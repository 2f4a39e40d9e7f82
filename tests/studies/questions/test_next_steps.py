"""What to try next, whether it was tried, and how large the pictures are."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.studies.questions.conftest import compared, study_of

from roadworthy.evaluate.analysis.causes import Action
from roadworthy.studies.questions import next_steps
from roadworthy.studies.questions.mistakes_arms import ASKED, BALANCED, LARGER, PLAIN
from roadworthy.studies.results import ArmResult, StudyResult

ANSWERS = ((0,), (1,), (2,))
SAMPLER = {"train.balance": "sampler"}


@pytest.fixture
def result(finished_arm: Callable[..., ArmResult], tmp_path: Path) -> StudyResult:
    varied = {"augment.policy": "study-flips", "train.gradients": 100}
    asked = finished_arm(ASKED, [ANSWERS], settings=varied, after=PLAIN)
    balanced = {**varied, **SAMPLER, "train.gradients": 90}
    larger = {**varied, "input.size": 96}
    arms = [
        finished_arm(PLAIN, [ANSWERS]),
        asked,
        finished_arm(BALANCED, [ANSWERS], settings=balanced, after=PLAIN),
        finished_arm(LARGER, [ANSWERS], settings=larger, after="its own"),
    ]
    config = tmp_path / arms[-1].runs[0].folder / "config.toml"
    config.write_text("[input]\nsize = 96\n")
    comparisons = [
        compared(BALANCED, ASKED, 0.2, (0.1, 0.3), metric="accuracy on belgium"),
        compared(BALANCED, ASKED, 0.004, (-0.008, 0.016)),
        compared(LARGER, ASKED, 0.02, (0.01, 0.03), verdict="better"),
    ]
    return study_of(arms, comparisons)


def test_an_action_that_was_tried_shows_what_it_gained(result: StudyResult) -> None:
    found = [
        Action(name="60 shown more often", evidence="so", settings=SAMPLER),
        Action(name="blur", evidence="so", settings={"augment.policy": "default"}),
        Action(name="drawn signs", evidence="so", settings={}),
    ]
    rows = next_steps.to_try(result, found).rows
    assert rows[0][2:] == (
        "train.balance=sampler",
        "tried: +0.40 points, -0.80 to +1.60; no difference shown",
    )
    assert rows[1][3] == "not tried here"
    assert rows[2][2:] == (None, None)


def write_sizes(folder: Path, train: dict[str, int], test: dict[str, int]) -> None:
    (folder / next_steps.SIZES).write_text(json.dumps({"train": train, "test": test}))


def test_a_larger_input_says_nothing_where_no_picture_is_so_large(
    result: StudyResult, tmp_path: Path
) -> None:
    write_sizes(tmp_path, {"30": 60, "56": 30}, {"56": 10})
    part = next_steps.higher_resolution(result, tmp_path)
    assert part.verdict == "open"
    assert part.evidence.endswith(
        "which says nothing of higher resolution: 0 of 100 pictures of training and test have 96 px or "
        "more, 40 (40 %) the 56 px that none exceeds"
    )
    sides = next_steps.longer_sides(result, tmp_path)
    table = next_steps.sizes_table(sides, 96)
    assert table.rows == (("train", 90, 0, 30, 30 / 90), ("test", 10, 0, 10, 1.0))


def test_with_pictures_that_large_the_interval_decides(result: StudyResult, tmp_path: Path) -> None:
    write_sizes(tmp_path, {"30": 60, "120": 30}, {"56": 10})
    part = next_steps.higher_resolution(result, tmp_path)
    assert part.verdict == "confirmed"
    assert "30 of 100 pictures of training and test have 96 px or more" in part.evidence
