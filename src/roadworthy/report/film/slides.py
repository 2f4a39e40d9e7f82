"""The gradient-norm studies as a film: slides whose sentences follow from stored results, never typed in.

Pure: results go in, slides come out; html.py makes the page, film_video.py the moving pictures.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from roadworthy.core.document import Figure, Table
from roadworthy.report.film.drawings import minima_drawing, mixing_drawing
from roadworthy.report.study import Tree, accuracy, effect, stored_curves

LIMIT_S = 300.0
WORDS_PER_SECOND = 150 / 60
PAUSE_S = 2.0
CIFAR, ORIGINAL, SIGNS = "gradient-norm", "gradient-norm-original", "gradient-norm-signs"
FILMED = (CIFAR, ORIGINAL, SIGNS)
SUBJECTS = {CIFAR: "CIFAR-10", ORIGINAL: "the study's small network", SIGNS: "road signs"}
# The arms' names, as the studies give them; a test holds the two together.
PLAIN, TWICE, SAM, PENALTY, LATE, AVERAGED = (
    "plain",
    "plain, twice the epochs",
    "SAM",
    "penalty",
    "penalty in the last quarter",
    "plain, averaged weights",
)
AS_IT_WAS, LEARNS, SMALL_PENALTY = "as it was: Adam 1e-5", "Adam 1e-3", "Adam 1e-3, penalty"
_READ_OUT = (PLAIN, TWICE, PENALTY, SAM)
SHOWN_MEASURES = ("gradient norm", "eigenvalue", "ascent")
PUBLISHED_SAM, PUBLISHED_PENALTY = 2.78, 2.52  # test error, WRN-28-10 on CIFAR-10, arXiv 2202.03599
SAME = 0.02  # budgets that differ by no more are called equal
MOST_PLACES = 3  # columns of a small table


@dataclass(frozen=True, kw_only=True)
class Slide:
    """A title, few words, a figure or a small table, and what is said meanwhile.

    narration: sentences, the most important first.
    """

    title: str
    points: tuple[str, ...]
    narration: tuple[str, ...]
    block: Figure | Table | None = None

    @property
    def caption(self) -> str:
        """All that is said."""
        return " ".join(self.narration)

    @property
    def seconds(self) -> float:
        """How long it stands: what saying it takes, and a pause."""
        return round(spoken_words(self.caption) / WORDS_PER_SECOND + PAUSE_S, 1)


@dataclass(frozen=True, kw_only=True)
class Film:
    """Slides in their order."""

    title: str
    slides: tuple[Slide, ...]

    @property
    def seconds(self) -> float:
        """How long all of it takes."""
        return sum(slide.seconds for slide in self.slides)


@dataclass(frozen=True, kw_only=True)
class Presented:
    """What was written of a film, how long it takes, and what was left out, a line each."""

    files: tuple[Path, ...]
    seconds: float
    notes: tuple[str, ...]


def spoken_words(text: str) -> int:
    """Words as they are said: of a number each digit counts, its point and its sign.

    `plain reads 91.5 %` has 7: plain, reads, nine, one, point, five, percent.
    """
    numbers = re.findall(r"[+\-−]?\d[\d.,]*", text)
    said: int = sum(sum(c.isdigit() or c in "+-−" for c in n) + ("." in n.rstrip(".,")) for n in numbers)
    rest = re.sub(r"[+\-−]?\d[\d.,]*", " ", text)
    return said + sum(any(c.isalpha() or c == "%" for c in word) for word in rest.split())


def make_film(results: Mapping[str, Tree]) -> Film:
    """The film of what is there of the three studies, by name; it stays under LIMIT_S.

    Raises ValueError for none.
    """
    known = {name: results[name] for name in FILMED if name in results}
    if not known:
        raise ValueError(f"no results of {', '.join(FILMED)}; at least one of them is needed")
    slides = [_problem(), _idea(), _published(), _before(), _design(known)]
    if CIFAR in known:
        slides += [_right(known[CIFAR]), _differences(known[CIFAR])]
        slides += [slide for slide in (_sharpness(known), _landscape(known[CIFAR])) if slide is not None]
    if ORIGINAL in known:
        slides.append(_own(known[ORIGINAL]))
    if SIGNS in known:
        slides.append(_signs(known[SIGNS]))
    slides += [_recommended(known), _unseen(known)]
    return Film(title="Does penalising the gradient norm help?", slides=_shortened(slides))


def subtitles(film: Film) -> str:
    """The narration as WebVTT, a cue for each sentence."""
    cues = []
    for start, slide in zip(starts(film), film.slides, strict=True):
        words = [spoken_words(sentence) for sentence in slide.narration]
        ends = [start + slide.seconds * done / sum(words) for done in accumulate(words)]
        for begin, end, sentence in zip((start, *ends), ends, slide.narration, strict=False):
            text = sentence.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            cues.append(f"{_clock(begin)} --> {_clock(end)}\n{text}\n")
    return "WEBVTT\n\n" + "\n".join(cues)


def starts(film: Film) -> list[float]:
    """When each slide begins, in seconds."""
    return list(accumulate((slide.seconds for slide in film.slides[:-1]), initial=0.0))


def _clock(seconds: float) -> str:
    ms = round(1000 * seconds)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"


def _shortened(slides: Sequence[Slide]) -> tuple[Slide, ...]:
    """The slides within the limit: the longest lose their last, least important, sentences."""
    kept = list(slides)
    while sum(slide.seconds for slide in kept) >= LIMIT_S:
        longest = max(
            (i for i, slide in enumerate(kept) if len(slide.narration) > 1),
            key=lambda i: kept[i].seconds,
            default=None,
        )
        if longest is None:
            needed = sum(slide.seconds for slide in kept)
            raise ValueError(f"one sentence a slide takes {needed:.0f} s; a film has {LIMIT_S:.0f} s")
        kept[longest] = replace(kept[longest], narration=kept[longest].narration[:-1])
    return tuple(kept)


def _problem() -> Slide:
    return Slide(
        title="The problem: overfitting and sharp minima",
        points=(
            "Good on training pictures, worse on new ones: overfitting",
            "Weight decay limits weights, dropout limits what units rely on",
            "Flat minima: Hochreiter and Schmidhuber 1997; SAM: Foret et al. 2021",
        ),
        narration=(
            "A network that reads its training pictures well may misread new ones: it overfits.",
            "Weight decay and dropout work against that; another idea is to look for flat minima, where the "
            "loss hardly rises when the weights shift a little.",
        ),
        block=minima_drawing(),
    )


def _idea() -> Slide:
    return Slide(
        title="The idea: penalise the norm of the gradient",
        points=(
            "Loss: L(w) + λ‖∇L(w)‖",
            "Step against d = (1 − α) g1 + α g2",
            "g1 = ∇L(w),  g2 = ∇L(w + r g1/‖g1‖),  α = λ/r",
            "α = 0 is plain training, α = 1 is SAM",
        ),
        narration=(
            "Zhao, Zhang and Hu add the length of the gradient to the loss.",
            "A second gradient is taken a small step uphill, and the two are mixed: alpha nought is plain "
            "training, alpha one is sharpness-aware minimisation, SAM.",
            "The price: a step costs about twice as much.",
        ),
        block=mixing_drawing(),
    )


def _published() -> Slide:
    gap = PUBLISHED_SAM - PUBLISHED_PENALTY
    return Slide(
        title="What its authors report",
        points=("Zhao, Zhang and Hu, ICML 2022, arXiv 2202.03599", "Network: WRN-28-10"),
        narration=(
            f"With a large network on CIFAR-10 they report {PUBLISHED_PENALTY:.2f} % test error, against "
            f"{PUBLISHED_SAM:.2f} % with SAM: {gap:.2f} points less.",
            "The rest of their tables could not be checked here.",
        ),
        block=Table(
            caption="Published test error on CIFAR-10",
            columns=("method", "error"),
            rows=(
                ("SAM", f"{PUBLISHED_SAM:.2f} %"),
                ("gradient-norm penalty", f"{PUBLISHED_PENALTY:.2f} %"),
            ),
            align_right=(1,),
        ),
    )


def _before() -> Slide:
    return Slide(
        title="The study before: a penalty that did nothing",
        points=("Twice tried, twice without any effect on the weights", "One seed each; 20 photographs"),
        narration=(
            "The study before tried it twice, and both times the penalty did nothing.",
            "Once the norm was added outside the tape and the plain gradient applied; "
            "once the tape had seen no forward pass, so that every gradient was missing.",
            "Its figures are those of plain training.",
        ),
        block=Table(
            caption="What became of its penalty",
            columns=("experiment", "penalty", "it reported"),
            rows=(
                ("CIFAR-10", "added outside the tape: plain gradient applied", "44.55 % right"),
                ("road signs", "gradients all None: penalty 0", "75.00 % of 20 right"),
            ),
        ),
    )


def _design(known: Mapping[str, Tree]) -> Slide:
    rows = []
    for name, result in known.items():
        runs = _runs(result)
        rows.append(
            (
                SUBJECTS[name],
                str(len(result["arms"])),
                str(len(runs)),
                _span([len(arm["runs"]) for arm in result["arms"]]),
                _span([run["metrics"]["n"] for run in runs]),
            )
        )
    trainings = sum(len(_runs(result)) for result in known.values())
    seeds = _span([len(arm["runs"]) for result in known.values() for arm in result["arms"]])
    said = [f"Here every arm is trained from scratch: {trainings} trainings, {seeds} for each arm."]
    if _quick(known):
        said.append(f"For {_quick(known)} this was a quick look.")
    spent = {arm["name"]: _gradients(arm) for arm in known.get(CIFAR, {"arms": ()})["arms"]}
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


def _right(result: Tree) -> Slide:
    """Mean and deviation of every arm on CIFAR-10."""
    base = _arm(result, PLAIN) or result["arms"][0]
    rows = tuple(
        (arm["name"], accuracy(arm["runs"]), f"{_gradients(arm) / _gradients(base):.2f}x")
        for arm in result["arms"]
    )
    said = [f"{_short(arm['name'])} {100 * _mean(arm):.2f} %" for arm in _some(result, *_READ_OUT)]
    best = max(result["arms"], key=_mean)
    return Slide(
        title="CIFAR-10: how many are right",
        points=(
            f"{_span([run['metrics']['n'] for run in _runs(result)])} test pictures",
            f"Highest mean: {best['name']}",
            "Whether it differs from another arm's is the next question",
        ),
        narration=(f"Right on average: {_listed(said)}.",)
        if said
        else (f"Right on average: at most {100 * _mean(best):.2f} %.",),
        block=Table(
            caption="Right, mean ± deviation over seeds; gradients against plain training",
            columns=("arm", "right", "gradients"),
            rows=rows,
            align_right=(1, 2),
        ),
    )


def _differences(result: Tree) -> Slide:
    """Every comparison of the penalty on CIFAR-10, in words of its verdict."""
    pairs = [c for c in result["comparisons"] if c["a"] == PENALTY]
    first = [c for b in (PLAIN, TWICE) for c in [_comparison(result, PENALTY, b)] if c is not None]
    others = [c for b in (SAM, AVERAGED) for c in [_comparison(result, PENALTY, b)] if c is not None]
    said = [verdict_sentence(c) for c in first]
    if others:
        said.append(" ".join(f"Against {_short(c['b'])}: {c['verdict']}." for c in others))
    return Slide(
        title="CIFAR-10: " + (_headline(result, first[-1]) if first else "is it a difference?"),
        points=(
            *(f"{c['b']}: {_at(result, c['b']).removeprefix('at ')}" for c in first),
            "'No difference shown' is no proof of equality",
        ),
        narration=tuple(said) or ("The penalty was compared with nothing.",),
        block=_comparisons_table(pairs),
    )


def _comparisons_table(pairs: Sequence[Tree]) -> Table:
    return Table(
        caption="Penalty, difference in points of accuracy, with 95 % intervals",
        columns=("against", "points", "95 %", "verdict"),
        rows=tuple((c["b"], f"{100 * c['effect']:+.2f}", _interval(c), c["verdict"]) for c in pairs),
        align_right=(1, 2),
    )


def _sharpness(known: Mapping[str, Tree]) -> Slide | None:
    """How sharp the minima are; None where the study measured nothing."""
    table = _table(known[CIFAR], "How sharp the minima are")
    if table is None:
        return None
    names = [name for name in SHOWN_MEASURES if name in table["columns"]]
    columns = [table["columns"].index(name) for name in names]
    rows = {row[0]: [row[i] for i in columns] for row in table["rows"]}
    said = []
    if {PLAIN, PENALTY} <= set(rows):
        measured = zip(names, map(float, rows[PLAIN]), map(float, rows[PENALTY]), strict=True)
        for name, plain, penalty in measured:
            with_it, without = _said_apart(penalty, plain)
            said.append(
                f"{_capital(_MEASURES[name])}: {with_it} with the penalty, {without} without, "
                f"so {_flatter(penalty, plain)}."
            )
    said.append("These are means, without a test.")
    points = ["Gradient norm, largest eigenvalue, rise after a step uphill; small is flat"]
    predicts = _table(known[SIGNS], "Does flattening predict the gain?") if SIGNS in known else None
    if predicts is not None:
        gains = {row[0]: row[1:] for row in predicts["rows"]}
        found = ", ".join(
            f"{place} {value}"
            for place, value in zip(predicts["columns"][1:], gains.get("ascent", ()), strict=False)
        )
        if found:
            points.append(f"Road signs, rank correlation of a smaller rise with the gain: {found}")
    return Slide(
        title="CIFAR-10: are the minima flatter?",
        points=tuple(points),
        narration=tuple(said),
        block=Table(
            caption=table["caption"].partition(";")[0],
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


def _landscape(result: Tree) -> Slide | None:
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
    said = [f"{_said(ends[name])} for {_short(name)}" for name in (PLAIN, PENALTY) if name in ends]
    return Slide(
        title="The loss about the weights",
        points=(
            "Training loss, steps in units of each filter's own length",
            "Logarithmic axis",
            "First seed, one random direction",
        ),
        narration=(
            f"At a step of {step:g} the loss is {_listed(said)}."
            if said
            else "The loss about final weights.",
            "One direction of one seed: a picture, no evidence.",
        ),
        block=stored_curves(found[0]),
    )


def _own(result: Tree) -> Slide:
    """The study's own experiment, and claim C12."""
    told = _claims_sentence(result, "C12")
    rates = [
        f"{100 * _mean(arm):.2f} % with {rate}"
        for name, rate in ((AS_IT_WAS, "its rate of 1e-5"), (LEARNS, "a hundred times that rate"))
        for arm in _some(result, name)
    ]
    if rates:
        told.append(f"Without a penalty, which is what it ran, {_listed(rates)} are right.")
    worth = _comparison(result, SMALL_PENALTY, LEARNS)
    if worth is not None:
        told.append(verdict_sentence(worth, a="a penalty that works", b="plain training"))
    return Slide(
        title="The study's own experiment, done again",
        points=_claims(result),
        narration=tuple(told) or ("Its own experiment was trained again.",),
        block=Table(
            caption="Its small network on CIFAR-10, mean ± deviation over seeds",
            columns=("arm", "right"),
            rows=tuple((arm["name"], accuracy(arm["runs"])) for arm in result["arms"]),
            align_right=(1,),
        ),
    )


def _signs(result: Tree) -> Slide:
    """The penalty on road signs wherever it was measured, and claims C13 and C14."""
    pairs = penalty_on_signs(result)
    places = ["", *dict.fromkeys(_place(c) for c in pairs if _place(c))][: 1 + MOST_PLACES]
    cells = {
        (_setting(result, c), _place(c)): f"{100 * c['effect']:+.2f} {_MARKS[c['verdict']]}" for c in pairs
    }
    said = [_tally_sentence(pairs)] if pairs else ["The penalty was compared with nothing on road signs."]
    said += _claims_sentence(result, "C13", "C14")
    points = _claims(result)
    return Slide(
        title="Road signs: " + _tally_headline(pairs),
        points=points or ("Claims C13 and C14 were not judged by these trainings",),
        narration=tuple(said),
        block=Table(
            caption="Penalty against plain training, in points: ▲ better, ▼ worse, · no difference shown",
            columns=("trained", *(place or "test" for place in places)),
            rows=tuple(
                (setting, *(cells.get((setting, place), "") for place in places))
                for setting in dict.fromkeys(_setting(result, c) for c in pairs)
            ),
            align_right=tuple(range(1, 1 + len(places))),
        ),
    )


_MARKS = {"better": "▲", "worse": "▼", "no difference shown": "·"}


def penalty_on_signs(result: Tree) -> list[Tree]:
    """Comparisons of the penalty (always on) with plain training, everywhere that it was measured."""
    return [c for c in result["comparisons"] if (_method(c["a"]), _method(c["b"])) == (PENALTY, PLAIN)]


def _recommended(known: Mapping[str, Tree]) -> Slide:
    """What to do, from verdicts alone."""
    advice = recommendations(known)
    if _quick(known):
        advice = ["Run the studies in full before acting on this: it is a quick look.", *advice]
    missing = [SUBJECTS[name] for name in FILMED if name not in known]
    return Slide(
        title="What we recommend",
        points=(*advice, *([f"Not known here: {_listed(missing)}"] if missing else [])),
        narration=tuple(advice) or ("Nothing here bears on a recommendation.",),
    )


def recommendations(known: Mapping[str, Tree]) -> list[str]:
    """One sentence for each verdict that bears on a choice, the weightiest first."""
    pairs = penalty_on_signs(known[SIGNS]) if SIGNS in known else []
    advice = [_on_signs(pairs)] if pairs else []
    for verdicts, a, b in _CHOICES:
        found = _comparison(known[CIFAR], a, b) if CIFAR in known else None
        if found is not None:
            advice.append(verdicts[found["verdict"]].format(at=_at(known[CIFAR], b)))
    return advice


def _on_signs(pairs: Sequence[Tree]) -> str:
    better, worse, none = _tally(pairs)
    if better and worse:
        return "On road signs try the penalty on your own: here it is better in places and worse in others."
    if better:
        return f"On road signs use the penalty where it helped: {better} of {len(pairs)} comparisons."
    if worse:
        return f"On road signs leave the penalty off: it is worse in {worse} of {len(pairs)} comparisons."
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


def _unseen(known: Mapping[str, Tree]) -> Slide:
    """The smallest effects that the comparisons would have shown."""
    rows: list[tuple[str, ...]] = []
    said: list[str] = []
    for name, pairs in _main_comparisons(known).items():
        groups = [pairs] if name == SIGNS else [[c] for c in pairs]
        rows += [
            (_compared(name, group), _span([c["seeds"] for c in group]), _detectable(group))
            for group in groups
            if group
        ]
        if _detectable(pairs):
            said.append(f"{_detectable(pairs)} points on {SUBJECTS[name]}")
    told = [f"Smaller effects than these would often have been missed: {_listed(said)}."] if said else []
    smallest = _comparison(known[CIFAR], PENALTY, SAM) if CIFAR in known else None
    if smallest is not None and smallest["detectable"] is not None:
        gap, limit = PUBLISHED_SAM - PUBLISHED_PENALTY, 100 * smallest["detectable"]
        could = "could" if limit <= gap else "could not"
        told.append(
            f"The published gap between SAM and the penalty, {gap:.2f} points, {could} have been seen here."
        )
    return Slide(
        title="What this design could not have seen",
        points=(
            "The smallest effect shown 8 times in 10",
            "Small networks, these pictures, these budgets: elsewhere it may differ",
        ),
        narration=tuple(told) or ("With one seed an arm nothing can be said of what was missed.",),
        block=Table(
            caption="Smallest detectable effect, in points",
            columns=("penalty on", "seeds", "points"),
            rows=tuple(rows),
            align_right=(1, 2),
        ),
    )


def _main_comparisons(known: Mapping[str, Tree]) -> dict[str, list[Tree]]:
    """By study, the comparisons that its answer rests on: few enough for a slide."""
    wanted = {
        CIFAR: [(PENALTY, PLAIN), (PENALTY, TWICE), (PENALTY, SAM)],
        ORIGINAL: [(SMALL_PENALTY, LEARNS)],
    }
    found = {
        name: [c for a, b in pairs for c in [_comparison(known[name], a, b)] if c is not None]
        for name, pairs in wanted.items()
        if name in known
    }
    if SIGNS in known:
        found[SIGNS] = penalty_on_signs(known[SIGNS])
    return found


def _compared(name: str, pairs: Sequence[Tree]) -> str:
    what = f"against {pairs[0]['b']}" if name != SIGNS else f"{len(pairs)} comparisons with plain"
    return f"{SUBJECTS[name]}: {what}"


def _detectable(pairs: Sequence[Tree]) -> str:
    """The smallest effects that would have been shown, in points; empty where none is known."""
    known = [100 * c["detectable"] for c in pairs if c["detectable"] is not None]
    low, high = (f"{value:.2f}" for value in (min(known, default=0), max(known, default=0)))
    return "" if not known else low if low == high else f"{low} to {high}"


def verdict_sentence(comparison: Tree, a: str = "", b: str = "") -> str:
    """The comparison in a sentence that follows from its verdict."""
    a, b = a or _short(comparison["a"]), b or _short(comparison["b"])
    by = effect(comparison) + ("" if comparison["ci95"] is not None else ", without an interval")
    if comparison["verdict"] in ("better", "worse"):
        return f"{_capital(a)} is {comparison['verdict']} than {b}: {by}."
    return f"Between {a} and {b} no difference is shown: {by}."


def _headline(result: Tree, comparison: Tree) -> str:
    at, words = _at(result, comparison["b"]), comparison["verdict"]
    return f"{at} the penalty is {words}" if words in ("better", "worse") else f"{at} {words}"


def _at(result: Tree, against: str) -> str:
    """What the penalty has in common with the arm that it is compared with, by what both used."""
    pair = _some(result, PENALTY, against)
    for name in ("gradients", "epochs") if len(pair) == 2 else ():
        ours, theirs = (statistics.mean(run["used"][name] for run in arm["runs"]) for arm in pair)
        if math.isclose(ours, theirs, rel_tol=SAME):
            return f"at equal {name}"
    return f"against {_short(against)}"


def _claims(result: Tree) -> tuple[str, ...]:
    return tuple(f"{c['id']}, {c['verdict']}: {c['text']}" for c in result["claims"])


def _claims_sentence(result: Tree, *ids: str) -> list[str]:
    """What became of claims, in a sentence; none where they were not judged."""
    found = [f"claim {c['id']} is {c['verdict']}" for c in result["claims"] if c["id"] in ids]
    return [_capital(_listed(found)) + "."] if found else []


def _tally(pairs: Sequence[Tree]) -> tuple[int, int, int]:
    verdicts = [c["verdict"] for c in pairs]
    better, worse = verdicts.count("better"), verdicts.count("worse")
    return better, worse, len(verdicts) - better - worse


def _tally_sentence(pairs: Sequence[Tree]) -> str:
    better, worse, none = _tally(pairs)
    counts = ((better, "the penalty is better"), (worse, "it is worse"), (none, "no difference is shown"))
    said = [f"in {n} {words}" for n, words in counts if n]
    return f"Of {len(pairs)} comparisons with plain training, {_listed(said)}."


def _tally_headline(pairs: Sequence[Tree]) -> str:
    if not pairs:
        return "nothing to compare"
    better, worse, _ = _tally(pairs)
    if better and worse:
        return "better in places, worse in others"
    return "better in places" if better else "worse in places" if worse else "no difference shown"


def _quick(known: Mapping[str, Tree]) -> str:
    """Which of the studies were a quick look, in words; empty for none."""
    return _listed([SUBJECTS[name] for name, result in known.items() if result.get("asked", {}).get("quick")])


def _runs(result: Tree) -> list[Tree]:
    return [run for arm in result["arms"] for run in arm["runs"]]


def _arm(result: Tree, name: str) -> Tree | None:
    return next((arm for arm in result["arms"] if arm["name"] == name), None)


def _some(result: Tree, *names: str) -> list[Tree]:
    return [arm for name in names for arm in [_arm(result, name)] if arm is not None]


def _comparison(result: Tree, a: str, b: str) -> Tree | None:
    wanted = (a, b, "accuracy")
    return next((c for c in result["comparisons"] if (c["a"], c["b"], c["metric"]) == wanted), None)


def _table(result: Tree, beginning: str) -> Tree | None:
    return next((table for table in result["tables"] if table["caption"].startswith(beginning)), None)


def _mean(arm: Tree) -> float:
    return float(statistics.mean(run["metrics"]["accuracy"] for run in arm["runs"]))


def _gradients(arm: Tree) -> float:
    return float(statistics.mean(run["used"]["gradients"] for run in arm["runs"]))


def _place(comparison: Tree) -> str:
    return str(comparison["metric"]).partition(" on ")[2]


def _method(arm: str) -> str:
    return arm.rpartition(": ")[2]


def _setting(result: Tree, comparison: Tree) -> str:
    """What network, pictures and budget a comparison is of; its budget where the name has none."""
    arm = _arm(result, comparison["a"])
    return comparison["a"].rpartition(": ")[0] or (arm["budget"]["asked"] if arm is not None else "")


def _short(arm: str) -> str:
    """An arm as it is said in a sentence."""
    return _SAID.get(arm, arm)


_SAID = {
    PLAIN: "plain training",
    TWICE: "plain training for twice the epochs",
    PENALTY: "the penalty",
    LATE: "the penalty in the last quarter",
    AVERAGED: "averaged weights",
}


def _interval(comparison: Tree) -> str:
    if comparison["ci95"] is None:
        return "–"
    low, high = comparison["ci95"]
    return f"{100 * low:+.2f} to {100 * high:+.2f}"


def _flatter(penalty: float, plain: float) -> str:
    return "flatter" if penalty < plain else "sharper" if penalty > plain else "not to be told apart"


def _said(value: float) -> str:
    """A number with two digits that count, for an ear."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _said_apart(a: float, b: float) -> tuple[str, str]:
    """Both so, or with a third digit where two make them alike."""
    said = _said(a), _said(b)
    return said if said[0] != said[1] else (f"{a:.3g}", f"{b:.3g}")


def _span(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _listed(words: Sequence[str]) -> str:
    return " and ".join([*([", ".join(words[:-1])] if words[1:] else []), *words[-1:]])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
