"""What one frame of a drive shows: its signs, each read, and how the camera moved since the frame before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.drive.film.shots import Shot
from roadworthy.drive.seen import Seen
from roadworthy.drive.tracking.camera import CameraMotion
from roadworthy.inference.answer_rule import Found
from roadworthy.inference.finder import Finder
from roadworthy.inference.found import cut_out, find_signs
from roadworthy.inference.network import Network

WIDER = 0.3  # room around a box, of its sides, that its sign is read with as well (docs/log.md)


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """A frame as the rest of a drive needs it.

    frame, time_s: of its shot.  signs: surest first.  shift: how far what is far away has moved, in pixels
    right and down since the first frame.  change: mean difference of grey levels from the frame before, in
    [0, 1], which rises with the car's speed.  lost: frames before it that could not be decoded.
    """

    frame: int
    time_s: float
    signs: tuple[Seen, ...]
    shift: tuple[float, float] = (0.0, 0.0)
    change: float = 0.0
    lost: int = 0


class Looker:
    """Looks at frames in the order of the film.

    finder, reader: what says where signs are, and which.  least_px: side of the smallest sign looked for.
    threshold: the least score of a box, the finder's own without one.  One frame alone proves little, so a
    drive may take more boxes than a single picture.
    """

    def __init__(
        self,
        finder: Finder,
        reader: Network,
        *,
        threshold: float | None = None,
        least_px: float | None = None,
    ) -> None:
        self._finder, self._reader, self._least_px = finder, reader, least_px
        self._threshold = finder.rule.threshold if threshold is None else threshold
        self._motion = CameraMotion()

    def begin_after(self, shot: Shot, view: View) -> None:
        """Go on after a frame that was looked at before, from what was seen in it."""
        self._motion.update(shot.image, [one.box for one in view.signs])
        self._motion.shift = view.shift

    def look(self, shot: Shot) -> View:
        """The signs in a frame, and how the picture moved."""
        found = find_signs(
            shot.image, self._finder, self._reader, threshold=self._threshold, least_px=self._least_px
        )
        shift = self._motion.update(shot.image, [one.box for one in found])
        boxes = [one.box for one in found]
        crops = cut_out(shot.image, self._reader.spec, boxes)
        signs = tuple(
            Seen(
                frame=shot.index,
                time_s=shot.time_s,
                box=one.box,
                logits=logits,
                score=1.0 if one.score is None else one.score,
                sharpness=sharpness(crop),
            )
            for one, crop, logits in zip(found, crops, self._read_again(shot, found), strict=True)
        )
        return View(
            frame=shot.index,
            time_s=shot.time_s,
            signs=signs,
            shift=shift,
            change=self._motion.change,
            lost=shot.lost,
        )

    def _read_again(self, shot: Shot, found: Sequence[Found]) -> Sequence[FloatArray]:
        """(C,) logits of each, read in a wider frame as well: the mean of both."""
        if not found:
            return []
        wider = self._reader.logits(
            cut_out(shot.image, self._reader.spec, [one.box for one in found], room=WIDER)
        )
        return [(one.logits + also) / 2 for one, also in zip(found, wider, strict=True)]


def sharpness(image: ByteArray) -> float:
    """How sharp an (H, W, 3) picture is: deviation of its Laplacian by that of its levels; 0 for a plain one.

    Of pictures of one size.
    """
    grey = image.astype(np.float32).mean(axis=2)
    bends = 4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    spread = float(grey.std())
    return float(bends.std()) / spread if spread > 1 else 0.0


def log_probabilities_of(seen: Sequence[Seen], temperature: float) -> FloatArray:
    """(F, C) of boxes' classes."""
    scaled = np.stack([one.logits for one in seen]).astype(np.float64) / temperature
    return np.asarray(scaled - np.logaddexp.reduce(scaled, axis=1, keepdims=True))
