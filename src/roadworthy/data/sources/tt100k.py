"""Tsinghua-Tencent 100K, frames of Chinese streets: annotations.json over train/, test/ and other/.

    tt100k:DIR         the folder with annotations_all.json or annotations.json
    tt100k:FILE.json   the file itself

Boxes are corners, the last outside, from 0.  Frames in other/ are to train on.
Source: Zhu et al., CVPR 2016; https://cg.cs.tsinghua.edu.cn/traffic-sign
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.data.frames import Frame
from roadworthy.data.sources import Form
from roadworthy.data.sources._box_tables import Boxes, number
from roadworthy.data.sources._boxes import WORDS, SignWords, frame_source
from roadworthy.data.sources._json import read_json
from roadworthy.data.sources._looks import Glimpse
from roadworthy.data.sources._shared import split_of

_TABLES = ("annotations_all.json", "annotations.json")
_CORNERS = ("xmin", "ymin", "xmax", "ymax")

TERMS = "TT100K (Zhu et al., CVPR 2016): CC BY-NC, not for commercial use"


def _looks(seen: Glimpse) -> bool:
    heads = [seen.head(name) for name in seen.ending(".json")[:5]]
    return any('"imgs"' in head or ('"objects"' in head and '"category"' in head) for head in heads)


FORM = Form(title="TT100K", boxes="corners, the last outside, from 0", lost="ellipses and outlines of signs")


@frame_source("tt100k", settings=WORDS, form=FORM, looks=_looks)
def read(place: Path, options: Mapping[str, str], labels: str) -> list[Frame]:
    """Tsinghua-Tencent 100K: annotations.json over train/, test/ and other/."""
    table = _table(place)
    tree = read_json(table)
    listed = tree.get("imgs") if isinstance(tree, dict) else None
    if not isinstance(listed, dict) or not listed:
        raise DataError(f"{table} is no TT100K: it must be an object with imgs, the pictures by number")
    boxes = Boxes(
        place=f"tt100k:{place}",
        table=table,
        folders=[table.parent, table.parent.parent],
        words=SignWords(f"tt100k:{place}", labels, options),
    )
    for key, entry in listed.items():
        named = entry.get("path") if isinstance(entry, dict) else None
        where = f"{table}, picture {key}"
        if not isinstance(named, str) or not named:
            raise DataError(f"{where}: it needs a path")
        boxes.frame(named, split=_split(named))
        things = entry.get("objects")
        for place_, thing in enumerate(things if isinstance(things, list) else (), 1):
            _mark(boxes, named, thing, f"{where}, object {place_}")
    return boxes.read()


def _mark(boxes: Boxes, named: str, thing: object, where: str) -> None:
    corners = thing.get("bbox") if isinstance(thing, dict) else None
    if not isinstance(thing, dict) or not isinstance(corners, dict):
        boxes.fault(named, where, "it has no bbox")
        return
    try:
        x1, y1, x2, y2 = (number(corners, name) for name in _CORNERS)
    except ValueError as error:
        boxes.fault(named, where, error)
        return
    boxes.mark(named, str(thing.get("category", "")), (x1, y1, x2, y2), where)


def _split(named: str) -> str:
    folder = PurePosixPath(named.replace("\\", "/")).parent.name
    return "train" if folder == "other" else split_of(folder)


def _table(place: Path) -> Path:
    if place.is_file():
        return place
    if not place.is_dir():
        raise DataNotFoundError(f"nothing at {place}; tt100k: needs annotations.json, or the folder with it")
    for folder in (place, place / "data"):
        for name in _TABLES:
            if (folder / name).is_file():
                return folder / name
    raise DataNotFoundError(f"no annotations_all.json or annotations.json in {place}; tt100k:DIR needs one")
