"""Verdicts on claims, from intervals alone."""

import dataclasses

import pytest

from roadworthy.evaluate.results import Comparison
from roadworthy.studies.claims import Part, better, everywhere, judge, largest, near, no_better, worse


def comparison(effect: float, low: float, high: float, verdict: str) -> Comparison:
    return Comparison(
        a="a",
        b="b",
        metric="accuracy",
        n=100,
        seeds=3,
        tracks=10,
        effect=effect,
        ci95=(low, high),
        p=0.5,
        verdict=verdict,
    )


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([0.985, 0.986, 0.987], "confirmed"),
        ([0.95, 0.951, 0.952], "refuted"),
        ([0.97, 0.985, 0.999], "open"),
        ([0.986], "open"),
    ],
)
def test_a_figure_is_found_again_only_with_its_whole_interval(values: list[float], verdict: str) -> None:
    part = near("test accuracy", values, 0.9869, margin=0.01)
    assert part.verdict == verdict
    assert "98.69 % claimed" in part.evidence


def test_a_gain_is_confirmed_refuted_or_open() -> None:
    assert better(comparison(0.02, 0.01, 0.03, "better")).verdict == "confirmed"
    assert better(comparison(-0.02, -0.03, -0.01, "worse")).verdict == "refuted"
    small = comparison(0.001, -0.002, 0.004, "no difference shown")
    assert better(small).verdict == "open"
    assert better(small, by=0.01).verdict == "refuted"
    assert better(comparison(0.0, -0.02, 0.02, "no difference shown"), by=0.01).verdict == "open"


def test_a_claims_own_interval_decides_however_much_else_is_compared() -> None:
    """After Holm the verdict may be open, because a study compares thirty things that nobody claimed."""
    shown = dataclasses.replace(
        comparison(-0.16, -0.23, -0.09, "no difference shown"), p=0.0025, p_adjusted=0.07
    )
    part = worse(shown)
    assert part.verdict == "confirmed"
    assert "p 0.0025, among all comparisons of the study 0.07" in part.evidence
    assert better(shown).verdict == "refuted"
    one_seed = dataclasses.replace(shown, ci95=None, p=None)
    assert worse(one_seed).verdict == better(one_seed).verdict == "open"


def test_a_loss_is_the_mirror_image() -> None:
    assert worse(comparison(-0.02, -0.03, -0.01, "worse")).verdict == "confirmed"
    assert worse(comparison(0.02, 0.01, 0.03, "better")).verdict == "refuted"
    assert worse(comparison(0.0, -0.004, 0.004, "no difference shown"), by=0.01).verdict == "refuted"
    assert worse(comparison(0.0, -0.02, 0.02, "no difference shown"), by=0.01).verdict == "open"


def test_one_refuted_part_refutes_and_all_must_be_confirmed() -> None:
    confirmed, refuted = Part(verdict="confirmed", evidence="x"), Part(verdict="refuted", evidence="y")
    undecided = Part(verdict="open", evidence="z")
    assert judge("C1", confirmed, confirmed).verdict == "confirmed"
    assert judge("C1", confirmed, undecided).verdict == "open"
    assert judge("C1", confirmed, undecided, refuted).verdict == "refuted"
    assert judge("C1", confirmed, refuted).evidence == "x; y"
    assert [part.verdict for part in everywhere([])] == ["open"]


@pytest.mark.parametrize(
    ("leads", "verdict"),
    [
        ([0.10, 0.11, 0.12], "confirmed"),
        ([-0.10, -0.11, -0.12], "refuted"),
        ([0.10, -0.10, 0.02], "open"),
        ([0.10], "open"),
    ],
)
def test_what_takes_most_follows_from_the_interval_over_rounds(leads: list[float], verdict: str) -> None:
    rounds = [{"a": 0.4 + lead, "b": 0.4, "c": 0.1, "d": 0.9} for lead in leads]
    part = largest("a", rounds, ["a", "b", "c"])  # d is not among those that it is measured against
    assert part.verdict == verdict
    assert f"against b {40.0} %" in part.evidence
    assert "1 round" not in part.evidence


def test_what_is_not_judged_leaves_its_claim_open_with_the_reason() -> None:
    """An arm at chance may lie far below the other, with an interval to match."""
    doubted = dataclasses.replace(
        comparison(-0.5, -0.6, -0.4, "not judged"), reason="at chance, which is 41 %"
    )
    for part in (better(doubted), worse(doubted), no_better(doubted, by=0.01)):
        assert part.verdict == "open"
        assert part.evidence.endswith("not judged (at chance, which is 41 %)")
