"""What a report is made of; report/html.py alone turns it into a page."""

from __future__ import annotations

from dataclasses import dataclass

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
class Listing:
    """Text as it was written (a model's layers), folded away until it is asked for."""

    caption: str
    text: str


Block = Text | Facts | Table | Figure | Gallery | Listing


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading, an anchor and what stands under it."""

    title: str
    anchor: str
    blocks: tuple[Block, ...]
