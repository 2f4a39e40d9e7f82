"""The study's own experiment, done again."""

from __future__ import annotations

from roadworthy.core.document import Table
from roadworthy.core.words import percent
from roadworthy.report.film.slides import Slide
from roadworthy.report.study import Tree, accuracy
from roadworthy.studies.film.read import (
    arms_of,
    comparison_of,
    mean_accuracy,
)
from roadworthy.studies.film.words import (
    claim_points,
    claims_sentences,
    listed,
    verdict_sentence,
)
from roadworthy.studies.questions.gradient_norm_arms import (
    AS_IT_WAS,
    LEARNS,
    SMALL_PENALTY,
)


def original(result: Tree) -> Slide:
    """The study's own experiment, and claim C12."""
    told = claims_sentences(result, "C12")
    rates = [
        f"{percent(mean_accuracy(arm))} with {rate}"
        for name, rate in ((AS_IT_WAS, "its rate of 1e-5"), (LEARNS, "a hundred times that rate"))
        for arm in arms_of(result, name)
    ]
    if rates:
        told.append(f"Without a penalty, which is what it ran, {listed(rates)} are right.")
    worth = comparison_of(result, SMALL_PENALTY, LEARNS)
    if worth is not None:
        told.append(verdict_sentence(worth, a="a penalty that works", b="plain training"))
    return Slide(
        title="The study's own experiment, done again",
        points=claim_points(result),
        narration=tuple(told) or ("Its own experiment was trained again.",),
        block=Table(
            caption="Its small network on CIFAR-10, mean ± deviation over seeds",
            columns=("arm", "right"),
            rows=tuple((arm["name"], accuracy(arm["runs"])) for arm in result["arms"]),
            align_right=(1,),
        ),
    )
