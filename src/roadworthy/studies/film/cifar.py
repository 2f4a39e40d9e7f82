"""What came out on CIFAR-10: accuracy, differences, and how flat the minima are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from roadworthy.core.document import Table
from roadworthy.core.words import percent, points, points_interval
from roadworthy.report.film.slides import Slide
from roadworthy.report.study import Tree, accuracy, stored_curves
from roadworthy.studies.film.read import (
    arm_of,
    arms_of,
    comparison_of,
    mean_accuracy,
    mean_gradients,
    runs_of,
    table_of,
)
from roadworthy.studies.film.words import (
    capital,
    flatter,
    in_common,
    listed,
    short,
    span,
    spoken,
    spoken_apart,
    verdict_sentence,
)
from roadworthy.studies.questions.gradient_norm_arms import (
    AVERAGED,
    CIFAR,
    HOW_SHARP,
    PENALTY,
    PLAIN,
    PREDICTS_GAINS,
    SAM,
    SIGNS,
    TWICE,
)

_READ_OUT = (PLAIN, TWICE, PENALTY, SAM)


def right(result: Tree) -> Slide:
    """Mean and deviation of every arm on CIFAR-10."""
    base = arm_of(result, PLAIN) or result["arms"][0]
    rows = tuple(
        (arm["name"], accuracy(arm["runs"]), f"{mean_gradients(arm) / mean_gradients(base):.2f}x")
        for arm in result["arms"]
    )
    said = [f"{short(arm['name'])} {percent(mean_accuracy(arm))}" for arm in arms_of(result, *_READ_OUT)]
    best = max(result["arms"], key=mean_accuracy)
    return Slide(
        title="CIFAR-10: how many are right",
        points=(
            f"{span([run['metrics']['n'] for run in runs_of(result)])} test pictures",
            f"Highest mean: {best['name']}",
            "Whether it differs from another arm's is the next question",
        ),
        narration=(f"Right on average: {listed(said)}.",)
        if said
        else (f"Right on average: at most {percent(mean_accuracy(best))}.",),
        block=Table(
            caption="Right, mean ± deviation over seeds; gradients against plain training",
            columns=("arm", "right", "gradients"),
            rows=rows,
            align_right=(1, 2),
        ),
    )


def differences(result: Tree) -> Slide:
    """Every comparison of the penalty on CIFAR-10, in words of its verdict."""
    pairs = [c for c in result["comparisons"] if c["a"] == PENALTY]
    first = [c for b in (PLAIN, TWICE) for c in [comparison_of(result, PENALTY, b)] if c is not None]
    others = [c for b in (SAM, AVERAGED) for c in [comparison_of(result, PENALTY, b)] if c is not None]
    said = [verdict_sentence(c) for c in first]
    if others:
        said.append(" ".join(f"Against {short(c['b'])}: {c['verdict']}." for c in others))
    return Slide(
        title="CIFAR-10: " + (_headline(result, first[-1]) if first else "is it a difference?"),
        points=(
            *(f"{c['b']}: {in_common(result, c['b']).removeprefix('at ')}" for c in first),
            "'No difference shown' is no proof of equality",
        ),
        narration=tuple(said) or ("The penalty was compared with nothing.",),
        block=_comparisons_table(pairs),
    )


def _comparisons_table(pairs: Sequence[Tree]) -> Table:
    return Table(
        caption="Penalty, difference in points of accuracy, with 95 % intervals",
        columns=("against", "points", "95 %", "verdict"),
        rows=tuple((c["b"], points(c["effect"]), points_interval(c["ci95"]), c["verdict"]) for c in pairs),
        align_right=(1, 2),
    )


def _headline(result: Tree, comparison: Tree) -> str:
    at, words = in_common(result, comparison["b"]), comparison["verdict"]
    return f"{at} the penalty is {words}" if words in ("better", "worse") else f"{at} {words}"


def sharpness(known: Mapping[str, Tree]) -> Slide | None:
    """How sharp the minima are; None where the study measured nothing."""
    table = table_of(known[CIFAR], HOW_SHARP)
    if table is None:
        return None
    names = [name for name in _MEASURES if name in table.columns]
    columns = [table.columns.index(name) for name in names]
    rows = {row[0]: [row[i] for i in columns] for row in table.rows}
    said = []
    if {PLAIN, PENALTY} <= set(rows) and "–" not in (*rows[PLAIN], *rows[PENALTY]):
        measured = zip(names, map(float, rows[PLAIN]), map(float, rows[PENALTY]), strict=True)
        for name, plain, penalty in measured:
            with_it, without = spoken_apart(penalty, plain)
            said.append(
                f"{capital(_MEASURES[name])}: {with_it} with the penalty, {without} without, "
                f"so {flatter(penalty, plain)}."
            )
    said.append("These are means, without a test.")
    shown = ["Gradient norm, largest eigenvalue, rise after a step uphill; small is flat"]
    predicts = table_of(known[SIGNS], PREDICTS_GAINS) if SIGNS in known else None
    if predicts is not None:
        gains = {row[0]: row[1:] for row in predicts.rows}
        found = ", ".join(
            f"{place} {value}"
            for place, value in zip(predicts.columns[1:], gains.get("ascent", ()), strict=False)
        )
        if found:
            shown.append(f"Road signs, rank correlation of a smaller rise with the gain: {found}")
    return Slide(
        title="CIFAR-10: are the minima flatter?",
        points=tuple(shown),
        narration=tuple(said),
        block=Table(
            caption=table.caption.partition(";")[0],
            columns=("arm", *names),
            rows=tuple((name, *values) for name, values in rows.items()),
            align_right=tuple(range(1, 1 + len(names))),
        ),
    )


_MEASURES = {
    "gradient norm": "norm of the gradient",
    "eigenvalue": "largest eigenvalue",
    "ascent": "rise after a step uphill",
}


def landscape(result: Tree) -> Slide | None:
    """The loss about the weights; None where no curve is stored that can be drawn."""
    found = [
        curves
        for curves in result["curves"]
        if curves.get("log") and all(y > 0 for curve in curves["curves"] for y in curve["ys"])
    ]
    if not found or not found[0]["curves"]:
        return None
    ends = {curve["name"]: curve["ys"][-1] for curve in found[0]["curves"]}
    step = found[0]["curves"][0]["xs"][-1]
    said = [f"{spoken(ends[name])} for {short(name)}" for name in (PLAIN, PENALTY) if name in ends]
    return Slide(
        title="The loss about the weights",
        points=(
            "Training loss, steps in units of each filter's own length",
            "Logarithmic axis",
            "First seed, one random direction",
        ),
        narration=(
            f"At a step of {step:g} the loss is {listed(said)}." if said else "The loss about final weights.",
            "One direction of one seed: a picture, no evidence.",
        ),
        block=stored_curves(found[0]),
    )
