"""HOTA: how well boxes are found in each frame, and held together over frames, in one figure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from roadworthy.core.arrays import Box, FloatArray
from roadworthy.drive.kpi.assignment import assign
from roadworthy.drive.kpi.boxes import TrueBox
from roadworthy.drive.seen import Trail
from roadworthy.evaluate.detection.matching import OVERLAP, intersections_over_union

ALPHAS = np.arange(1, 20) / 20
"""Overlaps from which a box counts as found; figures are means over them."""
_EPSILON = np.finfo(float).eps


@dataclass(frozen=True, kw_only=True)
class Hota:
    """Each in [0, 1], a mean over the overlaps from 0.05 to 0.95; None where there was nothing to find.

    hota: the root of detection times association.  detection: DetA, of true and found boxes the share that
    are pairs.  association: AssA, of the boxes of a pair's two tracks the share that the tracks have in
    common.  overlap: LocA, of the pairs.  tracks, trails: how many there were of each.
    """

    hota: float | None
    detection: float | None
    association: float | None
    overlap: float | None
    tracks: int
    trails: int


def hota(
    truth_boxes: Sequence[TrueBox], trails: Sequence[Trail], *, frames: Collection[int] | None = None
) -> Hota:
    """HOTA of a drive's trails against its true boxes, whatever their classes.

    frames: those that were looked at, where not all were; others are left out.
    Boxes with `visible` 0 are neither wanted nor, where a trail has one there, false.
    Source: Luiten et al. 2021, eqs. 5 to 20; on equal input the figures are TrackEval's.
    """
    tracks = {
        name: i for i, name in enumerate(dict.fromkeys(one.event for one in truth_boxes if one.visible))
    }
    by_frame = _by_frame(truth_boxes, trails, tracks, frames)
    true_n, found_n = np.zeros(len(tracks)), np.zeros(len(trails))
    likely = np.zeros((len(tracks), len(trails)))
    for frame in by_frame:
        true_n[frame.true] += 1
        found_n[frame.found] += 1
        shared = frame.overlaps.sum(0)[None] + frame.overlaps.sum(1)[:, None] - frame.overlaps
        likely[np.ix_(frame.true, frame.found)] += _quotient(frame.overlaps, shared)
    both = true_n[:, None] + found_n[None]
    alike = _quotient(likely, both - likely)
    hits, overlap = np.zeros((len(ALPHAS), len(tracks), len(trails))), np.zeros(len(ALPHAS))
    for frame in by_frame:
        rows, columns = assign(-alike[np.ix_(frame.true, frame.found)] * frame.overlaps)
        shares = frame.overlaps[rows, columns]
        for a, alpha in enumerate(ALPHAS):
            far = shares >= alpha - _EPSILON
            hits[a, np.array(frame.true, int)[rows[far]], np.array(frame.found, int)[columns[far]]] += 1
            overlap[a] += shares[far].sum()
    return _summed(hits, both, overlap, wanted=true_n.sum(), given=found_n.sum())


def _summed(hits: FloatArray, both: FloatArray, overlap: FloatArray, *, wanted: float, given: float) -> Hota:
    tracks, trails = both.shape
    if not wanted + given:
        return Hota(hota=None, detection=None, association=None, overlap=None, tracks=tracks, trails=trails)
    pairs = hits.sum(axis=(1, 2))
    detection = pairs / (wanted + given - pairs)
    association = (hits * _quotient(hits, both[None] - hits)).sum(axis=(1, 2)) / np.maximum(pairs, 1)
    return Hota(
        hota=float(np.sqrt(detection * association).mean()),
        detection=float(detection.mean()),
        association=float(association.mean()),
        # Where nothing is found no box lies off: 1, as TrackEval has it.
        overlap=float(np.where(pairs > 0, overlap / np.maximum(pairs, 1), 1.0).mean()),
        tracks=tracks,
        trails=trails,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Frame:
    """Numbers of the tracks and trails that one frame shows, and (T, F) the overlaps of their boxes."""

    true: list[int]
    found: list[int]
    overlaps: FloatArray


def _by_frame(
    truth: Sequence[TrueBox], trails: Sequence[Trail], tracks: dict[str, int], frames: Collection[int] | None
) -> list[_Frame]:
    looked_at = None if frames is None else set(frames)
    true: dict[int, list[TrueBox]] = defaultdict(list)
    found: dict[int, list[tuple[int, Box]]] = defaultdict(list)
    for one in truth:
        true[one.frame].append(one)
    for number, trail in enumerate(trails):
        for seen in trail.seen:
            found[seen.frame].append((number, seen.box))
    numbers = sorted({*true, *found} if looked_at is None else {*true, *found} & looked_at)
    return [_frame(true[number], found[number], tracks) for number in numbers]


def _frame(true: list[TrueBox], found: list[tuple[int, Box]], tracks: dict[str, int]) -> _Frame:
    wanted = [one for one in true if one.visible]
    given = _array([box for _, box in found])
    shares = intersections_over_union(_array([one.box for one in wanted]), given)
    hidden = intersections_over_union(_array([one.box for one in true if not one.visible]), given)
    on_hidden, on_wanted = hidden.max(axis=0, initial=0.0), shares.max(axis=0, initial=0.0)
    kept = np.flatnonzero((on_hidden < OVERLAP) | (on_wanted >= on_hidden))
    return _Frame(
        true=[tracks[one.event] for one in wanted],
        found=[found[i][0] for i in kept],
        overlaps=np.asarray(shares[:, kept]),
    )


def _array(boxes: Sequence[Box]) -> FloatArray:
    return np.asarray(boxes, np.float64).reshape(-1, 4)


def _quotient(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > _EPSILON)
