"""High dynamic range made standard: what a screen of BT.709 shows of it, reference white being its white."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadworthy.core.arrays import ByteArray

PQ, HLG = "PQ", "HLG"
REFERENCE_WHITE = 203.0  # cd/m2 of a white sheet: ITU-R BT.2408-7, 2.2
_HLG_PEAK, _HLG_GAMMA = 1000.0, 1.2  # of the display that HLG is judged on: ITU-R BT.2100-2, table 5
_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)  # ITU-R BT.2020
# ITU-R BT.2087-0's matrix from BT.709 to BT.2020, the other way.
_TO_709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)


def to_sdr(levels: NDArray[np.uint16], transfer: str) -> ByteArray:
    """(H, W, 3) uint16 R'G'B' with BT.2020's primaries, by PQ or HLG, as (H, W, 3) uint8 of BT.709.

    Levels up to reference white stay as they are; what is brighter becomes white.
    """
    light: Any = _light(transfer)[levels]
    if transfer == HLG:  # its gamma acts on luminance, not on each channel
        light = light * (light @ _LUMINANCE)[..., None] ** (_HLG_GAMMA - 1) * _HLG_PEAK
    light = light @ _TO_709.T / REFERENCE_WHITE
    shown = _encode()[np.clip(light * 4095 + 0.5, 0, 4095).astype(np.uint16)]
    return np.asarray(shown, np.uint8)


@cache
def _light(transfer: str) -> NDArray[np.float32]:
    """Light for each level of 16 bits: cd/m2 by PQ, scene light up to 1 by HLG.  ITU-R BT.2100-2."""
    signal = np.arange(65536) / 65535
    if transfer == PQ:
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        power = signal ** (1 / m2)
        return (10000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)).astype(np.float32)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    low = signal**2 / 3
    return np.where(signal <= 0.5, low, (np.exp((signal - c) / a) + b) / 12).astype(np.float32)


@cache
def _encode() -> ByteArray:
    """Levels of a BT.1886 screen (gamma 2.4) for light from 0 to 1 in 4,096 steps."""
    return np.round(255 * (np.arange(4096) / 4095) ** (1 / 2.4)).astype(np.uint8)
