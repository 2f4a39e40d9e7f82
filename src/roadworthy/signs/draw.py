"""Sign faces from SVG to pixels, through resvg.

An SVG may come from a stranger (`--faces DIR`), so only what a drawing needs is allowed: known elements,
no scripts, no pictures, links only to ids within the file, limited length and size.  Nothing is read from
disk or network except the file itself and the font that Australian signs use.
"""

from __future__ import annotations

import io
import re
from functools import cache, lru_cache
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image

from roadworthy.core.arrays import ByteArray
from roadworthy.core.errors import FaceError
from roadworthy.core.extras import require
from roadworthy.core.files import check_regular
from roadworthy.signs.catalogue import Face
from roadworthy.signs.lettering import digits_path

MAX_BYTES = 100_000
MAX_PIXELS = 2048  # a side
MAX_ELEMENTS = 2000
MAX_USES = 50  # each may copy a group: a nest of them grows exponentially

_ELEMENTS = frozenset(
    [
        *("svg", "g", "defs", "symbol", "use", "title", "desc", "style", "text", "tspan", "clipPath"),
        *("path", "rect", "circle", "ellipse", "line", "polyline", "polygon"),
        *("linearGradient", "radialGradient", "stop"),
    ]
)
_OUTWARD = re.compile(r"url\(\s*['\"]?(?!#)|@import|@font-face|expression\(|javascript:", re.IGNORECASE)
_NAMESPACE = re.compile(r"^\{[^}]*\}")


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


def check_svg(text: str) -> tuple[float, float]:
    """Refuse anything beyond a drawing; returns the viewBox's width and height.

    Raises FaceError saying what was found.
    """
    if len(text.encode()) > MAX_BYTES:
        raise FaceError(f"the SVG has {len(text.encode()):,} bytes; at most {MAX_BYTES:,} are allowed")
    # Entities are how a small XML file grows beyond all bounds or reads another file.
    if "<!DOCTYPE" in text.upper() or "<!ENTITY" in text.upper():
        raise FaceError("the SVG has a DOCTYPE or an ENTITY; leave them out")
    if found := _OUTWARD.search(text):
        raise FaceError(f"the SVG refers to something outside itself ({found[0]!r}); use only #ids within it")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise FaceError(f"the SVG is not valid XML: {error}") from error
    elements = list(root.iter())
    for element in elements:
        _check_element(element)
    uses = sum(_local(element.tag) == "use" for element in elements)
    if len(elements) > MAX_ELEMENTS or uses > MAX_USES:
        raise FaceError(
            f"the SVG has {len(elements):,} elements and {uses} <use>; "
            f"at most {MAX_ELEMENTS:,} and {MAX_USES} are allowed"
        )
    return _view_box(root)


def _check_element(element: ElementTree.Element) -> None:
    name = _local(element.tag)
    if name not in _ELEMENTS:
        raise FaceError(f"the SVG has a <{name}>; allowed elements: {', '.join(sorted(_ELEMENTS))}")
    for attribute, value in element.attrib.items():
        local = _local(attribute)
        if local.lower().startswith("on"):
            raise FaceError(f"the SVG has a script in {local}; leave it out")
        if local == "href" and not value.startswith("#"):
            raise FaceError(f"the SVG links to {value[:60]!r}; use only #ids within it")


def _local(name: object) -> str:
    return _NAMESPACE.sub("", name) if isinstance(name, str) else str(name)


def _view_box(root: ElementTree.Element) -> tuple[float, float]:
    try:
        _, _, width, height = (float(part) for part in root.attrib["viewBox"].replace(",", " ").split())
    except (KeyError, ValueError) as error:
        raise FaceError("the SVG needs a viewBox of four numbers, like viewBox='0 0 100 100'") from error
    if not (0 < width < 1e5 and 0 < height < 1e5 and 0.05 < width / height < 20):
        raise FaceError(
            f"the SVG's viewBox is {width:g} x {height:g}; both must be above 0, and neither side more than "
            "20 times the other"
        )
    return width, height


@lru_cache(maxsize=512)
def _rendered(svg: str, size: int, name: str) -> ByteArray:
    if not 1 <= size <= MAX_PIXELS:
        raise FaceError(f"face {name}: got a size of {size} px; faces are drawn at 1 to {MAX_PIXELS} px")
    try:
        width, height = check_svg(svg)
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
            font_family="Overpass",
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
