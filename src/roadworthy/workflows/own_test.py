"""What a network answers to a new set against what it answered to its own run's test."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from roadworthy.core.errors import CheckpointError
from roadworthy.core.notes import say
from roadworthy.core.predictions import Predictions
from roadworthy.evaluate.metrics import sign_indices
from roadworthy.evaluate.statistics.independent import (
    METHOD,
    Sample,
    change,
    change_by_class,
    mean_change,
)
from roadworthy.workflows.run_folder import RunFolder


@dataclass(frozen=True, kw_only=True)
class OwnTest:
    """What a run measured as its training ended: metrics.json, its answers, and some of the pictures."""

    metrics: Mapping[str, Any]
    predictions: Predictions
    pictures: Mapping[str, Any]


def read_own_test(home: RunFolder) -> OwnTest | None:
    """What the run in a folder measured; None where it has not ended or, as is said then, is damaged."""
    path = home.path / "metrics.json"
    if not path.is_file():
        return None
    try:
        metrics = json.loads(path.read_text(encoding="utf-8"))
        predictions = Predictions.read(home.path)
    except (CheckpointError, OSError, ValueError) as error:
        say(f"no comparison with the run's own test: {error}")
        return None
    stored = home.pictures()
    names = {"images": "measured_images", "labels": "measured_labels"}
    kept = {f"own_{key}": stored[name] for key, name in names.items() if name in stored}
    return OwnTest(metrics=metrics, predictions=predictions, pictures=kept)


def against_own_test(own: OwnTest, answered: Predictions, frames_per_sign: float | None) -> dict[str, Any]:
    """The change in accuracy, in the recall of each class of both sets, and in the mean of those.

    frames_per_sign: of the new set, where only that is known of its signs.
    """
    n, signs = own.metrics["n"], own.metrics.get("signs_estimated")
    old = _sample(own.predictions, n / signs if signs else None)
    new = _sample(answered, frames_per_sign)
    generator = np.random.default_rng(0)
    overall = change(old, new, generator)
    by_class = {
        answered.classes[label]: found for label, found in change_by_class(old, new, generator).items()
    }
    return {
        **{key: own.metrics[key] for key in ("split", "n", "accuracy")},
        "accuracy_change": dataclasses.asdict(overall),
        "recall_change": dataclasses.asdict(mean_change(list(by_class.values()))) if by_class else None,
        "per_class": {name: dataclasses.asdict(found) for name, found in by_class.items()},
        "method": METHOD,
    }


def _sample(answered: Predictions, frames_per_sign: float | None) -> Sample:
    return Sample(
        right=answered.logits.argmax(axis=1) == answered.targets,
        targets=answered.targets,
        signs=sign_indices(answered.groups, answered.targets),
        frames_per_sign=frames_per_sign or 1.0,
    )
