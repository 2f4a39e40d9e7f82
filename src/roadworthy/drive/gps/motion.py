"""The offset between the clocks of a film and of a track, found from how both say that the car moved.

What the pictures show of motion (mean optical flow, or whether anything moves at all) rises and falls with
the car's speed: the offset at which the two go together best is the right one, if none else comes near.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.core.errors import UsageError
from roadworthy.drive.gps.track import STANDING, Track

LEAST_S = 60.0
"""Seconds that film and track must have in common to be compared."""
_SURE_CORRELATION = 0.5
# In a simulation of drives with traffic lights, 49 of 60 films of ten minutes reached it on their own track,
# and on another's 2 of 120 films of five and ten minutes (3 of 120 where only moving or not was known).
_SURE_MARGIN = 4.0
_PEAK_S = 20.0  # offsets closer to the best than this are the same answer
_LAGS_PER_HOP = 4
_LASTS_S = 10.0  # a car's speed says something new about so often


@dataclass(frozen=True, kw_only=True)
class Offset:
    """What to add to a track's seconds to have the film's: `track.shifted(offset.offset_s)`.

    correlation: Pearson's, of motion and speed, at this offset; runner_up: at the likeliest other one, more
    than 20 s away (nan where there is none).  margin: how much likelier this one is, as standard errors: the
    root of twice the difference of the log-likelihoods, with one independent value each 10 s, and no
    more of them than the motion crosses its middle.
    error_s: half the range of offsets that fit as well within two standard errors.
    """

    offset_s: float
    error_s: float
    correlation: float
    runner_up: float
    margin: float

    @property
    def sure(self) -> bool:
        """Whether to rely on it: the two go together, and at no other offset nearly as well."""
        return self.correlation >= _SURE_CORRELATION and self.margin >= _SURE_MARGIN


def offset_by_motion(
    track: Track,
    motion: Sequence[float] | Sequence[bool] | FloatArray,
    *,
    hop_s: float = 1.0,
    window: tuple[float, float] | None = None,
) -> Offset | None:
    """The offset at which a film's motion fits a track's speeds best; None where they cannot be compared.

    motion: a number for each `hop_s` seconds of the film, the more the faster, in any unit, or whether the
    car moves; nan where unknown.  window: the least and greatest offset to try, in seconds to be added to
    the track's; all that leave LEAST_S in common if None.
    None where less than that is in common, or where film or track never changes its speed.
    """
    values = np.asarray(motion, np.float64)
    if values.ndim != 1 or not hop_s > 0:
        raise UsageError(f"motion is {values.shape} with hop_s {hop_s}; give one number for each hop")
    if window is not None and not window[0] <= window[1]:
        raise UsageError(f"window is {window}; the least offset comes first")
    step, begin = hop_s / _LAGS_PER_HOP, float(track.seconds[0])
    moments = np.arange(begin + step / 2, float(track.seconds[-1]), step)
    if min(values.size * hop_s, moments.size * step) < LEAST_S or moments.size < 2 * _LAGS_PER_HOP:
        return None  # of no offset would there be enough, and of the shortest nothing to correlate
    speeds = sliding_window_view(track.speeds(moments), _LAGS_PER_HOP).mean(axis=1)
    if np.isin(values[np.isfinite(values)], (0, 1)).all():  # moves or stands
        speeds = np.where(np.isfinite(speeds), speeds >= STANDING, np.nan)
    found = [_correlations(values, speeds[phase::_LAGS_PER_HOP]) for phase in range(_LAGS_PER_HOP)]
    offsets = np.concatenate(
        [-(begin + phase * step + lags * hop_s) for phase, (lags, _, _) in enumerate(found)]
    )
    scores, counts = (np.concatenate([each[i] for each in found]) for i in (1, 2))
    fits = np.isfinite(scores) & (counts * hop_s >= LEAST_S)
    if window is not None:
        fits &= (offsets >= window[0]) & (offsets <= window[1])
    independent = np.minimum(counts[fits] * hop_s / _LASTS_S, _crossings(values))
    return _best(offsets[fits], scores[fits], independent) if fits.any() else None


def _crossings(values: FloatArray) -> int:
    """How often a signal crosses the middle of its range: one stop alone tells little, however long it is."""
    known = values[np.isfinite(values)]
    return int(np.count_nonzero(np.diff(known > (known.min() + known.max()) / 2))) if known.size else 0


def _correlations(a: FloatArray, b: FloatArray) -> tuple[IntArray, FloatArray, FloatArray]:
    """Lags, Pearson's correlation of a[i] with b[i + lag], and the number of known pairs."""
    size = a.size + b.size - 1
    known_a, known_b = np.isfinite(a), np.isfinite(b)
    a = np.where(known_a, a - np.mean(a[known_a] if known_a.any() else 0), 0)
    b = np.where(known_b, b - np.mean(b[known_b] if known_b.any() else 0), 0)

    def sums(x: FloatArray, y: FloatArray) -> FloatArray:
        """Of x[i] * y[i + lag] over i, for all lags."""
        product = np.conj(np.fft.rfft(x, size)) * np.fft.rfft(y, size)
        return np.roll(np.fft.irfft(product, size), a.size - 1)

    here_a, here_b = known_a.astype(np.float64), known_b.astype(np.float64)
    counts = np.rint(sums(here_a, here_b))
    n = np.maximum(counts, 1)
    sum_a, sum_b = sums(a, here_b), sums(here_a, b)
    var_a, var_b = sums(a * a, here_b) - sum_a**2 / n, sums(here_a, b * b) - sum_b**2 / n
    # What is left of a sum after rounding is no change of speed.
    flat = (var_a <= 1e-9 * (a @ a)) | (var_b <= 1e-9 * (b @ b))
    scores = (sums(a, b) - sum_a * sum_b / n) / np.sqrt(np.where(flat, 1, var_a * var_b))
    return np.arange(size) - (a.size - 1), np.where(flat, np.nan, scores), counts


def _best(offsets: FloatArray, scores: FloatArray, independent: FloatArray) -> Offset:
    """The likeliest offset: log-likelihoods of a straight line between two signals with normal errors."""
    likely = -independent / 2 * np.log1p(-(np.clip(scores, 0, 0.9999) ** 2))
    best = int(np.argmax(likely))
    near = np.abs(offsets - offsets[best]) <= _PEAK_S
    other = int(np.argmax(np.where(near, -1, likely))) if not near.all() else None
    as_good = offsets[near & (likely >= likely[best] - 2)]
    return Offset(
        offset_s=float(offsets[best]),
        error_s=float(np.ptp(as_good)) / 2,
        correlation=float(scores[best]),
        runner_up=float("nan") if other is None else float(scores[other]),
        margin=float(np.sqrt(2 * (likely[best] - (0 if other is None else likely[other])))),
    )
