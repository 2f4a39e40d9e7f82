"""What came out on road signs."""

from __future__ import annotations

from collections.abc import Sequence

from roadworthy.core.document import Table
from roadworthy.core.words import points
from roadworthy.report.film.slides import Slide
from roadworthy.report.study import Tree
from roadworthy.studies.film.read import (
    penalty_on_signs,
    place_of,
    setting_of,
)
from roadworthy.studies.film.words import (
    claim_points,
    claims_sentences,
    listed,
)

MOST_PLACES = 3  # columns of a small table
_MARKS = {"better": "▲", "worse": "▼", "no difference shown": "·", "not judged": "○"}


def signs(result: Tree) -> Slide:
    """The penalty on road signs wherever it was measured, and claims C13 and C14."""
    pairs = penalty_on_signs(result)
    places = ["", *dict.fromkeys(place_of(c) for c in pairs if place_of(c))][: 1 + MOST_PLACES]
    cells = {
        (setting_of(result, c), place_of(c)): f"{points(c['effect'])} {_MARKS[c['verdict']]}" for c in pairs
    }
    said = [_tally_sentence(pairs)] if pairs else ["The penalty was compared with nothing on road signs."]
    said += claims_sentences(result, "C13", "C14")
    judged = claim_points(result)
    return Slide(
        title="Road signs: " + _tally_headline(pairs),
        points=judged or ("Claims C13 and C14 were not judged by these trainings",),
        narration=tuple(said),
        block=Table(
            caption="Penalty against plain training, in points: ▲ better, ▼ worse, · no difference "
            "shown, ○ not judged",
            columns=("trained", *(place or "test" for place in places)),
            rows=tuple(
                (setting, *(cells.get((setting, place), "") for place in places))
                for setting in dict.fromkeys(setting_of(result, c) for c in pairs)
            ),
            align_right=tuple(range(1, 1 + len(places))),
        ),
    )


def _tally_sentence(pairs: Sequence[Tree]) -> str:
    better, worse, none, unjudged = tally(pairs)
    counts = (
        (better, "the penalty is better"),
        (worse, "it is worse"),
        (none, "no difference is shown"),
        (unjudged, "nothing is judged"),
    )
    said = [f"in {n} {words}" for n, words in counts if n]
    return f"Of {len(pairs)} comparisons with plain training, {listed(said)}."


def _tally_headline(pairs: Sequence[Tree]) -> str:
    if not pairs:
        return "nothing to compare"
    better, worse, none, _ = tally(pairs)
    if better and worse:
        return "better in places, worse in others"
    if better or worse:
        return "better in places" if better else "worse in places"
    return "no difference shown" if none else "not judged"


def tally(pairs: Sequence[Tree]) -> tuple[int, int, int, int]:
    """How many are better, worse, neither, and not judged."""
    verdicts = [c["verdict"] for c in pairs]
    better, worse, none, unjudged = map(
        verdicts.count, ("better", "worse", "no difference shown", "not judged")
    )
    return better, worse, none, unjudged
