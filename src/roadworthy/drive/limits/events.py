"""Signs that a drive passed, as the limits need them: what each says, under which conditions, for whom."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time

from roadworthy.core.errors import DataError
from roadworthy.core.words import visible
from roadworthy.signs.catalogue import kind_and_value

ZONES = ("school", "area", "shared", "work", "rain")  # as the catalogue's faces have them
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Plates with nothing to fill in.  Whether it rains, lamps flash or children are there, a camera may see.
_SEEN = ("rain", "dry", "flashing", "children")
_PLAIN = ("school-days", "trucks", "unread")
_METRES = {"for": "length", "in": "ahead"}
_HOURS = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")
_KNOWN = (
    "times 8:00-9:30 14:30-16:00, days mon-fri, school-days, for 300 m, in 300 m, rain, dry, flashing, "
    "children (with yes or no where it was seen), trucks, arrow left, unread"
)


@dataclass(frozen=True, kw_only=True)
class Hours:
    """A part of a day, from `start` up to `end`, which it leaves out; overnight where `end` is earlier."""

    start: time
    end: time

    def hold_at(self, clock: time) -> bool:
        """Whether they hold at a time of the local clock."""
        if self.start < self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


@dataclass(frozen=True, kw_only=True)
class Plate:
    """One condition of a sign, as its plate or its own face gives it.

    kind: `times`, `days`, `school-days`, `length` (from the sign on, metres), `ahead` (begins after so many
    metres), `rain`, `dry` (unless it rains), `flashing`, `children`, `trucks`, `arrow` or `unread`.
    hours: of `times`.  days: of `days`, 0 for Monday.  metres: of `length` and `ahead`.
    way: of `arrow`.  seen: of `rain`, `dry`, `flashing` and `children`, whether that was so at the sign;
    None where nobody could tell.
    """

    kind: str
    hours: tuple[Hours, ...] = ()
    days: tuple[int, ...] = ()
    metres: int | None = None
    way: str | None = None
    seen: bool | None = None

    def __str__(self) -> str:
        if self.kind == "times":
            return f"times {' '.join(map(str, self.hours))}"
        if self.kind == "days":
            return f"days {' '.join(DAYS[day] for day in self.days)}"
        if self.metres is not None:
            return f"{'for' if self.kind == 'length' else 'in'} {self.metres} m"
        more = self.way or {None: "", True: "yes", False: "no"}[self.seen]
        return f"{self.kind} {more}".strip()


@dataclass(frozen=True, kw_only=True)
class SignEvent:
    """One physical sign that the drive passed.

    event: its name, the same in events.csv and limits.csv.  sign: its class, a name of the catalogue.
    zone: `school`, `area`, `shared`, `work`, `rain` or None, as the face has it.  plates: its conditions.
    confidence: in [0, 1].  accepted: whether its class is sure.  passed_s: seconds of the film at which the
    camera passed it.  side: `left`, `right`, `above` or None.
    counts: whether it is meant for this car; why: the evidence, in words.
    Raises DataError for a zone that does not exist and for numbers out of range.
    """

    event: str
    sign: str
    passed_s: float
    zone: str | None = None
    plates: tuple[Plate, ...] = ()
    confidence: float = 1.0
    accepted: bool = True
    side: str | None = None
    counts: bool = True
    why: str = ""

    def __post_init__(self) -> None:
        if not self.event:
            raise DataError(f"an event of {self.sign} has no name; each sign needs one of its own")
        if self.zone is not None and self.zone not in ZONES:
            raise DataError(f"event {self.event}: no zone {self.zone!r}; there are {', '.join(ZONES)}")
        if not math.isfinite(self.passed_s):
            raise DataError(
                f"event {self.event}: passed_s is {self.passed_s}; it must be seconds of the film"
            )
        if not 0 <= self.confidence <= 1:
            raise DataError(f"event {self.event}: confidence is {self.confidence}; it must be from 0 to 1")

    @property
    def kind(self) -> str:
        """The class without its number: `speed`, `end-speed`, `end-all-limits`."""
        return kind_and_value(self.sign)[0]

    @property
    def value(self) -> int | None:
        """The number of its class, km/h; None without."""
        return kind_and_value(self.sign)[1]


def plates_text(plates: Sequence[Plate]) -> str:
    """Conditions as events.csv holds them: `times 08:00-09:30 14:30-16:00; school-days`."""
    return "; ".join(map(str, plates))


def read_plates(text: str) -> tuple[Plate, ...]:
    """The conditions that `plates_text` wrote.

    Raises DataError for a condition that it does not know.
    """
    return tuple(_plate(part.strip()) for part in text.split(";") if part.strip())


def read_hours(text: str) -> Hours:
    """Hours from `8:00-9:30`; 24:00 is midnight.  Raises DataError for anything else."""
    match = _HOURS.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        numbers = [int(part) for part in match.groups()]
        start, end = (time(h % 24 if (h, m) == (24, 0) else h, m) for h, m in (numbers[:2], numbers[2:]))
    except ValueError:
        raise DataError(f"{visible(text)!r} is no part of a day; write it like 8:00-9:30") from None
    return Hours(start=start, end=end)


def _plate(text: str) -> Plate:
    kind, *rest = text.split()
    if kind == "times" and rest:
        return Plate(kind=kind, hours=tuple(map(read_hours, rest)))
    if kind == "days" and rest:
        return Plate(kind=kind, days=tuple(day for part in rest for day in _days(part, text)))
    if kind in _METRES and len(rest) == 2 and rest[0].isdecimal() and rest[1] == "m":
        return Plate(kind=_METRES[kind], metres=int(rest[0]))
    if kind == "arrow" and len(rest) == 1:
        return Plate(kind=kind, way=rest[0])
    if kind in _SEEN and (not rest or rest in (["yes"], ["no"])):
        return Plate(kind=kind, seen=None if not rest else rest == ["yes"])
    if kind in _PLAIN and not rest:
        return Plate(kind=kind)
    raise _unknown(text)


def _days(part: str, text: str) -> Sequence[int]:
    first, _, last = part.partition("-")
    if first not in DAYS or (last or first) not in DAYS:
        raise _unknown(text)
    begin, end = DAYS.index(first), DAYS.index(last or first)
    return [day % 7 for day in range(begin, end + 1 if end >= begin else end + 8)]


def _unknown(text: str) -> DataError:
    return DataError(f"a plate says {visible(text)!r}, which is no condition known; known are {_KNOWN}")
