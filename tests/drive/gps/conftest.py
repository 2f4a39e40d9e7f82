from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from roadworthy.drive.gps.fixes import Fix

METRES_PER_DEGREE = math.pi * 6_371_008.8 / 180  # of a great circle, on the sphere of earth.py
BEGAN = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


@pytest.fixture
def north() -> Callable[..., list[Fix]]:
    """Fixes of a car on the meridian 145 E, going north: one for each (second, metres)."""

    def make(*steps: tuple[float, float], film: bool = True) -> list[Fix]:
        return [
            Fix(
                lat=-37 + metres / METRES_PER_DEGREE,
                lon=145,
                time=BEGAN + timedelta(seconds=second),
                film_s=second if film else None,
            )
            for second, metres in steps
        ]

    return make
