"""Draw the README's street, with what the packaged model finds in it: python docs/make_street.py.

The picture carries the model's answers as JSON in its comment, so that a test can tell whether the drawing or
the model has changed since.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont

import roadworthy
from roadworthy.data.drawings import face_tiles
from roadworthy.render.street import Street, draw_street

PICTURE = Path(__file__).parent / "images" / "street.jpg"
SEED, WIDTH, HEIGHT, MOST = 50, 960, 540, 5
INK, PAPER, TEXT_PX, LINE_PX = (255, 0, 170), (255, 255, 255), 20, 3


@dataclass(frozen=True)
class Found:
    """A sign that the model found: its class, its box in pixels, and whether the answer is accepted."""

    name: str
    box: tuple[float, float, float, float]
    accepted: bool


def street() -> Street:
    """The street without boxes; the seed was picked by eye among a few dozen.

    Of each class that the model knows it may show the plain form.
    """
    known = set(roadworthy.load().classes)
    faces = {sign: tiles[:1] for sign, tiles in face_tiles(("au",), 128).items() if sign in known}
    generator = torch.Generator().manual_seed(SEED)
    return draw_street(faces, generator, width=WIDTH, height=HEIGHT, most=MOST)


def found(drawn: Street) -> list[Found]:
    """What the packaged model finds in it."""
    rows = roadworthy.load().find(drawn.image)
    return [
        Found(row.predicted, tuple(round(edge) for edge in row.box), row.accepted is not False)
        for row in rows
        if row.predicted and row.box
    ]


def annotated(drawn: Street, signs: Sequence[Found]) -> Image.Image:
    """The street with a box and a name for each sign."""
    picture = Image.fromarray(drawn.image)
    pen = ImageDraw.Draw(picture)
    font = ImageFont.load_default(TEXT_PX)
    for sign in signs:
        name = sign.name if sign.accepted else f"{sign.name}?"
        x1, y1, x2, y2 = sign.box
        pen.rectangle((x1 - LINE_PX, y1 - LINE_PX, x2 + LINE_PX, y2 + LINE_PX), outline=INK, width=LINE_PX)
        left = min(x1 - LINE_PX, WIDTH - font.getlength(name) - 8)
        top = y2 + LINE_PX if y2 + TEXT_PX + 12 < HEIGHT else y1 - TEXT_PX - 12
        pen.rectangle((left, top, left + font.getlength(name) + 8, top + TEXT_PX + 6), fill=INK)
        pen.text((left + 4, top + 1), name, fill=PAPER, font=font)
    return picture


def stored() -> list[Found]:
    """The answers that the kept picture shows."""
    with Image.open(PICTURE) as picture:
        rows = json.loads(picture.info["comment"])
    return [Found(name, tuple(box), accepted) for name, box, accepted in rows]


def encoded(drawn: Street, signs: Sequence[Found]) -> bytes:
    """The kept file: the annotated street, with its answers as the comment."""
    comment = json.dumps([(sign.name, sign.box, sign.accepted) for sign in signs])
    file = io.BytesIO()
    annotated(drawn, signs).save(file, "JPEG", quality=82, optimize=True, comment=comment.encode())
    return file.getvalue()


if __name__ == "__main__":
    scene = street()
    PICTURE.write_bytes(encoded(scene, found(scene)))
