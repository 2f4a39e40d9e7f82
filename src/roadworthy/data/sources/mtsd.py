"""Mapillary Traffic Sign Dataset: a .json for each picture, lists of the splits.

    mtsd:DIR   with annotations/*.json (also below mtsd_v2_fully_annotated/), images/ or images.train/ ...,
               and splits/train.txt, val.txt, test.txt

Boxes are corners, the last outside, from 0.  `ambiguous` signs, those out of the frame, and `dummy` ones
(things that look like signs) are to be ignored; so are signs that cross the edge of a panorama.
Source: Ertler et al., ECCV 2020; https://www.mapillary.com/dataset/trafficsign
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.core.notes import say
from roadworthy.data.frames import Frame
from roadworthy.data.sources import Form
from roadworthy.data.sources._box_tables import Boxes, number
from roadworthy.data.sources._boxes import WORDS, Pictures, SignWords, frame_source, read_text
from roadworthy.data.sources._json import read_json
from roadworthy.data.sources._looks import Glimpse
from roadworthy.data.sources._shared import files_below, is_picture

_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_IGNORED = ("ambiguous", "dummy", "out-of-frame")

TERMS = "MTSD (Ertler et al., ECCV 2020): CC BY-NC-SA, not for commercial use"


def _looks(seen: Glimpse) -> bool:
    head = seen.first(".json")
    return '"objects"' in head and '"label"' in head and '"bbox"' in head


FORM = Form(
    title="Mapillary MTSD",
    boxes="corners, the last outside, from 0",
    lost="properties beside those that say what to ignore",
)


@frame_source("mtsd", settings=WORDS, form=FORM, looks=_looks)
def read(place: Path, options: Mapping[str, str], labels: str) -> list[Frame]:
    """Mapillary Traffic Sign Dataset: a .json for each picture."""
    if not place.is_dir():
        raise DataNotFoundError(f"no folder {place}; mtsd:DIR needs the folder with annotations/ and images/")
    files = [Path(path) for path in files_below(place)]
    tables = [path for path in files if path.suffix == ".json" and path.parent.name == "annotations"]
    if not tables:
        raise DataNotFoundError(f"no annotations/*.json in {place}; mtsd:DIR needs a .json for each picture")
    splits = {
        line.strip(): path.stem
        for path in files
        if path.parent.name == "splits" and path.stem in ("train", "val", "test")
        for line in read_text(path).splitlines()
        if line.strip()
    }
    folders = sorted({path.parent for path in files if is_picture(path.name)})
    words, pictures, odd = SignWords(f"mtsd:{place}", labels, options), Pictures(), Counter[str]()
    boxes = Boxes(place=f"mtsd:{place}", table=place, folders=folders, words=words, pictures=pictures)
    for table in sorted(tables):
        _read_one(boxes, table, splits.get(table.stem, ""), odd)
    frames = boxes.read(skip_missing=True)  # the set's archives come one by one
    for what, n in odd.items():
        say(f"mtsd:{place}: {what}: {n:,}")
    return frames


def _read_one(boxes: Boxes, table: Path, split: str, odd: Counter[str]) -> None:
    tree = read_json(table)
    things = tree.get("objects") if isinstance(tree, dict) else None
    if not isinstance(things, list):
        raise DataError(f"{table} is no annotation of MTSD: it has no list of objects")
    named = f"{table.stem}.jpg"
    boxes.frame(named, split=split)
    for place, thing in enumerate(things, 1):
        where = f"{table}, object {place}"
        corners = thing.get("bbox") if isinstance(thing, dict) else None
        if not isinstance(thing, dict) or not isinstance(corners, dict):
            boxes.fault(named, where, "it has no bbox")
            continue
        given = thing.get("properties")
        told = given if isinstance(given, dict) else {}
        crossing = "cross_boundary" in corners
        if crossing:
            odd["signs cross the edge of a panorama; what the box encloses is to be ignored"] += 1
        try:
            x1, y1, x2, y2 = (number(corners, name) for name in _CORNERS)
        except ValueError as error:
            boxes.fault(named, where, error)
            continue
        if crossing and x1 > x2:
            x1, x2 = 0.0, float(tree.get("width", x1))
        ignore = crossing or any(told.get(name) is True for name in _IGNORED)
        boxes.mark(named, str(thing.get("label", "")), (x1, y1, x2, y2), where, ignore=ignore)
