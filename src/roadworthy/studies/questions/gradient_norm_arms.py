"""What the gradient-norm studies and their arms are called, and what they are compared with.

Apart from the studies, which need torch, so that what presents their stored results can name them too.
"""

from __future__ import annotations

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
