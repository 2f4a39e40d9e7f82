"""What the design could not have seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from roadworthy.core.document import Table
from roadworthy.core.words import points
from roadworthy.report.film.slides import Slide
from roadworthy.report.study import Tree
from roadworthy.studies.film.read import (
    SUBJECTS,
    comparison_of,
    penalty_on_signs,
)
from roadworthy.studies.film.words import (
    listed,
    span,
)
from roadworthy.studies.questions.gradient_norm_arms import (
    CIFAR,
    LEARNS,
    ORIGINAL,
    PENALTY,
    PLAIN,
    PUBLISHED_GAP,
    SAM,
    SIGNS,
    SMALL_PENALTY,
    TWICE,
)


def limits(known: Mapping[str, Tree]) -> Slide:
    """The smallest effects that the comparisons would have shown."""
    rows: list[tuple[str, ...]] = []
    said: list[str] = []
    for name, pairs in _main_comparisons(known).items():
        groups = [pairs] if name == SIGNS else [[c] for c in pairs]
        rows += [
            (_compared(name, group), span([c["seeds"] for c in group]), _detectable(group))
            for group in groups
            if group
        ]
        if _detectable(pairs):
            said.append(f"{_detectable(pairs)} points on {SUBJECTS[name]}")
    told = [f"Smaller effects than these would often have been missed: {listed(said)}."] if said else []
    smallest = comparison_of(known[CIFAR], PENALTY, SAM) if CIFAR in known else None
    if smallest is not None and smallest["detectable"] is not None:
        could = "could" if smallest["detectable"] <= PUBLISHED_GAP else "could not"
        told.append(
            f"The published gap between SAM and the penalty, {points(PUBLISHED_GAP, signed=False)} points, "
            f"{could} have been seen here."
        )
    return Slide(
        title="What this design could not have seen",
        points=(
            "The smallest effect shown 8 times in 10",
            "Small networks, these pictures, these budgets: elsewhere it may differ",
        ),
        narration=tuple(told) or ("With one seed an arm nothing can be said of what was missed.",),
        block=Table(
            caption="Smallest detectable effect, in points",
            columns=("penalty on", "seeds", "points"),
            rows=tuple(rows),
            align_right=(1, 2),
        ),
    )


def _main_comparisons(known: Mapping[str, Tree]) -> dict[str, list[Tree]]:
    """By study, the comparisons that its answer rests on: few enough for a slide."""
    wanted = {
        CIFAR: [(PENALTY, PLAIN), (PENALTY, TWICE), (PENALTY, SAM)],
        ORIGINAL: [(SMALL_PENALTY, LEARNS)],
    }
    found = {
        name: [c for a, b in pairs for c in [comparison_of(known[name], a, b)] if c is not None]
        for name, pairs in wanted.items()
        if name in known
    }
    if SIGNS in known:
        found[SIGNS] = penalty_on_signs(known[SIGNS])
    return found


def _compared(name: str, pairs: Sequence[Tree]) -> str:
    what = f"against {pairs[0]['b']}" if name != SIGNS else f"{len(pairs)} comparisons with plain"
    return f"{SUBJECTS[name]}: {what}"


def _detectable(pairs: Sequence[Tree]) -> str:
    """The smallest effects that would have been shown, in points; empty where none is known."""
    known = [c["detectable"] for c in pairs if c["detectable"] is not None]
    low, high = (points(end(known, default=0), signed=False) for end in (min, max))
    return "" if not known else low if low == high else f"{low} to {high}"
