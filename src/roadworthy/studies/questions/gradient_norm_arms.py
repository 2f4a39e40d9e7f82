"""What the gradient-norm studies and their arms are called, and what they are compared with.

Apart from the studies, which need torch, so that what presents their stored results can name them too.
"""

from __future__ import annotations

import math

CIFAR, ORIGINAL, SIGNS = "gradient-norm", "gradient-norm-original", "gradient-norm-signs"

# On CIFAR-10; the first and the penalty name methods on road signs too.
PLAIN, TWICE, SAM, PENALTY, LATE, AVERAGED = (
    "plain",
    "plain, twice the epochs",
    "SAM",
    "penalty",
    "penalty in the last quarter",
    "plain, averaged weights",
)
# The study's own experiment.
AS_IT_WAS, LEARNS, SMALL_PENALTY, SMALL_SAM = (
    "as it was: Adam 1e-5",
    "Adam 1e-3",
    "Adam 1e-3, penalty",
    "Adam 1e-3, SAM",
)

PUBLISHED_SAM, PUBLISHED_PENALTY = 0.0278, 0.0252  # test error, WRN-28-10 on CIFAR-10, arXiv 2202.03599
PUBLISHED_GAP = PUBLISHED_SAM - PUBLISHED_PENALTY
PUBLISHED_PICTURES = 10_000  # CIFAR-10's test
CLAIMED_GREATER = 0.7  # 'up to 70 % greater improvements' than SAM's


def published_gains(plain: float) -> tuple[float, float, float]:
    """SAM's gain, the penalty's, and by which share the latter is greater, if plain training erred so.

    plain: test error as a fraction, above SAM's; the authors' own figure is not known here.
    """
    sam, penalty = plain - PUBLISHED_SAM, plain - PUBLISHED_PENALTY
    return sam, penalty, penalty / sam - 1


def plain_error_for(greater: float) -> float:
    """Which error of plain training would make the penalty's gain greater than SAM's by this share."""
    return PUBLISHED_SAM + PUBLISHED_GAP / greater


def published_interval() -> tuple[float, float]:
    """95 % of the published gap, from one run each and errors that fall on pictures independently."""
    variance = sum(error * (1 - error) for error in (PUBLISHED_SAM, PUBLISHED_PENALTY))
    half = 1.96 * math.sqrt(variance / PUBLISHED_PICTURES)
    return PUBLISHED_GAP - half, PUBLISHED_GAP + half


# How sharp a minimum is; the captions of the two tables that hold it begin so.
MEASURES = (
    "gradient norm",
    "eigenvalue",
    "ascent",
    "adaptive gradient norm",
    "adaptive eigenvalue",
    "adaptive ascent",
)
HOW_SHARP, PREDICTS_GAINS = "How sharp the minima are", "Does flattening predict the gain?"
