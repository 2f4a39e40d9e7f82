"""Lettering of our own for German signs: strokes in the manner of DIN 1451."""

from __future__ import annotations

from dataclasses import dataclass

from roadworthy.core.errors import FaceError

_TOP, _WAIST, _FOOT = -50.0, -3.0, 50.0  # of the centre-lines: a digit is 100 high, plus its stroke
_CAP = 8.0  # by which an open end goes beyond them, to end level with the round forms
_LEAN = 6.0  # the same where the stroke leans


@dataclass(frozen=True)
class _Form:
    """Widths and spacing between centre-lines: a stroke of 16 to 17 goes with them."""

    width: float
    one: float
    gap: float


_MEDIUM = _Form(width=50, one=23, gap=31)  # as Mittelschrift, for one or two digits
_NARROW = _Form(width=35, one=19, gap=28)  # as Engschrift, for three and more


def digits_path(text: str, *, hooked: bool = False) -> str:
    """SVG path data of the strokes of a number, centred on (0, 0).

    The centre-lines are 100 units high; three and more digits use a narrow form.  Stroke them 16 wide with
    mitred joins and no fill.  hooked: 6 and 9 in the older form, whose stem bends round.
    Raises FaceError for anything but digits.
    """
    if not (text.isascii() and text.isdigit()):
        raise FaceError(f"got {text!r}; only the digits 0 to 9 can be drawn as strokes")
    form = _MEDIUM if len(text) < 3 else _NARROW
    widths = [form.one if digit == "1" else form.width for digit in text]
    left = -(sum(widths) + form.gap * (len(text) - 1)) / 2
    strokes = []
    for digit, width in zip(text, widths, strict=True):
        name = {"6": "hooked 6", "9": "hooked 9"}.get(digit, digit) if hooked else digit
        strokes.append(_strokes(name, left, width))
        left += width + form.gap
    return " ".join(strokes)


@dataclass(frozen=True)
class _Pen:
    """Pieces of SVG path data for a digit between x and x + w."""

    x: float
    w: float

    @property
    def r(self) -> float:
        """The radius of round ends: they are half circles, the sides between them straight."""
        return self.w / 2

    def at(self, *places: float) -> str:
        """Points, x as a part of the width, y as it is."""
        pairs = zip(places[::2], places[1::2], strict=True)
        return " ".join(f"{_short(self.x + part * self.w)} {_short(y)}" for part, y in pairs)

    def arc(self, radius: float, part: float, y: float, sweep: int = 1, inset: float = 0) -> str:
        """An arc to a point."""
        end = f"{_short(self.x + part * self.w - inset)} {_short(y)}"
        return f"A{_short(radius)} {_short(radius)} 0 0 {sweep} {end}"

    def loop(self, top: float, foot: float, radius: float) -> str:
        """A closed upright loop in the middle, its ends half circles."""
        left, right = _short(self.x + self.r - radius), _short(self.x + self.r + radius)
        bow = f"A{_short(radius)} {_short(radius)} 0 0 1"
        return (
            f"M{left} {_short(top + radius)} {bow} {right} {_short(top + radius)} "
            f"V{_short(foot - radius)} {bow} {left} {_short(foot - radius)} Z"
        )


def _strokes(digit: str, x: float, w: float) -> str:
    """One digit between x and x + w."""
    pen = _Pen(x, w)
    at, arc, loop, r = pen.at, pen.arc, pen.loop, pen.r
    neck = min(r - 1, (_WAIST - _TOP) / 2)  # the upper bowl of 3 and 8 is a little narrower
    belly = min(r, (_FOOT - _WAIST) / 2)
    tail = arc(r, 0.04, _FOOT - 0.6 * r)  # of 3 and 5: it ends before it stands upright
    match digit:
        case "0":
            return loop(_TOP, _FOOT, r)
        case "1":
            return f"M{at(-0.2, -27, 1, _TOP)} M{at(1, _TOP - _CAP)} V{_short(_FOOT + _CAP)}"
        case "2":
            slope = f"C{at(1, -4, 0.62, 4, 0.03, _FOOT)} H{_short(x + 1.06 * w)}"
            return f"M{at(0, _TOP + r)} {arc(r, 1, _TOP + r)} {slope}"
        case "3":
            return (
                f"M{_short(x + r - neck)} {_short(_TOP + neck)} {arc(neck, 1, _TOP + neck, inset=r - neck)} "
                f"V{_short(_WAIST - neck)} {arc(neck, 0.5, _WAIST)} M{at(0.34, _WAIST)} H{_short(x + r)} "
                f"{arc(belly, 1, _WAIST + belly)} V{_short(_FOOT - r)} {tail}"
            )
        case "4":
            return f"M{at(0.54, _TOP - _LEAN, 0, 24, 1.08, 24)} M{at(0.74, -8)} V{_short(_FOOT + _CAP)}"
        case "5":
            return (
                # The bowl is a stroke of its own: joined to the stem, their mitre would be a thorn.
                f"M{at(1, _TOP, 0.06, _TOP)} V2 M{at(0.06, -1)} C{at(0.18, -6, 0.32, -9, 0.5, -9)} "
                f"{arc(r, 1, -9 + r)} V{_short(_FOOT - r)} {tail}"
            )
        case "6":
            stem = f"M{at(0.72, _TOP - _LEAN)} C{at(0.36, -20, 0, -3, 0, r - 5)}"
            return f"{stem} {loop(-5, _FOOT, r)}"
        case "hooked 6":
            bend = arc(r, 0, _TOP + r, sweep=0)
            return f"M{at(0.94, _TOP + 0.525 * r)} {bend} V{_short(_FOOT - r)} {loop(-5, _FOOT, r)}"
        case "hooked 9":
            bend = arc(r, 1, _FOOT - r, sweep=0)
            return f"M{at(0.06, _FOOT - 0.525 * r)} {bend} V{_short(_TOP + r)} {loop(_TOP, 5, r)}"
        case "7":
            return f"M{at(0, -29, 0, _TOP, 1, _TOP)} C{at(0.98, -27, 0.5, -6, 0.28, _FOOT + _CAP)}"
        case "8":
            return f"{loop(_TOP, _WAIST, neck)} {loop(_WAIST, _FOOT, belly)}"
        case _:  # 9, a 6 turned by half
            stem = f"M{at(0.28, _FOOT + _LEAN)} C{at(0.64, 20, 1, 3, 1, 5 - r)}"
            return f"{stem} {loop(_TOP, 5, r)}"


def _short(value: float) -> str:
    return f"{round(value, 1):g}"
