"""Boxes as arrays: (N, 4) of x1, y1, x2, y2 in pixels, 0-based, x2 and y2 exclusive."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from roadworthy.core.arrays import Box, FloatArray


def as_boxes(boxes: Sequence[Box] | FloatArray) -> FloatArray:
    """Boxes as (N, 4) float64, none as (0, 4)."""
    return np.asarray(boxes, dtype=np.float64).reshape(-1, 4)


def areas(boxes: FloatArray) -> FloatArray:
    """(N,) how many pixels each box holds; 0 where it is turned inside out."""
    sides = np.maximum(0.0, boxes[:, 2:] - boxes[:, :2])
    return np.asarray(sides[:, 0] * sides[:, 1])


def shared_areas(a: FloatArray, b: FloatArray) -> FloatArray:
    """(N, M) how many pixels each of `a` shares with each of `b`."""
    sides = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    sides = np.maximum(0.0, sides)
    return np.asarray(sides[..., 0] * sides[..., 1])


def overlaps(a: FloatArray, b: FloatArray) -> FloatArray:
    """(N, M) intersection over union of each of `a` with each of `b`; 0 where both hold nothing."""
    shared = shared_areas(a, b)
    union = areas(a)[:, None] + areas(b)[None, :] - shared
    return np.asarray(shared / np.where(union > 0, union, 1.0))


def clipped(boxes: FloatArray, width: float, height: float) -> FloatArray:
    """What of each box lies within a picture of that size."""
    return np.asarray(np.clip(boxes, 0, [width, height, width, height]))
