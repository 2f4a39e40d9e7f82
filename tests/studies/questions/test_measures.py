"""Reasons set against the evidence, by rule."""

from collections.abc import Callable

import pytest
from tests.studies.questions.conftest import compared, study_of

from roadworthy.studies.questions.measures import Expected, Measure, agreement, changed, reasons, that_changed
from roadworthy.studies.results import ArmResult


@pytest.mark.parametrize(
    ("expected", "ci95", "agrees"),
    [
        ("gain", (0.001, 0.02), "yes"),
        ("gain", (-0.01, 0.02), "open"),
        ("gain", (-0.02, 0.004), "no"),  # leaves no gain that would matter
        ("gain", None, "open"),
        ("cost", (-0.02, -0.001), "yes"),
        ("cost", (-0.004, 0.02), "no"),
        ("cost", (-0.01, 0.02), "open"),
        ("no effect", (-0.004, 0.004), "yes"),
        ("no effect", (0.001, 0.004), "yes"),
        ("no effect", (-0.01, 0.002), "open"),
        ("no effect", (0.001, 0.02), "no"),
        ("no effect", (-0.02, -0.001), "no"),
    ],
)
def test_the_interval_says_whether_the_evidence_agrees(
    expected: Expected, ci95: tuple[float, float] | None, agrees: str
) -> None:
    assert agreement(compared("a", "b", 0.0, ci95), expected) == agrees


def test_what_was_not_judged_is_open_and_changed_nothing() -> None:
    found = compared("a", "b", 0.1, (0.05, 0.15), verdict="not judged")
    assert agreement(found, "gain") == "open"
    assert not changed(found)
    assert changed(compared("a", "b", 0.1, (0.05, 0.15)))
    assert not changed(compared("a", "b", 0.1, None))


def test_each_measure_has_a_row_with_its_reason_and_every_place(
    finished_arm: Callable[..., ArmResult],
) -> None:
    arms = [finished_arm(name, [((0,), (1,), (2,))]) for name in ("none", "blur", "alone")]
    comparisons = [
        compared("blur", "none", 0.02, (0.01, 0.03)),
        compared("blur", "none", -0.02, (-0.03, -0.01), metric="accuracy on there"),
    ]
    result = study_of(arms, comparisons, domains=("there",))
    measures = {
        "blur": Measure(reason="cameras blur", elsewhere="gain"),
        "alone": Measure(reason="never compared"),
        "no arm": Measure(reason="not tried"),
    }
    table = reasons(result, measures, "none")
    assert [column.name for column in table.columns][2:] == ["at home", "on there"]
    assert table.rows[0] == (
        "blur",
        "cameras blur",
        "gain expected: yes (+2.00 points, +1.00 to +3.00)",
        "gain expected: no (-2.00 points, -3.00 to -1.00)",
    )
    assert table.rows[1][2:] == (None, None)
    assert len(table.rows) == 2
    assert len(reasons(result, measures, {"blur": "none"}).rows) == 1
    assert that_changed(result, "none", "there", ["blur"]) == ["blur"]
    assert that_changed(result, "none", "", ["alone"]) == []
