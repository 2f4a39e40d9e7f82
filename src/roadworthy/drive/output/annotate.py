"""What a drive knows at a moment, drawn into the frame: signs, the limit that holds, the limits over time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from roadworthy.core.arrays import Box, ByteArray
from roadworthy.core.errors import ShapeError
from roadworthy.core.words import clock
from roadworthy.drive.limits.machine import LimitRow
from roadworthy.drive.output import patches
from roadworthy.drive.output.patches import Patch
from roadworthy.report.figures.limit_colours import letters_on, limit_rgb

SURE, UNSURE, NOT_OURS = (64, 224, 128), (255, 176, 32), (168, 178, 190)
COUNTRIES = ("au", "de")
_DASH_PX = 6
_LEAST_TICK_S = 1e-6


@dataclass(frozen=True, kw_only=True)
class BoxNow:
    """A sign where a frame shows it.

    box: x1, y1, x2, y2 in pixels.  sign: its class.  confidence: in [0, 1].  accepted: whether it is sure.
    counts: whether it is meant for this car.
    """

    box: Box
    sign: str
    confidence: float
    accepted: bool
    counts: bool = True


def annotated(
    image: ByteArray,
    boxes: Sequence[BoxNow],
    limit: LimitRow | None,
    *,
    time_s: float,
    duration_s: float,
    limits: tuple[LimitRow, ...] = (),
    countries: tuple[str, ...] = COUNTRIES,
) -> ByteArray:
    """A frame with its signs boxed and named, the limit in the upper right corner, a time line at the bottom.

    image: (H, W, 3) uint8 RGB; it stays as it is.  limit: what holds now; None is drawn as unknown.
    limits: of the whole film, or of what is known of it.  countries: whose faces signs have, the first first.
    A box that is not sure is broken and amber, one that is not meant for this car grey.
    Raises ShapeError for an image of another kind.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ShapeError(f"a frame is {image.shape} of {image.dtype}; it must be (H, W, 3) of uint8")
    drawn = image.copy()
    height, width = drawn.shape[:2]
    corner = _corner(_as_shown(limit), height, countries)
    taken = [(width - corner.width, 0, width, corner.height)]
    _draw_time(drawn, time_s, duration_s, limits)
    for now in boxes:
        _outline(drawn, now)
    taken += [_pixels(now.box) for now in boxes]
    for now in boxes:
        taken.append(_draw_tag(drawn, now, taken, countries))
    inset = height // 36
    corner.over(drawn, width - corner.width - inset, inset)
    return drawn


def limit_at(limits: Iterable[LimitRow], time_s: float) -> LimitRow | None:
    """The row that holds at a second; the last one at the film's end, None where no row does."""
    last = None
    for row in limits:
        if row.from_s <= time_s < row.to_s:
            return row
        last = row
    return last if last is not None and time_s == last.to_s else None


# Boxes and their names


def _draw_tag(
    image: ByteArray, now: BoxNow, taken: Sequence[Sequence[int]], countries: tuple[str, ...]
) -> tuple[int, int, int, int]:
    """Name and face beside a box, where nothing else stands if there is such a place; where it stands."""
    height, width = image.shape[:2]
    tag = _tag(now, height, countries)
    x1, y1, x2, y2 = _pixels(now.box)
    gap = 3
    places = [
        (x2 + gap, y1),
        (x1 - gap - tag.width, y1),
        (x1, y1 - gap - tag.height),
        (x1, y2 + gap),
        (x2 + gap, y2 - tag.height),
        (x2 - tag.width, y1 - gap - tag.height),
        (x2 - tag.width, y2 + gap),
    ]
    bottom = height - _strip_px(height)
    inside = [
        (left, top, left + tag.width, top + tag.height)
        for left, top in places
        if left >= 0 and top >= 0 and left + tag.width <= width and top + tag.height <= bottom
    ]
    free = [place for place in inside if not patches.overlap(place, taken)]
    if free or inside:
        place = (free or inside)[0]
    else:  # a sign that fills the picture
        left, top = max(0, min(x1, width - tag.width)), max(0, min(y1, bottom - tag.height))
        place = (left, top, left + tag.width, top + tag.height)
    tag.over(image, place[0], place[1])
    return place


def _tag(now: BoxNow, height: int, countries: tuple[str, ...]) -> Patch:
    doubt = "" if now.accepted else ", unsure"
    if not now.counts:
        doubt += ", not for this car"
    # What is sure never reads 100 %, unless it is.
    share = min(99, round(100 * now.confidence)) if now.confidence < 1 else 100
    lines = (now.sign, f"{share} %{doubt}")
    return patches.panel(lines, patches.text_px(height), (now.sign, _face_px(height), countries))


def _face_px(height: int) -> int:
    return max(24, height // 14)


def _outline(image: ByteArray, now: BoxNow) -> None:
    """The box's outline, dark within and without so that it shows on any ground."""
    height, width = image.shape[:2]
    colour = NOT_OURS if not now.counts else SURE if now.accepted else UNSURE
    thick = max(2, height // 300)
    x1, y1, x2, y2 = _pixels(now.box)
    for spread, shade in ((thick + 1, (0, 0, 0)), (thick, colour)):
        for left, top, right, bottom in (
            (x1 - spread, y1 - spread, x2 + spread, y1),
            (x1 - spread, y2, x2 + spread, y2 + spread),
            (x1 - spread, y1, x1, y2),
            (x2, y1, x2 + spread, y2),
        ):
            left, right = sorted((min(max(left, 0), width), min(max(right, 0), width)))
            top, bottom = sorted((min(max(top, 0), height), min(max(bottom, 0), height)))
            edge = image[top:bottom, left:right]
            if now.accepted or shade == (0, 0, 0):
                edge[:] = shade
            else:
                along = np.arange(left, right) + np.arange(top, bottom)[:, None]
                edge[(along // _DASH_PX) % 2 == 0] = shade


def _pixels(box: Box) -> tuple[int, int, int, int]:
    x1, y1, x2, y2 = (round(edge) for edge in box)
    return x1, y1, max(x2, x1 + 1), max(y2, y1 + 1)


# The limit that holds


def _as_shown(limit: LimitRow | None) -> tuple[int | None, str, str]:
    return (None, "unknown", "") if limit is None else (limit.limit, limit.state, limit.condition)


@lru_cache(maxsize=128)
def _corner(shown: tuple[int | None, str, str], height: int, countries: tuple[str, ...]) -> Patch:
    limit, state, _ = shown
    px, letters = max(48, round(height * 0.17)), patches.text_px(height)
    picture = None
    if limit is not None:
        picture = patches.sign_picture(f"speed-{limit}", px, countries)
    elif state == "unlimited":
        picture = patches.sign_picture("end-all-limits", px, countries)
    lines = patches.wrapped(_words(*shown), letters, round(height * 0.42), 4)
    return patches.stacked(picture or patches.unknown_disc(px), lines, letters)


def _words(limit: int | None, state: str, condition: str) -> str:
    """What stands below the sign: the plate's condition, where a limit comes from, or why it is not known."""
    if state == "limit":
        return condition
    if state.startswith("conditional"):
        return condition or state
    name = {"map": "from the map", "unlimited": "no limit"}.get(state, state)
    return f"{name}: {condition}" if condition else name


# The time line


def _strip_px(height: int) -> int:
    return max(12, height // 32)


def _draw_time(image: ByteArray, time_s: float, duration_s: float, limits: tuple[LimitRow, ...]) -> None:
    height, width = image.shape[:2]
    strip = _strip(limits, duration_s, width, _strip_px(height))
    top = height - strip.shape[0]
    image[top:] = strip
    part = min(max(time_s / max(duration_s, _LEAST_TICK_S), 0.0), 1.0)
    at, half = round(part * (width - 1)), max(1, height // 360)
    image[top - half :, max(0, at - 2 * half) : at + 2 * half + 1] = (0, 0, 0)
    image[top - half :, max(0, at - half) : at + half + 1] = (255, 255, 255)
    tag = patches.panel((f"{clock(time_s)} / {clock(duration_s)}",), max(10, height // 48))
    tag.over(image, height // 72, top - tag.height - height // 72)


@lru_cache(maxsize=8)
def _strip(limits: tuple[LimitRow, ...], duration_s: float, width: int, height: int) -> ByteArray:
    """(height, width, 3): each second's limit as a colour, with its number where there is room."""
    picture = Image.new("RGB", (width, height), (28, 33, 40))
    pen, letters = ImageDraw.Draw(picture), patches.font(max(9, height - 6))
    scale = width / max(duration_s, _LEAST_TICK_S)
    for row in limits:
        left, right = round(row.from_s * scale), round(row.to_s * scale)
        if right <= left:
            continue
        colour = limit_rgb(row.limit, row.state)
        pen.rectangle((left, 0, right - 1, height - 1), fill=colour)
        name = "no limit" if row.state == "unlimited" else "?" if row.limit is None else str(row.limit)
        if right - left > letters.getlength(name) + 6:
            pen.text(
                ((left + right) / 2, height / 2), name, fill=letters_on(colour), font=letters, anchor="mm"
            )
        pen.line((left, 0, left, height - 1), fill=(0, 0, 0))
    strip = np.array(picture)
    strip.flags.writeable = False  # cached, so all frames share it
    return strip
