"""GTSDB, frames of German streets: pictures named NNNNN beside gt.txt, as the official archives hold them.

Lines of gt.txt are `file;left;top;right;bottom;class`: corners inclusive, counted from 0, classes by GTSRB's
numbers.  Frames without a line are frames without such signs; signs of other classes are there, unlabelled.
Frames from 00450 on are the test: what is trained here has not seen them, nor the official test (00600 on).
Source: Houben et al., IJCNN 2013; https://benchmark.ini.rub.de/gtsdb_dataset.html
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from roadworthy.core.errors import DataError, DataNotFoundError, LabelError
from roadworthy.data.frames import Annotation, Frame
from roadworthy.data.sources import Form
from roadworthy.data.sources._boxes import box_of, frame_source, read_text
from roadworthy.data.sources._looks import Glimpse
from roadworthy.data.sources._shared import entries, is_picture
from roadworthy.data.tables import missing_pictures
from roadworthy.signs.catalogue import name_from_gtsrb_id

FIRST_TEST = 450
_TABLE = "gt.txt"
_FRAME = re.compile(r"\d{5}\.\w+")
_DEEP = 2  # levels below the place named at which the table is looked for

TERMS = "GTSDB (Houben et al., IJCNN 2013): published free for any purpose; its archives hold no licence text"


def _looks(seen: Glimpse) -> bool:
    return any(";" in seen.head(name) for name in seen.called(_TABLE))


FORM = Form(
    title="GTSDB",
    boxes="corners, inclusive, from 0",
    lost="names, films, physical signs, ignored regions, classes beyond GTSRB's",
)


@frame_source(
    "gtsdb",
    form=FORM,
    looks=_looks,
    to_readers="its signs are partly GTSRB's own, so neither measures a reader that was trained on the other",
)
def read(place: Path, options: Mapping[str, str], labels: str) -> list[Frame]:
    """GTSDB: frames of German streets with boxes, gt.txt beside the pictures."""
    folder = _folder(place)
    pictures = _pictures(folder)
    marked, missing = _marked(folder / _TABLE, pictures)
    if missing:
        raise missing_pictures(folder / _TABLE, missing)
    return [
        Frame(
            path=os.path.join(folder, name),  # noqa: PTH118 - as a person wrote it
            annotations=tuple(marked[stem]),
            split="test" if int(stem) >= FIRST_TEST else "train",
        )
        for stem, name in sorted(pictures.items())
    ]


def gtsrb_numbers() -> dict[str, int]:
    """GTSRB's 43 numbers by class name."""
    return {name_from_gtsrb_id(number): number for number in range(43)}


def _folder(place: Path) -> Path:
    """The folder that holds the table: this one, or the only one below."""
    if not place.is_dir():
        raise DataNotFoundError(f"no folder {place}; gtsdb:DIR needs the folder with {_TABLE}")
    level = [place]
    for _ in range(_DEEP + 1):
        found = [folder for folder in level if (folder / _TABLE).is_file()]
        if len(found) > 1:
            raise DataError(f"{place} holds {_TABLE} twice, in {found[0]} and {found[1]}; name one of them")
        if found:
            return found[0]
        level = [Path(entry.path) for folder in level for entry in entries(folder) if entry.is_dir()]
    raise DataNotFoundError(
        f"no {_TABLE} in {place}; gtsdb:DIR needs the folder with it (is the set complete?)"
    )


def _pictures(folder: Path) -> dict[str, str]:
    """The frames' files by their numbers."""
    found: dict[str, str] = {}
    for entry in entries(folder):
        if _FRAME.fullmatch(entry.name) and is_picture(entry.name):
            other = found.setdefault(entry.name[:5], entry.name)
            if other != entry.name:
                raise DataError(
                    f"{folder} holds frame {entry.name[:5]} twice, as {other} and {entry.name}; remove one"
                )
    return found


def _marked(table: Path, pictures: Mapping[str, str]) -> tuple[Mapping[str, list[Annotation]], list[str]]:
    """What is marked by the frames' numbers, and the frames that the table names and that are not there."""
    marked: dict[str, list[Annotation]] = defaultdict(list)
    missing: dict[str, None] = {}
    for number, line in enumerate(read_text(table).splitlines(), 1):
        if not line.strip():
            continue
        name, annotation = _row(line, f"{table}, line {number}")
        if name[:5] in pictures:
            marked[name[:5]].append(annotation)
        else:
            missing[name] = None
    return marked, list(missing)


def _row(line: str, where: str) -> tuple[str, Annotation]:
    name, *numbers = (cell.strip() for cell in line.split(";"))
    if len(numbers) != 5 or not _FRAME.fullmatch(name):
        raise DataError(
            f"{where} is {line.strip()[:60]!r}; it must be file;left;top;right;bottom;class, like "
            "00000.ppm;774;411;815;446;11"
        )
    try:
        x1, y1, x2, y2 = map(float, numbers[:4])
        box = box_of(x1, y1, x2 + 1, y2 + 1)
        return name, Annotation(box=box, label=name_from_gtsrb_id(numbers[4]))
    except (ValueError, LabelError) as error:
        raise DataError(f"{where}: {error}") from error
