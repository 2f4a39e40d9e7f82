"""Types of arrays, by what they hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BoolArray = NDArray[np.bool_]
ByteArray = NDArray[np.uint8]
IntArray = NDArray[np.integer[Any]]
FloatArray = NDArray[np.floating[Any]]
Box = tuple[float, float, float, float]  # x1, y1, x2, y2 in pixels; x2 and y2 are exclusive
