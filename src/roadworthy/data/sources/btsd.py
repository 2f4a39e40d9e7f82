"""BelgiumTS for detection: lists of boxes over folders of frames, a folder for each camera.

    btsd:DIR        the folder with BTSD_training_GT.txt and BTSD_testing_GT.txt, or ...GTclear.txt
    btsd:FILE.txt   one list

A line is `camera/picture;x1;y1;x2;y2;class;superclass;` and, in the longer lists, pole, number on the pole,
camera, frame and the sign's Belgian code.  The label is that code, read with `--labels be`, else the class's
number.  Signs of an undefined class (-1) are signs that are not told.  A sign on its pole is one physical
sign, a camera is a film.  Pictures are JPEG 2000, or saved in another format.
Source: Timofte, Zimmermann and Van Gool, MVA 2011; the set's own readme
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.data.frames import Frame
from roadworthy.data.sources import Form
from roadworthy.data.sources._box_tables import Boxes
from roadworthy.data.sources._boxes import WORDS, SignWords, frame_source, read_text, without_doubles
from roadworthy.data.sources._looks import Glimpse
from roadworthy.data.sources._shared import files_below

_LISTS = {
    "train": ("btsd_training_gt.txt", "btsd_training_gtclear.txt"),
    "test": ("btsd_testing_gt.txt", "btsd_testing_gtclear.txt"),
}
_SHORT, _LONG = 7, 12
_UNDEFINED = "-1"

TERMS = "BelgiumTS (Timofte et al., MVA 2011), published free for research"


def _looks(seen: Glimpse) -> bool:
    return bool(seen.called(*(name for names in _LISTS.values() for name in names)))


FORM = Form(
    title="BelgiumTS for detection",
    boxes="corners, the last outside, from 0",
    tracks="camera",
    groups="pole and number on it",
    lost="superclasses",
)


@frame_source("btsd", settings=WORDS, form=FORM, looks=_looks)
def read(place: Path, options: Mapping[str, str], labels: str) -> list[Frame]:
    """BelgiumTS for detection: lists of boxes over folders of frames."""
    words = SignWords(f"btsd:{place}", labels, options)
    frames: list[Frame] = []
    for table, split in _tables(place).items():
        folders = [table.parent, table.parent.parent]
        boxes = Boxes(place=f"btsd:{place}", table=table, folders=folders, words=words)
        for line, text in enumerate(read_text(table).splitlines(), 1):
            if text.strip():
                _line(boxes, text.strip(), f"{table}, line {line}", split)
        frames += boxes.read()
    if not frames:
        raise DataNotFoundError(f"btsd:{place} lists no signs")
    return without_doubles(sorted(frames, key=lambda frame: frame.path), f"btsd:{place}")


def _line(boxes: Boxes, text: str, where: str, split: str) -> None:
    cells = [cell.strip() for cell in text.rstrip(";").split(";")]
    if len(cells) < _SHORT:
        raise DataError(f"{where} is {text[:60]!r}; it must be camera/picture;x1;y1;x2;y2;class;superclass;")
    named, code = cells[0], cells[5]
    camera = named.replace("\\", "/").rpartition("/")[0]
    boxes.frame(named, sequence=camera, split=split)
    group = ""
    if len(cells) >= _LONG:
        group, code = f"pole {cells[7]}/{cells[8]}", cells[11] if code != _UNDEFINED else code
    try:
        x1, y1, x2, y2 = map(float, cells[1:5])
    except ValueError as error:
        boxes.fault(named, where, error)
        return
    boxes.mark(named, "sign" if code == _UNDEFINED else code, (x1, y1, x2, y2), where, group=group)


def _tables(place: Path) -> dict[Path, str]:
    """The lists, each with its split; of a long and a short one the long."""
    if place.is_file():
        split = next((name for name, lists in _LISTS.items() if place.name.lower() in lists), "")
        return {place: split}
    if not place.is_dir():
        raise DataNotFoundError(f"nothing at {place}; btsd: needs the folder with BTSD_training_GT.txt")
    files = {path.name.lower(): path for path in map(Path, files_below(place))}
    found = {
        split: next((files[name] for name in names if name in files), None) for split, names in _LISTS.items()
    }
    tables = {path: split for split, path in found.items() if path is not None}
    if not tables:
        raise DataNotFoundError(
            f"no BTSD_training_GT.txt in {place}; btsd:DIR needs the folder with it (or ...GTclear.txt)"
        )
    return tables
