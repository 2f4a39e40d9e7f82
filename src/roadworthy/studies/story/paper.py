"""Questions 4.1 and 4.2: the paper on penalising the gradient norm, and its experiments."""

from __future__ import annotations

from roadworthy.core.document import Block, Table
from roadworthy.core.words import interval, percent, points
from roadworthy.evaluate.statistics.intervals import wilson
from roadworthy.report import figures
from roadworthy.report.story.chapters import Chapter
from roadworthy.report.study import Tree, stored_curves
from roadworthy.studies.film.drawings import minima_drawing, mixing_drawing
from roadworthy.studies.film.read import FILMED, arm_of, penalty_on_signs
from roadworthy.studies.questions.gradient_norm_arms import (
    CIFAR,
    ORIGINAL,
    PENALTY,
    PUBLISHED_GAP,
    PUBLISHED_PENALTY,
    PUBLISHED_SAM,
    SIGNS,
)
from roadworthy.studies.story.confused import Finished, misread
from roadworthy.studies.story.problem import missing_line
from roadworthy.studies.story.read import (
    Library,
    accuracy_chart,
    command_of,
    comparison_sentence,
    comparisons_on,
    gains_chart,
)
from roadworthy.studies.story.signs import misread_signs

CIFAR_TEST = 10_000
WORTH = 0.01  # a gain below this is not worth a second pass
ROWS = (
    ("which problem", "many networks fit their training pictures equally well, and only some read new ones"),
    ("overfitting", "it chooses among networks that fit equally; one that underfits has nothing to choose"),
    (
        "weight decay, dropout",
        "decay limits weights, dropout disturbs units at random; this one steps uphill",
    ),
    ("approach", "add the length of the gradient to the loss; two gradients a step apart are mixed"),
    (
        "built on",
        "flat minima (Hochreiter and Schmidhuber 1997), sharpness-aware minimisation (Foret et al. 2021)",
    ),
    ("how validated", "CIFAR-10 and -100 and ImageNet with several networks, against plain training and SAM"),
    ("consistent with the claims?", "not shown by one pair of figures: see below"),
    ("its cost", "a second pass through the network for every step"),
)


def paper() -> Chapter:
    """4.1, from what was published."""
    intervals = [
        figures.Interval(name=name, value=error, low=low, high=high)
        for name, error in (("SAM", PUBLISHED_SAM), ("gradient-norm penalty", PUBLISHED_PENALTY))
        for low, high in [wilson(error * CIFAR_TEST, CIFAR_TEST)]
    ]
    pictures = round(PUBLISHED_GAP * CIFAR_TEST)
    return Chapter(
        number="4.1",
        question="The paper: which problem, which approach, how validated, and is it consistent?",
        answer=(
            "Open: the published pair of figures is too close to bear out the claim by itself.",
            "The paper (Zhao, Zhang and Hu, ICML 2022) looks for flat minima by penalising the length of the "
            "gradient, which contains plain training and SAM as its two ends.",
        ),
        shown=(
            minima_drawing(),
            mixing_drawing(),
            figures.interval_chart(
                name="story-published",
                caption=f"The published errors on CIFAR-10 with the 95 % interval of {CIFAR_TEST:,} pictures",
                alt="; ".join(f"{row.name}: {percent(row.value)}" for row in intervals),
                rows=intervals,
            ),
            Table(caption="The paper in eight lines", columns=("", "in short"), rows=ROWS),
        ),
        measured=(
            f"Published, WRN-28-10 on CIFAR-10: {percent(PUBLISHED_PENALTY)} wrong (95 % "
            f"{interval((intervals[1].low, intervals[1].high))}) against SAM's {percent(PUBLISHED_SAM)} (95 "
            f"% {interval((intervals[0].low, intervals[0].high))}): {points(PUBLISHED_GAP, signed=False)} "
            f"points, {pictures} pictures of {CIFAR_TEST:,}. The intervals are of the pictures alone.",
        ),
        commands=("arXiv 2202.03599; the method here: --set penalty.method=gradient-norm",),
    )


def reproduced(library: Library) -> Chapter:
    """4.2: its experiments done again, and the penalty on road signs."""
    shown: list[Block] = []
    measured: list[str] = []
    if CIFAR in library:
        pairs = [c for c in library[CIFAR].tree["comparisons"] if c["a"] == PENALTY]
        shown += gains_chart(
            "story-cifar",
            "CIFAR-10: the penalty against each other way to train, points, 95 %",
            [{**c, "a": f"against {c['b']}"} for c in pairs],
        )
        shown += [stored_curves(curves) for curves in library[CIFAR].tree["curves"][:1]]
        measured += [comparison_sentence(c) for c in pairs[:2]]
    if ORIGINAL in library:
        one = library[ORIGINAL]
        arms = [(arm["name"], "") for arm in one.tree["arms"]]
        shown += accuracy_chart(
            "story-original", "The study's small network on CIFAR-10: right, 95 %", one, arms
        )
        measured += [comparison_sentence(c) for c in comparisons_on(one)[1:2]]
    if SIGNS in library:
        shown += _on_signs(library[SIGNS])
        measured += [comparison_sentence(c) for c in penalty_on_signs(library[SIGNS].tree)[:2]]
    if not shown:
        shown.append(mixing_drawing())
    return Chapter(
        number="4.2",
        question="Its experiments done again, and on road signs: does the penalty help?",
        answer=(
            penalty_verdict(library),
            "On CIFAR-10 and on road signs the penalty is compared with plain training of as many epochs and "
            "of as many gradients, because it needs two where plain training needs one.",
        ),
        shown=tuple(shown),
        measured=tuple(measured),
        commands=(
            *(command_of(library[name]) for name in FILMED if name in library),
            "roadworthy study --present docs/film --out STUDIES",
        ),
        missing=tuple(
            missing_line(name, "--data gtsrb: --new folder:belgium" if name == SIGNS else "--cifar cifar10:")
            for name in FILMED
            if name not in library
        ),
    )


def _on_signs(one: Finished) -> list[Block]:
    pairs = [c for c in penalty_on_signs(one.tree) if c["metric"] == "accuracy"]
    shown: list[Block] = []
    shown += gains_chart(
        "story-signs",
        "Road signs: the penalty against plain training, test, points, 95 %",
        [_shortened(c) for c in pairs],
    )
    for way in ("plain", PENALTY):
        arm = f"study-cnn, photographs, equal epochs: {way}"
        found = misread(one, arm) if arm_of(one.tree, arm) is not None else None
        if found is not None and found[0]:
            wrong, trainings = found
            where = f"the penalty: {wrong.total()} mistakes in {trainings} trainings (drawn)"
            caption = f"{'With' if way == PENALTY else 'Without'} {where}"
            shown.append(misread_signs(wrong, caption, most=3))
    return shown


def _shortened(comparison: Tree) -> Tree:
    """Named by its setting: that it is the penalty the caption says."""
    return {**comparison, "a": str(comparison["a"]).rpartition(": ")[0]}


def penalty_verdict(library: Library) -> str:
    """Yes, no or open, by rule: a gain or a loss shown at equal cost, or all gains excluded."""
    known = [library[name] for name in FILMED if name in library]
    if not known:
        return "Open: the trainings that answer it are not among these results."
    if any(one.quick for one in known):
        return "Open: a quick look is among these trainings, and settles nothing."
    pairs = [
        *(c for c in (library[CIFAR].tree["comparisons"] if CIFAR in library else ()) if c["a"] == PENALTY),
        *(penalty_on_signs(library[SIGNS].tree) if SIGNS in library else ()),
    ]
    better = sum(c["verdict"] == "better" for c in pairs)
    worse = sum(c["verdict"] == "worse" for c in pairs)
    if better:
        return f"Yes, in places: of {len(pairs)} comparisons it is better in {better} and worse in {worse}."
    if worse:
        return f"No: of {len(pairs)} comparisons the penalty is better in none and worse in {worse}."
    excluded = all(c["ci95"] is not None and c["ci95"][1] < WORTH for c in pairs)
    return f"{'No' if excluded else 'Open'}: in none of {len(pairs)} comparisons a difference is shown."
