"""The film of the gradient-norm studies: its sentences follow from stored results, none is typed in."""

from __future__ import annotations

from collections.abc import Mapping

from roadworthy.report.film.slides import Film, shortened
from roadworthy.report.study import Tree
from roadworthy.studies.film.advice import recommended
from roadworthy.studies.film.cifar import differences, landscape, right, sharpness
from roadworthy.studies.film.design import design
from roadworthy.studies.film.limits import limits
from roadworthy.studies.film.opening import before, idea, problem, published
from roadworthy.studies.film.original import original
from roadworthy.studies.film.read import FILMED, Wrong
from roadworthy.studies.film.signs import signs
from roadworthy.studies.film.taken_for import four_signs, taken_for
from roadworthy.studies.questions.gradient_norm_arms import (
    CIFAR,
    ORIGINAL,
    SIGNS,
)


def make_film(results: Mapping[str, Tree], wrong: Mapping[str, Wrong] | None = None) -> Film:
    """The film of what is there of the three studies, by name; it stays under LIMIT_S.

    wrong: wrong answers on road signs by method, for a slide that shows them.

    Raises ValueError for none.
    """
    known = {name: results[name] for name in FILMED if name in results}
    if not known:
        raise ValueError(f"no results of {', '.join(FILMED)}; at least one of them is needed")
    slides = [problem(), idea(), published(), before(), design(known)]
    if CIFAR in known:
        slides += [right(known[CIFAR]), differences(known[CIFAR])]
        slides += [slide for slide in (sharpness(known), landscape(known[CIFAR])) if slide is not None]
    if ORIGINAL in known:
        slides.append(original(known[ORIGINAL]))
    if SIGNS in known:
        slides += [four_signs(), signs(known[SIGNS])]
        slides += [slide for slide in [taken_for(wrong or {})] if slide is not None]
    slides += [recommended(known), limits(known)]
    return Film(title="Does penalising the gradient norm help?", slides=shortened(slides))
