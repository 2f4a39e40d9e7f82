"""What the study of trust shows, from what was measured of each training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.core.arrays import FloatArray
from roadworthy.core.document import Cell, Column, DataTable
from roadworthy.core.words import percent
from roadworthy.evaluate.statistics.verdicts import summarise
from roadworthy.studies.answers import within
from roadworthy.studies.plan import read_measured
from roadworthy.studies.results import ArmResult, Curve, StudyResult

CURVES = 4
HONEST = 0.02  # calibration error up to which confidence counts as honest
LEFT_OUT = "a fifth of the signs left out"  # of all arms that lack a group of classes, together


def left_out(group: int, groups: int) -> str:
    """The name of the arm that lacks this group of classes."""
    return f"{LEFT_OUT}, {group + 1} of {groups}"


def _measured(result: StudyResult, folder: Path) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """What was measured of each arm's trainings; those that lack a group of classes count as one arm."""

    def together(arm: ArmResult) -> str:
        return LEFT_OUT if arm.name.startswith(LEFT_OUT) else arm.name

    for name, arms in groupby(result.arms, key=together):
        yield name, [read_measured(folder / run.folder) for arm in arms for run in arm.runs]


def _spread(values: Sequence[float]) -> tuple[float, float | None, float | None]:
    """Mean and interval over trainings; without an interval where they are all alike."""
    summary = summarise(values)
    if summary.ci95 is None or len(set(values)) == 1:
        return summary.mean, None, None
    return (summary.mean, *summary.ci95)


def answer(result: StudyResult, folder: Path, home: str, coverages: Sequence[float]) -> str:
    """In sentences, of the network that learns from photographs alone unless they say otherwise."""
    trainings = dict(_measured(result, folder))
    own = trainings[home]
    least = min(own[0]["scores"], key=lambda name: _mean(one["scores"][name]["aurc"] for one in own))
    errors = np.mean([one["scores"][least]["errors"] for one in own], axis=0)
    off = [one["places"][""]["ece_after"] for one in own]
    reply = within(-max(off), -min(off), -HONEST, quick=bool(result.asked["quick"]))
    words = {"Yes": "at home confidence can be trusted", "No": "not even at home can confidence be trusted"}
    said = [
        f"{reply}: {words.get(reply, 'how far confidence can be trusted at home is not shown')}.",
        f"Of all answers {percent(errors[0])} are wrong, of the surest {percent(coverages[1], 0)} "
        f"{percent(errors[1])} by the score that ranks them best ({least}).",
    ]
    outsiders = sorted({name for ones in trainings.values() for one in ones for name in one["outside"]})
    for outsider in outsiders:
        best, arm, score = max(
            (_mean(one["outside"][outsider]["scores"][score]["auroc"] for one in ones), arm, score)
            for arm, ones in trainings.items()
            if all(outsider in one["outside"] for one in ones)
            for score in ones[0]["outside"][outsider]["scores"]
        )
        said.append(f"{outsider}: told from known signs with an AUROC of {best:.4f} ({score}; {arm}).")
    for place in own[0]["places"]:
        before, after = (
            _mean(one["places"][place][key] for one in own) for key in ("ece_before", "ece_after")
        )
        said.append(
            f"Confidence is off by {percent(after)} {f'on {place}' if place else 'at home'} "
            f"({percent(before)} before calibration)."
        )
    return " ".join(said)


def rejection(result: StudyResult, folder: Path, coverages: Sequence[float]) -> DataTable:
    """Errors at home among the surest answers, by score."""
    rows = tuple(
        (
            arm,
            score,
            *(_mean(one["scores"][score]["errors"][i] for one in ones) for i in range(len(coverages))),
            1e4 * _mean(one["scores"][score]["aurc"] for one in ones),
            len(ones),
        )
        for arm, ones in _measured(result, folder)
        for score in ones[0]["scores"]
    )
    return DataTable(
        caption="Errors among the answers given at home, surest first; AURC is their mean over all shares "
        "answered",
        columns=(
            Column("arm"),
            Column("score"),
            *(Column(f"{percent(coverage, 0)} answered", "share", 3) for coverage in coverages),
            Column("AURC, 1/10,000", "number"),
            Column("trainings", "count"),
        ),
        rows=rows,
    )


def outsiders(result: StudyResult, folder: Path) -> DataTable:
    """How well each score tells what is not known from home's test."""
    rows = []
    for arm, ones in _measured(result, folder):
        for outsider in ones[0]["outside"]:
            found = [one["outside"][outsider] for one in ones]
            for score in found[0]["scores"]:
                told = _spread([one["scores"][score]["auroc"] for one in found])
                answered = _mean(one["scores"][score]["fpr"] for one in found)
                rows.append((outsider, arm, score, told, answered, found[0]["n"], len(ones)))
    return DataTable(
        caption="Telling unknown things from the signs of the home test: AUROC (95 % over trainings), "
        "and the share of them still answered where 95 % of the signs are",
        columns=(
            Column("pictures of"),
            Column("arm"),
            Column("score"),
            Column("AUROC", "estimate", 4),
            Column("still answered", "share"),
            Column("pictures", "count"),
            Column("trainings", "count"),
        ),
        rows=tuple(sorted(rows, key=lambda row: str(row[0]))),
    )


def thresholds(result: StudyResult, folder: Path) -> DataTable:
    """What the threshold that is stored with each network accepts."""
    rows: list[tuple[Cell, ...]] = []
    for arm, ones in _measured(result, folder):
        for place in ones[0]["places"]:
            measured = [one["places"][place] for one in ones]
            if any(one.get("right_accepted") is None for one in measured):
                continue
            shares = (_mean(one[key] for one in measured) for key in ("accepted", "right_accepted", "right"))
            rows.append((arm, place or "home", *shares))
        for outsider in ones[0]["outside"]:
            accepted = [one["outside"][outsider]["accepted"] for one in ones]
            if None not in accepted:
                rows.append((arm, outsider, _mean(accepted), None, None))
    return DataTable(
        caption="What the threshold stored with the network accepts as a sign; it was chosen on validation "
        "for calibrate.coverage of it",
        columns=(
            Column("arm"),
            Column("pictures of"),
            Column("accepted", "share"),
            Column("right among them", "share"),
            Column("right of all", "share"),
        ),
        rows=tuple(rows),
    )


def calibration(result: StudyResult, folder: Path) -> DataTable:
    """Calibration error before and after, and the temperature that a place itself would have asked for."""
    rows = []
    for arm, ones in _measured(result, folder):
        for place in ones[0]["places"]:
            measured = [one["places"][place] for one in ones]
            rows.append(
                (
                    arm,
                    place or "home",
                    _mean(one["ece_before"] for one in measured),
                    _spread([one["ece_after"] for one in measured]),
                    _mean(one["temperature"] for one in ones),
                    *(
                        _mean(one[key] for one in measured)
                        for key in ("own_temperature", "confidence", "right")
                    ),
                )
            )
    return DataTable(
        caption="Calibration error before and after the temperature chosen at home, and the temperature "
        "that the place's own labels would have asked for",
        columns=(
            Column("arm"),
            Column("on"),
            Column("ECE before", "share"),
            Column("after", "share estimate"),
            Column("temperature", "number"),
            Column("own", "number"),
            Column("confidence", "share"),
            Column("right", "share"),
        ),
        rows=tuple(rows),
    )


def conformal_sets(result: StudyResult, folder: Path, level: float) -> DataTable:
    """Coverage asked and found."""
    rows = []
    for arm, ones in _measured(result, folder):
        for place, home in ones[0]["places"].items():
            for method in home["conformal"]:
                found = [one["places"][place]["conformal"][method] for one in ones]
                rows.append(
                    (
                        arm,
                        place or "home",
                        method,
                        _spread([one["coverage"] for one in found]),
                        *(_mean(one[key] for one in found) for key in ("standard_errors", "size", "single")),
                        ones[0]["signs"],
                        home["signs"],
                    )
                )
    return DataTable(
        caption=f"Conformal sets that should hold the truth {percent(level, 0)} of the time: how often they "
        "do, how many standard errors (over the signs calibrated on and those measured) off, and their size",
        columns=(
            Column("arm"),
            Column("on"),
            Column("method"),
            Column("coverage", "share estimate"),
            Column("off by", "signed", 1),
            Column("size", "number"),
            Column("of one class", "share", 1),
            Column("signs calibrated on", "count"),
            Column("signs measured", "count"),
        ),
        rows=tuple(rows),
    )


def risk_curves(arm: ArmResult, folder: Path, coverages: FloatArray) -> tuple[Curve, ...]:
    """Of the scores that rank answers best, as many as one figure can tell apart; means over trainings."""
    ones = [read_measured(folder / run.folder) for run in arm.runs]
    areas = {name: _mean([one["scores"][name]["aurc"] for one in ones]) for name in ones[0]["scores"]}
    curves = []
    for score in sorted(areas, key=lambda name: areas[name])[:CURVES]:
        summaries = [
            summarise([one["scores"][score]["curve"][i] for one in ones]) for i in range(len(coverages))
        ]
        curves.append(
            Curve(
                name=score,
                xs=tuple(coverages.tolist()),
                ys=tuple(summary.mean for summary in summaries),
                lows=(None,) * len(coverages),
                highs=(None,) * len(coverages),
            )
        )
    return tuple(curves)


def _mean(values: Iterator[float] | Sequence[float]) -> float:
    return float(np.mean(list(values)))
