"""What /metrics tells of confidence."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("prometheus_client", reason="the service needs roadworthy[serve]")

from roadworthy.serve.meters import FEWEST, LATEST, Meters


def served(**known: float) -> Any:
    return SimpleNamespace(name="signs", crops=SimpleNamespace(manifest=SimpleNamespace(known=known)))


def estimated(meters: Meters) -> float | None:
    return meters.registry.get_sample_value("roadworthy_estimated_accuracy", {"model": "signs"})


def test_accuracy_is_estimated_once_there_are_pictures_enough() -> None:
    meters, model = Meters(), served(threshold=0.6)
    meters.answered(model, np.full(FEWEST - 1, 0.9))
    assert estimated(meters) is None
    meters.answered(model, np.array([0.5]))
    assert estimated(meters) == pytest.approx((FEWEST - 1) / FEWEST)


def test_only_the_latest_pictures_count() -> None:
    meters, model = Meters(), served(threshold=0.6)
    meters.answered(model, np.full(LATEST, 0.9))
    meters.answered(model, np.full(LATEST // 2, 0.2))
    assert estimated(meters) == pytest.approx(0.5)
    assert meters.registry.get_sample_value("roadworthy_confidence_count", {"model": "signs"}) == 1.5 * LATEST


def test_a_model_that_does_not_say_what_confidence_is_worth_has_no_estimate() -> None:
    meters = Meters()
    meters.answered(served(), np.full(LATEST, 0.9))
    assert estimated(meters) is None
