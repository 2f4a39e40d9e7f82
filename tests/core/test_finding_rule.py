"""A stored rule is taken as it is, or refused."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from roadworthy.core.finding_rule import FindingRule, read_finding_rule


@pytest.mark.parametrize("sure", [0.5, float(np.nextafter(1, 2))])
def test_what_was_stored_comes_back(sure: float) -> None:
    rule = FindingRule(threshold=0.25, sure=sure, frames=90)
    assert read_finding_rule(asdict(rule)) == rule
    assert read_finding_rule(None) is None


@pytest.mark.parametrize(
    "stored",
    [
        {"threshold": float("nan")},
        {"threshold": 2.0},
        {"threshold": -1.0},
        {"threshold": "0.5"},
        {"threshold": None},
        {"sure": float("nan")},
        {"sure": float("inf")},
        {"nonsense": 1},
    ],
)
def test_a_score_that_no_box_can_have_is_refused(stored: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        read_finding_rule(stored)
