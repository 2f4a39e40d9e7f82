"""CVAT for video 1.1: an .xml of tracks, each with a box in some frames.

Frames are the film's, from 0, as CVAT writes them whatever a task leaves out.  Between two boxes a sign moves
on a line; a box that is `outside` shows from which frame on it is gone.  A track that is never outside ends
with its last box.  Turned boxes are enclosed.
Source: https://docs.cvat.ai/docs/manual/advanced/xml_format/
"""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

from roadworthy.core.arrays import Box
from roadworthy.core.errors import DataError
from roadworthy.core.words import visible
from roadworthy.drive.kpi.labelled import TOLD, LabelledTrack, between


def is_cvat(path: Path) -> bool:
    """Whether a file is one of CVAT's, by its name."""
    return path.suffix.lower() == ".xml"


def read_cvat(path: Path) -> list[LabelledTrack]:
    """The tracks of a file.  Raises DataError for what is no CVAT for video, with the track."""
    try:
        text = path.read_bytes()
        if b"<!ENTITY" in text:
            raise DataError(f"{path} defines entities, which no labels need; export it again from CVAT")
        root = ElementTree.fromstring(text)
    except (OSError, ElementTree.ParseError) as error:
        raise DataError(f"{path} cannot be read as XML: {error}") from error
    if root.tag != "annotations":
        raise DataError(f"{path} is no file of CVAT: it begins with <{visible(root.tag)}>, not <annotations>")
    tracks = root.findall("track")
    if not tracks and root.find("image") is not None:
        raise DataError(f"{path} is CVAT for images; export it as CVAT for video 1.1, which has tracks")
    found = []
    for number, track in enumerate(tracks):
        name = track.get("id", str(number))
        try:
            found.append(_track(track, name))
        except (KeyError, ValueError, DataError) as error:
            what = f"no attribute {error}" if isinstance(error, KeyError) else str(error)
            raise DataError(f"{path}, track {visible(name)}: {visible(what)}") from error
    return found


def _track(track: ElementTree.Element, name: str) -> LabelledTrack:
    rows = sorted(track.findall("box"), key=lambda box: int(box.attrib["frame"]))
    keys = {int(row.attrib["frame"]): _box(row) for row in rows}
    gone = {int(row.attrib["frame"]) for row in rows if row.get("outside") == "1"}
    frames = sorted(keys)
    boxes = between(keys, gone)
    occluded = {int(row.attrib["frame"]) for row in rows if row.get("occluded") == "1"}
    hidden = {
        frame
        for start, end in pairwise([*frames, frames[-1] + 1 if frames else 0])
        if start in occluded
        for frame in range(start, end)
    }
    return LabelledTrack(
        name=name,
        label=track.attrib["label"],
        boxes=boxes,
        hidden=frozenset(hidden & boxes.keys()),
        told=_told(track, rows),
    )


def _told(track: ElementTree.Element, rows: list[ElementTree.Element]) -> dict[str, str]:
    """What attributes tell of the whole sign; where they change over frames, the last counts."""
    given = [*track.findall("attribute"), *(one for row in rows for one in row.findall("attribute"))]
    return {
        name: (one.text or "").strip() for one in given if (name := one.get("name", "")) in TOLD and one.text
    }


def _box(row: ElementTree.Element) -> Box:
    x1, y1, x2, y2 = (float(row.attrib[edge]) for edge in ("xtl", "ytl", "xbr", "ybr"))
    if not (all(map(math.isfinite, (x1, y1, x2, y2))) and x1 < x2 and y1 < y2):
        where = f"frame {row.attrib['frame']}"
        raise DataError(
            f"{where}: the box reaches from ({x1:g}, {y1:g}) to ({x2:g}, {y2:g}), holding nothing"
        )
    turn = math.radians(float(row.get("rotation", 0)))
    if not turn:
        return x1, y1, x2, y2
    across, down = x2 - x1, y2 - y1
    sine, cosine = abs(math.sin(turn)), abs(math.cos(turn))
    half_x, half_y = (across * cosine + down * sine) / 2, (across * sine + down * cosine) / 2
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    return x - half_x, y - half_y, x + half_x, y + half_y
