"""How a study's answer begins: with yes, no or open, by rule, so that it can be read without its figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from roadworthy.core.verdicts import BETTER, NO_DIFFERENCE, NOT_JUDGED, QUICK_LOOK, WORSE
from roadworthy.core.words import points, points_interval
from roadworthy.evaluate.results import Comparison

Reply = Literal["Yes", "No", "Open"]
WORTH = 0.01  # a gain below a point is not worth having
NAMED = 3  # differences in a sentence


def gained(comparisons: Sequence[Comparison], *, quick: bool, worth: float = WORTH) -> Reply:
    """Whether any of the arms gains: yes where that is shown.

    No where all intervals exclude a gain of `worth` or a loss is shown; open in a quick look and otherwise.
    """
    if quick or not comparisons:
        return "Open"
    if any(c.verdict == BETTER for c in comparisons):
        return "Yes"
    return "No" if all(_excluded(c, worth) for c in comparisons) else "Open"


def within(low: float, high: float, bound: float, *, quick: bool) -> Reply:
    """Whether something reaches a bound: yes with all of its interval, no with none of it, else open."""
    if quick:
        return "Open"
    return "Yes" if low >= bound else "No" if high < bound else "Open"


def _excluded(comparison: Comparison, worth: float) -> bool:
    known = comparison.ci95 is not None and comparison.ci95[1] < worth
    return comparison.verdict == WORSE or (comparison.verdict == NO_DIFFERENCE and known)


def largest(comparisons: Sequence[Comparison], *, quick: bool, most: int = NAMED) -> str:
    """The largest gains with their intervals, in a clause; those that are shown, where any is.

    An arm at chance, or one whose seconds were not those promised, is never named.
    """
    judged = [c for c in comparisons if c.verdict != NOT_JUDGED or c.reason.startswith(QUICK_LOOK)]
    if comparisons and not judged:
        return "none could be judged"
    shown = [c for c in judged if c.verdict == BETTER] or judged
    ranked = sorted(shown, key=lambda c: -c.effect)[:most]
    said = ", ".join(f"{c.a}{_where(c)} {gain(c)}" for c in ranked)
    if len(ranked) < 2:
        return said or "nothing was compared"
    return f"{'larger with' if quick else 'the largest are'} {said}"


def gain(comparison: Comparison) -> str:
    """`+1.20 points (95 % +0.40 to +2.00)`."""
    sure = "" if comparison.ci95 is None else f" (95 % {points_interval(comparison.ci95)})"
    return f"{points(comparison.effect)} points{sure}"


def _where(comparison: Comparison) -> str:
    place = comparison.metric.partition(" on ")[2]
    return f" on {place}" if place else ""
