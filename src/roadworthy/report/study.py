"""A study's results.json as plain sections: a page that a manager can read, and tables of everything."""

from __future__ import annotations

import itertools
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from roadworthy.core.document import Block, Figure, Gallery, Picture, Section, Table, Text
from roadworthy.core.errors import CheckpointError
from roadworthy.core.verdicts import BETTER, NO_DIFFERENCE, NOT_JUDGED, QUICK_LOOK, WORSE
from roadworthy.core.words import duration, percent, plural, points, points_interval
from roadworthy.report import figures
from roadworthy.report.tables import shown

Tree = Mapping[str, Any]
NEEDED = ("study", "question", "answer", "arms", "comparisons", "claims", "tables", "curves", "galleries")
THE_STUDY = (
    "'The study' is earlier work, out of which Roadworthy grew: it trained a small network to tell four "
    "classes of German road signs apart. Its claims, C1 to C14, are tested again here, from several seeds "
    "and with intervals."
)
NOT_NAMED, ABOUT = "not named", "about"
OF_SIGNS = {
    NOT_NAMED: "Where signs are not named, the data do not tell which pictures show the same sign (drawn "
    "ones never do). The intervals then take every picture as independent; where some show the same sign, "
    "they are too narrow.",
    ABOUT: "Where the number of signs is 'about', it is known how many pictures show one sign, and not "
    "which. The intervals then take all pictures of a sign as right or wrong together, the worst case.",
}
NAMED = 4  # differences in an answer; the rest stand in the tables


def read_study(folder: Path) -> Tree:
    """The results of the study in a folder; CheckpointError where there are none."""
    path = folder / "results.json"
    try:
        tree: Tree = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}; a finished study has one") from error
    missing = [name for name in NEEDED if name not in tree]
    if missing:
        raise CheckpointError(
            f"{path} lacks {', '.join(missing)}; run the study again: what was trained is kept"
        )
    return tree


def study_sections(results: Sequence[Tree], folders: Sequence[Path] = ()) -> list[Section]:
    """A summary of all studies, the claims, then each study in full.

    folders: of the studies, where their pictures lie; pictures are left out without.
    """
    claims = [claim for result in results for claim in result["claims"]]
    introduced = [Text(text=THE_STUDY)] if any(map(_names_the_study, results)) else []
    sections = [Section(title="Summary", anchor="summary", blocks=(*introduced, _summary(results)))]
    if claims:
        sections.append(Section(title="Claims", anchor="claims", blocks=(_claims(claims),)))
    for result, folder in itertools.zip_longest(results, folders):
        first, rest = _galleries(result, folder) if folder is not None else ((), ())
        question, *others = _in_full(result)
        blocks = (question, *first, *others, *rest)
        sections.append(Section(title=result["study"], anchor=result["study"], blocks=blocks))
    return sections


def _names_the_study(result: Tree) -> bool:
    """Whether a reader meets the study without having been told which that is."""
    said = [result["question"], answer(result), *(arm["name"] for arm in result["arms"])]
    return bool(result["claims"]) or any("the study" in text for text in said)


def _summary(results: Sequence[Tree]) -> Table:
    """A row a study: question, answer with effects and intervals, budget."""
    return Table(
        caption="Questions and answers",
        columns=("study", "question", "answer", "from"),
        rows=tuple(
            (result["study"], result["question"], answer(result), _used(result)) for result in results
        ),
    )


def _used(result: Tree) -> str:
    runs = [run for arm in result["arms"] for run in arm["runs"]]
    of_arm = {arm["name"]: sum(run["used"]["train_seconds"] for run in arm["runs"]) for arm in result["arms"]}
    carried_on = sum(of_arm[arm["after"]] for arm in result["arms"] if arm.get("extends"))
    seconds = sum(of_arm.values()) - carried_on
    seeds = len({run["seed"] for run in runs})
    if _timed(result):
        return f"{len(result['arms'])} ways to train, {plural(seeds, 'round')}, {duration(seconds)} timed"
    return f"{plural(len(runs), 'training')}, {plural(seeds, 'seed')}, {duration(seconds)} of training"


def _timed(result: Tree) -> bool:
    """Whether its arms are ways to train that were timed, which read nothing."""
    return "accuracy" not in result["arms"][0]["runs"][0]["metrics"]


def answer(result: Tree) -> str:
    """The study's own answer, else what its comparisons show, in words that follow from their verdicts."""
    if result["answer"]:
        return str(result["answer"])
    comparisons = result["comparisons"]
    if not comparisons:
        best = max(result["arms"], key=_mean)
        return f"{best['name']} reads {percent(_mean(best))} correctly."
    return "; ".join([*_differences(comparisons), *_without_one(comparisons)]) + "."


def _differences(comparisons: Sequence[Tree]) -> list[str]:
    """The largest differences that are shown, better and worse or, in a quick look, larger and smaller."""
    shown = sorted(filter(_shows_one, comparisons), key=lambda c: -abs(c["effect"]))
    said = [_difference(c) for c in shown[:NAMED]]
    if len(shown) > NAMED:
        said.append(f"{len(shown) - NAMED} smaller differences are shown below")
    return said


def _difference(comparison: Tree) -> str:
    a, b, by = comparison["a"], comparison["b"], effect(comparison)
    if comparison["verdict"] != NOT_JUDGED:
        return f"{_where(comparison)}{a} is {comparison['verdict']} than {b} ({by})"
    size = "larger" if comparison["effect"] > 0 else "smaller"
    return f"{_where(comparison)}the accuracy of {a} is {size} than that of {b} in this quick look ({by})"


def _without_one(comparisons: Sequence[Tree]) -> list[str]:
    """How many comparisons show no difference, and how many are not judged, with the first one's reason."""
    said, all_of_them = [], len(comparisons)
    unshown = sum(c["verdict"] == NO_DIFFERENCE for c in comparisons)
    if unshown == all_of_them:
        return [f"None of {plural(all_of_them, 'comparison')} shows a difference"]
    if unshown:
        said.append(
            f"{unshown} of {plural(all_of_them, 'comparison')} "
            f"{'show' if unshown > 1 else 'shows'} no difference"
        )
    unjudged = [c for c in comparisons if c["verdict"] == NOT_JUDGED and not _shows_one(c)]
    if unjudged:
        said.append(
            f"{len(unjudged)} of {plural(all_of_them, 'comparison')} "
            f"{'are' if len(unjudged) > 1 else 'is'} not judged, the first for this: {unjudged[0]['reason']}"
        )
    return said


def _shows_one(comparison: Tree) -> bool:
    """Whether it shows a difference, called so or, in a quick look, not."""
    quick = comparison["verdict"] == NOT_JUDGED and comparison["reason"].startswith(QUICK_LOOK)
    return quick or comparison["verdict"] in (BETTER, WORSE)


def _where(comparison: Tree) -> str:
    domain = comparison["metric"].partition(" on ")[2]
    return f"on {domain} " if domain else ""


def effect(comparison: Tree) -> str:
    """How much, in points of a percent, with the interval where there is one."""
    text = f"{points(comparison['effect'])} points"
    return text if comparison["ci95"] is None else f"{text}, 95 % {points_interval(comparison['ci95'])}"


def _mean(arm: Tree) -> float:
    values = [run["metrics"]["accuracy"] for run in arm["runs"]]
    return float(sum(values) / len(values))


def _claims(claims: Sequence[Tree]) -> Table:
    ordered = sorted(claims, key=lambda claim: (len(claim["id"]), claim["id"]))
    rows = tuple((c["id"], c["text"], c["verdict"], c["evidence"]) for c in ordered)
    return Table(
        caption="Claims of the study, and what became of them",
        columns=("", "claim", "verdict", "evidence"),
        rows=rows,
    )


def _in_full(result: Tree) -> tuple[Block, ...]:
    blocks: list[Block] = [
        Text(text=result["question"]),
        *(Text(text=note) for note in result.get("notes", ())),
        *([] if _timed(result) else [_arms(result)]),
    ]
    if result["comparisons"]:
        blocks += [_comparisons(result), _evidence(result), *_charts(result)]
        blocks += [Text(text=said) for kind, said in OF_SIGNS.items() if kind in _signs_known(result)]
    blocks += [stored_bars(bars) for bars in result.get("bars", ())]
    blocks += [shown(table, result["study"]) for table in result["tables"]]
    blocks += [stored_curves(curves) for curves in result["curves"]]
    return tuple(blocks)


def _arms(result: Tree) -> Table:
    """A row an arm, a column a place that it was measured on."""
    places = [
        "",
        *dict.fromkeys(name for arm in result["arms"] for run in arm["runs"] for name in run["new"]),
    ]
    rows = tuple(
        (
            arm["name"] + (f" (after {arm['after']})" if arm["after"] else ""),
            *(accuracy(arm["runs"], place) for place in places),
            str(len(arm["runs"])),
            arm["budget"]["asked"],
            duration(statistics.mean(run["used"]["train_seconds"] for run in arm["runs"])),
        )
        for arm in result["arms"]
    )
    return Table(
        caption="Arms: accuracy, mean ± deviation over trainings",
        columns=(
            "arm",
            *(_place(result, place) for place in places),
            "trainings",
            "asked",
            "used, mean",
        ),
        rows=rows,
        align_right=(*range(1, 2 + len(places)), 3 + len(places)),
    )


def _on(run: Tree, place: str) -> Tree | None:
    found: Tree | None = run["new"].get(place) if place else run["metrics"]
    return found


def accuracy(runs: Sequence[Tree], place: str = "") -> str:
    """Mean and deviation over trainings, at home or at another place."""
    values = [measured["accuracy"] for run in runs for measured in [_on(run, place)] if measured is not None]
    if not values:
        return "–"
    if len(values) == 1:
        return percent(values[0])
    mean, deviation = statistics.mean(values), statistics.stdev(values)
    return f"{points(mean, signed=False)} ± {points(deviation, signed=False)} %"


def _place(result: Tree, place: str) -> str:
    """A column's head: the place and how many pictures it has, from to where arms differ in that."""
    counts = [
        measured["n"]
        for arm in result["arms"]
        for run in arm["runs"]
        for measured in [_on(run, place)]
        if measured is not None
    ]
    n = f"{min(counts):,}" if min(counts) == max(counts) else f"{min(counts):,} to {max(counts):,}"
    return f"{place or 'test'}, n = {n}"


def _comparisons(result: Tree) -> Table:
    rows = tuple(
        (
            c["a"],
            c["b"],
            c["metric"],
            points(c["effect"]),
            points_interval(c["ci95"]),
            _p(c["p_adjusted"]),
            f"{c['verdict']}: {c['reason']}" if c.get("reason") else c["verdict"],
        )
        for c in result["comparisons"]
    )
    return Table(
        caption="Comparisons, in points of a percent; intervals and p over other seeds and other signs",
        columns=("arm", "against", "metric", "effect", "95 %", "p (Holm)", "verdict"),
        rows=rows,
        align_right=(3, 4, 5),
    )


def _evidence(result: Tree) -> Table:
    rows = tuple(
        (
            f"{c['a']} / {c['b']}",
            c["metric"],
            str(c["seeds"]),
            _signs(c),
            f"{c['n']:,}",
            _p(c["p"]),
            _p(c["p_seeds"]),
            _p(c["p_mcnemar"]),
            points(c["detectable"], signed=False),
        )
        for c in result["comparisons"]
    )
    return Table(
        caption="How sure the comparisons are, and the smallest effect that each would have shown "
        "8 times in 10",
        columns=(
            "arms",
            "metric",
            "seeds",
            "signs",
            "pictures",
            "p",
            "p (t, seeds)",
            "p (McNemar, seed 0)",
            "detectable",
        ),
        rows=rows,
        align_right=(2, 3, 4, 5, 6, 7, 8),
        collapsed=True,
    )


def _signs(comparison: Tree) -> str:
    """How many signs its pictures show, as far as that is known."""
    if comparison.get("frames_per_sign"):
        return f"{ABOUT} {comparison['tracks']:,}"
    return NOT_NAMED if comparison["tracks"] == comparison["n"] else f"{comparison['tracks']:,}"


def _signs_known(result: Tree) -> set[str]:
    """What is known of the signs of the comparisons' pictures, by the words of its table."""
    known = [_signs(comparison) for comparison in result["comparisons"]]
    return {kind for kind in OF_SIGNS if any(said.startswith(kind) for said in known)}


def _p(value: float | None) -> str:
    return "–" if value is None else "< 0.0001" if value < 1e-4 else f"{value:.4f}"


def _charts(result: Tree) -> list[Block]:
    """Effects with their intervals, one chart for each metric."""
    charts: list[Block] = []
    for metric, against in dict.fromkeys((c["metric"], c["b"]) for c in result["comparisons"]):
        known = [
            c
            for c in result["comparisons"]
            if (c["metric"], c["b"]) == (metric, against) and c["ci95"] is not None
        ]
        if known:
            rows = [comparison_row(c) for c in known]
            charts.append(
                figures.interval_chart(
                    name=f"{result['study']}-{metric}-{against}".replace(" ", "-").replace("/", "-"),
                    caption=f"Difference in {metric} from {against}, with 95 % intervals",
                    alt="; ".join(f"{row.name}: {points(row.value)} points" for row in rows),
                    rows=rows,
                    difference=True,
                )
            )
    return charts


def comparison_row(comparison: Tree) -> figures.Interval:
    """A comparison in a chart: no share differs from another by more than 100 points."""
    judged = comparison["verdict"] != NOT_JUDGED
    low, high = (_within(end, -1.0, 1.0) for end in comparison["ci95"])
    name = comparison["a"] if judged else f"{comparison['a']} ({NOT_JUDGED})"
    return figures.Interval(name=name, value=comparison["effect"], low=low, high=high, judged=judged)


def _within(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def stored_curves(tree: Tree) -> Figure:
    """Lines as they were stored, drawn."""
    log = tree.get("log", False)
    lines = [_line(curve, shares=not log) for curve in tree["curves"]]
    ends = ", ".join(
        f"{line.name} ends at {f'{line.ys[-1]:.3g}' if log else percent(line.ys[-1])}" for line in lines
    )
    return figures.line_chart(
        name=tree["name"],
        caption=tree["caption"],
        alt=f"{tree['caption']} {ends}.",
        lines=lines,
        x_label=tree["x_label"],
        percent=not log,
        log=log,
    )


def _line(curve: Tree, *, shares: bool) -> figures.Line:
    """A stored line with its band; shares stay within 0 and 1, whatever a t interval says."""
    band = list(zip(curve["lows"], curve["highs"], strict=True)) if None not in curve["lows"] else []
    if shares:
        band = [(_within(low, 0.0, 1.0), _within(high, 0.0, 1.0)) for low, high in band]
    return figures.Line(name=curve["name"], xs=tuple(curve["xs"]), ys=tuple(curve["ys"]), band=tuple(band))


def stored_bars(tree: Tree) -> Figure:
    """Bars as they were stored, drawn."""
    rows = [
        figures.Bar(name=bar["name"], sizes=tuple(bar["sizes"]), low=bar["low"], high=bar["high"])
        for bar in tree["bars"]
    ]
    sums = "; ".join(f"{row.name} {sum(row.sizes):,.0f}" for row in rows)
    return figures.bar_chart(
        name=tree["name"],
        caption=f"{tree['caption']}, in {tree['unit']}",
        alt=f"{tree['caption']}, in {tree['unit']}: {sums}.",
        rows=rows,
        parts=tree["parts"],
    )


def _galleries(result: Tree, folder: Path) -> tuple[list[Block], list[Block]]:
    """Those that come before everything else, and those that come last."""
    first: list[Block] = []
    rest: list[Block] = []
    for stored in result["galleries"]:
        path = folder / stored["file"]
        try:
            with np.load(path, allow_pickle=False) as arrays:
                images = arrays["images"]
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            raise CheckpointError(f"{path} cannot be read: {error}; run the study again") from error
        pictures = tuple(
            Picture(image=image, caption=caption, alt=caption)
            for image, caption in zip(images, stored["captions"], strict=True)
        )
        gallery = Gallery(caption=stored["caption"], pictures=pictures)
        (first if stored.get("first") else rest).append(gallery)
    return first, rest
