"""NMEA 0183: the text that GPS receivers send, a sentence a line, as loggers and many dashcams keep it.

Read by us and not by pynmea2, which gives 0.0, 0.0 for no fix and turns two-digit years at 69.  RMC makes a
fix (time, date, place, speed in knots, course); GGA of the same second adds height and accuracy.  Text before
the dollar sign is passed over (BlackVue writes a clock there).  A sentence whose checksum is wrong is
refused, one without checksum read.  Receivers that change the date late at midnight are put right.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from pathlib import Path

from roadworthy.core import notes
from roadworthy.core.errors import DataError
from roadworthy.core.words import plural
from roadworthy.drive.gps.fixes import (
    KNOT,
    METRES_PER_DOP,
    MOST_DOP,
    Fix,
    is_place,
    read_text,
    track_format,
)

_SENTENCE = re.compile(r"\$([A-Z]{2}(?:RMC|GGA),[^*$\r\n]*)(?:\*([0-9A-Fa-f]{2}))?")
_RMC_FIELDS, _GGA_FIELDS = 10, 10
_FIRST_YEAR = 80  # GPS began in 1980: 80 to 99 are the last century's
_MEASURED = {"", "A", "D", "F", "P", "R"}  # not estimated, simulated, typed in or none
_DAY = timedelta(days=1)
_NO_FIX, _BAD_SUM, _BROKEN = "no fix", "a wrong checksum", "a field that cannot be read"


def _recognises(start: bytes) -> bool:
    return bool(re.search(rb"\$[A-Z]{2}(?:RMC|GGA|GSA|GSV|GLL|VTG|ZDA|TXT),", start))


@track_format("nmea", recognises=_recognises)
def read(path: Path) -> list[Fix]:
    """NMEA 0183: sentences RMC and GGA, as receivers send them."""
    refused: Counter[str] = Counter()
    try:
        fixes = fixes_of(read_text(path).splitlines(), refused)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    if not fixes:
        said = ", ".join(f"{plural(n, 'sentence')} with {why}" for why, n in refused.items())
        raise DataError(f"{path} holds no position ({said or 'no RMC sentence'}); RMC sentences are needed")
    for why, n in refused.items():
        notes.say(f"{path.name}: {plural(n, 'sentence')} with {why} left out")
    return fixes


def fixes_of(lines: Iterable[str], refused: Counter[str] | None = None) -> list[Fix]:
    """The fixes of NMEA lines, in order; what is refused is counted by its reason."""
    refused = Counter() if refused is None else refused
    fixes: list[Fix] = []
    extra: dict[str, tuple[float | None, float | None]] = {}  # by time of day: accuracy, height
    clocks: list[str] = []
    for line in lines:
        for text, checksum in _SENTENCE.findall(line):
            if checksum and int(checksum, 16) != _sum(text):
                refused[_BAD_SUM] += 1
                continue
            name, *fields = text.split(",")
            try:
                if name.endswith("GGA"):
                    _remember(fields, extra)
                elif (fix := _rmc(fields)) is None:
                    refused[_NO_FIX] += 1
                else:
                    fixes.append(fix)
                    clocks.append(fields[0])
            except (ValueError, IndexError):
                refused[_BROKEN] += 1
    fixes = [_with(fix, extra.get(clock)) for fix, clock in zip(fixes, clocks, strict=True)]
    return _dates_put_right(fixes)


def _sum(text: str) -> int:
    return reduce(lambda a, b: a ^ b, text.encode("utf-8", errors="replace"), 0)


def _rmc(fields: list[str]) -> Fix | None:
    clock, status, lat, north, lon, east, knots, course, date = fields[: _RMC_FIELDS - 1]
    mode = fields[11] if len(fields) > 11 else ""
    if status != "A" or mode not in _MEASURED or not lat or not lon:
        return None
    place = _degrees(lat, north, "NS", 2), _degrees(lon, east, "EW", 3)
    if not is_place(*place):
        return None
    speed = float(knots) * KNOT if knots else None
    if speed is not None and not 0 <= speed < 1000:
        raise ValueError("no speed")
    return Fix(
        lat=place[0],
        lon=place[1],
        time=_time(date, clock),
        speed=speed,
        course=float(course) % 360 if course else None,
    )


def _degrees(text: str, side: str, sides: str, digits: int) -> float:
    """`3748.123`, `S` as -37.80205: degrees and minutes run together."""
    if side not in sides or not side or not re.fullmatch(rf"\d{{{digits}}}[0-5]\d(\.\d*)?", text):
        raise ValueError("not degrees and minutes")
    value = int(text[:digits]) + float(text[digits:]) / 60
    return -value if side == sides[1] or side == "S" else value


def _time(date: str, clock: str) -> datetime:
    if not re.fullmatch(r"\d{6}", date) or not re.fullmatch(r"\d{6}(\.\d*)?", clock):
        raise ValueError("no time")
    year = int(date[4:])
    day = datetime(year + (1900 if year >= _FIRST_YEAR else 2000), int(date[2:4]), int(date[:2]), tzinfo=UTC)
    # A leap second is written as 60: a timedelta takes it.
    return day + timedelta(hours=int(clock[:2]), minutes=int(clock[2:4]), seconds=float(clock[4:]))


def _remember(fields: list[str], extra: dict[str, tuple[float | None, float | None]]) -> None:
    """A GGA's accuracy and height, for the RMC of the same moment."""
    if len(fields) < _GGA_FIELDS or fields[5] in {"", "0"}:
        return
    dop = float(fields[7]) if fields[7] else None
    accuracy = dop * METRES_PER_DOP if dop is not None and 0 < dop <= MOST_DOP else None
    extra[fields[0]] = accuracy, float(fields[8]) if fields[8] else None


def _with(fix: Fix, extra: tuple[float | None, float | None] | None) -> Fix:
    return fix if extra is None else replace(fix, accuracy=extra[0], height=extra[1])


def _dates_put_right(fixes: list[Fix]) -> list[Fix]:
    """The fixes, those a day later that stand a whole day before the one they follow."""
    right: list[Fix] = []
    for fix in fixes:
        if right and fix.time is not None and right[-1].time is not None:
            back = right[-1].time - fix.time
            if _DAY - timedelta(minutes=1) < back < _DAY:
                fix = replace(fix, time=fix.time + _DAY)
        right.append(fix)
    return right
