"""Whether an SVG is a drawing that we draw right.

It may come from a stranger (`--faces DIR`), so only what a drawing needs is allowed: known elements, no
scripts, no pictures, links only to ids within the file, limited length and size.  And resvg passes over in
silence what it does not know (resvg-py 0.5: newer colours turn black, text in a font that is not there
disappears, a size in rem is none), so that is refused, with what would work.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from xml.etree import ElementTree

from PIL import ImageColor

from roadworthy.core.errors import FaceError

MAX_BYTES = 100_000
MAX_ELEMENTS = 2000
MAX_USES = 50  # each may copy a group: a nest of them grows exponentially
FONT = "Overpass"  # the family of road signs that we bring; no other is there

_ELEMENTS = frozenset(
    [
        *("svg", "g", "defs", "symbol", "use", "title", "desc", "style", "text", "tspan", "clipPath"),
        *("path", "rect", "circle", "ellipse", "line", "polyline", "polygon"),
        *("linearGradient", "radialGradient", "stop"),
    ]
)
_OUTWARD = re.compile(r"url\(\s*['\"]?(?!#)|@import|@font-face|expression\(|javascript:", re.IGNORECASE)
_NAMESPACE = re.compile(r"^\{[^}]*\}")
_COLOURED = frozenset(["fill", "stroke", "stop-color", "color"])
_COLOUR = re.compile(
    r"#[0-9a-f]{3,4}|#[0-9a-f]{6}|#[0-9a-f]{8}|(rgb|hsl)a?\([\d\s.,%+-]+\)|url\(\s*['\"]?#[^)]*\).*",
    re.IGNORECASE,
)
_WORDS = frozenset(["none", "inherit", "currentcolor", "transparent"])
_LENGTHS = re.compile(
    r"[xyr]|[xy][12]|[dcrf][xy]|width|height|stroke-(width|dashoffset)|font-size|(letter|word)-spacing"
)
_STRANGE_UNIT = re.compile(r"[\d.](?!(?:px|mm|cm|in|pt|pc|em|ex|e[+-]?\d|%))([a-z]+)", re.IGNORECASE)
_STYLES = re.compile(r"([\w-]+)\s*:\s*([^;{}]+)")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_FONT_SIZE = re.compile(r"^.*\d[\w.%/]*\s+")  # in the short form `bold 12px Overpass`


def check_svg(text: str) -> tuple[float, float]:
    """Refuse more than a drawing, and what would be drawn wrong; returns the viewBox's width and height.

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
    uses = sum(local_name(element.tag) == "use" for element in elements)
    if len(elements) > MAX_ELEMENTS or uses > MAX_USES:
        raise FaceError(
            f"the SVG has {len(elements):,} elements and {uses} <use>; "
            f"at most {MAX_ELEMENTS:,} and {MAX_USES} are allowed"
        )
    has_text = any(local_name(element.tag) == "text" for element in elements)
    for element in elements:
        for name, value in _properties(element):
            _check_property(name, value, has_text)
    return _view_box(root)


def local_name(name: object) -> str:
    """A tag's or an attribute's name without its namespace."""
    return _NAMESPACE.sub("", name) if isinstance(name, str) else str(name)


def _check_element(element: ElementTree.Element) -> None:
    name = local_name(element.tag)
    if name not in _ELEMENTS:
        raise FaceError(f"the SVG has a <{name}>; allowed elements: {', '.join(sorted(_ELEMENTS))}")
    for attribute, value in element.attrib.items():
        local = local_name(attribute)
        if local.lower().startswith("on"):
            raise FaceError(f"the SVG has a script in {local}; leave it out")
        if local == "href" and not value.startswith("#"):
            raise FaceError(f"the SVG links to {value[:60]!r}; use only #ids within it")


def _properties(element: ElementTree.Element) -> Iterator[tuple[str, str]]:
    """What an element says of its look: attributes, its style, or the rules of a <style>."""
    for attribute, value in element.attrib.items():
        if local_name(attribute) == "style":
            yield from _STYLES.findall(_COMMENT.sub("", value))
        else:
            yield local_name(attribute), value
    if local_name(element.tag) == "style":
        rules = _COMMENT.sub("", element.text or "")
        if at_rule := re.search(r"@[\w-]+", rules):
            raise FaceError(f"the SVG's style has {at_rule[0]}, which is not drawn; write plain rules")
        for body in re.findall(r"\{([^{}]*)\}", rules):
            yield from _STYLES.findall(body)


def _check_property(name: str, value: str, has_text: bool) -> None:
    name, value = name.lower(), value.replace("!important", "").strip()
    if found := re.search(r"\b(var|calc|env|min|max|clamp)\(", value):
        raise FaceError(
            f"the SVG has {name} = {value[:60]!r}; {found[1]}() is not drawn, write the value itself"
        )
    if name in _COLOURED and not _is_colour(value):
        raise FaceError(
            f"the SVG has the colour {value[:60]!r}, which would be drawn black; write #rrggbb, a name like "
            "red, or rgb(255, 0, 0)"
        )
    if _LENGTHS.fullmatch(name) and (unit := _STRANGE_UNIT.search(value)):
        raise FaceError(
            f"the SVG has {name} = {value[:60]!r}; lengths in {unit[1]} are not drawn, use units of the "
            "viewBox, px, mm, cm, in, pt, pc, em or %"
        )
    if has_text and name in ("font-family", "font"):
        family = _FONT_SIZE.sub("", value) if name == "font" else value
        first = family.split(",")[0].strip().strip("'\"").strip()
        if first.casefold() not in (FONT.casefold(), "inherit"):
            raise FaceError(
                f"the SVG has text in the font {first[:60]!r}, which is not there: it would disappear; use "
                f"font-family='{FONT}', weights 100 to 900, or turn the text into paths"
            )


def _is_colour(value: str) -> bool:
    return value.casefold() in _WORDS or value.casefold() in _names() or _COLOUR.fullmatch(value) is not None


@cache
def _names() -> frozenset[str]:
    """The names of colours in SVG 1.1; the one that came later is drawn black."""
    return frozenset(ImageColor.colormap) - {"rebeccapurple"}


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
