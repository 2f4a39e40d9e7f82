"""The colour of a speed limit, the same on maps, time lines and films; each bears its number beside it."""

from __future__ import annotations

from bisect import bisect_right

UNKNOWN = "#8b95a1"
UNLIMITED = "#3d4752"
# Slow is cold, fast is warm; lightness rises and falls, so that neighbours differ without colour, too.
_ANCHORS = (
    (10, (120, 66, 160)),
    (30, (76, 86, 196)),
    (40, (48, 122, 212)),
    (50, (36, 156, 196)),
    (60, (32, 160, 124)),
    (70, (96, 176, 62)),
    (80, (176, 184, 40)),
    (90, (228, 172, 28)),
    (100, (234, 134, 44)),
    (110, (218, 84, 42)),
    (130, (170, 32, 62)),
)
Rgb = tuple[int, int, int]


def limit_rgb(limit: int | None, state: str = "limit") -> Rgb:
    """The colour of a row of limits.csv, (red, green, blue) in [0, 255]; grey where the limit is unknown."""
    if limit is None:
        return _from_hex(UNLIMITED if state == "unlimited" else UNKNOWN)
    place = bisect_right(_ANCHORS, limit, key=lambda anchor: anchor[0])
    if place in (0, len(_ANCHORS)):
        return _ANCHORS[min(place, len(_ANCHORS) - 1)][1]
    (low, start), (high, end) = _ANCHORS[place - 1], _ANCHORS[place]
    part = (limit - low) / (high - low)
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(start, end, strict=True))
    return red, green, blue


def limit_colour(limit: int | None, state: str = "limit") -> str:
    """The same as `#rrggbb`."""
    red, green, blue = limit_rgb(limit, state)
    return f"#{red:02x}{green:02x}{blue:02x}"


def letters_on(colour: Rgb) -> Rgb:
    """Black or white, whichever stands out more."""
    luminance = sum(part * weight for part, weight in zip(colour, (0.299, 0.587, 0.114), strict=True))
    return (0, 0, 0) if luminance > 140 else (255, 255, 255)


def _from_hex(text: str) -> Rgb:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)
