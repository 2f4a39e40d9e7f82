"""What to do, from verdicts alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from roadworthy.report.film.slides import Slide
from roadworthy.report.study import Tree
from roadworthy.studies.film.read import (
    FILMED,
    SUBJECTS,
    comparison_of,
    penalty_on_signs,
)
from roadworthy.studies.film.signs import tally
from roadworthy.studies.film.words import (
    in_common,
    listed,
    quick_looks,
)
from roadworthy.studies.questions.gradient_norm_arms import (
    AVERAGED,
    CIFAR,
    LATE,
    PENALTY,
    PLAIN,
    SIGNS,
    TWICE,
)


def recommended(known: Mapping[str, Tree]) -> Slide:
    """What to do, from verdicts alone."""
    advice = recommendations(known)
    if quick_looks(known):
        advice = ["Run the studies in full before acting on this: it is a quick look.", *advice]
    missing = [SUBJECTS[name] for name in FILMED if name not in known]
    return Slide(
        title="What we recommend",
        points=(*advice, *([f"Not known here: {listed(missing)}"] if missing else [])),
        narration=tuple(advice) or ("Nothing here bears on a recommendation.",),
    )


def recommendations(known: Mapping[str, Tree]) -> list[str]:
    """One sentence for each verdict that bears on a choice, the weightiest first."""
    pairs = penalty_on_signs(known[SIGNS]) if SIGNS in known else []
    advice = [_on_signs(pairs)] if pairs else []
    for verdicts, a, b in _CHOICES:
        found = comparison_of(known[CIFAR], a, b) if CIFAR in known else None
        if found is not None and found["verdict"] in verdicts:
            advice.append(verdicts[found["verdict"]].format(at=in_common(known[CIFAR], b)))
    return advice


def _on_signs(pairs: Sequence[Tree]) -> str:
    better, worse, none, _ = tally(pairs)
    if better and worse:
        return "On road signs try the penalty on your own: here it is better in places and worse in others."
    if better:
        return f"On road signs use the penalty where it helped: {better} of {len(pairs)} comparisons."
    if worse:
        return f"On road signs leave the penalty off: it is worse in {worse} of {len(pairs)} comparisons."
    if not none:
        return "On road signs nothing is recommended: none of these comparisons is judged."
    return (
        f"On road signs leave the penalty off: in {none} of {len(pairs)} comparisons no difference is shown."
    )


_CHOICES: tuple[tuple[Mapping[str, str], str, str], ...] = (
    (
        {
            "better": "On CIFAR-10 the penalty earns its second pass: {at} it is better.",
            "worse": "On CIFAR-10 train for longer instead: {at} the penalty is worse.",
            "no difference shown": "On CIFAR-10 the penalty is not shown to earn its second pass.",
        },
        PENALTY,
        TWICE,
    ),
    (
        {
            "better": "Prefer it to averaged weights: it is better.",
            "worse": "Average the weights instead: that is better, without a second pass.",
            "no difference shown": "Rather average the weights: no difference shown, no second pass.",
        },
        PENALTY,
        AVERAGED,
    ),
    (
        {
            "better": "If used, then in the last quarter alone: that is better.",
            "worse": "If used, then from the start: the last quarter alone is worse.",
            "no difference shown": "If used, try the last quarter alone: no difference shown, less cost.",
        },
        LATE,
        PENALTY,
    ),
    (
        {
            "better": "Where epochs are scarce and time is not, use it: {at} it is better.",
            "worse": "Plain training is better {at}.",
            "no difference shown": "Between it and plain training no difference is shown {at}.",
        },
        PENALTY,
        PLAIN,
    ),
)
