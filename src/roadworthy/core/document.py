"""What a report is made of; report/html.py alone turns it into a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from roadworthy.core.arrays import ByteArray


@dataclass(frozen=True, kw_only=True)
class Text:
    """A paragraph; `tone` is `plain`, `good` or `warning`."""

    text: str
    tone: str = "plain"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Names and values in two columns; the first `headline` of them are shown large."""

    items: tuple[tuple[str, str], ...]
    headline: int = 0


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with a caption; numbers are already formatted, `align_right` names the numeric columns."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    align_right: tuple[int, ...] = ()
    collapsed: bool = False


Kind = Literal[
    "text",
    "count",
    "number",
    "significant",
    "signed",
    "times",
    "seconds",
    "share",
    "percent",
    "points",
    "interval",
    "points interval",
    "estimate",
    "share estimate",
    "correlation",
    "shares",
]
Cell = str | float | Sequence[float | None] | Sequence[Sequence[str | float]] | None


@dataclass(frozen=True)
class Column:
    """A column of a DataTable: its heading, what its numbers are, and to how many digits they are shown.

    kind: `number` has that many digits after the point, `significant` that many in all, `signed` a sign;
    `times` is a factor.  `share` is a fraction shown in percent, `percent` the same where the heading names
    the unit, `points` a difference of two.  `interval` and `points interval` are (low, high) of those;
    `estimate`, `share estimate` and `correlation` are (value, low, high), the ends None where unknown.
    `shares` are several fractions, each alone or as (name, fraction).
    digits: None for what is usual for the kind.
    """

    name: str
    kind: Kind = "text"
    digits: int | None = None


@dataclass(frozen=True, kw_only=True)
class DataTable:
    """A table as values, which a report formats by the kinds of its columns.

    A cell that is a text stands as it is, whatever the kind of its column; None is a dash.
    drawn: `confusion` for counts of true class (row) by answer (column), which are drawn as a matrix.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    collapsed: bool = False
    drawn: Literal["", "confusion"] = ""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A chart as an SVG document, with the words for those who do not see it."""

    caption: str
    svg: str
    alt: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One small picture with what stands beneath it."""

    image: ByteArray
    caption: str
    alt: str
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """Pictures side by side."""

    caption: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """Pictures of two sets beside each other: a row for each name, with the left set's and the right's."""

    caption: str
    left: str
    right: str
    rows: tuple[tuple[str, tuple[Picture, ...], tuple[Picture, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Text as it was written (a model's layers), folded away until it is asked for."""

    caption: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Record:
    """One of many things of a kind: its picture, what is known of it, and what is to be said of that.

    anchor: where on the page it is, for links within it.  mark: a word or two beside its title, whose tone is
    `good`, `plain` or `warning`.  picture: a JPEG; empty for none.  alt: what it shows, in words.
    """

    anchor: str
    title: str
    mark: str = ""
    tone: str = "plain"
    picture: bytes = b""
    alt: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Records:
    """Things of a kind, each on a card; a reader can ask for those that bear certain words."""

    caption: str
    records: tuple[Record, ...]


Block = Text | Facts | Table | Figure | Gallery | SideBySide | Listing | Records


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading, an anchor and what stands under it."""

    title: str
    anchor: str
    blocks: tuple[Block, ...]
