"""CVAT 1.1, for images and for video: an .xml that lists pictures, or tracks over frames.

    cvat:FILE.xml   annotations.xml; pictures beside it or in images/
    cvat:DIR        several, each beside its pictures
    ?images=DIR     where the pictures lie

Corners are 0-based, the last outside.  A turned box is enclosed.  Of a video, frames are pictures numbered
from 0 (`frame_000012.png`), as CVAT exports them; between key frames a box moves on a line, from one that is
`outside` on there is none.  A key frame needs its picture; others may be missing, as of a task with a frame
step.  Polygons, points and masks are left out and counted.
The attributes `ignore` and `track_id` of a box, and `sequence` of its task, are read where they are given.
Source: https://docs.cvat.ai/docs/manual/advanced/xml_format/
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from xml.etree.ElementTree import Element

from roadworthy.core.arrays import Box
from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.core.notes import say
from roadworthy.core.paths import at_home
from roadworthy.data.frames import Frame
from roadworthy.data.sources import Form
from roadworthy.data.sources._box_tables import Boxes
from roadworthy.data.sources._boxes import WORDS, SignWords, box_of, frame_source, read_bytes
from roadworthy.data.sources._looks import Glimpse
from roadworthy.data.sources._shared import files_below, is_picture, split_of
from roadworthy.data.sources.voc import parse_xml

_EDGES = ("xtl", "ytl", "xbr", "ybr")
_NUMBERED = re.compile(r"(?:.*[^\d])?(\d+)")

TERMS = "frames of the user's own, under their own terms"


def _looks(seen: Glimpse) -> bool:
    return "<annotations>" in seen.first(".xml")


FORM = Form(
    title="CVAT for images, CVAT for video",
    boxes="corners, the last outside, from 0",
    tracks="a task is a film",
    groups="tracks; attribute `track_id`",
    lost="polygons, masks, the turn of turned boxes",
)


@frame_source("cvat", settings=("images", *WORDS), form=FORM, looks=_looks)
def read(place: Path, options: Mapping[str, str], labels: str) -> list[Frame]:
    """CVAT 1.1 for images or video: annotations.xml beside its pictures."""
    words = SignWords(f"cvat:{place}", labels, options)
    images = at_home(options["images"]) if options.get("images") else None
    frames: list[Frame] = []
    for table in _tables(place):
        reader = _Reader(place=place, table=table, words=words, images=images)
        frames += reader.read()
    if not frames:
        raise DataNotFoundError(f"cvat:{place} lists no pictures")
    return sorted(frames, key=lambda frame: frame.path)


def _tables(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise DataNotFoundError(f"nothing at {place}; cvat: needs annotations.xml, or a folder with it")
    found = sorted(Path(path) for path in files_below(place) if path.lower().endswith(".xml"))
    if not found:
        raise DataNotFoundError(f"no .xml in {place}; cvat: needs annotations.xml, or a folder with it")
    return found


@dataclass(kw_only=True)
class _Reader:
    """Reads one file."""

    place: Path
    table: Path
    words: SignWords
    images: Path | None
    odd: Counter[str] = field(default_factory=Counter)

    def read(self) -> list[Frame]:
        root = parse_xml(read_bytes(self.table), str(self.table))
        if root.tag != "annotations":
            raise DataError(
                f"{self.table} is no file of CVAT: it begins with <{root.tag}>, not <annotations>"
            )
        own = self.table.parent
        folders = [own / "images", own] if self.images is None else [self.images]
        boxes = Boxes(place=f"cvat:{self.place}", table=self.table, folders=folders, words=self.words)
        pictures = root.findall("image")
        if pictures:
            for picture in pictures:
                self._picture(boxes, picture)
        else:
            self._film(boxes, root, folders)
        frames = boxes.read()
        for what, n in self.odd.items():
            say(f"cvat:{self.table}: {what}: {n:,}")
        return frames

    def _picture(self, boxes: Boxes, picture: Element) -> None:
        named = picture.get("name", "")
        if not named:
            raise DataError(f"{self.table}, image {picture.get('id')}: it has no name")
        split = split_of(picture.get("subset", ""))
        boxes.frame(named, sequence=picture.get("sequence", ""), split=split)
        for number, shape in enumerate(picture, 1):
            if shape.tag == "box":
                where = f"{self.table}, {named}, box {number}"
                self._mark(boxes, named, shape, shape.get("label", ""), where, _told(shape, "track_id"))
            elif shape.tag != "tag":
                self.odd["shapes that are no boxes are left out"] += 1

    def _film(self, boxes: Boxes, root: Element, folders: list[Path]) -> None:
        """Frames of a film: all pictures with a number that lie there, and what tracks mark in them."""
        task = root.findtext("meta/task/name") or root.findtext("meta/job/id") or self.table.parent.name
        numbered = (f for f in folders if f.is_dir() and any(_number(p) is not None for p in f.iterdir()))
        folder = next(numbered, None)
        if folder is None:
            raise DataError(
                f"{self.table} is of a film, and no numbered frames lie in {folders[0]}; export it with its "
                "images, or write them with: ffmpeg -i FILM -start_number 0 images/frame_%06d.png"
            )
        split = split_of(root.findtext("meta/task/subset") or "")
        names = {n: path.name for path in sorted(folder.iterdir()) if (n := _number(path)) is not None}
        for name in names.values():
            boxes.frame(name, sequence=task, split=split)
        for track in root.findall("track"):
            sign, label = track.get("id", ""), track.get("label", "")
            lone = _told(track, "lone") == "true"
            for frame, shape, box in self._along(track, sorted(names)):
                where = f"{self.table}, track {sign}, frame {frame}"
                if frame not in names:
                    raise DataError(f"{where}: no picture in {folder} has this number; frames count from 0")
                group = "" if lone else _told(track, "track_id") or f"{task}/{sign}"
                self._mark(boxes, names[frame], shape, label, where, group, box)

    def _along(self, track: Element, there: list[int]) -> Iterator[tuple[int, Element, Box | None]]:
        """A track's frames, each with the key frame before it and its box; None for the key's own.

        there: the frames that have pictures; between key frames no others come.
        """
        where = f"{self.table}, track {track.get('id')}"
        try:
            keys = sorted(
                ((int(row.attrib["frame"]), row) for row in track.findall("box")), key=lambda k: k[0]
            )
        except (KeyError, ValueError) as error:
            raise DataError(f"{where}: a box has no frame ({error})") from error
        if not keys and len(track) > 0:
            self.odd["tracks that have no boxes are left out"] += 1
        for (start, row), (end, following) in pairwise(keys):
            if row.get("outside") == "1":
                continue
            yield start, row, None
            between = there[bisect_left(there, start + 1) : bisect_left(there, end)]
            if missing := max(end - start - 1, 0) - len(between):
                self.odd["boxes between key frames, in frames without a picture, are left out"] += missing
            for frame in between:
                yield frame, row, self._moved(row, following, (frame - start) / (end - start), where)
        if keys and keys[-1][1].get("outside") != "1":
            yield (*keys[-1], None)

    @staticmethod
    def _moved(row: Element, following: Element, share: float, where: str) -> Box:
        """The box on its way from one key frame to the next; of NaN where one of them is no box."""
        try:
            a, b = _corners(row, where), _corners(following, where)
        except ValueError:
            return (math.nan,) * 4  # a fault of these frames; that of the key frame says more
        x1, y1, x2, y2 = (p + (q - p) * share for p, q in zip(a, b, strict=True))
        return x1, y1, x2, y2

    def _mark(
        self,
        boxes: Boxes,
        named: str,
        shape: Element,
        label: str,
        where: str,
        group: str,
        box: Box | None = None,
    ) -> None:
        ignore = _told(shape, "ignore").lower() == "true"
        try:
            corners = box or _corners(shape, where)
            if turn := math.radians(float(shape.get("rotation", 0))):
                self.odd["turned boxes are enclosed"] += 1
                corners = turned(box_of(*corners), turn)
        except ValueError as error:
            boxes.fault(named, where, error)
            return
        boxes.mark(named, label, corners, where, ignore=ignore, group=group)


def _number(path: Path) -> int | None:
    match = _NUMBERED.fullmatch(path.stem)
    return int(match[1]) if match and is_picture(path.name) else None


def _told(shape: Element, name: str) -> str:
    """What an attribute of a box or a track says."""
    found = (one.text for one in shape.findall("attribute") if one.get("name") == name)
    return (next(found, "") or "").strip()


def _corners(shape: Element, where: str) -> Box:
    try:
        x1, y1, x2, y2 = (float(shape.attrib[edge]) for edge in _EDGES)
    except KeyError as error:
        raise DataError(f"{where}: a box has no {error}") from error
    return x1, y1, x2, y2


def turned(box: Box, turn: float) -> Box:
    """What encloses a box that is turned about its middle by `turn` radians."""
    x1, y1, x2, y2 = box
    sine, cosine = abs(math.sin(turn)), abs(math.cos(turn))
    half_x = ((x2 - x1) * cosine + (y2 - y1) * sine) / 2
    half_y = ((x2 - x1) * sine + (y2 - y1) * cosine) / 2
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    return x - half_x, y - half_y, x + half_x, y + half_y
