"""What the study of domains shows of its arms, at home and in other domains, from stored predictions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from roadworthy.core.arrays import FloatArray
from roadworthy.core.document import Cell, Column, DataTable
from roadworthy.core.predictions import Predictions, probabilities
from roadworthy.core.words import percent, points, points_interval
from roadworthy.evaluate.analysis import domains
from roadworthy.evaluate.analysis.causes import GainEffect, gain_effects
from roadworthy.evaluate.analysis.mistakes import most_confused
from roadworthy.evaluate.calibration import expected_calibration_error
from roadworthy.studies.questions.domain_pictures import looks_of
from roadworthy.studies.results import ArmResult, StudyResult

WORST, CONFUSED = 8, 6


@dataclass(frozen=True, kw_only=True)
class Drop:
    """How much less is right in a domain than at home, over the classes that it has."""

    home: float
    there: float
    effect: float
    ci95: tuple[float, float]

    @property
    def words(self) -> str:
        """In a sentence's middle."""
        return (
            f"{percent(self.there)} are right, {points(abs(self.effect), signed=False)} points "
            f"{'fewer' if self.effect > 0 else 'more'} than of these classes at home "
            f"(lost: 95 % {points_interval(self.ci95)})"
        )


def _both(arm: ArmResult, folder: Path, domain: str) -> list[tuple[Predictions, Predictions]]:
    """Of each seed: at home, over the classes that the domain has, and there."""
    found = []
    for run in arm.runs:
        there = Predictions.read(folder / run.folder / domain)
        home = Predictions.read(folder / run.folder)
        found.append((_only(home, np.unique(there.targets)), there))
    return found


def _only(said: Predictions, targets: np.ndarray) -> Predictions:
    return _reordered(said, np.flatnonzero(np.isin(said.targets, targets)))


def _right(said: Predictions) -> FloatArray:
    return np.asarray(said.logits.argmax(axis=1) == said.targets, dtype=np.float64)


def drop(arm: ArmResult, folder: Path, domain: str) -> Drop:
    """From home to the domain, over seeds."""
    both = _both(arm, folder, domain)
    home, there = (np.stack([_right(pair[i]) for pair in both]) for i in range(2))
    effect, ci95 = domains.drop(
        home, there, both[0][0].groups, both[0][1].groups, np.random.default_rng(0), repetitions=1000
    )
    return Drop(home=float(home.mean()), there=float(there.mean()), effect=effect, ci95=ci95)


def drops(result: StudyResult, folder: Path) -> DataTable:
    """Every arm in every domain, beside the same classes at home."""
    found = [
        (arm.name, domain, drop(arm, folder, domain)) for domain in result.domains for arm in result.arms
    ]
    return DataTable(
        caption="Accuracy lost in each domain, over the classes that it has; intervals over signs and seeds",
        columns=(
            Column("arm"),
            Column("domain"),
            Column("home", "share"),
            Column("there", "share"),
            Column("points lost", "points"),
            Column("95 %", "points interval"),
        ),
        rows=tuple(
            (arm, domain, lost.home, lost.there, lost.effect, lost.ci95) for arm, domain, lost in found
        ),
    )


def gains(result: StudyResult, folder: Path, baseline: str) -> DataTable:
    """What each arm gains over the baseline, on which pictures, and what it costs; over the shared seeds."""
    rows = [
        (arm.name, domain, *_gained(arm, result.arm(baseline), folder, domain))
        for domain in result.domains
        for arm in result.arms
        if arm.name != baseline
    ]
    return DataTable(
        caption=f"What each arm gains over '{baseline}' in points, on which pictures, and its price: points "
        "at home, epochs in its time",
        columns=(
            Column("arm"),
            Column("domain"),
            Column("points", "points"),
            Column("repaired", "number", 1),
            Column("spoilt", "number", 1),
            Column("most on"),
            Column("there", "points"),
            Column("more where"),
            Column("at home", "points"),
            Column("epochs", "count"),
        ),
        rows=tuple(rows),
    )


def _gained(arm: ArmResult, base: ArmResult, folder: Path, domain: str) -> tuple[Cell, ...]:
    """Points, pictures repaired and spoilt, the class with most, where there is more, and the price."""
    without, with_it = (_aligned(one, folder, domain, arm) for one in (base, arm))
    said = without[0]
    gain = np.mean([_right(b) - _right(a) for a, b in zip(without, with_it, strict=True)], axis=0)
    classes = {
        said.classes[target]: float(gain[said.targets == target].mean())
        for target in np.unique(said.targets).tolist()
    }
    most = max(classes, key=lambda name: classes[name])
    traits = looks_of(folder / base.runs[0].folder, domain)
    where = gain_effects(traits, gain, said.groups, np.random.default_rng(0))
    return (
        float(gain.mean()),
        float(np.maximum(gain, 0).sum()),
        float(np.maximum(-gain, 0).sum()),
        most,
        classes[most],
        _in_words(where[0]) if where and where[0].shown else "not shown",
        _mean(arm) - _mean(base),
        _epochs(arm),
    )


def _aligned(own: ArmResult, folder: Path, domain: str, other: ArmResult) -> list[Predictions]:
    """Of each seed that the other arm has too, pictures in one order."""
    seeds = {run.seed for run in other.runs}
    said = [Predictions.read(folder / run.folder / domain) for run in own.runs if run.seed in seeds]
    return [_reordered(one, np.argsort(one.paths)) for one in said]


def _reordered(said: Predictions, rows: np.ndarray) -> Predictions:
    return Predictions(
        classes=said.classes,
        logits=said.logits[rows],
        targets=said.targets[rows],
        paths=tuple(said.paths[i] for i in rows),
        groups=tuple(said.groups[i] for i in rows),
        temperature=said.temperature,
    )


def _in_words(effect: GainEffect) -> str:
    return (
        f"{effect.trait} {'up to' if effect.quarter == 'low' else 'from'} {effect.edge:.3g}: "
        f"{points(effect.there)}, elsewhere {points(effect.elsewhere)}"
    )


def _mean(arm: ArmResult) -> float:
    return float(np.mean(list(arm.values().values())))


def _epochs(arm: ArmResult) -> float | str:
    return float(np.mean([run.used["epochs"] for run in arm.runs])) or "none: nothing is trained"


def by_class(arm: ArmResult, folder: Path, domain: str) -> DataTable:
    """The share right of each class, at home and there; mean over seeds."""
    both = _both(arm, folder, domain)
    home, there = both[0]
    shares = [np.mean([_right(pair[i]) for pair in both], axis=0) for i in range(2)]
    rows = tuple(
        (
            there.classes[target],
            float(shares[0][home.targets == target].mean()) if (home.targets == target).any() else None,
            float(shares[1][there.targets == target].mean()),
            int((there.targets == target).sum()),
        )
        for target in np.unique(there.targets).tolist()
    )
    return DataTable(
        caption=f"By class, {arm.name}: home and {domain}",
        columns=(
            Column("class"),
            Column("home", "share"),
            Column("there", "share"),
            Column("pictures there", "count"),
        ),
        rows=rows,
        collapsed=True,
    )


def worst_signs(arm: ArmResult, folder: Path, domain: str) -> DataTable:
    """The signs with most mistakes there, over seeds."""
    both = _both(arm, folder, domain)
    there = both[0][1]
    wrong = 1 - np.mean([_right(pair[1]) for pair in both], axis=0)
    names = np.array([group or path for group, path in zip(there.groups, there.paths, strict=True)])
    mistakes: Counter[str] = Counter()
    for name, share in zip(names.tolist(), wrong.tolist(), strict=True):
        mistakes[name] += share
    rows = []
    for name, _ in mistakes.most_common(WORST):
        rows_of = np.flatnonzero(names == name)
        answers = Counter(
            there.classes[answer] for _, said in both for answer in said.logits[rows_of].argmax(axis=1)
        )
        rows.append(
            (
                name,
                there.classes[there.targets[rows_of[0]]],
                float(wrong[rows_of].mean()),
                len(rows_of),
                tuple((answer, n / answers.total()) for answer, n in answers.most_common(2)),
            )
        )
    return DataTable(
        caption=f"Signs with the most mistakes, {arm.name} on {domain}",
        columns=(
            Column("sign"),
            Column("class"),
            Column("wrong", "share", 0),
            Column("pictures", "count"),
            Column("read as", "shares", 0),
        ),
        rows=tuple(rows),
        collapsed=True,
    )


def confusions(arm: ArmResult, folder: Path, domain: str) -> DataTable:
    """The most confused pairs at home and there, first seed."""
    home, there = _both(arm, folder, domain)[0]
    rows = [
        (where, pair.target, pair.predicted, pair.n)
        for where, said in (("home", home), (domain, there))
        for pair in most_confused(said, top=CONFUSED)
    ]
    return DataTable(
        caption=f"Most confused, {arm.name}: home and {domain}, seed 0",
        columns=(Column("where"), Column("class"), Column("read as"), Column("pictures", "count")),
        rows=tuple(rows),
        collapsed=True,
    )


def calibration(result: StudyResult, folder: Path) -> DataTable:
    """Calibration error everywhere, before and after the temperature that home's validation chose."""
    rows: list[tuple[Cell, ...]] = [
        (arm.name, domain or "home", *_calibrated(arm, folder, domain))
        for arm in result.arms
        for domain in ("", *result.domains)
    ]
    return DataTable(
        caption="Calibration error before and after the temperature chosen at home; means over seeds",
        columns=(
            Column("arm"),
            Column("on"),
            Column("ECE before", "share"),
            Column("ECE after", "share"),
            Column("mean confidence", "share"),
            Column("right", "share"),
        ),
        rows=tuple(rows),
        collapsed=True,
    )


def _calibrated(arm: ArmResult, folder: Path, domain: str) -> list[float]:
    """Calibration error before and after, mean confidence, and the share right; means over seeds."""
    found = []
    for run in arm.runs:
        one = Predictions.read(folder / run.folder / domain)
        before, after = (probabilities(one.logits, heat) for heat in (1.0, one.temperature))
        errors = (expected_calibration_error(probs, one.targets) for probs in (before, after))
        found.append((*errors, after.max(axis=1).mean(), _right(one).mean()))
    return [float(np.mean(values)) for values in zip(*found, strict=True)]


def few_pictures(result: StudyResult, folder: Path, baseline: str, samples: int) -> DataTable:
    """How often so few pictures would have drawn each conclusion wrongly; first seed."""
    rows: list[tuple[Cell, ...]] = []
    base = result.arm(baseline)
    rng = np.random.default_rng(0)
    for domain in result.domains:
        for arm in result.arms:
            if arm.name == baseline:
                continue
            said, other = (_aligned(one, folder, domain, arm)[0] for one in (base, arm))
            without, with_it = _right(said), _right(other)
            chances = domains.wrong_conclusions(without, with_it, said.targets, samples, rng)
            rows.append((arm.name, domain, float(with_it.mean() - without.mean()), *chances))
    return DataTable(
        caption=f"What {samples} pictures would have said of each arm against '{baseline}', in 10,000 draws",
        columns=(
            Column("arm"),
            Column("domain"),
            Column("points, all pictures", "points"),
            Column("the opposite", "share", 0),
            Column("no difference", "share", 0),
        ),
        rows=tuple(rows),
        collapsed=True,
    )
