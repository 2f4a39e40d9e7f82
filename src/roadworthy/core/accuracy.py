"""The interval to show of an accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class AccuracyInterval:
    """A 95 % interval of an accuracy, fractions, and what it takes as independent.

    over: `signs`, or `pictures` where nothing is known of which pictures show one sign.
    """

    low: float
    high: float
    over: str


def interval_of(metrics: Mapping[str, Any]) -> AccuracyInterval:
    """The interval to show of an accuracy: over signs where they are known, else over pictures.

    metrics: metrics.json as it was stored, also by older versions, or what a manifest holds of it.
    """
    # Frames of one sign are no independent trials.  The last of the three is older metrics' only word on
    # signs where all tracks were equally right.
    for name in ("accuracy_ci95_tracks", "accuracy_ci95_signs", "sign_accuracy_ci95"):
        if metrics.get(name) is not None:
            low, high = metrics[name]
            return AccuracyInterval(low=low, high=high, over="signs")
    low, high = metrics["accuracy_ci95"]
    return AccuracyInterval(low=low, high=high, over="pictures")
