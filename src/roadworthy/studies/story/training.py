"""Questions 2.1 to 2.3: augmentation, equal time, and mistakes."""

from __future__ import annotations

from roadworthy.core.document import Block
from roadworthy.core.words import interval, percent, plural
from roadworthy.evaluate.statistics.intervals import wilson
from roadworthy.report.story.chapters import Chapter
from roadworthy.report.study import stored_bars, stored_curves
from roadworthy.studies.questions.augmentation import NONE
from roadworthy.studies.questions.baseline import LEAKY
from roadworthy.studies.questions.gradient_norm_arms import SIGNS
from roadworthy.studies.questions.gradient_norm_signs import ORIGINAL
from roadworthy.studies.questions.mistakes_arms import ASKED, PLAIN
from roadworthy.studies.story.confused import misread
from roadworthy.studies.story.problem import missing_line
from roadworthy.studies.story.read import (
    Library,
    command_of,
    comparison_sentence,
    comparisons_on,
    gains_chart,
    galleries,
    headline,
)
from roadworthy.studies.story.signs import mirrored, misread_signs

# Where mistakes are looked at, in this order.
MISTAKEN = (("mistakes", ASKED), ("mistakes", PLAIN), ("baseline", LEAKY), (SIGNS, ORIGINAL))
NAMED = 3  # comparisons that are spelt out


def augmentation(library: Library) -> Chapter:
    """2.1: what augmentation gains, and the slowest operation of the input pipeline."""
    shown: list[Block] = [
        mirrored(
            ("speed-60", "stop", "keep-left", "children"),
            "Why pictures cannot simply be mirrored: a mirrored 60 is no sign (drawn)",
        )
    ]
    measured: list[str] = []
    if "augmentation" in library:
        one = library["augmentation"]
        against = [c for c in comparisons_on(one) if c["b"] == NONE]
        shown += gains_chart("story-augmentation", "Gain over no augmentation, test, points, 95 %", against)
        measured += [comparison_sentence(c) for c in against[:NAMED]]
    if "profile" in library:
        one = library["profile"]
        measured.append(headline(one))
        shown += [stored_bars(bars) for bars in one.tree.get("bars", ())]
    names = ("augmentation", "profile")
    return Chapter(
        number="2.1",
        question="How much does augmentation gain, and which step of the input pipeline is slowest?",
        answer=(
            headline(library["augmentation"])
            if "augmentation" in library
            else "Open: the trainings that answer it are not among these results.",
            "Networks that differ in their augmentation alone are trained from scratch, from several seeds, "
            "and each step from file to network is timed.",
        ),
        shown=tuple(shown),
        measured=tuple(measured),
        commands=_commands(library, names),
        missing=_missing(library, names),
    )


def equal_time(library: Library) -> Chapter:
    """2.2: with and without augmentation in the same time."""
    shown: list[Block] = []
    measured: list[str] = []
    if "equal-time" in library:
        one = library["equal-time"]
        shown += [stored_curves(curves) for curves in one.tree["curves"][:4]]
        shown += gains_chart(
            "story-equal-time", "Gain over none in equal time, test, points, 95 %", comparisons_on(one)
        )
        measured += [comparison_sentence(c) for c in comparisons_on(one)[:NAMED]]
    if not shown:
        shown.append(
            mirrored(("speed-60", "stop"), "What the study's augmentation shows beside the signs (drawn)")
        )
    return Chapter(
        number="2.2",
        question="Is the extra time for augmentation well spent?",
        answer=(
            headline(library["equal-time"])
            if "equal-time" in library
            else "Open: the trainings that answer it are not among these results.",
            "Both kinds get the same seconds, as gradient steps at a speed that was measured before, so that "
            "a busy machine favours neither.",
        ),
        shown=tuple(shown),
        measured=tuple(measured),
        commands=_commands(library, ("equal-time",)),
        missing=_missing(library, ("equal-time",)),
    )


def mistakes(library: Library) -> Chapter:
    """2.3: what is taken for what, what goes with it, and what helps."""
    shown: list[Block] = []
    measured: list[str] = []
    said = "Open: no training whose answers were kept is among these results."
    used = ""
    for name, arm in MISTAKEN:
        found = misread(library[name], arm) if name in library else None
        if found is not None and found[0]:
            wrong, trainings = found
            used = name
            caption = (
                f"The commonest of {plural(wrong.total(), 'mistake')} in {plural(trainings, 'training')} of "
                f"'{arm}' (drawn)"
            )
            shown.append(misread_signs(wrong, caption))
            (target, answer), n = wrong.most_common(1)[0]
            said = f"Open: mostly {target} is read as {answer}, but what helps was not tried here."
            share = wilson(n, wrong.total())
            measured.append(
                f"{arm}: {percent(n / wrong.total(), 0)} of {plural(wrong.total(), 'mistake')} are {target} "
                f"read as {answer} (95 % {interval(share, 0)} over mistakes)."
            )
            break
    if "mistakes" in library:
        one = library["mistakes"]
        said = headline(one)
        shown += galleries(one)[:1]
        shown += gains_chart(
            "story-remedies", "What each remedy gains, test, points, 95 %", comparisons_on(one)
        )
        measured += [comparison_sentence(c) for c in comparisons_on(one)[:NAMED]]
    if not shown:
        shown.append(
            mirrored(("speed-50", "speed-60"), "The two signs that differ in a numeral alone (drawn)")
        )
    names = ("mistakes",) if "mistakes" in library or not used else (used,)
    return Chapter(
        number="2.3",
        question="Which pictures are read wrongly, what do they share, and what helps?",
        answer=(
            said,
            "Every wrong answer is counted over all seeds, set against size, light and blur of the pictures, "
            "and each remedy that follows is tried.",
        ),
        shown=tuple(shown),
        measured=tuple(measured),
        commands=_commands(library, names),
        missing=_missing(library, ("mistakes",)),
    )


def _commands(library: Library, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(command_of(library[name]) for name in names if name in library)


def _missing(library: Library, names: tuple[str, ...]) -> tuple[str, ...]:
    quick = [
        f"{name} was a quick look, with small networks and seconds of training: it settles nothing."
        for name in names
        if name in library and library[name].quick
    ]
    return (*quick, *(missing_line(name) for name in names if name not in library))
