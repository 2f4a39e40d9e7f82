"""What is printed, as lines: for a person cut and folded to the terminal's width, for a program whole.

`width` is None where stdout is no terminal.  Nothing is then cut, folded or coloured, so that a script reads
the same whatever window it was started in.  On a terminal no line is longer than `width`: words go on in the
next line, a path loses its front, other long values their end.
"""

from __future__ import annotations

import io
import os
import shutil
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from roadworthy.core.words import percent, visible

if TYPE_CHECKING:
    from roadworthy.inference.answers import Row

NAME, SURE, BOX = 24, 7, 19  # columns of the table of answers
_LEAST_SHOWN = 0.001  # of an alternative on a terminal
_COLOURS = {"red": 31, "yellow": 33, "bold": 1}
_STYLES = {"error": "red", "warning": "yellow"}


def width_of(stream: TextIO) -> int | None:
    """Columns of the terminal that a stream leads to; None where it leads to none."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


def paint(text: str, style: str, stream: TextIO) -> str:
    """The text in a colour, where the stream leads to a terminal and NO_COLOR is not set."""
    return f"\x1b[{_COLOURS[style]}m{text}\x1b[0m" if coloured(stream) else text


def coloured(stream: TextIO) -> bool:
    """Whether colours belong into this stream.  Source: no-color.org."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def prose(text: str, width: int | None, indent: str = "") -> list[str]:
    """A sentence, on a terminal over as many lines as it takes."""
    if width is None:
        return [indent + text]
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_on_hyphens=False,
    )


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    width: int | None,
    *,
    folded: str = "",
    cut: str = "",
    path: str = "",
    header: bool = True,
    indent: str = "",
    colour: bool = False,
) -> list[str]:
    """Rows under headings.

    The column that gives way where there is no room for all: `folded` goes on in the next line, `cut` loses
    its end, `path` its front.
    """
    # Rich takes a tenth of a second to import, and `predict` needs none of it.
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    cells = [[visible(str(cell)) for cell in row] for row in rows]
    headings = [list(columns)] if header or not cells else []
    natural = [max(map(cell_len, column)) for column in zip(*(headings + cells), strict=True)]
    room = None if width is None else width - len(indent)
    giving = next((place for place, name in enumerate(columns) if name in (folded, cut, path)), None)
    widths = natural if room is None else _fitted(natural, room, giving)
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=header, header_style="bold")
    for name, length in zip(columns, widths, strict=True):
        drawn.add_column(name, width=length, no_wrap=name != folded, overflow="fold")
    shown = [behind if name == path else before for name in columns]
    for row in cells:
        fitted = (
            cell if name == folded else shorten(cell, length)
            for name, shorten, cell, length in zip(columns, shown, row, widths, strict=True)
        )
        drawn.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in fitted))
    wide = sum(natural) + 2 * len(natural) if room is None else room
    return [(indent + line).rstrip() for line in _rendered(drawn, wide, colour)]


def _fitted(natural: Sequence[int], room: int, giving: int | None) -> list[int]:
    """Widths of columns that fit into `room`: none takes more than a third, one what the others leave."""
    widths = [min(length, room // 3) for length in natural]
    if giving is not None:
        others = sum(length + 2 for place, length in enumerate(widths) if place != giving)
        widths[giving] = min(natural[giving], max(8, room - others))
    return widths


def _rendered(drawn: Any, width: int, colour: bool) -> list[str]:
    from rich.console import Console

    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        legacy_windows=False,
    )
    with console.capture() as captured:
        console.print(drawn)
    return [line.rstrip() for line in captured.get().splitlines()]


def behind(text: str, room: int) -> str:
    """The end of a text that is too long: of a path it says most."""
    return text if len(text) <= room else f"…{text[len(text) - room + 1 :]}"


def before(text: str, room: int) -> str:
    """The beginning of a text that is too long."""
    return text if len(text) <= room else f"{text[: room - 1]}…"


def answers(rows: Iterable[Row], width: int | None, *, find: bool, stream: TextIO) -> Iterator[str]:
    """A table of predictions, each as it comes: columns have their widths before the rows are known.

    Rich lays out a table when all its rows are there, and takes a tenth of a second to import.
    """
    if width is None:
        yield from _whole_answers(rows)
        return
    # What is left of the line is shared out between what else it may be, or the box, and the picture.
    aside = BOX if find else max(20, (width - NAME - SURE - 6) // 2)
    heading = f"{'predicted':<{NAME}}  {'sure':>{SURE}}  {'box' if find else 'or else':<{aside}}  picture"
    yield paint(before(heading, width), "bold", stream)
    for row in rows:
        if row.error is not None:
            name = behind(visible(row.path), width - 8)
            first, *more = prose(f"error  {name}: {visible(row.error)}", width)
            yield first.replace("error", paint("error", "red", stream), 1)
            yield from more
            continue
        doubt = _doubt(row)
        # A name that is longer than its column takes from what else it may be, or from the picture.
        box = " ".join(f"{edge:.0f}" for edge in row.box or ())
        said = f"{before(row.predicted, width - SURE - BOX - 14 - len(doubt)) + doubt:<{NAME}}"
        room = BOX if find else max(0, aside + NAME - len(said))
        # What was answered from a closer look is sure: where it was seen says more than what else it may be.
        closer = bool(box) and not find and len(f"at {box}") <= width - len(said) - SURE - 14
        middle = box if find else f"at {box}" if closer else _as_fit(row.alternatives, room)
        line = f"{said}  {percent(row.confidence, 1):>{SURE}}  {middle:<{room}}  "
        line = before(line + behind(visible(row.path), max(8, width - len(line))), width).rstrip()
        yield line if row.accepted is not False else line.replace(said, paint(said, "yellow", stream), 1)


def _doubt(row: Row) -> str:
    from roadworthy.inference.answer_rule import UNSURE_BOX

    if row.unsure or row.reason == UNSURE_BOX:
        return " (not sure)"
    # The command line hands on files alone, whose order of channels is known: the other reason is colour.
    return "" if row.reason is None else " (no colour)"


def _as_fit(alternatives: Sequence[tuple[str, float]], room: int) -> str:
    """As many of the likelier ones as there is room for, none of them cut."""
    text = ""
    for name, share in alternatives:
        longer = f"{text}, {name} {percent(share, 1)}".removeprefix(", ")
        if share < _LEAST_SHOWN or len(longer) > room:
            break
        text = longer
    return text


def _whole_answers(rows: Iterable[Row]) -> Iterator[str]:
    # The path comes last: it alone has no width that would fit all, and rows must not wait for each other.
    yield f"{'predicted':<{NAME}} {'sure':>{SURE}}  {'or else':<40} path"
    for row in rows:
        if row.error is not None:
            yield f"{'error':<{NAME}} {'':>{SURE}}  {'':<40} {visible(row.path)} {visible(row.error)}"
            continue
        others = ", ".join(f"{name} {percent(share, 1)}" for name, share in row.alternatives)
        name = row.predicted + _doubt(row)
        where = "" if row.box is None else f" at {' '.join(f'{edge:.0f}' for edge in row.box)}"
        yield f"{name:<{NAME}} {percent(row.confidence, 1):>{SURE}}  {others:<40} {visible(row.path)}{where}"
