"""Contact sheets of frames with what is marked in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from roadworthy.core.arrays import ByteArray
from roadworthy.core.boxes import as_boxes
from roadworthy.core.errors import DataError, ImageError
from roadworthy.core.words import plural
from roadworthy.data.frames import Frame
from roadworthy.data.sheet import contact_sheet
from roadworthy.imaging.decode import decode

WANTED, IGNORED = (255, 0, 200), (90, 200, 255)  # of boxes: no sign has these colours
_WIDTH_PX, _TEXT_PX = 2, 12


def frame_sheet(frames: Sequence[Frame], columns: int = 4, cell: int = 400) -> ByteArray:
    """Frames in rows of `columns`, each scaled to `cell` pixels, its boxes drawn and its signs named.

    Signs have pink boxes, regions to be ignored blue ones.
    Raises DataError for a frame that is no picture.
    """
    return contact_sheet(
        [_drawn(frame, cell) for frame in frames], list(map(_caption, frames)), columns, cell
    )


def _drawn(frame: Frame, cell: int) -> ByteArray:
    try:
        image = Image.fromarray(decode(frame.path))
    except ImageError as error:
        raise DataError(f"{frame.path} {error}") from error
    scale = cell / max(image.size)
    # Scaled before anything is drawn: lines and letters stay as thick as they are.
    picture = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    boxes = as_boxes([marked.box for marked in frame.annotations]) * scale
    draw_boxes(
        picture,
        boxes.tolist(),
        [marked.label for marked in frame.annotations],
        [IGNORED if marked.ignore else WANTED for marked in frame.annotations],
    )
    return np.asarray(picture)


def draw_boxes(
    picture: Image.Image,
    boxes: Sequence[Sequence[float]],
    names: Sequence[str],
    colours: Sequence[tuple[int, int, int]],
) -> None:
    """Draw frames around boxes, just outside them, each with a name above or below."""
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(_TEXT_PX)
    for (x1, y1, x2, y2), name, colour in zip(boxes, names, colours, strict=True):
        edges = (x1 - _WIDTH_PX, y1 - _WIDTH_PX, x2 + _WIDTH_PX - 1, y2 + _WIDTH_PX - 1)
        pen.rectangle(edges, outline=colour, width=_WIDTH_PX)
        if name:
            above = y1 - _WIDTH_PX - _TEXT_PX - 2
            left = max(0.0, min(x1 - _WIDTH_PX, picture.width - font.getlength(name)))
            place = (left, above if above >= 0 else y2 + _WIDTH_PX)
            pen.text(place, name, fill=(255, 255, 255), font=font, stroke_width=1, stroke_fill=(0, 0, 0))


def _caption(frame: Frame) -> str:
    marks = [plural(len(frame.wanted), "sign")]
    if ignored := len(frame.annotations) - len(frame.wanted):
        marks.append(f"{ignored} ignored")
    return f"{Path(frame.path).name}\n{', '.join([*filter(None, [frame.split]), *marks])}"
