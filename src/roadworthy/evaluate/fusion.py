"""Several frames of one physical sign answered for together.  numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.core.errors import ShapeError
from roadworthy.data.dataset import Dataset
from roadworthy.inference.confidence import fuse_frames

SINGLE, VOTES, AVERAGE, TOGETHER = "single", "most frequent answer", "mean probability", "fused evidence"
WORTHS = np.linspace(0.0, 1.0, 21)


@dataclass(frozen=True, kw_only=True)
class Track:
    """One sign: its name, its class, and the rows of its frames, in the order in which they were taken."""

    name: str
    target: int
    rows: IntArray

    def spread(self, count: int) -> Track:
        """The same sign by `count` of its frames, evenly spread; by all where it has no more."""
        if count < 1:
            raise ValueError(f"{count} frames were asked for; a sign needs at least one")
        if count >= len(self.rows):
            return self
        places = (np.arange(count) + 0.5) * len(self.rows) / count
        return Track(name=self.name, target=self.target, rows=self.rows[places.astype(np.int64)])


def tracks(data: Dataset) -> list[Track]:
    """The signs of a set, by name; a picture whose sign is not known is one of its own."""
    rows: dict[str, list[int]] = {}
    for row, record in enumerate(data.records):
        rows.setdefault(record.group or record.path, []).append(row)
    found = []
    for name, own in sorted(rows.items()):
        ordered = sorted(own, key=lambda row: data.records[row].path)
        target = int(data.targets[own[0]])
        if (data.targets[own] != target).any():
            raise ShapeError(f"the frames of {name} have labels of several classes; a sign has one")
        found.append(Track(name=name, target=target, rows=np.array(ordered)))
    return found


def fused(log_probs_NC: FloatArray, of: Sequence[Track], independence: float) -> FloatArray:
    """(T, C) log-probabilities of T signs by all their frames, as scores.fuse_frames puts them together."""
    return np.stack([fuse_frames(log_probs_NC[track.rows], independence) for track in of])


def choose_independence(sets: Sequence[FloatArray], of: Sequence[Track]) -> float:
    """What a further frame is worth: the value in [0, 1] that makes the right answers likeliest.

    sets: (N, C) log-probabilities each, of the same frames seen in several conditions.
    Answers do not depend on it, only how sure they are: frames of one sign share weather, light and damage.
    """
    targets = np.array([track.target for track in of])
    rows = np.arange(len(of))
    losses = [
        -np.mean([fused(log_probs, of, worth)[rows, targets] for log_probs in sets]) for worth in WORTHS
    ]
    return float(WORTHS[int(np.argmin(losses))])


def error_of_frames(log_probs_NC: FloatArray, of: Sequence[Track]) -> dict[str, list[float]]:
    """Of each sign and way to answer: the share of its frames that are wrong, or whether all together are."""
    answers = log_probs_NC.argmax(axis=1)
    classes = log_probs_NC.shape[1]
    found: dict[str, list[float]] = {name: [] for name in (SINGLE, VOTES, AVERAGE, TOGETHER)}
    for track in of:
        frames = log_probs_NC[track.rows]
        votes = np.bincount(answers[track.rows], minlength=classes).argmax()
        found[SINGLE].append(float((answers[track.rows] != track.target).mean()))
        found[VOTES].append(float(votes != track.target))
        found[AVERAGE].append(float(np.exp(frames).mean(axis=0).argmax() != track.target))
        found[TOGETHER].append(float(fuse_frames(frames).argmax() != track.target))
    return found
