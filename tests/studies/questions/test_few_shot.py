"""What a few labelled pictures are worth: the answer follows from the signs that were not shown."""

from pathlib import Path

from roadworthy.evaluate.results import Comparison
from roadworthy.studies.questions.few_shot import FewShot
from roadworthy.studies.results import StudyResult


def compared(metric: str, verdict: str, effect: float) -> Comparison:
    return Comparison(
        a="5 a class",
        b="none",
        metric=metric,
        n=100,
        seeds=3,
        tracks=50,
        effect=effect,
        ci95=(effect - 0.005, effect + 0.005),
        p=0.01,
        verdict=verdict,
    )


def answer(*comparisons: Comparison) -> str:
    asked = {"quick": False}
    result = StudyResult(study="few-shot", question="?", arms=(), asked=asked, comparisons=comparisons)
    return FewShot().answer(result, Path())


def test_a_gain_on_signs_not_shown_is_a_yes() -> None:
    assert answer(compared("accuracy on b", "better", 0.02)).startswith("Yes: a few labelled pictures help.")


def test_a_gain_at_home_alone_is_none_of_the_question() -> None:
    said = answer(compared("accuracy", "better", 0.02), compared("accuracy on b", "worse", -0.02))
    assert said.startswith("No: a few labelled pictures gain nothing.")
    assert "+2.00" not in said
