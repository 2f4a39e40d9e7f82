"""COCO with videos: images that know their video and frame, annotations that know their track.

The frame is `frame_id` (or `frame_index`) of the image, from 0; a file whose least is 1 is taken to count
from 1, which is said, unless its `info` tells that `first_frame` is 0.  The track is `track_id` or
`instance_id` of the annotation, or of its `attributes`.
Source: https://cocodataset.org/#format-data, with the fields of CocoVID and TAO.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roadworthy.core.arrays import Box
from roadworthy.core.errors import DataError
from roadworthy.core.notes import say, some
from roadworthy.core.words import visible
from roadworthy.drive.kpi.labelled import TOLD, LabelledTrack

_FRAMES = ("frame_id", "frame_index")
_TRACKS = ("track_id", "instance_id")


def read_coco_video(path: Path, *, film: str = "") -> list[LabelledTrack]:
    """The tracks of one video of a file.

    film: the name of the film, by which a file of several videos tells which is meant.
    Raises DataError for what is no COCO with tracks, and where several videos may be meant.
    """
    tree = _tree(path)
    names = {_of(one, "id"): _of(one, "name") for one in tree["categories"]}
    frames = _frames(path, tree, film)
    found: dict[Any, list[tuple[int, Mapping[str, Any]]]] = {}
    for place, entry in enumerate(tree["annotations"], start=1):
        where = f"{path}, annotation {_of(entry, 'id') or place}"
        if _of(entry, "image_id") not in frames or _of(entry, "iscrowd"):
            continue
        track = _first(entry, _TRACKS)
        if track is None:
            raise DataError(f"{where}: it has neither track_id nor instance_id, so it is of no track")
        if _of(entry, "category_id") not in names:
            raise DataError(f"{where}: no category has its category_id {_of(entry, 'category_id')!r}")
        found.setdefault(track, []).append((frames[_of(entry, "image_id")], entry))
    return [_track(path, track, own, names) for track, own in found.items()]


def _track(
    path: Path, track: Any, own: list[tuple[int, Mapping[str, Any]]], names: Mapping[Any, Any]
) -> LabelledTrack:
    where = f"{path}, track {visible(str(track))}"
    boxes: dict[int, Box] = {}
    for frame, entry in own:
        if frame in boxes:
            raise DataError(f"{where}: it has two boxes in frame {frame}; a sign has one")
        boxes[frame] = _box(entry, f"{where}, frame {frame}")
    labels = {str(names[_of(entry, "category_id")]) for _, entry in own}
    if len(labels) > 1:
        raise DataError(f"{where}: it is {' and '.join(map(repr, sorted(labels)))}; a sign is of one class")
    return LabelledTrack(
        name=str(track),
        label=labels.pop(),
        boxes=boxes,
        hidden=frozenset(frame for frame, entry in own if _told(entry).get("occluded") in (True, 1, "true")),
        told={
            name: str(value)
            for _, entry in own
            for name, value in {**_told(entry), **entry}.items()
            if name in TOLD and isinstance(value, (str, int, float))
        },
    )


def _frames(path: Path, tree: Mapping[str, Any], film: str) -> dict[Any, int]:
    """The frame of each image of the video that is meant."""
    images = [one for one in tree["images"] if isinstance(one, dict)]
    video = _video(path, tree, images, film)
    own = [one for one in images if video is None or one.get("video_id") == video]
    frames = {}
    for one in own:
        number = _first(one, _FRAMES)
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            name = visible(str(one.get("file_name") or one.get("id")))
            raise DataError(f"{path}, image {name}: its frame_id is {number!r}; it must be a number from 0")
        frames[one.get("id")] = number
    least = min(frames.values(), default=0)
    if least == 1 and _of(tree.get("info"), "first_frame") != 0:
        say(f"{path}: its frames begin with 1 and are taken as counted from 1")
        return {image: frame - 1 for image, frame in frames.items()}
    return frames


def _video(path: Path, tree: Mapping[str, Any], images: list[dict[str, Any]], film: str) -> Any:
    ids = list(dict.fromkeys(one.get("video_id") for one in images))
    if len(ids) < 2:
        return ids[0] if ids else None
    videos = [one for one in tree.get("videos", []) if isinstance(one, dict)]
    names = {one.get("id"): str(one.get("name") or one.get("file_name") or one.get("id")) for one in videos}
    meant = [one for one in ids if Path(names.get(one, "")).stem == Path(film).stem]
    if film and len(meant) == 1:
        return meant[0]
    known = some(sorted(names.get(one, str(one)) for one in ids))
    raise DataError(f"{path} holds {len(ids)} videos, and none or several are {film!r}; it has {known}")


def _tree(path: Path) -> dict[str, Any]:
    try:
        tree: dict[str, Any] = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read as JSON: {error}") from error
    for name in ("images", "annotations", "categories"):
        if not isinstance(tree, dict) or not isinstance(tree.get(name), list):
            raise DataError(f"{path} is no COCO: it has no list of {name}")
    return tree


def _box(entry: Mapping[str, Any], where: str) -> Box:
    given = entry.get("bbox")
    try:
        x, y, width, height = map(float, given)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise DataError(f"{where}: its bbox is {given!r}; it must be [x, y, width, height]") from None
    if not (all(map(math.isfinite, (x, y, width, height))) and width > 0 and height > 0):
        raise DataError(f"{where}: its bbox is {given!r} and holds nothing")
    return x, y, x + width, y + height


def _told(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    told = entry.get("attributes")
    return told if isinstance(told, dict) else {}


def _first(entry: Any, names: tuple[str, ...]) -> Any:
    own = entry if isinstance(entry, dict) else {}
    return next((one[name] for one in (own, _told(own)) for name in names if one.get(name) is not None), None)


def _of(entry: Any, name: str) -> Any:
    value = entry.get(name) if isinstance(entry, dict) else None
    return value if isinstance(value, (int, float, str)) else None
