"""Logits to probabilities and confidence.  numpy only; used by evaluate, predict and serve."""

from __future__ import annotations

import numpy as np

from roadworthy.errors import ShapeError
from roadworthy.inputs import FloatArray
from roadworthy.results import IntArray


def log_probabilities(logits: FloatArray, temperature: float = 1.0) -> FloatArray:
    """Log of the softmax of logits / temperature over the last axis, in float64.

    logits: (..., C), finite.  temperature: positive; above 1 makes answers less sure.
    """
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; it must be positive")
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    if scaled.ndim == 0 or scaled.shape[-1] == 0:
        raise ShapeError(f"logits have the shape {scaled.shape}; the last axis must hold the classes")
    shifted = scaled - scaled.max(axis=-1, keepdims=True)
    result: FloatArray = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def probabilities(logits: FloatArray, temperature: float = 1.0) -> FloatArray:
    """Softmax of logits / temperature over the last axis; rows sum to 1."""
    return np.exp(log_probabilities(logits, temperature))


def top_k(scores: FloatArray, k: int) -> IntArray:
    """Indices of the k highest scores over the last axis, highest first, ties by index as argmax does.

    scores: (..., C).  Returns (..., min(k, C)).
    """
    if k < 1:
        raise ValueError(f"k is {k}; it must be at least 1")
    return np.argsort(-np.asarray(scores, dtype=np.float64), axis=-1, kind="stable")[..., :k]
