"""The road signs themselves, and which are taken for which: as Roadworthy draws them."""

from __future__ import annotations

from collections.abc import Mapping

from roadworthy.core.words import percent, plural
from roadworthy.report.film.slides import Slide
from roadworthy.studies.film.read import Wrong
from roadworthy.studies.film.words import listed
from roadworthy.studies.questions.gradient_norm_arms import PENALTY, PLAIN
from roadworthy.studies.story.signs import misread_signs, side_by_side

FOUR = {
    "speed-50": "the limit of fifty",
    "speed-60": "the limit of sixty",
    "stop": "stop",
    "no-entry": "no entry",
}


def four_signs() -> Slide:
    """What is told apart on road signs."""
    return Slide(
        title="The road signs",
        points=("Learnt from photographs of German signs, in part with drawn ones",),
        narration=(
            f"Four road signs are told apart: {listed(list(FOUR.values()))}.",
            "Australia and Germany draw them differently.",
        ),
        block=side_by_side(tuple(FOUR), "Drawn by Roadworthy: Australia's and Germany's"),
    )


def taken_for(wrong: Mapping[str, Wrong]) -> Slide | None:
    """The commonest mistakes without and with the penalty; None where no answers are kept."""
    plain, penalty = wrong.get(PLAIN), wrong.get(PENALTY)
    if plain is None or penalty is None or not plain.counts:
        return None
    (target, answer), n = plain.counts.most_common(1)[0]
    with_it = penalty.counts[target, answer]
    both = plain.counts + penalty.counts
    return Slide(
        title="Road signs: what is taken for what",
        points=(
            f"{wrong[PLAIN].arm.rpartition(':')[0]}",
            f"Without the penalty {plural(plain.counts.total(), 'mistake')} in {plain.trainings} trainings",
            f"With it {plural(penalty.counts.total(), 'mistake')} in {penalty.trainings}",
        ),
        narration=(
            f"Of the mistakes without the penalty {percent(n / plain.counts.total(), 0)} are "
            f"{FOUR.get(target, target)}, read as {FOUR.get(answer, answer)}.",
            f"With the penalty this happens {with_it} times, without it {n} times.",
        ),
        block=misread_signs(both, "The commonest mistakes of both together, drawn", most=4),
    )
