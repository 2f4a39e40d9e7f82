"""A training that went wrong says so, and one that did not keeps quiet."""

import math
from typing import Any

import numpy as np
import pytest

from roadworthy.config import EvaluateConfig, TrainConfig
from roadworthy.core.predictions import Predictions
from roadworthy.evaluate.analysis.doubts import doubts, stored
from roadworthy.evaluate.metrics import compute_metrics
from roadworthy.evaluate.results import Metrics


def metrics(right: int, wrong: int, classes: int = 4, temperature: float = 1.0) -> Metrics:
    """Of so many pictures of every class answered rightly, and so many wrongly."""
    targets = np.repeat(np.arange(classes), right + wrong)
    answers = np.where(np.arange(len(targets)) % (right + wrong) < right, targets, (targets + 1) % classes)
    predictions = Predictions(
        classes=tuple("abcdefgh"[:classes]),
        logits=np.eye(classes, dtype=np.float32)[answers],
        targets=targets,
        paths=tuple(map(str, range(len(targets)))),
        groups=("",) * len(targets),
        temperature=temperature,
    )
    return compute_metrics(predictions, split="test", config=EvaluateConfig(bootstrap=10))


def names(measured: Metrics, **given: Any) -> list[str]:
    asked: dict[str, Any] = {"steps": 1000, "validated": {"val_loss": 0.1}, "config": TrainConfig(), **given}
    return [doubt.name for doubt in doubts(measured, **asked)]


def test_a_good_training_is_not_doubted() -> None:
    assert names(metrics(49, 1)) == []
    assert names(metrics(49, 1), validated={}) == []
    assert names(metrics(49, 1), steps=20) == []  # few, and enough


def test_too_few_steps_for_the_classes() -> None:
    assert names(metrics(25, 25), steps=23) == ["too_few_steps"]
    assert names(metrics(25, 25), steps=60) == []
    assert names(metrics(25, 25, classes=8), steps=60) == ["too_few_steps"]
    assert names(metrics(25, 25, classes=8), steps=80) == []


def test_where_guessing_is() -> None:
    assert names(metrics(13, 37)) == ["accuracy_at_guessing"]
    assert names(metrics(25, 25)) == []


def test_a_validation_loss_above_guessing() -> None:
    assert names(metrics(49, 1), validated={"val_loss": math.log(4) + 1e-6}) == ["val_loss_above_guessing"]
    assert names(metrics(49, 1), validated={"val_loss": math.log(4)}) == []


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [
        (20.0, ["temperature_at_upper_bound"]),
        (19.9, []),
        (0.05, ["temperature_at_lower_bound"]),
        (0.051, []),
    ],
)
def test_a_temperature_at_its_bound(temperature: float, expected: list[str]) -> None:
    assert names(metrics(49, 1, temperature=temperature)) == expected


def test_a_floor_that_was_not_reached() -> None:
    config = TrainConfig(minutes=1.0, min_steps=300)
    assert names(metrics(49, 1), steps=299, config=config) == ["min_steps_not_reached"]
    assert names(metrics(49, 1), steps=300, config=config) == []


def test_every_doubt_says_what_to_do() -> None:
    found = doubts(
        metrics(13, 37, temperature=20.0),
        steps=2,
        validated={"val_loss": 9.0},
        config=TrainConfig(minutes=1.0, min_steps=300),
    )
    rows = stored(found)
    assert len({row["name"] for row in rows}) == len(rows) == 5
    assert all("rain" in row["text"] or "--minutes" in row["text"] for row in rows)
    assert [set(row) for row in rows] == [{"name", "text"}] * 5
