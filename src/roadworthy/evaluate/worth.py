"""How much a frame with proposed labels is worth a person's look, and why.  numpy only.

Five reasons, each with a worth from 0 to 1: a box is unsure; frames of one sign are read differently; labels
that the set already has are near and say something else; what a box shows is unlike what the model learned
from; something may be a sign and was not written.  A frame's worth is 1 less the product of what each leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from roadworthy.core.boxes import as_boxes, overlaps
from roadworthy.core.words import percent, plural
from roadworthy.data.frames import Annotation
from roadworthy.inference.proposals import Proposal

SAME, NEAR = 0.5, 0.1  # intersection over union: one sign; a box beside another
STRANGE = 0.05  # share of a set's boxes that are told to be unlike the others, the least energy first
_UNLIKE, _OTHERS, _DISAGREE = 0.5, 0.9, 0.9  # what these reasons are worth
_MOST_OF_MAYBE = 0.7


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A frame and what is proposed in it.

    written, maybe: proposals that are written, and those below the threshold.  marked: the set's own labels,
    if it has any.  sign: of each written proposal what all frames of its sign say together; empty for alone.
    """

    path: str
    written: Sequence[Proposal]
    maybe: Sequence[Proposal] = ()
    marked: Sequence[Annotation] | None = None
    signs: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Look:
    """worth: in [0, 1], how much a frame is worth a look.  reasons: for a person, the weightiest first."""

    path: str
    worth: float
    reasons: tuple[str, ...]


def looks(frames: Sequence[Judged], threshold: float) -> list[Look]:
    """Every frame with its worth, those first that are most worth a look.

    threshold: least score of boxes that are written.
    """
    energies = [one.energy for frame in frames for one in frame.written]
    # One strange box among few is no more than the last of them.
    strange = float(np.quantile(energies, STRANGE)) if len(energies) * STRANGE >= 1 else -np.inf
    found = [_look(frame, threshold, strange) for frame in frames]
    return sorted(found, key=lambda one: (-round(one.worth, 6), PurePath(one.path).as_posix()))


def _look(frame: Judged, threshold: float, strange: float) -> Look:
    found = [
        *_unsure(frame),
        *_disagreeing(frame),
        *_near_others(frame),
        *_unlike(frame, strange),
        *_unwritten(frame, threshold),
    ]
    left = float(np.prod([1 - worth for worth, _ in found])) if found else 1.0
    reasons = tuple(reason for _, reason in sorted(found, key=lambda one: -one[0]))
    return Look(path=frame.path, worth=1 - left, reasons=reasons)


def _unsure(frame: Judged) -> list[tuple[float, str]]:
    unsure = [
        (1 - one.confidence * one.found, f"{one.label} is unsure ({percent(one.confidence * one.found, 0)})")
        for one in frame.written
        if not one.accepted
    ]
    if unsure or not frame.written:
        return unsure
    # Of frames whose boxes are all sure, that with the least sure one comes first.
    least = min(one.confidence * one.found for one in frame.written)
    return [(0.1 * (1 - least), f"the least sure box has {percent(least, 0)}")]


def _disagreeing(frame: Judged) -> list[tuple[float, str]]:
    return [
        (_DISAGREE, f"{one.label} here, {sign} in the other frames of this sign")
        for one, sign in zip(frame.written, frame.signs, strict=False)
        if sign and sign != one.label
    ]


def _near_others(frame: Judged) -> list[tuple[float, str]]:
    if frame.marked is None:
        return []
    own = as_boxes([one.box for one in frame.written])
    theirs = [one for one in frame.marked if not one.ignore]
    shares = overlaps(own, as_boxes([one.box for one in frame.marked]))
    found: list[tuple[float, str]] = []
    for number, one in enumerate(frame.written):
        nearest = int(shares[number].argmax()) if frame.marked else -1
        share = float(shares[number, nearest]) if frame.marked else 0.0
        if share >= SAME:
            label = frame.marked[nearest].label
            if label and label != one.label and not frame.marked[nearest].ignore:
                found.append((_OTHERS, f"{one.label} where the set says {label}"))
        elif share >= NEAR:
            found.append((_OTHERS / 2, f"{one.label} beside a box of the set's"))
        elif theirs:
            found.append((_OTHERS / 2, f"{one.label} where the set has no box"))
    missed = [
        one
        for place, one in enumerate(frame.marked)
        if not one.ignore and not (len(own) and shares[:, place].max() >= SAME)
    ]
    if missed:
        found.append((_OTHERS, f"{plural(len(missed), 'box')} of the set's not found"))
    return found


def _unlike(frame: Judged, strange: float) -> list[tuple[float, str]]:
    return [
        (_UNLIKE, f"{one.label} is unlike what the model learned from")
        for one in frame.written
        if one.energy < strange
    ]


def _unwritten(frame: Judged, threshold: float) -> list[tuple[float, str]]:
    if not frame.maybe:
        return []
    best = max(frame.maybe, key=lambda one: one.found)
    worth = _MOST_OF_MAYBE * min(1.0, best.found / threshold)
    return [(worth, f"{plural(len(frame.maybe), 'box')} not written, which may be {best.label}")]
