"""How honest confidence is, which answers had better not be given, and what is no sign that is known."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from roadworthy.config import Config, DataConfig
from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.core.document import DataTable
from roadworthy.core.errors import DataNotFoundError
from roadworthy.core.predictions import Predictions, probabilities
from roadworthy.data.dataset import Dataset
from roadworthy.data.open import Splits, load_pictures, open_dataset, open_splits
from roadworthy.data.spec import read_records
from roadworthy.evaluate import conformal
from roadworthy.evaluate.calibration import expected_calibration_error, fit_temperature, reliability
from roadworthy.evaluate.rejection import COVERAGES, auroc, false_positive_rate, risk_coverage
from roadworthy.inference.confidence import accepted
from roadworthy.signs.catalogue import NO_SIGN
from roadworthy.studies.plan import STUDIES, Arm, Job, Plan, Study, StudyRequest
from roadworthy.studies.questions import trust_tables as tables
from roadworthy.studies.questions.setups import classes_of, many_classes
from roadworthy.studies.results import Curve, Curves, StudyResult

if TYPE_CHECKING:
    from roadworthy.evaluate.uncertainty import Answers, Sureness
    from roadworthy.train.checkpoint import Card

GROUPS = 5  # of classes, each left out once
HOME, LEARNT, DRAWN = "photographs", "no-sign learnt", "half of it drawn, whole pictures"
THINGS = f"rendered:au+de?signs={NO_SIGN}&per_class=2000@0.05"
HELD_OUT = f"rendered:au+de?recipe=other-test&signs={NO_SIGN}&per_class="
OBJECTS = "cifar10:?take="  # of each of ten classes
OUTSIDERS, QUICK_OUTSIDERS = 2000, 200
QUICK_TEST = 3000
UNKNOWN, DRAWN_THINGS, CIFAR = "signs left out", "no-sign, drawn", "CIFAR-10"
TRAINING_FEATURES, QUICK_FEATURES = 10_000, 2000
LEVEL = 0.95  # of conformal sets
SHOWN_COVERAGES = (1.0, *COVERAGES)
CURVE = np.linspace(0.9, 1.0, 41)


class Trust(Study):
    """How far can an answer be trusted, which are better not given, and what is no known sign?"""

    def plan(self, ask: StudyRequest) -> Plan:
        """One network, one that learns what no sign is, one for other domains; five that lack a fifth."""
        names = classes_of(ask)
        more = {"data.classes": (*(name for name in names if name != NO_SIGN), NO_SIGN)}
        arms = [
            Arm(name=HOME, settings={"data.classes": names}),
            Arm(name=LEARNT, settings={"data.spec": f"{{data}}@0.95,{THINGS}", **more}),
            Arm(
                name=DRAWN,
                settings={
                    "data.spec": f"{{data}}@0.5,rendered:au+de?per_class=1024@0.45,{THINGS}",
                    "input.crop": "full",
                    **more,
                },
            ),
        ]
        groups = min(GROUPS, len(names) - 1)
        for group in range(groups if len(names) > 2 else 0):
            kept = tuple(name for index, name in enumerate(names) if index % groups != group)
            arms.append(Arm(name=tables.left_out(group, groups), settings={"data.classes": kept}, seeds=1))
        return Plan(
            base=many_classes(ask),
            arms=tuple(arms),
            pairs=((LEARNT, HOME), (DRAWN, HOME)),
            seeds=1 if ask.quick else 3,
        )

    def measure(self, job: Job) -> Mapping[str, Any]:
        """Scores, calibration and conformal sets at home and elsewhere, and what is told from known signs."""
        from roadworthy.evaluate.uncertainty import Sureness, ask
        from roadworthy.inference.torch import predict_features, predict_logits
        from roadworthy.train.checkpoint import load_checkpoint

        model, card = load_checkpoint(job.model)
        splits = open_splits(job.config.data, job.config.input)
        test = splits.test.some_signs(QUICK_TEST) if job.quick else splits.test
        most, outsiders = (QUICK_FEATURES, QUICK_OUTSIDERS) if job.quick else (TRAINING_FEATURES, OUTSIDERS)
        rows = np.random.default_rng(0).permutation(len(splits.train))[:most]
        known = predict_features(model, np.asarray(splits.train.images)[np.sort(rows)], card.input)
        sureness = Sureness(card.classes, known, splits.train.targets[np.sort(rows)], card.temperature)
        home = ask(model, test.images, card.input)
        of_home = sureness(home)
        right = np.asarray(home.logits.argmax(axis=1) == test.targets, dtype=np.float64)
        val = probabilities(predict_logits(model, splits.val.images, card.input), card.temperature)
        sets = {
            method: conformal.calibrate(
                val,
                splits.val.targets,
                1 - LEVEL,
                method,
                [record.group for record in splits.val.records],
            )
            for method in conformal.METHODS
        }
        signs = len({record.group or record.path for record in splits.val.records})
        return {
            "temperature": card.temperature,
            "signs": signs,
            "places": {
                place: _place(job.folder / place if place else job.folder, sets, signs)
                for place in ("", *job.new)
            },
            "scores": {name: _rejection(scores, right) for name, scores in of_home.items()},
            "outside": {
                name: _outside(ask(model, images, card.input), card, sureness, of_home)
                for name, images in _outsiders(job.config, splits, outsiders).items()
            },
        }

    def answer(self, result: StudyResult, folder: Path) -> str:
        """The error at 99 % coverage, what is told apart, and calibration at home and elsewhere."""
        return tables.answer(result, folder, HOME, SHOWN_COVERAGES)

    def tables(self, result: StudyResult, folder: Path) -> Sequence[DataTable]:
        """Rejection, outsiders, calibration, thresholds, conformal sets."""
        return [
            tables.rejection(result, folder, SHOWN_COVERAGES),
            tables.outsiders(result, folder),
            tables.thresholds(result, folder),
            tables.calibration(result, folder),
            tables.conformal_sets(result, folder, LEVEL),
        ]

    def curves(self, result: StudyResult, folder: Path) -> Sequence[Curves]:
        """Confidence against the share right in every place; risk against coverage by score."""
        return [
            *(
                Curves(
                    name=f"reliability-{number}",
                    caption=f"{arm}: share right against confidence, calibrated at home; bands are 95 %.",
                    x_label="confidence",
                    curves=tuple(
                        _reliability(place or "home", folder / result.arm(arm).runs[0].folder / place)
                        for place in ("", *result.domains)
                    ),
                )
                for number, arm in enumerate((HOME, DRAWN))
            ),
            Curves(
                name="risk-coverage",
                caption=f"{HOME}: share wrong among the answers given, by the four best scores.",
                x_label="share answered",
                curves=tables.risk_curves(result.arm(HOME), folder, CURVE),
            ),
        ]


def _place(folder: Path, sets: Mapping[str, conformal.Conformal], val_signs: int) -> dict[str, Any]:
    """Calibration and conformal sets from stored predictions."""
    said = Predictions.read(folder)
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    signs = metrics["signs"] or metrics.get("signs_estimated") or len(said.targets)
    probs = probabilities(said.logits, said.temperature)
    kept = accepted(said.logits, said.temperature, said.rejection)
    right = said.logits.argmax(axis=1) == said.targets
    rng = np.random.default_rng(0)
    found: dict[str, Any] = {
        "n": len(said.targets),
        "signs": signs,
        "right": float(right.mean()),
        "confidence": float(probs.max(axis=1).mean()),
        "ece_before": expected_calibration_error(probabilities(said.logits), said.targets),
        "ece_after": expected_calibration_error(probs, said.targets),
        "own_temperature": fit_temperature(said.logits, said.targets),
        "conformal": {},
    }
    if kept is not None:
        found["accepted"] = float(kept.mean())
        found["right_accepted"] = float(right[kept].mean()) if kept.any() else None
    # Both the signs calibrated on and those measured might have been others.
    error = math.sqrt(LEVEL * (1 - LEVEL) * (1 / val_signs + 1 / signs))
    for method, chosen in sets.items():
        covered = conformal.covered(chosen.sets(probs), said.targets, said.groups, rng)
        found["conformal"][method] = {
            "coverage": covered.coverage,
            "size": covered.mean_size,
            "single": covered.single,
            "standard_errors": (covered.coverage - LEVEL) / error,
        }
    return found


def _rejection(scores: FloatArray, right: FloatArray) -> dict[str, Any]:
    curve = risk_coverage(scores, right)
    return {
        "aurc": curve.area,
        "errors": [curve.at(coverage) for coverage in SHOWN_COVERAGES],
        "curve": [curve.at(coverage) for coverage in CURVE.tolist()],
    }


def _outsiders(config: Config, splits: Splits, most: int) -> dict[str, ByteArray]:
    """Pictures of what the network was never shown: left-out signs, drawn things, and objects where known.

    most: of things and of objects.
    """
    found = {}
    records = [r for r in read_records(config.data.spec, config.data.labels) if r.source == 0]
    left_out = {r.label for r in records if r.split in ("test", "")} - {*splits.classes, NO_SIGN}
    if left_out:
        theirs = _open(config, config.data.spec, tuple(sorted(left_out)))
        found[UNKNOWN] = np.asarray(theirs.images)[[record.source == 0 for record in theirs.records]]
    found[DRAWN_THINGS] = np.asarray(_open(config, f"{HELD_OUT}{most}", (NO_SIGN,)).images)
    try:
        objects = read_records(f"{OBJECTS}{most // 10}")
    except DataNotFoundError:
        return found  # CIFAR-10 is not on this machine; the tables then do not name it
    unseen = [record for record in objects if record.split != "test"]
    found[CIFAR] = np.asarray(load_pictures(unseen, DataConfig(), config.input).images)
    return found


def _open(config: Config, spec: str, classes: tuple[str, ...]) -> Dataset:
    data = DataConfig(spec=spec, labels=config.data.labels)
    return open_dataset(data, config.input, classes, skip_unknown=True)[0]


def _outside(
    answers: Answers, card: Card, sureness: Sureness, of_home: Mapping[str, FloatArray]
) -> dict[str, Any]:
    """How well each score tells these from home's test, and how many the stored threshold would accept."""
    kept = accepted(answers.logits, card.temperature, card.rejection)
    answered_sign = np.array([name != NO_SIGN for name in card.classes])[answers.logits.argmax(axis=1)]
    return {
        "n": len(answers.logits),
        "accepted": None if kept is None else float((kept & answered_sign).mean()),
        "scores": {
            name: {
                "auroc": auroc(of_home[name], scores),
                "fpr": false_positive_rate(of_home[name], scores),
            }
            for name, scores in sureness(answers).items()
        },
    }


def _reliability(name: str, folder: Path) -> Curve:
    said = Predictions.read(folder)
    bins = reliability(probabilities(said.logits, said.temperature), said.targets)
    return Curve(
        name=name,
        xs=tuple(one.confidence for one in bins),
        ys=tuple(one.accuracy for one in bins),
        lows=tuple(one.accuracy_ci95[0] for one in bins),
        highs=tuple(one.accuracy_ci95[1] for one in bins),
    )


STUDIES.register("trust")(Trust())
