"""What the study of domains shows of one arm, at home and in another domain, from its stored predictions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from roadworthy.config import DataConfig, load_config
from roadworthy.core.arrays import FloatArray
from roadworthy.core.document import Table
from roadworthy.core.predictions import Predictions, probabilities
from roadworthy.core.words import interval, percent
from roadworthy.data.dataset import Dataset
from roadworthy.data.open import Splits, open_dataset, open_splits
from roadworthy.data.records import Record
from roadworthy.evaluate.analysis import domains
from roadworthy.evaluate.analysis.causes import GainEffect, gain_effects
from roadworthy.evaluate.analysis.mistakes import most_confused
from roadworthy.evaluate.analysis.traits import Pictures
from roadworthy.evaluate.metrics import expected_calibration_error
from roadworthy.imaging.preprocess import InputSpec
from roadworthy.inference.torch import predict_features
from roadworthy.studies.results import ArmResult, StudyResult
from roadworthy.train.checkpoint import load_checkpoint

WORST, CONFUSED = 8, 6


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How a domain differs from home, in words and as tables."""

    words: str
    tables: tuple[Table, ...]


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
        low, high = self.ci95
        return (
            f"{percent(self.there)} are right, {100 * abs(self.effect):.2f} points "
            f"{'fewer' if self.effect > 0 else 'more'} than of these classes at home "
            f"(lost: 95 % {100 * low:+.2f} to {100 * high:+.2f})"
        )


@lru_cache(maxsize=1)
def opened_home(run: Path) -> Splits:
    """What a run was trained and measured on."""
    config = load_config(run / "config.toml")
    return open_splits(config.data, config.input)


def opened(run: Path, domain: str, classes: Sequence[str]) -> Dataset:
    """The pictures of a domain that a run was measured on."""
    spec = json.loads((run / domain / "data.json").read_text(encoding="utf-8"))["spec"]
    config = load_config(run / "config.toml")
    return open_dataset(
        DataConfig(spec=spec, labels=config.data.labels), config.input, classes, skip_unknown=True
    )[0]


def difference(arm: ArmResult, folder: Path, domain: str) -> Difference:
    """Looks, features and a classifier of domains, with the first seed's network."""
    return _difference(folder / arm.runs[0].folder, domain)


@lru_cache(maxsize=16)
def _difference(run: Path, domain: str) -> Difference:
    splits, old = opened_home(run), _home_looked_at(run)
    there, new = _looked_at(run, domain)
    found = domains.shifts(old, new, np.random.default_rng(0))
    names = [shift.look for shift in found]
    own_looks, new_looks = (np.stack([seen.looks[name] for name in names], axis=1) for seen in (old, new))
    told = domains.tell_apart(own_looks, new_looks, old.groups, new.groups, names)
    model, card = load_checkpoint(run)
    shared = np.intersect1d(splits.test.targets, there.targets)
    own, others = (
        predict_features(model, part.images[np.isin(part.targets, shared)], card.input)
        for part in (splits.test, there)
    )
    halves = np.random.default_rng(0).permutation(len(own))
    usual = domains.frechet_distance(own[halves[::2]], own[halves[1::2]])
    by_features = domains.tell_apart(
        own,
        others,
        [g for g, t in zip(old.groups, splits.test.targets, strict=True) if t in shared],
        [g for g, t in zip(new.groups, there.targets, strict=True) if t in shared],
    )
    looked_at = ", ".join(f"{name} ({weight:+.1f})" for name, weight in told.weights[:3])
    looks = Table(
        caption=f"How {domain} looks beside home, {len(there):,} pictures against {len(splits.test):,}",
        columns=("look", "home", domain, "more than at home", "95 %", "distance", "in words"),
        rows=tuple(
            (
                shift.look,
                f"{shift.old:.3g}",
                f"{shift.new:.3g}",
                percent(shift.more, 0),
                interval(shift.ci95, 0),
                f"{shift.distance:.2f}",
                shift.words or "–",
            )
            for shift in found
        ),
        align_right=(1, 2, 3, 4, 5),
    )
    apart = Table(
        caption=f"How well {domain} can be told from home",
        columns=("by", "result"),
        rows=(
            ("a linear classifier of looks, AUROC", f"{told.auroc:.3f}"),
            ("what it looks at most (weight in deviations)", looked_at),
            ("a linear classifier of the network's features, AUROC", f"{by_features.auroc:.3f}"),
            (
                "Fréchet distance of features (between halves of home)",
                f"{domains.frechet_distance(own, others):.2f} ({usual:.2f})",
            ),
        ),
    )
    return Difference(words=domains.in_words(found), tables=(looks, apart))


@lru_cache(maxsize=1)
def _home_looked_at(run: Path) -> domains.Seen:
    """How home's test looks."""
    return _seen(opened_home(run).test, opened_home(run).train, load_config(run / "config.toml").input)


@lru_cache(maxsize=16)
def _looked_at(run: Path, domain: str) -> tuple[Dataset, domains.Seen]:
    """The pictures of a domain that a run was measured on, and how they look."""
    there = opened(run, domain, opened_home(run).classes)
    return there, _seen(there, opened_home(run).train, load_config(run / "config.toml").input)


def _seen(part: Dataset, train: Dataset, spec: InputSpec) -> domains.Seen:
    pictures = Pictures(
        images=np.asarray(part.images),
        targets=part.targets,
        sizes_px=np.array([side(record, spec) for record in part.records]),
        train_images=np.asarray(train.images),
        train_targets=train.targets,
    )
    groups = tuple(record.group for record in part.records)
    return domains.Seen(looks=domains.looks(pictures), targets=part.targets, groups=groups)


def side(record: Record, spec: InputSpec) -> float:
    """Shorter side of the sign in pixels; of the picture where no box is known."""
    if record.drawing is not None:
        return float(spec.size)
    if record.box is not None:
        x1, y1, x2, y2 = record.box
        return float(min(x2 - x1, y2 - y1))
    with Image.open(record.path) as image:
        return float(min(image.size))


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


def drops(result: StudyResult, folder: Path) -> Table:
    """Every arm in every domain, beside the same classes at home."""
    rows = []
    for domain in result.domains:
        for arm in result.arms:
            found = drop(arm, folder, domain)
            rows.append(
                (
                    arm.name,
                    domain,
                    percent(found.home),
                    percent(found.there),
                    f"{100 * found.effect:+.2f}",
                    f"{100 * found.ci95[0]:+.2f} to {100 * found.ci95[1]:+.2f}",
                )
            )
    return Table(
        caption="What is lost, over the classes that a domain has; intervals over signs and seeds",
        columns=("arm", "domain", "home", "there", "points lost", "95 %"),
        rows=tuple(rows),
        align_right=(2, 3, 4, 5),
    )


def gains(result: StudyResult, folder: Path, baseline: str) -> Table:
    """What each arm gains over the baseline, on which pictures, and what it costs; over the shared seeds."""
    rows = []
    base = result.arm(baseline)
    for domain in result.domains:
        traits = _looks(folder / base.runs[0].folder, domain)
        for arm in result.arms:
            if arm.name == baseline:
                continue
            without, with_it = (_aligned(one, folder, domain, arm) for one in (base, arm))
            said, gain = (
                without[0],
                np.mean([_right(b) - _right(a) for a, b in zip(without, with_it, strict=True)], axis=0),
            )
            classes = {
                said.classes[target]: float(gain[said.targets == target].mean())
                for target in np.unique(said.targets).tolist()
            }
            most = max(classes, key=lambda name: classes[name])
            where = gain_effects(traits, gain, said.groups, np.random.default_rng(0))
            rows.append(
                (
                    arm.name,
                    domain,
                    f"{100 * gain.mean():+.2f}",
                    f"{np.maximum(gain, 0).sum():.1f} / {np.maximum(-gain, 0).sum():.1f}",
                    f"{most} {100 * classes[most]:+.2f}",
                    _in_words(where[0]) if where and where[0].shown else "not shown",
                    f"{100 * (_mean(arm) - _mean(base)):+.2f}",
                    _epochs(arm),
                )
            )
    return Table(
        caption=f"What each arm gains over '{baseline}' in points, on which pictures, and its price: points "
        "at home, epochs in its time",
        columns=(
            "arm",
            "domain",
            "points",
            "repaired / spoilt",
            "most on",
            "more where",
            "at home",
            "epochs",
        ),
        rows=tuple(rows),
        align_right=(2, 3, 6, 7),
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


def _looks(run: Path, domain: str) -> dict[str, FloatArray]:
    """Of a domain's pictures, in the order of their paths."""
    there, seen = _looked_at(run, domain)
    order = np.argsort([record.path for record in there.records])
    return {name: values[order] for name, values in seen.looks.items()}


def _in_words(effect: GainEffect) -> str:
    return (
        f"{effect.trait} {'up to' if effect.quarter == 'low' else 'from'} {effect.edge:.3g}: "
        f"{100 * effect.there:+.2f}, elsewhere {100 * effect.elsewhere:+.2f}"
    )


def _mean(arm: ArmResult) -> float:
    return float(np.mean(list(arm.values().values())))


def _epochs(arm: ArmResult) -> str:
    epochs = float(np.mean([run.used["epochs"] for run in arm.runs]))
    return f"{epochs:.0f}" if epochs else "none: nothing is trained"


def by_class(arm: ArmResult, folder: Path, domain: str) -> Table:
    """The share right of each class, at home and there; mean over seeds."""
    both = _both(arm, folder, domain)
    home, there = both[0]
    shares = [np.mean([_right(pair[i]) for pair in both], axis=0) for i in range(2)]
    rows = tuple(
        (
            there.classes[target],
            percent(shares[0][home.targets == target].mean()) if (home.targets == target).any() else "–",
            percent(shares[1][there.targets == target].mean()),
            f"{int((there.targets == target).sum()):,}",
        )
        for target in np.unique(there.targets).tolist()
    )
    return Table(
        caption=f"By class, {arm.name}: home and {domain}",
        columns=("class", "home", "there", "pictures there"),
        rows=rows,
        align_right=(1, 2, 3),
        collapsed=True,
    )


def worst_signs(arm: ArmResult, folder: Path, domain: str) -> Table:
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
                percent(wrong[rows_of].mean(), 0),
                f"{len(rows_of)}",
                ", ".join(
                    f"{answer} {percent(n / answers.total(), 0)}" for answer, n in answers.most_common(2)
                ),
            )
        )
    return Table(
        caption=f"Signs with most mistakes, {arm.name} on {domain}",
        columns=("sign", "class", "wrong", "pictures", "read as"),
        rows=tuple(rows),
        align_right=(2, 3),
        collapsed=True,
    )


def confusions(arm: ArmResult, folder: Path, domain: str) -> Table:
    """The most confused pairs at home and there, first seed."""
    home, there = _both(arm, folder, domain)[0]
    rows = [
        (where, pair.target, pair.predicted, f"{pair.n:,}")
        for where, said in (("home", home), (domain, there))
        for pair in most_confused(said, top=CONFUSED)
    ]
    return Table(
        caption=f"Most confused, {arm.name}: home and {domain}, seed 0",
        columns=("where", "class", "read as", "pictures"),
        rows=tuple(rows),
        align_right=(3,),
        collapsed=True,
    )


def calibration(result: StudyResult, folder: Path) -> Table:
    """Calibration error everywhere, before and after the temperature that home's validation chose."""
    rows = []
    for arm in result.arms:
        for domain in ("", *result.domains):
            said = [Predictions.read(folder / run.folder / domain) for run in arm.runs]
            before, after, sure, right = (
                float(np.mean(values))
                for values in zip(
                    *(
                        (
                            expected_calibration_error(probabilities(one.logits), one.targets),
                            expected_calibration_error(
                                probabilities(one.logits, one.temperature), one.targets
                            ),
                            probabilities(one.logits, one.temperature).max(axis=1).mean(),
                            _right(one).mean(),
                        )
                        for one in said
                    ),
                    strict=True,
                )
            )
            rows.append(
                (arm.name, domain or "home", percent(before), percent(after), percent(sure), percent(right))
            )
    return Table(
        caption="Calibration error before and after the temperature chosen at home; means over seeds",
        columns=("arm", "on", "ECE before", "ECE after", "mean confidence", "right"),
        rows=tuple(rows),
        align_right=(2, 3, 4, 5),
        collapsed=True,
    )


def few_pictures(result: StudyResult, folder: Path, baseline: str, samples: int) -> Table:
    """How often so few pictures would have drawn each conclusion wrongly; first seed."""
    rows = []
    base = result.arm(baseline)
    rng = np.random.default_rng(0)
    for domain in result.domains:
        for arm in result.arms:
            if arm.name == baseline:
                continue
            said, other = (_aligned(one, folder, domain, arm)[0] for one in (base, arm))
            right = _right(other)
            wrong, none = domains.wrong_conclusions(_right(said), right, said.targets, samples, rng)
            rows.append(
                (
                    arm.name,
                    domain,
                    f"{100 * (right.mean() - _right(said).mean()):+.2f}",
                    percent(wrong, 0),
                    percent(none, 0),
                )
            )
    return Table(
        caption=f"What {samples} pictures would have said of each arm against '{baseline}', in 10,000 draws",
        columns=("arm", "domain", "points, all pictures", "the opposite", "no difference"),
        rows=tuple(rows),
        align_right=(2, 3, 4),
        collapsed=True,
    )
