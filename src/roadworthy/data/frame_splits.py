"""Which frames train, which validate and which test; frames of one film or nearly alike stay together.

A frame's split follows from the names of its set's frames and the seed alone: not from where the set lies,
the format that its pictures are saved in, or what it is mixed with.  Seed 0 cuts the project's own splits.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath

import numpy as np

from roadworthy.core.errors import ConfigError
from roadworthy.data.cache import load_pixels
from roadworthy.data.frames import Frame
from roadworthy.data.groups import join, near_pairs, perceptual_hashes
from roadworthy.data.looks import FLAT, THUMB, alike
from roadworthy.data.records import SPLITS, Record
from roadworthy.data.splits import AUTO_TEST, parse_fold, split_records

FrameSplits = dict[str, list[Frame]]


def split_frames(
    frames: Sequence[Frame],
    split: str = "auto",
    seed: int = 0,
    val_fraction: float = 0.1,
    *,
    cache_dir: Path | None = None,
) -> FrameSplits:
    """Frames by split, in their order; the rules are DataConfig's, for each source by itself.

    What is never cut apart: a sequence; frames that look alike, of those without one.  A set that names no
    splits is cut 0.7/0.1/0.2 by `auto`.
    cache_dir: for the small pictures that are compared; None for the usual one.
    """
    parts: FrameSplits = {name: [] for name in SPLITS}
    for source in sorted({frame.source for frame in frames}):
        own = [frame for frame in frames if frame.source == source]
        for name, chosen in _split_set(own, split, seed, val_fraction, cache_dir).items():
            parts[name] += chosen
    return parts


def with_splits(frames: Sequence[Frame], seed: int) -> list[Frame]:
    """The frames of one set, each with the split that `auto` gives it."""
    found = {id(frame): name for name, part in split_frames(frames, seed=seed).items() for frame in part}
    return [replace(frame, split=found[id(frame)]) for frame in frames]


def _split_set(
    frames: Sequence[Frame], split: str, seed: int, val_fraction: float, cache_dir: Path | None
) -> FrameSplits:
    own = {frame.split for frame in frames}
    settled = split == "auto" and "val" in own
    anew = split != "auto" and parse_fold(split) is None
    # Otherwise a test that a set names stays as it is.
    divided = [] if settled else [frame for frame in frames if anew or frame.split != "test"]
    units = dict(zip(map(id, divided), units_of(divided, cache_dir), strict=True))
    records = [
        Record(
            path=f"{number:09d}",  # keeps the order
            label="frame",  # whatever it shows: corrected labels must move no frame
            group=units.get(id(frame), f"{number}"),
            split=frame.split,
        )
        for number, frame in enumerate(frames)
    ]
    if split == "auto" and not own & {"val", "test"}:
        parts = _cut(records, seed, val_fraction)
    else:
        parts = split_records(records, split, "track", seed, val_fraction)
    return {name: [frames[int(record.path)] for record in part] for name, part in parts.items()}


def _cut(records: Sequence[Record], seed: int, val_fraction: float) -> dict[str, list[Record]]:
    """A set that names no splits: the test first, so that it is the same whatever is left to validate on."""
    if not 0 <= val_fraction < 1 - AUTO_TEST:
        raise ConfigError(
            f"data.val_fraction is {val_fraction:g}; it must be at least 0 and below {1 - AUTO_TEST:g}"
        )
    parts = split_records(records, f"{1 - AUTO_TEST}/0/{AUTO_TEST}", "track", seed)
    val = val_fraction / (1 - AUTO_TEST)
    return {**split_records(parts["train"], f"{1 - val}/{val}", "track", seed), "test": parts["test"]}


def units_of(frames: Sequence[Frame], cache_dir: Path | None = None) -> list[str]:
    """For each frame of one set what it must not be parted from: its sequence, or a frame that it is like."""
    names = _names(frames)
    lone = [number for number, frame in enumerate(frames) if not frame.sequence]
    likes = _likes([frames[number] for number in lone], cache_dir)
    units = [f"sequence {frame.sequence}" for frame in frames]
    for number, like in zip(lone, likes, strict=True):
        units[number] = f"frame {names[lone[like]]}"
    return units


def _names(frames: Sequence[Frame]) -> list[str]:
    """The frames' paths below the folder that holds them all, without their suffixes."""
    paths = [PurePath(os.path.abspath(frame.path)).with_suffix("") for frame in frames]  # noqa: PTH100 - no links followed
    above = os.path.commonpath([path.parent for path in paths]) if paths else ""
    return [path.relative_to(above).as_posix() for path in paths]


def _likes(frames: Sequence[Frame], cache_dir: Path | None) -> list[int]:
    """For each frame the first of those that look like it, directly or through others; mostly itself."""
    records = [Record(path=frame.path, label="", fault=frame.fault) for frame in frames]
    pixels = load_pixels(records, THUMB, cache_dir=cache_dir, skip_unreadable=True)
    shown = [
        int(i)
        for i, image in zip(pixels.kept, pixels.images, strict=True)
        if image.mean(axis=2).std() >= FLAT
    ]
    rows = {int(i): row for row, i in enumerate(pixels.kept)}
    thumbs = pixels.images[[rows[i] for i in shown]]
    pairs = near_pairs(perceptual_hashes(thumbs)) if shown else np.zeros((0, 2), dtype=np.int64)
    linked = [(shown[a], shown[b]) for a, b in pairs.tolist() if alike(thumbs[a], thumbs[b])]
    return [int(root) for root in join(len(frames), linked)]
