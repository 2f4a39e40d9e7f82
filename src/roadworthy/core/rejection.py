"""When a model does not answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """When a model does not answer: where a score of how sure it is lies below a threshold.

    score: a name in scores.SCORES.  coverage: the share of validation that was to be answered.
    n: pictures of validation that the threshold was chosen on.
    """

    score: str
    threshold: float
    coverage: float
    n: int


def read_rejection(tree: Mapping[str, Any] | None) -> Rejection | None:
    """What was stored of a rejection; None for None, as older files have it."""
    return None if tree is None else Rejection(**tree)
