"""Seconds as gradient steps: what was equal stays equal, and nobody trains for seven steps."""

from pathlib import Path

import pytest

from roadworthy.studies import budgets
from roadworthy.studies.budgets import LEAST, in_steps
from roadworthy.studies.plan import Arm, Plan, StudyRequest

ASK = StudyRequest(data="folder:pictures", classes=("stop", "no-entry"))
SPEEDS = {"none": 1280.0, "default": 640.0}  # pictures a second


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "noise_speed", lambda config: SPEEDS[config.augment.policy])
    monkeypatch.setattr(
        budgets, "in_turn", lambda configs, *_: [2 * SPEEDS[config.augment.policy] for config in configs]
    )


def plan(seconds: float, *, equal: bool = False) -> Plan:
    base = {"train.minutes": seconds / 60, "train.batch_size": 64, "train.precision": "fp32"}
    arms = (
        Arm(name="none", settings={"augment.policy": "none"}),
        Arm(name="ours", settings={"augment.policy": "default"}),
        Arm(name="an epoch", settings={"train.minutes": None, "train.epochs": 1}),
        Arm(name="measured again", after="none", trains=False),
    )
    return Plan(base=base, arms=arms, equal_seconds=equal)


def gradients(found: Plan) -> dict[str, int | None]:
    return {arm.name: arm.settings.get("train.gradients") for arm in found.arms}


def test_an_arm_gets_the_steps_that_its_own_speed_makes_in_the_seconds() -> None:
    found = in_steps(plan(10), ASK, Path("studies"))
    assert gradients(found) == {"none": 200, "ours": 100, "an epoch": None, "measured again": None}
    assert [arm.seconds for arm in found.arms] == [10, 10, 0, 0]
    assert found.base["train.minutes"] is None


def test_no_arm_gets_fewer_than_the_least() -> None:
    assert gradients(in_steps(plan(4), ASK, Path("studies")))["none"] == 80
    assert gradients(in_steps(plan(4), ASK, Path("studies")))["ours"] == LEAST


def test_where_seconds_are_to_be_equal_all_are_stretched_alike_by_the_speed_of_real_trainings() -> None:
    found = in_steps(plan(1.5, equal=True), ASK, Path("studies"))
    assert gradients(found) == {"none": 2 * LEAST, "ours": LEAST, "an epoch": None, "measured again": None}
    assert [arm.seconds for arm in found.arms[:2]] == [3, 3]


def test_a_quick_look_does_not_wait_for_real_trainings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "in_turn", None)
    quick = StudyRequest(data=ASK.data, classes=ASK.classes, quick=True)
    assert gradients(in_steps(plan(10, equal=True), quick, Path("studies")))["none"] == 200


def test_a_budget_of_the_user_stands() -> None:
    own = StudyRequest(data=ASK.data, classes=ASK.classes, settings=("train.gradients=7",))
    assert in_steps(plan(10), own, Path("studies")) == plan(10)


def test_seeds_and_budgets_are_no_reason_to_measure_anew() -> None:
    asked: list[object] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(budgets, "noise_speed", lambda config: asked.append(config) or 640.0)
        longer = plan(10)
        arms = (*longer.arms, Arm(name="longer", settings={"augment.policy": "none", "train.minutes": 1.0}))
        found = in_steps(Plan(base=longer.base, arms=arms), ASK, Path("studies"))
    assert len(asked) == 2
    assert gradients(found)["longer"] == 600
