"""A film watched: frame by frame to trails, in constant memory, as fast as frames are looked at."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from roadworthy.core.arrays import ByteArray
from roadworthy.drive.film.shots import Shot
from roadworthy.drive.look import View
from roadworthy.drive.output.crops import crop_jpeg
from roadworthy.drive.seen import Trail
from roadworthy.drive.tracking.tracker import Tracker

_AHEAD = 3  # frames that are decoded before they are asked for


@dataclass(eq=False)
class Watched:
    """What has been seen of a drive so far.

    trails: those that have ended.  shifts: of each frame's index, how far the camera's turning has moved it.
    change: (seconds, how much the picture changed) of each frame.  pictures: of each trail, by its number,
    the JPEG of the frame that shows it best.  frames: looked at.  until_s: time of the latest.
    """

    tracker: Tracker
    trails: list[Trail] = field(default_factory=list)
    shifts: dict[int, tuple[float, float]] = field(default_factory=dict)
    change: list[tuple[float, float]] = field(default_factory=list)
    pictures: dict[int, bytes] = field(default_factory=dict)
    frames: int = 0
    until_s: float = 0.0
    _worth: dict[int, float] = field(default_factory=dict)  # of each trail's picture

    def add(self, view: View, image: ByteArray | None = None) -> list[Trail]:
        """One frame more, and the trails that ended with it.  image: of the frame, for pictures of signs."""
        ended = self.tracker.update(view.time_s, view.signs, view.shift)
        self.trails += ended
        if view.signs:  # of frames without signs nobody asks
            self.shifts[view.frame] = view.shift
        self.change.append((view.time_s, view.change))
        self.frames += 1
        self.until_s = view.time_s
        if image is not None:
            self._keep_pictures(view.frame, image)
        return ended

    def finish(self) -> list[Trail]:
        """All trails; the film is over."""
        self.trails += self.tracker.finish()
        return self.trails

    def _keep_pictures(self, frame: int, image: ByteArray) -> None:
        for number, last in self.tracker.latest():
            worth = last.height_px * max(last.sharpness, 0.05)
            if last.frame == frame and worth > self._worth.get(number, 0.0):
                self._worth[number] = worth
                self.pictures[number] = crop_jpeg(image, last.box)


def ahead(shots: Iterable[Shot]) -> Iterator[Shot]:
    """The same frames, a few of them decoded in a thread of their own while the last is looked at."""
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

    thread = threading.Thread(target=decode, name="decode", daemon=True)
    thread.start()
    try:
        while (item := waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        over.set()
        thread.join()
