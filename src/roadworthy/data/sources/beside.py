"""What lies beside the signs of frames: `beside:gtsdb`, `beside:voc:DIR`, squares of the class no-sign.

    n=4000       squares in all, spread evenly over the frames for training
    seed=7       which ones
    least=16     pixels along the smallest square; the largest is a quarter of the frame's height
    most=0.25    or another share of it
    hard=0.3     share that lies about what a finder took for a sign and a person found to be none, by the
                 project's table of them (data/corrected/taken_for_signs); the rest lies anywhere
    corrections=FILE   as the set takes them: a sign that they add is kept clear of, too

No square touches a box, wanted or not.  A set that leaves kinds of signs unmarked has a few of them here too:
GTSDB's frames are best.  Only frames for training are used, so the others can still measure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from roadworthy.core.arrays import Box
from roadworthy.core.errors import ConfigError, DataError
from roadworthy.data.frames import Frame
from roadworthy.data.records import Record
from roadworthy.data.sources import FRAME_SOURCES, SOURCES
from roadworthy.data.sources._shared import refuse_unknown_options
from roadworthy.data.tables import read_table
from roadworthy.signs.catalogue import NO_SIGN

TERMS = "as the frames that they are cut from"
_OPTIONS = ("n", "seed", "least", "most", "hard", "corrections")
_TABLES = Path(__file__).parents[1] / "corrected" / "taken_for_signs"
_LOOSE, _ASIDE = (0.9, 2.0), 0.25  # sides of a square about a thing, as parts of it; how far aside it may lie
_BOX = ("x1", "y1", "x2", "y2")
_TRIES = 20  # places for a square, before a frame is taken to be full of signs
_AROUND = 0.15  # of a box's sides stay clear on each side of it


@SOURCES.register("beside")
def read(place: Path, options: Mapping[str, str], labels: str) -> list[Record]:
    """Squares beside the signs of frames, which show none: gtsdb, or voc:DIR."""
    refuse_unknown_options("beside", options, _OPTIONS)
    n, seed = _whole(options, "n", 4000), _whole(options, "seed", 0)
    least, most = float(_whole(options, "least", 16)), _share(options, "most", 0.25)
    name, frames = _frames(str(place), options, labels)
    hard = round(n * _share(options, "hard")) if "hard" in options else 0
    things = _taken_for_signs(name, frames) if hard else []
    records = []
    for number in range(hard):
        frame, thing = things[number % len(things)]
        rng = np.random.default_rng([seed, 1, number])
        records += _beside(frame, partial(_about, rng, thing, *_size(frame.path)))
    for index, frame in enumerate(frames):
        rng = np.random.default_rng([seed, 0, index])
        width, height = _size(frame.path)
        draw = partial(_square, rng, width, height, least, max(least, most * height))
        for _ in range((n - hard) // len(frames) + (index < (n - hard) % len(frames))):
            records += _beside(frame, draw)
    return records


def _beside(frame: Frame, draw: Callable[[], Box]) -> list[Record]:
    """The first square drawn that meets no sign of the frame; none where there is no room."""
    boxes = [_grown(one.box) for one in frame.annotations]
    clear = (box for box in (draw() for _ in range(_TRIES)) if not _meets(box, boxes))
    return [_record(frame, box) for box in islice(clear, 1)]


def _frames(place: str, options: Mapping[str, str], labels: str) -> tuple[str, list[Frame]]:
    """The set that a place names, `gtsdb` or `gtsdb:DIR`, and its frames for training."""
    # The specs' module reads every source, this one too.
    from roadworthy.data.spec import locate, parse_spec

    name, colon, folder = place.partition(":")
    if name not in FRAME_SOURCES.names():
        raise ConfigError(
            f"beside:{place} must name a set of frames with boxes, like beside:gtsdb or beside:voc:DIR; "
            f"known: {', '.join(FRAME_SOURCES.names())}"
        )
    (part,) = parse_spec(f"{name}:{folder}" if colon else f"{name}:")
    passed = {key: value for key, value in options.items() if key == "corrections"}
    found = FRAME_SOURCES.get(name)(locate(part), passed, labels)
    training = [frame for frame in found if frame.split in ("", "train") and not frame.fault]
    if not training:
        raise DataError(f"beside:{place} has no frames for training; name a set that has")
    return name, training


def _taken_for_signs(name: str, frames: Sequence[Frame]) -> list[tuple[Frame, Box]]:
    """What the project's table of a set names, each with its frame."""
    path = _TABLES / f"{name}.csv"
    if not path.is_file():
        known = ", ".join(sorted(table.stem for table in _TABLES.glob("*.csv")))
        raise ConfigError(f"beside: hard= needs a table; there is none of {name}; there is one of {known}")
    by_stem = {Path(frame.path).stem: frame for frame in frames}
    _, rows = read_table(path)
    found = []
    for row in rows:
        frame, box = by_stem.get(Path(row.text("path")).stem), row.box(_BOX, inclusive=False)
        if frame is not None and box is not None:  # a part of the set is one, too
            found.append((frame, box))
    return found


def _size(path: str) -> tuple[int, int]:
    from PIL import Image

    with Image.open(path) as image:
        return image.size


def _square(rng: np.random.Generator, width: int, height: int, least: float, most: float) -> Box:
    """A square anywhere in a frame; its side is even in its logarithm."""
    side = min(math.exp(rng.uniform(math.log(least), math.log(most))), width, height)
    x, y = rng.uniform(0, width - side), rng.uniform(0, height - side)
    return x, y, x + side, y + side


def _about(rng: np.random.Generator, thing: Box, width: int, height: int) -> Box:
    """A square that shows a thing, now loosely, now a little aside, within the frame."""
    wide, high = thing[2] - thing[0], thing[3] - thing[1]
    side = min(
        max(wide, high) * math.exp(rng.uniform(math.log(_LOOSE[0]), math.log(_LOOSE[1]))), width, height
    )
    aside = rng.uniform(-_ASIDE, _ASIDE, 2) * side
    x = float(np.clip((thing[0] + thing[2] - side) / 2 + aside[0], 0, width - side))
    y = float(np.clip((thing[1] + thing[3] - side) / 2 + aside[1], 0, height - side))
    return x, y, x + side, y + side


def _grown(box: Box) -> Box:
    across, down = _AROUND * (box[2] - box[0]), _AROUND * (box[3] - box[1])
    return box[0] - across, box[1] - down, box[2] + across, box[3] + down


def _meets(box: Box, others: list[Box]) -> bool:
    return any(
        box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
        for other in others
    )


def _record(frame: Frame, box: Box) -> Record:
    whole = (math.floor(box[0]), math.floor(box[1]), math.ceil(box[2]), math.ceil(box[3]))
    return Record(
        path=frame.path,
        label=NO_SIGN,
        group=f"{frame.path}#beside",  # squares of one frame may overlap, so no split cuts them apart
        split="train",
        box=whole,
        in_frame=True,
    )


def _whole(options: Mapping[str, str], name: str, default: int) -> int:
    text = options.get(name, str(default))
    if not text.isdecimal() or len(text) > 9 or (name != "seed" and int(text) < 1):
        raise ConfigError(f"beside: got {name}={text!r}; it must be a whole number from 1 on")
    return int(text)


def _share(options: Mapping[str, str], name: str, default: float = 0.0) -> float:
    text = options.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= 1:
        raise ConfigError(f"beside: got {name}={text!r}; it must be a share above 0, at most 1")
    return value
