"""Sign faces from SVG to pixels, through resvg, once svg_check has found them to be drawings.

Nothing is read from disk or network except the file itself and the font of road signs.
"""

from __future__ import annotations

import io
import re
from functools import cache, lru_cache
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image

from roadworthy.core.arrays import ByteArray
from roadworthy.core.errors import FaceError
from roadworthy.core.extras import require
from roadworthy.core.files import check_regular
from roadworthy.signs.catalogue import Face
from roadworthy.signs.lettering import digits_path
from roadworthy.signs.svg_check import FONT, check_svg

MAX_PIXELS = 2048  # a side
_DPI = 96  # as CSS has it; resvg-py's own is 0, and lengths in mm, pt or in vanish
_ROOT = re.compile(r"<(?:\w+:)?svg\b[^>]*>")
_SIZE = re.compile(r"\s(?:width|height|preserveAspectRatio)\s*=\s*(?:\"[^\"]*\"|'[^']*')")


def draw(face: Face, size: int) -> ByteArray:
    """A face as (H, W, 4) uint8 RGBA, straight alpha, its longer side `size` pixels.

    Raises FaceError, naming the file, if it is not a drawing that is allowed.
    """
    return _rendered(face_svg(face), size, f"{face.name} ({face.file})")


def draw_tile(face: Face, size: int) -> ByteArray:
    """A face as (size, size, 4) uint8 RGBA, centred, transparent around it."""
    drawn = draw(face, size)
    tile = np.zeros((size, size, 4), dtype=np.uint8)
    top, left = (size - drawn.shape[0]) // 2, (size - drawn.shape[1]) // 2
    tile[top : top + drawn.shape[0], left : left + drawn.shape[1]] = drawn
    return tile


def draw_icon(face: Face, size: int) -> ByteArray:
    """A face as (size, size, 3) uint8 RGB, on the mid-grey that transparent parts of pictures get."""
    tile = draw_tile(face, size).astype(np.float32)
    opacity = tile[..., 3:] / 255
    return (tile[..., :3] * opacity + 128 * (1 - opacity)).round().astype(np.uint8)


def face_svg(face: Face) -> str:
    """The SVG of a face, with its number or text filled in if it is a template."""
    try:
        check_regular(face.file)
        text = face.file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FaceError(f"face {face.name}: {face.file} cannot be read: {error}") from error
    if face.text is not None:
        if "{t}" not in text:
            raise FaceError(f"face {face.name}: {face.file} has no {{t}} where the text would go")
        return text.replace("{t}", escape(face.text))
    if face.number is None:
        return text
    if not any(place in text for place in ("{n}", "{digits}", "{hooked}")):
        raise FaceError(f"face {face.name}: {face.file} has no {{n}} or {{digits}} where the number would go")
    number = str(face.number)
    if "{digits}" in text:
        text = text.replace("{digits}", digits_path(number))
    if "{hooked}" in text:
        text = text.replace("{hooked}", digits_path(number, hooked=True))
    return text.replace("{n}", number)


@lru_cache(maxsize=512)
def _rendered(svg: str, size: int, name: str) -> ByteArray:
    if not 1 <= size <= MAX_PIXELS:
        raise FaceError(f"face {name}: got a size of {size} px; faces are drawn at 1 to {MAX_PIXELS} px")
    try:
        width, height = check_svg(svg)
        # A face fills its viewBox, whatever the file says of a page around it.
        svg = _ROOT.sub(lambda root: _SIZE.sub("", root[0]), svg, count=1)
        # Given both sides, resvg keeps the aspect by overshooting one of them.
        picture = _resvg(svg, width=size) if width >= height else _resvg(svg, height=size)
    except FaceError as error:
        raise FaceError(f"face {name}: {error}") from error
    if not picture[..., 3].any():
        raise FaceError(f"face {name}: the SVG shows nothing; fill or stroke its shapes")
    picture.flags.writeable = False  # cached, so all callers share it
    return picture


def _resvg(svg: str, *, width: int | None = None, height: int | None = None) -> ByteArray:
    require("drawing signs", "signs")
    import resvg_py

    try:
        png = resvg_py.svg_to_bytes(
            svg_string=svg,
            width=width,
            height=height,
            skip_system_fonts=True,
            font_files=list(font_files()),
            font_family=FONT,
            dpi=_DPI,
        )
    except ValueError as error:
        raise FaceError(f"the SVG cannot be drawn: {error}") from error
    with Image.open(io.BytesIO(bytes(png)), formats=("PNG",)) as image:
        return np.array(image.convert("RGBA"))


@cache
def font_files() -> tuple[str, ...]:
    """The files of Overpass, the family of road signs."""
    import fontpkg_overpass

    return tuple(str(path) for path in Path(fontpkg_overpass.ROOT).rglob("*.ttf"))
