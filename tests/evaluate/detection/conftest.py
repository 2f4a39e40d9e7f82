"""Made-up frames: by hand, and random ones in which most things are found."""

from __future__ import annotations

from typing import Any

import numpy as np

from roadworthy.core.finder_predictions import FinderPredictions, FrameResult

CLASSES = ("stop", "speed-60", "no-entry")


def frame(path: str, found: list[tuple[float, ...]] | None = None, **others: Any) -> FrameResult:
    """A frame whose found boxes are (x1, y1, x2, y2, score), as wanted ones are (x1, y1, x2, y2)."""
    rows = np.array(found or [], np.float64).reshape(-1, 5)
    for name in ("wanted", "ignore"):
        others[name] = np.array(others.get(name, []), np.float64).reshape(-1, 4)
    others.setdefault("labels", ("",) * len(others["wanted"]))
    return FrameResult(path=path, boxes=rows[:, :4], scores=rows[:, 4], **others)


def random_frames(
    seed: int, frames: int = 12, *, read: bool = False, ties: bool = False
) -> FinderPredictions:
    """Signs of all sizes, most of them found, some twice or loosely; false alarms; ignored regions."""
    rng = np.random.default_rng(seed)
    made = []
    scores = iter(rng.permutation(10_000) / 10_000)  # no two the same
    for number in range(frames):
        wanted = _boxes(rng, rng.integers(0, 5))
        ignore = _boxes(rng, rng.integers(0, 3), largest=120)
        near = [_moved(rng, box) for box in wanted for _ in range(rng.integers(0, 3))]
        inside = [_moved(rng, box) for box in ignore if rng.random() < 0.7]
        boxes = np.concatenate([*near, *inside, _boxes(rng, rng.integers(0, 4)), np.zeros((0, 4))])
        given = np.array([next(scores) for _ in boxes])
        if ties:
            given = np.round(given, 1)
        labels = tuple(rng.choice([*CLASSES, ""], len(wanted)).tolist())
        answers = {
            "predicted": tuple(rng.choice([*CLASSES, "no-sign"], len(boxes)).tolist()),
            "confidence": rng.uniform(0, 1, len(boxes)),
            "accepted": rng.random(len(boxes)) < 0.7,
        }
        made.append(
            FrameResult(
                path=f"{number:05d}.png",
                boxes=boxes,
                scores=given,
                wanted=wanted,
                labels=labels,
                ignore=ignore,
                ms=float(rng.uniform(20, 40)),
                **(answers if read else {}),
            )
        )
    return FinderPredictions(frames=tuple(made))


def _boxes(rng: np.random.Generator, n: int, largest: float = 60) -> np.ndarray:
    corner, sides = rng.uniform(0, 400, (n, 2)), rng.uniform(6, largest, (n, 2))
    return np.concatenate([corner, corner + sides], axis=1)


def _moved(rng: np.random.Generator, box: np.ndarray) -> np.ndarray:
    """About the same box, from nearly exact to far too loose."""
    width, height = box[2:] - box[:2]
    near = box + rng.normal(0, rng.choice([0.02, 0.1, 0.25]), 4) * [width, height, width, height]
    return np.concatenate([near[:2], np.maximum(near[2:], near[:2] + 1)])[None]
