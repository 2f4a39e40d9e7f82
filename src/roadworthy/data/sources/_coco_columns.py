"""A large COCO file read into columns: what every file of the usual kind is, and nothing else.

Whatever is unusual (ids that are texts, boxes that hold nothing, tracks, errors) is None here, and read entry
by entry instead, which says what is wrong and where.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain, pairwise
from typing import Any

import numpy as np

from roadworthy.core.errors import LabelError
from roadworthy.data.marks import Columns, Marks

try:
    import msgspec
except ImportError:  # it is quicker and smaller, and no more
    msgspec = None  # type: ignore[assignment]


def parsed(data: bytes) -> Any:
    """The tree of a usual file, its annotations as records; None for any other."""
    if msgspec is None:
        return None
    try:
        return _decoder().decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


def _decoder() -> Any:
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
    tree = msgspec.defstruct(
        "Tree",
        [
            ("images", list[dict[str, Any]]),
            ("categories", list[dict[str, Any]]),
            ("annotations", list[box]),  # type: ignore[valid-type]
            ("videos", list[dict[str, Any]], msgspec.field(default_factory=list)),
        ],
    )
    return msgspec.json.Decoder(tree)


def columns_of(
    found: Sequence[Any],
    images: Sequence[Any],
    names: Mapping[Any, str],
    read: Callable[[str, int], str | None],
) -> list[Marks] | None:
    """What is marked in each of `images`, or None where anything is unusual.

    images: their ids.  names: of the categories by id.
    read: the class that a name means, and how often it stands there; as SignWords has it.
    """
    if any(not isinstance(one, int) for one in (*images, *names)) or not found or not images:
        return None
    if any(one.track_id is not None for one in found):
        return None
    n = len(found)
    numbers = np.fromiter(chain.from_iterable(one.bbox for one in found), np.float64, 4 * n).reshape(-1, 4)
    if not np.isfinite(numbers).all() or (numbers[:, 2:] <= 1e-6).any():
        return None
    corners = np.round(np.concatenate([numbers[:, :2], numbers[:, :2] + numbers[:, 2:]], axis=1), 6)
    image = _places(np.fromiter((one.image_id for one in found), np.int64, n), images)
    category = _places(np.fromiter((one.category_id for one in found), np.int64, n), list(names))
    if image is None or category is None:
        return None
    crowd = np.fromiter((one.iscrowd == 1 or one.ignore == 1 for one in found), np.bool_, n)
    counts = np.bincount(category, minlength=len(names)).tolist()
    try:
        pairs = zip(names.values(), counts, strict=True)
        labels = [read(name, count) if count else "" for name, count in pairs]
    except LabelError:
        return None
    signs = np.array([label is not None for label in labels])[category]
    order = np.flatnonzero(signs)[np.argsort(image[signs], kind="stable")]
    columns = Columns(
        boxes=corners[order],
        labels=category[order].astype(np.int32),
        ignore=crowd[order],
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
