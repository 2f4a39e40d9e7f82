"""LISA, frames of American streets: a table whose cells semicolons separate, beside folders of frames.

    lisa:FILE.csv   allAnnotations.csv or frameAnnotations.csv
    lisa:DIR        the folder with allAnnotations.csv

The lower right corner is the first pixel outside, as the set's own tools cut its signs.  A track of its
`Origin file` is one physical sign, and that file one film.  Frames without signs lie in a folder of their own
(negatives) and are not listed.
Source: Mogelmose, Trivedi and Moeslund, IEEE T-ITS 2012
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from roadworthy.core.errors import DataError, DataNotFoundError
from roadworthy.data.frames import Frame
from roadworthy.data.sources import Form
from roadworthy.data.sources._box_tables import Boxes
from roadworthy.data.sources._boxes import WORDS, SignWords, frame_source
from roadworthy.data.sources._looks import Glimpse
from roadworthy.data.tables import read_table, require_columns

TABLES = ("allannotations.csv", "frameannotations.csv")
CORNERS = (
    "upper left corner x",
    "upper left corner y",
    "lower right corner x",
    "lower right corner y",
)

TERMS = "LISA (Mogelmose et al., IEEE T-ITS 2012): for research; ask its authors before anything else"


def _looks(seen: Glimpse) -> bool:
    return any(CORNERS[0] in seen.head(name).lower() for name in seen.ending(".csv")[:5])


FORM = Form(
    title="LISA",
    boxes="corners, the last outside, from 0",
    tracks="`Origin file`",
    groups="`Origin track`",
    lost="splits, frames without signs, regions to be ignored",
)


@frame_source("lisa", settings=WORDS, form=FORM, looks=_looks)
def read(place: Path, options: Mapping[str, str], labels: str) -> list[Frame]:
    """LISA: a table with semicolons, allAnnotations.csv, beside folders of frames."""
    table = _table(place)
    has, rows = read_table(table)
    require_columns(table, has, "filename", "annotation tag", *CORNERS)
    boxes = Boxes(
        place=f"lisa:{place}",
        table=table,
        folders=[table.parent],
        words=SignWords(f"lisa:{place}", labels, options),
    )
    for row in rows:
        named, film, track = row.text("filename"), row.text("origin file"), row.text("origin track")
        if not named:
            raise row.fail("the filename is empty")
        where = f"{table}, line {row.line}"
        boxes.frame(named, sequence=film)
        try:
            x1, y1, x2, y2 = (float(row.text(column)) for column in CORNERS)
        except ValueError as error:
            boxes.fault(named, where, error)
            continue
        boxes.mark(
            named,
            row.text("annotation tag"),
            (x1, y1, x2, y2),
            where,
            group=f"{film}/{track}" if track else "",
        )
    if not boxes.frames:
        raise DataNotFoundError(f"table {table} has a header but no rows")
    return boxes.read()


def _table(place: Path) -> Path:
    if place.is_file():
        return place
    if not place.is_dir():
        raise DataNotFoundError(f"nothing at {place}; lisa: needs allAnnotations.csv, or the folder with it")
    found = [path for path in sorted(place.iterdir()) if path.name.lower() in TABLES]
    if not found:
        raise DataNotFoundError(
            f"no allAnnotations.csv in {place}; name the table, like lisa:{place}/FILE.csv"
        )
    if len(found) > 1:
        raise DataError(f"{place} holds {found[0].name} and {found[1].name}; name one, like lisa:{found[0]}")
    return found[0]
