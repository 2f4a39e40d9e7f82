"""From a data spec to frames for training, validation and test, decoded once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from roadworthy.config import DataConfig
from roadworthy.core.arrays import ByteArray
from roadworthy.core.errors import DataError
from roadworthy.core.notes import say
from roadworthy.core.words import plural
from roadworthy.data.frame_pixels import load_frames
from roadworthy.data.frame_specs import read_frames
from roadworthy.data.frame_splits import split_frames
from roadworthy.data.frames import Decoded, Frame
from roadworthy.data.open import of_split
from roadworthy.data.spec import parse_spec


@dataclass(frozen=True)
class _Subset:
    """Some frames of others."""

    all: Decoded
    indices: Sequence[int]

    def frame(self, index: int) -> ByteArray:
        return self.all.frame(self.indices[index])


@dataclass(frozen=True, kw_only=True)
class FrameSet:
    """Frames of one split, and their pixels in the same order."""

    frames: Sequence[Frame]
    pixels: Decoded

    def subset(self, indices: Sequence[int]) -> FrameSet:
        """The frames at `indices`, in that order."""
        return FrameSet(frames=[self.frames[i] for i in indices], pixels=_Subset(self.pixels, indices))

    def picture(self, path: str) -> ByteArray:
        """(H, W, 3) uint8 RGB of the frame at a path."""
        numbers = {frame.path: number for number, frame in enumerate(self.frames)}
        return self.pixels.frame(numbers[path])

    @property
    def signs(self) -> int:
        """How many are to be found."""
        return sum(len(frame.wanted) for frame in self.frames)


@dataclass(frozen=True, kw_only=True)
class FrameSplits:
    """Frames for training, validation and test; the last two may be empty.

    shares: of each source of the data spec in training; None for as it comes.
    """

    spec: str
    train: FrameSet
    val: FrameSet
    test: FrameSet
    shares: Sequence[float | None]

    def parts(self) -> dict[str, FrameSet]:
        """The three by name, in order."""
        return {"train": self.train, "val": self.val, "test": self.test}

    def about(self) -> dict[str, Any]:
        """What data.json tells of them."""
        return {
            "spec": self.spec,
            "frames": {name: len(part.frames) for name, part in self.parts().items()},
            "signs": {name: part.signs for name, part in self.parts().items()},
        }

    def said(self) -> str:
        """The same in a sentence."""
        parts = [
            f"{name} {plural(len(part.frames), 'frame')} with {plural(part.signs, 'sign')}"
            for name, part in self.parts().items()
        ]
        return "; ".join(parts)


def open_split(
    data: DataConfig, split: str, *, progress: Callable[[int, int], None] | None = None
) -> FrameSet:
    """The frames of one split to measure on; all of a source without splits.

    A validation split that a set does not name is the one that training would set aside.
    """
    frames = read_frames(data.spec, data.labels)
    named = {frame.split for frame in frames}
    if split == "val" and split not in named and named != {""}:
        own = split_frames(frames, data.split, data.split_seed, data.val_fraction)[split]
    else:
        own = of_split(frames, split, data.spec)
    return _decoded(own, data, progress)


def open_own_split(
    data: DataConfig, split: str, *, progress: Callable[[int, int], None] | None = None
) -> FrameSet:
    """The frames of one split as a training with these settings divides them.

    DataError where it leaves none to that split.
    """
    frames = read_frames(data.spec, data.labels)
    own = split_frames(frames, data.split, data.split_seed, data.val_fraction)[split]
    if not own:
        raise DataError(f"a training with {data.spec} leaves no frames for {split}; measure another split")
    return _decoded(own, data, progress)


def open_frames(
    data: DataConfig, *, with_test: bool = True, progress: Callable[[int, int], None] | None = None
) -> FrameSplits:
    """Read, split and decode the frames that `data` asks for.

    with_test: without, the test split stays closed: no frame of it is decoded, and it comes back empty.
    Raises DataError where there are none to train on.
    """
    frames = read_frames(data.spec, data.labels)
    parts = split_frames(frames, data.split, data.split_seed, data.val_fraction)
    if not parts["train"]:
        raise DataError(f"{data.spec} holds {plural(len(frames), 'frame')}, and none is for training")
    if not with_test:
        parts["test"] = []
    sets = {name: _decoded(own, data, progress) for name, own in parts.items()}
    return FrameSplits(spec=data.spec, shares=[part.share for part in parse_spec(data.spec)], **sets)


def _decoded(
    frames: Sequence[Frame], data: DataConfig, progress: Callable[[int, int], None] | None
) -> FrameSet:
    loaded = load_frames(
        frames, max_pixels=data.max_pixels, skip_unreadable=data.skip_unreadable, progress=progress
    )
    if loaded.failures:
        (path, reason), n = loaded.failures[0], len(loaded.failures)
        say(f"{plural(n, 'frame')} that cannot be read are left out, first: {path} {reason}")
    return FrameSet(frames=loaded.frames, pixels=loaded)
