"""Question 3: photographs from elsewhere."""

from __future__ import annotations

from roadworthy.core.document import Block
from roadworthy.report.story.chapters import Chapter
from roadworthy.studies.questions.gradient_norm_arms import SIGNS
from roadworthy.studies.questions.gradient_norm_signs import ORIGINAL
from roadworthy.studies.story.confused import Finished
from roadworthy.studies.story.problem import missing_line
from roadworthy.studies.story.read import (
    FOUR,
    Library,
    accuracy_chart,
    accuracy_sentence,
    command_of,
    comparison_sentence,
    comparisons_on,
    gains_chart,
    galleries,
    headline,
)
from roadworthy.studies.story.signs import side_by_side

CHOSEN_ON = "other-val"  # what measures were chosen on: its figures are not for a page

SAID = {"other-test": "drawn Australian signs"}


def new_domain(library: Library) -> Chapter:
    """3: how new pictures differ, what is lost there, and what helps."""
    shown: list[Block] = []
    measured: list[str] = []
    answer = _elsewhere(library.get(SIGNS))
    if "domains" in library:
        one = library["domains"]
        answer = headline(one)
        places = [place for place in one.tree["domains"] if place != CHOSEN_ON]
        shown += galleries(one)[:2]
        for number, place in enumerate(places):
            found = comparisons_on(one, place)
            shown += gains_chart(f"story-domain-{number}", f"Gain on {place}, points, 95 %", found)
            measured += [comparison_sentence(c) for c in sorted(found, key=lambda c: -c["effect"])[:1]]
    elif SIGNS in library:
        one = library[SIGNS]
        arms = [(ORIGINAL, place) for place in ("", *one.tree["domains"])]
        shown += accuracy_chart(
            "story-elsewhere",
            "The study's network and augmentation: right on its own test, on Belgium's photographs, and on "
            "drawn Australian signs (other-test)",
            one,
            arms,
        )
        measured += [text for arm, place in arms for text in [accuracy_sentence(one, arm, place)] if text]
    if "few-shot" in library:
        one = library["few-shot"]
        for place in one.tree["domains"]:
            found = comparisons_on(one, place)
            shown += gains_chart(
                "story-few-shot", f"A few labelled pictures: gain on {place}, points, 95 %", found
            )
            measured += [comparison_sentence(c) for c in found[-1:]]
    names = ("domains", "few-shot")
    return Chapter(
        number="3",
        question="What happens on photographs from elsewhere, and what helps there?",
        answer=(
            answer,
            "The same networks read another country's photographs and drawn Australian signs, which they "
            "never saw; each measure is tried alone, in equal time.",
        ),
        shown=(
            side_by_side(FOUR, "What has to be read elsewhere: the same meaning, another drawing"),
            *shown,
        ),
        measured=tuple(measured),
        commands=tuple(command_of(library[name]) for name in (*names, SIGNS) if name in library),
        missing=tuple(missing_line(name) for name in names if name not in library),
    )


def _elsewhere(one: Finished | None) -> str:
    """How much is lost elsewhere by the study's own network, where no study of domains says more."""
    if one is None:
        return "Open: the trainings that answer it are not among these results."
    means = {
        place: sum(values) / len(values)
        for place in ("", *one.tree["domains"])
        for values in [
            [
                (run["new"][place] if place else run["metrics"])["accuracy"]
                for arm in one.tree["arms"]
                if arm["name"] == ORIGINAL
                for run in arm["runs"]
            ]
        ]
        if values
    }
    if len(means) < 2:
        return "Open: no network was measured on photographs from elsewhere."
    worst = min(means, key=lambda place: means[place])
    return (
        f"Open: what helps there was not tried in these results; the study's network reads "
        f"{100 * means['']:.0f} % of its own test and {100 * means[worst]:.0f} % of {SAID.get(worst, worst)}."
    )
