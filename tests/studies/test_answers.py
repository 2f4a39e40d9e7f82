"""Answers begin with yes, no or open, by rule."""

import dataclasses

import pytest

from roadworthy.core.verdicts import QUICK_LOOK
from roadworthy.evaluate.results import Comparison
from roadworthy.studies.answers import gained, largest, within


def comparison(verdict: str, low: float, high: float, a: str = "ours") -> Comparison:
    return Comparison(
        a=a,
        b="none",
        metric="accuracy",
        n=100,
        seeds=3,
        tracks=100,
        effect=(low + high) / 2,
        ci95=(low, high),
        p=0.5,
        verdict=verdict,
    )


GAIN = comparison("better", 0.01, 0.03)
LOSS = comparison("worse", -0.03, -0.01, "theirs")
NARROW = comparison("no difference shown", -0.004, 0.004)
WIDE = comparison("no difference shown", -0.05, 0.05)
UNJUDGED = comparison("not judged", -0.05, -0.01)


@pytest.mark.parametrize(
    ("comparisons", "expected"),
    [
        ([GAIN, LOSS], "Yes"),
        ([LOSS, NARROW], "No"),
        ([LOSS, WIDE], "Open"),
        ([UNJUDGED], "Open"),
        ([], "Open"),
    ],
)
def test_a_gain_is_yes_excluded_gains_are_no_the_rest_is_open(
    comparisons: list[Comparison], expected: str
) -> None:
    assert gained(comparisons, quick=False) == expected
    assert gained(comparisons, quick=True) == "Open"


def test_a_bound_is_reached_by_all_of_the_interval_or_missed_by_it() -> None:
    assert within(0.9, 0.95, 0.9, quick=False) == "Yes"
    assert within(0.8, 0.89, 0.9, quick=False) == "No"
    assert within(0.8, 0.95, 0.9, quick=False) == "Open"
    assert within(0.9, 0.95, 0.9, quick=True) == "Open"


def test_the_largest_gains_are_named_and_a_quick_look_says_larger() -> None:
    assert largest([LOSS, GAIN], quick=False) == "ours +2.00 points (95 % +1.00 to +3.00)"
    both = largest([WIDE, NARROW], quick=True)
    assert both.startswith("larger with ours +0.00 points")
    assert "better" not in both
    assert largest([], quick=False) == "nothing was compared"


def test_an_arm_that_is_not_judged_is_never_named_but_for_a_quick_look() -> None:
    lucky = comparison("not judged", 0.2, 0.4, "guessing")
    assert "guessing" not in largest([lucky, NARROW, WIDE], quick=False)
    assert "guessing" not in largest([lucky, NARROW, WIDE], quick=True)
    assert largest([lucky], quick=False) == "none could be judged"
    seen = dataclasses.replace(lucky, a="ours", reason=f"{QUICK_LOOK}: larger by 30 points")
    assert largest([seen, NARROW], quick=True).startswith("larger with ours +30.00 points")
