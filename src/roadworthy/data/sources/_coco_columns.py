"""A large COCO file read into columns: what every file of the usual kind is, and nothing else.

Whatever is unusual (ids that are texts, boxes that hold nothing, tracks, errors) is None here, and read entry
by entry instead, which says what is wrong and where.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from operator import attrgetter
from typing import Any

import numpy as np

from roadworthy.core.errors import LabelError
from roadworthy.data.marks import Columns, Marks

try:
    import msgspec
except ImportError:  # it is quicker and smaller, and no more
    msgspec = None  # type: ignore[assignment]

_PIECE = 4_000_000  # bytes of annotations that are objects at a time
_BETWEEN = re.compile(rb"\}\s*,\s*\{")  # two of them


def parsed(data: bytes) -> Any:
    """The tree of a usual file, its annotations as they stand there; None for any other."""
    if msgspec is None:
        return None
    try:
        return _decoder().decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


def _decoder() -> Any:
    fields = [("images", list[dict[str, Any]]), ("categories", list[dict[str, Any]])]
    later = [("annotations", msgspec.Raw)]
    films: list[Any] = [("videos", list[dict[str, Any]], msgspec.field(default_factory=list))]
    return msgspec.json.Decoder(msgspec.defstruct("Tree", [*fields, *later, *films]))


def _pieces(data: memoryview) -> Iterator[bytes]:
    """A list of objects as shorter lists; one cut in the middle of an object is no JSON, which is noticed."""
    start, whole = 1, len(data) - 1  # within the brackets
    while start < whole:
        found = _BETWEEN.search(data, start + _PIECE, whole)
        end = found.start() + 1 if found else whole
        yield b"[" + bytes(data[start:end]) + b"]"
        start = found.end() - 1 if found else end


def _columns(data: memoryview) -> tuple[np.ndarray[Any, Any], ...] | None:
    """Boxes, image ids, category ids and crowds of the annotations; None where any is unusual."""
    box = msgspec.defstruct(
        "Box",
        [
            ("image_id", int),
            ("category_id", int),
            ("bbox", tuple[float, float, float, float]),
            ("iscrowd", int, 0),
            ("ignore", int, 0),
            ("track_id", int | str | None, None),
        ],
        gc=False,
    )
    decoder = msgspec.json.Decoder(list[box])  # type: ignore[valid-type]
    parts = []
    for piece in _pieces(data):
        try:
            found: list[Any] = decoder.decode(piece)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return None
        n = len(found)
        if any(map(attrgetter("track_id"), found)):
            return None
        corners = chain.from_iterable(map(attrgetter("bbox"), found))
        parts.append(
            (
                np.fromiter(corners, np.float64, 4 * n).reshape(-1, 4),
                np.fromiter(map(attrgetter("image_id"), found), np.int64, n),
                np.fromiter(map(attrgetter("category_id"), found), np.int64, n),
                np.fromiter(map(attrgetter("iscrowd"), found), np.int64, n)
                + np.fromiter(map(attrgetter("ignore"), found), np.int64, n),
            )
        )
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True)) if parts else None


def columns_of(
    annotations: Any,
    images: Sequence[Any],
    names: Mapping[Any, str],
    read: Callable[[str, int], str | None],
) -> list[Marks] | None:
    """What is marked in each of `images`, or None where anything is unusual.

    annotations: as `parsed` gives them.  images: their ids.  names: of the categories by id.
    read: the class that a name means, and how often it stands there; as SignWords has it.
    """
    if any(not isinstance(one, int) for one in (*images, *names)) or not images:
        return None
    collecting = gc.isenabled()
    gc.disable()  # it would look through millions of boxes again and again
    try:
        found = _columns(memoryview(annotations))
    finally:
        if collecting:
            gc.enable()
    if found is None:
        return None
    numbers, image_ids, category_ids, crowd = found
    if not np.isfinite(numbers).all() or (numbers[:, 2:] <= 1e-6).any():
        return None
    numbers[:, 2:] += numbers[:, :2]
    image, category = _places(image_ids, images), _places(category_ids, list(names))
    if image is None or category is None:
        return None
    counts = np.bincount(category, minlength=len(names)).tolist()
    try:
        pairs = zip(names.values(), counts, strict=True)
        labels = [read(name, count) if count else "" for name, count in pairs]
    except LabelError:
        return None
    signs = np.array([label is not None for label in labels])[category]
    order = np.flatnonzero(signs)[np.argsort(image[signs], kind="stable")]
    columns = Columns(
        boxes=np.round(numbers[order], 6),
        labels=category[order].astype(np.int32),
        ignore=crowd[order] > 0,
        names=[label or "" for label in labels],
    )
    ends = np.searchsorted(image[order], np.arange(len(images) + 1)).tolist()
    return [Marks(columns, start, stop) for start, stop in pairwise(ends)]


def _places(values: np.ndarray[Any, Any], known: Sequence[int]) -> np.ndarray[Any, Any] | None:
    """Where each value stands in `known`; None where one does not."""
    ids = np.array(known, dtype=np.int64)
    order = np.argsort(ids, kind="stable")
    at = np.searchsorted(ids[order], values).clip(max=len(ids) - 1)
    return order[at] if (ids[order][at] == values).all() else None
