"""When a training's figures say that something went wrong with it, and what to do.  numpy only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from roadworthy.config import TrainConfig
from roadworthy.core.words import percent
from roadworthy.evaluate.calibration import MAX_TEMPERATURE, MIN_TEMPERATURE
from roadworthy.evaluate.results import Metrics

STEPS_A_CLASS = 10  # with fewer a one-cycle training on drawn signs seldom ends
LEAST_STEPS = 60
LEARNT = 0.9  # accuracy from which few steps were enough


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """name: for programs.  text: a sentence or two for people: what is so, and what to do."""

    name: str
    text: str


def doubts(
    metrics: Metrics, *, steps: int, validated: Mapping[str, float], config: TrainConfig
) -> tuple[Doubt, ...]:
    """What is to be doubted about a finished training; nothing where all is well.

    metrics: what it measured in the end.  steps: of the optimiser.
    validated: `val_loss` of the chosen weights before calibration; empty where nothing was set aside.
    """
    classes = len(metrics.confusion_labels)
    found = (
        _short_of_floor(steps, config),
        _too_few_steps(metrics.accuracy, steps, classes),
        _at_guessing(metrics),
        _loss_above_guessing(validated.get("val_loss"), classes),
        _temperature_at_bound(metrics.temperature),
    )
    return tuple(doubt for doubt in found if doubt is not None)


def _short_of_floor(steps: int, config: TrainConfig) -> Doubt | None:
    if config.minutes is None or steps >= config.min_steps:
        return None
    text = (
        f"The training made {steps:,} of at least {config.min_steps:,} steps in {config.stretch:g} times its "
        "time: this machine is too slow or too busy. Train again when less else runs, or with more --minutes."
    )
    return Doubt(name="min_steps_not_reached", text=text)


def _too_few_steps(accuracy: float, steps: int, classes: int) -> Doubt | None:
    needed = max(LEAST_STEPS, STEPS_A_CLASS * classes)
    if steps >= needed or accuracy >= LEARNT:
        return None
    text = (
        f"The training made {steps:,} step{'' if steps == 1 else 's'}; {classes} classes usually need "
        f"{needed:,} or more. Give it more --epochs or --minutes, or a smaller train.batch_size."
    )
    return Doubt(name="too_few_steps", text=text)


def _at_guessing(metrics: Metrics) -> Doubt | None:
    guessing = max(values.n for values in metrics.per_class.values()) / metrics.n
    if metrics.interval.low > guessing or metrics.accuracy == 1:
        return None
    text = (
        f"An accuracy of {percent(metrics.accuracy, 1)} is not shown to be above guessing: always answering "
        f"the largest class gets {percent(guessing, 1)}. Train longer, try a smaller optim.lr, and check the "
        "labels (roadworthy data preview)."
    )
    return Doubt(name="accuracy_at_guessing", text=text)


def _loss_above_guessing(loss: float | None, classes: int) -> Doubt | None:
    if loss is None or loss <= math.log(classes):
        return None
    text = (
        f"The validation loss is {loss:.3g}, above the {math.log(classes):.3g} of guessing among {classes} "
        "classes: the network is often wrong and sure of it. Train longer, with a smaller optim.lr or more "
        "pictures, and check the labels of validation."
    )
    return Doubt(name="val_loss_above_guessing", text=text)


def _temperature_at_bound(temperature: float) -> Doubt | None:
    if temperature > 0.999 * MAX_TEMPERATURE:
        text = (
            f"The temperature stands at its upper bound, {MAX_TEMPERATURE:g}: on validation the network's "
            "confidence says nothing. Do not trust it; train longer and check the labels of validation."
        )
        return Doubt(name="temperature_at_upper_bound", text=text)
    if temperature < 1.001 * MIN_TEMPERATURE:
        text = (
            f"The temperature stands at its lower bound, {MIN_TEMPERATURE:g}: answers are right, but the "
            "network hardly tells classes apart. Train longer, or average less (a smaller train.ema)."
        )
        return Doubt(name="temperature_at_lower_bound", text=text)
    return None


def stored(found: Sequence[Doubt]) -> list[dict[str, str]]:
    """As metrics.json has them."""
    return [{"name": doubt.name, "text": doubt.text} for doubt in found]
