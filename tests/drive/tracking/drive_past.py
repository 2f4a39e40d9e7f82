"""Signs that a simulated car drives past, as boxes in its camera's frames; the truth for trackers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from roadworthy.drive.seen import Seen

WIDTH, HEIGHT, FOCAL = 1280, 720, 1000.0
CLASSES = 5
LEAST_PX = 12  # height of the smallest sign that is seen
SWAY_S = 3.0  # in which a road winds once to either side

Frame = tuple[float, list[tuple[int, Seen]], tuple[float, float]]
"""Time, (which sign, box) of all that is seen, and the shift of what is far away."""


@dataclass(frozen=True)
class Sign:
    """At so many metres right of the camera's way, above it, and ahead at the start."""

    right: float
    up: float
    ahead: float
    sign: int = 0
    size: float = 0.75
    speed: float = 0.0  # of its own, as on a bus


def boxes(
    signs: Sequence[Sign],
    *,
    speed: float,
    fps: float,
    seconds: float,
    noise: float = 0.0,
    yaw_rate: float = 0.0,
    sway: float = 0.0,
    missed: float = 0.0,
    seed: int = 0,
) -> list[Frame]:
    """The frames of a drive past signs; those are seen that are high enough and wholly in the picture.

    speed: metres a second.  noise: px, one standard deviation of each edge.  missed: share of boxes.
    yaw_rate: radians a second, by which the camera turns; sway: radians to either side along a winding road.
    """
    random = np.random.default_rng(seed)
    frames = []
    for index in range(round(seconds * fps)):
        time_s = index / fps
        yaw = yaw_rate * time_s + sway * np.sin(2 * np.pi * time_s / SWAY_S)
        shift = -FOCAL * np.tan(yaw)
        shown = []
        for number, sign in enumerate(signs):
            depth = sign.ahead - (speed - sign.speed) * time_s
            if depth < 1 or random.random() < missed:
                continue
            high = FOCAL * sign.size / depth
            x = WIDTH / 2 + shift + FOCAL * sign.right / depth
            y = HEIGHT / 2 - FOCAL * sign.up / depth
            box = np.array([x - high / 2, y - high / 2, x + high / 2, y + high / 2])
            if high < LEAST_PX or box.min() < 0 or box[2] > WIDTH or box[3] > HEIGHT:
                continue
            box = box + random.normal(0, noise, 4)
            shown.append((number, seen(index, time_s, box, sign.sign)))
        random.shuffle(shown)
        frames.append((time_s, shown, (float(shift), 0.0)))
    return frames


def seen(frame: int, time_s: float, box: Sequence[float], sign: int = 0) -> Seen:
    """One box, read as that class."""
    logits = np.zeros(CLASSES, np.float32)
    logits[sign] = 6
    x1, y1, x2, y2 = (float(edge) for edge in box)
    return Seen(frame=frame, time_s=time_s, box=(x1, y1, x2, y2), logits=logits, score=0.9)
