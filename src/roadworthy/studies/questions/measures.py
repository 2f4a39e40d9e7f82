"""Measures with the reason why each should work, set against what came out, by rule."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from roadworthy.core.document import Cell, Column, DataTable
from roadworthy.core.errors import UnknownNameError
from roadworthy.core.words import points, points_interval
from roadworthy.evaluate.results import Comparison
from roadworthy.studies.results import StudyResult

Expected = Literal["gain", "cost", "no effect"]
SMALL = 0.005  # a difference that would not matter; claims are judged by the same


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What is changed, why that should or should not work, and what therefore is expected of it.

    settings: by dotted name; none where they follow from what was asked for.
    at_home: expected where it was trained.  elsewhere: expected in other domains.
    """

    reason: str
    at_home: Expected = "gain"
    elsewhere: Expected = "gain"
    settings: Mapping[str, Any] = field(default_factory=dict)


def agreement(comparison: Comparison, expected: Expected) -> str:
    """Whether the evidence agrees: yes, no or open, by the comparison's own interval.

    No needs an interval that leaves no gain (or cost) of SMALL, or, where none was expected, excludes 0.
    """
    low, high = comparison.ci95 or (-math.inf, math.inf)
    if expected == "cost":
        low, high = -high, -low
    if comparison.verdict == "not judged":
        return "open"
    if expected == "no effect":
        within = low > -SMALL and high < SMALL
        return "yes" if within else "no" if low > 0 or high < 0 else "open"
    return "yes" if low > 0 else "no" if high < SMALL else "open"


def changed(comparison: Comparison) -> bool:
    """Whether the interval of a comparison excludes 0 and it may be judged at all."""
    low, high = comparison.ci95 or (-math.inf, math.inf)
    return comparison.verdict != "not judged" and (low > 0 or high < 0)


def reasons(
    result: StudyResult, measures: Mapping[str, Measure], baseline: str | Mapping[str, str]
) -> DataTable:
    """Why each measure should or should not work, and whether the evidence agrees, place by place.

    measures: by arm; arms that this study lacks are left out.
    baseline: the arm that each is compared with, or that by arm.
    """
    places = ("", *result.domains)
    known = {arm.name for arm in result.arms}
    rows: list[tuple[Cell, ...]] = []
    for name, measure in measures.items():
        against = baseline if isinstance(baseline, str) else baseline.get(name, "")
        if name in known and against in known:
            cells = [_evidence(result, name, against, place, measure) for place in places]
            rows.append((name, measure.reason, *cells))
    return DataTable(
        caption="Why each measure should or should not work, and does the evidence agree? By each "
        f"comparison's own 95 % interval; no more than {points(SMALL, signed=False)} points count as nothing",
        columns=(
            Column("measure"),
            Column("why it should or should not work"),
            *(Column(f"on {place}" if place else "at home") for place in places),
        ),
        rows=tuple(rows),
    )


def _evidence(result: StudyResult, name: str, against: str, place: str, measure: Measure) -> str | None:
    """Expected, found, and whether that agrees; None where the two arms were not compared there."""
    expected = measure.elsewhere if place else measure.at_home
    try:
        found = result.comparison(name, against, place)
    except UnknownNameError:
        return None
    return f"{expected} expected: {agreement(found, expected)} ({effect_words(found)})"


def effect_words(comparison: Comparison) -> str:
    """`+0.40 points, -0.80 to +1.60`, or that there is no interval."""
    effect = f"{points(comparison.effect)} points"
    return (
        f"{effect}, no interval"
        if comparison.ci95 is None
        else (f"{effect}, {points_interval(comparison.ci95)}")
    )


def that_changed(result: StudyResult, against: str, domain: str, names: Sequence[str]) -> list[str]:
    """Which of these arms differ from `against` there, by their own intervals."""
    return [
        c.a
        for c in result.comparisons
        if c.b == against
        and c.a in names
        and c.metric == (f"accuracy on {domain}" if domain else "accuracy")
        and changed(c)
    ]
