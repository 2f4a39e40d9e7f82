"""Signs as Roadworthy draws them, for pages and films: the pictures of the page in the browser."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib import resources

import numpy as np
from PIL import Image, ImageDraw

from roadworthy.core.arrays import ByteArray
from roadworthy.core.document import Gallery, Picture
from roadworthy.core.words import percent
from roadworthy.signs.catalogue import sign_classes

COUNTRIES = {"au": "Australia", "de": "Germany"}
SIDE, GAP = 128, 56  # px of a sign, and between two of them
ARROW = (120, 130, 140, 255)


@cache
def drawn(name: str, country: str) -> ByteArray | None:
    """(128, 128, 4) of a class's sign in `au` or `de`, None where the country has none."""
    file = resources.files("roadworthy.serve").joinpath("page", "faces", country, f"{name}.png")
    if not file.is_file():
        return None
    with Image.open(io.BytesIO(file.read_bytes())) as image:
        return np.asarray(image.convert("RGBA").resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def side_by_side(names: Sequence[str], caption: str) -> Gallery:
    """Each class as Australia and as Germany draw it."""
    return Gallery(
        caption=caption,
        pictures=tuple(
            Picture(image=image, title=name, caption=where, alt=f"{name}, {where}")
            for name in names
            for country, where in COUNTRIES.items()
            for image in [drawn(name, country)]
            if image is not None
        ),
    )


def mirrored(names: Sequence[str], caption: str) -> Gallery:
    """Signs and their mirror images, which are signs only where the catalogue knows one."""
    pictures = []
    for name in names:
        image, known = drawn(name, "de"), sign_classes()[name].mirror
        if image is not None:
            words = f"mirrored: {'the same sign' if known == name else known or 'no sign'}"
            both = _joined(image, image[:, ::-1])
            pictures.append(Picture(image=both, title=name, caption=words, alt=f"{name}, {words}"))
    return Gallery(caption=caption, pictures=tuple(pictures))


def misread_signs(wrong: Counter[tuple[str, str]], caption: str, most: int = 6) -> Gallery:
    """The commonest mistakes, drawn: the sign, and the sign that it was taken for."""
    pictures = []
    for (target, answer), n in wrong.most_common(most):
        left, right = drawn(target, "de"), drawn(answer, "de")
        if left is not None and right is not None:
            words = f"read as {answer}\n{n} times, {percent(n / wrong.total(), 0)} of all mistakes"
            pictures.append(
                Picture(image=_joined(left, right), title=target, caption=words, alt=f"{target} {words}")
            )
    return Gallery(caption=caption, pictures=tuple(pictures))


def _joined(left: ByteArray, right: ByteArray) -> ByteArray:
    """Two signs with an arrow between them."""
    both = Image.new("RGBA", (2 * SIDE + GAP, SIDE))
    both.paste(Image.fromarray(left), (0, 0))
    both.paste(Image.fromarray(right), (SIDE + GAP, 0))
    draw, middle = ImageDraw.Draw(both), SIDE // 2
    draw.line([(SIDE + 10, middle), (SIDE + GAP - 20, middle)], fill=ARROW, width=6)
    head = SIDE + GAP - 10
    draw.polygon([(head, middle), (head - 16, middle - 12), (head - 16, middle + 12)], fill=ARROW)
    return np.asarray(both)
