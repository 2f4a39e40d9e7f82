"""Pascal VOC: a picture and an .xml of the same set for each frame, the two in any usual folders.

    DIR/images/*, DIR/annotations/*.xml       JPEGImages/ and Annotations/, too; splits above them
    DIR/ImageSets/Main/{train,val,test}.txt   names the splits
    ?origin=0                                 corners count from 0, as some tools write them; VOC's from 1
    ?edges=outside                            xmax and ymax are the first pixels outside; VOC's lie inside

Corners are inclusive, from 1, as the set that gave the format its name has them: 1, 1, 10, 20 is a box of
10 x 20 pixels at the picture's corner.  supervision reads it as one of 9 x 19 (?edges=outside), datumaro as
that a pixel further in (?origin=0&edges=outside).
`difficult` and `ignore` make regions that are neither wanted nor wrong when found.
Source: Everingham et al., IJCV 2010; the development kit's documentation (VOC2012), section on annotations.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from roadworthy.core.errors import ConfigError, DataError, DataNotFoundError
from roadworthy.core.notes import say
from roadworthy.data.frames import Annotation, Frame
from roadworthy.data.sources import Form
from roadworthy.data.sources._boxes import (
    WORDS,
    Pictures,
    SignWords,
    box_of,
    frame_source,
    marked,
    read_bytes,
    read_label,
    read_text,
    refuse_text,
    rounded,
    without_doubles,
)
from roadworthy.data.sources._looks import Glimpse
from roadworthy.data.sources._shared import files_below, is_picture, name_splits
from roadworthy.data.tables import missing_pictures

_LABELS = ("annotations", "labels", "xml", "xmls")
_PICTURES = ("images", "JPEGImages", "imgs", "img")
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_LISTS = ("ImageSets", "Main")

TERMS = "frames of the user's own, under their own terms"


def _looks(seen: Glimpse) -> bool:
    return "<annotation>" in seen.first(".xml")


FORM = Form(
    title="Pascal VOC",
    boxes="corners, inclusive, from 1",
    tracks="`<sequence>`, ours",
    groups="attribute `track_id`, as CVAT's",
    lost="parts, poses, turned boxes",
)


@frame_source("voc", settings=("origin", "edges", *WORDS), form=FORM, looks=_looks)
def read(place: Path, options: Mapping[str, str], labels: str) -> list[Frame]:
    """Pascal VOC: an .xml for each frame, beside it or in annotations/."""
    if not place.is_dir():
        raise DataNotFoundError(f"no folder {place}; voc:DIR needs the folder with annotations/ and images/")
    files = list(files_below(place))
    tables = sorted(path for path in files if path.lower().endswith(".xml"))
    if not tables:
        raise DataNotFoundError(f"no .xml in {place}; voc:DIR needs an .xml for each frame")
    reader = _Reader(
        place=place,
        words=SignWords(f"voc:{place}", labels, options),
        first=_origin(options),
        inside=_inside(options),
    )
    frames = [frame for table in tables for frame in reader.frame(table)]
    if reader.missing:
        raise missing_pictures(place, reader.missing)
    if not frames:
        raise DataError(f"none of the {len(tables):,} .xml in {place} is an annotation of Pascal VOC")
    reader.say()
    _say_unlabelled(frames, files, place)
    frames.sort(key=lambda frame: frame.path)
    return without_doubles(_split(frames, tables, place), f"voc:{place}")


def _origin(options: Mapping[str, str]) -> int:
    text = options.get("origin", "1")
    if text not in ("0", "1"):
        raise ConfigError(f"voc: got origin={text!r}; corners count from 1, as Pascal VOC has it, or from 0")
    return int(text)


def _inside(options: Mapping[str, str]) -> int:
    text = options.get("edges", "inside")
    if text not in ("inside", "outside"):
        raise ConfigError(
            f"voc: got edges={text!r}; xmax and ymax lie inside, as Pascal VOC has it, or outside the box"
        )
    return int(text == "inside")


@dataclass(kw_only=True)
class _Reader:
    """Reads a set's files and counts what a person should know of them.

    first: what a corner in the first column of pixels is written as.
    inside: 1 where the last pixels lie inside a box, 0 where they are the first outside.
    """

    place: Path
    words: SignWords
    first: int
    inside: int = 1
    pictures: Pictures = field(default_factory=Pictures)
    missing: list[str] = field(default_factory=list)
    odd: Counter[str] = field(default_factory=Counter)

    def frame(self, table: str) -> Iterator[Frame]:
        root = parse_xml(read_bytes(table), table)
        if root.tag != "annotation":
            self.odd["other .xml are no annotations and left out"] += 1
            return
        named = (root.findtext("filename") or "").strip() or PurePath(table).stem
        path = _picture(self.pictures, table, named)
        if path is None:
            self.missing.append(f"{named} ({table})")
            return
        found: list[Annotation] = []
        faults = []
        for number, thing in enumerate(root.findall("object"), 1):
            try:
                found += self._annotations(thing, f"{table}, object {number}")
            except ValueError as error:
                faults.append(f"has no usable box ({table}, object {number}: {error})")
        # A box that cannot be used may be a sign, so the frame is no background either.
        yield Frame(
            path=path,
            annotations=tuple(found),
            sequence=(root.findtext("sequence") or "").strip(),
            fault=faults[0] if faults else "",
        )

    def _annotations(self, thing: Element, where: str) -> tuple[Annotation, ...]:
        label = read_label(self.words, thing.findtext("name") or "", where)
        ignore = any(_flag(thing, name) for name in ("difficult", "ignore"))
        corners = thing.find("bndbox")
        if corners is None:
            if (turned := thing.find("robndbox")) is None:
                raise ValueError("it has no bndbox")
            self.odd["turned boxes (robndbox) become regions to be ignored"] += 1
            return marked(_enclosing(turned), label, ignore=True)
        x1, y1, x2, y2 = (_number(corners, name) for name in _CORNERS)
        if self.first and min(x1, y1) == 0:
            self.odd["boxes begin at 0 though corners count from 1 (?origin=0 if not)"] += 1
        x1, y1 = (corner - self.first if corner else 0.0 for corner in (x1, y1))
        beyond = self.inside - self.first
        box = rounded(x1, y1, x2 + beyond, y2 + beyond)
        return marked(box, label, ignore=ignore, group=_track(thing))

    def say(self) -> None:
        self.words.say()
        self.pictures.say(f"voc:{self.place}")
        for what, n in self.odd.items():
            say(f"voc:{self.place}: {what}: {n:,}")


def parse_xml(data: bytes, path: str) -> Element:
    """The root of an XML file; DataError for what is none, and for a document type, which could say anything.

    A document type can name other files and grow a few bytes to gigabytes; annotations have none.
    """
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    refused: list[str] = []

    def refuse(name: str, *_: object) -> None:
        refused.append(name)
        raise ValueError

    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
        return builder.close()
    except (expat.ExpatError, AssertionError, ValueError, LookupError) as error:
        if refused:
            raise DataError(
                f"{path} declares a document type ({refused[0]}), which is refused; remove the <!DOCTYPE ...>"
            ) from None
        refuse_text(path, "XML", error)


def _picture(pictures: Pictures, table: str, named: str) -> str | None:
    """The picture of an annotation: beside it, or in the folder of pictures beside that of annotations."""
    above, inner = os.path.split(os.path.dirname(table))  # noqa: PTH120 - Paths take seconds
    if inner.lower() in _LABELS:
        for name in _PICTURES:
            if found := pictures.find(os.path.join(above, name), named):  # noqa: PTH118
                return found
    # What a file calls its picture may be a path of the machine that it was written on.
    last = PurePath(named.replace("\\", "/")).name
    beside = os.path.join(above, inner)  # noqa: PTH118
    return pictures.find(beside, named) or (_picture(pictures, table, last) if last != named else None)


def _number(parent: Element, name: str) -> float:
    text = parent.findtext(name)
    if text is None:
        raise ValueError(f"it has no {name}")
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name} is {text.strip()!r}, no number") from None


def _flag(thing: Element, name: str) -> bool:
    return (thing.findtext(name) or "").strip().lower() in ("1", "true")


def _track(thing: Element) -> str:
    """The physical sign of an object, in the attribute where CVAT writes its tracks."""
    for one in thing.iterfind("attributes/attribute"):
        if (one.findtext("name") or "").strip() == "track_id":
            return (one.findtext("value") or "").strip()
    return ""


def _enclosing(turned: Element) -> tuple[float, float, float, float]:
    """A box that a turned one lies in, whatever its angle."""
    cx, cy, w, h = (_number(turned, name) for name in ("cx", "cy", "w", "h"))
    reach = (w * w + h * h) ** 0.5 / 2
    return box_of(cx - reach, cy - reach, cx + reach, cy + reach)


def _say_unlabelled(frames: Sequence[Frame], files: Sequence[str], place: Path) -> None:
    """Pictures without an .xml may hold signs, so they are no frames without signs."""
    known = {os.path.normpath(frame.path) for frame in frames}
    others = [path for path in files if is_picture(path) and os.path.normpath(path) not in known]
    if others:
        many = f"{len(others):,} pictures have" if len(others) > 1 else "1 picture has"
        say(f"voc:{place}: {many} no .xml and left out, first: {others[0]}")


def _split(frames: Sequence[Frame], tables: Sequence[str], place: Path) -> list[Frame]:
    """Frames with the splits that lists or folders name."""
    listed = _listed(tables, place)
    if listed:
        return [replace(frame, split=listed.get(PurePath(frame.path).stem, "")) for frame in frames]
    above = [PurePath(os.path.relpath(frame.path, place)).parts[:-1] for frame in frames]
    splits = name_splits(sorted({part for parts in above for part in parts}), f"voc:{place}")
    return [
        replace(frame, split=next((splits[part] for part in parts if part in splits), ""))
        for frame, parts in zip(frames, above, strict=True)
    ]


def _listed(tables: Sequence[str], place: Path) -> dict[str, str]:
    """Splits by the frames' stems, of the lists in ImageSets/Main."""
    roots = {place, *(Path(table).parent.parent for table in tables)}
    found: dict[str, str] = {}
    for root in sorted(roots):
        for split in ("train", "val", "test"):
            path = root.joinpath(*_LISTS, f"{split}.txt")
            if path.is_file():
                found |= {line.split()[0]: split for line in read_text(path).splitlines() if line.strip()}
    return found
