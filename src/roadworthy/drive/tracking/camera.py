"""By how much the camera turned between frames: how far the whole picture has been moved."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from PIL import Image

from roadworthy.core.arrays import Box, ByteArray, FloatArray

_WIDTH = 256  # pixels that frames are looked at with; a quarter of a pixel of it is seen
_FURTHEST = 0.08  # of the width, in one step; more is a cut, or no match
_ROOM = 3  # of the small picture's pixels, around a sign that is left out
_ABOVE_STILL = 1.15  # times the correlation of no movement at all, which still clouds and dirt hold up
_CLEAR = 0.25  # height of the correlation's peak, of 1 for the same picture, from which it is believed


class CameraMotion:
    """Follows what is far away: the upper middle of the frames, by the phase of their spectra.

    What is near grows as the car goes, and moves to all sides alike; a camera that turns moves everything
    one way.
    """

    def __init__(self) -> None:
        self._before: np.ndarray | None = None
        self._window: FloatArray | None = None
        self._grey: FloatArray | None = None
        self.shift = (0.0, 0.0)
        self.change = 0.0  # mean difference of grey levels from the frame before, of 1 for black to white

    def update(self, image: ByteArray, boxes: Sequence[Box] = ()) -> tuple[float, float]:
        """How far right and down what is far away stands, in pixels of the frame, since the first frame.

        boxes: of signs, which come nearer, so that their own movement is not the camera's.
        """
        scale = image.shape[1] / _WIDTH
        spectrum = self._spectrum(image, scale, boxes)
        if self._before is not None and self._before.shape == spectrum.shape:
            dx, dy = self._moved(self._before, spectrum)
            self.shift = (self.shift[0] + dx * scale, self.shift[1] + dy * scale)
        self._before = spectrum
        return self.shift

    def _spectrum(self, image: ByteArray, scale: float, boxes: Sequence[Box]) -> np.ndarray:
        """Of the grey levels of the upper two thirds, faded towards its edges."""
        height = max(8, round(image.shape[0] / scale))
        step = max(1, int(scale))
        green = Image.fromarray(np.ascontiguousarray(image[::step, ::step, 1]))
        grey = np.asarray(green.resize((_WIDTH, height), Image.Resampling.BOX), np.float32)
        before, self._grey = self._grey, grey
        same = before is not None and before.shape == grey.shape
        self.change = float(np.abs(grey - before).mean()) / 255 if before is not None and same else 0.0
        grey = grey[: max(8, height * 2 // 3)]
        # Edges alone: broad light and dark, cut off by the fading edges, would hold the peak at nothing.
        edges = 4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
        for box in boxes:
            left, top, right, bottom = (round(edge / scale) for edge in box)
            edges[max(0, top - _ROOM) : bottom + _ROOM, max(0, left - _ROOM) : right + _ROOM] = 0
        if self._window is None or self._window.shape != edges.shape:
            self._window = np.outer(np.hanning(edges.shape[0]), np.hanning(edges.shape[1]))
        return np.fft.rfft2(edges * self._window)

    def _moved(self, before: np.ndarray, now: np.ndarray) -> tuple[float, float]:
        """By how many pixels of the small picture it was moved; nothing where no peak stands out."""
        cross = now * before.conj()
        # A picture without detail has noise for phases, so amplitudes count, but not as their squares.
        amplitude = np.sqrt(np.abs(cross)) * self._blur(cross.shape)
        if not amplitude.any():
            return 0.0, 0.0
        rows = (now.shape[0], _WIDTH - 2)
        phase = np.divide(cross, np.abs(cross), out=np.zeros_like(cross), where=cross != 0)
        peaks = np.fft.irfft2(phase * amplitude, s=rows) / np.fft.irfft2(amplitude, s=rows)[0, 0]
        most = max(2, round(_FURTHEST * _WIDTH))
        near = np.full_like(peaks, -1)
        for part in ((slice(0, most), slice(0, most)), (slice(-most, None), slice(0, most))):
            near[part] = peaks[part]
            mirrored = (part[0], slice(-most, None))
            near[mirrored] = peaks[mirrored]
        y, x = np.unravel_index(int(near.argmax()), near.shape)
        if near[y, x] < max(_CLEAR, _ABOVE_STILL * peaks[0, 0]):
            return 0.0, 0.0
        return _between(peaks[y], int(x)), _between(peaks[:, x], int(y))

    @staticmethod
    @cache
    def _blur(shape: tuple[int, int]) -> FloatArray:
        """Makes the peak a Gaussian of a pixel's deviation, whose top lies between pixels where it should."""
        down, right = np.fft.fftfreq(shape[0]), np.fft.rfftfreq(_WIDTH - 2)
        return np.exp(-2 * np.pi**2 * (down[:, None] ** 2 + right**2))


def _between(line: FloatArray, peak: int) -> float:
    """The place of a Gaussian peak between samples; those past the middle are to the left of the first."""
    size = len(line)
    left, top, right = np.log(np.maximum(line[[peak - 1, peak, (peak + 1) % size]], 1e-6))
    bend = left - 2 * top + right
    place = peak + (0.5 * (left - right) / bend if bend else 0.0)
    return float(place - size if place > size / 2 else place)
