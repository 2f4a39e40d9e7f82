"""A film watched: frame by frame to trails, in constant memory, as fast as frames are looked at."""

from __future__ import annotations

import contextvars
import math
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from roadworthy.core.arrays import ByteArray, FloatArray
from roadworthy.drive.film.shots import Shot
from roadworthy.drive.look import View
from roadworthy.drive.output.crops import crop_jpeg
from roadworthy.drive.seen import AT_LEAST, Trail
from roadworthy.drive.tracking.tracker import Tracker

_AHEAD = 3  # frames that are decoded before they are asked for
_LONGEST_S = 1_000_000  # of a film, in whose seconds motion is looked for
_ASKED_S = 0.1  # how often whoever waits for a frame asks whether to go on waiting


@dataclass(eq=False)
class Watched:
    """What has been seen of a drive so far: what grows with the signs passed, and little else.

    trails: those that have ended, but for what showed in too few frames to be a sign.  pictures: of each
    trail, by its number, the JPEG of a frame that shows it best.  frames: looked at.  until_s: time of the
    latest.  lost: frames before it that could not be decoded.
    """

    tracker: Tracker
    trails: list[Trail] = field(default_factory=list)
    pictures: dict[int, bytes] = field(default_factory=dict)
    frames: int = 0
    until_s: float = 0.0
    lost: int = 0
    _change: dict[int, list[float]] = field(default_factory=dict)
    _worth: dict[int, float] = field(default_factory=dict)  # of each trail's picture

    def add(self, view: View, image: ByteArray | None = None) -> list[Trail]:
        """One frame more, and the trails that ended with it.  image: of the frame, for pictures of signs."""
        ended = self._kept(self.tracker.update(view.time_s, view.signs, view.shift))
        change = self._change.setdefault(math.floor(view.time_s), [0.0, 0.0])
        change[0] += view.change
        change[1] += 1
        self.frames += 1
        self.until_s, self.lost = view.time_s, view.lost
        if image is not None:
            self._keep_pictures(view.frame, image)
        return ended

    def finish(self) -> list[Trail]:
        """All trails; the film is over."""
        self._kept(self.tracker.finish())
        return self.trails

    def forget(self) -> None:
        """Drop what has ended: of a drive without end nobody asks for it again."""
        self.trails.clear()
        self._change.clear()

    def change_by_second(self) -> FloatArray:
        """The mean change of the picture in each second of the film from its zero; nan where no frame was."""
        seconds = [second for second in self._change if 0 <= second < _LONGEST_S]
        means = np.full(max(seconds, default=-1) + 1, np.nan)
        for second in seconds:
            total, frames = self._change[second]
            means[second] = total / frames
        return means

    def _kept(self, ended: Sequence[Trail]) -> list[Trail]:
        """Those of the trails that may be signs; of the others nothing stays."""
        kept = [trail for trail in ended if len(trail.seen) >= AT_LEAST]
        self.trails += kept
        for trail in ended:
            self._worth.pop(trail.number, None)
            if len(trail.seen) < AT_LEAST:
                self.pictures.pop(trail.number, None)
        return kept

    def _keep_pictures(self, frame: int, image: ByteArray) -> None:
        for number, last in self.tracker.latest():
            worth = last.height_px * max(last.sharpness, 0.05)
            if last.frame == frame and worth > self._worth.get(number, 0.0):
                self._worth[number] = worth
                self.pictures[number] = crop_jpeg(image, last.box)


def ahead(shots: Iterable[Shot], stop: Callable[[], bool] = lambda: False) -> Iterator[Shot]:
    """The same frames, a few of them decoded in a thread of their own while the last is looked at.

    stop: ends them before the next, also while a camera is silent.
    """
    waiting: queue.Queue[Shot | BaseException | None] = queue.Queue(_AHEAD)
    over = threading.Event()

    def put(item: Shot | BaseException | None) -> bool:
        while not over.is_set():
            try:
                waiting.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def decode() -> None:
        try:
            for shot in shots:
                if not put(shot):
                    return
            put(None)
        except BaseException as error:
            put(error)

    # What the film has to say while it is read is for those who listen here.
    inside = contextvars.copy_context()
    thread = threading.Thread(target=inside.run, args=(decode,), name="decode", daemon=True)
    thread.start()
    try:
        while not stop():
            try:
                item = waiting.get(timeout=_ASKED_S)
            except queue.Empty:
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        over.set()
        thread.join()
