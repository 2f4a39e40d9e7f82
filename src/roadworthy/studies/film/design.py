"""How it was tested."""

from __future__ import annotations

from collections.abc import Mapping

from roadworthy.core.document import Table
from roadworthy.report.film.slides import Slide
from roadworthy.report.study import Tree
from roadworthy.studies.film.read import (
    SUBJECTS,
    mean_gradients,
    runs_of,
)
from roadworthy.studies.film.words import (
    quick_looks,
    span,
)
from roadworthy.studies.questions.gradient_norm_arms import (
    CIFAR,
    PENALTY,
    TWICE,
)


def design(known: Mapping[str, Tree]) -> Slide:
    """What was trained, how often, and on how many pictures it was measured."""
    rows = []
    for name, result in known.items():
        runs = runs_of(result)
        rows.append(
            (
                SUBJECTS[name],
                str(len(result["arms"])),
                str(len(runs)),
                span([len(arm["runs"]) for arm in result["arms"]]),
                span([run["metrics"]["n"] for run in runs]),
            )
        )
    trainings = sum(len(runs_of(result)) for result in known.values())
    seeds = span([len(arm["runs"]) for result in known.values() for arm in result["arms"]])
    said = [f"Here every arm is trained from scratch: {trainings} trainings, {seeds} for each arm."]
    if quick_looks(known):
        said.append(f"For {quick_looks(known)} this was a quick look.")
    spent = {arm["name"]: mean_gradients(arm) for arm in known.get(CIFAR, {"arms": ()})["arms"]}
    if {PENALTY, TWICE} <= set(spent):
        said.append(
            f"The penalty takes {spent[PENALTY]:,.0f} gradients, plain training over twice the epochs "
            f"{spent[TWICE]:,.0f}."
        )
    return Slide(
        title="How it is tested here",
        points=(
            "Arms differ in one thing, each with several seeds",
            "Compared at equal epochs, and at equal gradients or time",
            "Verdicts follow from intervals over seeds and pictures, p adjusted (Holm)",
        ),
        narration=tuple(said),
        block=Table(
            caption="What was trained",
            columns=("on", "arms", "trainings", "seeds", "test pictures"),
            rows=tuple(rows),
            align_right=(1, 2, 3, 4),
        ),
    )
