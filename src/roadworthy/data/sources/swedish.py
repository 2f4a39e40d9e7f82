"""The Swedish traffic sign set: annotations.txt beside pictures, a line for each.

    swedish:DIR         the folder with annotations.txt, or one above Set1, Set2 ...
    swedish:FILE.txt    one list

A line is `picture:` and the signs in it, each `visibility, x2, y2, x1, y1, kind, name;`, the lower right
corner first.  Set1 is to train on, Set2 the test.  Signs of side roads are to be ignored.  MISC_SIGNS says
that a frame shows signs that nobody marked, so it is to be ignored as background: it counts as unreadable
where nothing else is marked in it.  What stands before `Image` in a picture's name is its film.
Source: Larsson and Felsberg, SCIA 2011
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.core.notes import say
from roadworthy.data.frames import Frame
from roadworthy.data.sources import Form
from roadworthy.data.sources._box_tables import Boxes
from roadworthy.data.sources._boxes import WORDS, SignWords, frame_source, read_text
from roadworthy.data.sources._looks import Glimpse
from roadworthy.data.sources._shared import files_below

_TABLE = "annotations.txt"
_UNMARKED = "MISC_SIGNS"
_NAMELESS = {"OTHER", "URDBL", "UNDEFINED"}
_SET = re.compile(r"Set(\d)", re.IGNORECASE)
_SPLITS = {"1": "train", "2": "test"}

TERMS = "the Swedish set (Larsson and Felsberg, SCIA 2011), published free for research"


def _looks(seen: Glimpse) -> bool:
    heads = [seen.head(name) for name in seen.ending(".txt")[:5]]
    return any(_UNMARKED in head or re.search(r":(VISIBLE|OCCLUDED|BLURRED),", head) for head in heads)


FORM = Form(
    title="Swedish traffic signs",
    boxes="corners, the last outside, from 0",
    tracks="start of the picture's name",
    lost="visibility",
)


@frame_source("swedish", settings=WORDS, form=FORM, looks=_looks)
def read(place: Path, options: Mapping[str, str], labels: str) -> list[Frame]:
    """The Swedish traffic sign set: annotations.txt beside pictures."""
    words = SignWords(f"swedish:{place}", labels, options)
    frames: list[Frame] = []
    unmarked = 0
    for table in _tables(place):
        boxes = Boxes(place=f"swedish:{place}", table=table, folders=_folders(table), words=words)
        for line, text in enumerate(read_text(table).splitlines(), 1):
            if text.strip():
                unmarked += _line(boxes, text, f"{table}, line {line}", _split(table, place))
        frames += boxes.read(skip_missing=True)
    if unmarked:
        say(
            f"swedish:{place}: {unmarked:,} frames show signs that nobody marked ({_UNMARKED}); those where "
            "nothing else is marked are left out"
        )
    return sorted(frames, key=lambda frame: frame.path)


def _line(boxes: Boxes, text: str, where: str, split: str) -> bool:
    """Read a line into `boxes`; whether it tells of signs that are not marked."""
    named, colon, rest = text.partition(":")
    named = named.strip()
    if not colon or not named:
        raise DataError(f"{where} is {text.strip()[:60]!r}; it must be picture: and its signs")
    signs = [sign.strip() for sign in rest.split(";") if sign.strip()]
    unmarked = _UNMARKED in signs
    signs = [sign for sign in signs if sign != _UNMARKED]
    if unmarked and not signs:
        return True
    boxes.frame(named, sequence=named.partition("Image")[0] if "Image" in named else "", split=split)
    for sign in signs:
        cells = [cell.strip() for cell in sign.split(",")]
        if len(cells) != 7:
            raise DataError(f"{where}: {sign[:60]!r} must be visibility, x2, y2, x1, y1, kind, name")
        try:
            x2, y2, x1, y1 = map(float, cells[1:5])
        except ValueError as error:
            boxes.fault(named, where, error)
            continue
        word = "sign" if cells[6].upper() in _NAMELESS else cells[6]
        boxes.mark(named, word, (x1, y1, x2, y2), where, ignore=cells[0].upper() == "SIDE_ROAD")
    return unmarked


def _folders(table: Path) -> list[Path]:
    # Set1Part0.zip holds the pictures, annotations.txt lies beside that folder.
    inner = sorted(path for path in table.parent.iterdir() if path.is_dir())
    return [table.parent, *inner]


def _split(table: Path, place: Path) -> str:
    found = _SET.findall(str(table.relative_to(place.parent))) or _SET.findall(table.parent.name)
    return _SPLITS.get(found[-1], "") if found else ""


def _tables(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise DataNotFoundError(f"nothing at {place}; swedish: needs the folder with {_TABLE}")
    found = sorted(path for path in map(Path, files_below(place)) if path.name.lower() == _TABLE)
    if not found:
        raise DataNotFoundError(f"no {_TABLE} in {place}; swedish:DIR needs the folder with it")
    return found
