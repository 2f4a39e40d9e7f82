"""What the study of trust shows, from what was measured of each training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from roadworthy.core.arrays import FloatArray
from roadworthy.core.document import Table
from roadworthy.core.words import percent
from roadworthy.evaluate.statistics.compare import summarise
from roadworthy.studies.plan import read_measured
from roadworthy.studies.results import ArmResult, Curve, StudyResult

CURVES = 4
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


def _spread(values: Sequence[float], form: str) -> str:
    """Mean and interval over trainings."""
    summary = summarise(values)
    text = format(summary.mean, form)
    if summary.ci95 is None or len(set(values)) == 1:
        return text
    return f"{text} ({format(summary.ci95[0], form)} to {format(summary.ci95[1], form)})"


def answer(result: StudyResult, folder: Path, home: str, coverages: Sequence[float]) -> str:
    """In sentences, of the network that learns from photographs alone unless they say otherwise."""
    trainings = dict(_measured(result, folder))
    own = trainings[home]
    least = min(own[0]["scores"], key=lambda name: _mean(one["scores"][name]["aurc"] for one in own))
    errors = np.mean([one["scores"][least]["errors"] for one in own], axis=0)
    said = [
        f"Of all answers {percent(errors[0])} are wrong, of the surest {percent(coverages[1], 0)} "
        f"{percent(errors[1])} by the score that ranks them best ({least})."
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
            f"Confidence errs by {percent(after)} {f'on {place}' if place else 'at home'} "
            f"({percent(before)} before calibration)."
        )
    return " ".join(said)


def rejection(result: StudyResult, folder: Path, coverages: Sequence[float]) -> Table:
    """Errors at home among the surest answers, by score."""
    rows = [
        (
            arm,
            score,
            *(
                percent(_mean(one["scores"][score]["errors"][i] for one in ones), 3)
                for i in range(len(coverages))
            ),
            f"{1e4 * _mean(one['scores'][score]['aurc'] for one in ones):.2f}",
            str(len(ones)),
        )
        for arm, ones in _measured(result, folder)
        for score in ones[0]["scores"]
    ]
    return Table(
        caption="Wrong among the answers given at home, surest first; AURC is the mean over all shares",
        columns=(
            "arm",
            "score",
            *(f"{percent(coverage, 0)} answered" for coverage in coverages),
            "AURC, 1/10,000",
            "trainings",
        ),
        rows=tuple(rows),
        align_right=tuple(range(2, 4 + len(coverages))),
    )


def outsiders(result: StudyResult, folder: Path) -> Table:
    """How well each score tells what is not known from home's test."""
    rows = [
        (
            outsider,
            arm,
            score,
            _spread([one["outside"][outsider]["scores"][score]["auroc"] for one in ones], ".4f"),
            percent(_mean(one["outside"][outsider]["scores"][score]["fpr"] for one in ones)),
            f"{ones[0]['outside'][outsider]['n']:,}",
            str(len(ones)),
        )
        for arm, ones in _measured(result, folder)
        for outsider in ones[0]["outside"]
        for score in ones[0]["outside"][outsider]["scores"]
    ]
    return Table(
        caption="Telling what no known sign is from the signs of home's test: AUROC (95 % over trainings), "
        "and the share still answered where 95 % of the signs are",
        columns=("pictures of", "arm", "score", "AUROC", "still answered", "pictures", "trainings"),
        rows=tuple(sorted(rows, key=lambda row: row[0])),
        align_right=(4, 5, 6),
    )


def thresholds(result: StudyResult, folder: Path) -> Table:
    """What the threshold that is stored with each network accepts."""
    rows = []
    for arm, ones in _measured(result, folder):
        for place in ones[0]["places"]:
            measured = [one["places"][place] for one in ones]
            if any(one.get("right_accepted") is None for one in measured):
                continue
            rows.append(
                (
                    arm,
                    place or "home",
                    percent(_mean(one["accepted"] for one in measured)),
                    percent(_mean(one["right_accepted"] for one in measured)),
                    percent(_mean(one["right"] for one in measured)),
                )
            )
        for outsider in ones[0]["outside"]:
            shares = [one["outside"][outsider]["accepted"] for one in ones]
            if None not in shares:
                rows.append((arm, outsider, percent(_mean(shares)), "–", "–"))
    return Table(
        caption="What the threshold stored with the network accepts as a sign: chosen on validation for "
        "calibrate.coverage of it",
        columns=("arm", "pictures of", "accepted", "right among them", "right of all"),
        rows=tuple(rows),
        align_right=(2, 3, 4),
    )


def calibration(result: StudyResult, folder: Path) -> Table:
    """Calibration error before and after, and the temperature that a place itself would have asked for."""
    rows = []
    for arm, ones in _measured(result, folder):
        for place in ones[0]["places"]:
            measured = [one["places"][place] for one in ones]
            rows.append(
                (
                    arm,
                    place or "home",
                    percent(_mean(one["ece_before"] for one in measured)),
                    _spread([one["ece_after"] for one in measured], ".2%"),
                    f"{_mean(one['temperature'] for one in ones):.2f}",
                    f"{_mean(one['own_temperature'] for one in measured):.2f}",
                    percent(_mean(one["confidence"] for one in measured)),
                    percent(_mean(one["right"] for one in measured)),
                )
            )
    return Table(
        caption="Calibration error before and after the temperature chosen at home, and the temperature "
        "that the place's own labels would have asked for",
        columns=("arm", "on", "ECE before", "after", "temperature", "own", "confidence", "right"),
        rows=tuple(rows),
        align_right=(2, 3, 4, 5, 6, 7),
    )


def conformal_sets(result: StudyResult, folder: Path, level: float) -> Table:
    """Coverage asked and found."""
    rows = [
        (
            arm,
            place or "home",
            method,
            _spread([one["places"][place]["conformal"][method]["coverage"] for one in ones], ".2%"),
            f"{_mean(one['places'][place]['conformal'][method]['standard_errors'] for one in ones):+.1f}",
            f"{_mean(one['places'][place]['conformal'][method]['size'] for one in ones):.2f}",
            percent(_mean(one["places"][place]["conformal"][method]["single"] for one in ones), 1),
            f"{ones[0]['signs']:,} / {ones[0]['places'][place]['signs']:,}",
        )
        for arm, ones in _measured(result, folder)
        for place in ones[0]["places"]
        for method in ones[0]["places"][place]["conformal"]
    ]
    return Table(
        caption=f"Conformal sets that should hold the truth {percent(level, 0)} of the time: how often they "
        "do, how many standard errors (over the signs calibrated on and those measured) off, and their size",
        columns=("arm", "on", "method", "coverage", "off by", "size", "of one class", "signs"),
        rows=tuple(rows),
        align_right=(4, 5, 6, 7),
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
